//! How a statement is run, what is wrong with it, and the index that helps, with its selectivity and cost.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters};
use crate::advice::{Candidate, candidates, cost};
use crate::answer::{Answer, Common, Next, Question, Skipped, Truncated, bytes, count, excerpt};
use crate::catalog::Catalog;
use crate::engine::{Engine, Selectivity, WhatIf};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source, rank};
use crate::plan::rules::{Subject, check};
use crate::plan::{Access, Plan, PlanNode, render};
use crate::query::Query;
use crate::statement::{Literals, Statement};

const NAME: &str = "explain_query";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Explain query",
    description: include_str!("../../tools/explain_query.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// An index that keeps more of the table than this would not be used.
const WORTH: f64 = 0.2;
/// A smaller gain is not worth what every write pays for it.
const LEAST_GAIN: f64 = 2.0;
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
    /// One SELECT, INSERT, UPDATE or DELETE.
    sql: String,
    /// Parameter values, in order.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    binds: Vec<Value>,
    /// Run it (SELECT only).
    #[serde(default)]
    analyze: bool,
    /// Even if expensive.
    #[serde(default)]
    run_expensive: bool,
    /// Advise indexes; default true.
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

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct IndexAdvice {
    sql: String,
    table: String,
    columns: Vec<String>,
    kind: &'static str,
    reason: String,
    selectivity: SelectivityOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    size_bytes: Option<i64>,
    write_cost: WriteCost,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Gain")]
    gain: Option<Gain>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct SelectivityOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    estimated: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    sampled: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    actual: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct WriteCost {
    bytes_per_row: i64,
    factor: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    hot_updates_lost: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Gain {
    factor: f64,
    source: Source,
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
    let Opened {
        database,
        mut engine,
        common,
    } = call.open(&params.database).await?;
    let answer = explain(call, &params, &database.name, &mut engine, common).await;
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
    let statement = Statement::parse(&params.sql, engine.dialect())?.bind(&params.binds)?;
    if params.analyze && !statement.only_reads() {
        return Err(Error::Refused {
            reason: "`analyze` runs the statement, and this one writes or locks".to_owned(),
            instead: "Call again without `analyze`: the plan alone changes nothing.".to_owned(),
        });
    }
    call.doing("reading the catalog");
    let catalog = engine.catalog().await?;
    statement.check_tables(&catalog)?;
    let query = Query::new(&statement.ast, &catalog);
    call.doing("planning the statement");
    let mut explained = engine
        .explain(&statement, false)
        .await
        .map_err(|error| with_column_hint(error, &query))?;
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
    let literals = Literals::of(&statement.ast, statement.dialect);
    hide_values(&mut explained.plan, &literals);
    let plan = explained.plan;

    common.findings.extend(check(&Subject {
        plan: &plan,
        catalog: &catalog,
        query: &query,
    }));
    common.findings.extend(explained.findings);
    common.skipped = explained.skipped;
    let mut advice = if params.advise {
        call.doing("looking for indexes that would help");
        advise(engine, &statement, &plan, &query, &catalog, &mut common).await?
    } else {
        Advice::default()
    };
    if let Some(what_if) = &mut advice.what_if {
        for plan in [&mut what_if.before, &mut what_if.after] {
            complete(plan, &query);
            hide_values(plan, &literals);
        }
    }
    rank(&mut common.findings);

    let before = measure(
        &plan,
        if plan.analyzed {
            Source::Measured
        } else {
            Source::WhatIf
        },
    );
    let after = advice
        .what_if
        .as_ref()
        .map(|what_if| measure(&what_if.after, what_if.source));
    common.summary = summary(&plan, &common.findings, &advice);
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
    let text = text(&common, &plan, &advice, detailed);
    let sql: Vec<String> = advice
        .indexes
        .iter()
        .map(|index| index.sql.clone())
        .collect();
    let output = Output {
        plan: plan.nodes.iter().take(MOST_NODES).map(node).collect(),
        analyzed: plan.analyzed,
        smallest_set: sql.clone(),
        best_set: sql,
        indexes: advice.indexes,
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

#[derive(Debug, Default)]
struct Advice {
    indexes: Vec<IndexAdvice>,
    what_if: Option<WhatIf>,
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

async fn advise(
    engine: &mut Engine,
    statement: &Statement,
    plan: &Plan,
    query: &Query<'_>,
    catalog: &Catalog,
    common: &mut Common,
) -> Result<Advice> {
    let mut advice = Advice::default();
    let mut wanted = Vec::new();
    for candidate in candidates(plan, query, catalog) {
        let selectivity = if candidate.condition.is_empty() {
            Selectivity::default()
        } else {
            engine
                .selectivity(candidate.table, &candidate.condition)
                .await
                .unwrap_or_default()
        };
        let kept = kept(&selectivity);
        if kept.is_some_and(|kept| kept > WORTH) && !candidate.gives_order {
            common.findings.push(useless(&candidate, &selectivity));
            continue;
        }
        let saved = saved(plan, &candidate, kept);
        if saved.is_some_and(|factor| factor < LEAST_GAIN) && !candidate.gives_order {
            continue;
        }
        let dialect = engine.dialect();
        let index = candidate.index(|name| dialect.identifier(name));
        let sql = engine.create_index(candidate.table, &catalog.default_schema, &index);
        wanted.push((index_advice(&candidate, sql, &selectivity, catalog), saved));
    }
    if wanted.is_empty() {
        return Ok(advice);
    }
    let sql: Vec<String> = wanted.iter().map(|(index, _)| index.sql.clone()).collect();
    match engine.what_if(statement, &sql, catalog).await {
        Ok(Ok(what_if)) => advice.what_if = Some(what_if),
        Ok(Err(skipped)) => common.skipped.push(skipped),
        Err(error) => common.skipped.push(Skipped {
            what: "the plan with the new index".to_owned(),
            why: error.to_string(),
            grant: String::new(),
        }),
    }
    let used = |name: &str| {
        advice.what_if.as_ref().is_none_or(|what_if| {
            what_if
                .after
                .nodes
                .iter()
                .any(|node| node.index.contains(name))
        })
    };
    for (mut index, saved) in wanted {
        if !used(&index_name(&index)) {
            common.findings.push(
                Finding::new(
                    "index-not-used",
                    Severity::Info,
                    "the planner would not use an index here",
                )
                .object(&index.table)
                .evidence("tried", index.columns.join(", "), "", Source::WhatIf)
                .keeps(&["O5"]),
            );
            continue;
        }
        index.gain = gain(advice.what_if.as_ref(), saved);
        advice.indexes.push(index);
    }
    Ok(advice)
}

/// The beginning of the name it would have: engines cut long ones in their own ways.
fn index_name(index: &IndexAdvice) -> String {
    let table = index.table.rsplit('.').next().unwrap_or(&index.table);
    let name = format!("{table}_{}", index.columns.join("_"));
    name.chars().take(40).collect()
}

/// The share that is kept. A sample that saw no row says only that there are few.
fn kept(selectivity: &Selectivity) -> Option<f64> {
    match selectivity.sampled {
        Some(0.0) => {
            let least = 1.0 / selectivity.sampled_rows.max(1) as f64;
            Some(selectivity.estimated.unwrap_or(0.0).clamp(least, 1.0))
        }
        sampled => sampled.or(selectivity.estimated),
    }
}

fn useless(candidate: &Candidate<'_>, selectivity: &Selectivity) -> Finding {
    let kept = selectivity.sampled.or(selectivity.estimated).unwrap_or(1.0);
    Finding::new(
        "no-index-will-help",
        Severity::Info,
        format!(
            "the condition keeps {:.0} % of the rows: an index would not be used",
            kept * 100.0
        ),
    )
    .object(candidate.table.qualified())
    .evidence(
        "condition",
        excerpt(&candidate.shown, 100),
        "",
        Source::Measured,
    )
    .keeps(&["O5", "C3"])
}

fn index_advice(
    candidate: &Candidate<'_>,
    sql: String,
    selectivity: &Selectivity,
    catalog: &Catalog,
) -> IndexAdvice {
    let table = candidate.table;
    let columns = candidate.column_names();
    let mut reason = if candidate.for_join {
        "the join looks rows up by it, once for each outer row".to_owned()
    } else if candidate.shown.is_empty() {
        "it gives the rows in the order asked for, so that only the first ones are read".to_owned()
    } else {
        format!(
            "finds {} without reading the rest",
            excerpt(&candidate.shown, 120)
        )
    };
    if candidate.gives_order && !candidate.shown.is_empty() {
        reason.push_str(", already in order");
    }
    if let Some(old) = candidate.makes_needless() {
        let _ = write!(reason, "; it makes {old} needless");
    }
    IndexAdvice {
        sql,
        table: catalog.display_name(table),
        kind: if columns.len() > 1 {
            "composite btree"
        } else {
            "btree"
        },
        reason,
        selectivity: SelectivityOut {
            // All of the rows is what a planner without statistics says.
            estimated: selectivity.estimated.filter(|share| *share < 1.0),
            sampled: selectivity.sampled,
            actual: None,
        },
        size_bytes: cost::size_bytes(table, &columns),
        write_cost: WriteCost {
            bytes_per_row: cost::bytes_per_row(table, &columns),
            factor: cost::write_factor(table),
            // Updates of a column that no index knew could stay on their page until now.
            hot_updates_lost: table.hot_update_share.map(|share| {
                share > 0.0
                    && columns.iter().any(|column| {
                        !table
                            .indexes
                            .iter()
                            .any(|index| index.columns.iter().any(|key| key.name == *column))
                    })
            }),
        },
        gain: None,
        columns,
    }
}

/// By the planner's costs where it planned both, else by the rows that need not be read any more.
fn gain(what_if: Option<&WhatIf>, saved: Option<f64>) -> Option<Gain> {
    if let Some(what_if) = what_if
        && let (Some(before), Some(after)) = (what_if.before.cost(), what_if.after.cost())
        && after > 0.0
    {
        return Some(Gain {
            factor: before / after,
            source: what_if.source,
        });
    }
    saved
        .filter(|factor| *factor >= LEAST_GAIN)
        .map(|factor| Gain {
            factor,
            source: Source::Formula,
        })
}

/// How many times fewer rows of the table would be read, from what the plan reads now.
fn saved(plan: &Plan, candidate: &Candidate<'_>, kept: Option<f64>) -> Option<f64> {
    let rows = candidate.table.rows? as f64;
    let now: f64 = plan
        .nodes
        .iter()
        .filter(|node| node.names(&candidate.table.name))
        .filter_map(|node| match node.access {
            Access::FullScan | Access::AutomaticIndex => Some(rows),
            _ => node
                .actual_rows
                .map(|kept| kept + node.removed_rows.unwrap_or(0.0)),
        })
        .sum();
    (now > 0.0).then_some(now / (kept? * rows).max(1.0))
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
    match advice.indexes.as_slice() {
        [] => text.push_str(". No index is advised."),
        [one] => {
            let _ = write!(
                text,
                ". One index on {} ({}) would help",
                one.table,
                one.columns.join(", ")
            );
            if let Some(gain) = &one.gain {
                let _ = write!(
                    text,
                    ", about {} times ({})",
                    factor(gain.factor),
                    gain_words(gain)
                );
            }
            text.push('.');
        }
        more => {
            let _ = write!(text, ". {} indexes would help.", more.len());
        }
    }
    text
}

fn factor(factor: f64) -> String {
    if factor >= 10.0 {
        count(factor.round() as i64)
    } else {
        format!("{factor:.1}")
    }
}

fn gain_words(gain: &Gain) -> &'static str {
    match gain.source {
        Source::Formula => "fewer rows read, by formula",
        source => source.words(),
    }
}

fn text(common: &Common, plan: &Plan, advice: &Advice, detailed: bool) -> String {
    let extra = match (plan.analyzed, plan.execution_ms) {
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
    for (number, index) in advice.indexes.iter().enumerate() {
        if number == 0 {
            text.push_str("\nIndexes\n");
        }
        write_index(&mut text, index);
    }
    if let Some(what_if) = &advice.what_if
        && !advice.indexes.is_empty()
    {
        let _ = writeln!(text, "\nAfter, {}", what_if.how);
        text.push_str(&render::tree(&what_if.after, CONCISE_NODES));
    }
    text.push_str(&common.closing(detailed));
    text
}

fn write_index(text: &mut String, index: &IndexAdvice) {
    let _ = writeln!(text, "  {};", index.sql);
    let _ = writeln!(text, "    why          {}", index.reason);
    let percent = |share: f64| match share {
        0.0 => "no row seen".to_owned(),
        share if share < 0.001 => "< 0.1 %".to_owned(),
        share => format!("{:.1} %", share * 100.0),
    };
    let mut parts = Vec::new();
    if let Some(share) = index.selectivity.estimated {
        parts.push(format!("{} (planner's estimate)", percent(share)));
    }
    if let Some(share) = index.selectivity.sampled {
        parts.push(format!("{} (measured on a sample)", percent(share)));
    }
    if parts.is_empty() {
        parts.push("not needed: it serves the order or the join".to_owned());
    }
    let _ = writeln!(text, "    selectivity  {}", parts.join(" · "));
    let size = index.size_bytes.map_or("size unknown".to_owned(), bytes);
    let _ = write!(
        text,
        "    costs        {size} · {} bytes a row · {:.2} × the structures an INSERT writes (formula)",
        index.write_cost.bytes_per_row, index.write_cost.factor
    );
    text.push_str(if index.write_cost.hot_updates_lost == Some(true) {
        " · updates of its columns lose HOT\n"
    } else {
        "\n"
    });
    if let Some(gain) = &index.gain {
        let _ = writeln!(
            text,
            "    gain         {} times ({})",
            factor(gain.factor),
            gain_words(gain)
        );
    }
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

/// A column that does not exist: which one was meant, and which there are.
fn with_column_hint(error: Error, query: &Query<'_>) -> Error {
    let Error::Database { message, code } = error else {
        return error;
    };
    if !matches!(code.as_str(), "42703" | "1054" | "1") {
        return Error::Database { message, code };
    }
    let lower = message.to_lowercase();
    let name = if let Some((_, name)) = lower.split_once("no such column: ") {
        name
    } else if let Some((_, rest)) = lower.split_once("column ") {
        rest.split(" does not")
            .next()
            .unwrap_or(rest)
            .split(" in ")
            .next()
            .unwrap_or(rest)
    } else {
        return Error::Database { message, code };
    };
    let name = name
        .trim_matches(['"', '\'', '`'])
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .to_owned();
    let tables = query.tables();
    let columns = tables
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| column.name.as_str()));
    let mut message = message;
    if let Some(near) = crate::catalog::nearest(&name, columns) {
        let _ = write!(message, ". Did you mean {near}?");
    }
    for table in tables.iter().take(3) {
        let names: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let _ = write!(
            message,
            " Columns of {}: {}.",
            table.name,
            excerpt(&names.join(", "), 300)
        );
    }
    Error::Database {
        message: message.trim_end_matches('.').to_owned(),
        code,
    }
}
