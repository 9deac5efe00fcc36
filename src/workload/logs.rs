//! Logs that people paste: of a server, or of a program that asks it. Which one it is is found out by its lines.

mod framework;
mod json;
mod mysql;
mod postgres;

use super::Event;

/// Where the statements of a log came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Postgres,
    PostgresCsv,
    Json,
    MySqlGeneral,
    MySqlSlow,
    SqlAlchemy,
    Django,
    Rails,
    Prisma,
    TypeOrm,
    Hibernate,
    /// Statements, one after the other.
    Sql,
}

impl Format {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL's log",
            Self::PostgresCsv => "PostgreSQL's csvlog",
            Self::Json => "JSON lines",
            Self::MySqlGeneral => "MySQL's general log",
            Self::MySqlSlow => "MySQL's slow log",
            Self::SqlAlchemy => "SQLAlchemy's echo",
            Self::Django => "Django's log",
            Self::Rails => "Rails' log",
            Self::Prisma => "Prisma's log",
            Self::TypeOrm => "TypeORM's log",
            Self::Hibernate => "Hibernate's log",
            Self::Sql => "statements",
        }
    }
}

/// The statements of a log, in its order.
pub fn read(text: &str) -> (Format, Vec<Event>) {
    let format = format_of(text);
    let events = match format {
        Format::Postgres => postgres::lines(text),
        Format::PostgresCsv => postgres::csv(text),
        Format::Json => json::lines(text),
        Format::MySqlGeneral => mysql::general(text),
        Format::MySqlSlow => mysql::slow(text),
        Format::SqlAlchemy => framework::sqlalchemy(text),
        Format::Django => framework::django(text),
        Format::Rails => framework::rails(text),
        Format::Prisma => framework::after(text, &["prisma:query "]),
        Format::TypeOrm => framework::typeorm(text),
        Format::Hibernate => framework::after(text, &["org.hibernate.SQL", "Hibernate: "]),
        Format::Sql => statements(text),
    };
    let events = events
        .into_iter()
        .filter(|event| begins_statement(&event.sql))
        .collect();
    (format, events)
}

/// The first line that only one of them writes decides.
fn format_of(text: &str) -> Format {
    for line in text.lines().take(400) {
        let trimmed = line.trim_start();
        if trimmed.starts_with('{') {
            return Format::Json;
        }
        if trimmed.starts_with("# Query_time:") || trimmed.starts_with("# User@Host:") {
            return Format::MySqlSlow;
        }
        if mysql::is_general(line) {
            return Format::MySqlGeneral;
        }
        for (mark, format) in [
            ("sqlalchemy.engine", Format::SqlAlchemy),
            ("prisma:query", Format::Prisma),
            ("org.hibernate.SQL", Format::Hibernate),
            ("Hibernate: ", Format::Hibernate),
        ] {
            if line.contains(mark) {
                return format;
            }
        }
        if trimmed.starts_with("query: ") {
            return Format::TypeOrm;
        }
        if framework::django_line(trimmed).is_some() {
            return Format::Django;
        }
        if framework::rails_line(line).is_some() {
            return Format::Rails;
        }
        if postgres::message(line).is_some() {
            let csv = line.split(',').count() > 12 && line.contains(",\"");
            return if csv {
                Format::PostgresCsv
            } else {
                Format::Postgres
            };
        }
    }
    Format::Sql
}

/// Statements with semicolons between them, or one on each line.
fn statements(text: &str) -> Vec<Event> {
    let by_semicolon = text.contains(';');
    let parts: Vec<&str> = if by_semicolon {
        text.split(';').collect()
    } else {
        text.lines().collect()
    };
    parts
        .into_iter()
        .map(|part| Event {
            sql: part.trim().to_owned(),
            ..Event::default()
        })
        .collect()
}

/// Whether it is a statement that reads or changes rows.
fn begins_statement(sql: &str) -> bool {
    const WORDS: &[&str] = &[
        "select", "with", "insert", "update", "delete", "replace", "table", "values",
    ];
    let sql = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word: String = sql
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .take(10)
        .collect();
    WORDS.contains(&word.to_lowercase().as_str())
}

/// A number of milliseconds at the beginning of a text.
fn number(text: &str) -> Option<f64> {
    let digits: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    digits
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests;
