//! The databases that cases run on. Each gets a database of its own, filled from a fixture.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::OnceLock;

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;

/// A place where a case runs.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) engine: &'static str,
    pub(crate) url: String,
}

struct Server {
    name: &'static str,
    engine: &'static str,
    variable: &'static str,
}

const SERVERS: &[Server] = &[
    Server {
        name: "postgresql-15",
        engine: "postgresql",
        variable: "POSTGRES_15_TEST_URL",
    },
    Server {
        name: "postgresql-18",
        engine: "postgresql",
        variable: "POSTGRES_18_TEST_URL",
    },
    Server {
        name: "mysql",
        engine: "mysql",
        variable: "MYSQL_TEST_URL",
    },
    Server {
        name: "mariadb",
        engine: "mariadb",
        variable: "MARIADB_TEST_URL",
    },
];

/// The runtime on which tests speak to servers themselves.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            sqlx::any::install_default_drivers();
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap()
        })
        .block_on(work)
}

/// A fresh database called `name`, filled with the shop, on every engine that is there.
pub(crate) fn everywhere(name: &str) -> Vec<Place> {
    let mut places = servers(name);
    places.push(sqlite(name));
    places
}

/// The same without SQLite.
pub(crate) fn servers(name: &str) -> Vec<Place> {
    SERVERS
        .iter()
        .filter_map(|server| on_server(server, name))
        .collect()
}

/// One of them, by its name.
pub(crate) fn one(server: &str, name: &str) -> Place {
    let server = SERVERS.iter().find(|known| known.name == server).unwrap();
    on_server(server, name).unwrap()
}

fn on_server(server: &Server, name: &str) -> Option<Place> {
    let Ok(base) = std::env::var(server.variable) else {
        assert!(
            std::env::var_os("DATABASE_OPS_ALL_SERVERS").is_none(),
            "{} is not set",
            server.variable
        );
        eprintln!("left out: {} ({} is not set)", server.name, server.variable);
        return None;
    };
    let mut url = url::Url::from_str(&base).unwrap();
    let (reset, fixture) = if server.engine == "postgresql" {
        (
            vec![
                format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                format!("CREATE DATABASE {name}"),
            ],
            "shop.postgres.sql",
        )
    } else {
        (
            vec![
                format!("DROP DATABASE IF EXISTS {name}"),
                format!("CREATE DATABASE {name}"),
            ],
            "shop.mysql.sql",
        )
    };
    for statement in reset {
        run(&base, &statement);
    }
    url.set_path(name);
    run(url.as_str(), &fixture_text(fixture));
    Some(Place {
        name: server.name,
        engine: server.engine,
        url: url.into(),
    })
}

/// A file of its own in a folder that goes away with the process.
pub(crate) fn sqlite(name: &str) -> Place {
    let path = folder().join(format!("{name}.sqlite"));
    let _ = std::fs::remove_file(&path);
    std::fs::File::create(&path).unwrap();
    let url = format!("sqlite:{}", path.display());
    run(&url, &fixture_text("shop.sqlite.sql"));
    Place {
        name: "sqlite",
        engine: "sqlite",
        url,
    }
}

pub(crate) fn folder() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| TempDir::new().unwrap())
        .path()
        .to_owned()
}

pub(crate) fn fixture_text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

pub(crate) async fn connect(url: &str) -> AnyConnection {
    AnyConnection::connect(url).await.unwrap()
}

/// Runs a script as the owner of the database.
pub(crate) fn run(url: &str, script: &str) {
    block_on(async {
        let mut connection = connect(url).await;
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
            .execute(&mut connection)
            .await
        {
            panic!("{error}: {script}");
        }
        connection.close().await.unwrap();
    });
}

/// One number, straight from the database.
pub(crate) fn number(url: &str, query: &str) -> i64 {
    block_on(async {
        let mut connection = connect(url).await;
        let number = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_one(&mut connection)
            .await;
        connection.close().await.unwrap();
        number.unwrap_or_else(|error| panic!("{error}: {query}"))
    })
}

impl Place {
    /// The name of its database on the server.
    pub(crate) fn database(&self) -> String {
        url::Url::parse(&self.url)
            .unwrap()
            .path()
            .trim_start_matches('/')
            .to_owned()
    }

    /// The arguments that configure the server with this place alone, called `shop`.
    pub(crate) fn arguments(&self) -> [String; 2] {
        ["--database".to_owned(), format!("shop={}", self.url)]
    }

    /// The URL by which its server may be named as scratch: of a role that may make databases and no more.
    pub(crate) fn scratch(&self) -> String {
        let mut server = url::Url::from_str(&self.url).unwrap();
        if self.engine != "postgresql" {
            server.set_path("");
            return server.into();
        }
        server.set_path("postgres");
        run(
            server.as_str(),
            "DO $$ BEGIN CREATE ROLE scratch_it LOGIN CREATEDB PASSWORD 'for-scratch-only'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        );
        server.set_username("scratch_it").unwrap();
        server.set_password(Some("for-scratch-only")).unwrap();
        server.into()
    }

    pub(crate) fn client(&self) -> crate::client::Client {
        let arguments = self.arguments();
        crate::client::Client::start(&[&arguments[0], &arguments[1]])
    }
}
