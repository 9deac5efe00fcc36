//! The part of the answer that says the statement in another way: what the planner makes of it, and whether it gave
//! the same rows on a scratch copy. The rows stay there: what is compared are their hashes.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::advice::edges;
use crate::advice::rewrite::{self, Rewrite, Same, Worth};
use crate::answer::{count, excerpt};
use crate::catalog::{Catalog, TableKind};
use crate::engine::{Engine, Outcome, Rows, Scratch, Wanted};
use crate::error::Result;
use crate::plan::Plan;
use crate::query::Query;
use crate::statement::Statement;

/// Rows of each table on the copy: enough that those of joined tables meet.
const ROWS: Rows = Rows::About(20_000);
/// Rows to handle, or units of cost, above which a statement is not run on the copy: some seconds.
const MOST_WORK: f64 = 3_000_000.0;
/// The planner's word is a guess; a little more is no more.
const NO_DEARER: f64 = 1.1;
/// Of a function around a column the planner guesses how many rows it keeps, and mostly far too few.
const NO_DEARER_THAN_A_GUESS: f64 = 3.0;
/// Characters of a statement that the text shows.
const SHOWN: usize = 1500;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::tools) struct RewriteAdvice {
    sql: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    equal_on_scratch: Option<bool>,
    /// How that was found out, or why it was not.
    proof: String,
    /// The planner's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    cost: Option<f64>,
    #[serde(skip)]
    before: Option<f64>,
    #[serde(skip)]
    persona: &'static [&'static str],
}

/// A rewrite on its way.
struct Tried {
    rewrite: Rewrite,
    /// With values in the place of its parameters; nothing for one that can't be tried.
    bound: Option<Statement>,
    cost: Option<f64>,
    verdict: Verdict,
}

enum Verdict {
    Open,
    NotProved(String),
    /// On so many rows, and whether values on the edge were put into them.
    Equal {
        rows: usize,
        edges: bool,
    },
    Differs,
}

/// All rewrites that are worth to be told.
pub(super) async fn rewrites(
    engine: &mut Engine,
    written: &Statement,
    statement: &Statement,
    values: &[Value],
    plan: &Plan,
    catalog: &Catalog,
) -> Result<Vec<RewriteAdvice>> {
    let before = plan.cost();
    let mut all = Vec::new();
    for rewrite in rewrite::rewrites(written, catalog, plan) {
        let (bound, cost, verdict) = if let Same::NotTried(why) = rewrite.same {
            (None, None, Verdict::NotProved(why.to_owned()))
        } else {
            let bound = rewrite.numbered.clone().bind(values)?;
            match engine.explain(&bound, false).await {
                Ok(explained) => (Some(bound), explained.plan.cost(), Verdict::Open),
                Err(error) => {
                    tracing::debug!(%error, rule = rewrite.rule.id, "a rewrite is not taken");
                    continue;
                }
            }
        };
        if is_worth(rewrite.rule.worth, before, cost) {
            all.push(Tried {
                rewrite,
                bound,
                cost,
                verdict,
            });
        }
    }
    if all.iter().any(|tried| tried.bound.is_some()) {
        let proved = match ready(engine, statement, catalog).await? {
            Ok(mut scratch) => {
                let proved = prove(&mut scratch, statement, &mut all, catalog).await;
                let on = scratch.description().to_owned();
                scratch.close().await;
                proved.map(|()| on)
            }
            Err(why) => Err(why),
        };
        let on = match proved {
            Ok(on) => on,
            Err(why) => {
                for tried in &mut all {
                    if matches!(tried.verdict, Verdict::Open | Verdict::Equal { .. }) {
                        tried.verdict = Verdict::NotProved(why.clone());
                    }
                }
                String::new()
            }
        };
        return Ok(all
            .into_iter()
            .filter_map(|tried| tried.advice(before, &on))
            .collect());
    }
    Ok(all
        .into_iter()
        .filter_map(|tried| tried.advice(before, ""))
        .collect())
}

fn is_worth(worth: Worth, before: Option<f64>, after: Option<f64>) -> bool {
    let most = match worth {
        Worth::Always => return true,
        Worth::Cheaper => 1.0,
        Worth::NotDearer => NO_DEARER,
        Worth::Searchable => NO_DEARER_THAN_A_GUESS,
    };
    let Some((before, after)) = before.zip(after) else {
        return true;
    };
    after <= before * most && (worth != Worth::Cheaper || after < before)
}

/// A copy on which the statement may be run; or why there is none.
async fn ready(
    engine: &mut Engine,
    statement: &Statement,
    catalog: &Catalog,
) -> Result<std::result::Result<Scratch, String>> {
    if let Some(why) = engine.may_not_run(statement).await? {
        return Ok(Err(why));
    }
    let tables = Query::new(&statement.ast, catalog).tables();
    // A view needs the tables behind it.
    let plain = tables.iter().all(|table| table.kind == TableKind::Table);
    let tables = if plain {
        let name = |table: &&crate::catalog::Table| (table.schema.clone(), table.name.clone());
        tables.iter().map(name).collect()
    } else {
        Vec::new()
    };
    let wanted = Wanted { tables, rows: ROWS };
    let made = engine.scratch(catalog, &wanted).await;
    Ok(made.map_err(|error| error.to_string()))
}

/// Runs the statement and each rewrite, on the copy as it is and with rows on the edge. In an error stands why
/// nothing can be said of any.
async fn prove(
    scratch: &mut Scratch,
    statement: &Statement,
    all: &mut [Tried],
    catalog: &Catalog,
) -> std::result::Result<(), String> {
    compare(scratch, statement, all, false).await?;
    let open: Vec<&Statement> = all
        .iter()
        .filter(|tried| tried.is_held_to_edges())
        .filter_map(|tried| tried.bound.as_ref())
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let both: Vec<&Statement> = std::iter::once(statement).chain(open).collect();
    let mut taken = false;
    for script in edges::scripts(&both, catalog, statement.dialect) {
        match scratch.run(&script).await {
            Ok(()) => taken = true,
            Err(error) => tracing::debug!(%error, "a value on the edge is not taken"),
        }
    }
    if taken {
        compare(scratch, statement, all, true).await?;
    }
    Ok(())
}

async fn compare(
    scratch: &mut Scratch,
    statement: &Statement,
    all: &mut [Tried],
    edges: bool,
) -> std::result::Result<(), String> {
    let original = outcome(scratch, &without_limit(statement)).await?;
    for tried in all {
        let Some(bound) = tried.bound.as_ref().filter(|_| tried.is_held_to_edges()) else {
            continue;
        };
        let own = match outcome(scratch, &without_limit(bound)).await {
            Ok(own) => own,
            Err(why) => {
                tried.verdict = Verdict::NotProved(why);
                continue;
            }
        };
        let seen = match tried.verdict {
            Verdict::Equal { rows, .. } => rows,
            _ => 0,
        };
        tried.verdict = if original.has_rows_of(&own) {
            Verdict::Equal {
                rows: original.rows.len().max(seen),
                edges,
            }
        } else {
            Verdict::Differs
        };
    }
    Ok(())
}

async fn outcome(
    scratch: &mut Scratch,
    statement: &Statement,
) -> std::result::Result<Outcome, String> {
    let failed = |error: crate::error::Error| format!("it could not be run on the copy ({error})");
    let plan = scratch.plan(statement).await.map_err(failed)?;
    if plan.work() > MOST_WORK {
        return Err("it takes too long on the copy".to_owned());
    }
    let outcome = scratch.outcome(statement).await.map_err(failed)?;
    if outcome.more {
        return Err(format!(
            "it gives more than {} rows on the copy",
            count(outcome.rows.len() as i64)
        ));
    }
    Ok(outcome)
}

/// All rows and not the first: which are the first may be open where keys are equal.
fn without_limit(statement: &Statement) -> Statement {
    let mut statement = statement.clone();
    if let sqlparser::ast::Statement::Query(query) = &mut statement.ast {
        query.limit_clause = None;
        query.fetch = None;
    }
    statement
}

impl Tried {
    /// Whether it is still to be compared: one that differs when there is a NULL has had its say on the data.
    fn is_held_to_edges(&self) -> bool {
        match self.verdict {
            Verdict::Open => true,
            Verdict::Equal { .. } => self.rewrite.same != Same::UnlessNull,
            Verdict::NotProved(_) | Verdict::Differs => false,
        }
    }

    /// How it stands in the answer; nothing for one that was found to be wrong.
    fn advice(self, before: Option<f64>, on: &str) -> Option<RewriteAdvice> {
        let (equal_on_scratch, proof) = match self.verdict {
            Verdict::Equal { rows: 0, .. } => (None, format!("not proved: no row fits on {on}")),
            Verdict::Equal { rows, .. } if self.rewrite.same == Same::UnlessNull => (
                Some(true),
                format!(
                    "equal on {} rows of {on}, where no NULL comes into it",
                    count(rows as i64)
                ),
            ),
            Verdict::Equal { rows, edges } => (
                Some(true),
                format!(
                    "proved equal on {} rows of {on}{}",
                    count(rows as i64),
                    if edges {
                        ", with NULLs and the compared values put in"
                    } else {
                        ""
                    }
                ),
            ),
            Verdict::Differs if self.rewrite.same == Same::UnlessNull => (
                Some(false),
                format!("differs on {on}: a NULL comes into it there, and NOT IN loses the rows"),
            ),
            Verdict::Differs => {
                tracing::debug!(rule = self.rewrite.rule.id, "a rewrite gives other rows");
                return None;
            }
            Verdict::NotProved(why) => (None, format!("not proved: {why}")),
            Verdict::Open => (None, "not proved".to_owned()),
        };
        Some(RewriteAdvice {
            sql: self.rewrite.shown.sql(),
            reason: self.rewrite.reason,
            equal_on_scratch,
            proof,
            cost: self.cost,
            before: before.filter(|_| self.cost.is_some()),
            persona: self.rewrite.rule.persona,
        })
    }
}

/// The section of the text.
pub(super) fn write(rewrites: &[RewriteAdvice], text: &mut String) {
    for (number, rewrite) in rewrites.iter().enumerate() {
        if number == 0 {
            text.push_str("\nRewrites\n");
        }
        let _ = writeln!(text, "  {};", excerpt(&rewrite.sql, SHOWN));
        let _ = writeln!(
            text,
            "    why    {} [{}]",
            rewrite.reason,
            rewrite.persona.join(", ")
        );
        if let Some((before, after)) = rewrite.before.zip(rewrite.cost) {
            let _ = writeln!(
                text,
                "    cost   {before:.0} → {after:.0} (planner's estimate)"
            );
        }
        let _ = writeln!(text, "    proof  {}", rewrite.proof);
    }
}
