//! The best known: sets made by hand, and sets that a search over indexes that do not exist finds (HypoPG). The best of
//! both are really built. Other engines try what PostgreSQL found, in their words, index by index and together.

mod candidates;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::best::{self, Best};
use crate::engine::{Engine, Kind, Work};
use crate::query::Query;
use crate::set::{self, Built};

/// Sets kept from one round of the search to the next, and candidates each of them is tried with.
const BEAM: usize = 4;
const POOL: usize = 28;
const POOL_PER_TABLE: usize = 5;
const MOST_INDEXES: usize = 4;
/// Sets of the search that are really built.
const BUILT: usize = 3;

#[derive(Clone)]
struct Guess {
    cost: f64,
    bytes: i64,
    set: Vec<String>,
}

pub fn best(kind: Kind, engine: &mut dyn Engine, query: &Query) -> Result<Best> {
    let base = engine.measure(&query.sql)?;
    let mut tries: Vec<(&str, Vec<String>)> = query
        .by_hand
        .iter()
        .map(|set| ("hand", set.clone()))
        .collect();
    if query.control {
        tries.clear();
    } else if kind == Kind::Postgres {
        tries.extend(
            guess(engine, query, base.amount)?
                .into_iter()
                .map(|set| ("search", set)),
        );
    } else {
        let known = best::read(Kind::Postgres)?;
        tries.extend(
            known
                .get(&query.name)
                .map(|known| ("search", known.indexes.clone())),
        );
        let winner = known.get(&query.name).map(|known| known.indexes.as_slice());
        tries.extend(
            winner
                .unwrap_or_default()
                .iter()
                .map(|index| ("search", vec![index.clone()])),
        );
    }
    let mut found = Best {
        base: base.amount,
        base_capped: base.capped,
        work: base.amount,
        work_capped: base.capped,
        bytes: 0,
        found_by: "none".to_owned(),
        indexes: Vec::new(),
    };
    let mut tried = BTreeSet::new();
    for (by, wanted) in tries {
        let translated = wanted.iter().map(|index| set::translate(kind, index));
        let set: Vec<String> = translated.collect::<Option<_>>().unwrap_or_default();
        if !set.is_empty() && tried.insert(set.clone()) {
            attempt(kind, engine, query, &mut found, by, set)?;
        }
    }
    // An index that the others make needless is only bytes.
    for i in (0..found.indexes.len())
        .rev()
        .filter(|_| found.indexes.len() > 1)
        .collect::<Vec<_>>()
    {
        let mut fewer = found.indexes.clone();
        fewer.remove(i.min(fewer.len() - 1));
        if !fewer.is_empty() && tried.insert(fewer.clone()) {
            let by = found.found_by.clone();
            attempt(kind, engine, query, &mut found, &by, fewer)?;
        }
    }
    Ok(found)
}

/// Builds a set, and keeps it if it is the better one. A set that this engine cannot build is passed over.
fn attempt(
    kind: Kind,
    engine: &mut dyn Engine,
    query: &Query,
    found: &mut Best,
    by: &str,
    set: Vec<String>,
) -> Result<()> {
    // Where the clock measures, what is slower than the best so far need not be waited for.
    if !found.work_capped {
        engine.limit(found.work / 1_000.0 * kind.near() + 0.1)?;
    }
    match set::build_and_measure(engine, &set::statements(&set), &query.sql) {
        Ok(built) if better(kind, &built, found) => {
            found.work = built.work.amount;
            found.work_capped = built.work.capped;
            found.bytes = built.bytes;
            by.clone_into(&mut found.found_by);
            found.indexes = set;
        }
        Ok(_) => {}
        Err(error) => println!("  {}: not built: {set:?}: {error:#}", query.name),
    }
    engine.limit(f64::INFINITY)
}

fn better(kind: Kind, built: &Built, than: &Best) -> bool {
    let Work { amount, capped, .. } = built.work;
    if capped || than.work_capped {
        return !capped && than.work_capped;
    }
    amount * kind.near() < than.work
        || (amount < than.work * kind.near() && built.bytes < than.bytes)
}

/// A beam search on the planner's cost: single indexes, pairs, then ever one more.
fn guess(engine: &mut dyn Engine, query: &Query, base: f64) -> Result<Vec<Vec<String>>> {
    let mut pool: Vec<(String, Guess)> = Vec::new();
    for (table, indexes) in candidates::by_table(engine, query)? {
        let mut of_table = Vec::new();
        for index in indexes {
            of_table.extend(ask(engine, &query.sql, vec![index])?);
        }
        sort(&mut of_table);
        pool.extend(
            of_table
                .into_iter()
                .take(POOL)
                .map(|guess| (table.clone(), guess)),
        );
    }
    pool.sort_by(|(_, a), (_, b)| order(a, b));
    let mut seen = std::collections::BTreeMap::new();
    let mut rank = 0;
    pool.retain(|(table, guess)| {
        let of_table = seen.entry(table.clone()).or_insert(0);
        *of_table += 1;
        rank += 1;
        *of_table <= POOL_PER_TABLE || (rank <= POOL && guess.cost < base * 0.99)
    });
    let pool: Vec<Guess> = pool.into_iter().map(|(_, guess)| guess).collect();
    println!("  {}: {} candidates", query.name, pool.len());

    let mut all = pool.clone();
    // Two indexes may help only together: the first round pairs every candidate with every other.
    let mut beam = pool.clone();
    for _ in 1..MOST_INDEXES {
        let mut next: Vec<Guess> = Vec::new();
        let mut asked = BTreeSet::new();
        for start in &beam {
            for more in &pool {
                let mut set = start.set.clone();
                set.extend(
                    more.set
                        .iter()
                        .filter(|index| !start.set.contains(index))
                        .cloned(),
                );
                set.sort();
                if set.len() > start.set.len() && asked.insert(set.clone()) {
                    next.extend(
                        ask(engine, &query.sql, set)?
                            .filter(|guess| guess.cost * 1.01 < start.cost.min(more.cost)),
                    );
                }
            }
        }
        sort(&mut next);
        next.truncate(BEAM);
        all.extend(next.iter().cloned());
        if next.is_empty() {
            break;
        }
        beam = next;
    }
    all.retain(|guess| guess.cost * 1.005 < base);
    sort(&mut all);
    Ok(all.into_iter().take(BUILT).map(|guess| guess.set).collect())
}

fn ask(engine: &mut dyn Engine, sql: &str, set: Vec<String>) -> Result<Option<Guess>> {
    let asked = engine.what_if(sql, &set::statements(&set))?;
    Ok(asked.map(|(cost, bytes)| Guess { cost, bytes, set }))
}

/// By cost in steps of a half per cent, then by bytes, then by name.
fn order(a: &Guess, b: &Guess) -> std::cmp::Ordering {
    let step = |guess: &Guess| (guess.cost.max(1e-9).ln() / 1.005_f64.ln()).floor() as i64;
    step(a)
        .cmp(&step(b))
        .then(a.bytes.cmp(&b.bytes))
        .then_with(|| a.set.cmp(&b.set))
}

fn sort(guesses: &mut [Guess]) {
    guesses.sort_by(order);
}
