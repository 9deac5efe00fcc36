//! Iterators: what `MySQL` 8.3 and later measures. <https://dev.mysql.com/doc/refman/9.1/en/explain.html>

use serde_json::Value;

use super::{number, plain, string, strings, truth};
use crate::error::{Error, Result};
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
        ..PlanNode::default()
    }
}

/// The engine's words without what stands in the other fields.
fn operation(json: &Value) -> String {
    let whole = string(json, "operation");
    let mut words = match string(json, "access_type").as_str() {
        "table" | "index" => whole.split(" on ").next().unwrap_or(&whole).to_owned(),
        "filter" => "Filter".to_owned(),
        "sort" => whole.split(':').next().unwrap_or(&whole).to_owned(),
        "join" => whole.split(" (").next().unwrap_or(&whole).to_owned(),
        "rows_fetched_before_execution" => FETCHED.to_owned(),
        _ => whole,
    };
    if let Some(most) = number(json, "per_chunk_limit") {
        words.push_str(&format!(", first {most} rows"));
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
        strings(json, "ranges").join(" or ")
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
