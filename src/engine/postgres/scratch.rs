//! A throwaway copy on a `PostgreSQL` that may be written to: a database of its own, with the same schemas.

mod copy;
mod place;

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, ValueRef as _};

use super::Postgres;
use crate::catalog::{Catalog, Table};
use crate::engine::scratch::{Fractions, leaves_out};
use crate::engine::{
    Built, CONNECT, Leash, Outcome, Scratch as AnyScratch, Version, Wanted, within,
};
use crate::error::Result;
use crate::migration::proof::Snapshot;
use crate::plan::Plan;
use crate::statement::{Dialect, Statement, parts};

const LIVE: &str = include_str!("scratch/live.sql");
const SETTINGS: &str = include_str!("scratch/settings.sql");

#[derive(Debug)]
pub struct Scratch {
    session: Postgres,
    made: place::Made,
    limit: Duration,
    description: String,
    /// Whether every object came over.
    whole: bool,
    fractions: Fractions,
}

impl Postgres {
    pub(in crate::engine) async fn scratch(
        &mut self,
        catalog: &Catalog,
        wanted: &Wanted,
    ) -> Result<AnyScratch> {
        let place = place::Place::of(self).await?;
        self.use_guarded_path().await?;
        let row = sqlx::query(LIVE).fetch_one(&mut self.connection).await?;
        let (encoding, collate, ctype): (String, String, String) = (
            row.try_get("encoding")?,
            row.try_get("collate")?,
            row.try_get("ctype")?,
        );
        // Until somebody is connected to it, another process may take it for one that was left behind.
        let mut tries = 0;
        let (made, connection) = loop {
            let made = place.make(&encoding, &collate, &ctype).await?;
            match within(CONNECT, PgConnection::connect_with(&made.options)).await {
                Ok(connection) => break (made, connection),
                Err(sqlx::Error::Database(error))
                    if error.code().as_deref() == Some("3D000") && tries < 5 =>
                {
                    tries += 1;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let mut session = Self {
            connection,
            version: Version::parse(""),
            search_path: String::new(),
            jit: self.jit.clone(),
            default_schema: self.default_schema.clone(),
            allow_literals: false,
            runs_nothing: false,
            hypopg: None,
            trial: None,
            limit: self.limit,
            scratch: self.scratch.clone(),
            // It ends with its database.
            leash: Leash(None),
        };
        let version: String =
            sqlx::query_scalar("SELECT pg_catalog.current_setting('server_version')")
                .fetch_one(&mut session.connection)
                .await?;
        session.version = Version::parse(&version);
        let copied = {
            session.prepare(self).await?;
            let copied = copy::copy(self, &mut session.connection, catalog, wanted).await?;
            session.look_up_as(self).await?;
            copied
        };
        let description = format!(
            "{} with {} rows{}",
            place.what,
            crate::answer::count(copied.rows),
            leaves_out(&copied.left_out)
        );
        Ok(AnyScratch::Postgres(Box::new(Scratch {
            session,
            made,
            limit: self.limit,
            description,
            whole: copied.left_out.is_empty(),
            fractions: copied.fractions,
        })))
    }

    /// The limits of the session on scratch, and the planner set as on the live server.
    async fn prepare(&mut self, live: &mut Self) -> Result<()> {
        let limit = live.limit.as_millis();
        let limits = format!(
            "SET search_path = pg_catalog, pg_temp; SET statement_timeout = {limit}; SET lock_timeout = '5s'; SET client_min_messages = error; SET standard_conforming_strings = on"
        );
        sqlx::raw_sql(AssertSqlSafe(limits))
            .execute(&mut self.connection)
            .await?;
        for row in live.rows(SETTINGS).await? {
            // One that this version does not know changes little.
            let _ = sqlx::query("SELECT pg_catalog.set_config($1, $2, false)")
                .bind(row.try_get::<String, _>("name")?)
                .bind(row.try_get::<String, _>("setting")?)
                .execute(&mut self.connection)
                .await;
        }
        Ok(())
    }

    /// From here on names are looked up, and statements compiled, as on the live server.
    async fn look_up_as(&mut self, live: &mut Self) -> Result<()> {
        live.use_search_path().await?;
        let schemas: Vec<String> = sqlx::query_scalar(
            "SELECT s::text FROM unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS u(s, position) ORDER BY position",
        )
        .fetch_all(&mut live.connection)
        .await?;
        live.use_guarded_path().await?;
        let path: Vec<String> = schemas
            .iter()
            .map(|schema| Dialect::Postgres.identifier(schema))
            .collect();
        sqlx::query(
            "SELECT pg_catalog.set_config('search_path', $1, false), pg_catalog.set_config('jit', $2, false)",
        )
        .bind(path.join(", "))
        .bind(live.jit.clone())
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

impl Scratch {
    pub(in crate::engine) fn description(&self) -> &str {
        &self.description
    }

    pub(in crate::engine) const fn is_whole(&self) -> bool {
        self.whole
    }

    pub(in crate::engine) fn fraction(&self, table: &Table) -> f64 {
        self.fractions.of(table)
    }

    /// One statement after the other, each in a transaction of its own, as `psql` runs a file: some may not stand in
    /// one together.
    pub(in crate::engine) async fn run(&mut self, script: &str) -> Result<()> {
        for part in parts(script, Dialect::Postgres)? {
            loop {
                let ran = within(
                    self.limit,
                    sqlx::raw_sql(AssertSqlSafe(part.text.clone()))
                        .execute(&mut self.session.connection),
                )
                .await;
                if ran.is_err() {
                    let _ = sqlx::query("ROLLBACK")
                        .execute(&mut self.session.connection)
                        .await;
                }
                let changed = ran?.rows_affected();
                if !part.is_batch || changed == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    pub(in crate::engine) async fn guard(&mut self, query: &str) -> Result<bool> {
        let query = sqlx::query(AssertSqlSafe(query.to_owned()));
        let row = within(
            self.limit,
            query.fetch_optional(&mut self.session.connection),
        )
        .await?;
        Ok(row.is_some())
    }

    pub(in crate::engine) async fn look(&mut self) -> Result<Snapshot> {
        // Names are written out as on the live session, which finds only the server's own.
        let path: String = sqlx::query_scalar("SELECT pg_catalog.current_setting('search_path')")
            .fetch_one(&mut self.session.connection)
            .await?;
        sqlx::raw_sql("SET search_path = pg_catalog, pg_temp")
            .execute(&mut self.session.connection)
            .await?;
        let catalog = self.session.catalog().await;
        sqlx::query("SELECT pg_catalog.set_config('search_path', $1, false)")
            .bind(path)
            .execute(&mut self.session.connection)
            .await?;
        let mut catalog = catalog?;
        catalog.sort();
        let mut snapshot = Snapshot::default();
        for table in &catalog.tables {
            snapshot.add(table);
            if table.kind.is_entity() {
                let name = Dialect::Postgres.table(&table.schema, &table.name, "");
                let count = AssertSqlSafe(format!("SELECT count(*) FROM {name}"));
                let rows: i64 = within(
                    self.limit,
                    sqlx::query_scalar(count).fetch_one(&mut self.session.connection),
                )
                .await?;
                snapshot.rows.insert(table.qualified(), rows);
            }
        }
        snapshot.schema.sort();
        Ok(snapshot)
    }

    pub(in crate::engine) async fn plan(&mut self, statement: &Statement) -> Result<Plan> {
        self.explain("VERBOSE, FORMAT JSON", statement).await
    }

    pub(in crate::engine) async fn analyze(&mut self, statement: &Statement) -> Result<Plan> {
        self.explain("ANALYZE, BUFFERS, VERBOSE, FORMAT JSON", statement)
            .await
    }

    /// The same as if these indexes were not there: they come back when the transaction is rolled back.
    pub(super) async fn plan_without(
        &mut self,
        statement: &Statement,
        indexes: &[String],
    ) -> Result<Plan> {
        let explain = format!("EXPLAIN (VERBOSE, FORMAT JSON) {}", statement.sql());
        let connection = &mut self.session.connection;
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        let dropped = if indexes.is_empty() {
            Ok(())
        } else {
            let drop = AssertSqlSafe(format!("DROP INDEX {}", indexes.join(", ")));
            let dropped = within(self.limit, sqlx::query(drop).execute(&mut *connection)).await;
            dropped.map(|_| ())
        };
        let row = match dropped {
            Ok(()) => {
                let explain = sqlx::query(AssertSqlSafe(explain));
                within(self.limit, explain.fetch_one(&mut *connection)).await
            }
            Err(error) => Err(error),
        };
        sqlx::query("ROLLBACK").execute(connection).await?;
        let json: serde_json::Value = row?.try_get(0)?;
        super::explain::read(&json)
    }

    async fn explain(&mut self, options: &str, statement: &Statement) -> Result<Plan> {
        let connection = &mut self.session.connection;
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        let sql = AssertSqlSafe(format!("EXPLAIN ({options}) {}", statement.sql()));
        let row = within(self.limit, sqlx::query(sql).fetch_one(&mut *connection)).await;
        sqlx::query("ROLLBACK").execute(connection).await?;
        let json: serde_json::Value = row?.try_get(0)?;
        super::explain::read(&json)
    }

    pub(in crate::engine) async fn outcome(&mut self, statement: &Statement) -> Result<Outcome> {
        let connection = &mut self.session.connection;
        sqlx::query("BEGIN READ ONLY")
            .execute(&mut *connection)
            .await?;
        let read = async {
            let mut outcome = Outcome::default();
            // As text: so it is in both, whatever types the planner gave.
            let mut rows = sqlx::raw_sql(AssertSqlSafe(statement.sql())).fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                let mut values = Vec::with_capacity(row.len());
                for at in 0..row.len() {
                    values.push(row.try_get_raw(at)?);
                }
                let values = values.iter().map(|value| {
                    let bytes = value.as_bytes().unwrap_or_default();
                    (!value.is_null()).then(|| ("", bytes.into()))
                });
                if outcome.add(values) {
                    break;
                }
            }
            Ok(outcome)
        };
        let outcome = within(self.limit, read).await;
        sqlx::query("ROLLBACK").execute(connection).await?;
        Ok(outcome?)
    }

    pub(in crate::engine) async fn build(&mut self, create_index: &str) -> Result<Built> {
        let before = self.bytes().await?;
        let started = Instant::now();
        self.run(create_index).await?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let bytes = self.bytes().await? - before;
        // Of an expression it keeps statistics.
        self.run("ANALYZE").await?;
        Ok(Built { bytes, ms })
    }

    /// All indexes together.
    async fn bytes(&mut self) -> Result<i64> {
        Ok(sqlx::query_scalar(
            "SELECT COALESCE(sum(pg_catalog.pg_relation_size(c.oid)), 0)::int8 FROM pg_catalog.pg_class c WHERE c.relkind = 'i' AND c.oid >= 16384",
        )
        .fetch_one(&mut self.session.connection)
        .await?)
    }

    pub(in crate::engine) async fn drop_index(&mut self, table: &Table, name: &str) -> Result<()> {
        let name = Dialect::Postgres.table(&table.schema, name, "");
        self.run(&format!("DROP INDEX {name}")).await
    }

    pub(in crate::engine) async fn close(self) {
        let _ = within(Duration::from_secs(1), self.session.connection.close()).await;
        self.made.drop_now().await;
    }
}
