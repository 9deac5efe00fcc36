//! Plans with indexes that are not there: made on an empty copy of the schema in memory, with statistics that say
//! what the data are like. The library chooses its plan by them as it would by the real ones.

mod knowledge;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::{Sqlite, guard};
use crate::advice::estimate::{self, Keys, Knowledge};
use crate::advice::uses::{Key, Use, uses};
use crate::advice::{Abilities, Candidate};
use crate::answer::Skipped;
use crate::catalog::{Catalog, Table};
use crate::engine::{Hypothetical, Trials, Tried};
use crate::error::{Error, Result};
use crate::finding::Source;
use crate::statement::{Dialect, Statement};

/// The empty copy, and what is known of the full one.
#[derive(Debug)]
pub(super) struct Shell {
    connection: SqliteConnection,
    known: Knowledge,
    catalog: Catalog,
    keys: Keys,
    /// Names of the indexes that are there now and in no schema.
    made: Vec<String>,
    /// Whether the live database has statistics for its planner: without, none are made up.
    analyzed: bool,
}

impl Sqlite {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn abilities(&mut self) -> Result<Abilities> {
        Ok(Abilities {
            partial: true,
            expressions: true,
            carries_primary_key: true,
            prefix_operators: "COLLATE NOCASE",
            ..Abilities::default()
        })
    }

    pub(in crate::engine) async fn prepare_trials(
        &mut self,
        _statement: &Statement,
        catalog: &Catalog,
        uses: &[Use<'_>],
        _indexes: &[Hypothetical<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        let known = self.knowledge(catalog, uses).await?;
        match Shell::new(self, catalog, known).await {
            Ok(shell) => self.shell = Some(shell),
            Err(error) => {
                return Ok(Err(Skipped {
                    what: "the plan with the new index".to_owned(),
                    why: format!("no copy of the schema could be made to plan on ({error})"),
                    grant: String::new(),
                }));
            }
        }
        Ok(Ok(Trials {
            source: Source::WhatIf,
            how: "planned by SQLite on an empty copy of the schema with statistics from a sample"
                .to_owned(),
            unit: "rows visited, weighted",
            rough: true,
        }))
    }

    pub(in crate::engine) async fn try_indexes(
        &mut self,
        statement: &Statement,
        indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        match &mut self.shell {
            Some(shell) => shell.try_indexes(statement, indexes).await,
            None => Err(Error::unexpected(
                "a trial",
                "there is no copy of the schema",
            )),
        }
    }
}

impl Shell {
    async fn new(live: &mut Sqlite, catalog: &Catalog, known: Knowledge) -> Result<Self> {
        let schema: Vec<(String, String)> = sqlx::query_as(include_str!("what_if/schema.sql"))
            .fetch_all(&mut live.connection)
            .await?;
        let analyzed = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'")
            .fetch_optional(&mut live.connection)
            .await?
            .is_some();
        let mut noted: Vec<(String, Option<String>, String)> = Vec::new();
        if analyzed {
            noted = sqlx::query_as(include_str!("what_if/statistics.sql"))
                .fetch_all(&mut live.connection)
                .await?;
        }
        let options = SqliteConnectOptions::new()
            .in_memory(true)
            .foreign_keys(false)
            .statement_cache_capacity(0)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await?;
        live.ending.watch(&mut connection).await?;
        // What a file says that its schema is may be anything.
        guard::set(&mut connection, guard::Purpose::Scratch).await?;
        for (_, sql) in &schema {
            sqlx::query(AssertSqlSafe(sql.clone()))
                .execute(&mut connection)
                .await?;
        }
        let mut shell = Self {
            connection,
            known,
            catalog: catalog.clone(),
            keys: Keys::new(),
            made: Vec::new(),
            analyzed,
        };
        shell.describe(&noted).await?;
        Ok(shell)
    }

    /// Writes down what the planner wants to know of the tables and of their indexes: as the live one knows it, and
    /// where it knows nothing by what was counted.
    async fn describe(&mut self, noted: &[(String, Option<String>, String)]) -> Result<()> {
        let tables: Vec<Table> = self
            .catalog
            .tables
            .iter()
            .filter(|table| self.known.rows.contains_key(&table.name))
            .cloned()
            .collect();
        for table in &tables {
            for index in &table.indexes {
                let keys = index.columns.iter().map(|column| {
                    if column.expression {
                        Key::Expression(column.name.clone())
                    } else {
                        Key::Column(column.name.clone())
                    }
                });
                self.keys.insert(index.name.clone(), keys.collect());
            }
        }
        if !self.analyzed {
            return Ok(());
        }
        // Makes the table of statistics, which is empty for empty tables.
        self.run("ANALYZE".to_owned()).await?;
        for (table, index, figures) in noted {
            self.note(table, index.as_deref(), figures).await?;
            self.learn(table, index.as_deref(), figures);
        }
        let unknown = |table: &&Table| !noted.iter().any(|(name, ..)| *name == table.name);
        for table in tables.iter().filter(unknown) {
            let rows = self.rows(table);
            if table.indexes.is_empty() {
                self.note(&table.name, None, &format!("{rows:.0}")).await?;
            }
            for index in &table.indexes {
                let keys = self.keys.get(&index.name).cloned().unwrap_or_default();
                let figures = self.figures(table, &keys, index.unique, rows);
                self.note(&table.name, Some(&index.name), &figures).await?;
            }
        }
        self.run("ANALYZE sqlite_schema".to_owned()).await
    }

    /// The different values of an index's first key, as the statistics have them.
    fn learn(&mut self, table: &str, index: Option<&str>, figures: &str) {
        let mut numbers = figures
            .split(' ')
            .map_while(|number| number.parse::<f64>().ok());
        let (Some(rows), Some(alike)) = (numbers.next(), numbers.next()) else {
            return;
        };
        let first = index
            .and_then(|index| self.keys.get(index))
            .and_then(|keys| keys.first());
        if let Some(key) = first {
            let values = (rows / alike.max(1.0)).max(1.0);
            self.known
                .distinct
                .insert((table.to_owned(), key.clone()), values);
        }
    }

    fn rows(&self, table: &Table) -> f64 {
        self.known
            .rows
            .get(&table.name)
            .copied()
            .unwrap_or(1.0)
            .max(1.0)
    }

    /// Rows, and how many of them share the first key, the first two, and so on.
    fn figures(&self, table: &Table, keys: &[Key], unique: bool, rows: f64) -> String {
        let mut values = 1.0;
        let mut figures = format!("{rows:.0}");
        for (position, key) in keys.iter().enumerate() {
            let own = self.known.distinct.get(&(table.name.clone(), key.clone()));
            values = (values * own.copied().unwrap_or(10.0).max(1.0)).min(rows);
            if unique && position + 1 == keys.len() {
                values = rows;
            }
            figures.push_str(&format!(" {:.0}", (rows / values).ceil().max(1.0)));
        }
        figures
    }

    async fn note(&mut self, table: &str, index: Option<&str>, figures: &str) -> Result<()> {
        sqlx::query("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)")
            .bind(table)
            .bind(index)
            .bind(figures)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn run(&mut self, sql: String) -> Result<()> {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn try_indexes(
        &mut self,
        statement: &Statement,
        indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        for name in std::mem::take(&mut self.made) {
            let name = Dialect::Sqlite.identifier(&name);
            self.run(format!("DROP INDEX IF EXISTS {name}")).await?;
        }
        let mut names = Vec::new();
        for index in indexes {
            names.push(self.make(index).await?);
        }
        if self.analyzed {
            self.run("ANALYZE sqlite_schema".to_owned()).await?;
        }
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql());
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut self.connection)
            .await?;
        let plan = super::explain::lines(&rows)?;
        let used = names
            .iter()
            .enumerate()
            .filter(|(_, name)| plan.nodes.iter().any(|node| node.index == **name))
            .map(|(position, _)| position)
            .collect();
        self.known.limit = statement.limit();
        let of_tables = uses(&statement.ast, &self.catalog, Dialect::Sqlite);
        Ok(Tried {
            cost: estimate::cost(&plan, &of_tables, &self.keys, &self.known),
            used,
            plan,
        })
    }

    async fn make(&mut self, index: &Hypothetical<'_>) -> Result<String> {
        let name = index
            .candidate
            .index(|name| Dialect::Sqlite.identifier(name))
            .name_for(&index.candidate.table.name);
        self.run(index.sql.clone()).await?;
        self.made.push(name.clone());
        let keys = all_keys(index.candidate);
        if self.analyzed {
            let table = index.candidate.table;
            let rows = (self.rows(table) * index.candidate.partial_share).max(1.0);
            let figures = self.figures(table, &keys, false, rows);
            let sql = "DELETE FROM sqlite_stat1 WHERE idx = ?1";
            sqlx::query(sql)
                .bind(&name)
                .execute(&mut self.connection)
                .await?;
            self.note(&table.name, Some(&name), &figures).await?;
        }
        self.keys.insert(name.clone(), keys);
        Ok(name)
    }
}

/// Columns that are carried along come last.
fn all_keys(candidate: &Candidate<'_>) -> Vec<Key> {
    let keys = candidate.keys.iter().map(|key| key.key.clone());
    let carried = candidate.include.iter().cloned().map(Key::Column);
    keys.chain(carried).collect()
}
