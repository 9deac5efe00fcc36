//! Plans that somebody pasted: which engine wrote them and in which form is found out from the text, and each form
//! is brought into the shape that the engine's own reader takes. Nothing here asks a database.

use serde_json::Value;

use super::{mysql, postgres, sqlite};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::statement::Dialect;

/// What the tools call the engines.
const POSTGRESQL: &str = "postgresql";
const MYSQL: &str = "mysql";
const MARIADB: &str = "mariadb";
const SQLITE: &str = "sqlite";

/// How deep a plan may nest: the readers go down into it.
pub(super) const DEEPEST: usize = 60;

/// A plan, the engine that wrote it, and the dialect of its statements.
#[derive(Debug)]
pub struct Pasted {
    pub engine: &'static str,
    pub dialect: Dialect,
    pub plan: Plan,
}

/// `engine` is what the user says it is, or empty.
pub fn read(text: &str, engine: &str) -> Result<Pasted> {
    let given = match engine.trim().to_ascii_lowercase().as_str() {
        "" => None,
        "postgresql" | "postgres" | "pg" => Some(POSTGRESQL),
        "mysql" => Some(MYSQL),
        "mariadb" => Some(MARIADB),
        "sqlite" | "sqlite3" => Some(SQLITE),
        other => {
            return Err(Error::Refused {
                reason: format!("no engine is called {}", crate::answer::excerpt(other, 40)),
                instead: "`engine` is postgresql, mysql, mariadb or sqlite; left out, it is found out from the plan.".to_owned(),
            });
        }
    };
    let lines = bare(text);
    let whole = lines.join("\n");
    let start = whole.trim_start();
    let engine = given
        .or_else(|| written_by(start, &lines))
        .ok_or_else(unreadable)?;
    let json = start.starts_with(['{', '[']);
    let plan = match engine {
        POSTGRESQL if json => postgres::explain::read(&parsed(start)?),
        POSTGRESQL => {
            postgres::pasted::read(&lines).and_then(|json| postgres::explain::read(&json))
        }
        SQLITE => sqlite::pasted::read(&lines).map(|lines| sqlite::explain::read(&lines)),
        _ if json => mysql::explain::parse(start).and_then(|json| mysql::explain::read(&json)),
        _ => mysql::pasted::read(&lines).and_then(|json| mysql::explain::read(&json)),
    };
    match plan {
        Ok(plan) if plan.nodes.is_empty() => Err(unreadable()),
        Ok(plan) => Ok(Pasted {
            engine,
            dialect: match engine {
                POSTGRESQL => Dialect::Postgres,
                SQLITE => Dialect::Sqlite,
                _ => Dialect::MySql,
            },
            plan,
        }),
        Err(_) => Err(unreadable()),
    }
}

fn parsed(text: &str) -> Result<Value> {
    // What follows the plan, a prompt or a count of rows, is not a part of it.
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> Error {
    Error::Refused {
        reason: "`plan` holds no plan that can be read".to_owned(),
        instead: "Paste the whole output of one of these: PostgreSQL EXPLAIN (ANALYZE, BUFFERS), as text or FORMAT JSON; MySQL EXPLAIN FORMAT=TREE, FORMAT=JSON, EXPLAIN ANALYZE or its table; MariaDB ANALYZE FORMAT=JSON or its table; SQLite EXPLAIN QUERY PLAN. Say `engine` if it is not plain which one.".to_owned(),
    }
}

/// The engine, from the words that only one of them writes.
fn written_by(start: &str, lines: &[String]) -> Option<&'static str> {
    if start.starts_with(['{', '[']) {
        return if start.contains("\"Plan\"") {
            Some(POSTGRESQL)
        } else if start.contains("\"query_plan\"") || start.contains("\"rows_examined_per_scan\"") {
            Some(MYSQL)
        } else if start.contains("\"query_block\"") {
            // Both write it; the one tells costs of each block, the other what it measured.
            Some(if start.contains("\"cost_info\"") {
                MYSQL
            } else {
                MARIADB
            })
        } else if start.contains("\"operation\"") {
            Some(MYSQL)
        } else {
            None
        };
    }
    let any = |holds: fn(&str) -> bool| lines.iter().any(|line| holds(line));
    if any(|line| line.contains("select_type")) {
        return Some(if any(|line| line.contains("r_rows")) {
            MARIADB
        } else {
            MYSQL
        });
    }
    if sqlite::pasted::is_one(lines) {
        return Some(SQLITE);
    }
    let first = lines.iter().find(|line| !line.trim().is_empty())?;
    if first.trim_start().starts_with("-> ") && !first.trim_start().starts_with("->  ") {
        return Some(MYSQL);
    }
    (first.contains("(cost=")
        || first.contains("(actual ")
        || any(|line| line.contains("->  "))
        || postgres::pasted::begins(first))
    .then_some(POSTGRESQL)
}

/// The lines without what clients draw around them.
fn bare(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .replace('\t', "    ")
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    // psql marks lines that go on within a cell.
    let continued = lines
        .iter()
        .filter(|line| line.ends_with('+') && !line.starts_with('+'))
        .count();
    if continued > 1 {
        for line in &mut lines {
            if let Some(inside) = line.strip_suffix('+') {
                *line = inside.trim_end().to_owned();
            }
        }
    }
    // pgAdmin puts each line in quotes.
    let quoted = |line: &&String| line.len() > 1 && line.starts_with('"') && line.ends_with('"');
    let filled = lines.iter().filter(|line| !line.is_empty()).count();
    if filled > 0 && lines.iter().filter(quoted).count() == filled {
        for line in &mut lines {
            let inside = line
                .get(1..line.len().saturating_sub(1))
                .unwrap_or_default();
            *line = inside.replace("\"\"", "\"");
        }
    }
    // A log begins with the statement.
    if let Some(plan) = lines
        .iter()
        .position(|line| line.trim_end().ends_with(" plan:"))
    {
        lines.drain(..=plan);
        if let Some(node) = lines
            .iter()
            .position(|line| line.contains("(cost=") || line.trim_start().starts_with('{'))
        {
            lines.drain(..node);
        }
    }
    lines.retain(|line| !is_frame(line.trim()));
    for line in &mut lines {
        unboxed(line);
    }
    lines
}

/// Rules, headings and counts.
fn is_frame(line: &str) -> bool {
    let drawn = !line.is_empty()
        && line
            .chars()
            .all(|c| "-+=|─│┌┐└┘├┤┬┴┼".contains(c) || c == ' ');
    let name = line.trim_matches(['|', ' ', '"']);
    let counted = name.starts_with('(') && (name.ends_with(" rows)") || name.ends_with(" row)"));
    drawn
        || counted
        || name.is_empty()
        || matches!(name, "QUERY PLAN" | "EXPLAIN" | "ANALYZE")
        || name.starts_with("*****") && name.ends_with("*****") && name.contains(". row ")
}

/// The inside of one wide cell.
fn unboxed(line: &mut String) {
    for start in ["| -> ", "| {", "| ["] {
        if line.starts_with(start) {
            *line = line
                .trim_start_matches("| ")
                .trim_end_matches('|')
                .trim_end()
                .to_owned();
            return;
        }
    }
    if let Some(rest) = line
        .strip_prefix("EXPLAIN: ")
        .or_else(|| line.strip_prefix("ANALYZE: "))
    {
        *line = rest.to_owned();
    }
}

/// The number behind a word such as `rows=`.
pub(super) fn number_after(text: &str, word: &str) -> Option<f64> {
    let at = text.find(word)? + word.len();
    let digits: String = text
        .get(at..)?
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-'))
        .collect();
    // `1.2..3.4` is a range, of which the end is meant.
    let end = digits.rsplit("..").next().unwrap_or(&digits);
    end.parse().ok()
}

/// Splits at a separator that stands outside of brackets and quotes.
pub(super) fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut quote, mut start) = (0_i32, None, 0);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(character),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0
            && quote.is_none()
            && at >= start
            && text
                .get(at..)
                .is_some_and(|rest| rest.starts_with(separator))
        {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + separator.len();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}
