//! How advised indexes stand in the answer.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::rewrites::RewriteAdvice;
use crate::advice::uses::Key;
use crate::advice::{Candidate, cost};
use crate::answer::{bytes, count, excerpt};
use crate::catalog::Catalog;
use crate::engine::{Selectivity, Trials};
use crate::finding::Source;
use crate::plan::Plan;

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::tools) struct IndexAdvice {
    pub(in crate::tools) sql: String,
    pub(in crate::tools) table: String,
    pub(in crate::tools) columns: Vec<String>,
    kind: String,
    reason: String,
    selectivity: SelectivityOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    size_bytes: Option<i64>,
    write_cost: WriteCost,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Gain")]
    pub(in crate::tools) gain: Option<Gain>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct SelectivityOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    estimated: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    sampled: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    actual: Option<f64>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct WriteCost {
    bytes_per_row: i64,
    factor: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    hot_updates_lost: Option<bool>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::tools) struct Gain {
    pub(in crate::tools) factor: f64,
    pub(in crate::tools) source: Source,
}

/// What came of looking for indexes and rewrites.
#[derive(Debug, Default)]
pub(in crate::tools) struct Advice {
    /// All of the best set.
    pub(in crate::tools) indexes: Vec<IndexAdvice>,
    /// Those of the smallest set that reaches most of the gain.
    pub(in crate::tools) smallest: Vec<String>,
    pub(in crate::tools) compared: Option<Compared>,
    /// Other ways to say the statement.
    pub(in crate::tools) rewrites: Vec<RewriteAdvice>,
}

/// The statement without the indexes, and with them, by one and the same measure.
#[derive(Debug)]
pub(in crate::tools) struct Compared {
    pub(in crate::tools) before: Plan,
    pub(in crate::tools) after: Plan,
    pub(super) before_cost: f64,
    pub(super) after_cost: f64,
    pub(super) smallest_cost: f64,
    pub(super) trials: Trials,
}

pub(in crate::tools) fn index_advice(
    candidate: &Candidate<'_>,
    sql: String,
    selectivity: &Selectivity,
    catalog: &Catalog,
) -> IndexAdvice {
    let table = candidate.table;
    let columns: Vec<String> = candidate
        .column_names()
        .into_iter()
        .chain(candidate.include.iter().cloned())
        .collect();
    IndexAdvice {
        sql,
        table: catalog.display_name(table),
        kind: candidate.kind(),
        reason: reason(candidate),
        selectivity: SelectivityOut {
            // All of the rows is what a planner without statistics says.
            estimated: selectivity.estimated.filter(|share| *share < 1.0),
            sampled: selectivity.sampled,
            actual: None,
        },
        size_bytes: table
            .rows
            .filter(|rows| *rows > 0)
            .map(|_| i64::try_from(candidate.bytes).unwrap_or(i64::MAX)),
        write_cost: WriteCost {
            bytes_per_row: cost::bytes_per_row(table, &columns),
            factor: cost::write_factor(table),
            // Updates of a column that no index knew could stay on their page until now.
            hot_updates_lost: table.hot_update_share.map(|share| {
                share > 0.0
                    && columns.iter().any(|column| {
                        !table
                            .indexes
                            .iter()
                            .any(|index| index.columns.iter().any(|key| key.name == *column))
                    })
            }),
        },
        gain: None,
        columns: candidate
            .keys
            .iter()
            .map(|key| match &key.key {
                Key::Column(name) => name.clone(),
                Key::Expression(text) => text.clone(),
            })
            .collect(),
    }
}

fn reason(candidate: &Candidate<'_>) -> String {
    let mut parts = Vec::new();
    let served: Vec<&str> = candidate
        .serves
        .iter()
        .map(|condition| condition.text.as_str())
        .collect();
    if !served.is_empty() {
        parts.push(format!(
            "finds {} without reading the rest",
            excerpt(&served.join(" AND "), 120)
        ));
    }
    if !candidate.predicate.is_empty() {
        parts.push("holds only the rows that are wanted".to_owned());
    }
    if candidate.for_join {
        parts.push("the join looks rows up by it, once for each outer row".to_owned());
    }
    if candidate.gives_order {
        parts.push("gives them in the order asked for".to_owned());
    }
    if !candidate.include.is_empty() {
        parts.push("carries what else is needed, so that the table is not read".to_owned());
    }
    if parts.is_empty() {
        parts.push("has all that is needed in fewer pages than the table".to_owned());
    }
    for old in candidate.makes_needless() {
        parts.push(format!("it makes {old} needless"));
    }
    parts.join("; ")
}

pub(in crate::tools) fn factor(factor: f64) -> String {
    if factor >= 10.0 {
        count(factor.round() as i64)
    } else {
        format!("{factor:.1}")
    }
}

/// A cost; small ones with a part of a unit.
fn figure(cost: f64) -> String {
    if cost < 10.0 {
        format!("{cost:.1}")
    } else {
        count(cost.round() as i64)
    }
}

impl Gain {
    fn words(&self) -> &'static str {
        match self.source {
            Source::Formula => "fewer rows read, by formula",
            source => source.words(),
        }
    }
}

impl Compared {
    pub(in crate::tools) const fn source(&self) -> Source {
        self.trials.source
    }

    pub(in crate::tools) fn how(&self) -> &str {
        &self.trials.how
    }

    pub(in crate::tools) const fn costs(&self) -> (f64, f64) {
        (self.before_cost, self.after_cost)
    }
}

impl Advice {
    /// What the summary says of it.
    pub(in crate::tools) fn verdict(&self) -> String {
        let gain = match (&self.compared, self.indexes.first()) {
            (Some(compared), _) => format!(
                ", about {} times ({})",
                factor(compared.before_cost / compared.after_cost.max(f64::MIN_POSITIVE)),
                compared.trials.source.words()
            ),
            (
                None,
                Some(IndexAdvice {
                    gain: Some(gain), ..
                }),
            ) if self.indexes.len() == 1 => {
                format!(", about {} times ({})", factor(gain.factor), gain.words())
            }
            _ => String::new(),
        };
        match self.indexes.as_slice() {
            [] => ". No index is advised.".to_owned(),
            [one] => format!(
                ". One index on {} ({}) would help{gain}.",
                one.table,
                one.columns.join(", ")
            ),
            more => format!(". {} indexes would help{gain}.", more.len()),
        }
    }

    pub(in crate::tools) fn write(&self, text: &mut String) {
        for (number, index) in self.indexes.iter().enumerate() {
            if number == 0 {
                text.push_str("\nIndexes\n");
            }
            index.write(text);
        }
        let Some(compared) = &self.compared else {
            return;
        };
        let _ = writeln!(
            text,
            "  All together: {} {} → {}",
            compared.trials.unit,
            figure(compared.before_cost),
            figure(compared.after_cost),
        );
        if self.smallest.len() < self.indexes.len()
            || self
                .indexes
                .iter()
                .any(|index| !self.smallest.contains(&index.sql))
        {
            let _ = writeln!(
                text,
                "  Smallest set with most of that, {} → {}:",
                figure(compared.before_cost),
                figure(compared.smallest_cost)
            );
            for sql in &self.smallest {
                let _ = writeln!(text, "    {sql};");
            }
        }
    }
}

impl IndexAdvice {
    pub(in crate::tools) fn write(&self, text: &mut String) {
        let _ = writeln!(text, "  {};", self.sql);
        let _ = writeln!(text, "    why          {}", self.reason);
        let percent = |share: f64| match share {
            0.0 => "no row seen".to_owned(),
            share if share < 0.001 => "< 0.1 %".to_owned(),
            share => format!("{:.1} %", share * 100.0),
        };
        let mut parts = Vec::new();
        if let Some(share) = self.selectivity.estimated {
            parts.push(format!("{} (planner's estimate)", percent(share)));
        }
        if let Some(share) = self.selectivity.sampled {
            parts.push(format!("{} (measured on a sample)", percent(share)));
        }
        if parts.is_empty() {
            parts.push("not needed: it serves the order, the join or the width".to_owned());
        }
        let _ = writeln!(text, "    selectivity  {}", parts.join(" · "));
        let size = self.size_bytes.map_or("size unknown".to_owned(), bytes);
        let _ = write!(
            text,
            "    costs        {size} · {} bytes a row · {:.2} × the structures an INSERT writes (formula)",
            self.write_cost.bytes_per_row, self.write_cost.factor
        );
        text.push_str(if self.write_cost.hot_updates_lost == Some(true) {
            " · updates of its columns lose HOT\n"
        } else {
            "\n"
        });
        if let Some(gain) = &self.gain {
            let _ = writeln!(
                text,
                "    gain         {} times ({})",
                factor(gain.factor),
                gain.words()
            );
        }
    }
}
