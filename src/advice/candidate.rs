//! Indexes worth asking a planner about, from how a statement uses its tables: keys in the order equality, join,
//! range, sort; each also with the other columns that it needs carried along, and only for the rows that it wants.

mod build;
mod keys;

use std::collections::BTreeSet;

use self::build::Builder;
use self::keys::ordered;
use super::uses::{Condition, Key, Kind, Use};
use crate::catalog::{Index, Table};
use crate::migration::change::NewIndex;

/// The candidates of several statements as one list without doubles, and which of them each statement had.
pub fn merged<'a>(lists: Vec<Vec<Candidate<'a>>>) -> (Vec<Candidate<'a>>, Vec<Vec<usize>>) {
    let mut all: Vec<Candidate<'a>> = Vec::new();
    let mut of_list: Vec<Vec<usize>> = vec![Vec::new(); lists.len()];
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    // The first of each, then the second: an engine that takes not so many leaves none without any.
    for _ in 0..longest {
        for (list, own) in lists.iter_mut().zip(&mut of_list) {
            let Some(candidate) = list.next() else {
                continue;
            };
            let same = |known: &Candidate<'_>| {
                std::ptr::eq(known.table, candidate.table)
                    && known.method == candidate.method
                    && known.keys == candidate.keys
                    && known.include == candidate.include
                    && known.predicate == candidate.predicate
            };
            let position = all.iter().position(same).unwrap_or_else(|| {
                all.push(candidate.clone());
                all.len() - 1
            });
            if !own.contains(&position) {
                own.push(position);
            }
        }
    }
    for own in &mut of_list {
        own.sort_unstable();
    }
    name(&mut all);
    (all, of_list)
}

/// Gives each a name that no other and no existing index has.
fn name(all: &mut [Candidate<'_>]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for candidate in all {
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
}

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
    /// What a key needs to be found by a LIKE with a known beginning: an operator class, a collation.
    pub prefix_operators: &'static str,
    /// Inverted indexes, for what is within a value.
    pub inverted: bool,
    /// Inverted indexes of the parts of texts.
    pub trigrams: bool,
}

/// An index worth asking about.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub table: &'a Table,
    /// Empty for a B-tree.
    pub method: &'static str,
    pub keys: Vec<IndexKey>,
    pub include: Vec<String>,
    pub predicate: String,
    /// The share of the rows that the predicate keeps, as far as statistics tell.
    pub partial_share: f64,
    /// The conditions that it finds rows by, as one can ask them of the table alone.
    pub serves: Vec<Condition>,
    /// The same with values, as one can ask them of the table alone.
    pub asks: Vec<String>,
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
/// Columns that a table is joined by.
const MOST_JOINS: usize = 5;
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
    name(&mut all);
    all
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
            method: self.method.to_owned(),
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
        words.push(if self.method.is_empty() {
            "btree"
        } else {
            self.method
        });
        words.join(" ")
    }

    /// Takes what can be asked of the table from the same statement with values in the place of its parameters.
    pub fn ask_with(&mut self, bound: &[Use<'_>]) {
        let own = bound
            .iter()
            .filter(|used| std::ptr::eq(used.table, self.table));
        let of_method = |used: &Use<'_>| {
            let key = self.keys.first().map(|key| &key.key);
            let conditions = used.conditions.iter();
            conditions
                .filter(|own| Some(&own.key) == key && !own.kind.is_point())
                .cloned()
                .collect()
        };
        let asked = own
            .map(|used| {
                if self.method.is_empty() {
                    served(&used.conditions, &self.keys)
                } else {
                    of_method(used)
                }
            })
            .max_by_key(Vec::len);
        self.asks = asked
            .unwrap_or_default()
            .into_iter()
            .map(|condition| condition.text)
            .filter(|text| !text.is_empty())
            .collect();
    }

    /// The conditions together, as one can ask them of the table alone; empty where it serves none.
    pub fn condition(&self) -> String {
        let mut texts: Vec<&str> = self.asks.iter().map(String::as_str).collect();
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
