//! The part of the answer that advises indexes: what to build, what it gains, what it costs.

mod output;

pub(in crate::tools) use self::output::{Gain, IndexAdvice, index_advice};

pub(super) use self::output::Advice;

use self::output::Compared;
use crate::advice::uses::{Use, uses};
use crate::advice::{Candidate, Search, Size, Trial, candidates};
use crate::answer::{Common, Skipped, count, excerpt};
use crate::catalog::Catalog;
use crate::engine::{Engine, Hypothetical, Selectivity, Trials};
use crate::error::Result;
use crate::finding::{Finding, Severity, Source};
use crate::plan::{Access, Plan};
use crate::statement::Statement;

/// An index that keeps more of the table than this is seldom worth building for it alone.
const WORTH: f64 = 0.2;
/// A smaller gain, where it is only a formula's, is not worth what every write pays for it.
const LEAST_GAIN: f64 = 2.0;
/// Rows read from end to end that nobody minds.
const FEW_ROWS: f64 = 1000.0;

/// Looks for the indexes that make the statement cheaper, and says of each what it gains and costs.
pub(super) async fn advise(
    engine: &mut Engine,
    written: &Statement,
    statement: &Statement,
    plan: &Plan,
    catalog: &Catalog,
    common: &mut Common,
) -> Result<Advice> {
    let dialect = engine.dialect();
    // A value that came for a parameter is another one tomorrow: no partial index is for it.
    let as_written = uses(&written.ast, catalog, dialect);
    let uses = uses(&statement.ast, catalog, dialect);
    let abilities = engine.abilities().await?;
    let mut candidates = candidates(&as_written, abilities);
    for candidate in &mut candidates {
        candidate.ask_with(&uses);
    }
    if candidates.is_empty() {
        return Ok(Advice::default());
    }
    let indexes: Vec<Hypothetical<'_>> = candidates
        .iter()
        .map(|candidate| Hypothetical {
            candidate,
            sql: engine.create_index(
                candidate.table,
                &catalog.default_schema,
                &candidate.index(|name| dialect.identifier(name)),
            ),
        })
        .collect();
    let ready = engine
        .prepare_trials(statement, catalog, &uses, &indexes)
        .await;
    match ready {
        Ok(Ok(trials)) => searched(engine, statement, &indexes, trials, catalog, common).await,
        Ok(Err(skipped)) => {
            common.skipped.push(skipped);
            by_formula(engine, plan, &uses, &indexes, catalog, common).await
        }
        Err(error) => {
            common.skipped.push(Skipped {
                what: "the plan with the new index".to_owned(),
                why: error.to_string(),
                grant: String::new(),
            });
            by_formula(engine, plan, &uses, &indexes, catalog, common).await
        }
    }
}

/// Asks the engine about one set after the other.
async fn searched(
    engine: &mut Engine,
    statement: &Statement,
    indexes: &[Hypothetical<'_>],
    trials: Trials,
    catalog: &Catalog,
    common: &mut Common,
) -> Result<Advice> {
    let mut search = Search::new(sizes(indexes)).rough(trials.rough);
    while let Some(set) = search.next() {
        let wanted: Vec<Hypothetical<'_>> = picked(indexes, &set);
        match engine.try_indexes(statement, &wanted).await {
            Ok(tried) => {
                let used = tried.used.iter().filter_map(|at| set.get(*at).copied());
                let used = used.collect();
                search.tell(
                    set,
                    Trial {
                        cost: tried.cost,
                        used,
                    },
                );
            }
            // One that cannot be made here, such as a key that the engine does not take.
            Err(error) if !set.is_empty() => {
                tracing::debug!(%error, "an index could not be tried");
                search.tell(
                    set,
                    Trial {
                        cost: f64::INFINITY,
                        used: Vec::new(),
                    },
                );
            }
            Err(error) => return Err(error),
        }
    }
    let outcome = search.outcome();
    if outcome.best.is_empty() {
        no_index_helps(engine, indexes, catalog, search.asked(), &trials, common).await;
        return Ok(Advice::default());
    }
    let before = engine.try_indexes(statement, &[]).await?;
    let after = engine
        .try_indexes(statement, &picked(indexes, &outcome.best))
        .await?;
    let mut advice = Advice {
        smallest: picked(indexes, &outcome.smallest)
            .into_iter()
            .map(|index| index.sql)
            .collect(),
        ..Advice::default()
    };
    let mut weak = outcome.base < outcome.best_cost * LEAST_GAIN;
    for id in &outcome.best {
        let Some(index) = indexes.get(*id) else {
            continue;
        };
        let selectivity = selectivity(engine, index.candidate).await;
        weak &= kept(&selectivity).is_some_and(|kept| kept > WORTH);
        let rest: Vec<usize> = outcome
            .best
            .iter()
            .copied()
            .filter(|own| own != id)
            .collect();
        let without = search.known_cost(&rest).unwrap_or(outcome.base);
        let mut own = index_advice(index.candidate, index.sql.clone(), &selectivity, catalog);
        own.gain = Some(Gain {
            factor: without / outcome.best_cost.max(f64::MIN_POSITIVE),
            source: trials.source,
        });
        advice.indexes.push(own);
    }
    if weak {
        // It would be read from end to end, only a little narrower than the table.
        no_index_helps(engine, indexes, catalog, search.asked(), &trials, common).await;
        return Ok(Advice::default());
    }
    advice.compared = Some(Compared {
        before: before.plan,
        after: after.plan,
        before_cost: outcome.base,
        after_cost: outcome.best_cost,
        smallest_cost: outcome.smallest_cost,
        trials,
    });
    Ok(advice)
}

pub(in crate::tools) fn sizes(indexes: &[Hypothetical<'_>]) -> Vec<Size> {
    let mut tables: Vec<*const crate::catalog::Table> = Vec::new();
    indexes
        .iter()
        .map(|index| {
            let table: *const _ = index.candidate.table;
            let position = tables.iter().position(|known| *known == table);
            Size {
                table: position.unwrap_or_else(|| {
                    tables.push(table);
                    tables.len() - 1
                }),
                bytes: index.candidate.bytes,
            }
        })
        .collect()
}

pub(in crate::tools) fn picked<'a>(
    indexes: &[Hypothetical<'a>],
    set: &[usize],
) -> Vec<Hypothetical<'a>> {
    set.iter()
        .filter_map(|id| indexes.get(*id).cloned())
        .collect()
}

pub(in crate::tools) async fn selectivity(
    engine: &mut Engine,
    candidate: &Candidate<'_>,
) -> Selectivity {
    let condition = candidate.condition();
    if condition.is_empty() {
        return Selectivity::default();
    }
    let asked = engine.selectivity(candidate.table, &condition).await;
    asked.unwrap_or_default()
}

/// Where no planner can be asked: the most natural index of each table that is read whole, if it keeps few rows.
async fn by_formula(
    engine: &mut Engine,
    plan: &Plan,
    uses: &[Use<'_>],
    indexes: &[Hypothetical<'_>],
    catalog: &Catalog,
    common: &mut Common,
) -> Result<Advice> {
    let mut advice = Advice::default();
    let mut done: Vec<&crate::catalog::Table> = Vec::new();
    for used in uses {
        let table = used.table;
        if done.iter().any(|known| std::ptr::eq(*known, table)) || !is_wasteful(plan, used) {
            continue;
        }
        done.push(table);
        let whole = indexes.iter().filter(|index| {
            let own = index.candidate;
            std::ptr::eq(own.table, table) && own.include.is_empty() && own.predicate.is_empty()
        });
        let natural = whole.clone().find(|index| {
            !index.candidate.serves.is_empty() || index.candidate.gives_order && used.limited
        });
        let Some(index) = natural.or_else(|| {
            whole.clone().find(|index| {
                index.candidate.for_join && index.candidate.keys.len() == 1 && uses.len() > 1
            })
        }) else {
            continue;
        };
        let candidate = index.candidate;
        let selectivity = selectivity(engine, candidate).await;
        let kept = kept(&selectivity);
        let ordered = candidate.gives_order && used.limited;
        if kept.is_some_and(|kept| kept > WORTH) && !ordered {
            common.findings.push(useless(candidate, &selectivity));
            continue;
        }
        let saved = saved(plan, used, kept);
        if saved.is_some_and(|factor| factor < LEAST_GAIN) && !ordered {
            continue;
        }
        let mut own = index_advice(candidate, index.sql.clone(), &selectivity, catalog);
        own.gain = saved
            .filter(|factor| *factor >= LEAST_GAIN)
            .map(|factor| Gain {
                factor,
                source: Source::Formula,
            });
        advice.smallest.push(own.sql.clone());
        advice.indexes.push(own);
    }
    Ok(advice)
}

/// Whether the plan reads much of the table that the statement does not want.
fn is_wasteful(plan: &Plan, used: &Use<'_>) -> bool {
    plan.nodes.iter().any(|node| {
        let own = node.names(&used.alias) || node.names(&used.table.name);
        let wasteful = matches!(
            node.access,
            Access::FullScan | Access::FullIndexScan | Access::AutomaticIndex
        ) || node.removed_rows.is_some_and(|removed| removed >= FEW_ROWS);
        own && wasteful
    })
}

/// The share that is kept. A sample that saw no row says only that there are few.
fn kept(selectivity: &Selectivity) -> Option<f64> {
    match selectivity.sampled {
        Some(0.0) => {
            let least = 1.0 / selectivity.sampled_rows.max(1) as f64;
            Some(selectivity.estimated.unwrap_or(0.0).clamp(least, 1.0))
        }
        sampled => sampled.or(selectivity.estimated),
    }
}

/// Says why nothing is advised, where a condition seemed to ask for an index.
async fn no_index_helps(
    engine: &mut Engine,
    indexes: &[Hypothetical<'_>],
    catalog: &Catalog,
    asked: usize,
    trials: &Trials,
    common: &mut Common,
) {
    let wanted = indexes
        .iter()
        .find(|index| !index.candidate.serves.is_empty());
    if let Some(index) = wanted {
        let selectivity = selectivity(engine, index.candidate).await;
        if kept(&selectivity).is_some_and(|kept| kept > WORTH) {
            common.findings.push(useless(index.candidate, &selectivity));
            return;
        }
    }
    common.findings.push(
        Finding::new(
            "index-not-used",
            Severity::Info,
            "no index makes this statement much cheaper",
        )
        .object(indexes.first().map_or_else(String::new, |index| {
            catalog.display_name(index.candidate.table)
        }))
        .evidence(
            "sets of indexes tried",
            count(i64::try_from(asked).unwrap_or(i64::MAX)),
            "",
            trials.source,
        )
        .keeps(&["O5"]),
    );
}

fn useless(candidate: &Candidate<'_>, selectivity: &Selectivity) -> Finding {
    let kept = selectivity.sampled.or(selectivity.estimated).unwrap_or(1.0);
    Finding::new(
        "no-index-will-help",
        Severity::Info,
        format!(
            "the condition keeps {:.0} % of the rows: an index would not be used",
            kept * 100.0
        ),
    )
    .object(candidate.table.qualified())
    .evidence(
        "condition",
        excerpt(&candidate.condition(), 100),
        "",
        Source::Measured,
    )
    .keeps(&["O5", "C3"])
}

/// How many times fewer rows of the table would be read, from what the plan reads now.
fn saved(plan: &Plan, used: &Use<'_>, kept: Option<f64>) -> Option<f64> {
    let rows = used.table.rows? as f64;
    let now: f64 = plan
        .nodes
        .iter()
        .filter(|node| node.names(&used.table.name) || node.names(&used.alias))
        .filter_map(|node| match node.access {
            Access::FullScan | Access::AutomaticIndex => Some(rows),
            _ => node
                .actual_rows
                .map(|kept| kept + node.removed_rows.unwrap_or(0.0)),
        })
        .sum();
    (now > 0.0).then_some(now / (kept? * rows).max(1.0))
}
