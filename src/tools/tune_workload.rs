//! What costs a database most over time: statements, repetitions, missing and needless indexes.

mod indexes;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::indexes::{Asked, Set, advise};
use self::text::{idiom, summary, text};
use super::explain_query::indexes::IndexAdvice;
use super::explain_query::parameters;
use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters as read};
use crate::answer::{Answer, Common, Next, excerpt};
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::error::Result;
use crate::finding::{Finding, Severity, Source, rank};
use crate::statement::{Dialect, Statement};
use crate::workload::drop::{Needless, Why, needless};
use crate::workload::logs::{self, Format};
use crate::workload::n_plus_one::{self, Candidate};
use crate::workload::{Event, Statistics, add_up, fingerprint, sort};

const NAME: &str = "tune_workload";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Tune workload",
    description: include_str!("../../tools/tune_workload.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// Statements that are looked at, when nothing is said, and at most.
const STATEMENTS: usize = 10;
const MOST_STATEMENTS: usize = 25;
/// Repetitions and needless indexes that are shown.
const SHOWN: usize = 10;
const MEGABYTE: u64 = 1024 * 1024;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Configured name.
    #[serde(default)]
    database: String,
    #[serde(default)]
    detail: Detail,
    /// Of a server, an ORM, JSON lines, or SQL.
    #[serde(default)]
    log: String,
    /// Statements; default 10.
    #[serde(default)]
    limit: usize,
    /// Megabytes for new indexes.
    #[serde(default)]
    budget_mb: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    common: Common,
    statements: Vec<StatementOut>,
    n_plus_one: Vec<RepeatOut>,
    indexes: Vec<ServingIndex>,
    drop: Vec<DropOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct StatementOut {
    fingerprint: String,
    calls: u64,
    total_ms: f64,
    share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    rows_per_call: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct RepeatOut {
    fingerprint: String,
    repeats: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    parent: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    batched_sql: String,
    orm_idiom: String,
    confidence: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ServingIndex {
    #[serde(flatten)]
    index: IndexAdvice,
    serves: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct DropOut {
    index: String,
    reason: String,
    sql: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    reads: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    size_bytes: Option<i64>,
}

async fn run(call: Call<'_>, arguments: Value) -> Result<Answer> {
    let params: Params = read(NAME, arguments)?;
    let Opened {
        database,
        mut engine,
        common,
    } = call.open(&params.database).await?;
    let answer = Box::pin(tune(call, &params, &database.name, &mut engine, common)).await;
    engine.close().await;
    answer
}

/// What the workload is known from.
struct Seen {
    statistics: Vec<Statistics>,
    events: Vec<Event>,
    format: Option<Format>,
    since: String,
}

async fn tune(
    call: Call<'_>,
    params: &Params,
    database: &str,
    engine: &mut Engine,
    mut common: Common,
) -> Result<Answer> {
    call.doing("reading the catalog");
    let mut catalog = engine.catalog().await?;
    call.doing("reading what was asked");
    let seen = seen(engine, params, &mut catalog, &mut common).await?;
    let dialect = engine.dialect();
    let limit = match params.limit {
        0 => STATEMENTS,
        limit => limit.min(MOST_STATEMENTS),
    };
    let total: f64 = seen.statistics.iter().map(|own| own.total_ms).sum();
    call.doing("looking for indexes that serve them together");
    let asked = Box::pin(asked(
        engine,
        &seen.statistics,
        limit,
        &catalog,
        &mut common,
    ))
    .await;
    let budget = (params.budget_mb > 0).then(|| params.budget_mb * MEGABYTE);
    let set = Box::pin(advise(engine, &asked, budget, &catalog, &mut common)).await?;
    let repeats = if seen.format.is_some() {
        n_plus_one::in_log(&seen.events, &catalog, dialect)
    } else {
        n_plus_one::in_statistics(&seen.statistics, &catalog, dialect)
    };
    let drops = drops(&catalog, engine, &seen.since);
    common
        .findings
        .extend(repeats.iter().take(SHOWN).map(finding));
    rank(&mut common.findings);
    common.summary = summary(&seen, total, &repeats, &set, &drops);
    next(&mut common, database, &seen, &set, &drops);
    let statements: Vec<StatementOut> = seen
        .statistics
        .iter()
        .take(limit)
        .map(|own| statement_out(own, total))
        .collect();
    let text = text(
        &common,
        &seen,
        &statements,
        &repeats,
        &set,
        &drops,
        params.detail,
    );
    let idiom = |own: &Candidate| idiom(seen.format, own);
    let output = Output {
        statements,
        n_plus_one: repeats
            .iter()
            .take(SHOWN)
            .map(|own| RepeatOut {
                fingerprint: own.fingerprint.clone(),
                repeats: own.repeats,
                parent: own.parent.clone(),
                batched_sql: own.batched_sql.clone(),
                orm_idiom: idiom(own),
                confidence: own.confidence,
            })
            .collect(),
        indexes: set
            .indexes
            .into_iter()
            .map(|(index, serves)| ServingIndex { index, serves })
            .collect(),
        drop: drops,
        common,
    };
    answer(text, &output, "Ask for fewer statements with `limit`.")
}

async fn seen(
    engine: &mut Engine,
    params: &Params,
    catalog: &mut Catalog,
    common: &mut Common,
) -> Result<Seen> {
    let dialect = engine.dialect();
    let counted = engine.counted().await?;
    for table in &mut catalog.tables {
        for index in &mut table.indexes {
            let place = (table.schema.clone(), table.name.clone(), index.name.clone());
            index.scans = index.scans.or_else(|| counted.scans.get(&place).copied());
        }
    }
    if params.log.is_empty() {
        common.skipped.extend(counted.skipped);
        let mut statistics = counted.statistics;
        for own in &mut statistics {
            own.fingerprint = fingerprint::of(&own.sample, dialect);
        }
        // What the tool itself asked is no part of the workload.
        statistics.retain(|own| of_user(&own.sample, dialect, catalog));
        sort(&mut statistics);
        return Ok(Seen {
            statistics,
            events: Vec::new(),
            format: None,
            since: counted.since,
        });
    }
    let (format, events) = logs::read(&params.log);
    Ok(Seen {
        statistics: add_up(&events, dialect),
        events,
        format: Some(format),
        since: counted.since,
    })
}

/// Whether a statement reads a table of the catalog.
fn of_user(sql: &str, dialect: Dialect, catalog: &Catalog) -> bool {
    Statement::parse(sql, dialect).is_ok_and(|statement| {
        statement.check_tables(catalog).is_ok()
            && !crate::advice::uses::uses(&statement.ast, catalog, dialect).is_empty()
    })
}

/// The costliest statements that can be planned, with values for their parameters.
async fn asked(
    engine: &mut Engine,
    statistics: &[Statistics],
    limit: usize,
    catalog: &Catalog,
    common: &mut Common,
) -> Vec<Asked> {
    let mut asked = Vec::new();
    let mut left_out = 0;
    for own in statistics.iter().take(limit) {
        let Ok(written) = Statement::parse(&own.sample, engine.dialect()) else {
            left_out += 1;
            continue;
        };
        // What is said of the parameters belongs to a single statement.
        let mut aside = Common::default();
        let bound = parameters::bind(engine, &written, &[], catalog, &mut aside).await;
        let permitted = match bound {
            Ok(bound) => engine
                .explain(&bound.statement, false)
                .await
                .map(|_| bound.statement),
            Err(error) => Err(error),
        };
        match permitted {
            Ok(bound) => asked.push(Asked {
                fingerprint: own.fingerprint.clone(),
                written,
                bound,
                weight: own.total_ms.max(own.calls as f64 / 1000.0),
            }),
            Err(_) => left_out += 1,
        }
    }
    if left_out > 0 {
        common.skipped.push(crate::answer::Skipped {
            what: format!("{left_out} of the costliest statements"),
            why: "they could not be planned: cut off by the server, with parameters of no known use, or not only reading; explain_query says of each why".to_owned(),
            grant: String::new(),
        });
    }
    asked
}

fn statement_out(own: &Statistics, total: f64) -> StatementOut {
    StatementOut {
        fingerprint: excerpt(&own.fingerprint, 600),
        calls: own.calls,
        total_ms: own.total_ms,
        share: if total > 0.0 {
            own.total_ms / total
        } else {
            0.0
        },
        rows_per_call: own.rows.map(|rows| rows as f64 / own.calls.max(1) as f64),
    }
}

fn drops(catalog: &Catalog, engine: &Engine, since: &str) -> Vec<DropOut> {
    let mut all: Vec<DropOut> = needless(catalog)
        .into_iter()
        .map(|own| drop_out(&own, catalog, engine, since))
        .collect();
    all.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then(a.index.cmp(&b.index)));
    all
}

fn drop_out(own: &Needless<'_>, catalog: &Catalog, engine: &Engine, since: &str) -> DropOut {
    let reason = match own.why {
        Why::Duplicate(other) => format!("the same keys as {}", other.name),
        Why::Prefix(other) => format!("its keys are the first of {}'s", other.name),
        Why::Unused => "no statement has used it".to_owned(),
    };
    DropOut {
        index: format!("{}.{}", catalog.display_name(own.table), own.index.name),
        reason,
        sql: engine.drop_index(own.table, &catalog.default_schema, &own.index.name),
        reads: own.index.scans,
        since: if own.index.scans.is_some() {
            since.to_owned()
        } else {
            String::new()
        },
        size_bytes: own.index.size_bytes,
    }
}

fn finding(own: &Candidate) -> Finding {
    let title = if own.same_value {
        "one statement is asked again and again with the same value: remember its result"
    } else {
        "one statement for each row of another: an N+1 candidate"
    };
    let severity = match own.confidence {
        "high" => Severity::High,
        "medium" => Severity::Medium,
        _ => Severity::Low,
    };
    let mut finding = Finding::new("n-plus-one", severity, title)
        .evidence("repeats", own.repeats, "", Source::Measured)
        .evidence(
            "statement",
            excerpt(&own.fingerprint, 160),
            "",
            Source::Measured,
        );
    if !own.parent.is_empty() {
        finding = finding.evidence(
            "asked after",
            excerpt(&own.parent, 160),
            "",
            Source::Measured,
        );
    }
    finding
        .effect("each takes a round trip of its own")
        .remedy(if own.batched_sql.is_empty() {
            "ask once for all values"
        } else {
            "ask once for all values, as the batched statement below does"
        })
}

fn next(common: &mut Common, database: &str, seen: &Seen, set: &Set, drops: &[DropOut]) {
    if let Some((index, _)) = set.indexes.first() {
        common.next.push(Next {
            tool: "propose_migration".to_owned(),
            arguments: serde_json::json!({ "database": database, "change": index.sql.replace("CONCURRENTLY ", "") }),
            why: "to turn an index into a migration with its way back".to_owned(),
        });
    }
    if let Some(worst) = seen.statistics.first() {
        common.next.push(Next {
            tool: "explain_query".to_owned(),
            arguments: serde_json::json!({ "database": database, "sql": excerpt(&worst.fingerprint, 400) }),
            why: "to see how the costliest statement is run".to_owned(),
        });
    }
    if seen.format.is_none() && seen.statistics.is_empty() && drops.is_empty() {
        common.next.push(Next {
            tool: NAME.to_owned(),
            arguments: serde_json::json!({ "database": database, "log": "…" }),
            why: "with some minutes of the program's or the server's log".to_owned(),
        });
    }
}
