//! Selectivity: what the planner thinks, and what a bounded count says.

use sqlx::Row as _;

use super::{MySql, text};
use crate::catalog::Table;
use crate::engine::Selectivity;
use crate::error::Result;
use crate::migration::Facts;
use crate::migration::change::Change;
use crate::statement::Dialect;

/// How many rows a count looks at.
const SAMPLE: i64 = 30_000;

impl MySql {
    pub(in crate::engine) async fn selectivity(
        &mut self,
        table: &Table,
        condition: &str,
    ) -> Result<Selectivity> {
        let name = qualified(table);
        let mut selectivity = Selectivity::default();
        let plan = self
            .made(format!(
                "EXPLAIN FORMAT=JSON SELECT 1 FROM {name} WHERE {condition}"
            ))
            .await;
        if let (Ok(row), Some(rows)) = (plan, table.rows.filter(|rows| *rows > 0))
            && let Ok(json) = serde_json::from_str(&text(&row, 0)?)
        {
            selectivity.estimated = super::explain::read(&json)?
                .root()
                .and_then(|root| root.estimated_rows)
                .map(|kept| (kept / rows as f64).min(1.0));
        }
        // The first rows in the order of the primary key: this engine can take no others without reading all.
        let counted = self
            .made(format!(
                "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS SIGNED) FROM (SELECT {} FROM {name} LIMIT {SAMPLE}) AS {}",
                columns_of(table, condition),
                Dialect::MySql.identifier(&table.name),
            ))
            .await;
        if let Ok(row) = counted {
            let (read, kept): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if read > 0 {
                selectivity.sampled = Some(kept as f64 / read as f64);
                selectivity.sampled_rows = read;
            }
        }
        Ok(selectivity)
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
        if facts.rows.is_none_or(|rows| rows <= 0) {
            // Never analysed: a bounded count knows better than nothing.
            let row = self
                .made(format!(
                    "SELECT COUNT(*) FROM (SELECT 1 FROM {name} LIMIT 1000001) AS bounded"
                ))
                .await;
            facts.rows = row.ok().and_then(|row| row.try_get(0).ok()).or(facts.rows);
        }
        if let Some(condition) = super::ddl::offending(change, table) {
            let row = self
                .made(format!(
                    "SELECT COUNT(*) FROM {name} AS t WHERE {condition}"
                ))
                .await;
            facts.offending = row.ok().and_then(|row| row.try_get(0).ok());
        }
        Ok(facts)
    }

    pub(in crate::engine) async fn definition(&mut self, table: &Table) -> Result<String> {
        let row = self
            .made(format!("SHOW CREATE TABLE {}", qualified(table)))
            .await?;
        let sql = text(&row, 1)?;
        // It leaves the database out.
        let bare = format!("CREATE TABLE `{}` (", table.name.replace('`', "``"));
        Ok(match sql.strip_prefix(&bare) {
            Some(rest) if table.schema != self.default_schema => {
                format!("CREATE TABLE {} ({rest}", qualified(table))
            }
            _ => sql,
        })
    }
}

/// The columns that the condition may name: the others need not be carried along.
fn columns_of(table: &Table, condition: &str) -> String {
    let lower = condition.to_lowercase();
    let named: Vec<String> = table
        .columns
        .iter()
        .filter(|column| lower.contains(&column.name.to_lowercase()))
        .map(|column| Dialect::MySql.identifier(&column.name))
        .collect();
    if named.is_empty() {
        "*".to_owned()
    } else {
        named.join(", ")
    }
}

fn qualified(table: &Table) -> String {
    Dialect::MySql.table(&table.schema, &table.name, "")
}
