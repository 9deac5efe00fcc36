//! Measures the advice, query by query.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::advice;
use crate::best::Best;
use crate::engine::{Engine, Kind, Work};
use crate::query::Query;
use crate::set;

/// One set of ours.
#[derive(Clone)]
pub struct Ours {
    pub work: Work,
    pub bytes: i64,
    pub indexes: Vec<String>,
}

pub struct Row {
    pub name: String,
    pub control: bool,
    pub base: Work,
    pub best: Option<Best>,
    pub took: Duration,
    pub largest: Ours,
    pub smallest: Ours,
    pub failed: Option<String>,
    /// See [`Kind::near`].
    pub near: f64,
}

impl Row {
    /// What could be gained here; where best and base are near it is nothing.
    pub fn reachable(&self) -> Option<f64> {
        let best = self.best.as_ref();
        let best = best.filter(|best| !best.work_capped && !best.indexes.is_empty())?;
        let cut = self.base.amount - best.work;
        (self.base.capped || cut > self.base.amount * (self.near - 1.0) / self.near)
            .then_some(cut.max(1.0))
    }

    /// The part of it that a set of ours gains, 0 to 1.
    pub fn share(&self, ours: &Ours) -> Option<f64> {
        let reachable = self.reachable()?;
        let gained = if ours.work.capped {
            0.0
        } else {
            self.base.amount - ours.work.amount
        };
        // Of a base that was stopped only a lower bound is known: an answer as good as the best one is all of it.
        let as_good = self
            .best
            .as_ref()
            .is_some_and(|best| ours.work.amount <= best.work * self.near)
            && !ours.work.capped;
        Some(if as_good {
            1.0
        } else {
            (gained / reachable).clamp(0.0, 1.0)
        })
    }
}

pub fn run(
    kind: Kind,
    url: &str,
    engine: &mut dyn Engine,
    query: &Query,
    best: Option<&Best>,
    binary: &Path,
) -> Result<Row> {
    let base = engine.measure(&query.sql)?;
    let nothing = Ours {
        work: base,
        bytes: 0,
        indexes: Vec::new(),
    };
    let mut row = Row {
        name: query.name.clone(),
        control: query.control,
        base,
        best: best.cloned(),
        took: Duration::ZERO,
        largest: nothing.clone(),
        smallest: nothing,
        failed: None,
        near: kind.near(),
    };
    match advice::ask(
        binary,
        &kind.url(url, query.dataset),
        query.dataset,
        &query.sql,
    ) {
        Err(error) => row.failed = Some(format!("{error:#}")),
        Ok(advice) => {
            row.took = advice.took;
            if let Err(error) = measure(engine, query, &advice, &mut row) {
                row.failed = Some(format!("{error:#}"));
            }
        }
    }
    Ok(row)
}

fn measure(
    engine: &mut dyn Engine,
    query: &Query,
    advice: &advice::Advice,
    row: &mut Row,
) -> Result<()> {
    if !advice.best.is_empty() {
        row.largest = of(engine, query, &advice.best)?;
    }
    if advice.smallest == advice.best {
        row.smallest = row.largest.clone();
    } else if !advice.smallest.is_empty() {
        row.smallest = of(engine, query, &advice.smallest)?;
    }
    Ok(())
}

fn of(engine: &mut dyn Engine, query: &Query, indexes: &[String]) -> Result<Ours> {
    let built = set::build_and_measure(engine, indexes, &query.sql)?;
    Ok(Ours {
        work: built.work,
        bytes: built.bytes,
        indexes: indexes.to_vec(),
    })
}
