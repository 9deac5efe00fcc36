//! Makes the candidates of one use of a table.

use std::collections::BTreeSet;

use super::keys::column;
use super::{
    Abilities, Candidate, FEW_VALUES, IndexKey, MOST, MOST_CARRIED, MOST_KEYS, WIDEST, gives_order,
    is_there, served,
};
use crate::advice::cost;
use crate::advice::uses::{Condition, Join, Key, Kind, Use};
use crate::catalog::Index;

pub(super) struct Builder<'b, 'a> {
    pub(super) used: &'b Use<'a>,
    pub(super) abilities: Abilities,
    pub(super) found: &'b mut Vec<Candidate<'a>>,
}

impl Builder<'_, '_> {
    pub(super) fn run(&mut self) {
        let used = self.used;
        let alternatives = used.alternatives.clone();
        for key_list in self.key_lists(&used.conditions, true) {
            self.shapes(&key_list, &used.conditions);
        }
        for arm in alternatives.iter().flatten() {
            let mut all = used.conditions.clone();
            all.extend(arm.iter().cloned());
            for key_list in self.key_lists(arm, false).into_iter().take(6) {
                self.shapes(&key_list, &all);
            }
            for key_list in self.key_lists(&all, false).into_iter().take(4) {
                self.shapes(&key_list, &all);
            }
        }
        let arms = alternatives.iter().flatten().flatten();
        for condition in used.conditions.iter().chain(arms) {
            self.inverted(condition);
        }
        if key_of_everything(used) {
            // Nothing is looked up, but few of the columns are read: all of them in an index are less to read.
            let keys: Vec<IndexKey> = used.needed.iter().map(|name| column(name)).collect();
            if keys.len() <= MOST_KEYS {
                self.push(keys, Vec::new(), String::new(), 1.0);
            }
        }
    }

    /// An inverted index finds what is within a value.
    fn inverted(&mut self, condition: &Condition) {
        let table = self.used.table;
        let kind_of = |name: &str| {
            table
                .column(name)
                .map_or_else(String::new, |column| column.data_type.to_lowercase())
        };
        let data_type = condition.key.column().map(kind_of).unwrap_or_default();
        let operators = match condition.kind {
            Kind::Pattern | Kind::Prefix if self.abilities.trigrams => "gin_trgm_ops",
            Kind::Contains if self.abilities.inverted && data_type == "jsonb" => {
                if condition.text.contains("@>") {
                    "jsonb_path_ops"
                } else {
                    ""
                }
            }
            Kind::Contains if self.abilities.inverted && data_type.ends_with("[]") => "",
            Kind::Search if self.abilities.inverted => "",
            _ => return,
        };
        let known = |index: &Index| {
            index.method == "gin"
                && index.columns.iter().any(|own| {
                    condition.key.column().map_or_else(
                        || own.expression,
                        |name| own.name.eq_ignore_ascii_case(name),
                    )
                })
        };
        if condition.text.is_empty() || table.indexes.iter().any(known) {
            return;
        }
        let key = IndexKey {
            key: condition.key.clone(),
            descending: false,
            operators,
        };
        let twice = |own: &Candidate<'_>| own.method == "gin" && own.keys.first() == Some(&key);
        if self.found.iter().any(twice) {
            return;
        }
        let mut candidate = Candidate {
            table,
            method: "gin",
            keys: vec![key],
            include: Vec::new(),
            predicate: String::new(),
            partial_share: 1.0,
            asks: vec![condition.text.clone()],
            serves: vec![condition.clone()],
            for_join: false,
            gives_order: false,
            bytes: 0,
            name: String::new(),
        };
        candidate.bytes = cost::candidate_bytes(&candidate);
        self.found.push(candidate);
    }

    /// An index by these keys: as it is, with what else is needed carried along, and for the wanted rows only.
    fn shapes(&mut self, keys: &[IndexKey], conditions: &[Condition]) {
        let keys: Vec<IndexKey> = keys.iter().take(MOST_KEYS).cloned().collect();
        self.push(keys.clone(), Vec::new(), String::new(), 1.0);
        let carried = self.carried(&keys);
        if let Some(carried) = &carried {
            self.push(keys.clone(), carried.clone(), String::new(), 1.0);
        }
        if !self.abilities.partial {
            return;
        }
        let (predicate, share, columns) = self.predicate(conditions);
        if predicate.is_empty() {
            return;
        }
        let is_in_predicate = |key: &Key| key.column().is_some_and(|own| columns.contains(own));
        let mut kept: Vec<IndexKey> = keys
            .iter()
            .filter(|key| !is_in_predicate(&key.key))
            .cloned()
            .collect();
        if kept.is_empty() {
            kept = self.some_key(&columns);
        }
        if kept.is_empty() {
            return;
        }
        self.push(kept.clone(), Vec::new(), predicate.clone(), share);
        if let Some(carried) = carried {
            let rest = carried
                .into_iter()
                .filter(|name| !columns.contains(name.as_str()))
                .filter(|name| !kept.iter().any(|key| key.key.column() == Some(name)))
                .collect();
            self.push(kept, rest, predicate, share);
        }
    }

    /// Something to key rows by that are all wanted: what they are joined by, else the primary key.
    fn some_key(&self, besides: &BTreeSet<&str>) -> Vec<IndexKey> {
        let joined = self.used.join_columns().into_iter();
        let primary = self.used.table.primary_key.iter();
        joined
            .chain(primary.flat_map(|key| key.columns.iter().map(String::as_str)))
            .find(|name| !besides.contains(name))
            .map(column)
            .into_iter()
            .collect()
    }

    /// The other columns that are needed, if an index can carry them.
    fn carried(&self, keys: &[IndexKey]) -> Option<Vec<String>> {
        if self.used.whole_row {
            return None;
        }
        let table = self.used.table;
        let primary = table.primary_key.as_ref();
        let is_there = |name: &str| {
            keys.iter().any(|key| key.key.column() == Some(name))
                || self.abilities.carries_primary_key
                    && primary.is_some_and(|key| key.columns.iter().any(|own| own == name))
        };
        let rest: Vec<String> = self
            .used
            .needed
            .iter()
            .filter(|name| !is_there(name))
            .cloned()
            .collect();
        let width: i64 = rest.iter().map(|name| cost::width_of(table, name)).sum();
        let fits = !rest.is_empty() && rest.len() <= MOST_CARRIED && width <= WIDEST;
        // One that lists them as keys takes no long texts.
        fits.then_some(rest)
    }

    /// What literals say about columns of few values: one predicate for a partial index.
    fn predicate<'c>(&self, conditions: &'c [Condition]) -> (String, f64, BTreeSet<&'c str>) {
        let mut parts = Vec::new();
        let mut share = 1.0;
        let mut columns = BTreeSet::new();
        for condition in conditions.iter().filter(|condition| condition.constant) {
            let Some(name) = condition.key.column() else {
                continue;
            };
            let Some(known) = self.used.table.column(name) else {
                continue;
            };
            let few = known.distinct.is_some_and(|values| values <= FEW_VALUES);
            let own = match condition.kind {
                Kind::Equal if few => 1.0 / known.distinct.unwrap_or(2.0).max(1.0),
                Kind::IsNull if known.nullable => known.nulls.unwrap_or(0.5),
                Kind::IsNotNull if known.nullable => 1.0 - known.nulls.unwrap_or(0.5),
                _ => continue,
            };
            share *= own;
            parts.push(condition.text.as_str());
            columns.insert(name);
        }
        (parts.join(" AND "), share, columns)
    }

    pub(super) fn can_key(&self, key: &Key) -> bool {
        match key {
            Key::Column(name) => cost::width_of(self.used.table, name) <= WIDEST,
            Key::Expression(_) => self.abilities.expressions,
        }
    }

    pub(super) fn distinct(&self, key: &Key) -> f64 {
        let known = key.column().and_then(|name| self.used.table.column(name));
        known.and_then(|column| column.distinct).unwrap_or(f64::MAX)
    }

    fn push(&mut self, keys: Vec<IndexKey>, include: Vec<String>, predicate: String, share: f64) {
        let used = self.used;
        if keys.is_empty() || self.found.len() >= MOST * 2 {
            return;
        }
        let known = |other: &Candidate<'_>| {
            other.keys == keys && other.include == include && other.predicate == predicate
        };
        if self.found.iter().any(known) || is_there(used.table, &keys, &include, &predicate) {
            return;
        }
        let serves: Vec<Condition> = served(&used.conditions, &keys)
            .into_iter()
            .filter(|condition| !condition.text.is_empty())
            .collect();
        let mut candidate = Candidate {
            table: used.table,
            method: "",
            for_join: keys
                .first()
                .is_some_and(|key| key.key.column().is_some_and(|own| joined(&used.joins, own))),
            gives_order: gives_order(used, &keys),
            asks: Vec::new(),
            serves,
            keys,
            include,
            predicate,
            partial_share: share,
            bytes: 0,
            name: String::new(),
        };
        candidate.bytes = cost::candidate_bytes(&candidate);
        self.found.push(candidate);
    }
}

fn joined(joins: &[Join], column: &str) -> bool {
    joins.iter().any(|join| join.column == column)
}

fn key_of_everything(used: &Use<'_>) -> bool {
    !used.whole_row && !used.needed.is_empty() && used.conditions.is_empty()
}
