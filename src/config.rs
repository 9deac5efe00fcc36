//! Which databases there are. A tool takes a name; only this module and the engines see a URL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};

const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// Everything the server was told at start.
#[derive(Debug, Clone)]
pub struct Config {
    pub databases: Vec<Database>,
    pub persona: Option<PathBuf>,
    /// How long one call may take, whatever the database does.
    pub deadline: Duration,
    /// Whether a role that may write is refused.
    pub require_least_privilege: bool,
}

#[derive(Debug, Clone)]
pub struct Database {
    pub name: String,
    pub target: Target,
    /// Whether literals in other sessions' queries may be shown.
    pub allow_literals: bool,
    pub scratch: ScratchServer,
}

/// Where throwaway copies may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScratchServer {
    /// On this server, which may be written to.
    Named(Secret),
    /// On one that is started for it, from programs in this folder, or from those that are found.
    Started(Option<PathBuf>),
    /// Nothing is to be copied.
    Nowhere,
}

impl Default for ScratchServer {
    fn default() -> Self {
        Self::Started(None)
    }
}

#[derive(Debug, Clone)]
pub enum Target {
    Postgres(Secret),
    MySql(Secret),
    Sqlite(PathBuf),
    /// The embedded database, made when it is first asked for.
    Sample,
}

/// A text that never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// The configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    databases: std::collections::BTreeMap<String, Entry>,
    persona: Option<PathBuf>,
    deadline_seconds: Option<u64>,
    #[serde(default)]
    require_least_privilege: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: Value,
    /// Kept apart from the URL, so that the URL may stand in the open.
    password: Option<Value>,
    #[serde(default)]
    allow_literals: bool,
    scratch_url: Option<Value>,
    scratch_password: Option<Value>,
    /// A folder with the programs of a server.
    scratch_binaries: Option<PathBuf>,
    /// False: nothing is copied anywhere.
    scratch: Option<bool>,
}

/// A value, or where it is kept.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Value {
    Plain(String),
    Elsewhere(Elsewhere),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Elsewhere {
    Env(String),
    File(PathBuf),
}

impl Value {
    fn resolve(self) -> Result<String> {
        match self {
            Self::Plain(text) => match (text.strip_prefix("env:"), text.strip_prefix("@")) {
                (Some(name), _) => from_environment(name),
                (_, Some(path)) => from_file(Path::new(path)),
                _ => Ok(text),
            },
            Self::Elsewhere(Elsewhere::Env(name)) => from_environment(&name),
            Self::Elsewhere(Elsewhere::File(path)) => from_file(&path),
        }
    }
}

fn from_environment(name: &str) -> Result<String> {
    // Whatever else it is, it may be a secret in the wrong place.
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Error::Config {
            reason: "what stands behind env: is not the name of a variable".to_owned(),
        });
    }
    std::env::var(name).map_err(|_| Error::Config {
        reason: format!("the environment variable {name} is not set"),
    })
}

fn from_file(path: &Path) -> Result<String> {
    if path.to_string_lossy().contains("://") {
        return Err(Error::Config {
            reason: "a URL stands in the place of a file's path".to_owned(),
        });
    }
    std::fs::read_to_string(path)
        .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| Error::Config {
            reason: format!(
                "the file {} cannot be read: {}",
                path.display(),
                error.kind()
            ),
        })
}

impl Config {
    /// From `--database` values, else from a file, else from `DATABASE_URL`, else the sample; all that
    /// are given add up, except that the last two only serve when nothing else was given.
    pub fn load(
        arguments: &[String],
        file: Option<&Path>,
        persona: Option<PathBuf>,
    ) -> Result<Self> {
        let mut config = Self {
            databases: Vec::new(),
            persona,
            deadline: DEFAULT_DEADLINE,
            require_least_privilege: false,
        };
        if let Some(path) = file {
            config.read(path)?;
        }
        for argument in arguments {
            config.add(Database::from_argument(argument)?)?;
        }
        if config.databases.is_empty() {
            match std::env::var("DATABASE_URL") {
                Ok(url) if !url.is_empty() => config.add(Database::from_argument(&url)?)?,
                _ => config.add(Database {
                    name: "sample".to_owned(),
                    target: Target::Sample,
                    allow_literals: false,
                    scratch: ScratchServer::default(),
                })?,
            }
        }
        Ok(config)
    }

    fn read(&mut self, path: &Path) -> Result<()> {
        let text = from_file(path)?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).unwrap_or("").lines().count().max(1)
            });
            // It quotes what stands in the wrong place, which may be a URL.
            let said = match error.message().split_once('"') {
                Some((before, rest)) => {
                    let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
                    format!("{before}…{after}")
                }
                None => error.message().to_owned(),
            };
            Error::Config {
                reason: format!("{}, line {line}: {said}", path.display()),
            }
        })?;
        if self.persona.is_none() {
            self.persona = file.persona;
        }
        if let Some(seconds) = file.deadline_seconds {
            if !(1..=600).contains(&seconds) {
                return Err(Error::Config {
                    reason: format!("deadline_seconds is {seconds}; it must be from 1 to 600"),
                });
            }
            self.deadline = Duration::from_secs(seconds);
        }
        self.require_least_privilege = file.require_least_privilege;
        for (name, entry) in file.databases {
            let Entry {
                url,
                password,
                allow_literals,
                scratch_url,
                scratch_password,
                scratch_binaries,
                scratch,
            } = entry;
            let url = url.resolve()?;
            let password = password.map(Value::resolve).transpose()?;
            let target = Target::parse(&url, password.as_deref(), &name)?;
            let scratch = if scratch == Some(false) {
                ScratchServer::Nowhere
            } else if let Some(url) = scratch_url {
                let password = scratch_password.map(Value::resolve).transpose()?;
                ScratchServer::named(&url.resolve()?, password.as_deref(), &name, &target)?
            } else {
                ScratchServer::Started(scratch_binaries)
            };
            self.add(Database {
                name,
                target,
                allow_literals,
                scratch,
            })?;
        }
        Ok(())
    }

    fn add(&mut self, database: Database) -> Result<()> {
        if !is_name(&database.name) {
            return Err(Error::Config {
                reason: format!(
                    "\"{}\" cannot name a database: 1 to 64 letters, digits, '_', '-' or '.'",
                    database.name
                ),
            });
        }
        if self
            .databases
            .iter()
            .any(|known| known.name == database.name)
        {
            return Err(Error::Config {
                reason: format!(
                    "two databases are called \"{}\"; give names with --database NAME=URL",
                    database.name
                ),
            });
        }
        self.databases.push(database);
        Ok(())
    }

    /// Where no scratch server is named, there is none.
    pub fn start_no_scratch(&mut self) {
        for database in &mut self.databases {
            if matches!(database.scratch, ScratchServer::Started(_)) {
                database.scratch = ScratchServer::Nowhere;
            }
        }
    }

    /// A scratch server for a database that is configured already: `[name=]URL`.
    pub fn add_scratch(&mut self, argument: &str) -> Result<()> {
        let (name, url) = match argument.split_once('=') {
            Some((name, url)) if is_name(name) => (name, url),
            _ => ("", argument),
        };
        let url = Value::Plain(url.to_owned()).resolve()?;
        let only = self.databases.len() == 1 && name.is_empty();
        let database = self
            .databases
            .iter_mut()
            .find(|database| only || database.name == name)
            .ok_or_else(|| Error::Config {
                reason: format!(
                    "--scratch names no configured database (\"{name}\"): give --scratch NAME=URL"
                ),
            })?;
        database.scratch = ScratchServer::named(&url, None, &database.name, &database.target)?;
        Ok(())
    }

    /// Texts that must never be seen in an answer, an error or a log.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for database in &self.databases {
            let live = match &database.target {
                Target::Postgres(url) | Target::MySql(url) => Some(url),
                Target::Sqlite(_) | Target::Sample => None,
            };
            let scratch = match &database.scratch {
                ScratchServer::Named(url) => Some(url),
                ScratchServer::Started(_) | ScratchServer::Nowhere => None,
            };
            for url in live.into_iter().chain(scratch) {
                secrets.push(url.reveal().to_owned());
                if let Ok(parsed) = url::Url::parse(url.reveal())
                    && let Some(password) = parsed.password()
                    && password.len() >= 4
                {
                    secrets.push(password.to_owned());
                    secrets.push(percent_decoded(password));
                }
            }
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("p={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(|| text.to_owned(), |(_, value)| value.into_owned())
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

impl Database {
    /// `[name=]URL`; the URL may be `env:VARIABLE` or `@FILE`.
    fn from_argument(argument: &str) -> Result<Self> {
        let (name, url) = match argument.split_once('=') {
            Some((name, url)) if is_name(name) => (Some(name.to_owned()), url),
            _ => (None, argument),
        };
        let url = Value::Plain(url.to_owned()).resolve()?;
        let shown = name.clone().unwrap_or_else(|| "the database".to_owned());
        let target = Target::parse(&url, None, &shown)?;
        let name = name.unwrap_or_else(|| target.default_name());
        Ok(Self {
            name,
            target,
            allow_literals: false,
            scratch: ScratchServer::default(),
        })
    }
}

impl ScratchServer {
    /// It must be of the kind of the database that is copied there.
    fn named(url: &str, password: Option<&str>, name: &str, live: &Target) -> Result<Self> {
        let shown = format!("the scratch server of {name}");
        match (Target::parse(url, password, &shown)?, live) {
            (Target::Postgres(url), Target::Postgres(_))
            | (Target::MySql(url), Target::MySql(_)) => Ok(Self::Named(url)),
            (_, Target::Sqlite(_) | Target::Sample) => Err(Error::Config {
                reason: format!(
                    "{name} needs no scratch server: an SQLite file is copied in memory"
                ),
            }),
            _ => Err(Error::Config {
                reason: format!("{shown} must be a server of the same kind as {name}"),
            }),
        }
    }
}

impl Target {
    fn parse(url: &str, password: Option<&str>, name: &str) -> Result<Self> {
        let scheme = url
            .split_once(':')
            .map_or("", |(scheme, _)| scheme)
            .to_ascii_lowercase();
        let secret = |as_scheme: &str| -> Result<Secret> {
            let mut parsed = url::Url::parse(url).map_err(|error| Error::Config {
                reason: format!("the URL of {name} is not valid: {error}"),
            })?;
            if let Some(password) = password {
                parsed
                    .set_password(Some(password))
                    .map_err(|()| Error::Config {
                        reason: format!("the URL of {name} has no place for a password"),
                    })?;
            }
            let text = parsed.to_string();
            let rest = text.split_once(':').map_or("", |(_, rest)| rest);
            Ok(Secret(format!("{as_scheme}:{rest}")))
        };
        match scheme.as_str() {
            "postgres" | "postgresql" => Ok(Self::Postgres(secret("postgres")?)),
            "mysql" | "mariadb" => Ok(Self::MySql(secret("mysql")?)),
            "sqlite" | "file" => {
                let path = url.split_once(':').map_or(url, |(_, rest)| rest);
                let path = path.strip_prefix("//").unwrap_or(path);
                let path = path.split('?').next().unwrap_or(path);
                Ok(Self::Sqlite(PathBuf::from(percent_decoded_path(path))))
            }
            _ if looks_like_a_file(url) => Ok(Self::Sqlite(PathBuf::from(url))),
            _ => Err(Error::Config {
                reason: format!(
                    "the URL of {name} must start with postgres://, mysql://, mariadb:// or sqlite:, or be the path of an SQLite file"
                ),
            }),
        }
    }

    fn default_name(&self) -> String {
        let from_url = |url: &Secret| {
            url::Url::parse(url.reveal())
                .ok()
                .map(|parsed| parsed.path().trim_matches('/').to_owned())
                .filter(|name| is_name(name))
        };
        match self {
            Self::Postgres(url) => from_url(url).unwrap_or_else(|| "postgres".to_owned()),
            Self::MySql(url) => from_url(url).unwrap_or_else(|| "mysql".to_owned()),
            Self::Sqlite(path) => path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .filter(|name| is_name(name))
                .unwrap_or("sqlite")
                .to_owned(),
            Self::Sample => "sample".to_owned(),
        }
    }
}

fn percent_decoded_path(path: &str) -> String {
    if path.contains('%') {
        percent_decoded(path)
    } else {
        path.to_owned()
    }
}

fn looks_like_a_file(text: &str) -> bool {
    let path = Path::new(text);
    !text.contains("://")
        && (path.is_file()
            || path
                .extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|extension| matches!(extension, "db" | "sqlite" | "sqlite3" | "db3")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_the_url_or_comes_from_it() {
        let named = Database::from_argument("shop=postgres://u:p@h/x?a=b").unwrap();
        assert_eq!(named.name, "shop");
        let unnamed = Database::from_argument("postgres://u:p@h/orders?sslmode=disable").unwrap();
        assert_eq!(unnamed.name, "orders");
        let file = Database::from_argument("/var/lib/app/main.sqlite3").unwrap();
        assert_eq!(file.name, "main");
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        let database = Database::from_argument("shop=postgres://u:hunter22@h/x").unwrap();
        assert!(!format!("{database:?}").contains("hunter22"));
    }

    #[test]
    fn mariadb_is_spoken_to_as_mysql() {
        let Target::MySql(url) = Database::from_argument("mariadb://u@h/x").unwrap().target else {
            panic!()
        };
        assert_eq!(url.reveal(), "mysql://u@h/x");
    }
}
