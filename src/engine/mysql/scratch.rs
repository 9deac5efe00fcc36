//! A throwaway copy on a `MySQL` or `MariaDB` that may be written to. A schema is a database there: so each has a
//! copy of another name, and statements are sent to those.

mod copy;
mod place;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Flavor, MySql};
use crate::catalog::{Catalog, Table};
use crate::engine::scratch::{Fractions, leaves_out};
use crate::engine::{Built, Explained, Leash, Outcome, Scratch as AnyScratch, Wanted, within};
use crate::error::{Error, Result};
use crate::migration::proof::Snapshot;
use crate::plan::Plan;
use crate::statement::{Dialect, Statement, on_copies, parts, readdress};

#[derive(Debug)]
pub struct Scratch {
    session: MySql,
    made: place::Made,
    /// Tables that may stand before a column, lower case.
    names: BTreeSet<String>,
    limit: Duration,
    description: String,
    /// Whether every object came over.
    whole: bool,
    fractions: Fractions,
    /// The copies that have rows, quoted.
    filled: Vec<String>,
}

impl MySql {
    pub(in crate::engine) async fn scratch(
        &mut self,
        catalog: &Catalog,
        wanted: &Wanted,
    ) -> Result<AnyScratch> {
        let place = place::Place::of(self).await?;
        let mut schemas: Vec<String> = vec![catalog.default_schema.clone()];
        schemas.extend(catalog.tables.iter().map(|table| table.schema.clone()));
        schemas.retain(|schema| !schema.is_empty());
        let mut seen = BTreeSet::new();
        schemas.retain(|schema| seen.insert(schema.clone()));
        let names: BTreeSet<String> = catalog
            .tables
            .iter()
            .map(|table| table.name.to_lowercase())
            .collect();
        let (mut connection, made) = place.make(self.flavor, &schemas).await?;
        for setting in SETTINGS {
            sqlx::raw_sql(*setting).execute(&mut connection).await?;
        }
        let copied =
            copy::copy(self, &mut connection, &made.copies, &names, catalog, wanted).await?;
        let default = made.copies.get(&catalog.default_schema).cloned();
        let mut session = Self {
            connection,
            version: place.version.clone(),
            flavor: self.flavor,
            default_schema: default.unwrap_or_default(),
            account: String::new(),
            allow_literals: false,
            runs_nothing: false,
            trials: None,
            limit: self.limit,
            scratch: self.scratch.clone(),
            // Its end is that of its databases.
            leash: Leash(None),
        };
        session.work_as(self).await?;
        let description = format!(
            "{} with {} rows{}",
            place.what,
            crate::answer::count(copied.rows),
            leaves_out(&copied.left_out)
        );
        let mut scratch = Scratch {
            session,
            made,
            names,
            limit: self.limit,
            description,
            whole: copied.left_out.is_empty(),
            fractions: copied.fractions,
            filled: copied.filled,
        };
        scratch.gather_statistics().await?;
        Ok(AnyScratch::MySql(Box::new(scratch)))
    }

    /// From here on as strict as the live server, and limited.
    async fn work_as(&mut self, live: &mut Self) -> Result<()> {
        const KEPT: &[&str] = &[
            "ERROR_FOR_DIVISION_BY_ZERO",
            "NO_ENGINE_SUBSTITUTION",
            "NO_ZERO_DATE",
            "NO_ZERO_IN_DATE",
            "ONLY_FULL_GROUP_BY",
            "STRICT_ALL_TABLES",
            "STRICT_TRANS_TABLES",
        ];
        let mode: String = sqlx::query_scalar("SELECT CAST(@@GLOBAL.sql_mode AS CHAR)")
            .fetch_one(&mut live.connection)
            .await?;
        let mode: Vec<&str> = mode.split(',').filter(|one| KEPT.contains(one)).collect();
        sqlx::query("SET SESSION sql_mode = ?")
            .bind(mode.join(","))
            .execute(&mut self.connection)
            .await?;
        sqlx::raw_sql("SET SESSION foreign_key_checks = 1, unique_checks = 1, lock_wait_timeout = 5, innodb_lock_wait_timeout = 5")
            .execute(&mut self.connection)
            .await?;
        if !self.default_schema.is_empty() {
            let enter = AssertSqlSafe(format!("USE {}", self.default_schema));
            sqlx::raw_sql(enter).execute(&mut self.connection).await?;
        }
        self.set_limit(self.limit).await
    }
}

/// While rows are copied: as they are, in any order, and into no log where that is allowed.
const SETTINGS: &[&str] =
    &["SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0, unique_checks = 0"];

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

    pub(in crate::engine) async fn run(&mut self, script: &str) -> Result<()> {
        let script = readdress(script, Dialect::MySql, &self.made.copies, &self.names)?;
        for part in parts(&script, Dialect::MySql)? {
            loop {
                let changed = self.send(part.text.clone()).await?;
                if !part.is_batch || changed == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, sql: String) -> Result<u64> {
        let sent = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.session.connection);
        match within(self.limit, sent).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.as_live(error.into())),
        }
    }

    pub(in crate::engine) async fn guard(&mut self, query: &str) -> Result<bool> {
        let query = readdress(query, Dialect::MySql, &self.made.copies, &self.names)?;
        let query = sqlx::query(AssertSqlSafe(query));
        let row = within(
            self.limit,
            query.fetch_optional(&mut self.session.connection),
        )
        .await
        .map_err(|error| self.as_live(error.into()))?;
        Ok(row.is_some())
    }

    pub(in crate::engine) async fn look(&mut self) -> Result<Snapshot> {
        let mut catalog = self.session.catalog().await?;
        let mut snapshot = Snapshot::default();
        let mut counts = Vec::new();
        for table in &mut catalog.tables {
            let name = Dialect::MySql.table(&table.schema, &table.name, "");
            table.schema = self.live_name(&table.schema);
            for key in &mut table.foreign_keys {
                key.referenced_schema = self.live_name(&key.referenced_schema);
            }
            if table.kind.is_entity() {
                counts.push((
                    table.qualified(),
                    format!("SELECT COUNT(*) AS counted FROM {name}"),
                ));
            }
        }
        if !counts.is_empty() {
            let all: Vec<&str> = counts.iter().map(|(_, count)| count.as_str()).collect();
            let all = AssertSqlSafe(all.join(" UNION ALL "));
            let counting = sqlx::raw_sql(all).fetch_all(&mut self.session.connection);
            let rows = within(self.limit, counting).await?;
            for ((table, _), row) in counts.iter().zip(&rows) {
                snapshot.rows.insert(table.clone(), row.try_get(0)?);
            }
        }
        catalog.sort();
        for table in &catalog.tables {
            snapshot.add(table);
        }
        snapshot.schema.sort();
        Ok(snapshot)
    }

    pub(in crate::engine) async fn plan(&mut self, statement: &Statement) -> Result<Plan> {
        let statement = on_copies(statement, &self.made.copies)?;
        let explain = format!("EXPLAIN FORMAT=JSON {}", statement.sql());
        let json = self.session.json(explain).await;
        let json = json.map_err(|error| self.as_live(error))?;
        Ok(self.named_as_live(super::explain::read(&json)?))
    }

    /// A statement that writes is planned only: no server here measures one without keeping what it wrote.
    pub(in crate::engine) async fn analyze(&mut self, statement: &Statement) -> Result<Plan> {
        let plan = self.plan(statement).await?;
        if statement.only_reads() {
            self.measure(statement, plan).await
        } else {
            Ok(plan)
        }
    }

    /// Runs a statement that was planned before; the plan stays where nothing could be measured.
    pub(in crate::engine::mysql) async fn measure(
        &mut self,
        statement: &Statement,
        plan: Plan,
    ) -> Result<Plan> {
        let sent = on_copies(statement, &self.made.copies)?.sql();
        if self.session.flavor == Flavor::MariaDb {
            let json = self
                .session
                .json(format!("ANALYZE FORMAT=JSON {sent}"))
                .await
                .map_err(|error| self.as_live(error))?;
            return Ok(self.named_as_live(super::explain::read(&json)?));
        }
        let mut explained = Explained {
            plan,
            ..Explained::default()
        };
        self.session
            .measure(&sent, &mut explained)
            .await
            .map_err(|error| self.as_live(error))?;
        Ok(self.named_as_live(explained.plan))
    }

    pub(in crate::engine) async fn outcome(&mut self, statement: &Statement) -> Result<Outcome> {
        let sql = on_copies(statement, &self.made.copies)?.sql();
        let connection = &mut self.session.connection;
        sqlx::raw_sql("START TRANSACTION READ ONLY")
            .execute(&mut *connection)
            .await?;
        let read = async {
            let mut outcome = Outcome::default();
            // As text: so it is in both, whatever types the planner gave.
            let mut rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                let mut values: Vec<Option<Vec<u8>>> = Vec::with_capacity(row.len());
                for at in 0..row.len() {
                    values.push(row.try_get_unchecked(at)?);
                }
                let values = values
                    .iter()
                    .map(|value| value.as_ref().map(|value| ("", value.as_slice().into())));
                if outcome.add(values) {
                    break;
                }
            }
            Ok(outcome)
        };
        let outcome = within(self.limit, read).await;
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
        outcome.map_err(|error| self.as_live(error.into()))
    }

    pub(in crate::engine) async fn build(&mut self, create_index: &str) -> Result<Built> {
        let before = self.bytes().await?;
        let started = Instant::now();
        self.run(create_index).await?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        self.gather_statistics().await?;
        let bytes = self.bytes().await? - before;
        Ok(Built { bytes, ms })
    }

    /// All secondary indexes together.
    async fn bytes(&mut self) -> Result<i64> {
        let mut bytes: i64 = 0;
        for copy in self.made.copies.values() {
            let own: i64 = sqlx::query_scalar("SELECT CAST(COALESCE(SUM(INDEX_LENGTH), 0) AS SIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?")
                .bind(copy)
                .fetch_one(&mut self.session.connection)
                .await?;
            bytes += own;
        }
        Ok(bytes)
    }

    /// After rows or indexes came.
    /// The statistics are to come from every page: those of a few would be others each time.
    pub(super) async fn count_every_page(&mut self) -> Result<()> {
        for name in self.filled.clone() {
            self.send(format!("ALTER TABLE {name} STATS_SAMPLE_PAGES = 65535"))
                .await?;
        }
        Ok(())
    }

    pub(super) async fn gather_statistics(&mut self) -> Result<()> {
        let how = match self.session.flavor {
            Flavor::MariaDb => " PERSISTENT FOR ALL",
            Flavor::MySql => "",
        };
        for name in self.filled.clone() {
            self.send(format!("ANALYZE TABLE {name}{how}")).await?;
        }
        Ok(())
    }

    pub(in crate::engine) async fn drop_index(&mut self, table: &Table, name: &str) -> Result<()> {
        let table = place::copied_name(&self.made.copies, &table.schema, &table.name);
        let name = Dialect::MySql.identifier(name);
        self.send(format!("DROP INDEX {name} ON {table}")).await?;
        Ok(())
    }

    /// The live database whose copy this is.
    fn live_name(&self, copy: &str) -> String {
        self.made
            .copies
            .iter()
            .find(|(_, name)| name.as_str() == copy)
            .map_or_else(|| copy.to_owned(), |(live, _)| live.clone())
    }

    /// A text in which the copies have the live databases' names, the longest first.
    fn text_as_live(&self, text: &str) -> String {
        self.made
            .copies
            .iter()
            .rev()
            .fold(text.to_owned(), |text, (live, copy)| {
                text.replace(copy.as_str(), live)
            })
    }

    fn as_live(&self, error: Error) -> Error {
        match error {
            Error::Database { message, code } => Error::Database {
                message: self.text_as_live(&message),
                code,
            },
            other => other,
        }
    }

    fn named_as_live(&self, mut plan: Plan) -> Plan {
        for node in &mut plan.nodes {
            node.schema = self.live_name(&node.schema);
            node.condition = self.text_as_live(&node.condition);
            node.filter = self.text_as_live(&node.filter);
            node.keys = self.text_as_live(&node.keys);
        }
        plan
    }

    pub(in crate::engine) async fn close(self) {
        let connection: MySqlConnection = self.session.connection;
        let ended = sqlx::Connection::close(connection);
        let _ = within(Duration::from_secs(1), ended).await;
        self.made.drop_now().await;
    }
}
