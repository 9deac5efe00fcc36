//! Selectivity, from a bounded count: `SQLite` has no statistics that SQL could ask about a condition.

use sqlx::Row as _;

use super::Sqlite;
use crate::catalog::Table;
use crate::engine::{Selectivity, Values, values};
use crate::error::Result;
use crate::migration::Facts;
use crate::migration::change::Change;
use crate::statement::Dialect;

const SAMPLE: i64 = 30_000;

impl Sqlite {
    pub(in crate::engine) async fn selectivity(
        &mut self,
        table: &Table,
        condition: &str,
    ) -> Result<Selectivity> {
        let name = Dialect::Sqlite.identifier(&table.name);
        let rows = self
            .made(format!(
                "SELECT count(*) AS read_rows, count(*) FILTER (WHERE {condition}) AS kept_rows FROM (SELECT * FROM {name} LIMIT {SAMPLE})"
            ))
            .await?;
        let mut selectivity = Selectivity::default();
        if let Some(row) = rows.first() {
            let (read, kept): (i64, i64) = (row.try_get("read_rows")?, row.try_get("kept_rows")?);
            if read > 0 {
                selectivity.sampled = Some(kept as f64 / read as f64);
                selectivity.sampled_rows = read;
            }
        }
        Ok(selectivity)
    }

    /// Values of a column from the rows of a sample.
    pub(in crate::engine) async fn values(
        &mut self,
        table: &Table,
        column: &str,
    ) -> Result<Option<Values>> {
        let key = Dialect::Sqlite.identifier(column);
        let from = format!("({}) WHERE {key} IS NOT NULL", self.rows_of(table).await?);
        let at = |tenth: i64| {
            format!(
                "(SELECT CAST({key} AS TEXT) FROM {from} ORDER BY {key} LIMIT 1 OFFSET (SELECT count(*) * {tenth} / 10 FROM {from}))"
            )
        };
        let common = format!(
            "(SELECT CAST({key} AS TEXT) FROM {from} GROUP BY {key} ORDER BY count(*) DESC, {key} LIMIT 1)"
        );
        let rows = self
            .made(format!("SELECT {}, {common}, {}, {}", at(5), at(1), at(9)))
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let text = |at: usize| row.try_get::<Option<String>, _>(at).ok().flatten();
        Ok(values(text(0), text(1), text(2), text(3)))
    }

    pub(in crate::engine) async fn facts(
        &mut self,
        change: &Change,
        table: &Table,
    ) -> Result<Facts> {
        let name = Dialect::Sqlite.identifier(&table.name);
        let mut facts = Facts {
            rows: table.rows,
            size_bytes: table.size_bytes,
            offending: None,
        };
        if let Some(condition) = super::ddl::offending(change, table) {
            let rows = self
                .made(format!(
                    "SELECT count(*) AS broken FROM {name} AS t WHERE {condition}"
                ))
                .await;
            facts.offending = rows
                .ok()
                .and_then(|rows| rows.first().and_then(|row| row.try_get("broken").ok()));
        }
        Ok(facts)
    }
}
