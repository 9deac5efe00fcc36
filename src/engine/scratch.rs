//! Throwaway databases that hold a copy of the schema and of some rows: what is wanted of one, and what can be
//! done on one. The copy is never shown; it goes away with the call.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{mysql, postgres, sqlite};
use crate::catalog::{Table, TableKind};
use crate::error::Result;
use crate::migration::proof::Snapshot;
use crate::plan::Plan;
use crate::statement::Statement;

/// Rows of a table that are copied when nothing else is said: a share of it, but not fewer nor more than these.
const SHARE: f64 = 0.05;
const LEAST: i64 = 50_000;
const MOST: i64 = 200_000;

/// A smaller table is copied whole, whatever others have.
const FEWEST: i64 = 1_000;

/// What a scratch database is to hold.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Schema and name; none: every table of the catalog.
    pub tables: Vec<(String, String)>,
    pub rows: Rows,
}

/// How much of each table is copied. A smaller table is copied whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rows {
    /// 5 % of it, at least 50,000 and at most 200,000.
    #[default]
    Share,
    About(i64),
    /// So many of the largest table, and of smaller ones by the root of their size: a planner sees which is large, and
    /// joins still find something.
    InProportion(i64),
    None,
}

impl Wanted {
    pub const fn every_table(rows: Rows) -> Self {
        Self {
            tables: Vec::new(),
            rows,
        }
    }

    pub(super) fn has(&self, table: &Table) -> bool {
        self.tables.is_empty()
            || self
                .tables
                .iter()
                .any(|(schema, name)| *schema == table.schema && *name == table.name)
    }

    /// Whether rows of it are copied.
    pub(super) fn fills(&self, table: &Table) -> bool {
        self.rows != Rows::None && table.kind.is_entity() && self.has(table)
    }
}

impl Rows {
    /// How many rows of a table of this size are copied.
    pub(super) fn of(self, rows: Option<i64>, largest: i64) -> i64 {
        match self {
            Self::None => 0,
            Self::About(rows) => rows.max(0),
            Self::InProportion(most) => {
                let share = rows.unwrap_or(largest) as f64 / largest.max(1) as f64;
                ((most as f64 * share.sqrt()) as i64).clamp(FEWEST.min(most), most)
            }
            Self::Share => {
                let share = rows.map_or(0, |rows| (rows as f64 * SHARE) as i64);
                share.clamp(LEAST, MOST)
            }
        }
    }
}

/// Which part of each table was copied, by schema and name.
#[derive(Debug, Clone, Default)]
pub(super) struct Fractions(BTreeMap<(String, String), f64>);

impl Fractions {
    pub(super) fn set(&mut self, table: &Table, copied: i64, of: i64) {
        let fraction = if of <= 0 || copied >= of {
            1.0
        } else {
            copied as f64 / of as f64
        };
        let place = (table.schema.clone(), table.name.clone());
        self.0.insert(place, fraction);
    }

    pub(super) fn of(&self, table: &Table) -> f64 {
        let place = (table.schema.clone(), table.name.clone());
        self.0.get(&place).copied().unwrap_or(0.0)
    }
}

/// What building an index took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Built {
    /// On the rows that were copied.
    pub bytes: i64,
    pub ms: f64,
}

/// What came of a query, without any of its values: they are hashed as they come, and gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub columns: usize,
    /// A hash of each row, in the order in which they came.
    pub rows: Vec<u128>,
    /// There were more rows than are looked at.
    pub more: bool,
}

/// Rows of an outcome that are looked at.
const MOST_ROWS: usize = 200_000;

impl Outcome {
    /// Takes one row as its values' kinds and bytes; whether it was the last that is looked at.
    pub(super) fn add<'v>(
        &mut self,
        values: impl Iterator<Item = Option<(&'v str, std::borrow::Cow<'v, [u8]>)>>,
    ) -> bool {
        if self.rows.len() >= MOST_ROWS {
            self.more = true;
            return true;
        }
        let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
        high.write_u8(1);
        let mut columns = 0;
        for value in values {
            columns += 1;
            value.hash(&mut low);
            value.hash(&mut high);
        }
        self.columns = columns;
        self.rows
            .push(u128::from(high.finish()) << 64 | u128::from(low.finish()));
        false
    }

    /// Whether both gave the same rows, each as often.
    pub fn has_rows_of(&self, other: &Self) -> bool {
        if self.columns != other.columns && !self.rows.is_empty() && !other.rows.is_empty() {
            return false;
        }
        let sorted = |outcome: &Self| {
            let mut rows = outcome.rows.clone();
            rows.sort_unstable();
            rows
        };
        self.rows == other.rows || sorted(self) == sorted(other)
    }
}

#[derive(Debug)]
pub enum Scratch {
    Sqlite(sqlite::scratch::Scratch),
    Postgres(Box<postgres::scratch::Scratch>),
    MySql(Box<mysql::scratch::Scratch>),
}

/// Runs `$body` with `$scratch` bound to whichever it is.
macro_rules! each {
    ($self:expr, $scratch:ident => $body:expr) => {
        match $self {
            Self::Sqlite($scratch) => $body,
            Self::Postgres($scratch) => $body,
            Self::MySql($scratch) => $body,
        }
    };
}

impl Scratch {
    /// What and where it is, how many rows it holds, and what was left out; for people.
    pub fn description(&self) -> &str {
        each!(self, scratch => scratch.description())
    }

    /// Whether every object of the wanted tables came over; what did not stands in the description.
    pub fn is_whole(&self) -> bool {
        each!(self, scratch => scratch.is_whole())
    }

    /// The share of the table's rows that was copied; 0 where none were.
    pub fn fraction(&self, table: &Table) -> f64 {
        each!(self, scratch => scratch.fraction(table))
    }

    /// Runs a script that was made here.
    pub async fn run(&mut self, script: &str) -> Result<()> {
        each!(self, scratch => scratch.run(script).await)
    }

    /// Whether a query that was made here gives a row.
    pub async fn guard(&mut self, query: &str) -> Result<bool> {
        each!(self, scratch => scratch.guard(query).await)
    }

    /// The schema, without the order of columns, and how many rows each table has.
    pub async fn look(&mut self) -> Result<Snapshot> {
        each!(self, scratch => scratch.look().await)
    }

    /// How the copy would run a statement that the live session would plan too.
    pub async fn plan(&mut self, statement: &Statement) -> Result<Plan> {
        each!(self, scratch => scratch.plan(statement).await)
    }

    /// The same, run and measured; what it wrote is taken back.
    pub async fn analyze(&mut self, statement: &Statement) -> Result<Plan> {
        each!(self, scratch => scratch.analyze(statement).await)
    }

    /// Runs a query that the live session may run too, read-only.
    pub async fn outcome(&mut self, statement: &Statement) -> Result<Outcome> {
        each!(self, scratch => scratch.outcome(statement).await)
    }

    /// Builds an index from the text of `Engine::create_index`, and has the planner know of it.
    pub async fn build(&mut self, create_index: &str) -> Result<Built> {
        each!(self, scratch => scratch.build(create_index).await)
    }

    /// Drops an index by its name.
    pub async fn drop_index(&mut self, table: &Table, name: &str) -> Result<()> {
        each!(self, scratch => scratch.drop_index(table, name).await)
    }

    /// Throws it away. Dropped instead, it is thrown away in the background.
    pub async fn close(self) {
        each!(self, scratch => scratch.close().await);
    }
}

/// What could not be copied, for a description; the first few by name.
pub(super) fn leaves_out(left_out: &[String]) -> String {
    const SHOWN: usize = 5;
    if left_out.is_empty() {
        return String::new();
    }
    let first: Vec<&str> = left_out.iter().take(SHOWN).map(String::as_str).collect();
    let more = left_out.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(", without {}{more}", first.join(", "))
}

/// Tables of the catalog whose rows can be copied, with how many.
pub(super) fn to_fill<'a>(
    tables: &'a [Table],
    wanted: &'a Wanted,
) -> impl Iterator<Item = (&'a Table, i64)> {
    let filled = || {
        tables
            .iter()
            .filter(|table| wanted.fills(table) && table.kind != TableKind::Foreign)
    };
    let largest = filled().filter_map(|table| table.rows).max().unwrap_or(0);
    filled().map(move |table| (table, wanted.rows.of(table.rows, largest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_compared_row_by_row_and_whatever_their_order() {
        let of = |rows: &[&[Option<&str>]]| {
            let mut outcome = Outcome::default();
            for row in rows {
                let values = row.iter().map(|value| {
                    value.map(|value| ("", std::borrow::Cow::Borrowed(value.as_bytes())))
                });
                assert!(!outcome.add(values));
            }
            outcome
        };
        let one = of(&[&[Some("a"), None], &[Some("b"), Some("")]]);
        assert!(one.has_rows_of(&of(&[&[Some("b"), Some("")], &[Some("a"), None]])));
        for other in [
            of(&[&[Some("a"), None]]),
            of(&[&[Some("a"), None], &[Some("a"), None]]),
            of(&[&[Some("a"), Some("")], &[Some("b"), Some("")]]),
            of(&[&[Some("a"), None, None], &[Some("b"), Some(""), None]]),
        ] {
            assert!(!one.has_rows_of(&other), "{other:?}");
        }
    }

    #[test]
    fn a_share_of_a_table_is_neither_too_little_nor_too_much() {
        assert_eq!(Rows::Share.of(None, 0), 50_000);
        assert_eq!(Rows::Share.of(Some(2_000_000), 0), 100_000);
        assert_eq!(Rows::Share.of(Some(900_000_000), 0), 200_000);
        assert_eq!(Rows::About(7).of(Some(900), 0), 7);
        assert_eq!(Rows::None.of(Some(900), 0), 0);
        let of = |rows| Rows::InProportion(20_000).of(rows, 1_000_000);
        assert_eq!(of(Some(1_000_000)), 20_000);
        assert_eq!(of(Some(250_000)), 10_000);
        assert_eq!((of(Some(10)), of(None)), (1_000, 20_000));
    }
}
