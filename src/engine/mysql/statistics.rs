//! Selectivity: what the planner thinks, and what a bounded count says.

use std::fmt::Write as _;

use sqlx::Row as _;

use super::{MySql, text};
use crate::catalog::Table;
use crate::engine::{Permit, Selectivity, Values, values};
use crate::error::Result;
use crate::migration::Facts;
use crate::migration::change::Change;
use crate::statement::{Dialect, Statement};

/// How many rows a count looks at.
const SAMPLE: i64 = 30_000;
/// From how many places of a large table they come.
const RUNS: i64 = 200;

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
            && let Ok(json) = super::explain::parse(&text(&row, 0)?)
        {
            selectivity.estimated = super::explain::read(&json)?
                .root()
                .and_then(|root| root.estimated_rows)
                .map(|kept| (kept / rows as f64).min(1.0));
        }
        if self.runs_nothing {
            return Ok(selectivity);
        }
        let from = self.sample(table, &columns_of(table, condition)).await;
        let counted = self
            .made(format!(
                "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS SIGNED) FROM ({from}) AS {}",
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

    /// Values of a column from the rows of a sample.
    pub(in crate::engine) async fn values(
        &mut self,
        table: &Table,
        column: &str,
    ) -> Result<Option<Values>> {
        if self.runs_nothing {
            return Ok(None);
        }
        let key = Dialect::MySql.identifier(column);
        let from = self.sample(table, &key).await;
        let from = format!("({from}) AS sample WHERE {key} IS NOT NULL");
        let counted = self.made(format!("SELECT COUNT(*) FROM {from}")).await;
        let Ok(rows) = counted.and_then(|row| Ok(row.try_get::<i64, _>(0)?)) else {
            return Ok(None);
        };
        let at = |tenth: i64| {
            format!(
                "(SELECT CAST({key} AS CHAR) FROM {from} ORDER BY {key} LIMIT 1 OFFSET {})",
                (rows * tenth / 10).min((rows - 1).max(0))
            )
        };
        let common = format!(
            "(SELECT CAST({key} AS CHAR) FROM {from} GROUP BY {key} ORDER BY COUNT(*) DESC, {key} LIMIT 1)"
        );
        let row = self
            .made(format!("SELECT {}, {common}, {}, {}", at(5), at(1), at(9)))
            .await;
        let Ok(row) = row else { return Ok(None) };
        let text = |at: usize| row.try_get::<Option<String>, _>(at).ok().flatten();
        Ok(values(text(0), text(1), text(2), text(3)))
    }

    /// A query for some rows: runs from all along an integer primary key, so that the first rows do not speak
    /// for the rest; without such a key the first ones.
    async fn sample(&mut self, table: &Table, columns: &str) -> String {
        let name = qualified(table);
        let first = format!("SELECT {columns} FROM {name} LIMIT {SAMPLE}");
        if table.rows.is_none_or(|rows| rows <= SAMPLE) {
            return first;
        }
        let key = table
            .primary_key
            .as_ref()
            .and_then(|key| table.column(key.columns.first()?))
            .filter(|column| column.data_type.contains("int"));
        let Some(key) = key.map(|column| Dialect::MySql.identifier(&column.name)) else {
            return first;
        };
        let ends =
            format!("SELECT CAST(MIN({key}) AS SIGNED), CAST(MAX({key}) AS SIGNED) FROM {name}");
        let Ok(row) = self.made(ends).await else {
            return first;
        };
        match (row.try_get::<i64, _>(0), row.try_get::<i64, _>(1)) {
            (Ok(low), Ok(high)) => runs(&name, &key, columns, low, high),
            _ => first,
        }
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

    /// Whether reading the table stays on this server and runs no stored code.
    async fn may_count(&mut self, name: &str) -> bool {
        let reading = format!("SELECT COUNT(*) FROM {name}");
        match Statement::parse(&reading, Dialect::MySql) {
            Ok(statement) => matches!(self.permit(&statement).await, Ok(Permit::Run)),
            Err(_) => false,
        }
    }

    pub(in crate::engine) async fn definition(&mut self, table: &Table) -> Result<String> {
        let row = self
            .made(format!("SHOW CREATE TABLE {}", qualified(table)))
            .await?;
        let sql = text(&row, 1)?;
        // It leaves the database out.
        let bare = format!("CREATE TABLE `{}` (", table.name.replace('`', "``"));
        let mut sql = match sql.strip_prefix(&bare) {
            Some(rest) if table.schema != self.default_schema => {
                format!("CREATE TABLE {} ({rest}", qualified(table))
            }
            _ => sql,
        };
        sql.push(';');
        for trigger in &table.triggers {
            let _ = write!(sql, "\n{};", trigger.definition);
        }
        Ok(sql)
    }
}

fn runs(table: &str, key: &str, columns: &str, low: i64, high: i64) -> String {
    let at = |run: i64| {
        (i128::from(low)
            + (i128::from(high) - i128::from(low)) * i128::from(run) / i128::from(RUNS))
            as i64
    };
    let parts: Vec<String> = (0..RUNS)
        .map(|run| {
            let end = if run + 1 == RUNS { format!("<= {high}") } else { format!("< {}", at(run + 1)) };
            format!("(SELECT {columns} FROM {table} WHERE {key} >= {} AND {key} {end} ORDER BY {key} LIMIT {})", at(run), SAMPLE / RUNS)
        })
        .collect();
    parts.join(" UNION ALL ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_lie_next_to_each_other_from_end_to_end() {
        let sql = runs("t", "id", "a", 1, 100_001);
        assert!(sql.starts_with(
            "(SELECT a FROM t WHERE id >= 1 AND id < 501 ORDER BY id LIMIT 150) UNION ALL "
        ));
        assert!(sql.ends_with(
            "(SELECT a FROM t WHERE id >= 99501 AND id <= 100001 ORDER BY id LIMIT 150)"
        ));
        assert_eq!(sql.matches("UNION ALL").count(), 199);
    }
}
