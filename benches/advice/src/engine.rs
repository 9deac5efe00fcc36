//! What the benchmark needs of a database: load, measure a query, build and drop indexes.

mod mysql;
mod postgres;
mod sqlite;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::ValueEnum;

use crate::data::Dataset;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Postgres,
    Mysql,
    Mariadb,
    Sqlite,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
        }
    }

    /// Names under which a query or a candidate set may be written for this engine alone, the closest first.
    pub const fn dialects(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres"],
            Self::Mysql => &["mysql"],
            Self::Mariadb => &["mariadb", "mysql"],
            Self::Sqlite => &["sqlite"],
        }
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Self::Postgres => "planner cost",
            Self::Mysql | Self::Mariadb => "milliseconds",
            Self::Sqlite => "VM steps",
        }
    }

    /// Amounts of work this near, as a factor, are the same.
    pub const fn near(self) -> f64 {
        match self {
            Self::Postgres | Self::Sqlite => 1.02,
            Self::Mysql | Self::Mariadb => 1.2,
        }
    }

    pub fn url(self, base: &str, dataset: Dataset) -> String {
        let name = dataset.name();
        match self {
            Self::Sqlite => format!("{base}/{name}.sqlite"),
            _ => match base.rsplit_once('/') {
                Some((server, _)) => format!("{server}/{name}"),
                None => base.to_owned(),
            },
        }
    }

    pub fn connect(self, base: &str, dataset: Dataset) -> Result<Box<dyn Engine>> {
        let url = self.url(base, dataset);
        Ok(match self {
            Self::Postgres => Box::new(postgres::Postgres::connect(&url)?),
            Self::Mysql | Self::Mariadb => Box::new(mysql::Mysql::connect(self, &url)?),
            Self::Sqlite => Box::new(sqlite::Sqlite::open(&url)?),
        })
    }

    /// An empty database of that name, with the tables of its schema.
    pub fn create(self, base: &str, dataset: Dataset) -> Result<Box<dyn Engine>> {
        match self {
            Self::Postgres => postgres::create(base, dataset.name())?,
            Self::Mysql | Self::Mariadb => mysql::create(base, dataset.name())?,
            Self::Sqlite => sqlite::create(&self.url(base, dataset))?,
        }
        self.connect(base, dataset)
    }
}

/// How much work a query was.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    pub amount: f64,
    /// It was stopped: the work is at least this.
    pub capped: bool,
    /// By the clock, the fastest of three runs, or one long one; None where the query is only planned.
    pub seconds: Option<f64>,
    /// Rows that the server read, where it says that.
    pub reads: Option<f64>,
}

/// A run as long as this is not repeated for its time.
const LONG: f64 = 3.0;

/// Measures a run, whose amount is the same each time, and times it: other work on the machine only ever adds to the
/// time, so the fastest run says most.
fn timed(mut run: impl FnMut() -> Result<(f64, bool)>) -> Result<(f64, bool, f64)> {
    let mut fastest = f64::INFINITY;
    let mut total = 0.0;
    let mut outcome = (0.0, false);
    for _ in 0..3 {
        let start = std::time::Instant::now();
        outcome = run()?;
        let seconds = start.elapsed().as_secs_f64();
        fastest = fastest.min(seconds);
        total += seconds;
        if total > LONG || outcome.1 {
            break;
        }
    }
    Ok((outcome.0, outcome.1, fastest))
}

/// An index: its table and its name.
pub type IndexName = (String, String);

pub trait Engine {
    fn version(&mut self) -> Result<String>;
    fn execute(&mut self, sql: &str) -> Result<()>;
    /// `CREATE TABLE` in this engine's words.
    fn schema(&self, sql: &str) -> String;
    fn load(&mut self, dataset: Dataset, table: &'static str, scale: f64) -> Result<()>;
    fn analyze(&mut self, tables: &[&str]) -> Result<()>;
    /// After indexes were built: statistics that only they have.
    fn analyze_new(&mut self, new: &[IndexName]) -> Result<()>;
    fn measure(&mut self, sql: &str) -> Result<Work>;
    /// Stops runs that take longer than this, where the clock is what measures.
    fn limit(&mut self, _seconds: f64) -> Result<()> {
        Ok(())
    }
    /// All indexes with their bytes.
    fn indexes(&mut self) -> Result<BTreeMap<IndexName, i64>>;
    fn drop_index(&mut self, index: &IndexName) -> Result<()>;
    /// The columns of a table.
    fn columns(&mut self, table: &str) -> Result<Vec<String>>;
    /// Planner cost with indexes that do not exist; None where that cannot be asked.
    fn what_if(&mut self, _sql: &str, _indexes: &[String]) -> Result<Option<(f64, i64)>> {
        Ok(None)
    }
}
