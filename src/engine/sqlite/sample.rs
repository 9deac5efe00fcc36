//! The sample database that is served when nothing is configured: a small shop, with enough rows and
//! honest faults to show every tool. Made when it is first asked for, gone with the process.

use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::error::{Error, Result};

const SCHEMA: &str = include_str!("sample.sql");

#[derive(Debug, Default)]
pub struct Sample {
    place: OnceCell<TempDir>,
}

impl Sample {
    /// Where the sample lies; the first call makes it.
    pub async fn path(&self) -> Result<PathBuf> {
        let place = self.place.get_or_try_init(make).await?;
        Ok(place.path().join("sample.sqlite"))
    }
}

async fn make() -> Result<TempDir> {
    let failed = |reason: String| Error::Unreachable {
        database: "sample".to_owned(),
        reason: format!("its temporary file could not be written: {reason}"),
    };
    let place = tempfile::Builder::new()
        .prefix("database-ops-")
        .tempdir()
        .map_err(|error| failed(error.kind().to_string()))?;
    let options = SqliteConnectOptions::new()
        .filename(place.path().join("sample.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .pragma("synchronous", "OFF")
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    connection.close().await?;
    Ok(place)
}
