//! `best_known.ENGINE.toml`: the best set of indexes that was found for each query, and by whom.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::engine::Kind;
use crate::query::home;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Best {
    /// Work without any of these.
    pub base: f64,
    pub base_capped: bool,
    pub work: f64,
    pub work_capped: bool,
    pub bytes: i64,
    /// `hand`, `search`, or `none` where no set was better than nothing.
    pub found_by: String,
    pub indexes: Vec<String>,
}

pub type BestKnown = BTreeMap<String, Best>;

fn path(kind: Kind) -> PathBuf {
    home().join(format!("best_known.{}.toml", kind.name()))
}

pub fn read(kind: Kind) -> Result<BestKnown> {
    let path = path(kind);
    if !path.exists() {
        return Ok(BestKnown::new());
    }
    Ok(toml::from_str(&std::fs::read_to_string(path)?)?)
}

pub fn write(kind: Kind, known: &BestKnown) -> Result<()> {
    let unit = kind.unit();
    let head = format!(
        "# Written by `advice search --engine {}`: base and work are {unit}, bytes those of the indexes really built.\n\n",
        kind.name()
    );
    Ok(std::fs::write(path(kind), head + &toml::to_string(known)?)?)
}
