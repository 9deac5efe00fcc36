//! The migration as files, one pair of up and down for each step, so that no runner puts into one
//! transaction what must not share one.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Migration, Step};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct File {
    pub path: String,
    pub content: String,
}

/// Plain SQL: `NAME_1.up.sql`, `NAME_1.down.sql` …
pub fn sql(migration: &Migration, name: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut number = 0;
    for phase in &migration.phases {
        for step in &phase.steps {
            number += 1;
            let head = head(step, &phase.name, phase.deploy.words());
            files.push(File {
                path: format!("{name}_{number}.up.sql"),
                content: format!("{head}{}\n", terminated(&step.up)),
            });
            let down = if step.down.trim().is_empty() {
                "-- nothing to undo".to_owned()
            } else {
                format!("{}{}", setting(step), terminated(&step.down))
            };
            files.push(File {
                path: format!("{name}_{number}.down.sql"),
                content: format!("{down}\n"),
            });
        }
    }
    files
}

fn head(step: &Step, phase: &str, deploy: &str) -> String {
    let mut head = format!("-- {phase} · {deploy} · lock {}", step.lock.mode);
    if !step.lock.object.is_empty() {
        head.push_str(&format!(" on {}", step.lock.object));
    }
    head.push('\n');
    if !step.guard.is_empty() {
        head.push_str(&format!(
            "-- already done when this gives 1: {}\n",
            step.guard.replace('\n', " ")
        ));
    }
    head.push_str(&setting(step));
    head
}

/// What a script needs around it, on the way up and on the way down.
fn setting(step: &Step) -> String {
    let mut text = String::new();
    if !step.transactional {
        text.push_str(
            "-- no-transaction: must run outside a transaction
",
        );
    }
    if !step.timeouts.is_empty() {
        text.push_str(&terminated(&step.timeouts));
        text.push('\n');
    }
    text
}

fn terminated(sql: &str) -> String {
    let sql = sql.trim_end();
    if sql.ends_with(';') || sql.starts_with("--") && !sql.contains('\n') {
        sql.to_owned()
    } else {
        format!("{sql};")
    }
}

/// A file name made of what the change does.
pub fn default_name(title: &str) -> String {
    let mut name: String = title
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    name.trim_matches('_').chars().take(60).collect()
}
