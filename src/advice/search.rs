//! Which indexes to advise: asks what the statement would cost with this or that set of candidates, until no other
//! set is worth asking about. It asks and is told, knows no database, and the same answers lead to the same end.
//!
//! Each round plays the whole search through on what is known; the first thing that is not known is the question.

use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// Positions in the list of candidates, in order.
pub type Set = Vec<usize>;

/// What a planner said of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub cost: f64,
    /// Those of the set that the plan uses.
    pub used: Set,
}

/// What the search needs to know of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The table it is for.
    pub table: usize,
    pub bytes: u64,
}

#[derive(Debug)]
pub struct Search {
    sizes: Vec<Size>,
    known: BTreeMap<Set, Trial>,
    /// Questions that may still be asked.
    left: usize,
    /// Indexes at most.
    most: usize,
    /// Costs are no planner's, but counted in visits to rows, of which a sample was seen.
    rough: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The set that makes the statement cheapest, by and large: nothing much smaller does as well.
    pub best: Set,
    /// The smallest that reaches most of that.
    pub smallest: Set,
    pub base: f64,
    pub best_cost: f64,
    pub smallest_cost: f64,
}

/// Questions at most.
const QUESTIONS: usize = 500;
/// An index has to save this share of what is left.
const LEAST_STEP: f64 = 0.02;
/// All together have to save this share.
const LEAST_GAIN: f64 = 0.15;
/// So much of the gain may be given up for a smaller set.
const SLACK: f64 = 0.03;
/// Of rough costs: all together have to save this share, a set may cost no more than so many times the best, and up to
/// this cost one is as good as another.
const LEAST_ROUGH_GAIN: f64 = 0.2;
const MOST_SLACK: f64 = 2.0;
const LITTLE: f64 = 5_000.0;
/// What the smallest set has to reach of the best one's gain.
const MOST_OF_IT: f64 = 0.8;
const MOST_INDEXES: usize = 6;
const MANY_INDEXES: usize = 24;
/// Candidates that are tried together: the best of all, and of each table.
const TOP: usize = 10;
const TOP_OF_TABLE: usize = 4;
/// Smaller ones that are tried in the place of one.
const SMALLER: usize = 12;

impl Search {
    pub fn new(sizes: Vec<Size>) -> Self {
        Self {
            sizes,
            known: BTreeMap::new(),
            left: QUESTIONS,
            most: MOST_INDEXES,
            rough: false,
        }
    }

    #[must_use]
    pub const fn rough(mut self, rough: bool) -> Self {
        self.rough = rough;
        self
    }

    /// For many statements together, of which each has indexes of its own.
    pub fn for_many(sizes: Vec<Size>) -> Self {
        Self {
            most: MANY_INDEXES,
            ..Self::new(sizes)
        }
    }

    /// The next set to ask about; nothing when the search is at its end.
    pub fn next(&self) -> Option<Set> {
        if self.left == 0 {
            return None;
        }
        self.play(false).err()
    }

    pub fn tell(&mut self, set: Set, trial: Trial) {
        self.left = self.left.saturating_sub(1);
        self.known.insert(set, trial);
    }

    /// The best that is known by now.
    pub fn outcome(&self) -> Outcome {
        self.play(true).unwrap_or_default()
    }

    /// Ends the search early.
    pub const fn stop(&mut self) {
        self.left = 0;
    }

    /// What a set costs, if it was asked about.
    pub fn known_cost(&self, set: &[usize]) -> Option<f64> {
        self.known.get(set).map(|trial| trial.cost)
    }

    pub const fn asked(&self) -> usize {
        QUESTIONS - self.left
    }

    /// What a set costs. When everything has to be known already, what is not is of no use.
    fn cost(&self, set: &[usize], closed: bool) -> Result<f64, Set> {
        match self.known.get(set) {
            Some(trial) => Ok(trial.cost),
            None if closed => Ok(f64::INFINITY),
            None => Err(set.to_vec()),
        }
    }

    fn used(&self, set: &[usize]) -> Set {
        self.known
            .get(set)
            .map_or_else(Vec::new, |trial| trial.used.clone())
    }

    fn bytes(&self, set: &[usize]) -> u64 {
        set.iter()
            .filter_map(|id| self.sizes.get(*id))
            .map(|size| size.bytes)
            .sum()
    }

    fn table(&self, id: usize) -> usize {
        self.sizes.get(id).map_or(usize::MAX, |size| size.table)
    }

    fn play(&self, closed: bool) -> Result<Outcome, Set> {
        let base = self.cost(&[], closed)?;
        let mut outcome = Outcome {
            base,
            best_cost: base,
            smallest_cost: base,
            ..Outcome::default()
        };
        if self.sizes.is_empty() || !base.is_finite() {
            return Ok(outcome);
        }
        let singles = self.singles(closed)?;
        let mut set = self.together(&singles, closed)?;
        for _ in 0..2 {
            set = self.widened(set, &singles, closed)?;
            set = self.exchanged(set, &singles, closed)?;
        }
        let best = self.cost(&set, closed)?;
        let least = if self.rough {
            LEAST_ROUGH_GAIN
        } else {
            LEAST_GAIN
        };
        if best > base * (1.0 - least) {
            return Ok(outcome);
        }
        let mut limit = best + (base - best) * SLACK;
        if self.rough {
            // What the statement takes as it is may be far too high, and with it the gain.
            limit = limit.min((best * MOST_SLACK).max(LITTLE));
        }
        set = self.shrunk(set, limit, closed)?;
        set = self.smallest_known(&set, limit);
        outcome.best_cost = self.cost(&set, closed)?;
        let most = base - (base - outcome.best_cost) * MOST_OF_IT;
        let mut small = self.without(set.clone(), most, closed)?;
        small = self.shrunk(small, most, closed)?;
        small = self.smallest_known(&small, most);
        outcome.smallest_cost = self.cost(&small, closed)?;
        outcome.best = set;
        outcome.smallest = small;
        Ok(outcome)
    }

    /// The candidates that help alone, the best first; others follow in their order.
    fn singles(&self, closed: bool) -> Result<Vec<usize>, Set> {
        let mut ranked = Vec::new();
        for id in 0..self.sizes.len() {
            ranked.push((self.cost(&[id], closed)?, id));
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Ok(ranked.into_iter().map(|(_, id)| id).collect())
    }

    /// A first set: what the planner chose from all, the best alone, or the best two together.
    fn together(&self, singles: &[usize], closed: bool) -> Result<Set, Set> {
        // One that cannot be made at all would spoil it for the others.
        let possible = |id: &usize| self.known_cost(&[*id]).is_some_and(f64::is_finite);
        let all: Set = (0..self.sizes.len()).filter(possible).collect();
        let mut starts = vec![Vec::new()];
        starts.extend(singles.first().map(|id| vec![*id]));
        self.cost(&all, closed)?;
        let chosen = self.used(&all);
        if !chosen.is_empty() {
            self.cost(&chosen, closed)?;
            starts.push(chosen);
        }
        let top = self.top(singles, TOP_OF_TABLE);
        for (at, one) in top.iter().enumerate() {
            for other in top.iter().skip(at + 1) {
                // Two on one table seldom help each other.
                if self.table(*one) != self.table(*other) {
                    starts.push(sorted(vec![*one, *other]));
                }
            }
        }
        let mut best = (f64::INFINITY, Vec::new());
        for start in starts {
            let cost = self.cost(&start, closed)?;
            if cost < best.0 {
                best = (cost, start);
            }
        }
        Ok(best.1)
    }

    /// The best of all, and of each table.
    fn top(&self, singles: &[usize], of_each: usize) -> Vec<usize> {
        let mut of_table: BTreeMap<usize, usize> = BTreeMap::new();
        let mut top = Vec::new();
        for (rank, id) in singles.iter().enumerate() {
            let own = of_table.entry(self.table(*id)).or_default();
            *own += 1;
            if rank < TOP || *own <= of_each {
                top.push(*id);
            }
        }
        top.truncate(4 * TOP);
        top
    }

    /// Adds what saves most, as long as anything saves enough.
    fn widened(&self, mut set: Set, singles: &[usize], closed: bool) -> Result<Set, Set> {
        let top = self.top(singles, 2 * TOP_OF_TABLE);
        while set.len() < self.most {
            let now = self.cost(&set, closed)?;
            let mut best = (now * (1.0 - LEAST_STEP), None);
            for id in top.iter().filter(|id| !set.contains(id)) {
                let wider = with(&set, *id);
                let cost = self.cost(&wider, closed)?;
                if cost < best.0 {
                    best = (cost, Some(wider));
                }
            }
            match best.1 {
                Some(wider) => set = wider,
                None => break,
            }
        }
        Ok(set)
    }

    /// Puts another of the same table in the place of one, where that saves enough.
    fn exchanged(&self, mut set: Set, singles: &[usize], closed: bool) -> Result<Set, Set> {
        for position in 0..set.len() {
            let Some(own) = set.get(position).copied() else {
                break;
            };
            let now = self.cost(&set, closed)?;
            let mut best = (now * (1.0 - LEAST_STEP / 2.0), None);
            let others = singles
                .iter()
                .filter(|id| self.table(**id) == self.table(own) && !set.contains(id));
            for other in others.take(TOP_OF_TABLE * 2) {
                let other = with(&without(&set, own), *other);
                let cost = self.cost(&other, closed)?;
                if cost < best.0 {
                    best = (cost, Some(other));
                }
            }
            if let Some(better) = best.1 {
                set = better;
            }
        }
        Ok(set)
    }

    /// Leaves out, or exchanges for a smaller one, whatever can be spared within a limit of cost.
    fn shrunk(&self, set: Set, limit: f64, closed: bool) -> Result<Set, Set> {
        let mut set = self.without(set, limit, closed)?;
        let mut largest = set.clone();
        largest.sort_by_key(|id| (std::cmp::Reverse(self.bytes(&[*id])), *id));
        for id in largest {
            let mut smaller: Vec<usize> = (0..self.sizes.len())
                .filter(|other| {
                    self.table(*other) == self.table(id)
                        && self.bytes(&[*other]) < self.bytes(&[id])
                })
                .collect();
            // Those that do well alone are likelier to do.
            smaller.sort_by(|a, b| {
                let cost = |id: usize| {
                    self.known
                        .get([id].as_slice())
                        .map_or(f64::INFINITY, |trial| trial.cost)
                };
                cost(*a).total_cmp(&cost(*b)).then(a.cmp(b))
            });
            smaller.truncate(SMALLER);
            smaller.sort_by_key(|other| (self.bytes(&[*other]), *other));
            for other in smaller {
                let exchanged = with(&without(&set, id), other);
                if exchanged.len() == set.len() && self.cost(&exchanged, closed)? <= limit {
                    set = exchanged;
                    break;
                }
            }
        }
        Ok(set)
    }

    /// Leaves out what can be spared, the largest first.
    fn without(&self, mut set: Set, limit: f64, closed: bool) -> Result<Set, Set> {
        let mut largest = set.clone();
        largest.sort_by_key(|id| (std::cmp::Reverse(self.bytes(&[*id])), *id));
        for id in largest {
            let less = without(&set, id);
            if self.cost(&less, closed)? <= limit {
                set = less;
            }
        }
        Ok(set)
    }

    /// Of all sets that were asked about and keep within the limit, the one that takes least.
    fn smallest_known(&self, set: &[usize], limit: f64) -> Set {
        let mut best = (self.bytes(set), set.to_vec());
        for (other, trial) in &self.known {
            if trial.cost <= limit && trial.used.len() == other.len() && self.bytes(other) < best.0
            {
                best = (self.bytes(other), other.clone());
            }
        }
        best.1
    }
}

fn with(set: &[usize], id: usize) -> Set {
    let mut wider = set.to_vec();
    wider.push(id);
    sorted(wider)
}

fn without(set: &[usize], id: usize) -> Set {
    set.iter().copied().filter(|own| *own != id).collect()
}

fn sorted(mut set: Set) -> Set {
    set.sort_unstable();
    set.dedup();
    set
}
