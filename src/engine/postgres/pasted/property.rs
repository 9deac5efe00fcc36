//! The lines under a node, and those of the whole plan.

use serde_json::{Map, Value, json};

use super::{insert, list};
use crate::engine::pasted::{number_after, split_outside};

/// Texts that mean the same in JSON.
const LISTS: &[&str] = &["Sort Key", "Group Key", "Presorted Key", "Output"];
const BLOCKS: &[(&str, &str)] = &[
    ("hit=", "Hit"),
    ("read=", "Read"),
    ("dirtied=", "Dirtied"),
    ("written=", "Written"),
];

pub(super) fn of_a_node(node: &mut Map<String, Value>, text: &str) {
    if let Some(worker) = text.strip_prefix("Worker ") {
        return of_a_worker(node, worker);
    }
    let Some((key, value)) = text.split_once(": ") else {
        return;
    };
    match key {
        _ if LISTS.contains(&key) => {
            node.insert(key.to_owned(), list(value));
        }
        "Sort Method" => sort(node, value),
        "Buckets" | "Batches" | "Planned Partitions" => hash(node, text),
        "Heap Blocks" => {
            insert(node, "Exact Heap Blocks", number_after(value, "exact="));
            insert(node, "Lossy Heap Blocks", number_after(value, "lossy="));
        }
        "Buffers" => buffers(node, value),
        "I/O Timings" => {
            let shared = split_outside(value, ", ")
                .into_iter()
                .find(|part| !part.starts_with("temp") && !part.starts_with("local"));
            insert(
                node,
                "I/O Read Time",
                shared.and_then(|part| number_after(part, "read=")),
            );
        }
        "WAL" => {
            insert(node, "WAL Records", number_after(value, "records="));
            insert(node, "WAL FPI", number_after(value, "fpi="));
            insert(node, "WAL Bytes", number_after(value, "bytes="));
        }
        "Hits" => {
            for (word, name) in [
                ("Hits: ", "Cache Hits"),
                ("Misses: ", "Cache Misses"),
                ("Evictions: ", "Cache Evictions"),
                ("Overflows: ", "Cache Overflows"),
            ] {
                insert(node, name, number_after(text, word));
            }
        }
        "Full-sort Groups" | "Pre-sorted Groups" => {
            let groups = value
                .split_whitespace()
                .next()
                .and_then(|count| count.parse::<f64>().ok());
            node.insert(key.to_owned(), json!({ "Group Count": groups }));
        }
        "Storage" => {
            node.insert(
                "Storage".to_owned(),
                Value::from(value.split_whitespace().next()),
            );
            insert(
                node,
                "Maximum Storage",
                number_after(text, "Maximum Storage: "),
            );
        }
        "Disabled" => {
            node.insert(key.to_owned(), Value::from(value == "true"));
        }
        "Function Call" => {}
        // A number stays one; everything else is a condition or a name.
        _ => {
            let value = value
                .parse::<f64>()
                .map_or_else(|_| Value::from(value), Value::from);
            node.insert(key.to_owned(), value);
        }
    }
}

fn of_a_worker(node: &mut Map<String, Value>, text: &str) {
    if !text.contains("rows=") {
        return;
    }
    let workers = node.entry("Workers").or_insert_with(|| json!([]));
    if let Value::Array(workers) = workers {
        workers.push(json!({ "Actual Rows": number_after(text, "rows="), "Actual Loops": number_after(text, "loops=") }));
    }
}

fn sort(node: &mut Map<String, Value>, value: &str) {
    let (method, space) = value.split_once("  ").unwrap_or((value, ""));
    node.insert("Sort Method".to_owned(), Value::from(method));
    let (kind, size) = space.split_once(": ").unwrap_or((space, ""));
    if !size.is_empty() {
        node.insert("Sort Space Type".to_owned(), Value::from(kind.trim()));
        insert(node, "Sort Space Used", number_after(size, ""));
    }
}

/// Of a hash table, and of an aggregate that hashes.
fn hash(node: &mut Map<String, Value>, text: &str) {
    let aggregate = node.get("Node Type").and_then(Value::as_str) == Some("Aggregate");
    let batches = number_after(text, "Batches: ");
    if aggregate {
        insert(
            node,
            "Planned Partitions",
            number_after(text, "Planned Partitions: "),
        );
        insert(node, "HashAgg Batches", batches);
        insert(node, "Disk Usage", number_after(text, "Disk Usage: "));
    } else {
        insert(node, "Hash Buckets", number_after(text, "Buckets: "));
        insert(node, "Hash Batches", batches);
        let planned = text
            .split_once("Batches: ")
            .and_then(|(_, rest)| number_after(rest.split("Memory").next()?, "originally "));
        insert(node, "Original Hash Batches", planned.or(batches));
    }
    insert(
        node,
        "Peak Memory Usage",
        number_after(text, "Memory Usage: "),
    );
}

fn buffers(node: &mut Map<String, Value>, value: &str) {
    for part in split_outside(value, ", ") {
        let (whose, counts) = part.split_once(' ').unwrap_or((part, ""));
        let whose = match whose {
            "shared" => "Shared",
            "local" => "Local",
            _ => "Temp",
        };
        for (word, name) in BLOCKS {
            // Where it touched none, it says nothing.
            let count = number_after(counts, word).or(Some(0.0).filter(|_| whose == "Shared"));
            insert(node, &format!("{whose} {name} Blocks"), count);
        }
    }
    if !node.contains_key("Shared Hit Blocks") {
        insert(node, "Shared Hit Blocks", Some(0.0));
    }
}

/// Whether a line tells something of the whole plan; `jit` is whether the lines before were those of JIT.
pub(super) fn of_the_whole(top: &mut Map<String, Value>, jit: &mut bool, text: &str) -> bool {
    if *jit {
        let inside = ["Functions: ", "Options: ", "Timing: "]
            .iter()
            .any(|start| text.starts_with(start));
        if let Some(timing) = text.strip_prefix("Timing: ") {
            top.insert(
                "JIT".to_owned(),
                json!({ "Timing": { "Total": number_after(timing, "Total ") } }),
            );
        }
        *jit = inside;
        if inside {
            return true;
        }
    }
    if text == "JIT:" {
        *jit = true;
        return true;
    }
    // What planning touched stands under it, once all nodes are told.
    if text == "Planning:" {
        top.insert("Planning".to_owned(), Value::from(true));
        return true;
    }
    if top.contains_key("Planning")
        && !top.contains_key("Planning Time")
        && (text.starts_with("Buffers: ")
            || text.starts_with("I/O Timings: ")
            || text.starts_with("Memory: "))
    {
        return true;
    }
    let Some((key, value)) = text.split_once(": ") else {
        return false;
    };
    match key {
        "Planning Time" | "Execution Time" | "Total runtime" => {
            let key = if key == "Total runtime" {
                "Execution Time"
            } else {
                key
            };
            insert(top, key, number_after(value, ""));
        }
        "Settings" => {
            let pairs = split_outside(value, ", ")
                .into_iter()
                .filter_map(|pair| pair.split_once(" = "));
            let settings: Map<String, Value> = pairs
                .map(|(name, value)| (name.to_owned(), Value::from(value.trim_matches('\''))))
                .collect();
            top.insert("Settings".to_owned(), Value::Object(settings));
        }
        "Serialization" => {
            top.insert("Serialization".to_owned(), json!({ "Time": number_after(value, "time="), "Output Volume": number_after(value, "output=") }));
        }
        "Query Identifier" => {}
        _ if key.starts_with("Trigger ") && value.contains("calls=") => {
            let triggers = top.entry("Triggers").or_insert_with(|| json!([]));
            if let Value::Array(triggers) = triggers {
                triggers.push(trigger(key.trim_start_matches("Trigger "), value));
            }
        }
        _ => return false,
    }
    true
}

fn trigger(name: &str, value: &str) -> Value {
    let (name, relation) = name.split_once(" on ").unwrap_or((name, ""));
    let constraint = name.strip_prefix("for constraint ");
    let name = constraint.map_or(name, |_| "RI_ConstraintTrigger");
    json!({ "Trigger Name": name, "Constraint Name": constraint.unwrap_or_default(), "Relation": relation,
            "Time": number_after(value, "time="), "Calls": number_after(value, "calls=") })
}
