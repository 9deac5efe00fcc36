//! Where scratch databases are made, and their end. Never the live server, unless the user named it as scratch.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::super::{Flavor, MySql};
use crate::config::ScratchServer;
use crate::engine::throwaway::{self, Recipe};
use crate::engine::{CONNECT, Leash, SCRATCH_PREFIX, Version, end_soon, within};
use crate::error::{Error, Result};
use crate::statement::Dialect;

const LEFTOVERS: &str = include_str!("leftovers.sql");
/// Of whom the copies on a server that was started here are.
const OWNER: &str = "database_ops";

/// A server that may be written to.
#[derive(Debug)]
pub(super) struct Place {
    options: MySqlConnectOptions,
    pub(super) version: Version,
    /// For people: "a throwaway MariaDB 10.11.6".
    pub(super) what: String,
}

/// Databases that were made on it, and are dropped when this is. While their session lives it holds a lock by the
/// name of the first, which tells others that they are no leftovers.
#[derive(Debug)]
pub(super) struct Made {
    /// The copy of each live database.
    pub(super) copies: BTreeMap<String, String>,
    names: Vec<String>,
    place: MySqlConnectOptions,
    leash: Leash,
}

const fn product(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::MySql => "MySQL",
        Flavor::MariaDb => "MariaDB",
    }
}

pub(super) fn none(flavor: Flavor, why: impl Into<String>) -> Error {
    let (product, package) = match flavor {
        Flavor::MySql => ("MySQL", "mysql-server"),
        Flavor::MariaDb => ("MariaDB", "mariadb-server"),
    };
    Error::Unsupported {
        what: "a copy on scratch".to_owned(),
        why: why.into(),
        instead: format!(
            "Name a {product} that may be written to, not one that matters: --scratch NAME=mysql://… or scratch_url in the configuration file; or install the server's programs here (Debian: apt install {package}), and one is started when it is needed."
        ),
    }
}

impl Place {
    pub(super) async fn of(live: &MySql) -> Result<Self> {
        let flavor = live.flavor;
        let (options, kind) = match &live.scratch {
            ScratchServer::Nowhere => return Err(none(flavor, "`scratch = false` forbids it")),
            ScratchServer::Named(url) => {
                let options = MySqlConnectOptions::from_str(url.reveal())
                    .map_err(|_| none(flavor, "the URL of the scratch server is not valid"))?;
                (options, "the scratch server,")
            }
            ScratchServer::Started(folder) => {
                (started(folder.as_deref(), flavor).await?, "a throwaway")
            }
        };
        let options = quiet(options);
        let (connection, text) = first_look(&options, flavor).await?;
        let _ = within(CONNECT, connection.close()).await;
        let there = if text.contains("MariaDB") {
            Flavor::MariaDb
        } else {
            Flavor::MySql
        };
        let version = Version::parse(&text);
        if there != flavor {
            let why = format!(
                "the scratch server is {}, which plans and changes tables in other ways than {}",
                product(there),
                product(flavor)
            );
            return Err(none(flavor, why));
        }
        let mut what = format!("{kind} {} {}", product(there), version.text);
        if (version.major, version.minor) != (live.version.major, live.version.minor) {
            what.push_str(&format!(" (live is {})", live.version.text));
        }
        Ok(Self {
            options,
            version,
            what,
        })
    }

    /// A fresh database for each of these live ones, the first of them the one of the session.
    pub(super) async fn make(
        &self,
        flavor: Flavor,
        live: &[String],
    ) -> Result<(MySqlConnection, Made)> {
        static COUNTER: AtomicU32 = AtomicU32::new(1);
        let (mut connection, _) = first_look(&self.options, flavor).await?;
        remove_leftovers(&mut connection).await;
        let first = loop {
            let name = format!(
                "{SCRATCH_PREFIX}{}_{}",
                std::process::id(),
                COUNTER.fetch_add(1, Ordering::Relaxed)
            );
            let free: i64 = sqlx::query_scalar("SELECT CAST(GET_LOCK(?, 0) = 1 AND NOT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?) AS SIGNED)")
                .bind(&name)
                .bind(&name)
                .fetch_one(&mut connection)
                .await?;
            if free == 1 {
                break name;
            }
        };
        let names: Vec<String> = (0..live.len().max(1))
            .map(|number| match number {
                0 => first.clone(),
                _ => format!("{first}_{number}"),
            })
            .collect();
        // From here on they may be there.
        let made = Made {
            copies: live.iter().cloned().zip(names.iter().cloned()).collect(),
            leash: leash(self.options.clone(), names.clone()),
            names,
            place: self.options.clone(),
        };
        for name in &made.names {
            let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
            let created = sqlx::query(create).execute(&mut connection).await;
            if let Err(error) = created {
                let why = format!(
                    "the database could not be made ({}); the scratch server's account needs GRANT ALL ON `database\\_ops\\_scratch\\_%`.*",
                    Error::from(error)
                );
                return Err(none(flavor, why));
            }
        }
        sqlx::raw_sql(AssertSqlSafe(format!("USE {first}")))
            .execute(&mut connection)
            .await?;
        Ok((connection, made))
    }
}

impl Made {
    /// Drops the databases, when their session has ended; the background tries again where that fails.
    pub(super) async fn drop_now(self) {
        let Self {
            names,
            place,
            mut leash,
            ..
        } = self;
        if within(CONNECT, drop_databases(&place, &names))
            .await
            .is_ok()
        {
            leash.let_go();
        }
    }
}

/// How every session there is: as those on the live server.
fn quiet(options: MySqlConnectOptions) -> MySqlConnectOptions {
    options
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        // What is kept need not be closed, which costs a trip each time.
        .statement_cache_capacity(64)
        .disable_statement_logging()
}

async fn first_look(
    options: &MySqlConnectOptions,
    flavor: Flavor,
) -> Result<(MySqlConnection, String)> {
    let opening = |error: &sqlx::Error| {
        none(
            flavor,
            Error::opening("the scratch server", error).to_string(),
        )
    };
    let mut connection = within(CONNECT, MySqlConnection::connect_with(options))
        .await
        .map_err(|error| opening(&error))?;
    let version = sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)").fetch_one(&mut connection);
    let version = within(CONNECT, version).await?;
    Ok((connection, version))
}

/// Scratch databases whose lock nobody holds: their owner ended without a word.
async fn remove_leftovers(connection: &mut MySqlConnection) {
    let names: Vec<String> = sqlx::query_scalar(LEFTOVERS)
        .fetch_all(&mut *connection)
        .await
        .unwrap_or_default();
    for name in names {
        let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"));
        let _ = sqlx::query(drop).execute(&mut *connection).await;
    }
}

fn leash(place: MySqlConnectOptions, names: Vec<String>) -> Leash {
    Leash::new(move || {
        end_soon(async move {
            let _ = drop_databases(&place, &names).await;
        });
    })
}

async fn drop_databases(
    place: &MySqlConnectOptions,
    names: &[String],
) -> std::result::Result<(), sqlx::Error> {
    let mut connection = MySqlConnection::connect_with(place).await?;
    // What a session that was cut off still runs there holds its tables.
    let holders: Vec<u64> = match names.first() {
        Some(name) => sqlx::query_scalar(
            "SELECT CAST(ID AS UNSIGNED) FROM information_schema.PROCESSLIST WHERE DB = ?",
        )
        .bind(name)
        .fetch_all(&mut connection)
        .await
        .unwrap_or_default(),
        None => Vec::new(),
    };
    for holder in holders {
        let kill = AssertSqlSafe(format!("KILL CONNECTION {holder}"));
        let _ = sqlx::raw_sql(kill).execute(&mut connection).await;
    }
    for name in names {
        let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"));
        sqlx::query(drop).execute(&mut connection).await?;
    }
    connection.close().await
}

/// The server that was started from programs on this machine.
async fn started(folder: Option<&Path>, flavor: Flavor) -> Result<MySqlConnectOptions> {
    let programs: &[&str] = match flavor {
        Flavor::MariaDb => &["mariadbd"],
        Flavor::MySql => &["mysqld"],
    };
    // MariaDB goes by the other name too.
    let program = throwaway::find(programs, &folders(folder))
        .filter(|program| {
            let real = std::fs::canonicalize(program).unwrap_or_default();
            real.ends_with("mariadbd") == (flavor == Flavor::MariaDb)
        })
        .ok_or_else(|| {
            let why = format!(
                "no scratch server is configured, and no program `{}` was found to start one",
                programs.join("`, `")
            );
            none(flavor, why)
        })?;
    let server = throwaway::server(Recipe {
        program,
        prepare: match flavor {
            Flavor::MariaDb => prepare_mariadb,
            Flavor::MySql => prepare_mysql,
        },
        serve: match flavor {
            Flavor::MariaDb => serve_mariadb,
            Flavor::MySql => serve_mysql,
        },
        signal: "KILL",
        socket: "socket",
    })
    .await
    .map_err(|why| {
        none(
            flavor,
            format!("no throwaway server could be started: {why}"),
        )
    })?;
    let base = MySqlConnectOptions::new().socket(server.socket());
    let (mut root, _) = first_look(&quiet(base.clone().username("root")), flavor).await?;
    // What runs on it needs no right but to these databases: no file, no other account.
    let owner = format!(
        "CREATE USER IF NOT EXISTS {OWNER}@localhost; GRANT ALL ON `database\\_ops\\_scratch\\_%`.* TO {OWNER}@localhost; GRANT PROCESS ON *.* TO {OWNER}@localhost"
    );
    sqlx::raw_sql(AssertSqlSafe(owner))
        .execute(&mut root)
        .await?;
    let _ = within(CONNECT, root.close()).await;
    Ok(base.username(OWNER))
}

fn folders(wanted: Option<&Path>) -> Vec<PathBuf> {
    if let Some(folder) = wanted {
        return vec![folder.to_owned()];
    }
    let mut folders: Vec<PathBuf> = [
        "/usr/sbin",
        "/usr/libexec",
        "/usr/local/sbin",
        "/usr/local/mysql/bin",
        "/opt/homebrew/bin",
    ]
    .iter()
    .map(PathBuf::from)
    .collect();
    folders.extend(throwaway::path());
    folders
}

/// The folder above that of the programs.
fn base(program: &Path) -> PathBuf {
    let folder = program.parent().and_then(Path::parent);
    folder.unwrap_or(Path::new("/usr")).to_owned()
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(format!("--{name}="));
    option.push(value);
    option
}

fn prepare_mariadb(program: &Path, folder: &Path) -> Vec<Vec<OsString>> {
    let base = base(program);
    let places = [base.join("bin"), base.join("scripts"), base.join("sbin")];
    let names = &["mariadb-install-db", "mysql_install_db"];
    let install =
        throwaway::find(names, &places).unwrap_or_else(|| PathBuf::from("mariadb-install-db"));
    vec![vec![
        install.into_os_string(),
        "--no-defaults".into(),
        option("basedir", &base),
        option("datadir", &folder.join("data")),
        "--auth-root-authentication-method=normal".into(),
        "--cross-bootstrap".into(),
        "--skip-test-db".into(),
        "--innodb-log-file-size=16M".into(),
    ]]
}

fn prepare_mysql(program: &Path, folder: &Path) -> Vec<Vec<OsString>> {
    vec![vec![
        program.as_os_str().to_owned(),
        "--no-defaults".into(),
        "--initialize-insecure".into(),
        option("datadir", &folder.join("data")),
    ]]
}

fn serve_mariadb(program: &Path, folder: &Path) -> Vec<OsString> {
    let base = base(program);
    let mut command = serve(program, folder);
    command.push("--innodb-log-file-size=16M".into());
    for (name, place) in [
        ("lc-messages-dir", "share/mysql"),
        ("character-sets-dir", "share/mysql/charsets"),
        ("plugin-dir", "lib/mysql/plugin"),
    ] {
        let place = base.join(place);
        if place.is_dir() {
            command.push(option(name, &place));
        }
    }
    command
}

fn serve_mysql(program: &Path, folder: &Path) -> Vec<OsString> {
    let mut command = serve(program, folder);
    command.extend(["--mysqlx=OFF".into(), "--secure-file-priv=NULL".into()]);
    command
}

fn serve(program: &Path, folder: &Path) -> Vec<OsString> {
    let mut command = vec![program.as_os_str().to_owned(), "--no-defaults".into()];
    command.extend([
        option("datadir", &folder.join("data")),
        option("socket", &folder.join("socket")),
        option("pid-file", &folder.join("pid")),
    ]);
    for setting in [
        "--skip-networking",
        "--skip-log-bin",
        "--innodb-buffer-pool-size=128M",
        "--innodb-flush-log-at-trx-commit=0",
    ] {
        command.push(setting.into());
    }
    command
}

/// The live name of a table's database, and the table, quoted for the copy.
pub(super) fn copied_name(copies: &BTreeMap<String, String>, schema: &str, name: &str) -> String {
    let copy = copies.get(schema).map_or("", String::as_str);
    Dialect::MySql.table(copy, name, "")
}
