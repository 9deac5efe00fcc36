//! Plans, from `EXPLAIN QUERY PLAN`. <https://www.sqlite.org/eqp.html>

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use crate::answer::Skipped;
use crate::engine::Explained;
use crate::error::Result;
use crate::plan::{Access, Plan, PlanNode};
use crate::statement::Statement;

impl Sqlite {
    /// It keeps no plan for all values of the parameters.
    #[expect(clippy::unused_async, reason = "one contract for all engines")]
    pub(in crate::engine) async fn generic_plan(&mut self, _: &Statement) -> Result<Option<Plan>> {
        Ok(None)
    }

    pub(in crate::engine) async fn explain(
        &mut self,
        statement: &Statement,
        analyze: bool,
    ) -> Result<Explained> {
        let permit = self.permit(statement).await?;
        if analyze {
            permit.must_run()?;
        }
        let rows = self
            .made(format!("EXPLAIN QUERY PLAN {}", statement.sql()))
            .await?;
        let mut explained = Explained {
            plan: lines(&rows)?,
            ..Explained::default()
        };
        if analyze {
            explained.skipped.push(Skipped {
                what: "actual rows and times".to_owned(),
                why: "SQLite does not report them through SQL; the plan is the one it would run"
                    .to_owned(),
                grant: String::new(),
            });
        }
        Ok(explained)
    }
}

/// What a line begins with when rows are sorted or grouped.
const SORTS: &str = "USE TEMP B-TREE";

/// The rows that `EXPLAIN QUERY PLAN` gives.
pub(super) fn lines(rows: &[SqliteRow]) -> Result<Plan> {
    let mut lines = Vec::new();
    for row in rows {
        lines.push((
            row.try_get("id")?,
            row.try_get("parent")?,
            row.try_get("detail")?,
        ));
    }
    Ok(read(&lines))
}

/// Lines of (id, parent, detail). Tables that stand side by side are a nested loop, outermost first.
pub(in crate::engine) fn read(lines: &[(i64, i64, String)]) -> Plan {
    let mut children: BTreeMap<i64, Vec<(i64, &str)>> = BTreeMap::new();
    for (id, parent, detail) in lines {
        children.entry(*parent).or_default().push((*id, detail));
    }
    let mut plan = Plan::default();
    add(&mut plan, None, 0, &mut children);
    plan.settle();
    plan
}

fn add(
    plan: &mut Plan,
    parent: Option<usize>,
    id: i64,
    children: &mut BTreeMap<i64, Vec<(i64, &str)>>,
) {
    // Taken out, so that no line can stand under itself.
    let Some(lines) = children.remove(&id) else {
        return;
    };
    let tables = lines
        .iter()
        .filter(|(_, detail)| reads_table(detail))
        .count();
    let mut parent = parent;
    let feeds = lines
        .iter()
        .filter(|(_, detail)| !detail.starts_with(SORTS));
    if parent.is_none() && feeds.count() > tables {
        parent = Some(plan.push(
            None,
            PlanNode {
                operation: "Query".to_owned(),
                ..PlanNode::default()
            },
        ));
    }
    // Sorting and grouping come last in the list and stand above what feeds them.
    for (line, detail) in lines
        .iter()
        .rev()
        .filter(|(_, detail)| detail.starts_with(SORTS))
    {
        let id = plan.push(parent, node(detail));
        add(plan, Some(id), *line, children);
        parent = Some(id);
    }
    let mut join = parent;
    if tables > 1 {
        let node = PlanNode {
            operation: "Nested loop".to_owned(),
            access: Access::Join,
            // It does not tell conditions: a table that is read whole for each row of another may be joined by one.
            cartesian: lines
                .iter()
                .filter(|(_, detail)| reads_table(detail))
                .skip(1)
                .any(|(_, detail)| node(detail).access == Access::FullScan),
            ..PlanNode::default()
        };
        join = Some(plan.push(parent, node));
    }
    for (line, detail) in lines
        .iter()
        .filter(|(_, detail)| !detail.starts_with(SORTS))
    {
        let above = if reads_table(detail) { join } else { parent };
        let id = plan.push(above, node(detail));
        add(plan, Some(id), *line, children);
    }
}

fn reads_table(detail: &str) -> bool {
    (detail.starts_with("SCAN ") && detail != "SCAN CONSTANT ROW") || detail.starts_with("SEARCH ")
}

fn node(detail: &str) -> PlanNode {
    let mut node = PlanNode {
        operation: detail.to_owned(),
        ..PlanNode::default()
    };
    let mut words = detail.split_whitespace();
    match words.next() {
        Some(verb @ ("SCAN" | "SEARCH")) if detail != "SCAN CONSTANT ROW" => {
            words
                .next()
                .unwrap_or_default()
                .clone_into(&mut node.relation);
            let using = detail.split_once(" USING ").map_or("", |(_, using)| using);
            node.access = if using.starts_with("AUTOMATIC") {
                Access::AutomaticIndex
            } else if verb == "SEARCH" {
                Access::IndexSearch
            } else if using.contains("INDEX ") {
                Access::FullIndexScan
            } else {
                Access::FullScan
            };
            node.index = index_name(using);
            node.details.index_only =
                using.starts_with("COVERING") || using.contains("PRIMARY KEY");
            // "VIRTUAL TABLE INDEX 0:": no plan of the module's own.
            node.details.virtual_scan = detail.ends_with(" VIRTUAL TABLE INDEX 0:");
            if let Some((_, condition)) = using.split_once('(') {
                condition
                    .trim_end_matches([')', ' '])
                    .clone_into(&mut node.condition);
            }
            node.operation = operation(verb, using);
        }
        Some("USE") => {
            node.access = if detail.ends_with("ORDER BY") {
                Access::Sort
            } else {
                Access::Aggregate
            };
            node.operation = format!(
                "Temporary B-tree for {}",
                detail.rsplit(" FOR ").next().unwrap_or_default()
            );
        }
        Some("CORRELATED") => {
            node.access = Access::Subquery;
            node.correlated = true;
        }
        Some("MATERIALIZE" | "CO-ROUTINE") => {
            node.access = Access::Materialize;
            node.details.temporary = detail.starts_with("MATERIALIZE");
        }
        Some("SCALAR" | "LIST") => node.access = Access::Subquery,
        _ => {}
    }
    node
}

fn operation(verb: &str, using: &str) -> String {
    let what = match (verb, using) {
        (_, using) if using.starts_with("AUTOMATIC") => "Search by an index built for this run",
        ("SCAN", "") => "Table scan",
        ("SCAN", using) if using.starts_with("COVERING") => "Full scan of a covering index",
        ("SCAN", _) => "Full index scan",
        (_, using) if using.contains("PRIMARY KEY") => "Search by primary key",
        (_, using) if using.starts_with("COVERING") => "Search in a covering index",
        _ => "Index search",
    };
    what.to_owned()
}

fn index_name(using: &str) -> String {
    let mut words = using.split_whitespace();
    while let Some(word) = words.next() {
        if word == "INDEX" {
            return words
                .next()
                .filter(|name| !name.starts_with('('))
                .unwrap_or_default()
                .to_owned();
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_with_a_sort_reads_as_a_tree() {
        let lines = [
            (4, 0, "SCAN o".to_owned()),
            (
                7,
                0,
                "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)".to_owned(),
            ),
            (20, 0, "USE TEMP B-TREE FOR ORDER BY".to_owned()),
        ];
        let plan = read(&lines);
        let seen: Vec<_> = plan
            .nodes
            .iter()
            .map(|node| (node.access, node.relation.as_str(), node.parent))
            .collect();
        assert_eq!(
            seen,
            [
                (Access::Sort, "", None),
                (Access::Join, "", Some(0)),
                (Access::FullScan, "o", Some(1)),
                (Access::IndexSearch, "c", Some(1)),
            ]
        );
        assert_eq!(plan.nodes[3].condition, "rowid=?");
    }

    #[test]
    fn an_index_built_for_the_run_is_told_from_a_real_one() {
        let automatic = node("SEARCH i USING AUTOMATIC COVERING INDEX (product_id=?)");
        assert_eq!(
            (automatic.access, automatic.index.as_str()),
            (Access::AutomaticIndex, "")
        );
        let real = node("SEARCH i USING INDEX items_product (product_id=?)");
        assert_eq!(
            (real.access, real.index.as_str()),
            (Access::IndexSearch, "items_product")
        );
        assert_eq!(
            node("SCAN t USING COVERING INDEX i").access,
            Access::FullIndexScan
        );
    }
}
