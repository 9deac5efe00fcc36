//! Copies tables from the live database: each as its server writes it, then some of its rows, which the live
//! server writes as literals; they go through this process and are not looked at.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::super::{MySql, text};
use super::place::copied_name;
use crate::catalog::{Catalog, Column, Table, TableKind};
use crate::engine::scratch::{Fractions, Wanted, to_fill};
use crate::error::Result;
use crate::statement::{Dialect, readdress};

const ENGINES: &str = include_str!("engines.sql");
const VIEW: &str = include_str!("../view_definition.sql");

/// Storage engines that keep their rows on the server itself.
const OWN: &[&str] = &["InnoDB", "MyISAM", "Aria", "MEMORY"];

/// A large table is read from so many places along its key: what comes in time lies along it as well.
const RUNS: i64 = 200;
/// How much is sent at once: one record of TLS. What spills over into a second one waits for 40 ms, since the driver
/// leaves it to the kernel to collect small packets.
const BATCH: usize = 15 * 1024;

const FAILED: &str = "they could not be copied";

/// What came over.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) rows: i64,
    pub(super) fractions: Fractions,
    /// The copies that have rows, quoted.
    pub(super) filled: Vec<String>,
    /// Objects that could not be made again, in the words of people.
    pub(super) left_out: Vec<String>,
}

pub(super) async fn copy(
    live: &mut MySql,
    scratch: &mut MySqlConnection,
    copies: &BTreeMap<String, String>,
    names: &BTreeSet<String>,
    catalog: &Catalog,
    wanted: &Wanted,
) -> Result<Copied> {
    let mut done = Copied::default();
    let mut engines: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in live.rows(ENGINES).await? {
        engines.insert(
            (row.try_get("table_schema")?, row.try_get("table_name")?),
            row.try_get("engine")?,
        );
    }
    let mut there: Vec<&Table> = Vec::new();
    for table in catalog.tables.iter().filter(|table| wanted.has(table)) {
        if table.kind == TableKind::View {
            continue;
        }
        let engine = engines.get(&(table.schema.clone(), table.name.clone()));
        let own = engine.is_some_and(|engine| OWN.contains(&engine.as_str()));
        let sql = live.create_table(table, copies, names).await;
        let made = match sql {
            Ok(sql) if own && !sql.contains(" DIRECTORY=") => {
                in_copy(scratch, copies, &table.schema, sql).await
            }
            _ => false,
        };
        if made {
            there.push(table);
        } else {
            done.left_out.push(format!("table {}", table.qualified()));
        }
    }
    for (table, most) in to_fill(&catalog.tables, wanted) {
        if !there.iter().any(|other| std::ptr::eq(*other, table)) {
            continue;
        }
        match live.rows_to(scratch, copies, table, most).await {
            Ok((rows, of)) => {
                done.rows += rows;
                if rows > 0 {
                    done.filled
                        .push(copied_name(copies, &table.schema, &table.name));
                }
                done.fractions.set(table, rows, of);
            }
            Err(why) => done
                .left_out
                .push(format!("rows of {} ({why})", table.qualified())),
        }
    }
    make_views(live, scratch, copies, names, catalog, wanted, &mut done).await?;
    Ok(done)
}

/// Runs a statement that names its object barely, in the copy of its database.
async fn in_copy(
    scratch: &mut MySqlConnection,
    copies: &BTreeMap<String, String>,
    schema: &str,
    sql: String,
) -> bool {
    let Some(copy) = copies.get(schema) else {
        return false;
    };
    // Both in one trip.
    sqlx::raw_sql(AssertSqlSafe(format!("USE {copy}; {sql}")))
        .execute(scratch)
        .await
        .is_ok()
}

/// Again and again while that helps: one may read another that comes later.
async fn make_views(
    live: &mut MySql,
    scratch: &mut MySqlConnection,
    copies: &BTreeMap<String, String>,
    names: &BTreeSet<String>,
    catalog: &Catalog,
    wanted: &Wanted,
    done: &mut Copied,
) -> Result<()> {
    let mut waiting: Vec<&Table> = catalog
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::View && wanted.has(table))
        .collect();
    loop {
        let before = waiting.len();
        let mut failed = Vec::new();
        for view in waiting {
            let query: String = sqlx::query_scalar(VIEW)
                .bind(&view.schema)
                .bind(&view.name)
                .fetch_optional(&mut live.connection)
                .await?
                .unwrap_or_default();
            let name = Dialect::MySql.identifier(&view.name);
            let sql = readdress(
                &format!("CREATE VIEW {name} AS {query}"),
                Dialect::MySql,
                copies,
                names,
            );
            let made = match sql {
                Ok(sql) => in_copy(scratch, copies, &view.schema, sql).await,
                Err(_) => false,
            };
            if !made {
                failed.push(view);
            }
        }
        if failed.is_empty() || failed.len() == before {
            done.left_out.extend(
                failed
                    .iter()
                    .map(|view| format!("view {}", view.qualified())),
            );
            return Ok(());
        }
        waiting = failed;
    }
}

impl MySql {
    async fn create_table(
        &mut self,
        table: &Table,
        copies: &BTreeMap<String, String>,
        names: &BTreeSet<String>,
    ) -> Result<String> {
        let name = Dialect::MySql.table(&table.schema, &table.name, "");
        let row = self.made(format!("SHOW CREATE TABLE {name}")).await?;
        readdress(&text(&row, 1)?, Dialect::MySql, copies, names)
    }

    /// Copies about `most` rows, from all along the key; gives how many, and of how many. In an error stands why
    /// there are none. Reading bare columns of a table that its server keeps itself runs no stored code.
    async fn rows_to(
        &mut self,
        scratch: &mut MySqlConnection,
        copies: &BTreeMap<String, String>,
        table: &Table,
        most: i64,
    ) -> std::result::Result<(i64, i64), String> {
        let name = Dialect::MySql.table(&table.schema, &table.name, "");
        let columns: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .collect();
        let literals: Vec<String> = columns.iter().map(|column| literal(column)).collect();
        let list: Vec<String> = columns
            .iter()
            .map(|column| Dialect::MySql.identifier(&column.name))
            .collect();
        let into = format!(
            "INSERT INTO {} ({}) VALUES ",
            copied_name(copies, &table.schema, &table.name),
            list.join(", ")
        );
        let select = format!(
            "SELECT CONCAT('(', CONCAT_WS(',', {}), ')') FROM {name}",
            literals.join(", ")
        );
        let (all, parts) = self
            .portions(table, &name, most)
            .await
            .map_err(|_| FAILED.to_owned())?;
        let mut done = 0;
        let mut together = String::new();
        for (place, part) in parts.iter().enumerate() {
            if !together.is_empty() {
                together.push_str(" UNION ALL ");
            }
            together.push_str(&format!("({select}{part})"));
            if together.len() + select.len() + part.len() > BATCH || place + 1 == parts.len() {
                done += pour(self, std::mem::take(&mut together), scratch, &into)
                    .await
                    .map_err(|_| FAILED.to_owned())?;
            }
        }
        Ok((done, all.max(done)))
    }

    /// How many rows there are, and the ends of the queries that read a part of them.
    async fn portions(
        &mut self,
        table: &Table,
        name: &str,
        most: i64,
    ) -> Result<(i64, Vec<String>)> {
        let bounded = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {name} LIMIT {}) AS bounded",
            most.saturating_add(1)
        );
        let rows: i64 = self.made(bounded).await?.try_get(0)?;
        if rows <= most {
            let parts = if rows > 0 {
                vec![String::new()]
            } else {
                Vec::new()
            };
            return Ok((rows, parts));
        }
        let all = table.rows.unwrap_or(rows).max(rows);
        let key = table
            .primary_key
            .as_ref()
            .and_then(|key| key.columns.first())
            .and_then(|first| table.column(first))
            .filter(|column| column.data_type.contains("int"));
        let Some(key) = key.map(|column| Dialect::MySql.identifier(&column.name)) else {
            return Ok((all, vec![format!(" LIMIT {most}")]));
        };
        let ends =
            format!("SELECT CAST(MIN({key}) AS SIGNED), CAST(MAX({key}) AS SIGNED) FROM {name}");
        let row = self.made(ends).await?;
        let (low, high): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok((all, runs(&key, low, high, most)))
    }
}

/// Stretches of the key next to each other, and the first rows of each.
fn runs(key: &str, low: i64, high: i64, most: i64) -> Vec<String> {
    let span = i128::from(high) - i128::from(low) + 1;
    let at = |run: i64| i128::from(low) + span * i128::from(run) / i128::from(RUNS);
    let limit = (most / RUNS).max(1);
    (0..RUNS)
        .map(|run| {
            format!(
                " WHERE {key} >= {} AND {key} < {} ORDER BY {key} LIMIT {limit}",
                at(run),
                at(run + 1)
            )
        })
        .collect()
}

/// An expression that gives the column's value as a literal, in one character set for all.
fn literal(column: &Column) -> String {
    const NUMBERS: &[&str] = &[
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "integer",
        "bigint",
        "decimal",
        "numeric",
        "float",
        "double",
        "real",
        "year",
    ];
    const BYTES: &[&str] = &[
        "binary",
        "varbinary",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geomcollection",
        "geometrycollection",
        "vector",
    ];
    let name = Dialect::MySql.identifier(&column.name);
    let kind: String = column
        .data_type
        .to_lowercase()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    let value = if NUMBERS.contains(&kind.as_str()) {
        format!("IFNULL(CAST({name} AS CHAR), 'NULL')")
    } else if kind == "bit" {
        format!("IFNULL(CAST({name} + 0 AS CHAR), 'NULL')")
    } else if BYTES.contains(&kind.as_str()) {
        format!("IFNULL(CONCAT('x''', HEX({name}), ''''), 'NULL')")
    } else {
        format!("QUOTE({name})")
    };
    format!("CONVERT({value} USING utf8mb4)")
}

/// From one server to the other, a batch at a time.
async fn pour(
    live: &mut MySql,
    select: String,
    scratch: &mut MySqlConnection,
    into: &str,
) -> std::result::Result<i64, sqlx::Error> {
    use futures_util::TryStreamExt as _;
    let mut rows = sqlx::raw_sql(AssertSqlSafe(select)).fetch(&mut live.connection);
    let mut batch = String::new();
    let (mut done, mut longest) = (0, 0);
    loop {
        let row = rows.try_next().await?;
        let over = row.is_none();
        if let Some(row) = row {
            // A row that is too long for one packet comes as NULL.
            let Some(values) = row.try_get_unchecked::<Option<String>, _>(0)? else {
                continue;
            };
            batch.push_str(if batch.is_empty() { into } else { "," });
            batch.push_str(&values);
            longest = longest.max(values.len());
        }
        if !batch.is_empty() && (over || batch.len() + longest >= BATCH) {
            let insert = AssertSqlSafe(std::mem::take(&mut batch));
            done += sqlx::raw_sql(insert)
                .execute(&mut *scratch)
                .await?
                .rows_affected() as i64;
        }
        if over {
            return Ok(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_lie_next_to_each_other_from_end_to_end() {
        let runs = runs("id", 1, 100_000, 10_000);
        assert_eq!(runs.len(), 200);
        assert_eq!(runs[0], " WHERE id >= 1 AND id < 501 ORDER BY id LIMIT 50");
        assert_eq!(
            runs[199],
            " WHERE id >= 99501 AND id < 100001 ORDER BY id LIMIT 50"
        );
    }

    #[test]
    fn every_kind_of_value_has_a_literal() {
        let of = |data_type: &str| {
            literal(&Column {
                name: "a".to_owned(),
                data_type: data_type.to_owned(),
                ..Column::default()
            })
        };
        assert!(of("int unsigned").contains("CAST(a AS CHAR)"));
        assert!(of("varbinary(16)").contains("HEX(a)"));
        assert!(of("enum('x','y')").contains("QUOTE(a)"));
        assert!(of("bit(3)").contains("a + 0"));
    }
}
