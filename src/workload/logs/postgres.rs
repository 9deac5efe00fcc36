//! `PostgreSQL`: stderr and csvlog. <https://www.postgresql.org/docs/current/runtime-config-logging.html>

use super::number;
use crate::workload::Event;

/// What a log line says of a statement: its time, where the server tells it, and how the text begins.
pub(super) fn message(line: &str) -> Option<(Option<f64>, &str)> {
    let said = said(line)?;
    if let Some(rest) = said.strip_prefix("duration: ") {
        let ms = number(rest);
        let (_, rest) = rest.split_once(" ms")?;
        let rest = rest.trim_start();
        return Some((ms, statement(rest)?));
    }
    Some((None, statement(said)?))
}

/// What stands behind the level of a line, or in the message of a record.
fn said(line: &str) -> Option<&str> {
    for mark in ["LOG:  ", ",LOG,00000,\""] {
        if let Some((_, said)) = line.split_once(mark) {
            return Some(said);
        }
    }
    None
}

/// The text behind `statement:`, or behind the name of a prepared one.
pub(super) fn statement(said: &str) -> Option<&str> {
    if let Some(rest) = said.strip_prefix("statement: ") {
        return Some(rest);
    }
    let rest = said.strip_prefix("execute ")?;
    rest.split_once(": ").map(|(_, sql)| sql)
}

pub(super) fn lines(text: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some((ms, sql)) = message(line) {
            open = true;
            events.push(Event {
                session: session(line),
                sql: sql.to_owned(),
                ms,
                ..Event::default()
            });
        } else if let Some((_, values)) = line
            .split_once("DETAIL:  ")
            .filter(|(_, detail)| detail.to_lowercase().starts_with("parameters: "))
        {
            if let Some(event) = events.last_mut() {
                values.clone_into(&mut event.values);
            }
            open = false;
        } else if open && line.starts_with(['\t', ' ']) {
            if let Some(event) = events.last_mut() {
                event.sql.push('\n');
                event.sql.push_str(line);
            }
        } else {
            open = false;
        }
    }
    events
}

/// The process or session that the prefix names: in brackets, or a hexadecimal pair.
fn session(line: &str) -> String {
    let prefix = line.split("LOG:").next().unwrap_or_default();
    if let Some((_, rest)) = prefix.split_once('[') {
        return rest.split([']', '-']).next().unwrap_or_default().to_owned();
    }
    let pair = |word: &&str| {
        let halves: Vec<&str> = word.split('.').collect();
        matches!(halves.as_slice(), [a, b] if a.len() >= 6 && !b.is_empty()
            && word.chars().all(|c| c.is_ascii_hexdigit() || c == '.'))
    };
    prefix
        .split_whitespace()
        .find(pair)
        .unwrap_or_default()
        .to_owned()
}

/// Records of comma separated values, whose texts may go over several lines.
pub(super) fn csv(text: &str) -> Vec<Event> {
    const SESSION: usize = 5;
    const MESSAGE: usize = 13;
    const DETAIL: usize = 14;
    let mut events = Vec::new();
    for record in records(text) {
        let field = |at: usize| record.get(at).map_or("", String::as_str);
        let said = field(MESSAGE);
        let (ms, sql) = match said.strip_prefix("duration: ") {
            Some(rest) => (
                number(rest),
                rest.split_once(" ms")
                    .and_then(|(_, rest)| statement(rest.trim_start())),
            ),
            None => (None, statement(said)),
        };
        if let Some(sql) = sql {
            events.push(Event {
                session: field(SESSION).to_owned(),
                sql: sql.to_owned(),
                values: field(DETAIL).to_owned(),
                ms,
            });
        }
    }
    events
}

fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut record, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\n' if !quoted => records.push(std::mem::replace(&mut record, vec![String::new()])),
            other => push(&mut record, other),
        }
    }
    records.push(record);
    records
}

fn push(record: &mut [String], character: char) {
    if let Some(field) = record.last_mut() {
        field.push(character);
    }
}
