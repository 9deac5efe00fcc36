//! `SQLite`, the bundled version.

mod catalog;
mod ddl;
pub(super) mod explain;
mod guard;
mod locks;
pub(super) mod pasted;
mod permit;
mod role;
pub(super) mod sample;
pub(super) mod scratch;
mod statistics;
mod what_if;
mod workload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::{CONNECT, Leash, Version, within};
use crate::config::Database;
use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    pub(super) version: Version,
    /// When the library must give up, be it in the session or in a copy.
    ending: Ending,
    /// Where indexes that are not there are tried.
    shell: Option<what_if::Shell>,
    leash: Leash,
}

/// When work in the library must end: at a time, or when nobody waits for it any more.
#[derive(Debug, Clone)]
struct Ending {
    at: Instant,
    now: Arc<AtomicBool>,
}

impl Ending {
    fn new(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            now: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Has the library look whether it must end, while it works.
    async fn watch(
        &self,
        connection: &mut SqliteConnection,
    ) -> std::result::Result<(), sqlx::Error> {
        self.watch_for(connection, u64::MAX).await
    }

    /// The same, and it ends after so many steps of the virtual machine: on every machine at the same one.
    async fn watch_for(
        &self,
        connection: &mut SqliteConnection,
        steps: u64,
    ) -> std::result::Result<(), sqlx::Error> {
        let Self { at, now } = self.clone();
        let mut left = steps / STEPS as u64;
        connection
            .lock_handle()
            .await?
            .set_progress_handler(STEPS, move || {
                left = left.saturating_sub(1);
                left > 0 && !now.load(Ordering::Relaxed) && Instant::now() < at
            });
        Ok(())
    }
}

/// After this many virtual-machine steps the time limit is looked at.
const STEPS: i32 = 10_000;

impl Sqlite {
    pub(super) async fn open(database: &Database, path: &Path, limit: Duration) -> Result<Self> {
        let opening = |error: &sqlx::Error| Error::opening(&database.name, error);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(Duration::from_secs(1))
            .statement_cache_capacity(0)
            .pragma("query_only", "1")
            .pragma("trusted_schema", "0")
            .disable_statement_logging();
        let mut connection = within(CONNECT, SqliteConnection::connect_with(&options))
            .await
            .map_err(|error| opening(&error))?;
        // The first look at the file: only now is it known to be a database.
        let text: String =
            sqlx::query_scalar("SELECT sqlite_version() FROM (SELECT count(*) FROM sqlite_schema)")
                .fetch_one(&mut connection)
                .await
                .map_err(|error| opening(&error))?;
        guard::set(&mut connection, guard::Purpose::Read)
            .await
            .map_err(|error| opening(&error))?;
        let ending = Ending::new(limit);
        ending
            .watch(&mut connection)
            .await
            .map_err(|error| opening(&error))?;
        let now = Arc::clone(&ending.now);
        Ok(Self {
            connection,
            path: path.to_owned(),
            version: Version::parse(&text),
            ending,
            shell: None,
            leash: Leash::new(move || now.store(true, Ordering::Relaxed)),
        })
    }

    #[expect(
        clippy::unused_self,
        reason = "the other engines look at their flavour"
    )]
    pub(super) const fn name(&self) -> &'static str {
        "sqlite"
    }

    /// For SQL made here out of a parsed statement or of quoted identifiers.
    async fn made(&mut self, sql: String) -> Result<Vec<SqliteRow>> {
        Ok(sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut self.connection)
            .await?)
    }

    pub(super) async fn close(mut self) {
        self.leash.let_go();
        let _ = within(Duration::from_secs(1), self.connection.close()).await;
    }
}
