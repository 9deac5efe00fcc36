//! What is known of the data: rows, different values and the shares that conditions keep, counted on rows from all
//! over each table, read-only.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::super::Sqlite;
use crate::advice::estimate::Knowledge;
use crate::advice::uses::{Key, Use};
use crate::catalog::{Catalog, Table};
use crate::error::Result;
use crate::statement::Dialect;

/// Rows that are counted on.
const SAMPLE: i64 = 20_000;
/// From how many places of a large table they come.
const RUNS: i64 = 200;
/// Keys that are looked at, for each table.
const MOST_KEYS: usize = 24;

impl Sqlite {
    pub(super) async fn knowledge(
        &mut self,
        catalog: &Catalog,
        uses: &[Use<'_>],
    ) -> Result<Knowledge> {
        let mut known = Knowledge::default();
        let mut done: Vec<&str> = Vec::new();
        for used in uses {
            let table = used.table;
            if done.contains(&table.name.as_str()) || !table.kind.is_entity() {
                continue;
            }
            done.push(&table.name);
            let rows = table.rows.unwrap_or(0).max(0) as f64;
            known.rows.insert(table.name.clone(), rows);
            let own: Vec<&Use<'_>> = uses
                .iter()
                .filter(|other| std::ptr::eq(other.table, table))
                .collect();
            let from = self.rows_of(table).await?;
            self.count_shares(table, &own, &from, &mut known).await?;
            let mut keys: BTreeSet<Key> = BTreeSet::new();
            for used in &own {
                let conditions = used.conditions.iter();
                let arms = used.alternatives.iter().flatten().flatten();
                keys.extend(
                    conditions
                        .chain(arms)
                        .map(|condition| condition.key.clone()),
                );
                keys.extend(
                    used.joins
                        .iter()
                        .map(|join| Key::Column(join.column.clone())),
                );
                keys.extend(used.order.iter().map(|(key, _)| key.clone()));
                keys.extend(used.group.iter().cloned());
            }
            for index in &table.indexes {
                for column in index.columns.iter().filter(|column| !column.expression) {
                    keys.insert(Key::Column(column.name.clone()));
                }
            }
            for key in keys.into_iter().take(MOST_KEYS) {
                let parents =
                    parent_rows(table, &key, catalog).or_else(|| joined_rows(&own, uses, &key));
                if let Some(values) = self.count_values(&key, &from, rows, parents).await? {
                    known.distinct.insert((table.name.clone(), key), values);
                }
            }
        }
        Ok(known)
    }

    /// A query for some rows: runs from all along the row ids, so that the first rows do not speak for the rest.
    pub(in crate::engine::sqlite) async fn rows_of(&mut self, table: &Table) -> Result<String> {
        let name = Dialect::Sqlite.identifier(&table.name);
        let first = format!("SELECT * FROM {name} LIMIT {SAMPLE}");
        if table.rows.is_none_or(|rows| rows <= SAMPLE) {
            return Ok(first);
        }
        let ends = self
            .made(format!("SELECT min(rowid), max(rowid) FROM {name}"))
            .await;
        let Ok(ends) = ends else { return Ok(first) };
        let (Some(low), Some(high)) = (
            ends.first().and_then(|row| row.try_get::<i64, _>(0).ok()),
            ends.first().and_then(|row| row.try_get::<i64, _>(1).ok()),
        ) else {
            return Ok(first);
        };
        let at = |run: i64| {
            (i128::from(low)
                + (i128::from(high) - i128::from(low)) * i128::from(run) / i128::from(RUNS))
                as i64
        };
        let parts: Vec<String> = (0..RUNS)
            .map(|run| {
                format!(
                    "SELECT * FROM (SELECT * FROM {name} WHERE rowid >= {} ORDER BY rowid LIMIT {})",
                    at(run),
                    SAMPLE / RUNS
                )
            })
            .collect();
        Ok(parts.join(" UNION ALL "))
    }

    /// All conditions of the table at once.
    async fn count_shares(
        &mut self,
        table: &Table,
        uses: &[&Use<'_>],
        from: &str,
        known: &mut Knowledge,
    ) -> Result<()> {
        let mut texts: BTreeSet<&str> = BTreeSet::new();
        for used in uses {
            let arms = used.alternatives.iter().flatten().flatten();
            for condition in used.conditions.iter().chain(arms) {
                if condition.constant && !condition.text.is_empty() {
                    texts.insert(&condition.text);
                }
            }
        }
        if texts.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = texts.into_iter().take(MOST_KEYS).collect();
        let counts: Vec<String> = texts
            .iter()
            .map(|text| format!("count(*) FILTER (WHERE {text})"))
            .collect();
        let counted = self
            .made(format!(
                "SELECT count(*), {} FROM ({from})",
                counts.join(", ")
            ))
            .await;
        // A condition that cannot be asked alone is estimated.
        let Ok(rows) = counted else { return Ok(()) };
        let Some(row) = rows.first() else {
            return Ok(());
        };
        let read: i64 = row.try_get(0)?;
        for (position, text) in texts.iter().enumerate() {
            let kept: i64 = row.try_get(position + 1)?;
            if read > 0 {
                // No row seen is less than one row seen.
                let share = (kept as f64).max(0.5) / read as f64;
                known
                    .shares
                    .insert((table.name.clone(), (*text).to_owned()), share);
            }
        }
        Ok(())
    }

    /// How many different values there are: those seen once stand for others that were not seen.
    async fn count_values(
        &mut self,
        key: &Key,
        from: &str,
        rows: f64,
        parents: Option<f64>,
    ) -> Result<Option<f64>> {
        let key = match key {
            Key::Column(name) => Dialect::Sqlite.identifier(name),
            Key::Expression(text) => format!("({text})"),
        };
        let counted = self
            .made(format!(
                "SELECT count(*), coalesce(sum(times = 1), 0), coalesce(sum(times), 0) FROM (SELECT count(*) AS times FROM ({from}) GROUP BY {key})"
            ))
            .await;
        let Ok(counted) = counted else {
            return Ok(None);
        };
        let Some(row) = counted.first() else {
            return Ok(None);
        };
        let (values, once, read): (i64, i64, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if read == 0 {
            return Ok(None);
        }
        let (values, once, read) = (values as f64, once as f64, read as f64);
        let more = (rows / read).max(1.0).sqrt();
        let guess = (more * once + values - once).clamp(1.0, rows.max(1.0));
        Ok(Some(match parents {
            // No more than there are to refer to; rows that lie together show each of them only once.
            Some(parents) if rows > read => parents.min(rows).max(values),
            _ => guess,
        }))
    }
}

/// Rows of the table that a column refers to.
fn parent_rows(table: &Table, key: &Key, catalog: &Catalog) -> Option<f64> {
    let column = key.column()?;
    let foreign = table
        .foreign_keys
        .iter()
        .find(|foreign| matches!(foreign.columns.as_slice(), [only] if only == column))?;
    let rows = catalog.find(None, &foreign.referenced_table)?.rows?;
    Some(rows as f64)
}

/// Rows of the table whose unique column it is joined with, declared or not.
fn joined_rows(own: &[&Use<'_>], uses: &[Use<'_>], key: &Key) -> Option<f64> {
    let column = key.column()?;
    let joins = own.iter().flat_map(|used| &used.joins);
    let others = joins
        .filter(|join| join.column == column)
        .filter_map(|join| {
            let other = uses.get(join.other)?.table;
            other
                .is_unique(&[&join.other_column])
                .then_some(other.rows? as f64)
        });
    others.reduce(f64::min)
}
