//! A throwaway copy in memory: the whole schema, and the first rows of each table. It is thrown away
//! with its connection; no row of it is ever shown.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::{Sqlite, guard};
use crate::catalog::{Catalog, Table, TableKind};
use crate::engine::Scratch as AnyScratch;
use crate::error::{Error, Result};
use crate::migration::proof::Snapshot;
use crate::statement::Dialect;

/// Rows copied from each table: enough to break what rows can break.
const ROWS: i64 = 10_000;

#[derive(Debug)]
pub struct Scratch {
    connection: SqliteConnection,
    description: String,
}

impl Sqlite {
    pub(in crate::engine) async fn scratch(&mut self, catalog: &Catalog) -> Result<AnyScratch> {
        let copied = Scratch::copy(self, catalog).await;
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
    pub(super) async fn copy(live: &Sqlite, catalog: &Catalog) -> Result<Self> {
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
        for table in catalog
            .tables
            .iter()
            .filter(|table| table.kind == TableKind::Table)
        {
            let insert = format!(
                "INSERT INTO main.{name} ({columns}) SELECT {columns} FROM live.{name} LIMIT {ROWS}",
                name = Dialect::Sqlite.identifier(&table.name),
                columns = stored_columns(table),
            );
            copied += sqlx::query(AssertSqlSafe(insert))
                .execute(&mut connection)
                .await?
                .rows_affected();
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
            connection,
            description: format!(
                "a copy in memory with {} rows",
                crate::answer::count(copied as i64)
            ),
        })
    }

    pub(in crate::engine) fn description(&self) -> &str {
        &self.description
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

    /// The schema without the order of columns, which a column that is dropped and added again changes.
    pub(in crate::engine) async fn look(&mut self) -> Result<Snapshot> {
        let mut catalog = super::catalog::read(&mut self.connection).await?;
        catalog.sort();
        let mut snapshot = Snapshot::default();
        for table in &catalog.tables {
            snapshot.schema.extend(lines(table));
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

fn lines(table: &Table) -> Vec<String> {
    let name = &table.name;
    let mut lines = vec![format!("{} {name}", table.kind.word())];
    for column in &table.columns {
        lines.push(format!(
            "{name}.{} {} nullable={} default={:?} identity={:?} generated={:?} collation={}",
            column.name,
            column.data_type,
            column.nullable,
            column.default,
            column.identity,
            column.generated,
            column.collation
        ));
    }
    if let Some(key) = &table.primary_key {
        lines.push(format!("{name} primary key {:?}", key.columns));
    }
    for key in &table.foreign_keys {
        lines.push(format!(
            "{name} foreign key {:?} to {} {:?} delete {} update {}",
            key.columns, key.referenced_table, key.referenced_columns, key.on_delete, key.on_update
        ));
    }
    for check in &table.checks {
        lines.push(format!("{name} check {}", check.expression));
    }
    for index in &table.indexes {
        // The name of an index that a constraint made says nothing.
        let shown = if index.definition.is_empty() {
            ""
        } else {
            &index.name
        };
        lines.push(format!(
            "{name} index {shown} unique={} {:?} where {}",
            index.unique,
            index
                .columns
                .iter()
                .map(|key| (&key.name, key.descending))
                .collect::<Vec<_>>(),
            index.predicate
        ));
    }
    lines
}
