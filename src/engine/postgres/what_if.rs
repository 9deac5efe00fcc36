//! Plans with indexes that are not there, by the `HypoPG` extension where it is installed. Its indexes live
//! in this session's memory and end with it. <https://hypopg.readthedocs.io>

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};

use super::Postgres;
use super::scratch::Scratch;
use crate::advice::Abilities;
use crate::advice::uses::Use;
use crate::answer::Skipped;
use crate::catalog::Catalog;
use crate::engine::{Hypothetical, Rows, Scratch as AnyScratch, Trials, Tried, Wanted};
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

    pub(in crate::engine) async fn prepare_trials(
        &mut self,
        _statement: &Statement,
        catalog: &Catalog,
        uses: &[Use<'_>],
        indexes: &[Hypothetical<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        if self.hypopg.is_some() {
            return Ok(Ok(Trials {
                source: Source::WhatIf,
                how: "planned with hypothetical indexes (HypoPG)".to_owned(),
                unit: "planner's cost",
                rough: false,
            }));
        }
        let mut tables: Vec<(String, String)> = uses
            .iter()
            .map(|used| (used.table.schema.clone(), used.table.name.clone()))
            .collect();
        tables.sort();
        tables.dedup();
        let scratch = match self.scratch(catalog, &Wanted { tables, rows: ROWS }).await {
            Ok(AnyScratch::Postgres(scratch)) => scratch,
            other => {
                let why = other
                    .err()
                    .map_or_else(String::new, |error| format!(": {error}"));
                return Ok(Err(Skipped {
                    what: "the plan with the new index".to_owned(),
                    why: format!(
                        "PostgreSQL plans with an index that is not there only with the extension HypoPG, and there is no copy to build one on{why}"
                    ),
                    grant: "CREATE EXTENSION hypopg; (once, by the owner of the database)"
                        .to_owned(),
                }));
            }
        };
        self.use_search_path().await?;
        let how = format!(
            "planned on {}, with the indexes really built",
            scratch.description()
        );
        let mut trial = Trial {
            scratch,
            built: Vec::new(),
        };
        for index in indexes.iter().take(MOST_BUILT) {
            // HypoPG's way and this one alike: nobody else is there to be stopped.
            let sql = index.sql.replace("CONCURRENTLY ", "");
            if trial.scratch.run(&sql).await.is_ok() {
                trial.built.push(quoted(index));
            }
        }
        trial.scratch.run("VACUUM (ANALYZE)").await?;
        self.trial = Some(Box::new(trial));
        Ok(Ok(Trials {
            source: Source::WhatIf,
            how,
            unit: "planner's cost on the sample",
            rough: false,
        }))
    }

    pub(super) async fn end_trials(&mut self) {
        if let Some(trial) = self.trial.take() {
            trial.scratch.close().await;
        }
    }

    pub(in crate::engine) async fn try_indexes(
        &mut self,
        statement: &Statement,
        indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        let Some(schema) = self.hypopg.clone() else {
            return match &mut self.trial {
                Some(trial) => trial.run(statement, indexes).await,
                None => Err(Error::unexpected(
                    "a trial",
                    "there is neither HypoPG nor a copy",
                )),
            };
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

/// Without `HypoPG`: a copy on which all indexes are really there, and gone for a moment when they are not asked for.
#[derive(Debug)]
pub(super) struct Trial {
    scratch: Box<Scratch>,
    /// Names, with their schema and quoted.
    built: Vec<String>,
}

/// Rows of each table on the copy.
const ROWS: Rows = Rows::About(20_000);
const MOST_BUILT: usize = 150;

impl Trial {
    async fn run(&mut self, statement: &Statement, indexes: &[Hypothetical<'_>]) -> Result<Tried> {
        let names: Vec<String> = indexes.iter().map(quoted).collect();
        if names.iter().any(|name| !self.built.contains(name)) {
            return Err(Error::unexpected("a trial", "the index could not be built"));
        }
        let hidden: Vec<String> = self
            .built
            .iter()
            .filter(|name| !names.contains(name))
            .cloned()
            .collect();
        let plan = self.scratch.plan_without(statement, &hidden).await?;
        let used = indexes
            .iter()
            .enumerate()
            .filter(|(_, index)| {
                let name = &index.candidate.name;
                plan.nodes.iter().any(|node| node.index == *name)
            })
            .map(|(position, _)| position)
            .collect();
        Ok(Tried {
            cost: plan.cost().unwrap_or(f64::INFINITY),
            used,
            plan,
        })
    }
}

fn quoted(index: &Hypothetical<'_>) -> String {
    let candidate = index.candidate;
    Dialect::Postgres.table(&candidate.table.schema, &candidate.name, "")
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
