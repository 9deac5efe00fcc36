//! A connected database. The contract is told once, here; an engine's folder holds what is peculiar to it.
//!
//! A session lives for one call: opened read-only and guarded, closed when the call ends, so that
//! nothing which a statement left behind in it can reach the next call.

mod mysql;
pub mod pasted;
mod postgres;
mod scratch;
mod sqlite;
mod throwaway;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::advice::uses::Use;
use crate::advice::{Abilities, Candidate};
use crate::answer::Skipped;
use crate::catalog::{Catalog, Table};
use crate::config::{Database, Target};
use crate::error::{Error, Result};
use crate::finding::{Finding, Source};
use crate::locks::{LockGraph, Session};
use crate::migration::change::{Change, NewIndex};
use crate::migration::{Facts, Item, Migration};
use crate::plan::Plan;
use crate::statement::{Dialect, Statement};
use crate::workload::Statistics;

pub use scratch::{Built, Outcome, Rows, Scratch, Wanted};
pub use sqlite::sample::Sample;

/// How long a session may take to open.
const CONNECT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub enum Engine {
    Postgres(postgres::Postgres),
    MySql(mysql::MySql),
    Sqlite(sqlite::Sqlite),
}

/// What the role of a session may do beyond reading, and the SQL that makes one which may not.
#[derive(Debug, Clone, Default)]
pub struct Role {
    pub name: String,
    /// Each completes "the role …".
    pub excess: Vec<String>,
    pub instead: Vec<String>,
}

/// Runs when a session is dropped in the middle of its work, by a deadline or because nobody waits any more:
/// what it left running on the server is ended.
struct Leash(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Leash {
    fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }

    /// The session ended by itself.
    fn let_go(&mut self) {
        self.0 = None;
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl std::fmt::Debug for Leash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Leash")
    }
}

/// Work that ends statements on servers, on connections of its own.
static ENDINGS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// How long ending a statement may take.
const END: Duration = Duration::from_secs(2);

/// Ends something on a server in the background.
fn end_soon(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        ENDINGS.spawn_on(
            async {
                let _ = tokio::time::timeout(END, work).await;
            },
            &runtime,
        );
    }
}

/// Waits until what was left running on servers is ended; for the end of the process.
pub async fn settle() {
    ENDINGS.close();
    let _ = tokio::time::timeout(END, ENDINGS.wait()).await;
    throwaway::end().await;
}

/// How the names of scratch databases begin; the process and a number follow. Nothing else is ever dropped.
const SCRATCH_PREFIX: &str = "database_ops_scratch_";

/// What may be done with a statement that passed the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    Run,
    /// It may be planned only, and why.
    Plan(String),
}

impl Permit {
    /// The narrower of the two; the first reason stays.
    fn no_more_than_plan(self, reason: &str) -> Self {
        match self {
            Self::Run => Self::Plan(reason.to_owned()),
            plan @ Self::Plan(_) => plan,
        }
    }

    const fn only_plans(&self) -> bool {
        matches!(self, Self::Plan(_))
    }

    /// For `analyze`, which runs it.
    fn must_run(self) -> Result<()> {
        match self {
            Self::Run => Ok(()),
            Self::Plan(reason) => Err(Error::Refused {
                reason,
                instead: "Call again without `analyze`: nothing is run then.".to_owned(),
            }),
        }
    }
}

/// A plan, and what the engine could not show of it.
#[derive(Debug, Default)]
pub struct Explained {
    pub plan: Plan,
    pub findings: Vec<Finding>,
    pub skipped: Vec<Skipped>,
}

/// Where a statement can be tried with indexes that are not there.
#[derive(Debug, Clone)]
pub struct Trials {
    pub source: Source,
    /// How it is found out, for people.
    pub how: String,
    /// What its costs are, for people.
    pub unit: &'static str,
    /// Visits to rows, of which a sample was seen: not to be trusted to the last percent.
    pub rough: bool,
}

/// What a server counted of the statements that it ran, and of its indexes.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    pub statistics: Vec<Statistics>,
    /// From when on it counts, as the server writes it; empty where it does not tell.
    pub since: String,
    /// Reads of an index by schema, table and name, where the catalog has none.
    pub scans: BTreeMap<(String, String, String), i64>,
    pub skipped: Vec<Skipped>,
}

/// An index that is not there, and the SQL that would make it.
#[derive(Debug, Clone)]
pub struct Hypothetical<'a> {
    pub candidate: &'a Candidate<'a>,
    pub sql: String,
}

/// What came of trying a statement with some indexes.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    pub plan: Plan,
    pub cost: f64,
    /// Positions of those that the plan uses.
    pub used: Vec<usize>,
}

/// What one moment showed of the locks.
#[derive(Debug, Default)]
pub struct LocksSeen {
    pub graph: LockGraph,
    /// Who holds a whole-file lock, where waiting leaves no trace.
    pub holders: Vec<Session>,
    /// Transactions that are open for long, oldest first; waiting or not.
    pub long_transactions: Vec<Session>,
    pub findings: Vec<Finding>,
    pub skipped: Vec<Skipped>,
}

/// The share of a table's rows that a condition keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Selectivity {
    /// By the planner's statistics.
    pub estimated: Option<f64>,
    /// Counted on the first rows of the table, read-only.
    pub sampled: Option<f64>,
    pub sampled_rows: i64,
}

/// Values that stand for a parameter, as texts. They come from the data and are never shown.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// In the middle of all.
    pub usual: String,
    /// The most frequent one.
    pub common: String,
    /// Near the lower and the upper end.
    pub low: String,
    pub high: String,
}

/// Everything that writing the steps of a migration may look at.
#[derive(Debug)]
pub struct Ground<'a> {
    pub catalog: &'a Catalog,
    pub table: &'a Table,
    pub facts: &'a Facts,
    /// The `CREATE` statements of the table, for a down that must make it again.
    pub definition: String,
}

/// Runs `$body` with `$engine` bound to whichever engine it is.
macro_rules! each {
    ($self:expr, $engine:ident => $body:expr) => {
        match $self {
            Self::Postgres($engine) => $body,
            Self::MySql($engine) => $body,
            Self::Sqlite($engine) => $body,
        }
    };
}

impl Engine {
    /// Opens a guarded read-only session. `limit` is how long one statement may take.
    pub async fn open(database: &Database, sample: &Sample, limit: Duration) -> Result<Self> {
        match &database.target {
            Target::Postgres(url) => postgres::Postgres::open(database, url, limit)
                .await
                .map(Self::Postgres),
            Target::MySql(url) => mysql::MySql::open(database, url, limit)
                .await
                .map(Self::MySql),
            Target::Sqlite(path) => sqlite::Sqlite::open(database, path, limit)
                .await
                .map(Self::Sqlite),
            Target::Sample => {
                let path = sample.path().await?;
                sqlite::Sqlite::open(database, &path, limit)
                    .await
                    .map(Self::Sqlite)
            }
        }
    }

    /// `postgresql`, `mysql`, `mariadb` or `sqlite`.
    pub fn name(&self) -> &'static str {
        each!(self, engine => engine.name())
    }

    pub fn version(&self) -> &str {
        each!(self, engine => &engine.version.text)
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// What the role may do beyond reading.
    pub async fn role(&mut self) -> Result<Role> {
        each!(self, engine => engine.role().await)
    }

    /// All user objects, one round trip for each kind of object.
    pub async fn catalog(&mut self) -> Result<Catalog> {
        let mut catalog = each!(self, engine => engine.catalog().await)?;
        catalog.sort();
        Ok(catalog)
    }

    /// How the engine would run the statement. It is run only when `analyze` is asked for, and then
    /// only a statement that cannot write, in a read-only transaction that is rolled back.
    pub async fn explain(&mut self, statement: &Statement, analyze: bool) -> Result<Explained> {
        each!(self, engine => engine.explain(statement, analyze).await)
    }

    /// Why the statement may be planned only; nothing where it may be run.
    pub async fn may_not_run(&mut self, statement: &Statement) -> Result<Option<String>> {
        let permit = each!(self, engine => engine.permit(statement).await)?;
        Ok(permit.must_run().err().map(|error| match error {
            Error::Refused { reason, .. } => reason,
            other => other.to_string(),
        }))
    }

    /// The plan that the engine keeps for all values of a statement's parameters, where it does so and tells.
    pub async fn generic_plan(&mut self, statement: &Statement) -> Result<Option<Plan>> {
        each!(self, engine => engine.generic_plan(statement).await)
    }

    /// What share of `table` the condition keeps. `condition` is rendered from a parsed statement.
    pub async fn selectivity(&mut self, table: &Table, condition: &str) -> Result<Selectivity> {
        each!(self, engine => engine.selectivity(table, condition).await)
    }

    /// Values of a column that a statement may well ask for; nothing where they cannot be looked up.
    pub async fn values(&mut self, table: &Table, column: &str) -> Result<Option<Values>> {
        each!(self, engine => engine.values(table, column).await)
    }

    /// Who waits for whom at this moment.
    pub async fn locks(&mut self) -> Result<LocksSeen> {
        each!(self, engine => engine.locks().await)
    }

    /// Counts on the live database what the change would stumble over.
    pub async fn facts(&mut self, change: &Change, table: &Table) -> Result<Facts> {
        each!(self, engine => engine.facts(change, table).await)
    }

    /// The `CREATE` statements that would make the table again, without its data.
    pub async fn definition(&mut self, table: &Table) -> Result<String> {
        each!(self, engine => engine.definition(table).await)
    }

    /// The safe, ordered, reversible way to the change on this engine and version.
    pub fn migrate(&self, change: &Change, ground: &Ground<'_>) -> Result<Migration> {
        each!(self, engine => engine.migrate(change, ground))
    }

    /// The checklist's word on building indexes without stopping writers.
    pub fn indexes_concurrently(&self, migration: &Migration) -> Item {
        each!(self, engine => engine.indexes_concurrently(migration))
    }

    /// `CREATE INDEX` as this engine builds it with the least harm.
    pub fn create_index(&self, table: &Table, default_schema: &str, index: &NewIndex) -> String {
        each!(self, engine => engine.create_index(table, default_schema, index))
    }

    /// `DROP INDEX` as this engine does it with the least harm.
    pub fn drop_index(&self, table: &Table, default_schema: &str, index: &str) -> String {
        each!(self, engine => engine.drop_index(table, default_schema, index))
    }

    /// The statements that cost this database most, as its server counted them.
    pub async fn counted(&mut self) -> Result<Counted> {
        each!(self, engine => engine.counted().await)
    }

    /// What this engine's indexes can do.
    pub async fn abilities(&mut self) -> Result<Abilities> {
        each!(self, engine => engine.abilities().await)
    }

    /// Makes ready for trying a statement with indexes on these tables; or says why it cannot be tried.
    pub async fn prepare_trials(
        &mut self,
        statement: &Statement,
        catalog: &Catalog,
        uses: &[Use<'_>],
        indexes: &[Hypothetical<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        each!(self, engine => engine.prepare_trials(statement, catalog, uses, indexes).await)
    }

    /// How the statement would be run if these indexes, and no others that are new, were there.
    pub async fn try_indexes(
        &mut self,
        statement: &Statement,
        indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        each!(self, engine => engine.try_indexes(statement, indexes).await)
    }

    /// A throwaway copy of the tables that are wanted; or why there can be none, and how to give one.
    pub async fn scratch(&mut self, catalog: &Catalog, wanted: &Wanted) -> Result<Scratch> {
        each!(self, engine => Box::pin(engine.scratch(catalog, wanted)).await)
    }

    /// Ends the session: rolls back and hangs up.
    pub async fn close(self) {
        each!(self, engine => engine.close().await);
    }
}

/// A server's version: the number for comparing, the text for showing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub text: String,
}

impl Version {
    /// From a text such as `15.18 (Debian …)` or `10.11.19-MariaDB-…`.
    pub fn parse(text: &str) -> Self {
        let plain: String = text
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        let mut numbers = plain.split('.').map(|part| part.parse().unwrap_or(0));
        Self {
            major: numbers.next().unwrap_or(0),
            minor: numbers.next().unwrap_or(0),
            text: plain.trim_end_matches('.').to_owned(),
        }
    }

    pub const fn at_least(&self, major: u32, minor: u32) -> bool {
        self.major > major || self.major == major && self.minor >= minor
    }
}

/// The values, where all of them are there.
fn values(
    usual: Option<String>,
    common: Option<String>,
    low: Option<String>,
    high: Option<String>,
) -> Option<Values> {
    Some(Values {
        usual: usual?,
        common: common?,
        low: low?,
        high: high?,
    })
}

/// Waits for `work` no longer than `limit`.
async fn within<T>(
    limit: Duration,
    work: impl Future<Output = std::result::Result<T, sqlx::Error>>,
) -> std::result::Result<T, sqlx::Error> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "no answer in time",
        )))
    })
}
