//! Errors as data, said to the one who can act: the cause, then the next step. None carries a URL,
//! a host or a password.

use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("configuration: {reason}")]
    Config { reason: String },

    #[error("no tool is called \"{name}\". The tools are: {known}.")]
    UnknownTool { name: String, known: String },

    #[error("{reason}. Parameters of {tool}: {known}. Nothing was run.")]
    Arguments {
        tool: &'static str,
        reason: String,
        known: String,
    },

    #[error(
        "no database is called \"{name}\".{hint} Configured: {known}. Give one of these names as `database`."
    )]
    UnknownDatabase {
        name: String,
        hint: String,
        known: String,
    },

    #[error("several databases are configured: {known}. Say which one with `database`.")]
    WhichDatabase { known: String },

    #[error(
        "database \"{database}\" cannot be reached: {reason}. Check that the server runs and that its address in the configuration is right; the next call tries again."
    )]
    Unreachable { database: String, reason: String },

    #[error(
        "database \"{database}\" refused the login: {reason}. Check the user and the password in the configuration (they are not shown here)."
    )]
    Login { database: String, reason: String },

    #[error(
        "\"{database}\" is not an SQLite database: {reason}. Check the path in the configuration."
    )]
    NotADatabase { database: String, reason: String },

    #[error(
        "database \"{database}\": the role {role} {excess}, and this server takes only roles that may not write (--require-least-privilege). Make one, and put it into the configuration:\n{instead}"
    )]
    Privileged {
        database: String,
        role: String,
        excess: String,
        instead: String,
    },

    #[error("the call was stopped: this server is ending. Nothing was changed.")]
    Stopped,

    #[error("the database did not answer within {} s. It may be overloaded, frozen or waiting for a lock: check_locks shows who waits for whom.", .limit.as_secs())]
    Deadline { limit: Duration },

    #[error("the SQL does not parse as {dialect}: {reason}. Nothing was run.")]
    Parse {
        dialect: &'static str,
        reason: String,
    },

    #[error("refused: {reason}. {instead} Nothing was run.")]
    Refused { reason: String, instead: String },

    #[error("{what} \"{name}\" does not exist.{hint} Nothing was run.")]
    Missing {
        what: &'static str,
        name: String,
        hint: String,
    },

    #[error("the role may not do this: {reason}. {grant}")]
    Privilege { reason: String, grant: String },

    #[error("{message}{}. Nothing was changed.", code_of(.code))]
    Database { message: String, code: String },

    #[error("{what} is not possible here: {why}. {instead}")]
    Unsupported {
        what: String,
        why: String,
        instead: String,
    },

    #[error(
        "the database answered with something unexpected while reading {what}: {reason}. This is a fault of database-ops or of an unknown server version."
    )]
    Unexpected { what: &'static str, reason: String },
}

fn code_of(code: &str) -> String {
    if code.is_empty() {
        String::new()
    } else {
        format!(" ({code})")
    }
}

impl Error {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers and texts are given as they come"
    )]
    pub fn unexpected(what: &'static str, reason: impl ToString) -> Self {
        Self::Unexpected {
            what,
            reason: reason.to_string(),
        }
    }

    /// What a driver said while a database was being opened.
    pub fn opening(database: &str, error: &sqlx::Error) -> Self {
        let database = database.to_owned();
        match error {
            sqlx::Error::Database(inner) => {
                let code = inner.code().unwrap_or_default().into_owned();
                let reason = inner.message().to_owned();
                match code.as_str() {
                    // PostgreSQL: invalid authorization; MySQL: access denied.
                    "28000" | "28P01" | "1045" | "1044" | "1698" => Self::Login {
                        database,
                        reason: format!("authentication failed ({code})"),
                    },
                    // SQLite: file is not a database.
                    "26" => Self::NotADatabase { database, reason: "the file has another format, or is encrypted".to_owned() },
                    "14" => Self::Unreachable { database, reason: "the file cannot be opened (14): it does not exist, or may not be read".to_owned() },
                    _ => Self::Unreachable { database, reason: format!("{reason} ({code})") },
                }
            }
            sqlx::Error::Io(inner) => Self::Unreachable { database, reason: plain_io(inner) },
            sqlx::Error::Tls(_) => Self::Unreachable {
                database,
                reason: "the TLS handshake failed; sslmode / ssl-mode in its URL decides whether TLS is used".to_owned(),
            },
            sqlx::Error::Configuration(_) => Self::Config { reason: format!("the URL of \"{database}\" is not valid") },
            other => Self::Unreachable { database, reason: kind_of(other).to_owned() },
        }
    }
}

fn plain_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            "connection refused, nothing listens there".to_owned()
        }
        std::io::ErrorKind::NotFound => "the socket or file does not exist".to_owned(),
        std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => {
            "the server closed the connection".to_owned()
        }
        kind => format!("{kind}"),
    }
}

const fn kind_of(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Protocol(_) => "the server speaks another protocol than expected",
        sqlx::Error::PoolTimedOut => "no connection in time",
        sqlx::Error::WorkerCrashed => "the driver's worker stopped",
        _ => "the driver could not connect",
    }
}

/// What a driver said while a statement ran.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(inner) => {
                let code = inner.code().unwrap_or_default().into_owned();
                // MySQL keeps the number that people search for apart from the SQLSTATE.
                let number = inner
                    .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
                    .map(|inner| inner.number().to_string());
                let code = number.unwrap_or(code);
                let message = inner.message().trim_end_matches('.').to_owned();
                // What stored code says is its own text, whatever error it gives itself out as.
                let raised = inner
                    .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                    .is_some_and(|inner| inner.r#where().is_some())
                    || matches!(code.as_str(), "1811" | "1644");
                match code.as_str() {
                    _ if raised => Self::Database {
                        message: HIDDEN.to_owned(),
                        code,
                    },
                    "42501" | "1142" | "1143" | "1227" | "1044" => Self::Privilege {
                        reason: format!("{message} ({code})"),
                        grant: "Grant the role what the message names, or ask without that object."
                            .to_owned(),
                    },
                    "57014" | "3024" | "1969" => Self::Database {
                        message: format!("the statement was stopped at its time limit: {message}"),
                        code,
                    },
                    // SQLite: the guard said no.
                    "23" => Self::Refused {
                        reason: format!("the guard of this session does not allow it: {message}"),
                        instead: "Give a literal in the place of what it names, or the statement without it.".to_owned(),
                    },
                    "25006" | "1792" => Self::Refused {
                        reason: format!("the statement would write ({code})"),
                        instead:
                            "Every session here is read-only; use propose_migration for changes."
                                .to_owned(),
                    },
                    "26" => Self::NotADatabase {
                        database: "the file".to_owned(),
                        reason: "it has another format, or is encrypted".to_owned(),
                    },
                    known if speaks_of_names(known, &message, inner.as_ref()) => {
                        Self::Database { message, code }
                    }
                    "42712" => Self::Database {
                        message: "two tables in FROM have the same name: give each an alias of its own".to_owned(),
                        code,
                    },
                    class if ["0A", "3D", "3F", "42"].iter().any(|of_text| class.len() == 5 && class.starts_with(of_text)) => {
                        Self::Database {
                            message: UNSHOWN.to_owned(),
                            code,
                        }
                    }
                    _ => Self::Database {
                        message: HIDDEN.to_owned(),
                        code,
                    },
                }
            }
            sqlx::Error::Io(inner) => Self::Unreachable {
                database: "in use".to_owned(),
                reason: plain_io(&inner),
            },
            sqlx::Error::ColumnDecode { index, source } => {
                Self::unexpected("a catalog column", format!("{index}: {source}"))
            }
            sqlx::Error::ColumnNotFound(name) => {
                Self::unexpected("a catalog column", format!("no column {name}"))
            }
            other => Self::unexpected("an answer", kind_of(&other)),
        }
    }
}

/// Whether an error's text can only speak of the statement, of names and of the server, never of a value in the
/// data. What is not known to be so is hidden.
fn speaks_of_names(code: &str, message: &str, inner: &dyn sqlx::error::DatabaseError) -> bool {
    /// Classes of SQLSTATE: connection, feature, transaction, authorization, catalog and schema names, rollback,
    /// syntax and access, resources, limits, state, operator.
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    const POSTGRES: &[&str] = &["08", "25", "26", "28", "40", "53", "54", "55P03", "57"];
    /// Classes that name what is wrong with a statement, or with a literal in it. While one runs, a value can become such a name, as in a
    /// cast to regclass: only when the error points into the statement's text does it speak of that text.
    const POSTGRES_IN_TEXT: &[&str] = &["0A", "22", "3D", "3F", "42"];
    /// <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>
    const MYSQL: &[&str] = &[
        "1040", "1041", "1044", "1045", "1046", "1049", "1051", "1052", "1053", "1054", "1055",
        "1056", "1057", "1060", "1061", "1064", "1066", "1072", "1075", "1093", "1103", "1104",
        "1109", "1110", "1111", "1115", "1116", "1120", "1128", "1140", "1142", "1143", "1146",
        "1149", "1158", "1159", "1160", "1161", "1163", "1176", "1191", "1203", "1205", "1213",
        "1214", "1221", "1222", "1226", "1227", "1235", "1237", "1239", "1241", "1242", "1247",
        "1248", "1250", "1267", "1268", "1270", "1271", "1272", "1273", "1288", "1295", "1305",
        "1317", "1318", "1345", "1347", "1356", "1370", "1390", "1414", "1415", "1436", "1442",
        "1449", "1463", "1481", "1562", "1577", "1582", "1583", "1584", "1630", "1698", "1792",
        "1815", "1827", "1969", "3024", "3065", "3100", "3572", "3573", "3574", "3576", "3577",
        "3579", "3580", "3581", "3582", "3583", "3593", "3636", "4078",
    ];
    /// How the texts of SQLite's general error begin when they name what is wrong with the statement.
    const SQLITE: &[&str] = &[
        "a GROUP BY",
        "access to ",
        "aggregate",
        "ambiguous column",
        "at most ",
        "cannot ",
        "circular reference",
        "DISTINCT",
        "duplicate",
        "Expression tree",
        "FILTER",
        "frame",
        "HAVING",
        "incomplete input",
        "LIMIT",
        "misuse of",
        "multiple ",
        "near \"",
        "no such",
        "no tables",
        "not authorized",
        "ORDER BY",
        "parser stack",
        "recursive",
        "row value",
        "RIGHT and FULL",
        "sub-select",
        "SELECTs to the left",
        "table ",
        "too many",
        "unable to use function",
        "unknown",
        "unrecognized token",
        "unsafe use",
        "values for",
        "view ",
        "window",
        "wrong number of arguments",
    ];
    let postgres = inner.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
    let inside_a_function = postgres.is_some_and(|inner| inner.r#where().is_some());
    let in_text = postgres.is_some_and(|inner| inner.position().is_some());
    match code {
        // SQLite: general error; other codes have texts of their own, which hold no value.
        "1" => SQLITE.iter().any(|start| message.starts_with(start)),
        _ if code.len() == 5 => {
            !inside_a_function
                && (POSTGRES.iter().any(|class| code.starts_with(class))
                    || in_text && POSTGRES_IN_TEXT.iter().any(|class| code.starts_with(class)))
        }
        _ if code.len() == 4 && code.starts_with(['1', '2', '3', '4']) && MYSQL.contains(&code) => {
            true
        }
        _ => inner
            .try_downcast_ref::<sqlx::sqlite::SqliteError>()
            .is_some(),
    }
}

const UNSHOWN: &str = "the server refused the statement while it ran or planned it; its text is not shown, because it may hold a value from the data";
const HIDDEN: &str = "a value in the statement or in the data made it fail; the server's text is not shown, because it may hold that value";
