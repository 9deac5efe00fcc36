//! Indexes worth asking a planner about, from how a statement uses its tables: keys in the order equality, join,
//! range, sort; each also with the other columns that it needs carried along, and only for the rows that it wants.

use std::collections::BTreeSet;

use super::cost;
use super::uses::{Condition, Join, Key, Kind, Use};
use crate::catalog::{Index, Table};
use crate::migration::change::NewIndex;

/// What an engine's indexes can do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Abilities {
    /// Columns that are carried along and not searched by.
    pub include: bool,
    /// An index of some rows only.
    pub partial: bool,
    /// Keys that are expressions.
    pub expressions: bool,
    /// Every index holds the primary key as well.
    pub carries_primary_key: bool,
    /// A LIKE with a known beginning needs an operator class of its own.
    pub pattern_operators: bool,
}

/// An index worth asking about.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub table: &'a Table,
    pub keys: Vec<IndexKey>,
    pub include: Vec<String>,
    pub predicate: String,
    /// The share of the rows that the predicate keeps, as far as statistics tell.
    pub partial_share: f64,
    /// The conditions that it finds rows by, as one can ask them of the table alone.
    pub serves: Vec<Condition>,
    pub for_join: bool,
    pub gives_order: bool,
    pub bytes: u64,
    /// No other candidate and no existing index has it.
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexKey {
    pub key: Key,
    pub descending: bool,
    pub operators: &'static str,
}

/// Below this many rows a scan is as good as an index.
const FEW_ROWS: i64 = 1000;
/// Candidates for one table.
const MOST: usize = 64;
const MOST_KEYS: usize = 5;
/// Columns carried along, and how wide they may be.
const MOST_CARRIED: usize = 8;
const WIDEST: i64 = 120;
/// A partial index is for few rows, chosen by a column of few values.
const FEW_VALUES: f64 = 50.0;

/// All candidates for all tables, the most natural ones first.
pub fn candidates<'a>(uses: &[Use<'a>], abilities: Abilities) -> Vec<Candidate<'a>> {
    let mut all: Vec<Candidate<'a>> = Vec::new();
    let mut tables: Vec<&Table> = Vec::new();
    for used in uses {
        if !tables.iter().any(|known| std::ptr::eq(*known, used.table)) {
            tables.push(used.table);
        }
    }
    for table in tables {
        if !table.kind.is_entity() && table.kind != crate::catalog::TableKind::MaterializedView
            || table.rows.is_some_and(|rows| rows < FEW_ROWS)
        {
            continue;
        }
        let mut own: Vec<Candidate<'a>> = Vec::new();
        for used in uses.iter().filter(|used| std::ptr::eq(used.table, table)) {
            let mut builder = Builder {
                used,
                abilities,
                found: &mut own,
            };
            builder.run();
        }
        own.truncate(MOST);
        all.append(&mut own);
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for candidate in &mut all {
        let name = candidate.telling_name();
        let of_index = |name: &str| {
            let mut indexes = candidate.table.indexes.iter();
            indexes.any(|index| index.name.eq_ignore_ascii_case(name))
        };
        let mut free = name.clone();
        let mut number = 1;
        while of_index(&free) || taken.contains(&free) {
            number += 1;
            free = format!("{name}{number}");
        }
        taken.insert(free.clone());
        candidate.name = free;
    }
    all
}

struct Builder<'b, 'a> {
    used: &'b Use<'a>,
    abilities: Abilities,
    found: &'b mut Vec<Candidate<'a>>,
}

impl Builder<'_, '_> {
    fn run(&mut self) {
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
        if key_of_everything(used) {
            // Nothing is looked up, but few of the columns are read: all of them in an index are less to read.
            let keys: Vec<IndexKey> = used.needed.iter().map(|name| column(name)).collect();
            if keys.len() <= MOST_KEYS {
                self.push(keys, Vec::new(), String::new(), 1.0);
            }
        }
    }

    /// Lists of keys, the most natural ones first.
    fn key_lists(&self, conditions: &[Condition], with_query: bool) -> Vec<Vec<IndexKey>> {
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
                if condition.kind == Kind::Prefix && self.abilities.pattern_operators {
                    key.operators = "text_pattern_ops";
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
        let joins: Vec<IndexKey> = if with_query {
            used.join_columns()
                .into_iter()
                .take(5)
                .map(column)
                .collect()
        } else {
            Vec::new()
        };
        let order: Vec<IndexKey> = ordered(&used.order);
        let mut group: Vec<IndexKey> = used.group.iter().map(plain).collect();
        group.retain(|key| self.can_key(&key.key));
        let order = if order.iter().all(|key| self.can_key(&key.key)) && with_query {
            order
        } else {
            Vec::new()
        };
        let mut lists = Lists::default();
        for range in &ranges {
            lists.add(&[&equal, std::slice::from_ref(range)]);
        }
        if !order.is_empty() {
            lists.add(&[&equal, &order]);
            // Several values each begin an order of their own: without them it is one.
            let single: Vec<IndexKey> = points
                .iter()
                .filter(|condition| condition.kind != Kind::AnyOf)
                .map(|condition| plain(&condition.key))
                .collect();
            lists.add(&[&single, &order]);
            lists.add(&[&order]);
        }
        lists.add(&[&equal]);
        for join in pairs_of_joins(used).into_iter().filter(|_| with_query) {
            lists.add(&[&join]);
            lists.add(&[&equal, &join]);
            lists.add(&[&join, &equal]);
            for range in &ranges {
                lists.add(&[&join, std::slice::from_ref(range)]);
            }
        }
        for join in &joins {
            let join = std::slice::from_ref(join);
            lists.add(&[join]);
            lists.add(&[&equal, join]);
            lists.add(&[join, &equal]);
            for range in &ranges {
                let range = std::slice::from_ref(range);
                lists.add(&[&equal, join, range]);
                lists.add(&[join, &equal, range]);
                lists.add(&[range, join]);
            }
            if !order.is_empty() {
                lists.add(&[join, &order]);
            }
        }
        for range in &ranges {
            let range = std::slice::from_ref(range);
            lists.add(&[range]);
            lists.add(&[range, &equal]);
            for other in &ranges {
                lists.add(&[&equal, range, std::slice::from_ref(other)]);
            }
        }
        for key in &equal {
            lists.add(&[std::slice::from_ref(key)]);
            for range in &ranges {
                lists.add(&[std::slice::from_ref(key), std::slice::from_ref(range)]);
            }
            for other in &equal {
                lists.add(&[std::slice::from_ref(key), std::slice::from_ref(other)]);
            }
        }
        if with_query {
            for extreme in &used.extremes {
                let extreme = column(extreme);
                lists.add(&[&equal, std::slice::from_ref(&extreme)]);
                lists.add(&[&group, std::slice::from_ref(&extreme)]);
            }
            lists.add(&[&equal, &group]);
            lists.add(&[&group, &equal]);
            lists.add(&[&group]);
        }
        lists.0
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

    fn can_key(&self, key: &Key) -> bool {
        match key {
            Key::Column(name) => cost::width_of(self.used.table, name) <= WIDEST,
            Key::Expression(_) => self.abilities.expressions,
        }
    }

    fn distinct(&self, key: &Key) -> f64 {
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
            for_join: keys
                .first()
                .is_some_and(|key| key.key.column().is_some_and(|own| joined(&used.joins, own))),
            gives_order: gives_order(used, &keys),
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

pub fn column(name: &str) -> IndexKey {
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
fn ordered(order: &[(Key, bool)]) -> Vec<IndexKey> {
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

fn joined(joins: &[Join], column: &str) -> bool {
    joins.iter().any(|join| join.column == column)
}

fn key_of_everything(used: &Use<'_>) -> bool {
    !used.whole_row && !used.needed.is_empty() && used.conditions.is_empty()
}

/// The conditions that the first keys find rows by: points, and one range behind them.
pub fn served(conditions: &[Condition], keys: &[IndexKey]) -> Vec<Condition> {
    let mut found = Vec::new();
    for key in keys {
        let own: Vec<&Condition> = conditions
            .iter()
            .filter(|condition| condition.key == key.key)
            .collect();
        if let Some(point) = own.iter().find(|condition| condition.kind.is_point()) {
            found.push((*point).clone());
            continue;
        }
        found.extend(
            own.iter()
                .filter(|condition| condition.kind.is_range())
                .map(|condition| (*condition).clone()),
        );
        break;
    }
    found
}

/// Whether rows come in the order that is asked for, behind the columns that are held to one value.
fn gives_order(used: &Use<'_>, keys: &[IndexKey]) -> bool {
    let wanted = ordered(&used.order);
    let single = |key: &IndexKey| {
        used.conditions.iter().any(|condition| {
            condition.key == key.key && matches!(condition.kind, Kind::Equal | Kind::IsNull)
        })
    };
    let rest: Vec<&IndexKey> = keys.iter().skip_while(|key| single(key)).collect();
    !wanted.is_empty()
        && rest.len() >= wanted.len()
        && rest.iter().zip(&wanted).all(|(own, wanted)| *own == wanted)
}

/// Whether an existing index does the same already.
fn is_there(table: &Table, keys: &[IndexKey], include: &[String], predicate: &str) -> bool {
    table.indexes.iter().any(|index| {
        let btree = index.valid && matches!(index.method.as_str(), "" | "btree");
        let same_rows = index.predicate.is_empty() || index.predicate == predicate;
        btree && same_rows && begins_with(index, keys) && carries(index, include)
    })
}

/// Whether the index has these keys first.
pub fn begins_with(index: &Index, keys: &[IndexKey]) -> bool {
    index.columns.len() >= keys.len()
        && index.columns.iter().zip(keys).all(|(own, key)| {
            own.prefix.is_none()
                && own.descending == key.descending
                && match &key.key {
                    Key::Column(name) => !own.expression && own.name.eq_ignore_ascii_case(name),
                    Key::Expression(text) => {
                        own.expression && squeezed(&own.name) == squeezed(text)
                    }
                }
        })
}

fn carries(index: &Index, names: &[String]) -> bool {
    names.iter().all(|name| {
        index.include.contains(name) || index.columns.iter().any(|column| column.name == *name)
    })
}

/// Without what engines write differently.
fn squeezed(text: &str) -> String {
    text.to_lowercase()
        .replace("::text", "")
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '`' | '"'))
        .collect()
}

impl Candidate<'_> {
    /// As a wish for an index, its names written by `identifier`.
    pub fn index(&self, identifier: impl Fn(&str) -> String) -> NewIndex {
        let keys = self.keys.iter().map(|key| {
            let mut text = match &key.key {
                Key::Column(name) => identifier(name),
                Key::Expression(text) => format!("({text})"),
            };
            if !key.operators.is_empty() {
                text = format!("{text} {}", key.operators);
            }
            if key.descending {
                text.push_str(" DESC");
            }
            text
        });
        NewIndex {
            name: Some(self.name.clone()),
            keys: keys.collect(),
            columns: self.column_names(),
            include: self.include.clone(),
            predicate: self.predicate.clone(),
            ..NewIndex::default()
        }
    }

    pub fn column_names(&self) -> Vec<String> {
        self.keys
            .iter()
            .filter_map(|key| key.key.column().map(str::to_owned))
            .collect()
    }

    /// Says what it is by, short enough for every engine.
    fn telling_name(&self) -> String {
        let mut name = self.table.name.clone();
        for key in &self.keys {
            let word: String = match &key.key {
                Key::Column(column) => column.clone(),
                Key::Expression(text) => text
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .filter(|word| !word.is_empty())
                    .take(2)
                    .collect::<Vec<_>>()
                    .join("_"),
            };
            name = format!("{name}_{word}");
        }
        let kind = match (self.include.is_empty(), self.predicate.is_empty()) {
            (true, true) => "",
            (false, true) => "_covering",
            (true, false) => "_partial",
            (false, false) => "_partial_covering",
        };
        let most = 63 - 6 - kind.len();
        let short: String = name.chars().take(most).collect();
        format!("{short}{kind}_idx").to_lowercase()
    }

    /// What it is called by people.
    pub fn kind(&self) -> String {
        let mut words = Vec::new();
        if !self.predicate.is_empty() {
            words.push("partial");
        }
        if !self.include.is_empty() {
            words.push("covering");
        }
        if self.keys.iter().any(|key| key.key.column().is_none()) {
            words.push("expression");
        } else if self.keys.len() > 1 {
            words.push("composite");
        }
        words.push("btree");
        words.join(" ")
    }

    /// The conditions together, as one can ask them of the table alone; empty where it serves none.
    pub fn condition(&self) -> String {
        let mut texts: Vec<&str> = self.serves.iter().map(|own| own.text.as_str()).collect();
        if !self.predicate.is_empty() && !texts.contains(&self.predicate.as_str()) {
            texts.push(&self.predicate);
        }
        texts.join(" AND ")
    }

    /// Existing indexes that the new one would make needless.
    pub fn makes_needless(&self) -> Vec<&str> {
        let covered = |index: &&Index| {
            !index.unique
                && !index.primary
                && index.predicate.is_empty()
                && self.predicate.is_empty()
                && matches!(index.method.as_str(), "" | "btree")
                && index.include.iter().all(|name| self.include.contains(name))
                && index.columns.len() <= self.keys.len()
                && index.columns.iter().zip(&self.keys).all(|(own, key)| {
                    !own.expression
                        && own.prefix.is_none()
                        && key.key.column() == Some(own.name.as_str())
                })
        };
        let indexes = self.table.indexes.iter();
        indexes
            .filter(covered)
            .map(|index| index.name.as_str())
            .collect()
    }
}
