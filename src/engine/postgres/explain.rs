//! Plans, from `EXPLAIN (FORMAT JSON)`. <https://www.postgresql.org/docs/current/sql-explain.html>

mod details;

use serde_json::Value;
use sqlx::Row as _;

use super::Postgres;
use crate::engine::Explained;
use crate::error::{Error, Result};
use crate::plan::details::CostlyFunction;
use crate::plan::{Access, Plan, PlanNode};
use crate::statement::Statement;

const COSTLY_FUNCTIONS: &str = include_str!("costly_functions.sql");

impl Postgres {
    pub(in crate::engine) async fn explain(
        &mut self,
        statement: &Statement,
        analyze: bool,
    ) -> Result<Explained> {
        let permit = self.permit(statement).await?;
        self.runs_nothing = permit.only_plans();
        if analyze {
            permit.must_run()?;
        }
        self.use_search_path().await?;
        let options = match (analyze, self.version.at_least(17, 0)) {
            (true, true) => "ANALYZE, BUFFERS, WAL, SERIALIZE, SETTINGS, VERBOSE, FORMAT JSON",
            (true, false) => "ANALYZE, BUFFERS, WAL, SETTINGS, VERBOSE, FORMAT JSON",
            (false, _) => "SETTINGS, VERBOSE, FORMAT JSON",
        };
        let row = self
            .made(format!("EXPLAIN ({options}) {}", statement.sql()))
            .await?;
        let json: Value = row.try_get(0)?;
        let mut plan = read(&json)?;
        plan.run.functions = self.costly_functions(statement).await?;
        Ok(Explained {
            plan,
            ..Explained::default()
        })
    }

    /// The plan that is kept for all values of the parameters.
    pub(in crate::engine) async fn generic_plan(
        &mut self,
        statement: &Statement,
    ) -> Result<Option<Plan>> {
        self.runs_nothing = self.permit(statement).await?.only_plans();
        self.use_search_path().await?;
        let count = statement.parameters();
        self.sent(format!(
            "PREPARE database_ops_generic AS {}",
            statement.sql()
        ))
        .await?;
        sqlx::query("SET plan_cache_mode = force_generic_plan")
            .execute(&mut self.connection)
            .await?;
        let nulls = vec!["NULL"; count].join(", ");
        let row = self
            .made(format!(
                "EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE database_ops_generic({nulls})"
            ))
            .await;
        sqlx::query("RESET plan_cache_mode")
            .execute(&mut self.connection)
            .await?;
        sqlx::query("DEALLOCATE database_ops_generic")
            .execute(&mut self.connection)
            .await?;
        let json: Value = row?.try_get(0)?;
        Ok(Some(read(&json)?))
    }

    async fn costly_functions(&mut self, statement: &Statement) -> Result<Vec<CostlyFunction>> {
        let names = statement.functions();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(COSTLY_FUNCTIONS)
            .bind(names)
            .fetch_all(&mut self.connection)
            .await?;
        let read = |row: &sqlx::postgres::PgRow| -> Result<CostlyFunction> {
            Ok(CostlyFunction {
                name: row.try_get("name")?,
                volatile: row.try_get("volatile")?,
                cost: row.try_get("cost")?,
            })
        };
        rows.iter().map(read).collect()
    }
}

/// `EXPLAIN`'s JSON, with or without ANALYZE, as one plan.
pub(in crate::engine) fn read(json: &Value) -> Result<Plan> {
    let top = json.get(0).unwrap_or(json);
    let root = top
        .get("Plan")
        .ok_or_else(|| Error::unexpected("EXPLAIN", "no \"Plan\" in it"))?;
    let mut plan = Plan {
        analyzed: root.get("Actual Loops").is_some(),
        execution_ms: number(top, "Execution Time"),
        planning_ms: number(top, "Planning Time"),
        run: details::run(top),
        ..Plan::default()
    };
    add(&mut plan, None, root, 1.0);
    // A subplan that is hashed runs once, whatever it is compared with.
    let whole = root.to_string();
    for node in &mut plan.nodes {
        let name = node.operation.split(':').next().unwrap_or_default();
        node.correlated &= !whole.contains(&format!("hashed {name}"));
    }
    plan.settle();
    Ok(plan)
}

/// `workers` is how many processes share the node's loops.
fn add(plan: &mut Plan, parent: Option<usize>, json: &Value, workers: f64) {
    let kind = text(json, "Node Type");
    let loops = number(json, "Actual Loops");
    let times = loops.unwrap_or(1.0);
    let relationship = text(json, "Parent Relationship");
    let node = PlanNode {
        operation: operation(json, &kind),
        access: access(json, &kind),
        schema: text(json, "Schema"),
        relation: text(json, "Relation Name"),
        alias: text(json, "Alias"),
        index: text(json, "Index Name"),
        condition: first(
            json,
            &[
                "Index Cond",
                "Hash Cond",
                "Merge Cond",
                "Recheck Cond",
                "TID Cond",
            ],
        ),
        filter: first(json, &["Filter", "Join Filter", "One-Time Filter"]),
        keys: list(json, "Sort Key")
            .or_else(|| list(json, "Group Key"))
            .unwrap_or_default(),
        estimated_rows: number(json, "Plan Rows").map(|rows| rows * times),
        actual_rows: number(json, "Actual Rows").map(|rows| rows * times),
        removed_rows: [
            "Rows Removed by Filter",
            "Rows Removed by Join Filter",
            "Rows Removed by Index Recheck",
        ]
        .iter()
        .filter_map(|key| number(json, key))
        .reduce(|a, b| a + b)
        .map(|rows| rows * times),
        loops,
        cost: number(json, "Total Cost"),
        time_ms: number(json, "Actual Total Time").map(|time| time * times / workers),
        spilled_bytes: spilled(json),
        correlated: relationship == "SubPlan"
            && kind != "Materialize"
            && !text(json, "Subplan Name").starts_with("CTE"),
        cartesian: cartesian(json, &kind),
        details: details::read(json, times),
        ..PlanNode::default()
    };
    let id = plan.push(parent, node);
    let below = match number(json, "Workers Launched").or_else(|| number(json, "Workers Planned")) {
        Some(launched) if loops.is_some() => launched + 1.0,
        _ => workers,
    };
    for child in json
        .get("Plans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        add(plan, Some(id), child, below);
    }
}

fn operation(json: &Value, kind: &str) -> String {
    let mut words = kind.to_owned();
    let join = text(json, "Join Type");
    if !join.is_empty() && join != "Inner" {
        words = format!("{words} ({})", join.to_lowercase());
    }
    match (kind, text(json, "Strategy").as_str()) {
        ("Aggregate", "Hashed") => "HashAggregate".clone_into(&mut words),
        ("Aggregate", "Sorted") => "GroupAggregate".clone_into(&mut words),
        _ => {}
    }
    if json.get("Parallel Aware").and_then(Value::as_bool) == Some(true) {
        words = format!("Parallel {words}");
    }
    if text(json, "Scan Direction") == "Backward" {
        words.push_str(" backward");
    }
    let name = text(json, "Subplan Name");
    if !name.is_empty() {
        words = format!("{name}: {words}");
    }
    if text(json, "Operation").is_empty() {
        words
    } else {
        format!("{words} ({})", text(json, "Operation"))
    }
}

fn access(json: &Value, kind: &str) -> Access {
    match kind {
        "Seq Scan" => Access::FullScan,
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => {
            if json.get("Index Cond").is_some() {
                Access::IndexSearch
            } else {
                Access::FullIndexScan
            }
        }
        "Bitmap Heap Scan" => Access::IndexSearch,
        "Nested Loop" | "Hash Join" | "Merge Join" => Access::Join,
        "Sort" | "Incremental Sort" => Access::Sort,
        "Aggregate" | "Group" | "Unique" | "WindowAgg" | "SetOp" => Access::Aggregate,
        "Materialize" | "Hash" | "Memoize" | "CTE Scan" => Access::Materialize,
        "Limit" => Access::Limit,
        "Subquery Scan" => Access::Subquery,
        _ => Access::Other,
    }
}

fn spilled(json: &Value) -> Option<i64> {
    let kilobytes = if text(json, "Sort Space Type") == "Disk" {
        number(json, "Sort Space Used")
    } else if text(json, "Storage") == "Disk" {
        number(json, "Maximum Storage")
    } else if let Some(batches) = number(json, "Hash Batches").filter(|batches| *batches > 1.0) {
        // One part stays in memory.
        number(json, "Peak Memory Usage").map(|memory| memory * (batches - 1.0))
    } else {
        number(json, "Disk Usage").filter(|used| *used > 0.0)
    };
    kilobytes.map(|kilobytes| (kilobytes * 1024.0) as i64)
}

/// A nested loop that compares nothing: no join filter, and the inner side looks nothing up.
fn cartesian(json: &Value, kind: &str) -> bool {
    if kind != "Nested Loop" || json.get("Join Filter").is_some() {
        return false;
    }
    let inner = json.get("Plans").and_then(|plans| plans.get(1));
    let mut inner = inner;
    while let Some(node) = inner {
        match text(node, "Node Type").as_str() {
            "Materialize" => inner = node.get("Plans").and_then(|plans| plans.get(0)),
            "Seq Scan" => return number(node, "Plan Rows").is_some_and(|rows| rows > 1.0),
            _ => return false,
        }
    }
    false
}

fn text(json: &Value, key: &str) -> String {
    json.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn number(json: &Value, key: &str) -> Option<f64> {
    json.get(key).and_then(Value::as_f64)
}

fn first(json: &Value, keys: &[&str]) -> String {
    keys.iter()
        .map(|key| text(json, key))
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}

fn list(json: &Value, key: &str) -> Option<String> {
    let items = json.get(key)?.as_array()?;
    Some(
        items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    )
}
