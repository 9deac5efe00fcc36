//! Selectivity: what the planner thinks, and what a bounded count says.

use sqlx::Row as _;

use super::Postgres;
use crate::catalog::Table;
use crate::engine::{Permit, Selectivity, Values, values};
use crate::error::Result;
use crate::migration::Facts;
use crate::migration::change::Change;
use crate::statement::{Dialect, Statement};

/// How many rows a count looks at.
const SAMPLE: i64 = 30_000;

impl Postgres {
    pub(in crate::engine) async fn selectivity(
        &mut self,
        table: &Table,
        condition: &str,
    ) -> Result<Selectivity> {
        let name = qualified(table);
        let mut selectivity = Selectivity::default();
        let plan = self
            .made(format!(
                "EXPLAIN (FORMAT JSON) SELECT 1 FROM {name} WHERE {condition}"
            ))
            .await;
        if let (Ok(row), Some(rows)) = (plan, table.rows.filter(|rows| *rows > 0)) {
            let json: serde_json::Value = row.try_get(0)?;
            selectivity.estimated = super::explain::read(&json)?
                .root()
                .and_then(|root| root.estimated_rows)
                .map(|kept| (kept / rows as f64).min(1.0));
        }
        if self.runs_nothing {
            return Ok(selectivity);
        }
        let from = sample(table);
        let counted = self
            .made(format!(
                "SELECT count(*) AS read, count(*) FILTER (WHERE {condition}) AS kept FROM (SELECT * FROM {from}) AS sample"
            ))
            .await;
        if let Ok(row) = counted {
            let (read, kept): (i64, i64) = (row.try_get("read")?, row.try_get("kept")?);
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
        if self.runs_nothing {
            return Ok(None);
        }
        let key = Dialect::Postgres.identifier(column);
        let from = format!(
            "(SELECT {key} AS v FROM {}) AS sample WHERE v IS NOT NULL",
            sample(table)
        );
        let value = |by: &str| format!("(SELECT v::text FROM {from} {by} LIMIT 1)");
        let at = |tenth: i64| {
            value(&format!(
                "ORDER BY v OFFSET (SELECT count(*) * {tenth} / 10 FROM {from})"
            ))
        };
        let row = self
            .made(format!(
                "SELECT {}, {}, {}, {}",
                at(5),
                value("GROUP BY v ORDER BY count(*) DESC, v"),
                at(1),
                at(9),
            ))
            .await;
        let Ok(row) = row else { return Ok(None) };
        let text = |at: usize| row.try_get::<Option<String>, _>(at).ok().flatten();
        Ok(values(text(0), text(1), text(2), text(3)))
    }

    pub(in crate::engine) async fn facts(
        &mut self,
        change: &Change,
        table: &Table,
    ) -> Result<Facts> {
        let mut facts = Facts {
            rows: table.rows,
            size_bytes: table.size_bytes,
            offending: None,
        };
        let name = qualified(table);
        if !self.may_count(&name).await {
            return Ok(facts);
        }
        if facts.rows.is_none_or(|rows| rows <= 0) {
            // Never analysed: a bounded count knows better than nothing.
            let row = self
                .made(format!(
                    "SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 1000001) AS bounded"
                ))
                .await;
            facts.rows = row.ok().and_then(|row| row.try_get(0).ok()).or(facts.rows);
        }
        if let Some(condition) = super::ddl::offending(change, table) {
            let row = self
                .made(format!(
                    "SELECT count(*) FROM {name} AS t WHERE {condition}"
                ))
                .await;
            facts.offending = row.ok().and_then(|row| row.try_get(0).ok());
        }
        Ok(facts)
    }
}

impl Postgres {
    /// Whether reading the table runs no code of the users', such as a policy's, and stays on this server.
    pub(super) async fn may_count(&mut self, name: &str) -> bool {
        let reading = format!("SELECT count(*) FROM {name}");
        match Statement::parse(&reading, Dialect::Postgres) {
            Ok(statement) => matches!(self.permit(&statement).await, Ok(Permit::Run)),
            Err(_) => false,
        }
    }
}

/// Pages from all over the table, so that the first rows do not speak for the rest.
fn sample(table: &Table) -> String {
    let name = qualified(table);
    let percent = table
        .rows
        .filter(|rows| *rows > SAMPLE)
        .map(|rows| (SAMPLE as f64 * 100.0 / rows as f64).max(0.01));
    percent.map_or_else(
        || format!("{name} LIMIT {SAMPLE}"),
        |percent| format!("{name} TABLESAMPLE SYSTEM ({percent:.4}) REPEATABLE (1) LIMIT {SAMPLE}"),
    )
}

fn qualified(table: &Table) -> String {
    Dialect::Postgres.table(&table.schema, &table.name, "")
}
