//! Steps of the virtual machine, counted in a real run: exact, and the same on every machine.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, StatementStatus};

use super::{Engine, IndexName, Work};
use crate::data::Dataset;

/// Steps after which a run is stopped, in units between two looks.
const LOOKS: u64 = 1_000;
const STEPS_PER_LOOK: i32 = 1_000_000;

pub struct Sqlite {
    connection: Connection,
}

pub fn create(path: &str) -> Result<()> {
    if let Some(folder) = Path::new(path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    if Path::new(path).exists() {
        std::fs::remove_file(path)?;
    }
    Connection::open(path)?.execute_batch("PRAGMA page_size = 4096; VACUUM;")?;
    Ok(())
}

impl Sqlite {
    pub fn open(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -64000; PRAGMA temp_store = MEMORY;",
        )?;
        Ok(Self { connection })
    }

    /// The steps, and whether there were too many.
    fn run(&self, sql: &str) -> Result<(f64, bool)> {
        let mut looks = 0;
        self.connection.progress_handler(
            STEPS_PER_LOOK,
            Some(move || {
                looks += 1;
                looks >= LOOKS
            }),
        )?;
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.raw_query();
        let outcome = loop {
            match rows.next() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(false),
                Err(error)
                    if error.sqlite_error_code()
                        == Some(rusqlite::ErrorCode::OperationInterrupted) =>
                {
                    break Ok(true);
                }
                Err(error) => break Err(error),
            }
        };
        drop(rows);
        // The counter has 31 bits; it is never reached below the stop.
        let steps = statement.get_status(StatementStatus::VmStep);
        drop(statement);
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        Ok((f64::from(steps), outcome?))
    }
}

impl Engine for Sqlite {
    fn version(&mut self) -> Result<String> {
        Ok(format!("SQLite {}", rusqlite::version()))
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn schema(&self, sql: &str) -> String {
        sql.replace("JSONB", "TEXT")
            .replace("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY")
    }

    fn load(&mut self, dataset: Dataset, table: &'static str, scale: f64) -> Result<()> {
        let fields = self.columns(table)?.len();
        let places = vec!["?"; fields].join(", ");
        let transaction = self.connection.transaction()?;
        {
            let mut insert =
                transaction.prepare(&format!("INSERT INTO {table} VALUES ({places})"))?;
            dataset.rows(table, scale, &mut |line| {
                let values = line
                    .split('|')
                    .map(|field| (field != "\\N").then_some(field));
                insert.execute(rusqlite::params_from_iter(values))?;
                Ok(())
            })?;
        }
        Ok(transaction.commit()?)
    }

    fn analyze(&mut self, tables: &[&str]) -> Result<()> {
        for table in tables {
            self.connection.execute_batch(&format!("ANALYZE {table}"))?;
        }
        Ok(())
    }

    fn analyze_new(&mut self, new: &[IndexName]) -> Result<()> {
        for (_, name) in new {
            self.connection
                .execute_batch(&format!("ANALYZE \"{name}\""))?;
        }
        Ok(())
    }

    fn measure(&mut self, sql: &str) -> Result<Work> {
        let (amount, capped, seconds) = super::timed(|| self.run(sql))?;
        Ok(Work {
            amount,
            capped,
            seconds: Some(seconds),
            reads: None,
        })
    }

    fn indexes(&mut self) -> Result<BTreeMap<IndexName, i64>> {
        let mut statement = self
            .connection
            .prepare("SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'")?;
        let names = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<Vec<IndexName>, _>>()?;
        let mut size = self
            .connection
            .prepare("SELECT pgsize FROM dbstat WHERE name = ? AND aggregate = TRUE")?;
        names
            .into_iter()
            .map(|name| {
                Ok((
                    name.clone(),
                    size.query_row([&name.1], |row| row.get(0)).unwrap_or(0),
                ))
            })
            .collect()
    }

    fn drop_index(&mut self, (_, name): &IndexName) -> Result<()> {
        Ok(self
            .connection
            .execute_batch(&format!("DROP INDEX IF EXISTS \"{name}\""))?)
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let mut statement = self
            .connection
            .prepare("SELECT name FROM pragma_table_info(?)")?;
        Ok(statement
            .query_map([table], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    }
}
