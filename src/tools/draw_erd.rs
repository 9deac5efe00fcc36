//! The entity-relationship diagram, as text or Mermaid, with every relationship.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters};
use crate::answer::{Answer, Common, Next, Skipped, Truncated};
use crate::catalog::Catalog;
use crate::erd::{Erd, ErdTable, ManyToMany, Relationship, Selection, mermaid, text};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source, rank};
use crate::statement::missing_table;

const NAME: &str = "draw_erd";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Draw ERD",
    description: include_str!("../../tools/draw_erd.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// How far a focus reaches when nothing is said.
const NEIGHBOURS: usize = 1;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Configured name.
    #[serde(default)]
    database: String,
    #[serde(default)]
    detail: Detail,
    /// Format.
    #[serde(default)]
    format: Format,
    /// Schemas.
    #[serde(default)]
    schemas: Vec<String>,
    /// Tables; * and ? match.
    #[serde(default)]
    include: Vec<String>,
    /// Not these tables.
    #[serde(default)]
    exclude: Vec<String>,
    /// Around this table.
    #[serde(default)]
    focus: String,
    /// Levels it references; default 1.
    #[serde(default = "neighbours")]
    parents: usize,
    /// Levels that reference it; default 1.
    #[serde(default = "neighbours")]
    children: usize,
}

const fn neighbours() -> usize {
    NEIGHBOURS
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Format {
    #[default]
    Text,
    Mermaid,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    common: Common,
    tables: Vec<ErdTable>,
    relationships: Vec<Relationship>,
    many_to_many: Vec<ManyToMany>,
    format: Format,
    diagram: String,
}

async fn run(call: Call<'_>, arguments: Value) -> Result<Answer> {
    let params: Params = parameters(NAME, arguments)?;
    let Opened {
        database,
        mut engine,
        mut common,
    } = call.open(&params.database).await?;
    call.doing("reading the catalog");
    let catalog = engine.catalog().await;
    engine.close().await;
    let catalog = catalog?;

    for name in [&params.focus].into_iter().chain(&params.include) {
        if !name.is_empty() && !name.contains(['*', '?']) {
            let (schema, bare) = name
                .rsplit_once('.')
                .map_or((None, name.as_str()), |(schema, bare)| (Some(schema), bare));
            if catalog.find(schema, bare).is_none() {
                return Err(missing_table(name, bare, &catalog));
            }
        }
    }
    let selection = Selection {
        schemas: params.schemas,
        include: params.include,
        exclude: params.exclude,
        focus: params.focus,
        parents: params.parents.min(20),
        children: params.children.min(20),
    };
    let erd = Erd::new(&catalog, &selection);
    common.summary = summary(&erd);
    common.findings.extend(unindexed(&erd, &catalog));
    rank(&mut common.findings);
    if erd.cut > 0 {
        common.truncated = Some(Truncated {
            shown: erd.relationships.len(),
            total: erd.relationships.len() + erd.cut,
            hint: "The others lead to tables that were not asked for: raise `parents` or `children`, or leave the filters out.".to_owned(),
        });
    }
    if erd.tables.is_empty() {
        common.skipped.push(Skipped {
            what: "tables".to_owned(),
            why: "none that this role can see was asked for".to_owned(),
            grant: "the right to see the schema, if there should be some".to_owned(),
        });
    } else {
        common.next.push(Next {
            tool: "describe_schema".to_owned(),
            arguments: serde_json::json!({ "database": database.name }),
            why: "for types, indexes and sizes".to_owned(),
        });
    }
    let format = params.format;
    // Finding good places takes a while: not on the threads that answer others.
    let (erd, diagram) = tokio::task::spawn_blocking(move || {
        let diagram = match format {
            Format::Text => text::draw(&erd, &catalog),
            Format::Mermaid => mermaid::draw(&erd),
        };
        (erd, diagram)
    })
    .await
    .map_err(|error| Error::unexpected("the drawing", error))?;
    let mut text = common.heading("");
    text.push('\n');
    if params.format == Format::Mermaid {
        text.push_str("```mermaid\n");
        text.push_str(&diagram);
        text.push_str("```\n");
    } else {
        text.push_str(&diagram);
    }
    text.push_str(&common.closing(params.detail == Detail::Detailed));
    let output = Output {
        common,
        tables: erd.tables,
        relationships: erd.relationships,
        many_to_many: erd.many_to_many,
        format: params.format,
        diagram,
    };
    answer(
        text,
        &output,
        "Ask for a part with `focus`, `include` or `schemas`.",
    )
}

fn summary(erd: &Erd) -> String {
    let own = erd
        .relationships
        .iter()
        .filter(|relationship| relationship.is_self)
        .count();
    format!(
        "{} tables, {} foreign keys, {} many-to-many, {own} self-references.",
        erd.tables.len(),
        erd.relationships.len(),
        erd.many_to_many.len()
    )
}

/// Foreign keys whose columns lead no index: the diagram shows them, this says what to do.
fn unindexed(erd: &Erd, catalog: &Catalog) -> Vec<Finding> {
    erd.relationships
        .iter()
        .filter(|relationship| !relationship.indexed)
        .filter_map(|relationship| {
            let table = catalog.find(Some(&relationship.from.schema), &relationship.from.table)?;
            let columns = relationship.from.columns.join(", ");
            Some(
                Finding::new(
                    "foreign-key-without-index",
                    if table.rows.is_none_or(|rows| rows >= 1000) {
                        Severity::Medium
                    } else {
                        Severity::Low
                    },
                    format!(
                        "({columns}) references {} and leads no index",
                        relationship.to.table
                    ),
                )
                .object(table.qualified())
                .evidence(
                    "rows",
                    table
                        .rows
                        .map_or("unknown".to_owned(), crate::answer::count),
                    "",
                    Source::WhatIf,
                )
                .effect("a join by it, and every DELETE of a parent row, reads the whole table")
                .remedy(format!(
                    "propose_migration with CREATE INDEX ON {} ({columns})",
                    catalog.display_name(table)
                ))
                .keeps(&["A2"])
                .catalogued(&["FK001"]),
            )
        })
        .collect()
}
