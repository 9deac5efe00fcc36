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
use crate::plan::Access;
use crate::statement::{Dialect, Statement};

/// Where the extensions are that help here. `HypoPG` knows no inverted indexes: those are weighed by formula.
const EXTENSIONS: &str = include_str!("extensions.sql");

impl Postgres {
    pub(in crate::engine) async fn abilities(&mut self) -> Result<Abilities> {
        self.use_guarded_path().await?;
        let row = sqlx::query(EXTENSIONS)
            .fetch_one(&mut self.connection)
            .await?;
        let hypopg: Option<String> = row.try_get("hypopg")?;
        self.hypopg = hypopg.map(|schema| Dialect::Postgres.identifier(&schema));
        self.use_search_path().await?;
        Ok(Abilities {
            include: true,
            partial: true,
            expressions: true,
            carries_primary_key: false,
            prefix_operators: "text_pattern_ops",
            inverted: true,
            trigrams: row.try_get("trigrams")?,
        })
    }

    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn prepare_trials(
        &mut self,
        _statement: &Statement,
        _catalog: &Catalog,
        _uses: &[Use<'_>],
        _indexes: &[Hypothetical<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        let Some(_) = &self.hypopg else {
            return Ok(Err(Skipped {
                what: "the plan with the new index".to_owned(),
                why: "PostgreSQL plans with an index that is not there only with the extension HypoPG".to_owned(),
                grant: "CREATE EXTENSION hypopg; (once, by the owner of the database)".to_owned(),
            }));
        };
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
        let known = |index: &&Hypothetical<'_>| index.candidate.method.is_empty();
        if indexes.iter().any(|index| known(&index)) {
            // HypoPG reads CREATE INDEX and knows no CONCURRENTLY.
            let definitions: Vec<String> = indexes
                .iter()
                .filter(known)
                .map(|index| index.sql.replace("CONCURRENTLY ", ""))
                .collect();
            let create = format!(
                "SELECT made.indexname::pg_catalog.text AS name FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[])) WITH ORDINALITY AS wanted(sql, n) CROSS JOIN LATERAL {schema}.hypopg_create_index(wanted.sql) AS made ORDER BY wanted.n"
            );
            sqlx::query("SAVEPOINT made")
                .execute(&mut self.connection)
                .await?;
            let made = sqlx::query(AssertSqlSafe(create))
                .bind(definitions)
                .fetch_all(&mut self.connection)
                .await;
            let end = if made.is_ok() {
                "RELEASE SAVEPOINT made"
            } else {
                "ROLLBACK TO SAVEPOINT made"
            };
            sqlx::query(end).execute(&mut self.connection).await?;
            for row in made? {
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
        let mut tried = Tried {
            cost: plan.cost().unwrap_or(f64::INFINITY),
            used: Vec::new(),
            plan,
        };
        let mut names = names.into_iter();
        for (position, index) in indexes.iter().enumerate() {
            let used = if known(&index) {
                let name = names.next().unwrap_or_default();
                let mut used = false;
                for node in tried
                    .plan
                    .nodes
                    .iter_mut()
                    .filter(|node| node.index == name)
                {
                    node.index.clone_from(&index.candidate.name);
                    used = true;
                }
                used
            } else {
                inverted(&mut tried, index)
            };
            if used {
                tried.used.push(position);
            }
        }
        Ok(tried)
    }
}

/// What going into an inverted index takes, for a word and for each row that it finds, in the planner's units: a
/// list is read, then about one page of the table for each row.
const INVERTED_START: f64 = 40.0;
const INVERTED_ROW: f64 = 2.0;

/// Puts the reading of an inverted index in the place of a scan of the whole table, by formula.
fn inverted(tried: &mut Tried, index: &Hypothetical<'_>) -> bool {
    let table = index.candidate.table;
    let Some(serves) = index.candidate.serves.first() else {
        return false;
    };
    // The plan's text of a condition is the server's; what it finds by tells which node is meant.
    let column = serves.key.column().unwrap_or_default();
    let scan = tried.plan.nodes.iter_mut().find(|node| {
        node.relation == table.name
            && node.access == Access::FullScan
            && (column.is_empty() || node.filter.contains(column))
    });
    let Some(node) = scan else { return false };
    let (Some(now), Some(rows)) = (node.cost, node.estimated_rows) else {
        return false;
    };
    let then = INVERTED_START + rows * INVERTED_ROW;
    if then >= now {
        return false;
    }
    node.access = Access::IndexSearch;
    "Bitmap scan of an inverted index".clone_into(&mut node.operation);
    node.index.clone_from(&index.candidate.name);
    node.cost = Some(then);
    let mut above = node.parent;
    tried.cost = (tried.cost - now + then).max(then);
    while let Some(id) = above {
        let Some(node) = tried.plan.nodes.get_mut(id) else {
            break;
        };
        node.cost = node.cost.map(|cost| (cost - now + then).max(then));
        above = node.parent;
    }
    true
}
