//! A plan as a tree that a person likes to read: what it does, how many rows, where the time goes.

use std::fmt::Write as _;

use super::{Plan, PlanNode};
use crate::answer::{count, excerpt};

/// From this share of the whole on, a node is marked.
const HOT: f64 = 0.3;
const WIDTH: usize = 72;

pub fn tree(plan: &Plan, most_nodes: usize) -> String {
    let mut text = String::new();
    if plan.nodes.is_empty() {
        text.push_str("  (the engine gave no plan)\n");
    }
    for node in plan.nodes.iter().take(most_nodes) {
        write_node(&mut text, plan, node);
    }
    if plan.nodes.len() > most_nodes {
        let _ = writeln!(
            text,
            "  … {} more nodes: detail \"detailed\" shows them",
            plan.nodes.len() - most_nodes
        );
    }
    text
}

fn write_node(text: &mut String, plan: &Plan, node: &PlanNode) {
    let (lead, below) = branches(plan, node);
    let mut line = format!("  {lead}{}", excerpt(&node.operation, WIDTH));
    if !node.relation.is_empty() && !has_word(&node.operation, &node.relation) {
        let _ = write!(line, " {}", excerpt(&node.relation, 60));
    }
    if !node.index.is_empty() && !has_word(&node.operation, &node.index) {
        let _ = write!(line, " using {}", excerpt(&node.index, 60));
    }
    let numbers = numbers(node);
    if !numbers.is_empty() {
        let used = line.chars().count();
        let gap = WIDTH.saturating_sub(used + numbers.chars().count()).max(2);
        let _ = write!(line, "{}{numbers}", " ".repeat(gap));
    }
    if node.share.is_some_and(|share| share >= HOT) && plan.nodes.len() > 1 {
        let _ = write!(line, "  ◀ {:.0} %", node.share.unwrap_or(0.0) * 100.0);
    }
    text.push_str(line.trim_end());
    text.push('\n');
    for (label, value) in [
        ("by", &node.condition),
        ("filter", &node.filter),
        ("keys", &node.keys),
    ] {
        if !value.is_empty() {
            let removed = match (label, node.removed_rows) {
                ("filter", Some(removed)) if removed >= 1.0 => {
                    let read = removed + node.actual_rows.unwrap_or(0.0);
                    format!(
                        "  (threw away {} of {})",
                        count(removed.round() as i64),
                        count(read.round() as i64)
                    )
                }
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "  {below}    {label}: {}{removed}",
                excerpt(value, 160)
            );
        }
    }
    if let Some(bytes) = node.spilled_bytes {
        let _ = writeln!(
            text,
            "  {below}    spilled to disk: {}",
            crate::answer::bytes(bytes)
        );
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|own| own == word)
}

fn numbers(node: &PlanNode) -> String {
    let mut parts = Vec::new();
    match (node.actual_rows, node.estimated_rows) {
        (Some(actual), Some(estimated)) => {
            parts.push(format!(
                "{} rows (estimated {})",
                whole(actual),
                whole(estimated)
            ));
        }
        (None, Some(estimated)) => parts.push(format!("~{} rows", whole(estimated))),
        (Some(actual), None) => parts.push(format!("{} rows", whole(actual))),
        (None, None) => {}
    }
    if let Some(loops) = node.loops
        && loops > 1.0
    {
        parts.push(format!("{} loops", whole(loops)));
    }
    if let Some(own) = node.self_ms {
        parts.push(format!("{own:.1} ms"));
    } else if let Some(cost) = node.cost {
        parts.push(format!("cost {cost:.0}"));
    }
    parts.join(" · ")
}

fn whole(number: f64) -> String {
    count(number.round() as i64)
}

/// The lines that join a node to its parent, for its own row and for the rows below it.
fn branches(plan: &Plan, node: &PlanNode) -> (String, String) {
    let Some(parent) = node.parent else {
        return (String::new(), String::new());
    };
    let last = |id: usize, parent: usize| {
        plan.children(parent)
            .last()
            .is_some_and(|sibling| sibling.id == id)
    };
    let mut stem = String::new();
    let mut above = plan.node(parent);
    let mut parts = Vec::new();
    while let Some(ancestor) = above {
        if let Some(grand) = ancestor.parent {
            parts.push(if last(ancestor.id, grand) {
                "  "
            } else {
                "│ "
            });
            above = plan.node(grand);
        } else {
            above = None;
        }
    }
    for part in parts.iter().rev() {
        stem.push_str(part);
    }
    let (own, below) = if last(node.id, parent) {
        ("└ ", "  ")
    } else {
        ("├ ", "│ ")
    };
    (format!("{stem}{own}"), format!("{stem}{below}"))
}
