//! What a node tells beside its rows and its time.

use serde_json::Value;

use super::{list, number, text};
use crate::plan::details::{
    Cache, Details, Pages, Partitions, Run, Sort, TriggerRun, Wal, Workers,
};

/// `times` is how often the node ran: it tells means.
pub(super) fn read(json: &Value, times: f64) -> Details {
    let each = |key: &str| number(json, key).map(|value| value * times);
    Details {
        width: number(json, "Plan Width"),
        output: items(json, "Output"),
        index_only: text(json, "Node Type") == "Index Only Scan",
        searches: number(json, "Index Searches"),
        heap_fetches: number(json, "Heap Fetches"),
        exact_pages: number(json, "Exact Heap Blocks"),
        lossy_pages: number(json, "Lossy Heap Blocks"),
        recheck_removed: each("Rows Removed by Index Recheck"),
        join_removed: each("Rows Removed by Join Filter"),
        sort: sort(json),
        planned_batches: number(json, "Original Hash Batches")
            .or_else(|| number(json, "Planned Partitions")),
        batches: number(json, "Hash Batches").or_else(|| number(json, "HashAgg Batches")),
        memory_bytes: kilobytes(json, "Peak Memory Usage"),
        cache: cache(json),
        workers: workers(json),
        pages: pages(json),
        wal: wal(json),
        partitions: partitions(json),
        disabled: json.get("Disabled").and_then(Value::as_bool) == Some(true)
            || number(json, "Total Cost").is_some_and(|cost| cost >= 1e10),
        remote_sql: text(json, "Remote SQL"),
        function: text(json, "Function Name"),
        ..Details::default()
    }
}

/// What the whole plan tells beside its nodes.
pub(super) fn run(top: &Value) -> Run {
    let part = |key: &str| top.get(key).unwrap_or(&Value::Null);
    let triggers = part("Triggers").as_array().into_iter().flatten();
    let settings = part("Settings").as_object().into_iter().flatten();
    Run {
        jit_ms: number(part("JIT").get("Timing").unwrap_or(&Value::Null), "Total"),
        serialization_ms: number(part("Serialization"), "Time"),
        serialized_bytes: kilobytes(part("Serialization"), "Output Volume")
            .map(|bytes| bytes as f64),
        triggers: triggers
            .map(|trigger| TriggerRun {
                name: text(trigger, "Trigger Name"),
                constraint: text(trigger, "Constraint Name"),
                relation: text(trigger, "Relation"),
                ms: number(trigger, "Time").unwrap_or(0.0),
                calls: number(trigger, "Calls").unwrap_or(0.0),
            })
            .collect(),
        settings: settings
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            // The reader sets it for this session, so that names mean what the role means by them.
            .filter(|(name, _)| name != "search_path")
            .collect(),
        functions: Vec::new(),
    }
}

fn kilobytes(json: &Value, key: &str) -> Option<i64> {
    number(json, key).map(|kilobytes| (kilobytes * 1024.0) as i64)
}

fn items(json: &Value, key: &str) -> Vec<String> {
    let items = json.get(key).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn sort(json: &Value) -> Option<Sort> {
    let groups = ["Full-sort Groups", "Pre-sorted Groups"].map(|key| {
        json.get(key)
            .and_then(|groups| number(groups, "Group Count"))
    });
    let groups = groups.into_iter().flatten().reduce(|a, b| a + b);
    let presorted = list(json, "Presorted Key").unwrap_or_default();
    let method = text(json, "Sort Method");
    // Windows and tables of functions keep their rows in the same way.
    let on_disk = text(json, "Sort Space Type") == "Disk" || text(json, "Storage") == "Disk";
    (!method.is_empty() || !presorted.is_empty() || on_disk).then(|| Sort {
        method,
        on_disk,
        bytes: kilobytes(json, "Sort Space Used").or_else(|| kilobytes(json, "Maximum Storage")),
        passes: None,
        groups,
        presorted,
    })
}

fn cache(json: &Value) -> Option<Cache> {
    Some(Cache {
        hits: number(json, "Cache Hits")?,
        misses: number(json, "Cache Misses")?,
        evictions: number(json, "Cache Evictions").unwrap_or(0.0),
    })
}

fn workers(json: &Value) -> Option<Workers> {
    let planned = number(json, "Workers Planned");
    let launched = number(json, "Workers Launched");
    let each = json.get("Workers").and_then(Value::as_array);
    let rows: Vec<f64> = each
        .into_iter()
        .flatten()
        .filter_map(|worker| Some(number(worker, "Actual Rows")? * number(worker, "Actual Loops")?))
        .collect();
    (planned.is_some() || launched.is_some() || !rows.is_empty()).then_some(Workers {
        planned,
        launched,
        rows,
    })
}

fn pages(json: &Value) -> Option<Pages> {
    let hit = number(json, "Shared Hit Blocks")?;
    let several = |keys: &[&str]| -> f64 { keys.iter().filter_map(|key| number(json, key)).sum() };
    Some(Pages {
        hit: hit + several(&["Local Hit Blocks"]),
        read: several(&["Shared Read Blocks", "Local Read Blocks"]),
        dirtied: several(&["Shared Dirtied Blocks"]),
        temp_written: several(&["Temp Written Blocks"]),
        read_ms: number(json, "I/O Read Time")
            .or_else(|| number(json, "Shared I/O Read Time"))
            .filter(|time| *time > 0.0),
    })
}

fn wal(json: &Value) -> Option<Wal> {
    let bytes = number(json, "WAL Bytes").filter(|bytes| *bytes > 0.0)?;
    Some(Wal {
        records: number(json, "WAL Records").unwrap_or(0.0),
        full_pages: number(json, "WAL FPI").unwrap_or(0.0),
        bytes,
    })
}

fn partitions(json: &Value) -> Option<Partitions> {
    if !matches!(text(json, "Node Type").as_str(), "Append" | "Merge Append") {
        return None;
    }
    let parts: Vec<&Value> = json
        .get("Plans")
        .and_then(Value::as_array)?
        .iter()
        .filter(|part| text(part, "Parent Relationship") == "Member")
        .collect();
    let never_run = parts
        .iter()
        .filter(|part| number(part, "Actual Loops") == Some(0.0))
        .count();
    Some(Partitions {
        read: parts.len(),
        removed: number(json, "Subplans Removed").unwrap_or(0.0) as usize,
        never_run,
    })
}
