//! The name of a node: what it does, how, and with what.

use serde_json::{Map, Value};

const JOINS: &[(&str, &str)] = &[
    ("Nested Loop", "Nested Loop"),
    ("Hash", "Hash Join"),
    ("Merge", "Merge Join"),
];
const KINDS: &[&str] = &[
    "Left",
    "Right",
    "Full",
    "Semi",
    "Anti",
    "Right Semi",
    "Right Anti",
];
const WRITES: &[&str] = &["Insert", "Update", "Delete", "Merge"];

pub(super) fn read(node: &mut Map<String, Value>, name: &str) {
    let mut set = |key: &str, value: &str| {
        node.insert(key.to_owned(), Value::from(value));
    };
    let mut name = name;
    let mut parallel = false;
    if let Some(rest) = name.strip_prefix("Async ") {
        name = rest;
    }
    if let Some(rest) = name.strip_prefix("Parallel ") {
        (parallel, name) = (true, rest);
    }
    for mode in ["Partial", "Finalize"] {
        if let Some(rest) = name
            .strip_prefix(mode)
            .and_then(|rest| rest.strip_prefix(' '))
        {
            set("Partial Mode", mode);
            name = rest;
        }
    }
    let (what, of) = name.split_once(" on ").unwrap_or((name, ""));
    let (what, using) = what.split_once(" using ").unwrap_or((what, ""));
    if let Some((kind, join)) = join(what) {
        set("Node Type", kind);
        set("Join Type", join);
    } else if WRITES.contains(&what) && !of.is_empty() {
        set("Node Type", "ModifyTable");
        set("Operation", what);
        relation(&mut set, of);
    } else if let Some(strategy) = match what {
        "HashAggregate" => Some("Hashed"),
        "GroupAggregate" => Some("Sorted"),
        "MixedAggregate" => Some("Mixed"),
        "Aggregate" => Some("Plain"),
        _ => None,
    } {
        set("Node Type", "Aggregate");
        set("Strategy", strategy);
    } else if what.starts_with("HashSetOp") || what.starts_with("SetOp") {
        set("Node Type", "SetOp");
    } else {
        let kind = what.strip_suffix(" Backward").unwrap_or(what);
        if kind != what {
            set("Scan Direction", "Backward");
        }
        set("Node Type", kind);
        match kind {
            "Bitmap Index Scan" => set("Index Name", of),
            "Function Scan" | "Table Function Scan" => {
                let (function, alias) = of.split_once(' ').unwrap_or((of, of));
                set("Function Name", function);
                set("Alias", alias);
            }
            "CTE Scan"
            | "WorkTable Scan"
            | "Subquery Scan"
            | "Values Scan"
            | "Named Tuplestore Scan" => {
                set("Alias", of.rsplit(' ').next().unwrap_or(of));
            }
            _ if !of.is_empty() => relation(&mut set, of),
            _ => {}
        }
        if !using.is_empty() {
            set("Index Name", using);
        }
    }
    if parallel {
        node.insert("Parallel Aware".to_owned(), Value::from(true));
    }
}

fn join(what: &str) -> Option<(&'static str, &'static str)> {
    JOINS.iter().find_map(|(word, kind)| {
        let rest = what.strip_prefix(word)?.trim_start();
        let rest = match rest.strip_suffix("Join") {
            Some(rest) => rest.trim_end(),
            // Only a loop is one without saying so.
            None if *word == "Nested Loop" => rest,
            None => return None,
        };
        if rest.is_empty() {
            return Some((*kind, "Inner"));
        }
        KINDS
            .iter()
            .find(|own| **own == rest)
            .map(|own| (*kind, *own))
    })
}

/// `schema.table alias`, its names in quotes where they need them.
fn relation(set: &mut impl FnMut(&str, &str), text: &str) {
    let mut names = Vec::new();
    let mut rest = text;
    let mut alias = "";
    while !rest.is_empty() {
        let (name, after) = match rest
            .strip_prefix('"')
            .and_then(|inside| inside.split_once('"'))
        {
            Some(cut) => cut,
            None => rest
                .find(['.', ' '])
                .map_or((rest, ""), |at| rest.split_at(at)),
        };
        names.push(name);
        let Some(next) = after.strip_prefix('.') else {
            alias = after.trim().trim_matches('"');
            break;
        };
        rest = next;
    }
    let table = names.pop().unwrap_or_default();
    set("Relation Name", table);
    if let Some(schema) = names.pop() {
        set("Schema", schema);
    }
    set("Alias", if alias.is_empty() { table } else { alias });
}
