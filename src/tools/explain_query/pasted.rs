//! A plan that was pasted: judged without running anything, with the catalog of a database where one of its engine
//! is there.

use super::indexes::{Advice, advise};
use super::{Params, complete, conclude};
use crate::answer::{Answer, Common, Next, Skipped, excerpt};
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::engine::pasted::Pasted;
use crate::error::{Error, Result};
use crate::plan::rules::{Subject, check};
use crate::query::Query;
use crate::statement::Statement;
use crate::tools::{Call, Opened};

pub(super) async fn explain(call: Call<'_>, params: &Params) -> Result<Answer> {
    if params.analyze {
        return Err(Error::Refused {
            reason: "`analyze` runs a statement, and `plan` is one that was run already".to_owned(),
            instead: "Leave `plan` out to have `sql` run, or leave `analyze` out to have the pasted plan judged.".to_owned(),
        });
    }
    let Pasted {
        engine,
        dialect,
        plan,
    } = crate::engine::pasted::read(&params.plan, &params.engine)?;
    let written = if params.sql.trim().is_empty() {
        None
    } else {
        Some(Statement::parse(&params.sql, dialect)?)
    };
    let mut common = Common {
        engine: engine.to_owned(),
        ..Common::default()
    };
    let mut opened = open(call, params, engine, &mut common).await;
    let answer = Box::pin(judge(
        call,
        params,
        &mut opened,
        common,
        plan,
        written.as_ref(),
    ))
    .await;
    if let Some((_, engine)) = opened {
        engine.close().await;
    }
    answer
}

/// The database that is named, or the only one there is; without one the plan is judged by itself.
async fn open(
    call: Call<'_>,
    params: &Params,
    engine: &str,
    common: &mut Common,
) -> Option<(String, Engine)> {
    let mut without = |why: String| {
        common.skipped.push(Skipped {
            what: "the tables behind the plan: their sizes, columns and indexes".to_owned(),
            why,
            grant: String::new(),
        });
    };
    match call.open(&params.database).await {
        Ok(Opened {
            database,
            engine: opened,
            common: of_database,
        }) => {
            if opened.name() == engine {
                *common = of_database;
                return Some((database.name.clone(), opened));
            }
            without(format!(
                "{} is {}, the plan is {engine}'s",
                database.name,
                opened.name()
            ));
            opened.close().await;
        }
        Err(error) if params.database.is_empty() => without(format!(
            "no database was read: {}",
            excerpt(&error.to_string(), 200)
        )),
        Err(error) => without(excerpt(&error.to_string(), 300)),
    }
    None
}

async fn judge(
    call: Call<'_>,
    params: &Params,
    opened: &mut Option<(String, Engine)>,
    mut common: Common,
    mut plan: crate::plan::Plan,
    written: Option<&Statement>,
) -> Result<Answer> {
    let catalog = match opened {
        Some((_, engine)) => engine.catalog().await?,
        None => Catalog::default(),
    };
    let query = written.map_or_else(Query::default, |written| Query::new(&written.ast, &catalog));
    complete(&mut plan, &query);
    common
        .findings
        .extend(check(&Subject::new(&plan, &catalog, &query, written)));
    let advice = match (opened.as_mut(), written) {
        (Some((_, engine)), Some(written))
            if params.advise && params.binds.is_empty() && written.parameters() == 0 =>
        {
            written.check_tables(&catalog)?;
            call.doing("looking for indexes that would help");
            advise(engine, written, written, &plan, &catalog, &mut common).await?
        }
        _ => Advice::default(),
    };
    let name = opened
        .as_ref()
        .map_or("", |(name, _)| name.as_str())
        .to_owned();
    if written.is_none() {
        common.next.push(Next {
            tool: super::NAME.to_owned(),
            arguments: serde_json::json!({ "database": name, "sql": "<the statement of this plan>" }),
            why: "for index advice, and for findings that the statement shows".to_owned(),
        });
    }
    conclude(params, &name, common, &plan, advice)
}
