//! One statement for each row of another: where one for all of them would do. A repetition proves no more than that
//! it was repeated: what is found is a candidate.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Statistics, fingerprint};
use crate::advice::uses::{Key, Kind, uses};
use crate::catalog::{Catalog, Table};
use crate::statement::{Dialect, parse_one};

/// So many in a row, with so many different values.
const REPEATS: usize = 5;
const DIFFERENT: usize = 3;
/// Other statements that may stand between.
const BETWEEN: usize = 2;
/// Calls of a statement that is suspected from statistics alone, and rows that it gives at most.
const CALLS: u64 = 1000;
const ROWS_PER_CALL: f64 = 1.5;

#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub fingerprint: String,
    /// The longest run, or all calls.
    pub repeats: u64,
    pub total_ms: Option<f64>,
    /// The statement whose rows it was asked for, if that shows.
    pub parent: String,
    pub batched_sql: String,
    /// The way from the parent's table to this one.
    pub path: String,
    /// The same value again and again: to be remembered, not to be batched.
    pub same_value: bool,
    pub confidence: &'static str,
}

/// Runs of one statement within a session.
pub fn in_log(events: &[Event], catalog: &Catalog, dialect: Dialect) -> Vec<Candidate> {
    let prints: Vec<String> = events
        .iter()
        .map(|event| fingerprint::of(&event.sql, dialect))
        .collect();
    let mut of_session: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, event) in events.iter().enumerate() {
        of_session.entry(&event.session).or_default().push(position);
    }
    let mut best: BTreeMap<&str, Candidate> = BTreeMap::new();
    for positions in of_session.values() {
        for run in runs(positions, &prints) {
            let Some(candidate) = judged(&run, events, &prints, positions, catalog, dialect) else {
                continue;
            };
            let Some(print) = run.first().and_then(|at| prints.get(*at)) else {
                continue;
            };
            match best.get(print.as_str()) {
                Some(known) if known.repeats >= candidate.repeats => {}
                _ => {
                    best.insert(print, candidate);
                }
            }
        }
    }
    let mut found: Vec<Candidate> = best.into_values().collect();
    found.sort_by(|a, b| {
        b.repeats
            .cmp(&a.repeats)
            .then(a.fingerprint.cmp(&b.fingerprint))
    });
    found
}

/// Places of the same statement, with few others between them.
fn runs(positions: &[usize], prints: &[String]) -> Vec<Vec<usize>> {
    let mut open: BTreeMap<&str, (Vec<usize>, usize)> = BTreeMap::new();
    let mut done = Vec::new();
    for (order, position) in positions.iter().enumerate() {
        let Some(print) = prints.get(*position) else {
            continue;
        };
        let (run, last) = open.entry(print).or_insert((Vec::new(), order));
        if order.saturating_sub(*last) > BETWEEN + 1 {
            done.push(std::mem::take(run));
        }
        run.push(*position);
        *last = order;
    }
    done.extend(open.into_values().map(|(run, _)| run));
    done.retain(|run| run.len() >= REPEATS);
    done
}

fn judged(
    run: &[usize],
    events: &[Event],
    prints: &[String],
    positions: &[usize],
    catalog: &Catalog,
    dialect: Dialect,
) -> Option<Candidate> {
    let first = *run.first()?;
    let event = events.get(first)?;
    let values: BTreeSet<(&str, &str)> = run
        .iter()
        .filter_map(|at| events.get(*at))
        .map(|event| (event.sql.as_str(), event.values.as_str()))
        .collect();
    // A log without values hides them: then only the repetition is known.
    let hidden = values.len() == 1 && event.values.is_empty() && has_parameter(&event.sql);
    let same_value = values.len() == 1 && !hidden;
    if !same_value && !hidden && values.len() < DIFFERENT {
        return None;
    }
    let before = positions.iter().rev().filter(|at| **at < first);
    let parent = before
        .filter_map(|at| prints.get(*at))
        .find(|print| Some(*print) != prints.get(first));
    let asked = asked_by_key(&event.sql, catalog, dialect);
    let parent_table = parent.and_then(|print| first_table(print, catalog, dialect));
    let path = asked
        .as_ref()
        .zip(parent_table)
        .and_then(|((table, column), parent)| way(table, column, parent));
    let sum: f64 = run.iter().filter_map(|at| events.get(*at)?.ms).sum();
    Some(Candidate {
        fingerprint: prints.get(first)?.clone(),
        repeats: run.len() as u64,
        total_ms: (sum > 0.0).then_some(sum),
        parent: parent.cloned().unwrap_or_default(),
        batched_sql: asked.as_ref().filter(|_| !same_value).map_or_else(
            String::new,
            |(_, column)| {
                batched(
                    prints.get(first).map_or("", String::as_str),
                    column,
                    dialect,
                )
            },
        ),
        confidence: match (&path, hidden, same_value) {
            (_, _, true) | (None, true, _) => "low",
            (Some(_), false, _) => "high",
            (Some(_), true, _) | (None, false, _) => "medium",
        },
        path: path.unwrap_or_default(),
        same_value,
    })
}

/// Statements that statistics alone make suspect: very many calls by one key that give a row or none.
pub fn in_statistics(
    statistics: &[Statistics],
    catalog: &Catalog,
    dialect: Dialect,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for own in statistics {
        let rows = own.rows.map(|rows| rows as f64 / own.calls.max(1) as f64);
        if own.calls < CALLS || rows.is_none_or(|rows| rows > ROWS_PER_CALL) {
            continue;
        }
        let Some((table, column)) = asked_by_key(&own.sample, catalog, dialect) else {
            continue;
        };
        // The parent gave about as many rows as this was called.
        let parent = statistics.iter().find(|other| {
            other.fingerprint != own.fingerprint
                && other.rows.is_some_and(|rows| {
                    let ratio = rows as f64 / own.calls as f64;
                    (0.8..=1.25).contains(&ratio)
                })
                && other.calls * 5 <= own.calls
        });
        let path = parent
            .and_then(|parent| first_table(&parent.sample, catalog, dialect))
            .and_then(|parent| way(table, &column, parent));
        found.push(Candidate {
            fingerprint: own.fingerprint.clone(),
            repeats: own.calls,
            total_ms: Some(own.total_ms),
            parent: parent.map_or_else(String::new, |parent| parent.fingerprint.clone()),
            batched_sql: batched(&own.fingerprint, &column, dialect),
            confidence: if path.is_some() { "medium" } else { "low" },
            path: path.unwrap_or_default(),
            same_value: false,
        });
    }
    found
}

fn has_parameter(sql: &str) -> bool {
    sql.contains(['?', '$', '%', ':'])
}

/// The table and the key by which a statement asks for one row, or for those of one parent.
fn asked_by_key<'a>(
    sql: &str,
    catalog: &'a Catalog,
    dialect: Dialect,
) -> Option<(&'a Table, String)> {
    let ast = parse_one(sql, dialect).ok()?;
    uses(&ast, catalog, dialect).iter().find_map(|used| {
        used.conditions.iter().find_map(|condition| {
            let (Kind::Equal, Key::Column(column)) = (condition.kind, &condition.key) else {
                return None;
            };
            let table = used.table;
            let refers =
                |key: &crate::catalog::ForeignKey| key.columns.iter().any(|own| own == column);
            let is_key = table.is_unique(&[column]) || table.foreign_keys.iter().any(refers);
            is_key.then(|| (table, column.clone()))
        })
    })
}

fn first_table<'a>(sql: &str, catalog: &'a Catalog, dialect: Dialect) -> Option<&'a Table> {
    let sql = sql.replace("(?)", "(1)").replace('?', "1");
    let ast = parse_one(&sql, dialect).ok()?;
    uses(&ast, catalog, dialect).first().map(|used| used.table)
}

/// How two tables are related, by a foreign key of the one or of the other.
fn way(child: &Table, column: &str, parent: &Table) -> Option<String> {
    let down = child.foreign_keys.iter().find(|key| {
        key.columns.iter().any(|own| own == column) && key.referenced_table == parent.name
    });
    if down.is_some() {
        return Some(format!("{}.{column} refers to {}", child.name, parent.name));
    }
    let up = parent.foreign_keys.iter().find(|key| {
        key.referenced_table == child.name && key.referenced_columns.iter().any(|own| own == column)
    })?;
    Some(format!(
        "{}.{} refers to {}",
        parent.name,
        up.columns.join(", "),
        child.name
    ))
}

/// The same for all values at once.
fn batched(fingerprint: &str, column: &str, dialect: Dialect) -> String {
    let many = match dialect {
        Dialect::Postgres => "= ANY($1)",
        Dialect::MySql | Dialect::Sqlite => "IN (?, ?, …)",
    };
    let lower = fingerprint.to_lowercase();
    let name = column.to_lowercase();
    for sign in [" = ?", "=?", "\" = ?", "` = ?"] {
        let wanted = format!("{name}{sign}");
        if let Some(at) = lower.find(&wanted) {
            let end = at + wanted.len();
            let start = at + name.len() + sign.find(['=', ' ']).unwrap_or(0);
            let (Some(before), Some(after)) = (fingerprint.get(..start), fingerprint.get(end..))
            else {
                continue;
            };
            // One row each is no limit for all of them.
            let after = after.replace(" LIMIT ?", "").replace(" limit ?", "");
            return format!("{} {many}{after}", before.trim_end());
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Column, ForeignKey, Key as TableKey};

    fn catalog() -> Catalog {
        let column = |name: &str| Column {
            name: name.to_owned(),
            ..Column::default()
        };
        let key = || TableKey {
            name: String::new(),
            columns: vec!["id".to_owned()],
        };
        Catalog {
            default_schema: String::new(),
            tables: vec![
                Table {
                    name: "customers".to_owned(),
                    columns: vec![column("id")],
                    primary_key: Some(key()),
                    ..Table::default()
                },
                Table {
                    name: "orders".to_owned(),
                    columns: ["id", "customer_id", "total"].map(column).to_vec(),
                    primary_key: Some(key()),
                    foreign_keys: vec![ForeignKey {
                        columns: vec!["customer_id".to_owned()],
                        referenced_table: "customers".to_owned(),
                        referenced_columns: vec!["id".to_owned()],
                        ..ForeignKey::default()
                    }],
                    ..Table::default()
                },
            ],
        }
    }

    fn event(sql: &str) -> Event {
        Event {
            session: "1".to_owned(),
            sql: sql.to_owned(),
            ms: Some(1.0),
            ..Event::default()
        }
    }

    #[test]
    fn a_statement_for_each_row_of_another_is_a_candidate() {
        let mut events = vec![event("SELECT id FROM customers LIMIT 6")];
        events.extend((1..=6).map(|id| {
            event(&format!(
                "SELECT total FROM orders WHERE customer_id = {id}"
            ))
        }));
        let found = in_log(&events, &catalog(), Dialect::Postgres);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].repeats, 6);
        assert_eq!(found[0].parent, "SELECT id FROM customers LIMIT ?");
        assert_eq!(
            found[0].batched_sql,
            "SELECT total FROM orders WHERE customer_id = ANY($1)"
        );
        assert_eq!(found[0].path, "orders.customer_id refers to customers");
        assert_eq!(
            (found[0].confidence, found[0].total_ms),
            ("high", Some(6.0))
        );
    }

    #[test]
    fn few_or_the_same_are_not() {
        let few: Vec<Event> = (1..=4)
            .map(|id| {
                event(&format!(
                    "SELECT total FROM orders WHERE customer_id = {id}"
                ))
            })
            .collect();
        assert!(in_log(&few, &catalog(), Dialect::Postgres).is_empty());
        let same: Vec<Event> = (1..=9)
            .map(|_| event("SELECT total FROM orders WHERE customer_id = 7"))
            .collect();
        let found = in_log(&same, &catalog(), Dialect::Postgres);
        assert!(found[0].same_value && found[0].batched_sql.is_empty());
        // In other sessions they are no run.
        let apart: Vec<Event> = (1..=9)
            .map(|id| Event {
                session: id.to_string(),
                ..event(&format!(
                    "SELECT total FROM orders WHERE customer_id = {id}"
                ))
            })
            .collect();
        assert!(in_log(&apart, &catalog(), Dialect::Postgres).is_empty());
    }
}
