//! `MySQL` 8.0 and later, `MariaDB` 10.6 and later: one engine in two flavours.

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

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::{CONNECT, Leash, Version, end_soon, within};
use crate::config::{Database, ScratchServer, Secret};
use crate::error::{Error, Result};

/// Statements that stay prepared until the session ends: each that is given up costs the wait for a packet that the
/// server does not answer, 40 ms.
const STATEMENTS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    MySql,
    MariaDb,
}

#[derive(Debug)]
pub struct MySql {
    connection: MySqlConnection,
    pub(super) version: Version,
    flavor: Flavor,
    /// The database in the URL; empty when it names none.
    default_schema: String,
    /// Who we are, as GRANT writes it.
    account: String,
    allow_literals: bool,
    /// The statement may be planned only: its conditions are not counted on rows.
    runs_nothing: bool,
    /// Where indexes that are not there are tried.
    trials: Option<Box<what_if::Trial>>,
    /// How long one statement may take.
    limit: Duration,
    /// Where copies may be made.
    scratch: ScratchServer,
    leash: Leash,
}

const IDENTITY: &str = include_str!("mysql/identity.sql");
const GUARD: &str = include_str!("mysql/guard.sql");
const READ_WRITE: &str = include_str!("mysql/read_write.sql");
const READ_ONLY: &str = include_str!("mysql/read_only.sql");

/// Errors that say that a right is missing: on a database, a table, a column, a function, SUPER and the like.
const DENIED: &[u16] = &[1044, 1142, 1143, 1227, 1370];

impl MySql {
    pub(super) async fn open(database: &Database, url: &Secret, limit: Duration) -> Result<Self> {
        let opening = |error: &sqlx::Error| Error::opening(&database.name, error);
        // The server's own SQL mode and time zone, so that statements mean what they mean to the user.
        let options = MySqlConnectOptions::from_str(url.reveal())
            .map_err(|error| opening(&error))?
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let mut connection = within(CONNECT, MySqlConnection::connect_with(&options))
            .await
            .map_err(|e| opening(&e))?;
        let identity = within(CONNECT, sqlx::query(IDENTITY).fetch_one(&mut connection)).await?;
        let version: String = identity.try_get("version")?;
        let mut session = Self {
            connection,
            flavor: if version.contains("MariaDB") {
                Flavor::MariaDb
            } else {
                Flavor::MySql
            },
            version: Version::parse(&version),
            default_schema: identity.try_get("default_schema")?,
            account: quoted_account(&identity.try_get::<String, _>("account")?),
            allow_literals: database.allow_literals,
            runs_nothing: false,
            trials: None,
            limit,
            scratch: database.scratch.clone(),
            leash: leash(
                options,
                identity.try_get("id")?,
                identity.try_get("server")?,
            ),
        };
        within(
            CONNECT,
            sqlx::raw_sql(GUARD).execute(&mut session.connection),
        )
        .await?;
        session.set_limit(limit).await?;
        Ok(session)
    }

    async fn set_limit(&mut self, limit: Duration) -> Result<()> {
        let connection = &mut self.connection;
        if self.flavor == Flavor::MariaDb {
            let set = sqlx::query("SET SESSION max_statement_time = ?").bind(limit.as_secs_f64());
            within(CONNECT, set.execute(connection)).await?;
            return Ok(());
        }
        let set = sqlx::query("SET SESSION max_execution_time = ?").bind(limit.as_millis() as u64);
        within(CONNECT, set.execute(&mut *connection)).await?;
        // Statistics as the storage engine knows them now, not as they were cached a day ago.
        let fresh = sqlx::query("SET SESSION information_schema_stats_expiry = 0");
        within(CONNECT, fresh.execute(&mut *connection)).await?;
        if self.version.at_least(8, 3) {
            let classic = sqlx::query("SET SESSION explain_json_format_version = 1");
            within(CONNECT, classic.execute(connection)).await?;
        }
        Ok(())
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.flavor {
            Flavor::MySql => "mysql",
            Flavor::MariaDb => "mariadb",
        }
    }

    /// The third number of the version, where a feature came with a patch release.
    fn patch(&self) -> u32 {
        self.version
            .text
            .split('.')
            .nth(2)
            .and_then(|patch| patch.parse().ok())
            .unwrap_or(0)
    }

    async fn rows(&mut self, sql: &'static str) -> Result<Vec<MySqlRow>> {
        Ok(sqlx::query(sql).fetch_all(&mut self.connection).await?)
    }

    /// For what the role may not be allowed to read: nothing then, and no error.
    async fn rows_if_allowed(&mut self, sql: &'static str) -> Result<Option<Vec<MySqlRow>>> {
        match sqlx::query(sql).fetch_all(&mut self.connection).await {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if number(&error).is_some_and(|number| DENIED.contains(&number)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// For SQL made here out of a parsed statement or of quoted identifiers; one row. It goes through the
    /// prepared protocol, which takes exactly one statement.
    async fn made(&mut self, sql: String) -> Result<MySqlRow> {
        Ok(sqlx::query(AssertSqlSafe(sql))
            .fetch_one(&mut self.connection)
            .await?)
    }

    /// A constant script of session settings.
    async fn script(&mut self, sql: &'static str) -> Result<()> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await?;
        Ok(())
    }

    pub(super) async fn close(mut self) {
        self.leash.let_go();
        self.end_trials().await;
        let rollback = sqlx::raw_sql("ROLLBACK").execute(&mut self.connection);
        let _ = within(Duration::from_secs(1), rollback).await;
        let _ = within(Duration::from_secs(1), self.connection.close()).await;
    }
}

/// Ends the session from another connection. Its number is not given to another one while the server runs; behind
/// a load balancer that connection may reach another server, where it is somebody else's.
fn leash(options: MySqlConnectOptions, id: u64, server: String) -> Leash {
    Leash::new(move || {
        end_soon(async move {
            let Ok(mut connection) = MySqlConnection::connect_with(&options).await else {
                return;
            };
            let here = sqlx::query(IDENTITY).fetch_one(&mut connection).await;
            let same = here.is_ok_and(|row| {
                row.try_get::<String, _>("server")
                    .is_ok_and(|here| here == server)
            });
            if !same {
                return;
            }
            let kill = AssertSqlSafe(format!("KILL CONNECTION {id}"));
            let _ = sqlx::raw_sql(kill).execute(&mut connection).await;
            let _ = connection.close().await;
        });
    })
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let sqlx::Error::Database(inner) = error else {
        return None;
    };
    inner
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(sqlx::mysql::MySqlDatabaseError::number)
}

/// `app@%` as `'app'@'%'`.
fn quoted_account(account: &str) -> String {
    let (user, host) = account.rsplit_once('@').unwrap_or((account, "%"));
    format!(
        "'{}'@'{}'",
        user.replace('\'', "''"),
        host.replace('\'', "''")
    )
}

/// A text value, however the server labels it.
fn text(row: &MySqlRow, column: usize) -> Result<String> {
    match row.try_get::<String, _>(column) {
        Ok(text) => Ok(text),
        Err(_) => {
            Ok(String::from_utf8_lossy(&row.try_get_unchecked::<Vec<u8>, _>(column)?).into_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_written_as_grant_wants_it() {
        assert_eq!(quoted_account("app@%"), "'app'@'%'");
        assert_eq!(quoted_account("a@b@10.0.0.1"), "'a@b'@'10.0.0.1'");
    }
}
