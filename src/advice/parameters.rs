//! What a statement's parameters are compared with: a planner wants values, and statistics know usual ones.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, LimitClause, Query, Statement, Visit, Visitor};

use super::uses::{Condition, Key, Kind, uses};
use crate::catalog::{Catalog, Table};
use crate::statement::Dialect;

/// What stands in the place of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted<'a> {
    /// A value of this column, compared in this way.
    Value {
        table: &'a Table,
        column: String,
        kind: Kind,
        /// It is the upper end of a range.
        upper: bool,
    },
    Limit,
    Offset,
}

/// By position, as `binds` would give them; a position that is missing is of no known use.
pub fn parameters<'a>(
    statement: &Statement,
    catalog: &'a Catalog,
    dialect: Dialect,
) -> (usize, BTreeMap<usize, Wanted<'a>>) {
    let mut numbered = statement.clone();
    let count = number(&mut numbered);
    let mut found = BTreeMap::new();
    let mut limits = Limits(BTreeMap::new());
    let _ = numbered.visit(&mut limits);
    for (position, wanted) in limits.0 {
        found.insert(position, wanted);
    }
    for used in uses(&numbered, catalog, dialect) {
        let arms = used.alternatives.iter().flatten().flatten();
        for condition in used.conditions.iter().chain(arms) {
            note(condition, used.table, &mut found);
        }
    }
    (count, found)
}

/// Gives each parameter the number of its value; says how many values are wanted.
fn number(statement: &mut Statement) -> usize {
    let mut used = 0;
    let mut most = 0;
    let _ = ast::visit_expressions_mut(statement, |expr| {
        if let Expr::Value(value) = expr
            && let ast::Value::Placeholder(name) = &value.value
        {
            let given = name
                .strip_prefix(['$', '?'])
                .and_then(|number| number.parse::<usize>().ok());
            let position = given.map_or(used, |number| number.saturating_sub(1));
            used += 1;
            most = most.max(position + 1);
            value.value = ast::Value::Placeholder(format!("?{position}"));
        }
        ControlFlow::<()>::Continue(())
    });
    most
}

fn position(text: &str) -> Option<usize> {
    text.strip_prefix('?')?.parse().ok()
}

fn note<'a>(condition: &Condition, table: &'a Table, found: &mut BTreeMap<usize, Wanted<'a>>) {
    let Key::Column(column) = &condition.key else {
        return;
    };
    let mut between = condition.text.contains(" BETWEEN ");
    for (at, _) in condition.text.match_indices('?') {
        let digits: String = condition
            .text
            .get(at + 1..)
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let Ok(position) = digits.parse::<usize>() else {
            continue;
        };
        let before = condition.text.get(..at).unwrap_or_default();
        let upper = if between {
            before.contains(" AND ")
        } else {
            before.contains('<')
        };
        between &= !upper;
        found.entry(position).or_insert_with(|| Wanted::Value {
            table,
            column: column.clone(),
            kind: condition.kind,
            upper,
        });
    }
}

struct Limits(BTreeMap<usize, Wanted<'static>>);

impl Visitor for Limits {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut note = |expr: &Expr, wanted: Wanted<'static>| {
            if let Some(position) = position(&expr.to_string()) {
                self.0.insert(position, wanted);
            }
        };
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                if let Some(limit) = limit {
                    note(limit, Wanted::Limit);
                }
                if let Some(offset) = offset {
                    note(&offset.value, Wanted::Offset);
                }
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                note(limit, Wanted::Limit);
                note(offset, Wanted::Offset);
            }
            None => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Column;

    #[test]
    fn each_parameter_is_known_by_what_it_is_compared_with() {
        let column = |name: &str| Column {
            name: name.to_owned(),
            ..Column::default()
        };
        let catalog = Catalog {
            default_schema: String::new(),
            tables: vec![Table {
                name: "orders".to_owned(),
                columns: ["id", "status", "total"].map(column).to_vec(),
                ..Table::default()
            }],
        };
        let told = |sql: &str| {
            let ast = crate::statement::parse_one(sql, Dialect::Sqlite).unwrap();
            let (count, found) = parameters(&ast, &catalog, Dialect::Sqlite);
            let words: Vec<String> = found
                .into_iter()
                .map(|(position, wanted)| match wanted {
                    Wanted::Value { column, upper, .. } => format!("{position} {column} {upper}"),
                    other => format!("{position} {other:?}"),
                })
                .collect();
            (count, words.join(", "))
        };
        assert_eq!(
            told("SELECT id FROM orders WHERE status = ? AND total BETWEEN ? AND ? LIMIT ?"),
            (
                4,
                "0 status false, 1 total false, 2 total true, 3 Limit".to_owned()
            )
        );
        assert_eq!(
            told(
                "SELECT id FROM orders WHERE total < ?2 AND (status = ?1 OR id IN (?3, ?3)) OFFSET ?4"
            ),
            (
                4,
                "0 status false, 1 total true, 2 id false, 3 Offset".to_owned()
            )
        );
        assert_eq!(told("SELECT ? FROM orders"), (1, String::new()));
    }
}
