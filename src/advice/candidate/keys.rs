//! In which order an index may have its keys.

use std::collections::BTreeSet;

use super::build::Builder;
use super::{IndexKey, MOST_JOINS};
use crate::advice::uses::{Condition, Key, Kind, Use};

impl Builder<'_, '_> {
    /// Lists of keys, the most natural ones first.
    pub(super) fn key_lists(
        &self,
        conditions: &[Condition],
        with_query: bool,
    ) -> Vec<Vec<IndexKey>> {
        let used = self.used;
        let mut points: Vec<&Condition> = Vec::new();
        let mut ranges: Vec<IndexKey> = Vec::new();
        for condition in conditions {
            if !self.can_key(&condition.key) {
                continue;
            }
            if condition.kind.is_point() && !points.iter().any(|known| known.key == condition.key) {
                points.push(condition);
            } else if condition.kind.is_range() {
                let mut key = plain(&condition.key);
                if condition.kind == Kind::Prefix {
                    key.operators = self.abilities.prefix_operators;
                }
                if !ranges.iter().any(|known| known.key == key.key) {
                    ranges.push(key);
                }
            }
        }
        // The most selective first; those that come in several runs last.
        points.sort_by(|a, b| {
            (a.kind == Kind::AnyOf)
                .cmp(&(b.kind == Kind::AnyOf))
                .then(self.distinct(&b.key).total_cmp(&self.distinct(&a.key)))
        });
        points.truncate(4);
        ranges.truncate(4);
        let equal: Vec<IndexKey> = points
            .iter()
            .map(|condition| plain(&condition.key))
            .collect();
        let order: Vec<IndexKey> = ordered(&used.order);
        let mut group: Vec<IndexKey> = used.group.iter().map(plain).collect();
        group.retain(|key| self.can_key(&key.key));
        let order = if order.iter().all(|key| self.can_key(&key.key)) && with_query {
            order
        } else {
            Vec::new()
        };
        let mut lists = Lists::default();
        let parts = Parts {
            equal,
            ranges,
            order,
            group,
        };
        Self::looked_up(&parts, &points, &mut lists);
        if with_query {
            self.joined_and_grouped(&parts, &mut lists);
        }
        parts.singles(&mut lists);
        lists.0
    }

    /// By what is held to one value, then a range or the order that is asked for.
    fn looked_up(parts: &Parts, points: &[&Condition], lists: &mut Lists) {
        let Parts {
            equal,
            ranges,
            order,
            ..
        } = parts;
        for range in ranges {
            lists.add(&[equal, std::slice::from_ref(range)]);
        }
        if !order.is_empty() {
            lists.add(&[equal, order]);
            // Several values each begin an order of their own: without them it is one.
            let single: Vec<IndexKey> = points
                .iter()
                .filter(|condition| condition.kind != Kind::AnyOf)
                .map(|condition| plain(&condition.key))
                .collect();
            lists.add(&[&single, order]);
            lists.add(&[order]);
        }
        lists.add(&[equal]);
    }

    /// By what rows are joined, grouped or compared by.
    fn joined_and_grouped(&self, parts: &Parts, lists: &mut Lists) {
        let Parts {
            equal,
            ranges,
            order,
            group,
        } = parts;
        let used = self.used;
        for join in pairs_of_joins(used) {
            lists.add(&[&join]);
            lists.add(&[equal, &join]);
            lists.add(&[&join, equal]);
            for range in ranges {
                lists.add(&[&join, std::slice::from_ref(range)]);
            }
        }
        for join in used.join_columns().into_iter().take(MOST_JOINS) {
            let join = &[column(join)];
            lists.add(&[join]);
            lists.add(&[equal, join]);
            lists.add(&[join, equal]);
            for range in ranges {
                let range = std::slice::from_ref(range);
                lists.add(&[equal, join, range]);
                lists.add(&[join, equal, range]);
                lists.add(&[range, join]);
            }
            if !order.is_empty() {
                lists.add(&[join, order]);
            }
        }
        for extreme in &used.extremes {
            let extreme = &[column(extreme)];
            lists.add(&[equal, extreme]);
            lists.add(&[group, extreme]);
        }
        lists.add(&[equal, group]);
        lists.add(&[group, equal]);
        lists.add(&[group]);
    }
}

/// What a use gives for keys.
struct Parts {
    equal: Vec<IndexKey>,
    ranges: Vec<IndexKey>,
    order: Vec<IndexKey>,
    group: Vec<IndexKey>,
}

impl Parts {
    /// Less than all of it.
    fn singles(&self, lists: &mut Lists) {
        for range in &self.ranges {
            let range = std::slice::from_ref(range);
            lists.add(&[range]);
            lists.add(&[range, &self.equal]);
            for other in &self.ranges {
                lists.add(&[&self.equal, range, std::slice::from_ref(other)]);
            }
        }
        for key in &self.equal {
            let key = std::slice::from_ref(key);
            lists.add(&[key]);
            for range in &self.ranges {
                lists.add(&[key, std::slice::from_ref(range)]);
            }
            for other in &self.equal {
                lists.add(&[key, std::slice::from_ref(other)]);
            }
        }
    }
}

/// Lists of keys, each once, without a key twice.
#[derive(Default)]
struct Lists(Vec<Vec<IndexKey>>);

impl Lists {
    fn add(&mut self, parts: &[&[IndexKey]]) {
        let mut list: Vec<IndexKey> = Vec::new();
        for key in parts.iter().copied().flatten() {
            if !list.iter().any(|known| known.key == key.key) {
                list.push(key.clone());
            }
        }
        if !list.is_empty() && !self.0.contains(&list) {
            self.0.push(list);
        }
    }
}

pub(super) fn column(name: &str) -> IndexKey {
    plain(&Key::Column(name.to_owned()))
}

fn plain(key: &Key) -> IndexKey {
    IndexKey {
        key: key.clone(),
        descending: false,
        operators: "",
    }
}

/// All descending is all ascending, read backwards.
pub(super) fn ordered(order: &[(Key, bool)]) -> Vec<IndexKey> {
    let mixed = order.iter().any(|(_, descending)| *descending)
        && order.iter().any(|(_, descending)| !*descending);
    order
        .iter()
        .map(|(key, descending)| IndexKey {
            descending: mixed && *descending,
            ..plain(key)
        })
        .collect()
}

/// Columns by which it is joined with one and the same other table, together.
fn pairs_of_joins(used: &Use<'_>) -> Vec<Vec<IndexKey>> {
    let mut others: Vec<usize> = used.joins.iter().map(|join| join.other).collect();
    others.sort_unstable();
    others.dedup();
    let mut lists = Vec::new();
    for other in others {
        let names: BTreeSet<&str> = used
            .joins
            .iter()
            .filter(|join| join.other == other)
            .map(|join| join.column.as_str())
            .collect();
        let keys: Vec<IndexKey> = names.into_iter().map(column).collect();
        if keys.len() == 2 {
            lists.push(keys.iter().rev().cloned().collect());
            lists.push(keys);
        } else if keys.len() > 2 {
            lists.push(keys);
        }
    }
    lists
}
