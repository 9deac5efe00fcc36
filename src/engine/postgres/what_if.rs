//! Plans with indexes that are not there, by the `HypoPG` extension where it is installed. Its indexes live
//! in this session's memory and end with it. <https://hypopg.readthedocs.io>

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};

use super::Postgres;
use crate::advice::Abilities;
use crate::advice::uses::Use;
use crate::answer::Skipped;
use crate::catalog::Catalog;
use crate::engine::{Hypothetical, Trials, Tried};
use crate::error::{Error, Result};
use crate::finding::Source;
use crate::statement::{Dialect, Statement};

const SCHEMA_OF_HYPOPG: &str = "SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg'";

impl Postgres {
    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) const fn abilities(&self) -> Abilities {
        Abilities {
            include: true,
            partial: true,
            expressions: true,
            carries_primary_key: false,
            pattern_operators: true,
        }
    }

    pub(in crate::engine) async fn prepare_trials(
        &mut self,
        _statement: &Statement,
        _catalog: &Catalog,
        _uses: &[Use<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        self.use_guarded_path().await?;
        let schema: Option<String> = sqlx::query_scalar(SCHEMA_OF_HYPOPG)
            .fetch_optional(&mut self.connection)
            .await?;
        self.use_search_path().await?;
        let Some(schema) = schema else {
            return Ok(Err(Skipped {
                what: "the plan with the new index".to_owned(),
                why: "PostgreSQL plans with an index that is not there only with the extension HypoPG".to_owned(),
                grant: "CREATE EXTENSION hypopg; (once, by the owner of the database)".to_owned(),
            }));
        };
        self.hypopg = Some(Dialect::Postgres.identifier(&schema));
        Ok(Ok(Trials {
            source: Source::WhatIf,
            how: "planned with hypothetical indexes (HypoPG)".to_owned(),
            unit: "planner's cost",
        }))
    }

    pub(in crate::engine) async fn try_indexes(
        &mut self,
        statement: &Statement,
        indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        let Some(schema) = self.hypopg.clone() else {
            return Err(Error::unexpected("HypoPG", "it is not installed"));
        };
        self.made(format!("SELECT {schema}.hypopg_reset()::pg_catalog.text"))
            .await?;
        let mut names = Vec::new();
        if !indexes.is_empty() {
            // HypoPG reads CREATE INDEX and knows no CONCURRENTLY.
            let definitions: Vec<String> = indexes
                .iter()
                .map(|index| index.sql.replace("CONCURRENTLY ", ""))
                .collect();
            let create = format!(
                "SELECT made.indexname::pg_catalog.text AS name FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[])) WITH ORDINALITY AS wanted(sql, n) CROSS JOIN LATERAL {schema}.hypopg_create_index(wanted.sql) AS made ORDER BY wanted.n"
            );
            for row in sqlx::query(AssertSqlSafe(create))
                .bind(definitions)
                .fetch_all(&mut self.connection)
                .await?
            {
                names.push(row.try_get::<String, _>("name")?);
            }
        }
        let row = self
            .made(format!(
                "EXPLAIN (VERBOSE, FORMAT JSON) {}",
                statement.sql()
            ))
            .await?;
        let json: Value = row.try_get(0)?;
        let plan = super::explain::read(&json)?;
        let used = |name: &String| plan.nodes.iter().any(|node| node.index == *name);
        let used = names
            .iter()
            .enumerate()
            .filter(|(_, name)| used(name))
            .map(|(position, _)| position)
            .collect();
        Ok(Tried {
            cost: plan.cost().unwrap_or(f64::INFINITY),
            used,
            plan,
        })
    }
}
