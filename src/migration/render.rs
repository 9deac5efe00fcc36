//! A migration as text: phases, locks, downs, the checklist and the proof.

use std::fmt::Write as _;

use super::files::File;
use super::proof::Proof;
use super::{Checklist, Migration, Step};

pub fn phases(migration: &Migration) -> String {
    let mut text = String::new();
    for (number, phase) in migration.phases.iter().enumerate() {
        let _ = writeln!(
            text,
            "  {} {} · {}",
            number + 1,
            phase.deploy.words(),
            phase.name
        );
        for step in &phase.steps {
            write_step(&mut text, step);
        }
    }
    text
}

fn write_step(text: &mut String, step: &Step) {
    if !step.timeouts.is_empty() {
        let _ = writeln!(text, "      {}", step.timeouts);
    }
    for line in step.up.lines() {
        let _ = writeln!(text, "      {line}");
    }
    let mut facts = vec![if step.lock.object.is_empty() {
        format!("lock {}", step.lock.mode)
    } else {
        format!("lock {} on {}", step.lock.mode, step.lock.object)
    }];
    facts.push(
        match (step.rewrites_table, step.scans_table) {
            (true, _) => "rewrites the table",
            (false, true) => "reads the table once",
            (false, false) => "no scan",
        }
        .to_owned(),
    );
    facts.push(
        match (step.blocks.reads, step.blocks.writes) {
            (true, _) => "blocks reads and writes",
            (false, true) => "blocks writes",
            (false, false) => "blocks no one for longer than a moment",
        }
        .to_owned(),
    );
    if !step.transactional {
        facts.push("outside a transaction".to_owned());
    }
    let _ = writeln!(
        text,
        "        → {} ({})",
        facts.join(" · "),
        step.source.words()
    );
    if !step.note.is_empty() {
        let _ = writeln!(text, "        → {}", step.note);
    }
    let mut down = step.down.lines();
    match down.next() {
        None => text.push_str("        down: nothing to undo\n"),
        Some(first) => {
            let _ = writeln!(text, "        down: {first}");
            for line in down {
                let _ = writeln!(text, "              {line}");
            }
        }
    }
    if !step.guard.is_empty() {
        let _ = writeln!(text, "        guard (1 = already done): {}", step.guard);
    }
}

pub fn checklist(checklist: &Checklist) -> String {
    let mut text = String::from("\nChecklist [Q2]\n");
    for (label, item) in [
        ("reversible", &checklist.reversible),
        ("no full lock on a large table", &checklist.no_full_lock),
        (
            "backfill before the constraint",
            &checklist.backfill_before_constraint,
        ),
        ("indexes concurrently", &checklist.indexes_concurrently),
        ("tried at production size", &checklist.production_size),
    ] {
        let _ = writeln!(
            text,
            "  {} {label}: {}",
            if item.holds { "✔" } else { "✘" },
            item.why
        );
    }
    text
}

pub fn proof(proof: &Proof) -> String {
    if proof.ran_on.is_empty() {
        return format!("\nNot proved: {}\n", proof.why_not);
    }
    let mark = |holds: bool| if holds { "✔" } else { "✘" };
    let mut text = format!(
        "\nProof on {}: up, down, up {} · schema equal {} · rows kept {} · guards tell a second run {}\n",
        proof.ran_on,
        mark(proof.up_down_up),
        mark(proof.schema_equal),
        mark(proof.rows_kept),
        mark(proof.rerun_after_each_step),
    );
    if !proof.why_not.is_empty() {
        let _ = writeln!(text, "  {}", proof.why_not);
    }
    text
}

pub fn files(files: &[File], detailed: bool) -> String {
    let mut text = String::from("\nFiles");
    if detailed {
        text.push('\n');
        for file in files {
            let _ = writeln!(text, "── {}", file.path);
            text.push_str(&file.content);
        }
    } else {
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let _ = writeln!(
            text,
            "  {} (contents in structured content, or with detail \"detailed\")",
            paths.join(" · ")
        );
    }
    text
}
