//! Indexes that are not there are built on a scratch copy with a sample of the rows, where the statement is really
//! run with some of them and without the others. That the planner uses an index says nothing here: it prices one
//! that finds half of a table far below reading all of it. <https://dev.mysql.com/doc/refman/8.4/en/index-hints.html>

use std::collections::BTreeMap;

use super::scratch::Scratch;
use super::{Flavor, MySql};
use crate::advice::Abilities;
use crate::advice::scale::Scale;
use crate::advice::uses::Use;
use crate::answer::Skipped;
use crate::catalog::{Catalog, Table};
use crate::engine::{Hypothetical, Rows, Scratch as AnyScratch, Trials, Tried, Wanted};
use crate::error::{Error, Result};
use crate::finding::Source;
use crate::plan::Plan;
use crate::statement::Statement;

/// Rows of each table on the copy.
const ROWS: Rows = Rows::InProportion(20_000);
/// Indexes that are built on one table: the server takes 64, those that are there already among them.
const MOST: usize = 40;
/// Rows to handle above which a trial is planned and not run.
const MOST_WORK: f64 = 3_000_000.0;

const MEMORY: &str = include_str!("memory.sql");

/// So many times as much may come as a planner expects.
const FAR_OFF: f64 = 5.0;

/// The tables of a statement, each once.
fn uses_of<'a>(uses: &[Use<'a>]) -> impl Iterator<Item = &'a Table> {
    let mut tables: Vec<&Table> = Vec::new();
    for used in uses {
        if !tables.iter().any(|known| std::ptr::eq(*known, used.table)) {
            tables.push(used.table);
        }
    }
    tables.into_iter()
}

/// The copy, and the indexes that were built on it.
#[derive(Debug)]
pub(super) struct Trial {
    scratch: Scratch,
    /// By table, in lower case.
    built: BTreeMap<String, Vec<String>>,
    /// What was measured, by what the planner meant to do: sets that it treats alike are run once.
    measured: BTreeMap<String, Plan>,
    scale: Scale,
    /// How the live server would run the statement as it is.
    live: Plan,
}

impl MySql {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn abilities(&mut self) -> Result<Abilities> {
        Ok(Abilities {
            partial: false,
            expressions: self.flavor == Flavor::MySql,
            carries_primary_key: true,
            ..Abilities::default()
        })
    }

    pub(in crate::engine) async fn prepare_trials(
        &mut self,
        statement: &Statement,
        catalog: &Catalog,
        uses: &[Use<'_>],
        indexes: &[Hypothetical<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        let skipped = |why: String| {
            Ok(Err(Skipped {
                what: "the plan with the new index".to_owned(),
                why,
                grant: String::new(),
            }))
        };
        if !statement.only_reads() {
            return skipped("a statement that writes is not run on a copy".to_owned());
        }
        let tables: Vec<(String, String)> = uses_of(uses)
            .map(|table| (table.schema.clone(), table.name.clone()))
            .collect();
        let scratch = match self.scratch(catalog, &Wanted { tables, rows: ROWS }).await {
            Ok(AnyScratch::MySql(scratch)) => *scratch,
            Ok(_) => return skipped("its copy is on another engine".to_owned()),
            Err(error) => {
                return skipped(format!(
                    "this server knows no hypothetical indexes, and there is no copy to build them on: {error}"
                ));
            }
        };
        let how = format!("built and run on {}", scratch.description());
        let memory: u64 = sqlx::query_scalar(MEMORY)
            .fetch_one(&mut self.connection)
            .await?;
        let fraction = |table: &Table| scratch.fraction(table);
        let live = self.explain(statement, false).await?.plan;
        let mut trial = Trial {
            live,
            scale: Scale::new(uses, statement.limit(), memory, fraction),
            scratch,
            built: BTreeMap::new(),
            measured: BTreeMap::new(),
        };
        trial.build(indexes).await?;
        self.trials = Some(Box::new(trial));
        Ok(Ok(Trials {
            source: Source::MeasuredOnScratch,
            how,
            unit: "rows visited, weighted, from those on the sample",
            rough: true,
        }))
    }

    pub(in crate::engine) async fn try_indexes(
        &mut self,
        statement: &Statement,
        indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        match &mut self.trials {
            Some(trial) => trial.run(statement, indexes).await,
            None => Err(Error::unexpected("a trial", "there is no scratch copy")),
        }
    }

    pub(super) async fn end_trials(&mut self) {
        if let Some(trial) = self.trials.take() {
            trial.scratch.close().await;
        }
    }
}

impl Trial {
    /// All at once, so that each table is read once; one that the server does not take is left out.
    async fn build(&mut self, indexes: &[Hypothetical<'_>]) -> Result<()> {
        let mut of_table: BTreeMap<String, Vec<&Hypothetical<'_>>> = BTreeMap::new();
        for index in indexes {
            let table = index.candidate.table.name.to_lowercase();
            of_table.entry(table).or_default().push(index);
        }
        for (table, own) in of_table {
            let own: Vec<&Hypothetical<'_>> = own.into_iter().take(MOST).collect();
            let together = own.iter().filter_map(|index| addition(&index.sql));
            let together: Vec<&str> = together.collect();
            let whole = own.first().and_then(|index| {
                let (alter, _) = index.sql.split_once(" ADD ")?;
                Some(format!("{alter} ADD {}", together.join(", ADD ")))
            });
            let mut names = Vec::new();
            let all = match whole {
                Some(sql) => self.scratch.run(&sql).await.is_ok(),
                None => false,
            };
            for index in own {
                if all || self.scratch.run(&index.sql).await.is_ok() {
                    names.push(index.candidate.name.clone());
                }
            }
            self.built.insert(table, names);
        }
        self.scratch.count_every_page().await?;
        self.scratch.gather_statistics().await
    }

    /// An index that is not used changes what the planner expects, and with it the plan; such a gain is none of the
    /// index's. So the statement is run with those alone that it used.
    async fn run(&mut self, statement: &Statement, indexes: &[Hypothetical<'_>]) -> Result<Tried> {
        let mut positions: Vec<usize> = (0..indexes.len()).collect();
        loop {
            let kept: Vec<&Hypothetical<'_>> = positions
                .iter()
                .filter_map(|position| indexes.get(*position))
                .collect();
            let tried = self.once(statement, &kept).await?;
            let used: Vec<usize> = tried
                .used
                .iter()
                .filter_map(|place| positions.get(*place).copied())
                .collect();
            // The ends of an index are read while planning, and no plan names it.
            let read_none = tried.plan.nodes.iter().all(|node| node.relation.is_empty());
            if read_none {
                return Ok(Tried {
                    used: positions,
                    ..tried
                });
            }
            if used.len() == positions.len() {
                return Ok(Tried { used, ..tried });
            }
            positions = used;
        }
    }

    async fn once(
        &mut self,
        statement: &Statement,
        indexes: &[&Hypothetical<'_>],
    ) -> Result<Tried> {
        let mut ignored = self.built.clone();
        for index in indexes {
            let name = &index.candidate.name;
            let own = ignored.get_mut(&index.candidate.table.name.to_lowercase());
            let Some(own) = own.filter(|own| own.contains(name)) else {
                return Err(Error::unexpected("a trial", "the index could not be built"));
            };
            own.retain(|other| other != name);
        }
        let statement = statement.ignoring(&ignored);
        let planned = self.scratch.plan(&statement).await?;
        let way: Vec<String> = planned
            .nodes
            .iter()
            .map(|node| format!("{} {} {}", node.operation, node.relation, node.index))
            .collect();
        let way = way.join("\n");
        let plan = match self.measured.get(&way) {
            Some(plan) => plan.clone(),
            None if planned.work() > MOST_WORK => planned,
            None => {
                let mut plan = self.scratch.measure(&statement, planned).await?;
                plan.forget_times();
                plan
            }
        };
        self.measured.insert(way, plan.clone());
        let used = indexes
            .iter()
            .enumerate()
            .filter(|(_, index)| {
                let name = &index.candidate.name;
                plan.nodes.iter().any(|node| {
                    node.index
                        .split([',', ' ', '(', ')'])
                        .any(|own| own == name)
                })
            })
            .map(|(position, _)| position)
            .collect();
        let mut cost = self.scale.cost(&plan);
        if indexes.is_empty() && !self.scale.alike(&plan, &self.live) {
            // The live planner, who knows all rows, found a better way.
            cost = cost.min(self.scale.expected(&self.live) * FAR_OFF);
        }
        Ok(Tried { plan, cost, used })
    }
}

/// What stands behind ADD, without how it is to be done.
fn addition(sql: &str) -> Option<&str> {
    let (_, rest) = sql.split_once(" ADD ")?;
    Some(rest.split(", ALGORITHM").next().unwrap_or(rest))
}
