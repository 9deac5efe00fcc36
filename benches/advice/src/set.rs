//! Sets of indexes: in an engine's words, built, measured, and dropped again.

use anyhow::Result;

use crate::engine::{Engine, Kind, Work};

/// An index as PostgreSQL writes it, as near as an engine has it: keys for INCLUDE, all rows for WHERE, the plain order
/// for an operator class. None for a kind of index that only PostgreSQL has.
pub fn translate(kind: Kind, index: &str) -> Option<String> {
    let mut text = index.to_owned();
    if kind != Kind::Postgres {
        if text.contains(" USING ") {
            return None;
        }
        text = text
            .replace(") INCLUDE (", ", ")
            .replace(" text_pattern_ops", "");
    }
    if matches!(kind, Kind::Mysql | Kind::Mariadb)
        && let Some((before, _)) = text.split_once(" WHERE ")
    {
        text = before.to_owned();
    }
    Some(text)
}

/// The statements that build a set.
pub fn statements(set: &[String]) -> Vec<String> {
    set.iter()
        .enumerate()
        .map(|(i, index)| format!("CREATE INDEX bench_{i} ON {index}"))
        .collect()
}

pub struct Built {
    pub work: Work,
    pub bytes: i64,
}

/// Builds, measures, drops. What a failed build left behind is dropped too.
pub fn build_and_measure(
    engine: &mut dyn Engine,
    statements: &[String],
    sql: &str,
) -> Result<Built> {
    let before = engine.indexes()?;
    let outcome = build(engine, &before, statements, sql);
    let left = engine.indexes()?;
    for name in left.keys().filter(|name| !before.contains_key(*name)) {
        engine.drop_index(name)?;
    }
    outcome
}

fn build(
    engine: &mut dyn Engine,
    before: &std::collections::BTreeMap<crate::engine::IndexName, i64>,
    statements: &[String],
    sql: &str,
) -> Result<Built> {
    for statement in statements {
        engine.execute(statement.trim_end().trim_end_matches(';'))?;
    }
    let mut new = engine.indexes()?;
    new.retain(|name, _| !before.contains_key(name));
    let names: Vec<_> = new.keys().cloned().collect();
    engine.analyze_new(&names)?;
    Ok(Built {
        work: engine.measure(sql)?,
        bytes: new.values().sum(),
    })
}
