//! From a change as one would naively write it to the safe, ordered, reversible migration.

mod proof;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::proof::{not_proved, prove};
use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters};
use crate::answer::{Answer, Common, Next, Question, excerpt};
use crate::catalog::{Catalog, Table, TableKind};
use crate::engine::{Engine, Ground};
use crate::error::{Error, Result};
use crate::finding::rank;
use crate::migration::change::{Change, NewColumn};
use crate::migration::files::{self, File};
use crate::migration::proof::Proof;
use crate::migration::{Checklist, Facts, Migration, Phase, Reversible, render};
use crate::statement::{missing_table, parse_one};

const NAME: &str = "propose_migration";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Propose migration",
    description: include_str!("../../tools/propose_migration.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// Stands in a script where the user must say what the value is.
const VALUE: &str = "<value>";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Configured name.
    #[serde(default)]
    database: String,
    #[serde(default)]
    detail: Detail,
    /// One DDL statement.
    change: String,
    /// File format.
    #[serde(default)]
    format: Format,
    /// File name start.
    #[serde(default)]
    name: String,
    /// Prove on scratch; default true.
    #[serde(default = "yes")]
    prove: bool,
    /// The user's backup strategy.
    #[serde(default)]
    backup: String,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Format {
    #[default]
    Sql,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    common: Common,
    verdict: Verdict,
    phases: Vec<Phase>,
    reversible: Reversible,
    reversible_why: String,
    checklist: Checklist,
    proof: Proof,
    files: Vec<File>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Verdict {
    Safe,
    Unsafe,
}

async fn run(call: Call<'_>, arguments: Value) -> Result<Answer> {
    let params: Params = parameters(NAME, arguments)?;
    let Opened {
        database,
        mut engine,
        common,
    } = call.open(&params.database).await?;
    let answer = propose(call, &params, &database.name, &mut engine, common).await;
    engine.close().await;
    answer
}

async fn propose(
    call: Call<'_>,
    params: &Params,
    database: &str,
    engine: &mut Engine,
    mut common: Common,
) -> Result<Answer> {
    let statement = parse_one(&params.change, engine.dialect())?;
    let dialect = engine.dialect();
    let (name, mut changes) = Change::from_ast(&statement, &|ident| dialect.name_of(ident))?;
    call.doing("reading the catalog");
    let catalog = engine.catalog().await?;
    let table = catalog
        .find(name.schema.as_deref(), &name.name)
        .ok_or_else(|| missing_table(&name.name, &name.name, &catalog))?;
    if table.kind == TableKind::View {
        return Err(Error::Unsupported {
            what: format!("a migration of {}", table.qualified()),
            why: "it is a view, not a table".to_owned(),
            instead: "Give the change for the table behind it; a view is replaced by CREATE OR REPLACE VIEW."
                .to_owned(),
        });
    }
    complete(&mut changes, &catalog);
    check_references(&changes, table, &catalog)?;
    call.doing("counting what the change would stumble over");
    let (mut migration, facts) = plan(engine, &changes, table, &catalog).await?;
    rank(&mut migration.hazards);
    let verdict = if migration.naive_is_safe() {
        Verdict::Safe
    } else {
        Verdict::Unsafe
    };
    let drops = changes
        .iter()
        .any(|change| matches!(change, Change::DropTable | Change::DropColumn { .. }));
    let waits_for_backup = drops && params.backup.trim().is_empty();
    common.questions.append(&mut migration.questions);
    if waits_for_backup {
        common.questions.push(Question {
            id: "backup".to_owned(),
            question: format!(
                "How is the data of {} kept, and when was bringing it back last tried?",
                table.qualified()
            ),
            why: "Nothing is dropped before the backup strategy is confirmed [N1].".to_owned(),
        });
        migration.phases.clear();
        common.next.push(Next {
            tool: NAME.to_owned(),
            arguments: serde_json::json!({ "database": database, "change": params.change, "backup": "<the user's own answer>" }),
            why: "when the user has answered".to_owned(),
        });
    }
    let proof = if waits_for_backup {
        not_proved("there are no steps before the backup question is answered")
    } else if params.prove {
        call.doing("proving the migration on a copy");
        // The answer is worth having without it too.
        let limit = call.context.deadline() / 2;
        tokio::time::timeout(
            limit,
            Box::pin(prove(engine, &migration, &changes, &facts, table, &catalog)),
        )
        .await
        .unwrap_or_else(|_| {
            Ok(not_proved(
                "it took more than half of the time that a call may take (deadline_seconds)",
            ))
        })?
    } else {
        not_proved("`prove` is false")
    };
    let checklist = migration.checklist(&facts, engine.indexes_concurrently(&migration));
    common.summary = summary(verdict, &migration, &proof, waits_for_backup);
    common.findings.append(&mut migration.hazards);
    rank(&mut common.findings);
    let title = if params.name.is_empty() {
        files::default_name(&migration.title)
    } else {
        files::default_name(&params.name)
    };
    let files = match params.format {
        Format::Sql => files::sql(&migration, &title),
    };
    let detailed = params.detail == Detail::Detailed;
    let text = text(
        &common, params, &migration, &checklist, &proof, &files, detailed,
    );
    let output = Output {
        common,
        verdict,
        phases: migration.phases,
        reversible: migration.reversible,
        reversible_why: migration.reversible_why,
        checklist,
        proof,
        files,
    };
    answer(text, &output, "The files are whole in structured content.")
}

/// The steps of all changes, one after the other, and what was counted for the last of them.
async fn plan(
    engine: &mut Engine,
    changes: &[Change],
    table: &Table,
    catalog: &Catalog,
) -> Result<(Migration, Facts)> {
    let definition = engine.definition(table).await?;
    let mut whole: Option<Migration> = None;
    let mut facts = Facts::default();
    for change in changes {
        facts = engine.facts(change, table).await?;
        let ground = Ground {
            catalog,
            table,
            facts: &facts,
            definition: definition.clone(),
        };
        let one = engine.migrate(change, &ground)?;
        whole = Some(match whole {
            None => one,
            Some(whole) => whole.then(one),
        });
    }
    let Some(migration) = whole else {
        return Err(Error::Unsupported {
            what: "an empty change".to_owned(),
            why: "the statement changes nothing".to_owned(),
            instead: format!(
                "propose_migration plans {}.",
                crate::migration::change::SUPPORTED
            ),
        });
    };
    Ok((migration, facts))
}

/// A foreign key that names no columns means the parent's primary key, and its table is the one found.
fn complete(changes: &mut [Change], catalog: &Catalog) {
    for change in changes {
        let key = match change {
            Change::AddForeignKey(key) => Some(key),
            Change::AddColumn(column) => column.references.as_mut(),
            _ => None,
        };
        let parent = key
            .as_ref()
            .and_then(|key| catalog.find(key.table.schema.as_deref(), &key.table.name));
        if let (Some(key), Some(parent)) = (key, parent) {
            if !parent.schema.is_empty() {
                key.table.schema = Some(parent.schema.clone());
            }
            key.table.name.clone_from(&parent.name);
            if let (true, Some(primary)) = (key.referenced.is_empty(), &parent.primary_key) {
                key.referenced.clone_from(&primary.columns);
            }
        }
    }
}

/// What the change points at must be there, and what it adds must not.
fn check_references(
    changes: &[Change],
    table: &crate::catalog::Table,
    catalog: &Catalog,
) -> Result<()> {
    for change in changes {
        match change {
            Change::AddColumn(column) if table.column(&column.name).is_some() => {
                return Err(Error::Refused {
                    reason: format!("{} has a column {} already", table.qualified(), column.name),
                    instead:
                        "describe_schema shows it; choose another name, or change the existing one."
                            .to_owned(),
                });
            }
            Change::SetNotNull { column }
                if table.column(column).is_some_and(|own| !own.nullable) =>
            {
                return Err(Error::Refused {
                    reason: format!("{}.{column} is NOT NULL already", table.qualified()),
                    instead: "There is nothing to do.".to_owned(),
                });
            }
            Change::AddIndex(index)
                if index
                    .name
                    .as_ref()
                    .is_some_and(|name| table.indexes.iter().any(|own| own.name == *name)) =>
            {
                return Err(Error::Refused {
                    reason: format!("{} has an index of that name already", table.qualified()),
                    instead:
                        "describe_schema shows it; choose another name, or drop the old one first."
                            .to_owned(),
                });
            }
            Change::AddColumn(NewColumn {
                references: Some(key),
                ..
            }) if catalog
                .find(key.table.schema.as_deref(), &key.table.name)
                .is_none() =>
            {
                return Err(missing_table(&key.table.name, &key.table.name, catalog));
            }
            Change::AddForeignKey(key) => {
                let parent = catalog
                    .find(key.table.schema.as_deref(), &key.table.name)
                    .ok_or_else(|| missing_table(&key.table.name, &key.table.name, catalog))?;
                for (owner, columns) in [(table, &key.columns), (parent, &key.referenced)] {
                    if let Some(name) = columns.iter().find(|name| owner.column(name).is_none()) {
                        let names = owner.columns.iter().map(|column| column.name.as_str());
                        let hint = crate::catalog::nearest(name, names)
                            .map_or_else(String::new, |near| format!(" Did you mean {near}?"));
                        return Err(Error::Missing {
                            what: "column",
                            name: format!("{}.{name}", owner.qualified()),
                            hint,
                        });
                    }
                }
            }
            Change::AddIndex(index) => {
                if let Some(name) = index
                    .columns
                    .iter()
                    .find(|name| table.column(name).is_none())
                {
                    let names = table.columns.iter().map(|column| column.name.as_str());
                    let hint = crate::catalog::nearest(name, names)
                        .map_or_else(String::new, |near| format!(" Did you mean {near}?"));
                    return Err(Error::Missing {
                        what: "column",
                        name: format!("{}.{name}", table.qualified()),
                        hint,
                    });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn summary(verdict: Verdict, migration: &Migration, proof: &Proof, waits: bool) -> String {
    let worst = migration
        .hazards
        .first()
        .map(|finding| finding.title.clone())
        .unwrap_or_default();
    let mut text = match verdict {
        Verdict::Safe => "safe as written, with the care below".to_owned(),
        Verdict::Unsafe => format!("unsafe as written: {worst}"),
    };
    if waits {
        text.push_str(". Refused until the backup question is answered [N1].");
        return text;
    }
    let steps = migration.steps().count();
    let _ = write!(
        text,
        ". {} phases, {steps} steps, reversible: {}",
        migration.phases.len(),
        migration.reversible.word()
    );
    text.push_str(
        if proof.up_down_up && proof.schema_equal && proof.rerun_after_each_step {
            "; proved up, down, up on scratch."
        } else if proof.ran_on.is_empty() {
            "; not proved by running it."
        } else {
            "; THE PROOF FAILED: do not use it before the cause below is mended."
        },
    );
    text
}

fn text(
    common: &Common,
    params: &Params,
    migration: &Migration,
    checklist: &Checklist,
    proof: &Proof,
    files: &[File],
    detailed: bool,
) -> String {
    let mut text = common.heading(&format!("change: {}", excerpt(&params.change, 120)));
    if !migration.phases.is_empty() {
        let _ = writeln!(
            text,
            "\nSafe plan · reversible: {} ({})",
            migration.reversible.word(),
            migration.reversible_why
        );
        text.push_str(&render::phases(migration));
        text.push_str(&render::checklist(checklist));
        text.push_str(&render::proof(proof));
        text.push_str(&render::files(files, detailed));
    }
    if !params.backup.trim().is_empty() {
        let _ = writeln!(
            text,
            "\nBackup, as the user said: {}",
            excerpt(&params.backup, 200)
        );
    }
    text.push_str(&common.closing(detailed));
    text
}
