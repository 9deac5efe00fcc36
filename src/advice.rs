//! Index advice. First depth: for each table that is read from end to end, the one composite index that
//! its own conditions ask for, in the order equality, then range or sort.

pub mod cost;
pub mod uses;

use crate::catalog::{Catalog, Table};
use crate::migration::change::NewIndex;
use crate::plan::{Access, Plan};
use crate::query::{PredicateKind, Query, Scope};

/// An index worth asking about.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub table: &'a Table,
    pub columns: Vec<Key<'a>>,
    /// The conditions that it would serve, ready to be asked of the table alone.
    pub condition: String,
    /// The same as written, for people.
    pub shown: String,
    /// Whether it also gives the order that the statement asks for.
    pub gives_order: bool,
    /// A join looks its rows up, one outer row at a time.
    pub for_join: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Key<'a> {
    pub column: &'a str,
    pub descending: bool,
}

/// Below this many rows a scan is as good as an index.
const ROWS: i64 = 1000;

/// One candidate for each table that the plan reads whole although the statement names a part of it.
pub fn candidates<'a>(plan: &Plan, query: &Query<'a>, catalog: &Catalog) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'a>> = Vec::new();
    for scope in &query.scopes {
        for used in &scope.tables {
            let table = used.table;
            let scanned = plan.nodes.iter().any(|node| {
                let same = node.names(&used.alias) || node.names(&table.name);
                let wasteful = matches!(
                    node.access,
                    Access::FullScan | Access::FullIndexScan | Access::AutomaticIndex
                ) || node
                    .removed_rows
                    .is_some_and(|removed| removed >= ROWS as f64);
                same && wasteful
            });
            if !scanned || !table.kind.is_entity() || table.rows.is_some_and(|rows| rows < ROWS) {
                continue;
            }
            if let Some(candidate) = candidate(scope, used.position, table)
                && !is_there(&candidate)
                && !found.iter().any(|known| {
                    std::ptr::eq(known.table, table) && known.columns == candidate.columns
                })
            {
                found.push(candidate);
            }
        }
    }
    found.sort_by(|a, b| {
        (catalog.display_name(a.table), a.columns.len())
            .cmp(&(catalog.display_name(b.table), b.columns.len()))
    });
    found
}

fn candidate<'a>(scope: &Scope<'a>, position: usize, table: &'a Table) -> Option<Candidate<'a>> {
    let own = || {
        scope
            .predicates
            .iter()
            .filter(move |predicate| predicate.column.position == position)
    };
    let mut columns: Vec<Key<'a>> = Vec::new();
    let mut served = Vec::new();
    for predicate in own().filter(|p| {
        matches!(
            p.kind,
            PredicateKind::Equality | PredicateKind::AnyOf | PredicateKind::IsNull
        )
    }) {
        push(&mut columns, predicate.column.column, false);
        served.push(predicate);
    }
    let mut for_join = false;
    if served.is_empty() {
        // The inner side of a join is looked up by its join column.
        let join = scope.joins.iter().find_map(|(left, right)| {
            [left, right]
                .into_iter()
                .find(|side| side.position == position && scope.tables.len() > 1)
        });
        if let Some(side) = join.filter(|_| own().next().is_none()) {
            push(&mut columns, side.column, false);
            for_join = true;
        }
    }
    let range = own().find(|predicate| {
        matches!(
            predicate.kind,
            PredicateKind::Range | PredicateKind::LikePrefix
        )
    });
    let order: Vec<_> = scope
        .order_by
        .iter()
        .filter(|(column, _)| column.position == position)
        .collect();
    let ordered = scope.order_is_plain && !order.is_empty() && order.len() == scope.order_by.len();
    let mut gives_order = false;
    match range {
        Some(predicate) => {
            let first = order.first().filter(|_| ordered && order.len() == 1);
            gives_order = first.is_some_and(|(column, _)| column.column == predicate.column.column);
            push(&mut columns, predicate.column.column, false);
            served.extend(own().filter(|other| {
                other.column.column == predicate.column.column
                    && matches!(other.kind, PredicateKind::Range | PredicateKind::LikePrefix)
            }));
        }
        None if ordered && scope.limited && scope.group_by.is_empty() => {
            for (column, descending) in &order {
                push(&mut columns, column.column, *descending);
            }
            gives_order = true;
        }
        None => {}
    }
    // Rows found by several values come in as many runs.
    gives_order &= !served
        .iter()
        .any(|predicate| predicate.kind == PredicateKind::AnyOf);
    // All descending is all ascending, read backwards.
    let sort_keys: Vec<bool> = columns.iter().map(|key| key.descending).collect();
    if gives_order && order.iter().all(|(_, descending)| *descending) && sort_keys.contains(&true) {
        for key in &mut columns {
            key.descending = false;
        }
    }
    if columns.is_empty() || (served.is_empty() && !gives_order && !for_join) {
        return None;
    }
    // What names anything but the table's own columns cannot be asked of the table alone.
    let bare: Option<Vec<&str>> = served
        .iter()
        .map(|predicate| predicate.bare.as_deref())
        .collect();
    let shown: Vec<&str> = served
        .iter()
        .map(|predicate| predicate.text.as_str())
        .collect();
    Some(Candidate {
        table,
        condition: bare.unwrap_or_default().join(" AND "),
        shown: shown.join(" AND "),
        columns,
        gives_order,
        for_join,
    })
}

fn push<'a>(columns: &mut Vec<Key<'a>>, column: &'a str, descending: bool) {
    if !columns.iter().any(|key| key.column == column) {
        columns.push(Key { column, descending });
    }
}

/// Whether an index that begins with these keys exists already.
fn is_there(candidate: &Candidate<'_>) -> bool {
    candidate.table.indexes.iter().any(|index| {
        index.valid
            && matches!(index.method.as_str(), "" | "btree")
            && index.predicate.is_empty()
            && index.columns.len() >= candidate.columns.len()
            && index
                .columns
                .iter()
                .zip(&candidate.columns)
                .all(|(own, key)| {
                    own.name.eq_ignore_ascii_case(key.column)
                        && !own.expression
                        && own.prefix.is_none()
                })
    })
}

impl Candidate<'_> {
    /// As a wish for an index, its keys written by `identifier`.
    pub fn index(&self, identifier: impl Fn(&str) -> String) -> NewIndex {
        NewIndex {
            name: None,
            keys: self
                .columns
                .iter()
                .map(|key| {
                    format!(
                        "{}{}",
                        identifier(key.column),
                        if key.descending { " DESC" } else { "" }
                    )
                })
                .collect(),
            columns: self
                .columns
                .iter()
                .map(|key| key.column.to_owned())
                .collect(),
            unique: false,
            method: String::new(),
            include: Vec::new(),
            predicate: String::new(),
            ..NewIndex::default()
        }
    }

    pub fn column_names(&self) -> Vec<String> {
        self.columns
            .iter()
            .map(|key| key.column.to_owned())
            .collect()
    }

    /// An existing index that the new one would make needless.
    pub fn makes_needless(&self) -> Option<&str> {
        self.table
            .indexes
            .iter()
            .find(|index| {
                !index.unique
                    && index.predicate.is_empty()
                    && index.include.is_empty()
                    && index.columns.len() < self.columns.len()
                    && index
                        .columns
                        .iter()
                        .zip(&self.columns)
                        .all(|(own, key)| own.name == key.column)
            })
            .map(|index| index.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Column, Index, IndexColumn};
    use crate::plan::PlanNode;
    use crate::statement::{Dialect, Statement};

    fn catalog() -> Catalog {
        let column = |name: &str| Column {
            name: name.to_owned(),
            data_type: "integer".to_owned(),
            ..Column::default()
        };
        let table = Table {
            name: "orders".to_owned(),
            columns: ["id", "status", "placed_at", "customer_id"]
                .map(column)
                .to_vec(),
            rows: Some(50_000),
            indexes: vec![Index {
                name: "orders_customer".to_owned(),
                valid: true,
                columns: vec![IndexColumn {
                    name: "customer_id".to_owned(),
                    ..IndexColumn::default()
                }],
                ..Index::default()
            }],
            ..Table::default()
        };
        Catalog {
            default_schema: String::new(),
            tables: vec![table],
        }
    }

    fn advise(sql: &str) -> Vec<Vec<String>> {
        let catalog = catalog();
        let statement = Statement::parse(sql, Dialect::Sqlite).unwrap();
        let query = Query::new(&statement.ast, &catalog);
        let mut plan = Plan::default();
        plan.push(
            None,
            PlanNode {
                access: Access::FullScan,
                relation: "o".to_owned(),
                ..PlanNode::default()
            },
        );
        plan.push(
            None,
            PlanNode {
                access: Access::FullScan,
                relation: "orders".to_owned(),
                ..PlanNode::default()
            },
        );
        candidates(&plan, &query, &catalog)
            .iter()
            .map(Candidate::column_names)
            .collect()
    }

    #[test]
    fn equality_comes_before_range_and_before_order() {
        assert_eq!(
            advise("SELECT id FROM orders o WHERE o.placed_at > 5 AND o.status = 'x'"),
            [["status", "placed_at"]]
        );
        assert_eq!(
            advise("SELECT id FROM orders WHERE status = 'x' ORDER BY placed_at DESC LIMIT 5"),
            [["status", "placed_at"]]
        );
    }

    #[test]
    fn nothing_is_advised_where_nothing_helps() {
        assert!(advise("SELECT id FROM orders").is_empty());
        assert!(advise("SELECT id FROM orders WHERE customer_id = 7").is_empty());
        assert!(advise("SELECT id FROM orders WHERE status <> 'x'").is_empty());
        assert!(advise("SELECT id FROM orders WHERE abs(status) = 1").is_empty());
    }
}
