//! The table of one engine, and its place in RESULTS.md.

use std::fmt::Write;

use anyhow::Result;

use crate::engine::{Kind, Work};
use crate::query::home;
use crate::run::{Ours, Row};

const HEAD: &str = "# Index advice, measured

Written by `advice run`, a section an engine; README.md says how, and what is measured. *Share* is the part of the cut
that is known to be reachable: (base − ours) / (base − best), 0 to 1; `—` where nothing is reachable, so it does not
count. `≥` stands before work that was stopped, `*` after ours that is better than the best known. *Bytes* are those of
the indexes. *Beside it* is no part of the share; *slower* marks a query that the advice made slower by the clock, by a
quarter and 20 ms. *Time* is that of one `explain_query`, with the start of the program and its connection.
";

pub fn section(kind: Kind, version: &str, command: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "## {}\n\n{version}; work in {}. Again: `{command}`\n\n",
        kind.name(),
        kind.unit()
    );
    text.push_str("| query | base | best known | ours | share | smallest set's share | bytes ours / best | beside it, base → ours | time |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for row in rows.iter().filter(|row| !row.control) {
        text.push_str(&line(row));
    }
    text.push_str(&summary(rows));
    text.push_str("\n| control | base | with the advice | indexes advised | beside it, base → ours | time |\n|---|--:|--:|--:|--:|--:|\n");
    for row in rows.iter().filter(|row| row.control) {
        let advised = match (&row.failed, row.largest.indexes.len()) {
            (Some(error), _) => format!("failed: {}", cell(error)),
            (None, 0) => "none".to_owned(),
            (None, n) => n.to_string(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {advised} | {} | {:.1} s |",
            row.name,
            work(row.base),
            work(row.largest.work),
            beside(row),
            row.took.as_secs_f64()
        );
    }
    text
}

fn line(row: &Row) -> String {
    let best = row.best.as_ref();
    let (best_work, best_bytes) = best.map_or(("?".to_owned(), "?".to_owned()), |best| {
        (
            work(Work {
                amount: best.work,
                capped: best.work_capped,
                seconds: None,
                reads: None,
            }),
            bytes(best.bytes),
        )
    });
    let star = match best {
        Some(best)
            if !row.largest.indexes.is_empty()
                && !row.largest.work.capped
                && row.largest.work.amount * row.near < best.work =>
        {
            "*"
        }
        _ => "",
    };
    let ours = row.failed.as_ref().map_or_else(
        || work(row.largest.work) + star,
        |error| format!("failed: {}", cell(error)),
    );
    format!(
        "| {} | {} | {best_work} | {ours} | {} | {} | {} / {best_bytes} | {} | {:.1} s |\n",
        row.name,
        work(row.base),
        share(row, &row.largest),
        share(row, &row.smallest),
        bytes(row.largest.bytes),
        beside(row),
        row.took.as_secs_f64()
    )
}

/// What else was seen of the query itself, and is no part of the share: rows read where the clock is the measure, else
/// the clock.
fn beside(row: &Row) -> String {
    let (base, ours) = (&row.base, &row.largest.work);
    let sign = if slower(row) { " slower" } else { "" };
    match (base.reads.zip(ours.reads), base.seconds.zip(ours.seconds)) {
        (Some((base, ours)), _) => format!("{} → {} rows read{sign}", amount(base), amount(ours)),
        (None, Some((base, ours))) => format!("{base:.3} → {ours:.3} s{sign}"),
        (None, None) => "planned".to_owned(),
    }
}

fn slower(row: &Row) -> bool {
    matches!((row.base.seconds, row.largest.work.seconds), (Some(base), Some(ours))
        if !row.largest.indexes.is_empty() && ours > base * 1.25 && ours > base + 0.02)
}

fn share(row: &Row, ours: &Ours) -> String {
    row.share(ours)
        .map_or_else(|| "—".to_owned(), |share| format!("{share:.2}"))
}

fn summary(rows: &[Row]) -> String {
    let positive: Vec<&Row> = rows.iter().filter(|row| !row.control).collect();
    let mean = |rows: &[&Row], ours: fn(&Row) -> &Ours| {
        let shares: Vec<f64> = rows.iter().filter_map(|row| row.share(ours(row))).collect();
        (
            shares.iter().sum::<f64>() / shares.len().max(1) as f64,
            shares.len(),
        )
    };
    let of = |prefix: char| {
        positive
            .iter()
            .copied()
            .filter(|row| row.name.starts_with(prefix))
            .collect::<Vec<_>>()
    };
    let mut times: Vec<f64> = rows.iter().map(|row| row.took.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    let controls: Vec<&Row> = rows.iter().filter(|row| row.control).collect();
    let ours: i64 = positive.iter().map(|row| row.largest.bytes).sum();
    let smallest: i64 = positive.iter().map(|row| row.smallest.bytes).sum();
    let best: i64 = positive
        .iter()
        .filter_map(|row| row.best.as_ref())
        .map(|best| best.bytes)
        .sum();
    let (all, n) = mean(&positive, |row| &row.largest);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\n- Mean share: **{all:.3}** of {n} queries (TPC-H {:.3}, application {:.3}); the smallest sets': {:.3}",
        mean(&of('Q'), |row| &row.largest).0,
        mean(&of('A'), |row| &row.largest).0,
        mean(&positive, |row| &row.smallest).0
    );
    let (ratio, far) = distance(&positive);
    let _ = writeln!(
        text,
        "- Work, ours / best known: {ratio:.2} as a geometric mean; more than twice the best known: {far}"
    );
    let _ = writeln!(
        text,
        "- Bytes in all: ours {}, the smallest sets' {}, best known {}",
        bytes(ours),
        bytes(smallest),
        bytes(best)
    );
    let _ = writeln!(
        text,
        "- Time: median {:.2} s, worst {:.1} s",
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.last().copied().unwrap_or_default()
    );
    let _ = writeln!(
        text,
        "- Advice on controls: {} of {}; slower by the clock with the advice: {}; failed: {}",
        controls
            .iter()
            .filter(|row| !row.largest.indexes.is_empty())
            .count(),
        controls.len(),
        rows.iter().filter(|row| slower(row)).count(),
        rows.iter().filter(|row| row.failed.is_some()).count()
    );
    text
}

/// How far ours are from the best known where something is reachable, and how many of them by more than twice.
fn distance(rows: &[&Row]) -> (f64, usize) {
    let ratios: Vec<f64> = rows
        .iter()
        .filter(|row| row.reachable().is_some())
        .filter_map(|row| {
            row.best
                .as_ref()
                .map(|best| row.largest.work.amount.max(1.0) / best.work.max(1.0))
        })
        .collect();
    let mean = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len().max(1) as f64;
    (
        mean.exp(),
        ratios.iter().filter(|ratio| **ratio > 2.0).count(),
    )
}

fn work(work: Work) -> String {
    format!(
        "{}{}",
        if work.capped { "≥ " } else { "" },
        amount(work.amount)
    )
}

fn amount(amount: f64) -> String {
    if amount >= 1e6 {
        format!("{:.2} M", amount / 1e6)
    } else if amount >= 1e4 {
        format!("{:.1} k", amount / 1e3)
    } else if amount >= 100.0 {
        format!("{amount:.0}")
    } else {
        format!("{amount:.1}")
    }
}

fn bytes(bytes: i64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// What a cell of a table can hold.
fn cell(text: &str) -> String {
    text.replace(['|', '\n'], " ").chars().take(120).collect()
}

/// Puts a section in its engine's place; the sections stand in the engines' order.
pub fn write(kind: Kind, section: &str) -> Result<()> {
    let path = home().join("RESULTS.md");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let mut text = HEAD.to_owned();
    for other in [Kind::Postgres, Kind::Mysql, Kind::Mariadb, Kind::Sqlite] {
        let title = format!("## {}\n", other.name());
        if other == kind {
            let _ = write!(text, "\n{}\n", section.trim_end());
        } else if let Some((_, rest)) = before.split_once(&title) {
            let own = rest.split_once("\n## ").map_or(rest, |(own, _)| own);
            let _ = write!(text, "\n{title}{}\n", own.trim_end());
        }
    }
    Ok(std::fs::write(path, text)?)
}
