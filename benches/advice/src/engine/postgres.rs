//! Planner cost, from `EXPLAIN`; HypoPG for indexes that do not exist.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result};
use postgres::{Client, NoTls};

use super::{Engine, IndexName, Work};
use crate::data::Dataset;

pub struct Postgres {
    client: Client,
}

pub fn create(base: &str, name: &str) -> Result<()> {
    let mut client = Client::connect(base, NoTls)?;
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
    client.batch_execute(&format!("CREATE DATABASE {name}"))?;
    Ok(())
}

impl Postgres {
    pub fn connect(url: &str) -> Result<Self> {
        let mut client = Client::connect(url, NoTls)?;
        // Both are extras that a server may lack: without HypoPG nothing is searched, without pg_trgm a set fails.
        for extension in ["hypopg", "pg_trgm"] {
            let _ = client.batch_execute(&format!("CREATE EXTENSION IF NOT EXISTS {extension}"));
        }
        client.batch_execute("SET maintenance_work_mem = '256MB'")?;
        Ok(Self { client })
    }

    fn cost(&mut self, sql: &str) -> Result<f64> {
        let row = self
            .client
            .query_one(&format!("EXPLAIN (FORMAT JSON) {sql}"), &[])?;
        let plan: serde_json::Value = row.try_get(0)?;
        plan.pointer("/0/Plan/Total Cost")
            .and_then(serde_json::Value::as_f64)
            .context("EXPLAIN gave no cost")
    }
}

impl Engine for Postgres {
    fn version(&mut self) -> Result<String> {
        let version: String = self
            .client
            .query_one("SHOW server_version", &[])?
            .try_get(0)?;
        Ok(format!("PostgreSQL {version}"))
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn schema(&self, sql: &str) -> String {
        sql.to_owned()
    }

    fn load(&mut self, dataset: Dataset, table: &'static str, scale: f64) -> Result<()> {
        let copy = format!("COPY {table} FROM STDIN WITH (FORMAT text, DELIMITER '|')");
        let mut writer = self.client.copy_in(&copy)?;
        dataset.rows(table, scale, &mut |line| {
            writer.write_all(line.as_bytes())?;
            Ok(writer.write_all(b"\n")?)
        })?;
        writer.finish()?;
        Ok(())
    }

    fn analyze(&mut self, tables: &[&str]) -> Result<()> {
        for table in tables {
            self.client
                .batch_execute(&format!("VACUUM (ANALYZE) {table}"))?;
        }
        Ok(())
    }

    /// An index on an expression brings statistics of its own; others bring none, and a new sample of the table
    /// would only make the costs waver.
    fn analyze_new(&mut self, new: &[IndexName]) -> Result<()> {
        for (table, name) in new {
            let has =
                "SELECT indexprs IS NOT NULL FROM pg_index WHERE indexrelid = to_regclass($1)";
            if self.client.query_one(has, &[name])?.try_get(0)? {
                self.client.batch_execute(&format!("ANALYZE {table}"))?;
            }
        }
        Ok(())
    }

    fn measure(&mut self, sql: &str) -> Result<Work> {
        Ok(Work {
            amount: self.cost(sql)?,
            capped: false,
            seconds: None,
            reads: None,
        })
    }

    fn indexes(&mut self) -> Result<BTreeMap<IndexName, i64>> {
        let rows = self
            .client
            .query(include_str!("postgres/indexes.sql"), &[])?;
        rows.iter()
            .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)))
            .collect()
    }

    fn drop_index(&mut self, (_, name): &IndexName) -> Result<()> {
        Ok(self
            .client
            .batch_execute(&format!("DROP INDEX IF EXISTS \"{name}\""))?)
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let rows = self
            .client
            .query(include_str!("postgres/columns.sql"), &[&table])?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    fn what_if(&mut self, sql: &str, indexes: &[String]) -> Result<Option<(f64, i64)>> {
        self.client.batch_execute("SELECT hypopg_reset()")?;
        let mut bytes = 0;
        for index in indexes {
            let create = "SELECT hypopg_relation_size(indexrelid) FROM hypopg_create_index($1)";
            // HypoPG knows no GIN: such a set is only ever built.
            let Ok(row) = self.client.query_one(create, &[index]) else {
                self.client.batch_execute("SELECT hypopg_reset()")?;
                return Ok(None);
            };
            bytes += row.try_get::<_, i64>(0)?;
        }
        let cost = self.cost(sql);
        self.client.batch_execute("SELECT hypopg_reset()")?;
        Ok(Some((cost?, bytes)))
    }
}
