//! A throwaway copy in memory: the whole schema, and the first rows of each table. It is thrown away
//! with its connection; no row of it is ever shown.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _,
};

use super::{Ending, Sqlite, guard};
use crate::catalog::{Catalog, Table, TableKind};
use crate::engine::scratch::{Fractions, to_fill};
use crate::engine::{Built, Outcome, Scratch as AnyScratch, Wanted, within};
use crate::error::{Error, Result};
use crate::migration::proof::Snapshot;
use crate::plan::Plan;
use crate::statement::{Dialect, Statement};

#[derive(Debug)]
pub struct Scratch {
    connection: SqliteConnection,
    description: String,
    fractions: Fractions,
    ending: Ending,
}

/// Steps of the virtual machine that a statement may take for a proof: about a second.
const MOST_STEPS: u64 = 100_000_000;

impl Sqlite {
    pub(in crate::engine) async fn scratch(
        &mut self,
        catalog: &Catalog,
        wanted: &Wanted,
    ) -> Result<AnyScratch> {
        let copied = Scratch::copy(self, catalog, wanted).await;
        copied
            .map(AnyScratch::Sqlite)
            .map_err(|error| Error::Unsupported {
                what: "a proof on scratch".to_owned(),
                why: format!("the copy could not be made ({error})"),
                instead:
                    "Run the files up, down and up again on a copy of the file before production."
                        .to_owned(),
            })
    }
}

impl Scratch {
    pub(super) async fn copy(live: &Sqlite, catalog: &Catalog, wanted: &Wanted) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .in_memory(true)
            .foreign_keys(false)
            .statement_cache_capacity(0)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await?;
        live.ending.watch(&mut connection).await?;
        let uri = url::Url::from_file_path(
            std::fs::canonicalize(&live.path)
                .map_err(|error| Error::unexpected("the file", error))?,
        )
        .map_err(|()| Error::unexpected("the file", "its path is not absolute"))?;
        sqlx::query("ATTACH DATABASE ?1 AS live")
            .bind(format!("{uri}?mode=ro"))
            .execute(&mut connection)
            .await?;
        // From here on nothing reaches out: what a file says that its schema is may be anything.
        guard::set(&mut connection, guard::Purpose::Scratch).await?;
        let schema: Vec<(String, String)> = sqlx::query_as(include_str!("schema.sql"))
            .fetch_all(&mut connection)
            .await?;
        let mut copied = 0;
        for (kind, sql) in &schema {
            if kind == "table" {
                sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                    .execute(&mut connection)
                    .await?;
            }
        }
        let mut fractions = Fractions::default();
        for (table, most) in to_fill(&catalog.tables, wanted) {
            let insert = format!(
                "INSERT INTO main.{name} ({columns}) SELECT {columns} FROM live.{name} LIMIT {most}",
                name = Dialect::Sqlite.identifier(&table.name),
                columns = stored_columns(table),
            );
            let rows = sqlx::query(AssertSqlSafe(insert))
                .execute(&mut connection)
                .await?
                .rows_affected() as i64;
            let all = if rows < most {
                rows
            } else {
                let count = format!(
                    "SELECT count(*) FROM live.{}",
                    Dialect::Sqlite.identifier(&table.name)
                );
                sqlx::query_scalar(AssertSqlSafe(count))
                    .fetch_one(&mut connection)
                    .await?
            };
            fractions.set(table, rows, all);
            copied += rows;
        }
        for (kind, sql) in &schema {
            if kind != "table" {
                sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                    .execute(&mut connection)
                    .await?;
            }
        }
        sqlx::query("DETACH DATABASE live")
            .execute(&mut connection)
            .await?;
        Ok(Self {
            ending: live.ending.clone(),
            connection,
            description: format!(
                "a copy in memory with {} rows",
                crate::answer::count(copied)
            ),
            fractions,
        })
    }

    pub(in crate::engine) fn description(&self) -> &str {
        &self.description
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) const fn is_whole(&self) -> bool {
        true
    }

    pub(in crate::engine) fn fraction(&self, table: &Table) -> f64 {
        self.fractions.of(table)
    }

    pub(in crate::engine) async fn run(&mut self, script: &str) -> Result<()> {
        let ran = sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
            .execute(&mut self.connection)
            .await;
        if ran.is_err() {
            // The script may have failed inside its own transaction.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        }
        ran?;
        Ok(())
    }

    pub(in crate::engine) async fn guard(&mut self, query: &str) -> Result<bool> {
        let row = sqlx::query(AssertSqlSafe(query.to_owned()))
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.is_some())
    }

    /// How the copy would run a statement.
    pub(in crate::engine) async fn plan(&mut self, statement: &Statement) -> Result<Plan> {
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql());
        super::explain::lines(
            &sqlx::query(AssertSqlSafe(sql))
                .fetch_all(&mut self.connection)
                .await?,
        )
    }

    /// It measures no rows, only how long all of it took.
    pub(in crate::engine) async fn analyze(&mut self, statement: &Statement) -> Result<Plan> {
        let mut plan = self.plan(statement).await?;
        self.run("SAVEPOINT analyze").await?;
        let started = Instant::now();
        let ran = sqlx::query(AssertSqlSafe(statement.sql()))
            .execute(&mut self.connection)
            .await;
        plan.execution_ms = Some(started.elapsed().as_secs_f64() * 1000.0);
        plan.analyzed = ran.is_ok();
        self.run("ROLLBACK TO analyze; RELEASE analyze").await?;
        ran?;
        Ok(plan)
    }

    /// It ends after so many steps that one that would take long is told soon.
    pub(in crate::engine) async fn outcome(&mut self, statement: &Statement) -> Result<Outcome> {
        self.ending
            .watch_for(&mut self.connection, MOST_STEPS)
            .await?;
        let outcome = self.rows(statement).await;
        self.ending.watch(&mut self.connection).await?;
        outcome
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut rows = sqlx::query(AssertSqlSafe(statement.sql())).fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await? {
            let mut values = Vec::with_capacity(row.len());
            for at in 0..row.len() {
                let kind = row.try_get_raw(at)?;
                let kind = kind.type_info().name().to_owned();
                let value: Option<Vec<u8>> = row.try_get_unchecked(at)?;
                values.push(value.map(|value| (kind, value)));
            }
            let values = values.iter().map(|value| {
                let (kind, value) = value.as_ref()?;
                Some((kind.as_str(), value.as_slice().into()))
            });
            if outcome.add(values) {
                break;
            }
        }
        Ok(outcome)
    }

    pub(in crate::engine) async fn build(&mut self, create_index: &str) -> Result<Built> {
        let before = self.bytes().await?;
        let started = Instant::now();
        self.run(create_index).await?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let bytes = self.bytes().await? - before;
        self.run("ANALYZE").await?;
        Ok(Built { bytes, ms })
    }

    async fn bytes(&mut self) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
        )
        .fetch_one(&mut self.connection)
        .await?)
    }

    pub(in crate::engine) async fn drop_index(&mut self, _table: &Table, name: &str) -> Result<()> {
        self.run(&format!("DROP INDEX {}", Dialect::Sqlite.identifier(name)))
            .await
    }

    pub(in crate::engine) async fn close(self) {
        let _ = within(Duration::from_secs(1), self.connection.close()).await;
    }

    /// The schema without the order of columns, which a column that is dropped and added again changes.
    pub(in crate::engine) async fn look(&mut self) -> Result<Snapshot> {
        let mut catalog = super::catalog::read(&mut self.connection).await?;
        catalog.sort();
        let mut snapshot = Snapshot::default();
        for table in &catalog.tables {
            snapshot.add(table);
            if table.kind == TableKind::Table {
                let count = format!(
                    "SELECT count(*) FROM {}",
                    Dialect::Sqlite.identifier(&table.name)
                );
                let rows: i64 = sqlx::query_scalar(AssertSqlSafe(count))
                    .fetch_one(&mut self.connection)
                    .await?;
                snapshot.rows.insert(table.name.clone(), rows);
            }
        }
        for row in sqlx::query(
            "SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view') ORDER BY name",
        )
        .fetch_all(&mut self.connection)
        .await?
        {
            let (name, sql): (String, String) = (row.try_get("name")?, row.try_get("sql")?);
            snapshot.schema.push(format!("{name}: {sql}"));
        }
        let violations = sqlx::query("PRAGMA foreign_key_check")
            .fetch_all(&mut self.connection)
            .await?;
        snapshot.rows.insert(
            "(rows without a parent)".to_owned(),
            violations.len() as i64,
        );
        snapshot.schema.sort();
        Ok(snapshot)
    }
}

/// The columns that a row is made of; generated ones make themselves.
pub(super) fn stored_columns(table: &Table) -> String {
    table
        .columns
        .iter()
        .filter(|column| column.generated.is_none())
        .map(|column| Dialect::Sqlite.identifier(&column.name))
        .collect::<Vec<_>>()
        .join(", ")
}
