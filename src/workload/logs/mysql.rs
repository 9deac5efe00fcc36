//! `MySQL` and `MariaDB`: the general log and the slow log.
//! <https://dev.mysql.com/doc/refman/8.4/en/slow-query-log.html>

use super::number;
use crate::workload::Event;

/// Milliseconds of a second: the logs count in seconds.
const SECOND: f64 = 1000.0;

pub(super) fn is_general(line: &str) -> bool {
    command(line).is_some_and(|(_, command, _)| {
        matches!(command, "Query" | "Execute" | "Connect" | "Prepare")
    })
}

/// The session, what it did, and with which text.
fn command(line: &str) -> Option<(&str, &str, &str)> {
    let (before, text) = line
        .split_once("Query\t")
        .map(|(before, text)| (before, ("Query", text)))
        .or_else(|| {
            line.split_once("Execute\t")
                .map(|(before, text)| (before, ("Execute", text)))
        })
        .or_else(|| {
            line.split_once("Connect\t")
                .map(|(before, text)| (before, ("Connect", text)))
        })
        .or_else(|| {
            line.split_once("Prepare\t")
                .map(|(before, text)| (before, ("Prepare", text)))
        })?;
    let session = before.split_whitespace().next_back()?;
    session
        .chars()
        .all(|c| c.is_ascii_digit())
        .then_some((session, text.0, text.1))
}

pub(super) fn general(text: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match command(line) {
            Some((session, "Query" | "Execute", sql)) => {
                open = true;
                events.push(Event {
                    session: session.to_owned(),
                    sql: sql.to_owned(),
                    ..Event::default()
                });
            }
            // A new line of the log begins with its time or a session.
            None if open && !begins_entry(line) => {
                if let Some(event) = events.last_mut() {
                    event.sql.push('\n');
                    event.sql.push_str(line);
                }
            }
            _ => open = false,
        }
    }
    events
}

fn begins_entry(line: &str) -> bool {
    line.contains('\t') && line.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn slow(text: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut session = String::new();
    let mut ms = None;
    let mut sql = String::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            end(&mut events, &session, ms, &mut sql);
            if let Some((_, id)) = comment
                .split_once("Id:")
                .or_else(|| comment.split_once("Thread_id:"))
            {
                id.split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .clone_into(&mut session);
            }
            if let Some((_, time)) = comment.split_once("Query_time:") {
                ms = number(time).map(|seconds| seconds * SECOND);
            }
        } else if !line.to_lowercase().starts_with("set timestamp=")
            && !line.to_lowercase().starts_with("use ")
        {
            sql.push_str(line);
            sql.push('\n');
        }
    }
    end(&mut events, &session, ms, &mut sql);
    events
}

fn end(events: &mut Vec<Event>, session: &str, ms: Option<f64>, sql: &mut String) {
    let text = std::mem::take(sql);
    let text = text.trim().trim_end_matches(';');
    if !text.is_empty() {
        events.push(Event {
            session: session.to_owned(),
            sql: text.to_owned(),
            ms,
            ..Event::default()
        });
    }
}
