//! `EXPLAIN`'s text, as the JSON that it would have been. What only the text has is left out.

mod label;
mod property;

use serde_json::{Map, Value, json};

use crate::engine::pasted::{DEEPEST, number_after, split_outside};
use crate::error::{Error, Result};

/// Nodes that may begin a plan without costs.
const NODES: &[&str] = &[
    "Seq Scan",
    "Index ",
    "Bitmap ",
    "Limit",
    "Sort",
    "Incremental Sort",
    "Aggregate",
    "HashAggregate",
    "GroupAggregate",
    "Hash ",
    "Merge ",
    "Nested Loop",
    "Append",
    "Gather",
    "Result",
    "Unique",
    "WindowAgg",
    "Insert on",
    "Update on",
    "Delete on",
    "Finalize ",
    "Subquery Scan",
    "CTE Scan",
    "Function Scan",
];

pub(in crate::engine) fn begins(line: &str) -> bool {
    NODES.iter().any(|node| line.trim_start().starts_with(node))
}

struct Reader {
    /// Nodes that lines may still belong to: how far to the right they stand, and what is known of them.
    open: Vec<(usize, Map<String, Value>)>,
    top: Map<String, Value>,
    root: Option<Map<String, Value>>,
    /// A heading such as `SubPlan 1`, which names the next node.
    heading: Option<(usize, String)>,
    jit: bool,
}

pub(in crate::engine) fn read(lines: &[String]) -> Result<Value> {
    let mut reader = Reader {
        open: Vec::new(),
        top: Map::new(),
        root: None,
        heading: None,
        jit: false,
    };
    for line in lines {
        reader.line(line)?;
    }
    reader.close(0);
    let root = reader
        .root
        .take()
        .ok_or_else(|| Error::unexpected("EXPLAIN", "no node in it"))?;
    let mut top = reader.top;
    top.insert("Plan".to_owned(), Value::Object(root));
    Ok(json!([top]))
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<()> {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() || property::of_the_whole(&mut self.top, &mut self.jit, text) {
            return Ok(());
        }
        let arrow = text.strip_prefix("->");
        if arrow.is_some() || self.root.is_none() && self.open.is_empty() {
            return self.node(indent, arrow.unwrap_or(text).trim_start());
        }
        self.close(indent);
        if is_heading(text) {
            self.heading = Some((indent, text.to_owned()));
        } else if let Some((_, node)) = self.open.last_mut() {
            property::of_a_node(node, text);
        }
        Ok(())
    }

    fn node(&mut self, indent: usize, text: &str) -> Result<()> {
        self.close(indent);
        if self.open.len() > DEEPEST {
            return Err(Error::unexpected("EXPLAIN", "it nests too deep"));
        }
        let mut node = Map::new();
        let (name, numbers) = cut(text);
        label::read(&mut node, name);
        insert(&mut node, "Plan Width", number_after(numbers, " width="));
        let (planned, actual) = numbers.split_once("(actual ").unwrap_or((numbers, ""));
        insert(&mut node, "Total Cost", number_after(planned, ".."));
        insert(&mut node, "Plan Rows", number_after(planned, " rows="));
        if numbers.contains("never executed") {
            for key in ["Actual Rows", "Actual Loops", "Actual Total Time"] {
                insert(&mut node, key, Some(0.0));
            }
        } else if !actual.is_empty() {
            insert(&mut node, "Actual Total Time", number_after(actual, ".."));
            insert(&mut node, "Actual Rows", number_after(actual, "rows="));
            insert(&mut node, "Actual Loops", number_after(actual, "loops="));
        }
        if let Some((_, heading)) = self.heading.take() {
            let name = heading
                .split(" (returns")
                .next()
                .unwrap_or(&heading)
                .to_owned();
            let relationship = if name.starts_with("SubPlan") {
                "SubPlan"
            } else {
                "InitPlan"
            };
            node.insert("Subplan Name".to_owned(), Value::from(heading));
            node.insert("Parent Relationship".to_owned(), Value::from(relationship));
        } else if let Some((_, parent)) = self.open.last() {
            let before = parent
                .get("Plans")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            let member = parent
                .get("Node Type")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.ends_with("Append"));
            let relationship = match before {
                _ if member => "Member",
                0 => "Outer",
                _ => "Inner",
            };
            node.insert("Parent Relationship".to_owned(), Value::from(relationship));
        }
        self.open.push((indent, node));
        Ok(())
    }

    /// Nodes that stand this far to the right or further are at their end.
    fn close(&mut self, indent: usize) {
        while self.open.last().is_some_and(|(own, _)| *own >= indent) {
            let Some((_, node)) = self.open.pop() else {
                return;
            };
            match self.open.last_mut() {
                Some((_, parent)) => {
                    let plans = parent.entry("Plans").or_insert_with(|| json!([]));
                    if let Value::Array(plans) = plans {
                        plans.push(Value::Object(node));
                    }
                }
                None if self.root.is_none() => self.root = Some(node),
                None => {}
            }
        }
    }
}

fn insert(node: &mut Map<String, Value>, key: &str, value: Option<f64>) {
    if let Some(value) = value {
        node.insert(key.to_owned(), Value::from(value));
    }
}

/// The name of a node, and the numbers behind it.
fn cut(text: &str) -> (&str, &str) {
    let at = [
        "  (cost=",
        "  (actual ",
        " (never executed)",
        " (cost=",
        " (actual ",
    ]
    .iter()
    .filter_map(|start| text.find(start))
    .min();
    at.map_or((text, ""), |at| {
        (
            text.get(..at).unwrap_or_default().trim_end(),
            text.get(at..).unwrap_or_default(),
        )
    })
}

fn is_heading(text: &str) -> bool {
    (text.starts_with("SubPlan ") || text.starts_with("InitPlan ") || text.starts_with("CTE "))
        && !text.contains(": ")
}

/// A list as EXPLAIN writes it.
fn list(text: &str) -> Value {
    split_outside(text, ", ")
        .into_iter()
        .map(Value::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgres::explain;

    fn plan(text: &str) -> crate::plan::Plan {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        explain::read(&read(&lines).unwrap()).unwrap()
    }

    #[test]
    fn nodes_stand_under_each_other_and_have_their_own_lines() {
        let plan = plan(
            "Limit  (cost=1.00..2.00 rows=10 width=4) (actual time=0.5..1.5 rows=10 loops=1)
  InitPlan 1 (returns $0)
    ->  Result  (cost=0.00..0.01 rows=1 width=4) (actual time=0.001..0.001 rows=1 loops=1)
  ->  Nested Loop Left Join  (cost=1.00..9.00 rows=100 width=4) (actual time=0.4..1.4 rows=10 loops=1)
        ->  Index Scan using o_pkey on public.orders o  (cost=0.3..4.0 rows=5 width=8) (actual time=0.1..0.2 rows=5 loops=2)
              Index Cond: (o.id = 5)
              Filter: (o.total > 3)
              Rows Removed by Filter: 7
              Buffers: shared hit=3 read=2
        ->  Hash  (cost=1.0..1.0 rows=9 width=4) (never executed)
Planning Time: 0.2 ms
Execution Time: 1.6 ms",
        );
        let words: Vec<_> = plan
            .nodes
            .iter()
            .map(|node| (node.parent, node.operation.as_str()))
            .collect();
        assert_eq!(
            words,
            [
                (None, "Limit"),
                (Some(0), "InitPlan 1 (returns $0): Result"),
                (Some(0), "Nested Loop (left)"),
                (Some(2), "Index Scan"),
                (Some(2), "Hash")
            ]
        );
        let scan = &plan.nodes[3];
        assert_eq!(
            (
                scan.schema.as_str(),
                scan.relation.as_str(),
                scan.alias.as_str(),
                scan.index.as_str()
            ),
            ("public", "orders", "o", "o_pkey")
        );
        assert_eq!(
            (scan.actual_rows, scan.removed_rows, scan.loops),
            (Some(10.0), Some(14.0), Some(2.0))
        );
        assert!((scan.details.pages.unwrap().touched() - 5.0).abs() < f64::EPSILON);
        assert_eq!(
            (plan.planning_ms, plan.execution_ms, plan.nodes[4].loops),
            (Some(0.2), Some(1.6), Some(0.0))
        );
    }
}
