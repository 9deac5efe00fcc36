//! What object-relational mappers and frameworks print when they are told to show their SQL.

use super::number;
use crate::workload::Event;

const SECOND: f64 = 1000.0;

/// `INFO sqlalchemy.engine.Engine SELECT …`, its further lines, and the parameters on a line of their own.
pub(super) fn sqlalchemy(text: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let Some((_, said)) = line.split_once("sqlalchemy.engine.Engine ") else {
            if let Some(event) = events.last_mut().filter(|_| open) {
                event.sql.push('\n');
                event.sql.push_str(line);
            }
            continue;
        };
        let said = said.trim_start_matches("INFO ").trim_start();
        if said.starts_with(['[', '(', '{']) {
            open = false;
            if let Some(event) = events.last_mut() {
                let values = said.split_once("] ").map_or(said, |(_, values)| values);
                values.clone_into(&mut event.values);
            }
            continue;
        }
        open = super::begins_statement(said);
        if open {
            events.push(Event {
                sql: said.to_owned(),
                ..Event::default()
            });
        }
    }
    events
}

/// `(0.001) SELECT …; args=(1,); alias=default`: seconds, and what follows.
pub(super) fn django_line(line: &str) -> Option<(f64, &str)> {
    let start = line.find('(')?;
    let (seconds, rest) = line.get(start + 1..)?.split_once(") ")?;
    let seconds: f64 = seconds.parse().ok()?;
    super::begins_statement(rest).then_some((seconds, rest))
}

pub(super) fn django(text: &str) -> Vec<Event> {
    let lines = text.lines().filter_map(django_line);
    lines
        .map(|(seconds, rest)| {
            let (sql, values) = rest.rsplit_once("; args=").unwrap_or((rest, ""));
            Event {
                sql: sql.to_owned(),
                values: values
                    .split("; alias=")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                ms: Some(seconds * SECOND),
                ..Event::default()
            }
        })
        .collect()
}

/// `  User Load (0.5ms)  SELECT …  [["id", 1]]`.
pub(super) fn rails_line(line: &str) -> Option<(f64, &str)> {
    let (before, rest) = line.split_once("ms)")?;
    let (_, ms) = before.rsplit_once('(')?;
    let ms = ms.parse().ok()?;
    let rest = rest.trim_start();
    super::begins_statement(rest).then_some((ms, rest))
}

pub(super) fn rails(text: &str) -> Vec<Event> {
    let mut request = 0_usize;
    let mut events = Vec::new();
    for line in text.lines() {
        if line.contains("Started ") {
            request += 1;
        }
        let Some((ms, rest)) = rails_line(line) else {
            continue;
        };
        let rest = rest.split("\u{1b}[").next().unwrap_or(rest);
        let (sql, values) = rest.split_once("  [[").unwrap_or((rest, ""));
        events.push(Event {
            session: request.to_string(),
            sql: sql.trim().to_owned(),
            values: values.to_owned(),
            ms: Some(ms),
        });
    }
    events
}

/// `query: SELECT … -- PARAMETERS: [1]`.
pub(super) fn typeorm(text: &str) -> Vec<Event> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("query: "));
    lines
        .map(|said| {
            let (sql, values) = said.split_once(" -- PARAMETERS: ").unwrap_or((said, ""));
            Event {
                sql: sql.to_owned(),
                values: values.to_owned(),
                ..Event::default()
            }
        })
        .collect()
}

/// The statement that stands behind a mark, to the end of the line and of those behind it that are indented.
pub(super) fn after(text: &str, marks: &[&str]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let found = marks.iter().find_map(|mark| line.split_once(mark));
        if let Some((_, said)) = found {
            let said =
                said.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-'));
            open = true;
            events.push(Event {
                sql: said.to_owned(),
                ..Event::default()
            });
        } else if open && line.starts_with(['\t', ' ']) && number(line.trim_start()).is_none() {
            if let Some(event) = events.last_mut() {
                event.sql.push('\n');
                event.sql.push_str(line);
            }
        } else {
            open = false;
            if let Some((_, value)) = line.split_once("binding parameter ")
                && let Some(event) = events.last_mut()
            {
                event.values.push_str(value);
            }
        }
    }
    events
}
