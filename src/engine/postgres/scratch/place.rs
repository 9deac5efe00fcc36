//! Where a scratch database is made, and its end. Never the live server, unless the user named it as scratch.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::super::Postgres;
use crate::config::ScratchServer;
use crate::engine::throwaway::{self, Recipe};
use crate::engine::{CONNECT, Leash, SCRATCH_PREFIX, Version, end_soon, within};
use crate::error::{Error, Result};

const IDENTITY: &str = include_str!("identity.sql");
const LEFTOVERS: &str = include_str!("leftovers.sql");
/// Of whom the copies on a server that was started here are.
const OWNER: &str = "database_ops";

/// A server that may be written to.
#[derive(Debug)]
pub(super) struct Place {
    options: PgConnectOptions,
    /// For people: "a throwaway PostgreSQL 18.1".
    pub(super) what: String,
}

/// A database that was made on it, and is dropped when this is.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) options: PgConnectOptions,
    pub(super) leash: Leash,
    pub(super) name: String,
    place: PgConnectOptions,
}

pub(super) fn none(why: impl Into<String>) -> Error {
    Error::Unsupported {
        what: "a copy on scratch".to_owned(),
        why: why.into(),
        instead: "Name a PostgreSQL that may be written to, not one that matters: --scratch NAME=postgres://… or scratch_url in the configuration file; or install the server's programs here (Debian: apt install postgresql), and one is started when it is needed.".to_owned(),
    }
}

impl Place {
    pub(super) async fn of(live: &Postgres) -> Result<Self> {
        let options = match &live.scratch {
            ScratchServer::Nowhere => return Err(none("`scratch = false` forbids it")),
            ScratchServer::Named(url) => PgConnectOptions::from_str(url.reveal())
                .map_err(|_| none("the URL of the scratch server is not valid"))?,
            ScratchServer::Started(folder) => {
                started(folder.as_deref(), live.version.major).await?
            }
        };
        let options = options
            .application_name("database-ops scratch")
            .statement_cache_capacity(0)
            .options([("client_min_messages", "error")])
            .disable_statement_logging();
        let (connection, version, reaches_out) = first_look(&options).await?;
        let _ = within(CONNECT, connection.close_hard()).await;
        if reaches_out {
            return Err(none(
                "the scratch server's role is a superuser or may reach the server's files: what a copied schema holds would run with that right (CREATE ROLE … LOGIN CREATEDB makes one for it)",
            ));
        }
        let kind = match &live.scratch {
            ScratchServer::Named(_) => "the scratch server,",
            _ => "a throwaway",
        };
        let mut what = format!("{kind} PostgreSQL {}", version.text);
        if version.major != live.version.major {
            what.push_str(&format!(" (live is {})", live.version.text));
        }
        Ok(Self { options, what })
    }

    /// A fresh database, whose text is encoded and sorted as the live one's where this server can.
    pub(super) async fn make(&self, encoding: &str, collate: &str, ctype: &str) -> Result<Made> {
        let (mut connection, ..) = first_look(&self.options).await?;
        remove_leftovers(&mut connection).await;
        let own = |text: &str| text.replace('\'', "''");
        let like_live = format!(
            " ENCODING '{}' LC_COLLATE '{}' LC_CTYPE '{}'",
            own(encoding),
            own(collate),
            own(ctype)
        );
        let plain = format!(" ENCODING '{}' LC_COLLATE 'C' LC_CTYPE 'C'", own(encoding));
        let mut made = self.free_name(&mut connection).await?;
        let mut outcome = Ok(());
        for how in [&like_live, &plain] {
            let create = format!("CREATE DATABASE {} TEMPLATE template0{how}", made.name);
            outcome = sqlx::query(AssertSqlSafe(create))
                .execute(&mut connection)
                .await
                .map(|_| ());
            match outcome.as_ref().map_err(code) {
                // Somebody else's of that name by now: not ours to drop.
                Err(code) if code == "42P04" => made.leash.let_go(),
                // Only the way to sort is missing here.
                Err(code) if code != "42501" => continue,
                _ => {}
            }
            break;
        }
        let _ = within(CONNECT, connection.close()).await;
        match outcome {
            Ok(()) => Ok(made),
            Err(error) if code(&error) == "42501" => Err(none(
                "the scratch server's role may not create databases (ALTER ROLE … CREATEDB lets it)",
            )),
            Err(error) => Err(none(format!(
                "the database could not be made ({})",
                Error::from(error)
            ))),
        }
    }

    /// A name that nobody has. From here on the database may be there, and is dropped.
    async fn free_name(&self, connection: &mut PgConnection) -> Result<Made> {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        loop {
            let name = format!(
                "{SCRATCH_PREFIX}{}_{}",
                std::process::id(),
                COUNTER.fetch_add(1, Ordering::Relaxed)
            );
            let taken =
                sqlx::query("SELECT 1 FROM pg_catalog.pg_database WHERE datname::text = $1")
                    .bind(&name)
                    .fetch_optional(&mut *connection)
                    .await?;
            if taken.is_none() {
                return Ok(Made {
                    options: self.options.clone().database(&name),
                    leash: leash(self.options.clone(), name.clone()),
                    place: self.options.clone(),
                    name,
                });
            }
        }
    }
}

impl Made {
    /// Drops it now; the background tries again where that fails.
    pub(super) async fn drop_now(mut self) {
        if within(CONNECT, drop_database(&self.place, &self.name))
            .await
            .is_ok()
        {
            self.leash.let_go();
        }
    }
}

/// A session, the server's version, and whether the role could reach out of its databases.
async fn first_look(options: &PgConnectOptions) -> Result<(PgConnection, Version, bool)> {
    let mut tries = 0;
    let mut connection = loop {
        match within(CONNECT, PgConnection::connect_with(options)).await {
            Ok(connection) => break connection,
            // It has just been started.
            Err(error) if tries < 200 && code(&error) == "57P03" => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Err(error) => {
                return Err(none(
                    Error::opening("the scratch server", &error).to_string(),
                ));
            }
        }
    };
    let identity = within(CONNECT, sqlx::query(IDENTITY).fetch_one(&mut connection)).await?;
    let version: String = identity.try_get("version")?;
    let reaches_out = identity.try_get("reaches_out")?;
    Ok((connection, Version::parse(&version), reaches_out))
}

/// Scratch databases that nobody is connected to: an owner always is, so theirs ended without a word.
async fn remove_leftovers(connection: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(LEFTOVERS)
        .fetch_all(&mut *connection)
        .await
        .unwrap_or_default();
    for name in names {
        // Fails where somebody connects meanwhile.
        let drop = format!("DROP DATABASE IF EXISTS {name}");
        let _ = sqlx::query(AssertSqlSafe(drop))
            .execute(&mut *connection)
            .await;
    }
}

fn leash(place: PgConnectOptions, name: String) -> Leash {
    Leash::new(move || {
        end_soon(async move {
            let _ = drop_database(&place, &name).await;
        });
    })
}

async fn drop_database(
    place: &PgConnectOptions,
    name: &str,
) -> std::result::Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(place).await?;
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    sqlx::query(AssertSqlSafe(drop))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

fn code(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(inner) => inner.code().unwrap_or_default().into_owned(),
        _ => String::new(),
    }
}

/// The server that was started from programs on this machine.
async fn started(folder: Option<&Path>, major: u32) -> Result<PgConnectOptions> {
    let program = throwaway::find(&["postgres"], &folders(folder, major)).ok_or_else(|| {
        none("no scratch server is configured, and no program `postgres` was found to start one")
    })?;
    let server = throwaway::server(Recipe {
        program,
        prepare,
        serve,
        signal: "QUIT",
        socket: ".s.PGSQL.5432",
    })
    .await
    .map_err(|why| none(format!("no throwaway server could be started: {why}")))?;
    let base = PgConnectOptions::new_without_pgpass()
        .socket(server.folder())
        .port(5432)
        .database("postgres");
    let superuser = base
        .clone()
        .username("postgres")
        .disable_statement_logging();
    let (mut connection, ..) = first_look(&superuser).await?;
    // What runs on it needs no right but to make databases: no file, no program, no other server.
    let create = format!("CREATE ROLE {OWNER} LOGIN CREATEDB");
    let _ = sqlx::query(AssertSqlSafe(create))
        .execute(&mut connection)
        .await;
    let _ = within(CONNECT, connection.close()).await;
    Ok(base.username(OWNER))
}

/// Where the programs may be, those of the live server's version first.
fn folders(wanted: Option<&Path>, major: u32) -> Vec<PathBuf> {
    if let Some(folder) = wanted {
        return vec![folder.to_owned()];
    }
    let mut folders = vec![
        PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")),
        PathBuf::from(format!("/usr/pgsql-{major}/bin")),
        PathBuf::from(format!("/opt/homebrew/opt/postgresql@{major}/bin")),
    ];
    folders.extend(throwaway::path());
    let mut others: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .collect();
    others.sort_by_key(|(version, _)| version.abs_diff(major));
    folders.extend(others.into_iter().map(|(_, path)| path));
    folders
}

fn prepare(program: &Path, folder: &Path) -> Vec<Vec<OsString>> {
    let mut command = vec![
        program.with_file_name("initdb").into_os_string(),
        "-D".into(),
    ];
    command.push(folder.join("data").into_os_string());
    for argument in [
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ] {
        command.push(argument.into());
    }
    vec![command]
}

fn serve(program: &Path, folder: &Path) -> Vec<OsString> {
    const SETTINGS: &[&str] = &[
        "listen_addresses=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "autovacuum=off",
        "max_connections=40",
        "shared_buffers=128MB",
        "max_wal_size=4GB",
    ];
    let mut command = vec![program.as_os_str().to_owned(), "-D".into()];
    command.push(folder.join("data").into_os_string());
    command.extend(["-k".into(), folder.as_os_str().to_owned()]);
    for setting in SETTINGS {
        command.extend(["-c".into(), (*setting).into()]);
    }
    command
}
