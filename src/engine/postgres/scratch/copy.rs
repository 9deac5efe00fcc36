//! Copies tables from the live database: their schema as its catalog writes it, then some of their rows, which
//! go through this process and are not looked at.

use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::super::Postgres;
use crate::catalog::{Catalog, Table};
use crate::engine::scratch::{Fractions, Wanted, to_fill};
use crate::error::Result;
use crate::statement::Dialect;

const TYPES: &str = include_str!("types.sql");
const TABLES: &str = concat!(include_str!("chosen.sql"), include_str!("tables.sql"));
const DEFAULTS: &str = concat!(include_str!("chosen.sql"), include_str!("defaults.sql"));
const REST: &str = concat!(include_str!("chosen.sql"), include_str!("rest.sql"));

/// What came over.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) rows: i64,
    pub(super) fractions: Fractions,
    /// Objects that could not be made again, in the words of people.
    pub(super) left_out: Vec<String>,
}

/// A statement that makes one object.
#[derive(Debug, Clone)]
struct Object {
    kind: String,
    name: String,
    sql: String,
}

pub(super) async fn copy(
    live: &mut Postgres,
    scratch: &mut PgConnection,
    catalog: &Catalog,
    wanted: &Wanted,
) -> Result<Copied> {
    live.use_guarded_path().await?;
    let tables: Vec<&Table> = catalog
        .tables
        .iter()
        .filter(|table| wanted.has(table))
        .collect();
    let mut copied = Copied::default();
    let types = live.objects(TYPES, &[], None).await?;
    make(scratch, types, &mut copied.left_out).await;
    for sql in [TABLES, DEFAULTS] {
        let objects = live.objects(sql, &tables, None).await?;
        make(scratch, objects, &mut copied.left_out).await;
    }
    let mut partial = false;
    for (table, most) in to_fill(&catalog.tables, wanted) {
        match live.rows_to(scratch, table, most).await {
            Ok((rows, of)) => {
                copied.rows += rows;
                partial |= rows < of;
                copied.fractions.set(table, rows, of);
            }
            Err(why) => {
                partial = true;
                copied
                    .left_out
                    .push(format!("rows of {} ({why})", table.qualified()));
            }
        }
    }
    let rest = live.objects(REST, &tables, Some(partial)).await?;
    make(scratch, rest, &mut copied.left_out).await;
    sqlx::query("ANALYZE").execute(scratch).await?;
    Ok(copied)
}

/// Makes objects, again and again while that helps: one may need another that comes later.
async fn make(scratch: &mut PgConnection, objects: Vec<Object>, left_out: &mut Vec<String>) {
    let mut waiting = objects;
    loop {
        let before = waiting.len();
        let mut failed = Vec::new();
        for object in waiting {
            let made = sqlx::raw_sql(AssertSqlSafe(object.sql.clone()))
                .execute(&mut *scratch)
                .await;
            if made.is_err() {
                failed.push(object);
            }
        }
        if failed.is_empty() || failed.len() == before {
            left_out.extend(
                failed
                    .into_iter()
                    .map(|object| format!("{} {}", object.kind, object.name)),
            );
            return;
        }
        waiting = failed;
    }
}

impl Postgres {
    async fn objects(
        &mut self,
        sql: &'static str,
        tables: &[&Table],
        partial: Option<bool>,
    ) -> Result<Vec<Object>> {
        let mut query = sqlx::query(sql);
        if !tables.is_empty() || partial.is_some() {
            let schemas: Vec<String> = tables.iter().map(|table| table.schema.clone()).collect();
            let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
            query = query.bind(schemas).bind(names);
        } else if sql != TYPES {
            return Ok(Vec::new());
        }
        if let Some(partial) = partial {
            query = query.bind(partial);
        }
        query
            .fetch_all(&mut self.connection)
            .await?
            .iter()
            .map(|row| {
                Ok(Object {
                    kind: row.try_get("kind")?,
                    name: row.try_get("name")?,
                    sql: row.try_get("sql")?,
                })
            })
            .collect()
    }

    /// Copies about `most` rows, from pages all over the table; gives how many, and of how many. In an error
    /// stands why there are none.
    async fn rows_to(
        &mut self,
        scratch: &mut PgConnection,
        table: &Table,
        most: i64,
    ) -> std::result::Result<(i64, i64), String> {
        let name = Dialect::Postgres.table(&table.schema, &table.name, "");
        if !self.may_count(&name).await {
            return Err("reading them would run code of this database".to_owned());
        }
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .map(|column| Dialect::Postgres.identifier(&column.name))
            .collect();
        let columns = columns.join(", ");
        let all = self.row_count(&name, table.rows).await;
        let mut from = name.clone();
        if all > most {
            let percent = most as f64 * 100.0 / all as f64;
            let _ = write!(from, " TABLESAMPLE SYSTEM ({percent:.6}) REPEATABLE (1)");
        }
        let out = format!("COPY (SELECT {columns} FROM {from}) TO STDOUT");
        let into = format!("COPY {name} ({columns}) FROM STDIN");
        let failed = |_| "they could not be copied".to_owned();
        let savepoint = "SAVEPOINT rows";
        sqlx::query(savepoint)
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        let rows = pour(&mut self.connection, &out, scratch, &into).await;
        let end = if rows.is_ok() {
            "RELEASE SAVEPOINT rows"
        } else {
            "ROLLBACK TO SAVEPOINT rows"
        };
        sqlx::query(end)
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        let rows = rows.map_err(failed)?;
        Ok((rows, all.max(rows)))
    }

    /// By the planner's statistics where there are any.
    async fn row_count(&mut self, name: &str, estimate: Option<i64>) -> i64 {
        if let Some(rows) = estimate.filter(|rows| *rows > 0) {
            return rows;
        }
        self.made(format!(
            "SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 5000000) AS bounded"
        ))
        .await
        .and_then(|row| Ok(row.try_get(0)?))
        .unwrap_or(0)
    }
}

/// From one server to the other, a piece at a time.
async fn pour(
    live: &mut PgConnection,
    out: &str,
    scratch: &mut PgConnection,
    into: &str,
) -> std::result::Result<i64, sqlx::Error> {
    let mut pieces = live.copy_out_raw(out).await?;
    let mut sink = scratch.copy_in_raw(into).await?;
    loop {
        match pieces.try_next().await {
            Ok(Some(piece)) => {
                sink.send(piece).await?;
            }
            Ok(None) => return Ok(sink.finish().await? as i64),
            Err(error) => {
                sink.abort("the live side ended").await?;
                return Err(error);
            }
        }
    }
}
