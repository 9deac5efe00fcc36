//! Iterators: what `MySQL` 8.3 and later measures. <https://dev.mysql.com/doc/refman/9.1/en/explain.html>

use std::fmt::Write as _;

use serde_json::Value;

use super::{number, plain, string, strings, truth};
use crate::error::{Error, Result};
use crate::plan::details::Details;
use crate::plan::{Access, Plan, PlanNode};

/// A row that a constant key found while planning; its table is not told.
pub(super) const FETCHED: &str = "Rows fetched before execution";

pub(super) fn read(json: &Value) -> Result<Plan> {
    // 8.3 puts the first operation beside the query.
    let root = json.get("query_plan").unwrap_or(json);
    if root.get("operation").is_none() {
        return Err(Error::unexpected(
            "EXPLAIN",
            "neither a query_block nor an operation in it",
        ));
    }
    let mut plan = Plan {
        analyzed: root.get("actual_loops").is_some(),
        ..Plan::default()
    };
    plan.execution_ms = total(root, "actual_last_row_ms");
    add(&mut plan, None, root, false);
    Ok(plan)
}

/// All loops together.
fn total(json: &Value, key: &str) -> Option<f64> {
    Some(number(json, key)? * number(json, "actual_loops")?)
}

fn inputs<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    json.get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn is_scan(json: &Value) -> bool {
    matches!(string(json, "access_type").as_str(), "table" | "index")
        && json.get("table_name").is_some()
}

/// `filtered`: what comes out goes through a filter, which may be what joins it.
fn add(plan: &mut Plan, parent: Option<usize>, json: &Value, filtered: bool) {
    let filter = string(json, "access_type") == "filter";
    // A filter right above a scan is a part of it.
    let scan = inputs(json, "inputs")
        .next()
        .filter(|input| filter && is_scan(input));
    let mut node = node(scan.unwrap_or(json));
    node.cartesian = !filtered && cartesian(json);
    if filter {
        node.filter = plain(&string(json, "condition"));
        let read = number(scan.unwrap_or(json), "estimated_rows");
        let kept = number(json, "estimated_rows");
        if scan.is_some() {
            let examined = node.estimated_rows;
            node.examined_rows = examined;
            // In a single-table ORDER BY … LIMIT it repeats the scan's number: no estimate of the filter.
            node.estimated_rows = kept
                .filter(|kept| read != Some(*kept))
                .map(|kept| kept * loops(json).unwrap_or(1.0));
        }
        let before = inputs(json, "inputs")
            .next()
            .and_then(|input| total(input, "actual_rows"));
        node.actual_rows = total(json, "actual_rows");
        node.removed_rows = before
            .zip(node.actual_rows)
            .map(|(before, after)| (before - after).max(0.0));
        node.time_ms = total(json, "actual_last_row_ms");
    }
    if truth(json, "subquery") {
        node.correlated = truth(json, "dependent");
        let heading = string(json, "heading");
        node.operation = format!(
            "{}: {}",
            heading.split(" (").next().unwrap_or(&heading),
            node.operation
        );
    }
    let id = plan.push(parent, node);
    if let Some(scan) = scan {
        for input in inputs(scan, "inputs") {
            add(plan, Some(id), input, false);
        }
        add_select_list(plan, id, scan);
    }
    let rest = inputs(json, "inputs").skip(usize::from(scan.is_some()));
    for input in rest {
        add(plan, Some(id), input, filter);
    }
    add_select_list(plan, id, json);
}

/// Subqueries of the select list run after the rows that they are run for: their time is in nobody else's.
fn add_select_list(plan: &mut Plan, id: usize, json: &Value) {
    for input in inputs(json, "inputs_from_select_list") {
        plan.execution_ms = plan
            .execution_ms
            .map(|time| time + total(input, "actual_last_row_ms").unwrap_or(0.0));
        add(plan, Some(id), input, false);
    }
}

fn loops(json: &Value) -> Option<f64> {
    // Present and null: it was never run.
    json.get("actual_loops")
        .map(|loops| loops.as_f64().unwrap_or(0.0))
}

fn node(json: &Value) -> PlanNode {
    let loops = loops(json);
    // The estimate is for one loop; of what was never run it stays that.
    let times = loops.filter(|loops| *loops > 0.0).unwrap_or(1.0);
    let name = string(json, "table_name");
    // What no schema holds was stored for this run alone.
    let real = json.get("schema_name").is_some();
    let alias = string(json, "alias");
    let estimated = number(json, "estimated_rows").map(|rows| rows * times);
    PlanNode {
        operation: operation(json),
        access: access(json, real),
        schema: string(json, "schema_name"),
        relation: if real { name.clone() } else { String::new() },
        alias: if real || name.starts_with('<') {
            alias
        } else {
            name
        },
        index: string(json, "index_name"),
        condition: condition(json),
        filter: plain(&string(json, "extra_condition")),
        keys: keys(json),
        estimated_rows: estimated,
        examined_rows: estimated.filter(|_| real),
        actual_rows: loops.map(|loops| number(json, "actual_rows").unwrap_or(0.0) * loops),
        loops,
        cost: number(json, "estimated_total_cost").map(|cost| cost * times),
        time_ms: loops.map(|loops| number(json, "actual_last_row_ms").unwrap_or(0.0) * loops),
        details: details(json),
        ..PlanNode::default()
    }
}

fn details(json: &Value) -> Details {
    let kind = string(json, "access_type");
    Details {
        index_only: truth(json, "covering"),
        temporary: matches!(kind.as_str(), "materialize" | "temp_table_aggregate")
            || truth(json, "temp_table"),
        ..Details::default()
    }
}

/// The engine's words without what stands in the other fields.
fn operation(json: &Value) -> String {
    let whole = string(json, "operation").trim_end().to_owned();
    let mut words = match string(json, "access_type").as_str() {
        "table" | "index" => whole.split(" on ").next().unwrap_or(&whole).to_owned(),
        "filter" => "Filter".to_owned(),
        "sort" => whole.split(':').next().unwrap_or(&whole).to_owned(),
        "join" => whole.split(" (").next().unwrap_or(&whole).to_owned(),
        "rows_fetched_before_execution" => FETCHED.to_owned(),
        _ => whole,
    };
    if let Some(most) = number(json, "per_chunk_limit") {
        let _ = write!(words, ", first {most} rows");
    }
    if truth(json, "reverse") {
        words.push_str(", backward");
    }
    words
}

fn access(json: &Value, real: bool) -> Access {
    match string(json, "access_type").as_str() {
        "table" if real => Access::FullScan,
        "index" if real && string(json, "index_access_type") == "index_scan" => {
            Access::FullIndexScan
        }
        "index" if real => Access::IndexSearch,
        "table" | "index" if !string(json, "table_name").starts_with('<') => Access::Subquery,
        "index_merge" | "rows_fetched_before_execution" => Access::IndexSearch,
        "join" => Access::Join,
        "sort" => Access::Sort,
        "aggregate" | "temp_table_aggregate" | "window" => Access::Aggregate,
        "materialize" => Access::Materialize,
        "limit" => Access::Limit,
        _ => Access::Other,
    }
}

fn condition(json: &Value) -> String {
    let lookup = plain(&string(json, "lookup_condition"));
    let pushed = plain(&string(json, "pushed_index_condition"));
    let found = if lookup.is_empty() {
        strings(json, "ranges")
            .iter()
            .map(|range| plain(range))
            .collect::<Vec<_>>()
            .join(" or ")
    } else {
        lookup
    };
    let hash = strings(json, "hash_condition")
        .iter()
        .map(|part| plain(part))
        .collect::<Vec<_>>()
        .join(" and ");
    [found, pushed, hash]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

fn keys(json: &Value) -> String {
    strings(json, "sort_fields")
        .iter()
        .map(|field| plain(field))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A join that compares nothing: a hash join without a condition, or a loop around a bare scan.
fn cartesian(json: &Value) -> bool {
    if string(json, "access_type") != "join"
        || json.get("extra_condition").is_some()
        || json.get("semijoin_strategy").is_some()
    {
        return false;
    }
    if string(json, "join_algorithm") == "hash" {
        return strings(json, "hash_condition").is_empty();
    }
    inputs(json, "inputs").nth(1).is_some_and(|inner| {
        string(inner, "access_type") == "table"
            && number(inner, "estimated_rows").is_some_and(|rows| rows > 1.0)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::read;
    use super::*;

    #[test]
    fn a_filter_is_a_part_of_the_scan_under_it() {
        let plan = read(&json!({"query_plan": {"operation": "Limit: 10 row(s)", "access_type": "limit", "actual_rows": 10.0,
            "actual_loops": 1, "estimated_rows": 10.0, "actual_last_row_ms": 52.3, "inputs": [
            {"operation": "Filter: (orders.ship_country = 'DE')", "access_type": "filter", "condition": "(orders.ship_country = 'DE')",
             "actual_rows": 12825.0, "actual_loops": 1, "estimated_rows": 9977.0, "actual_last_row_ms": 50.3, "inputs": [
                {"operation": "Table scan on orders", "access_type": "table", "table_name": "orders", "schema_name": "shop",
                 "actual_rows": 100_000.0, "actual_loops": 1, "estimated_rows": 99775.0, "actual_last_row_ms": 40.1}]}]},
            "json_schema_version": "2.0"}))
        .unwrap();
        assert_eq!(plan.nodes.len(), 2);
        let scan = &plan.nodes[1];
        assert_eq!(
            (scan.operation.as_str(), scan.access, scan.relation.as_str()),
            ("Table scan", Access::FullScan, "orders")
        );
        assert_eq!(
            (scan.filter.as_str(), scan.actual_rows, scan.removed_rows),
            ("orders.ship_country = 'DE'", Some(12825.0), Some(87175.0))
        );
        assert_eq!(
            (scan.estimated_rows, scan.examined_rows, scan.time_ms),
            (Some(9977.0), Some(99775.0), Some(50.3))
        );
        assert!(plan.analyzed);
    }

    #[test]
    fn means_per_loop_are_multiplied_out() {
        let plan = read(&json!({"query_plan": {"operation": "Nested loop inner join", "access_type": "join", "join_algorithm": "nested_loop",
            "actual_rows": 7.0, "actual_loops": 1, "actual_last_row_ms": 2.5, "inputs": [
            {"operation": "Index lookup on o using o_status (status = 'pending')", "access_type": "index", "index_access_type": "index_lookup",
             "table_name": "orders", "schema_name": "shop", "alias": "o", "index_name": "o_status", "lookup_condition": "status = 'pending'",
             "actual_rows": 379.0, "actual_loops": 1, "estimated_rows": 379.0, "actual_last_row_ms": 1.0},
            {"operation": "Single-row index lookup on u using PRIMARY (id = o.user_id)", "access_type": "index", "index_access_type": "index_lookup",
             "table_name": "users", "schema_name": "shop", "alias": "u", "index_name": "PRIMARY", "lookup_condition": "id = o.user_id",
             "actual_rows": 0.5, "actual_loops": 400, "estimated_rows": 1.0, "actual_last_row_ms": 0.003}]}}))
        .unwrap();
        let inner = &plan.nodes[2];
        assert_eq!(
            (
                inner.operation.as_str(),
                inner.alias.as_str(),
                inner.condition.as_str()
            ),
            ("Single-row index lookup", "u", "id = o.user_id")
        );
        assert_eq!(
            (inner.actual_rows, inner.estimated_rows, inner.loops),
            (Some(200.0), Some(400.0), Some(400.0))
        );
        assert!((inner.time_ms.unwrap() - 1.2).abs() < 1e-9);
    }

    #[test]
    fn a_hash_join_without_a_condition_is_a_product_unless_a_filter_joins() {
        let join = json!({"operation": "Inner hash join (no condition)", "access_type": "join", "join_algorithm": "hash", "hash_condition": []});
        assert!(read(&join).unwrap().nodes[0].cartesian);
        let filtered = json!({"operation": "Filter: (a.x < b.x)", "access_type": "filter", "condition": "(a.x < b.x)", "inputs": [join]});
        assert!(!read(&filtered).unwrap().nodes[1].cartesian);
    }

    #[test]
    fn what_was_never_run_has_no_rows() {
        let plan = read(&json!({"operation": "Table scan on r", "access_type": "table", "table_name": "r", "actual_rows": null,
            "actual_loops": null, "actual_last_row_ms": null, "estimated_rows": 9.0}))
        .unwrap();
        assert_eq!(
            (
                plan.nodes[0].loops,
                plan.nodes[0].actual_rows,
                plan.nodes[0].estimated_rows
            ),
            (Some(0.0), Some(0.0), Some(9.0))
        );
        assert_eq!(
            (
                plan.nodes[0].relation.as_str(),
                plan.nodes[0].alias.as_str()
            ),
            ("", "r")
        );
    }
}
