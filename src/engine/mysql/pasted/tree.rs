//! `FORMAT=TREE` and `EXPLAIN ANALYZE`. <https://dev.mysql.com/doc/refman/9.1/en/explain.html>

use serde_json::{Map, Value, json};

use crate::engine::pasted::{DEEPEST, number_after, split_outside};
use crate::error::{Error, Result};

struct Node {
    indent: usize,
    json: Map<String, Value>,
}

pub(super) fn read(lines: &[String]) -> Result<Value> {
    let mut open: Vec<Node> = Vec::new();
    let mut roots: Vec<Map<String, Value>> = Vec::new();
    for line in lines {
        let text = line.trim_start();
        let Some(label) = text.strip_prefix("-> ") else {
            continue;
        };
        let indent = line.len() - text.len();
        close(&mut open, &mut roots, indent);
        if open.len() > DEEPEST {
            return Err(Error::unexpected("EXPLAIN", "it nests too deep"));
        }
        open.push(Node {
            indent,
            json: node(label),
        });
    }
    close(&mut open, &mut roots, 0);
    // Subqueries of the select list stand beside the query itself.
    let mut roots = roots.into_iter();
    let mut root = roots
        .next()
        .ok_or_else(|| Error::unexpected("EXPLAIN", "no node in it"))?;
    let beside: Vec<Value> = roots.map(Value::Object).collect();
    if !beside.is_empty() {
        root.insert("inputs_from_select_list".to_owned(), Value::Array(beside));
    }
    Ok(json!({ "query_plan": root, "json_schema_version": "2.0" }))
}

/// Nodes that stand this far to the right or further are at their end.
fn close(open: &mut Vec<Node>, roots: &mut Vec<Map<String, Value>>, indent: usize) {
    while open.last().is_some_and(|node| node.indent >= indent) {
        let Some(node) = open.pop() else { return };
        let json = finished(node.json);
        match open.last_mut() {
            Some(parent) => {
                if let Value::Array(inputs) =
                    parent.json.entry("inputs").or_insert_with(|| json!([]))
                {
                    inputs.push(Value::Object(json));
                }
            }
            None => roots.push(json),
        }
    }
}

/// Headings become a part of what stands under them; what is stored for this run is no table.
fn finished(mut json: Map<String, Value>) -> Map<String, Value> {
    let kind = json
        .get("access_type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let inputs = json.get_mut("inputs").and_then(Value::as_array_mut);
    if kind == "heading" {
        let Some(Value::Object(mut only)) = inputs.and_then(|inputs| {
            if inputs.len() == 1 {
                inputs.pop()
            } else {
                None
            }
        }) else {
            return json;
        };
        for key in ["heading", "subquery", "dependent"] {
            if let Some(value) = json.remove(key) {
                only.entry(key).or_insert(value);
            }
        }
        return only;
    }
    let stored = inputs.is_some_and(|inputs| {
        inputs
            .iter()
            .any(|input| input.get("access_type").and_then(Value::as_str) == Some("materialize"))
    });
    if stored {
        json.remove("schema_name");
    }
    json
}

fn node(text: &str) -> Map<String, Value> {
    let at = ["  (cost=", "  (actual ", "  (rows=", " (never executed)"]
        .iter()
        .filter_map(|start| text.find(start))
        .min();
    let (label, numbers) = at.map_or((text, ""), |at| {
        (
            text.get(..at).unwrap_or_default().trim_end(),
            text.get(at..).unwrap_or_default(),
        )
    });
    let mut json = Map::new();
    json.insert("operation".to_owned(), Value::from(label));
    let (planned, actual) = numbers.split_once("(actual ").unwrap_or((numbers, ""));
    let mut number = |key: &str, value: Option<f64>| {
        if let Some(value) = value {
            json.insert(key.to_owned(), Value::from(value));
        }
    };
    number("estimated_total_cost", number_after(planned, "(cost="));
    number("estimated_rows", number_after(planned, "rows="));
    if !actual.is_empty() {
        number("actual_last_row_ms", number_after(actual, "time="));
        number("actual_rows", number_after(actual, "rows="));
        number("actual_loops", number_after(actual, "loops="));
    }
    if numbers.contains("never executed") {
        json.insert("actual_loops".to_owned(), Value::Null);
    }
    describe(&mut json, label);
    json
}

/// What the words say, under the names that the JSON has for it.
fn describe(json: &mut Map<String, Value>, label: &str) {
    let lower = label.to_lowercase();
    let mut set = |key: &str, value: Value| {
        json.insert(key.to_owned(), value);
    };
    if let Some(condition) = label.strip_prefix("Filter: ") {
        set("access_type", "filter".into());
        set("condition", condition.into());
    } else if label.starts_with("Select #") {
        set("access_type", "heading".into());
        set("heading", label.into());
        set("subquery", true.into());
        set("dependent", lower.contains("dependent").into());
    } else if label == "Hash" {
        set("access_type", "heading".into());
        set("heading", label.into());
    } else if let Some((what, rest)) = label.split_once(" on ").filter(|(what, _)| {
        what.ends_with("scan")
            || what.contains("lookup")
            || what.contains("search")
            || what.contains("skip scan for")
            || what.ends_with("records")
    }) {
        scan(&mut set, what, rest);
    } else if lower.contains("join") {
        set("access_type", "join".into());
        let hash = lower.contains("hash join");
        set(
            "join_algorithm",
            if hash { "hash" } else { "nested_loop" }.into(),
        );
        let condition = label
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'))
            .unwrap_or_default();
        if hash {
            let parts: Vec<Value> = split_outside(condition, ", ")
                .into_iter()
                .filter(|part| !part.is_empty() && *part != "no condition")
                .map(Value::from)
                .collect();
            set("hash_condition", parts.into());
        }
        if lower.contains("semijoin") || lower.contains("antijoin") {
            set("semijoin_strategy", "loop".into());
        }
    } else if let Some(fields) = label
        .strip_prefix("Sort: ")
        .or_else(|| label.strip_prefix("Sort with duplicate removal: "))
    {
        set("access_type", "sort".into());
        let fields = fields.split(", limit input to").next().unwrap_or(fields);
        set(
            "sort_fields",
            split_outside(fields, ", ")
                .into_iter()
                .map(Value::from)
                .collect(),
        );
        if let Some(most) = number_after(label, "limit input to ") {
            set("per_chunk_limit", most.into());
        }
    } else {
        let kind = [
            ("Limit", "limit"),
            ("Sort-deduplicate by row ID", "index_merge"),
            ("Intersect rows sorted by row ID", "index_merge"),
            ("Deduplicate rows sorted by row ID", "index_merge"),
            ("Aggregate using temporary table", "temp_table_aggregate"),
            ("Aggregate", "aggregate"),
            ("Group", "aggregate"),
            ("Window", "window"),
            (
                "Rows fetched before execution",
                "rows_fetched_before_execution",
            ),
            ("Materialize", "materialize"),
            ("Temporary table", "materialize"),
        ];
        let known = kind
            .iter()
            .find(|(start, _)| label.starts_with(start))
            .map(|(_, kind)| *kind);
        let kind = known.unwrap_or(if lower.contains(" materialize") {
            "materialize"
        } else {
            "other"
        });
        set("access_type", kind.into());
    }
}

/// `… on alias using index (condition) (reverse)`.
fn scan(set: &mut impl FnMut(&str, Value), what: &str, rest: &str) {
    let (table, using) = rest.split_once(" using ").unwrap_or((rest, ""));
    let table = if table.starts_with('<') {
        table
    } else {
        table.split_whitespace().next().unwrap_or(table)
    };
    set("table_name", table.into());
    if !table.starts_with('<') && !what.contains("new records") {
        // Its name is not told; that it has one is.
        set("schema_name", "".into());
    }
    if what.starts_with("Table scan") || what.contains("new records") {
        set("access_type", "table".into());
        return;
    }
    let full = what.to_lowercase().ends_with("index scan");
    set("access_type", "index".into());
    set(
        "index_access_type",
        if full {
            "index_scan"
        } else if what.contains("range") {
            "index_range_scan"
        } else {
            "index_lookup"
        }
        .into(),
    );
    set("covering", what.to_lowercase().contains("covering").into());
    let (index, mut condition) = using.split_once(' ').unwrap_or((using, ""));
    set("index_name", index.trim_end_matches(',').into());
    if condition.contains("(reverse)") {
        set("reverse", true.into());
    }
    let whole = condition.replace(" (reverse)", "").replace("(reverse)", "");
    condition = whole.trim();
    if let Some((before, pushed)) = condition.split_once("with index condition: ") {
        set("pushed_index_condition", pushed.into());
        condition = before.trim_end().trim_end_matches(',');
    }
    if let Some(ranges) = condition.strip_prefix("over ") {
        set(
            "ranges",
            split_outside(ranges, " OR ")
                .into_iter()
                .map(|range| Value::from(range.to_owned()))
                .collect(),
        );
    } else if let Some(lookup) = condition
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        set("lookup_condition", lookup.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mysql::explain;
    use crate::plan::Access;

    #[test]
    fn a_measured_tree_reads_like_its_json() {
        let text = "-> Limit: 100 row(s)  (cost=2.91 rows=4.88) (actual time=0.35..0.375 rows=2 loops=1)
    -> Nested loop inner join  (cost=2.91 rows=4.88) (actual time=0.347..0.372 rows=2 loops=1)
        -> Covering index lookup on o using o_user (user_id = 5519) (reverse)  (cost=1.2 rows=2) (actual time=0.0314..0.0358 rows=2 loops=1)
        -> Filter: (i.total > 5)  (cost=0.732 rows=1) (actual time=0.164..0.166 rows=1 loops=2)
            -> Index lookup on i using i_order (order_id = o.id)  (cost=0.732 rows=2.44) (actual time=0.164..0.166 rows=1 loops=2)
-> Select #2 (subquery in projection; dependent)
    -> Aggregate: max(o.created_at)  (cost=2.49 rows=1) (actual time=0.02..0.02 rows=1 loops=2)
        -> Table scan on x  (cost=1.46 rows=4.48) (actual time=0.0147..0.0173 rows=2 loops=2)";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let plan = explain::read(&read(&lines).unwrap()).unwrap();
        let seen: Vec<_> = plan
            .nodes
            .iter()
            .map(|node| (node.parent, node.access, node.relation.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (None, Access::Limit, ""),
                (Some(0), Access::Join, ""),
                (Some(1), Access::IndexSearch, "o"),
                (Some(1), Access::IndexSearch, "i"),
                (Some(0), Access::Aggregate, ""),
                (Some(4), Access::FullScan, "x")
            ]
        );
        assert_eq!(
            (
                plan.nodes[2].condition.as_str(),
                plan.nodes[2].index.as_str()
            ),
            ("user_id = 5519", "o_user")
        );
        assert_eq!(
            (plan.nodes[3].filter.as_str(), plan.nodes[3].actual_rows),
            ("i.total > 5", Some(2.0))
        );
        assert!(plan.nodes[4].correlated && plan.analyzed);
    }
}
