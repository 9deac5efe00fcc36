//! `PostgreSQL` 13 and later.

mod catalog;
mod ddl;
pub(super) mod explain;
mod locks;
pub(super) mod pasted;
mod permit;
mod role;
pub(super) mod scratch;
mod statistics;
mod what_if;
mod workload;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::{CONNECT, Leash, Version, end_soon, within};
use crate::config::{Database, ScratchServer, Secret};
use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Postgres {
    connection: PgConnection,
    pub(super) version: Version,
    /// The search path the user's statements would see.
    search_path: String,
    /// Whether the server compiles expensive statements.
    jit: String,
    default_schema: String,
    allow_literals: bool,
    /// The statement calls what may change something: its conditions are not counted on rows.
    runs_nothing: bool,
    /// Where `HypoPG` is, once it was looked for and found.
    hypopg: Option<String>,
    /// Where indexes are tried without it.
    trial: Option<Box<what_if::Trial>>,
    /// How long one statement may take.
    limit: Duration,
    /// Where copies may be made.
    scratch: ScratchServer,
    leash: Leash,
}

/// A path that no user's object can stand in: for our own catalog queries.
const GUARD: &str = include_str!("postgres/guard.sql");
const IDENTITY: &str = include_str!("postgres/identity.sql");
const LIMITS: &str = include_str!("postgres/limits.sql");
const END_SESSION: &str = include_str!("postgres/end_session.sql");

impl Postgres {
    pub(super) async fn open(database: &Database, url: &Secret, limit: Duration) -> Result<Self> {
        let opening = |error: &sqlx::Error| Error::opening(&database.name, error);
        let options = PgConnectOptions::from_str(url.reveal())
            .map_err(|error| opening(&error))?
            .application_name("database-ops")
            .statement_cache_capacity(0)
            .disable_statement_logging();
        // A trigger on login runs before any statement of ours; some poolers refuse to be told at the start.
        let guarded = options
            .clone()
            .options([("default_transaction_read_only", "on")]);
        let mut connection = match within(CONNECT, PgConnection::connect_with(&guarded)).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("08P01") => {
                within(CONNECT, PgConnection::connect_with(&options)).await
            }
            connected => connected,
        }
        .map_err(|e| opening(&e))?;
        // Before anything else: an operator in the role's own search path could take the place of the server's.
        within(CONNECT, sqlx::raw_sql(GUARD).execute(&mut connection)).await?;
        let identity = within(CONNECT, sqlx::query(IDENTITY).fetch_one(&mut connection)).await?;
        let search_path: String = identity.try_get("search_path")?;
        let default_schema = within(CONNECT, default_schema(&mut connection, &search_path)).await?;
        let limits = sqlx::query(LIMITS).bind(limit.as_millis().to_string());
        within(CONNECT, limits.execute(&mut connection)).await?;
        Ok(Self {
            connection,
            version: Version::parse(&identity.try_get::<String, _>("version")?),
            search_path,
            jit: identity.try_get("jit")?,
            default_schema,
            allow_literals: database.allow_literals,
            runs_nothing: false,
            hypopg: None,
            trial: None,
            limit,
            scratch: database.scratch.clone(),
            leash: leash(
                options,
                identity.try_get("pid")?,
                identity.try_get("started")?,
            ),
        })
    }

    #[expect(
        clippy::unused_self,
        reason = "the other engines look at their flavour"
    )]
    pub(super) const fn name(&self) -> &'static str {
        "postgresql"
    }

    /// From here on only the server's own names are found: for our catalog queries.
    async fn use_guarded_path(&mut self) -> Result<()> {
        sqlx::query("SET LOCAL search_path = pg_catalog, pg_temp")
            .execute(&mut self.connection)
            .await?;
        sqlx::query("SET LOCAL jit = off")
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// From here on names are looked up, and statements compiled, as for the user's own.
    async fn use_search_path(&mut self) -> Result<()> {
        sqlx::query("SELECT pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('jit', $2, true)")
            .bind(self.search_path.clone())
            .bind(self.jit.clone())
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn rows(&mut self, sql: &'static str) -> Result<Vec<PgRow>> {
        Ok(sqlx::query(sql).fetch_all(&mut self.connection).await?)
    }

    /// For SQL made here out of a parsed statement or of quoted identifiers; one row, the session's
    /// transaction survives its failure.
    async fn made(&mut self, sql: String) -> Result<PgRow> {
        let row = self.sent(sql).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// One that may answer no row.
    async fn sent(&mut self, sql: String) -> Result<Option<PgRow>> {
        sqlx::query("SAVEPOINT made")
            .execute(&mut self.connection)
            .await?;
        let row = sqlx::query(AssertSqlSafe(sql))
            .fetch_optional(&mut self.connection)
            .await;
        let end = if row.is_ok() {
            "RELEASE SAVEPOINT made"
        } else {
            "ROLLBACK TO SAVEPOINT made"
        };
        sqlx::query(end).execute(&mut self.connection).await?;
        Ok(row?)
    }

    pub(super) async fn close(mut self) {
        self.leash.let_go();
        self.end_trials().await;
        let rollback = sqlx::query("ROLLBACK").execute(&mut self.connection);
        let _ = within(Duration::from_secs(1), rollback).await;
        let _ = within(Duration::from_secs(1), self.connection.close()).await;
    }
}

/// Where the role's own search path would make a table.
async fn default_schema(
    connection: &mut PgConnection,
    search_path: &str,
) -> std::result::Result<String, sqlx::Error> {
    sqlx::query("SELECT pg_catalog.set_config('search_path', $1, true)")
        .bind(search_path)
        .execute(&mut *connection)
        .await?;
    let schema: Option<String> = sqlx::query_scalar("SELECT pg_catalog.current_schema()::text")
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query("SET LOCAL search_path = pg_catalog, pg_temp")
        .execute(connection)
        .await?;
    Ok(schema.unwrap_or_else(|| "public".to_owned()))
}

/// Ends the session from another connection. Its process may be gone by then, and the number another's: the
/// time it began tells.
fn leash(options: PgConnectOptions, pid: i32, started: String) -> Leash {
    Leash::new(move || {
        end_soon(async move {
            let Ok(mut connection) = PgConnection::connect_with(&options).await else {
                return;
            };
            let guarded = sqlx::query("SET search_path = pg_catalog, pg_temp");
            if guarded.execute(&mut connection).await.is_err() {
                return;
            }
            let _ = sqlx::query(END_SESSION)
                .bind(pid)
                .bind(started)
                .execute(&mut connection)
                .await;
            let _ = connection.close().await;
        });
    })
}
