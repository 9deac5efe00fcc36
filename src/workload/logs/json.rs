//! Lines of JSON: `PostgreSQL`'s jsonlog, and whatever has a statement, a time and somebody who asked.

use serde_json::Value;

use super::{number, postgres};
use crate::workload::Event;

pub(super) fn lines(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for line in text.lines() {
        let Ok(Value::Object(record)) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let text = |names: &[&str]| {
            names.iter().find_map(|name| match record.get(*name) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            })
        };
        let session = text(&[
            "session_id",
            "session",
            "trace_id",
            "trace",
            "request_id",
            "pid",
            "connection_id",
            "thread_id",
        ]);
        let mut ms = text(&["duration_ms", "elapsed_ms", "ms", "duration", "elapsed"])
            .and_then(|text| number(&text));
        let mut sql = text(&["sql", "query", "statement", "db.statement"]);
        if let Some(said) = text(&["message", "msg"]).filter(|_| sql.is_none()) {
            let said = match said.strip_prefix("duration: ") {
                Some(rest) => {
                    ms = number(rest);
                    rest.split_once(" ms")
                        .map_or("", |(_, rest)| rest.trim_start())
                }
                None => said.as_str(),
            };
            sql = postgres::statement(said).map(str::to_owned);
        }
        let values = ["params", "parameters", "binds", "detail"]
            .iter()
            .find_map(|name| record.get(*name))
            .map(Value::to_string);
        if let Some(sql) = sql {
            events.push(Event {
                session: session.unwrap_or_default(),
                sql,
                values: values.unwrap_or_default(),
                ms,
            });
        }
    }
    events
}
