//! The queries, and the sets of indexes that were thought up for each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::data::Dataset;
use crate::engine::Kind;

pub struct Query {
    pub name: String,
    pub dataset: Dataset,
    /// No index helps it.
    pub control: bool,
    pub sql: String,
    /// Sets of indexes, each written as what follows `CREATE INDEX name ON` on PostgreSQL.
    pub by_hand: Vec<Vec<String>>,
}

/// `candidates/DATASET/QUERY.toml`: `sets` for all engines, and more for one.
#[derive(Default, Deserialize)]
struct Candidates {
    #[serde(default)]
    sets: Vec<Vec<String>>,
    #[serde(flatten)]
    more: BTreeMap<String, Vec<Vec<String>>>,
}

/// The folder of the benchmark, wherever it is run from.
pub fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All queries that an engine can be asked, by name.
pub fn all(kind: Kind, datasets: &[Dataset], only: &[String]) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    for (folder, dataset) in [
        ("tpch", Dataset::Tpch),
        ("app", Dataset::App),
        ("control", Dataset::App),
    ] {
        if datasets.contains(&dataset) {
            for (name, sql) in texts(&home().join("queries").join(folder), kind)? {
                let by_hand = candidates(folder, &name, kind)?;
                queries.push(Query {
                    name,
                    dataset,
                    control: folder == "control",
                    sql,
                    by_hand,
                });
            }
        }
    }
    queries.retain(|query| {
        only.is_empty()
            || only
                .iter()
                .any(|name| query.name.starts_with(name.as_str()))
    });
    Ok(queries)
}

/// The text of each query in a folder: the one for this engine before the one for all.
fn texts(folder: &Path, kind: Kind) -> Result<BTreeMap<String, String>> {
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let Some(file) = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".sql"))
        else {
            continue;
        };
        let (name, dialect) = file
            .split_once('.')
            .map_or((file, None), |(name, dialect)| (name, Some(dialect)));
        let rank = match dialect {
            None => usize::MAX,
            Some(dialect) => match kind.dialects().iter().position(|known| *known == dialect) {
                Some(rank) => rank,
                None => continue,
            },
        };
        if found.get(name).is_none_or(|(before, _)| rank < *before) {
            found.insert(
                name.to_owned(),
                (rank, std::fs::read_to_string(&path)?.trim().to_owned()),
            );
        }
    }
    Ok(found
        .into_iter()
        .map(|(name, (_, sql))| (name, sql))
        .collect())
}

fn candidates(folder: &str, name: &str, kind: Kind) -> Result<Vec<Vec<String>>> {
    let path = home()
        .join("candidates")
        .join(folder)
        .join(format!("{name}.toml"));
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path)?;
    let mut candidates: Candidates =
        toml::from_str(&text).with_context(|| path.display().to_string())?;
    for dialect in kind.dialects() {
        candidates
            .sets
            .extend(candidates.more.remove(*dialect).unwrap_or_default());
    }
    Ok(candidates.sets)
}
