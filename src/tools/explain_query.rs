//! How a statement is run, what is wrong with it, and the index that helps, with its selectivity and cost.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::indexes::{Advice, IndexAdvice, advise};
use self::rewrites::{RewriteAdvice, rewrites};
use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters};
use crate::answer::{Answer, Common, Next, Question, Truncated, count, excerpt};
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source, rank};
use crate::plan::rules::{Subject, check};
use crate::plan::{Access, Plan, PlanNode, render};
use crate::query::Query;
use crate::statement::{Literals, Statement};

mod hint;
pub(super) mod indexes;
pub(super) mod parameters;
mod pasted;
mod rewrites;

const NAME: &str = "explain_query";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Explain query",
    description: include_str!("../../tools/explain_query.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// Nodes shown in a concise answer, and at most.
const CONCISE_NODES: usize = 40;
const MOST_NODES: usize = 300;
/// Rows to handle, or units of cost, above which a statement is run only when that is asked for again: half a
/// minute of one core, by and large.
const MOST_WORK: f64 = 50_000_000.0;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Configured name.
    #[serde(default)]
    database: String,
    #[serde(default)]
    detail: Detail,
    /// One statement.
    #[serde(default)]
    sql: String,
    /// Or EXPLAIN's output.
    #[serde(default)]
    plan: String,
    /// Of the pasted plan.
    #[serde(default)]
    engine: String,
    /// Parameter values.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    binds: Vec<Value>,
    /// Run it (SELECT only).
    #[serde(default)]
    analyze: bool,
    /// Even if expensive.
    #[serde(default)]
    run_expensive: bool,
    /// Indexes and rewrites; default true.
    #[serde(default = "yes")]
    advise: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    common: Common,
    plan: Vec<Node>,
    analyzed: bool,
    indexes: Vec<IndexAdvice>,
    smallest_set: Vec<String>,
    best_set: Vec<String>,
    rewrite: Vec<RewriteAdvice>,
    before: Measure,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Measure")]
    after: Option<Measure>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Node {
    id: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    parent: Option<usize>,
    operation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    relation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    index: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    condition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    filter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    estimated_rows: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    actual_rows: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    loops: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    cost: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    time_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    share: Option<f64>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
struct Measure {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    cost: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    rows_read: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    time_ms: Option<f64>,
    source: Source,
    plan: String,
}

async fn run(call: Call<'_>, arguments: Value) -> Result<Answer> {
    let params: Params = parameters(NAME, arguments)?;
    if params.sql.trim().is_empty() && params.plan.trim().is_empty() {
        return Err(Error::Refused {
            reason: "there is nothing to explain".to_owned(),
            instead: "Give `sql`, a statement, or `plan`, the output of EXPLAIN.".to_owned(),
        });
    }
    if !params.plan.trim().is_empty() {
        return Box::pin(pasted::explain(call, &params)).await;
    }
    let Opened {
        database,
        mut engine,
        common,
    } = call.open(&params.database).await?;
    let answer = Box::pin(explain(call, &params, &database.name, &mut engine, common)).await;
    engine.close().await;
    answer
}

async fn explain(
    call: Call<'_>,
    params: &Params,
    database: &str,
    engine: &mut Engine,
    mut common: Common,
) -> Result<Answer> {
    let written = Statement::parse(&params.sql, engine.dialect())?;
    if params.analyze && !written.only_reads() {
        return Err(Error::Refused {
            reason: "`analyze` runs the statement, and this one writes or locks".to_owned(),
            instead: "Call again without `analyze`: the plan alone changes nothing.".to_owned(),
        });
    }
    call.doing("reading the catalog");
    let catalog = engine.catalog().await?;
    written.check_tables(&catalog)?;
    let bound = parameters::bind(engine, &written, &params.binds, &catalog, &mut common).await?;
    let statement = bound.statement;
    // Values that were looked up in the data are no literals of the statement's: what is shown is what was written.
    let shown = if bound.worst.is_some() {
        &written
    } else {
        &statement
    };
    let query = Query::new(&shown.ast, &catalog);
    call.doing("planning the statement");
    let mut explained = engine
        .explain(&statement, false)
        .await
        .map_err(|error| hint::with_columns(error, &query))?;
    if params.analyze {
        // The plan first: what it expects decides whether the statement is run without asking.
        let work = explained.plan.work();
        if work > MOST_WORK && !params.run_expensive {
            common.questions.push(too_expensive(work));
        } else {
            call.doing("running the statement, read-only");
            explained = engine.explain(&statement, true).await?;
        }
    }
    complete(&mut explained.plan, &query);
    if let Some(worst) = &bound.worst {
        let worst = engine.explain(worst, false).await?;
        parameters::compare(&explained.plan, &worst.plan, &mut common);
        if let Some(generic) = engine.generic_plan(&written).await? {
            parameters::compare_generic(&explained.plan, &generic, &mut common);
        }
    }
    let literals = Literals::of(&shown.ast, shown.dialect);
    hide_values(&mut explained.plan, &literals);
    let plan = explained.plan;

    let subject = Subject::new(&plan, &catalog, &query, Some(shown));
    common.findings.extend(check(&subject));
    common.findings.extend(explained.findings);
    common.skipped = explained.skipped;
    let mut advice = if params.advise {
        call.doing("looking for indexes that would help");
        advise(engine, &written, &statement, &plan, &catalog, &mut common).await?
    } else {
        Advice::default()
    };
    leave_out_answered(&mut common.findings, &advice, &catalog);
    if let Some(compared) = &mut advice.compared {
        for plan in [&mut compared.before, &mut compared.after] {
            complete(plan, &query);
            hide_values(plan, &literals);
        }
    }
    if params.advise {
        call.doing("saying it in another way");
        let values = &bound.values;
        let found = rewrites(engine, &written, &statement, values, &plan, &catalog);
        advice.rewrites = Box::pin(found).await?;
    }
    conclude(params, database, common, &plan, advice)
}

/// The answer, once everything is known.
fn conclude(
    params: &Params,
    database: &str,
    mut common: Common,
    plan: &Plan,
    advice: Advice,
) -> Result<Answer> {
    for finding in &mut common.findings {
        finding.weight = weight(plan, &finding.object);
    }
    rank(&mut common.findings);
    let (before, after) = measures(plan, &advice);
    common.summary = summary(plan, &common.findings, &advice);
    if let Some(first) = advice.indexes.first() {
        common.next.push(Next {
            tool: "propose_migration".to_owned(),
            arguments: serde_json::json!({ "database": database, "change": first.sql.replace("CONCURRENTLY ", "") }),
            why: "to turn the index into a migration with its way back".to_owned(),
        });
    }
    if plan.nodes.len() > MOST_NODES {
        common.truncated = Some(Truncated {
            shown: MOST_NODES,
            total: plan.nodes.len(),
            hint: "The plan has more nodes; ask for a smaller part of the statement.".to_owned(),
        });
    }
    let detailed = params.detail == Detail::Detailed;
    let pasted = !params.plan.is_empty();
    let text = text(&common, plan, &advice, detailed, pasted);
    let sql: Vec<String> = advice
        .indexes
        .iter()
        .map(|index| index.sql.clone())
        .collect();
    let output = Output {
        plan: plan.nodes.iter().take(MOST_NODES).map(node).collect(),
        analyzed: plan.analyzed,
        smallest_set: advice.smallest,
        best_set: sql,
        indexes: advice.indexes,
        rewrite: advice.rewrites,
        before,
        after,
        common,
    };
    answer(
        text,
        &output,
        "Ask with detail \"concise\", or for a smaller part of the statement.",
    )
}

/// Thousandths of the time, or of the cost, that go into an object and what is read below it.
fn weight(plan: &Plan, object: &str) -> u32 {
    let of = |node: &&PlanNode| {
        let name = node.object();
        let rest = object.strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) && !name.is_empty()
            || node.operation == object
    };
    let shares = plan.nodes.iter().filter(of).filter_map(|node| node.share);
    (shares.sum::<f64>() * 1000.0) as u32
}

/// A foreign key that an advised index begins with needs none of its own.
fn leave_out_answered(findings: &mut Vec<Finding>, advice: &Advice, catalog: &Catalog) {
    let mut answered: Vec<String> = Vec::new();
    for table in &catalog.tables {
        let name = catalog.display_name(table);
        for key in &table.foreign_keys {
            let first = |index: &IndexAdvice| {
                index.table == name && index.columns.starts_with(&key.columns)
            };
            if advice.indexes.iter().any(first) {
                answered.push(format!("{}.{}", table.qualified(), key.columns.join(", ")));
            }
        }
    }
    findings.retain(|finding| {
        finding.rule != "foreign-key-unindexed" || !answered.contains(&finding.object)
    });
}

fn too_expensive(work: f64) -> Question {
    Question {
        id: "run_expensive".to_owned(),
        question: format!(
            "The plan expects to handle about {} rows. Run it all the same?",
            count(work as i64)
        ),
        why: "It was planned, not run. If its load on the server is acceptable now, call again with run_expensive true; it is still stopped at the deadline.".to_owned(),
    }
}

/// Names the tables that the plan knows by alias only, and fills in what the catalog knows.
fn complete(plan: &mut Plan, query: &Query<'_>) {
    for node in &mut plan.nodes {
        let Some(table) = query.called(&node.relation) else {
            continue;
        };
        if node.alias.is_empty() && !node.relation.eq_ignore_ascii_case(&table.name) {
            node.alias = std::mem::take(&mut node.relation);
            node.relation.clone_from(&table.name);
        }
        if node.estimated_rows.is_none() && node.access == Access::FullScan {
            node.examined_rows = table.rows.map(|rows| rows as f64);
        }
    }
}

/// A planner may run a part of the statement and write what it found into a condition: only values that
/// the statement itself holds are shown.
fn hide_values(plan: &mut Plan, literals: &Literals) {
    for node in &mut plan.nodes {
        for text in [&mut node.condition, &mut node.filter, &mut node.keys] {
            *text = literals.hide_others(text);
        }
        // Here numbers count the plan's own parts, unless it repeats a condition.
        if node.operation.contains(['=', '<', '>', '\'']) {
            node.operation = literals.hide_others(&node.operation);
        }
    }
}

/// Before and after, by one and the same measure.
fn measures(plan: &Plan, advice: &Advice) -> (Measure, Option<Measure>) {
    let source = if plan.analyzed {
        Source::Measured
    } else {
        Source::WhatIf
    };
    let mut before = measure(plan, source);
    let after = advice.compared.as_ref().map(|compared| {
        let (without, with) = compared.costs();
        before.cost = Some(without);
        Measure {
            cost: Some(with),
            ..measure(&compared.after, compared.source())
        }
    });
    (before, after)
}

fn measure(plan: &Plan, source: Source) -> Measure {
    Measure {
        cost: plan.cost(),
        rows_read: plan.rows_read(),
        time_ms: plan.execution_ms,
        source,
        plan: render::tree(plan, CONCISE_NODES),
    }
}

fn summary(plan: &Plan, findings: &[Finding], advice: &Advice) -> String {
    let mut text = match findings.first() {
        Some(worst) if worst.severity <= Severity::Medium => {
            let mut text = String::new();
            if !worst.object.is_empty() {
                let _ = write!(text, "{}: ", excerpt(&worst.object, 80));
            }
            text.push_str(&worst.title);
            text
        }
        _ => "nothing in the plan stands out".to_owned(),
    };
    if let Some(node) = plan
        .nodes
        .iter()
        .filter(|node| node.self_ms.is_some())
        .max_by(|a, b| a.share.unwrap_or(0.0).total_cmp(&b.share.unwrap_or(0.0)))
    {
        let _ = write!(
            text,
            "; {:.0} % of the time goes into {} {}",
            node.share.unwrap_or(0.0) * 100.0,
            node.operation,
            node.relation
        );
        text.truncate(text.trim_end().len());
    }
    text.push_str(&advice.verdict());
    text
}

fn text(common: &Common, plan: &Plan, advice: &Advice, detailed: bool, pasted: bool) -> String {
    let extra = match (plan.analyzed, plan.execution_ms) {
        (true, Some(ms)) if pasted => format!("pasted plan, measured: {ms:.1} ms"),
        (true, None) if pasted => "pasted plan, measured".to_owned(),
        (false, _) if pasted => "pasted plan".to_owned(),
        (true, Some(ms)) => format!("analyzed (read-only, rolled back): {ms:.1} ms"),
        (true, None) => "analyzed (read-only, rolled back)".to_owned(),
        (false, _) => "planned, not run".to_owned(),
    };
    let mut text = common.heading(&extra);
    text.push_str(if plan.analyzed {
        "\nPlan, self time\n"
    } else {
        "\nPlan\n"
    });
    text.push_str(&render::tree(
        plan,
        if detailed { MOST_NODES } else { CONCISE_NODES },
    ));
    advice.write(&mut text);
    if let Some(compared) = &advice.compared {
        let _ = writeln!(text, "\nAfter, {}", compared.how());
        text.push_str(&render::tree(&compared.after, CONCISE_NODES));
    }
    rewrites::write(&advice.rewrites, &mut text);
    text.push_str(&common.closing(detailed));
    text
}

fn node(node: &PlanNode) -> Node {
    Node {
        id: node.id,
        parent: node.parent,
        operation: node.operation.clone(),
        relation: node.object(),
        index: node.index.clone(),
        condition: excerpt(&node.condition, 400),
        filter: excerpt(&node.filter, 400),
        estimated_rows: node.estimated_rows,
        actual_rows: node.actual_rows,
        loops: node.loops,
        cost: node.cost,
        time_ms: node.time_ms,
        share: node.share,
    }
}
