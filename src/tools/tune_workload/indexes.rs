//! One set of indexes for many statements: each statement's own winners first, then the set of them that is worth
//! its size for all together.

use std::collections::BTreeMap;

use crate::advice::uses::{Use, uses};
use crate::advice::{Search, Trial, candidates, merged};
use crate::answer::{Common, Skipped};
use crate::catalog::Catalog;
use crate::engine::{Engine, Hypothetical, Trials};
use crate::error::Result;
use crate::statement::Statement;
use crate::tools::explain_query::indexes::{
    Gain, IndexAdvice, index_advice, picked, selectivity, sizes,
};

/// A statement that can be planned, and how often it is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) fingerprint: String,
    pub(super) written: Statement,
    pub(super) bound: Statement,
    pub(super) weight: f64,
}

#[derive(Debug, Default)]
pub(super) struct Set {
    pub(super) indexes: Vec<(IndexAdvice, Vec<String>)>,
    pub(super) before: f64,
    pub(super) after: f64,
    pub(super) trials: Option<Trials>,
}

pub(super) async fn advise(
    engine: &mut Engine,
    asked: &[Asked],
    budget: Option<u64>,
    catalog: &Catalog,
    common: &mut Common,
) -> Result<Set> {
    let Some(first) = asked.first() else {
        return Ok(Set::default());
    };
    let dialect = engine.dialect();
    let abilities = engine.abilities().await?;
    let mut lists = Vec::new();
    let mut all_uses: Vec<Use<'_>> = Vec::new();
    for own in asked {
        let bound = uses(&own.bound.ast, catalog, dialect);
        let mut list = candidates(&uses(&own.written.ast, catalog, dialect), abilities);
        for candidate in &mut list {
            candidate.ask_with(&bound);
        }
        lists.push(list);
        // Each list counts its tables from its own beginning.
        let before = all_uses.len();
        all_uses.extend(bound.into_iter().map(|mut used| {
            for join in &mut used.joins {
                join.other += before;
            }
            used
        }));
    }
    let (all, of_statement) = merged(lists);
    if all.is_empty() {
        return Ok(Set::default());
    }
    let indexes: Vec<Hypothetical<'_>> = all
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
        .prepare_trials(&first.bound, catalog, &all_uses, &indexes)
        .await;
    let trials = match ready {
        Ok(Ok(trials)) => trials,
        Ok(Err(skipped)) => {
            common.skipped.push(skipped);
            return Ok(Set::default());
        }
        Err(error) => {
            common.skipped.push(Skipped {
                what: "indexes for the workload".to_owned(),
                why: error.to_string(),
                grant: String::new(),
            });
            return Ok(Set::default());
        }
    };
    // One that another statement asked for may serve this one as well.
    let able: Vec<Vec<usize>> = of_statement
        .iter()
        .map(|own| {
            let tables: Vec<_> = own.iter().filter_map(|id| all.get(*id)).collect();
            let of_table = |candidate: &crate::advice::Candidate<'_>| {
                tables
                    .iter()
                    .any(|own| std::ptr::eq(own.table, candidate.table))
            };
            let mut able = Vec::new();
            for (id, candidate) in all.iter().enumerate() {
                if of_table(candidate) {
                    able.push(id);
                }
            }
            able
        })
        .collect();
    let mut tuning = Tuning {
        asked,
        indexes: &indexes,
        of_statement: &of_statement,
        able: &able,
        known: BTreeMap::new(),
    };
    let seeds = tuning.seeds(engine).await;
    let mut set = tuning
        .together(engine, &seeds, budget, catalog, &trials)
        .await?;
    set.trials = Some(trials);
    Ok(set)
}

/// What one statement costs with a set, and which of the set it uses.
type Known = BTreeMap<(usize, Vec<usize>), (f64, Vec<usize>)>;

struct Tuning<'t, 'a> {
    asked: &'t [Asked],
    indexes: &'t [Hypothetical<'a>],
    /// The candidates that each statement asked for.
    of_statement: &'t [Vec<usize>],
    /// Those that it could use.
    able: &'t [Vec<usize>],
    known: Known,
}

impl Tuning<'_, '_> {
    /// Asks about a statement with those of a set that it could use.
    async fn ask(&mut self, engine: &mut Engine, at: usize, set: &[usize]) -> (f64, Vec<usize>) {
        let able = self.able.get(at).map_or(&[][..], Vec::as_slice);
        let own: Vec<usize> = set.iter().copied().filter(|id| able.contains(id)).collect();
        let key = (at, own);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let nothing = (f64::INFINITY, Vec::new());
        let Some(asked) = self.asked.get(at) else {
            return nothing;
        };
        let wanted = picked(self.indexes, &key.1);
        let answer = match engine.try_indexes(&asked.bound, &wanted).await {
            Ok(tried) => {
                let used = tried
                    .used
                    .iter()
                    .filter_map(|used| key.1.get(*used).copied());
                (tried.cost, used.collect())
            }
            Err(error) => {
                tracing::debug!(%error, "an index could not be tried");
                nothing
            }
        };
        self.known.insert(key, answer.clone());
        answer
    }

    /// The winners of each statement alone.
    async fn seeds(&mut self, engine: &mut Engine) -> Vec<usize> {
        let mut seeds: Vec<usize> = Vec::new();
        for at in 0..self.asked.len() {
            let own = self.of_statement.get(at).cloned().unwrap_or_default();
            let mut search = Search::new(sizes(&picked(self.indexes, &own)));
            while let Some(set) = search.next() {
                let global: Vec<usize> =
                    set.iter().filter_map(|id| own.get(*id).copied()).collect();
                let (cost, used) = self.ask(engine, at, &global).await;
                let used = used
                    .iter()
                    .filter_map(|id| own.iter().position(|known| known == id))
                    .collect();
                search.tell(set, Trial { cost, used });
            }
            let outcome = search.outcome();
            let winners = outcome.best.iter().chain(&outcome.smallest);
            seeds.extend(winners.filter_map(|id| own.get(*id).copied()));
        }
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    }

    /// All statements with a set of seeds, each as often as it is asked.
    async fn weighed(&mut self, engine: &mut Engine, set: &[usize]) -> (f64, Vec<usize>) {
        let mut total = 0.0;
        let mut all: Vec<usize> = Vec::new();
        for at in 0..self.asked.len() {
            let (base, _) = self.ask(engine, at, &[]).await;
            if !base.is_finite() {
                continue;
            }
            let (cost, used) = self.ask(engine, at, set).await;
            let weight = self.asked.get(at).map_or(0.0, |asked| asked.weight);
            // Shares of each statement's own cost: a planner's units say little between statements, the time does.
            total += weight
                * if cost.is_finite() {
                    cost / base.max(f64::MIN_POSITIVE)
                } else {
                    1.0
                };
            all.extend(used);
        }
        all.sort_unstable();
        all.dedup();
        (total, all)
    }

    async fn together(
        &mut self,
        engine: &mut Engine,
        seeds: &[usize],
        budget: Option<u64>,
        catalog: &Catalog,
        trials: &Trials,
    ) -> Result<Set> {
        let mut search = Search::for_many(sizes(&picked(self.indexes, seeds)));
        while let Some(set) = search.next() {
            let global: Vec<usize> = set
                .iter()
                .filter_map(|id| seeds.get(*id).copied())
                .collect();
            let (cost, used) = self.weighed(engine, &global).await;
            let used = used
                .iter()
                .filter_map(|id| seeds.iter().position(|known| known == id))
                .collect();
            search.tell(set, Trial { cost, used });
        }
        let outcome = search.outcome();
        let mut best: Vec<usize> = outcome
            .best
            .iter()
            .filter_map(|id| seeds.get(*id).copied())
            .collect();
        self.within(engine, &mut best, budget).await;
        let (before, _) = self.weighed(engine, &[]).await;
        let (after, _) = self.weighed(engine, &best).await;
        let mut set = Set {
            before,
            after,
            ..Set::default()
        };
        for id in &best {
            let Some(index) = self.indexes.get(*id) else {
                continue;
            };
            let mut serves = Vec::new();
            for (at, asked) in self.asked.iter().enumerate() {
                let (_, used) = self.ask(engine, at, &best).await;
                if used.contains(id) {
                    serves.push(asked.fingerprint.clone());
                }
            }
            let rest: Vec<usize> = best.iter().copied().filter(|own| own != id).collect();
            let (without, _) = self.weighed(engine, &rest).await;
            let selectivity = selectivity(engine, index.candidate).await;
            let mut own = index_advice(index.candidate, index.sql.clone(), &selectivity, catalog);
            own.gain = Some(Gain {
                factor: without / after.max(f64::MIN_POSITIVE),
                source: trials.source,
            });
            set.indexes.push((own, serves));
        }
        Ok(set)
    }

    /// Gives up what saves least for its size until the rest fits.
    async fn within(&mut self, engine: &mut Engine, best: &mut Vec<usize>, budget: Option<u64>) {
        let Some(budget) = budget else { return };
        loop {
            let bytes = |id: &usize| {
                self.indexes
                    .get(*id)
                    .map_or(0, |index| index.candidate.bytes)
            };
            let total: u64 = best.iter().map(bytes).sum();
            if total <= budget || best.is_empty() {
                return;
            }
            let mut least = (f64::INFINITY, 0);
            for (position, id) in best.clone().iter().enumerate() {
                let size = self
                    .indexes
                    .get(*id)
                    .map_or(1, |index| index.candidate.bytes);
                let rest: Vec<usize> = best.iter().copied().filter(|own| own != id).collect();
                let (without, _) = self.weighed(engine, &rest).await;
                let worth = without / size.max(1) as f64;
                if worth < least.0 {
                    least = (worth, position);
                }
            }
            best.remove(least.1);
        }
    }
}
