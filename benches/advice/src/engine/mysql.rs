//! The clock, in real runs: on MySQL the planner's cost falls for indexes that make a query slower, and so does the
//! number of rows read, for it counts a row fetched through an index like one of a scan. The handler's counters say it.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use mysql::prelude::Queryable;
use mysql::{Conn, LocalInfileHandler, Opts, OptsBuilder};

use super::{Engine, IndexName, Kind, Work};
use crate::data::Dataset;

/// Where a run is stopped.
const SECONDS: f64 = 15.0;

pub struct Mysql {
    conn: Conn,
    kind: Kind,
    limit: f64,
}

pub fn create(base: &str, name: &str) -> Result<()> {
    let mut conn = open(base)?;
    conn.query_drop("SET GLOBAL local_infile = 1")?;
    conn.query_drop(format!("DROP DATABASE IF EXISTS {name}"))?;
    conn.query_drop(format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"))?;
    Ok(())
}

fn open(url: &str) -> Result<Conn> {
    Ok(Conn::new(
        OptsBuilder::from_opts(Opts::from_url(url)?).prefer_socket(false),
    )?)
}

impl Mysql {
    pub fn connect(kind: Kind, url: &str) -> Result<Self> {
        Ok(Self {
            conn: open(url)?,
            kind,
            limit: SECONDS,
        })
    }

    fn stop_after(&mut self, seconds: f64) -> Result<()> {
        Ok(self.conn.query_drop(match self.kind {
            Kind::Mariadb => format!("SET SESSION max_statement_time = {seconds:.3}"),
            _ => format!("SET SESSION max_execution_time = {:.0}", seconds * 1_000.0),
        })?)
    }

    /// The rows read, and whether the time was over before the end.
    fn run(&mut self, sql: &str) -> Result<(f64, bool)> {
        let before = self.reads()?;
        let outcome = self.conn.query_drop(sql);
        let amount = self.reads()? - before;
        match outcome {
            Ok(()) => Ok((amount, false)),
            // MySQL's code for it, MariaDB's, and the one for an interruption.
            Err(mysql::Error::MySqlError(e)) if matches!(e.code, 3024 | 1969 | 1317) => {
                Ok((amount, true))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn reads(&mut self) -> Result<f64> {
        let rows: Vec<(String, u64)> = self
            .conn
            .query("SHOW SESSION STATUS LIKE 'Handler_read_%'")?;
        // `Handler_read_*_deleted` and `_retry` are MariaDB's notes on reads counted already.
        let counted = rows
            .iter()
            .filter(|(name, _)| !name.ends_with("_deleted") && !name.ends_with("_retry"));
        Ok(counted.map(|(_, n)| *n as f64).sum())
    }
}

impl Engine for Mysql {
    fn version(&mut self) -> Result<String> {
        let version: Option<String> = self.conn.query_first("SELECT version()")?;
        Ok(format!("Version {}", version.unwrap_or_default()))
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        Ok(self.conn.query_drop(sql)?)
    }

    fn schema(&self, sql: &str) -> String {
        sql.replace("JSONB", "JSON")
            .replace(" TIMESTAMP", " DATETIME")
    }

    fn load(&mut self, dataset: Dataset, table: &'static str, scale: f64) -> Result<()> {
        self.conn
            .set_local_infile_handler(Some(LocalInfileHandler::new(move |_, writer| {
                let mut writer = std::io::BufWriter::with_capacity(1 << 20, writer);
                dataset
                    .rows(table, scale, &mut |line| {
                        writer.write_all(line.as_bytes())?;
                        Ok(writer.write_all(b"\n")?)
                    })
                    .map_err(std::io::Error::other)?;
                writer.flush()
            })));
        self.conn.query_drop("SET unique_checks = 0")?;
        self.conn.query_drop(format!(
            "LOAD DATA LOCAL INFILE 'rows' INTO TABLE {table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY '|'"
        ))?;
        Ok(())
    }

    fn analyze(&mut self, tables: &[&str]) -> Result<()> {
        Ok(self
            .conn
            .query_drop(format!("ANALYZE TABLE {}", tables.join(", ")))?)
    }

    /// Building an index samples it.
    fn analyze_new(&mut self, _new: &[IndexName]) -> Result<()> {
        Ok(())
    }

    fn limit(&mut self, seconds: f64) -> Result<()> {
        self.limit = seconds.min(SECONDS);
        Ok(())
    }

    fn measure(&mut self, sql: &str) -> Result<Work> {
        self.stop_after(self.limit)?;
        let outcome = super::timed(|| self.run(sql));
        // Zero is for ever: an index may take its time.
        self.stop_after(0.0)?;
        let (reads, capped, seconds) = outcome?;
        Ok(Work {
            amount: seconds * 1_000.0,
            capped: capped || seconds >= self.limit,
            seconds: Some(seconds),
            reads: Some(reads),
        })
    }

    fn indexes(&mut self) -> Result<BTreeMap<IndexName, i64>> {
        let rows: Vec<(String, String, i64)> =
            self.conn.query(include_str!("mysql/indexes.sql"))?;
        Ok(rows
            .into_iter()
            .map(|(table, name, bytes)| ((table, name), bytes))
            .collect())
    }

    fn drop_index(&mut self, (table, name): &IndexName) -> Result<()> {
        Ok(self
            .conn
            .query_drop(format!("ALTER TABLE {table} DROP INDEX `{name}`"))?)
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        Ok(self
            .conn
            .exec(include_str!("mysql/columns.sql"), (table,))?)
    }
}
