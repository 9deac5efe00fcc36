//! How a statement uses each table: what it looks rows up by, joins on, sorts and groups by, and which columns it
//! needs at all. Names are resolved through aliases, subqueries in FROM and WITH, USING and NATURAL, and the
//! columns of enclosing queries; a name that cannot be resolved is passed over.

mod closure;
mod conditions;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sqlparser::ast::Statement;

use crate::catalog::{Catalog, Table};
use crate::statement::Dialect;

/// One table in one place of a statement.
#[derive(Debug, Clone)]
pub struct Use<'a> {
    pub table: &'a Table,
    /// What the statement calls it.
    pub alias: String,
    /// Conditions that all must hold.
    pub conditions: Vec<Condition>,
    /// Conditions of which one must hold: a list for each OR, an arm for each alternative.
    pub alternatives: Vec<Vec<Vec<Condition>>>,
    pub joins: Vec<Join>,
    /// The sort keys of its query, if all are of this table.
    pub order: Vec<(Key, bool)>,
    /// Only the first rows of that order are asked for.
    pub limited: bool,
    /// What it is grouped or made distinct by, if all is of this table.
    pub group: Vec<Key>,
    /// Columns of which only the smallest or largest value is asked for.
    pub extremes: Vec<String>,
    /// All columns that are named anywhere.
    pub needed: BTreeSet<String>,
    /// Every column is needed: `*`, or the row is written.
    pub whole_row: bool,
}

/// A column equal to another table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    pub column: String,
    /// The other table's place in the list of uses.
    pub other: usize,
    pub other_column: String,
}

/// What an index can be keyed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Column(String),
    /// An expression over columns of the one table, as one would write it in CREATE INDEX.
    Expression(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub key: Key,
    pub kind: Kind,
    /// As one can ask it of the table alone.
    pub text: String,
    /// It compares with nothing but literals.
    pub constant: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Equal,
    IsNull,
    /// One of several values: found like equality, but not in order.
    AnyOf,
    Range,
    /// LIKE with a known beginning.
    Prefix,
    /// LIKE with an open beginning, regular expressions.
    Pattern,
    /// Containment and the like: an inverted index finds it.
    Contains,
    /// Full text.
    Search,
    IsNotNull,
    /// All that an index rarely helps.
    Negative,
}

impl Kind {
    /// Whether rows are found at one place of an index for each value.
    pub const fn is_point(self) -> bool {
        matches!(self, Self::Equal | Self::IsNull | Self::AnyOf)
    }

    pub const fn is_range(self) -> bool {
        matches!(self, Self::Range | Self::Prefix)
    }
}

/// The uses of all tables, in the order of the statement.
pub fn uses<'a>(statement: &Statement, catalog: &'a Catalog, dialect: Dialect) -> Vec<Use<'a>> {
    resolve::Resolver::new(catalog, dialect).run(statement)
}

impl Use<'_> {
    /// The conditions of a kind, each key once.
    pub fn keys(&self, wanted: impl Fn(Kind) -> bool) -> Vec<&Condition> {
        let mut found: Vec<&Condition> = Vec::new();
        for condition in self.conditions.iter().filter(|own| wanted(own.kind)) {
            if !found.iter().any(|known| known.key == condition.key) {
                found.push(condition);
            }
        }
        found
    }

    /// The columns it is joined by, each once.
    pub fn join_columns(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for join in &self.joins {
            if !found.contains(&join.column.as_str()) {
                found.push(&join.column);
            }
        }
        found
    }
}

impl Key {
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(name) => Some(name),
            Self::Expression(_) => None,
        }
    }
}
