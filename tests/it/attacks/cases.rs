//! The statements, from their tables, and those too deep to write down.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) on: Vec<String>,
    pub(super) sql: String,
    #[serde(default)]
    pub(super) binds: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attacks {
    attack: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queries {
    query: Vec<Case>,
}

fn table(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

pub(super) fn attacks() -> Vec<Case> {
    let written: Attacks = toml::from_str(&table("attacks.toml")).unwrap();
    let mut attacks = written.attack;
    attacks.extend(deep());
    attacks
}

pub(super) fn queries() -> Vec<Case> {
    let written: Queries = toml::from_str(&table("legitimate.toml")).unwrap();
    written.query
}

/// Nested so deeply that a parser's stack may not hold them: too long to be written out in the table.
fn deep() -> Vec<Case> {
    let nested = |before: &str, middle: &str, after: &str, times: usize| {
        format!(
            "SELECT {}{middle}{}",
            before.repeat(times),
            after.repeat(times)
        )
    };
    [
        ("deep-brackets", nested("(", "1", ")", 20_000)),
        ("deep-not", nested("NOT ", "1 = 1", "", 20_000)),
        ("deep-minus", nested("- ", "1", "", 20_000)),
        (
            "deep-case",
            nested("CASE WHEN 1 = 1 THEN ", "1", " END", 5_000),
        ),
        (
            "deep-subqueries",
            nested("* FROM (SELECT ", "1", ") d", 5_000),
        ),
        ("deep-exists", nested("EXISTS (SELECT ", "1", ")", 5_000)),
        ("deep-operators", nested("1", "", " + 1", 20_000)),
        ("deep-casts", nested("1", "", "::integer", 10_000)),
        ("deep-unions", nested("1", "", " UNION ALL SELECT 1", 5_000)),
        ("deep-arrays", nested("ARRAY[", "1", "]", 10_000)),
        ("deep-calls", nested("abs(", "1", ")", 10_000)),
        (
            "deep-joins",
            nested("* FROM people", "", " JOIN people ON 1 = 1", 3_000),
        ),
        ("deep-comments", nested("/* ", "1", " */", 20_000)),
        (
            "deep-ctes",
            format!("{}SELECT 1", "WITH a AS (SELECT 1) ".repeat(5_000)),
        ),
    ]
    .into_iter()
    .map(|(name, sql)| Case {
        name: name.to_owned(),
        kind: "depth".to_owned(),
        on: ["postgresql", "mysql", "mariadb", "sqlite"]
            .map(str::to_owned)
            .to_vec(),
        sql,
        binds: Vec::new(),
    })
    .collect()
}

pub(super) fn meant_for(cases: Vec<Case>, engine: &str) -> Vec<Case> {
    cases
        .into_iter()
        .filter(|case| case.on.iter().any(|on| on == engine))
        .collect()
}
