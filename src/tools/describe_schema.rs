//! Tables, columns, keys, indexes and sizes, in as few words as will do.

mod text;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::text::{identity_word, key_words, write_table};
use super::{Call, Detail, Opened, Tool, answer, input_schema, output_schema, parameters};
use crate::answer::{Answer, Common, Next, Truncated};
use crate::catalog::{Catalog, Table};
use crate::error::{Error, Result};
use crate::glob::matches_any;

const NAME: &str = "describe_schema";

pub(super) const TOOL: Tool = Tool {
    name: NAME,
    title: "Describe schema",
    description: include_str!("../../tools/describe_schema.md").trim_ascii_end(),
    input: input_schema::<Params>,
    output: output_schema::<Output>,
    run: |call, arguments| Box::pin(run(call, arguments)),
};

/// Tables in one answer; the rest is named in `truncated`.
const CONCISE_TABLES: usize = 60;
const DETAILED_TABLES: usize = 25;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Configured name.
    #[serde(default)]
    database: String,
    #[serde(default)]
    detail: Detail,
    /// Schemas.
    #[serde(default)]
    schemas: Vec<String>,
    /// Tables; * and ? match.
    #[serde(default)]
    tables: Vec<String>,
    /// Text in a name or comment.
    #[serde(default)]
    search: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Output {
    #[serde(flatten)]
    common: Common,
    tables: Vec<TableOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct TableOut {
    schema: String,
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    rows: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    size_bytes: Option<i64>,
    columns: Vec<ColumnOut>,
    primary_key: Vec<String>,
    unique: Vec<Vec<String>>,
    foreign_keys: Vec<ForeignKeyOut>,
    indexes: Vec<IndexOut>,
    checks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    stats_age_s: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    partitioned_by: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    triggers: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    comment: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ColumnOut {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    identity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    generated: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    comment: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ForeignKeyOut {
    name: String,
    columns: Vec<String>,
    references: String,
    referenced_columns: Vec<String>,
    on_delete: String,
    on_update: String,
    validated: bool,
    indexed: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct IndexOut {
    name: String,
    method: String,
    keys: Vec<String>,
    unique: bool,
    valid: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    predicate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    size_bytes: Option<i64>,
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

    let chosen = choose(&catalog, &params)?;
    let detailed = params.detail == Detail::Detailed;
    let most = if detailed {
        DETAILED_TABLES
    } else {
        CONCISE_TABLES
    };
    let shown: Vec<&Table> = chosen.iter().copied().take(most).collect();
    if chosen.len() > shown.len() {
        common.truncated = Some(Truncated {
            shown: shown.len(),
            total: chosen.len(),
            hint: "Narrow it with `tables` (patterns such as \"order*\"), `schemas` or `search`."
                .to_owned(),
        });
    }
    common.summary = summary(&catalog, &chosen);
    if catalog.tables.is_empty() {
        common.skipped.push(crate::answer::Skipped {
            what: "tables".to_owned(),
            why: "there are none that this role can see: the database is empty, or it is another one than you think".to_owned(),
            grant: "the right to see the schema (GRANT USAGE ON SCHEMA …, GRANT SELECT ON …)".to_owned(),
        });
    } else {
        common.next.push(Next {
            tool: "draw_erd".to_owned(),
            arguments: serde_json::json!({ "database": database.name }),
            why: "to see how the tables hang together".to_owned(),
        });
    }
    let mut text = common.heading("");
    for table in &shown {
        write_table(&mut text, &catalog, table, detailed);
    }
    text.push_str(&common.closing(detailed));
    let output = Output {
        common,
        tables: shown
            .iter()
            .map(|table| table_out(&catalog, table))
            .collect(),
    };
    answer(
        text,
        &output,
        "Narrow it with `tables`, `schemas` or `search`.",
    )
}

fn choose<'a>(catalog: &'a Catalog, params: &Params) -> Result<Vec<&'a Table>> {
    for wanted in params
        .tables
        .iter()
        .filter(|pattern| !pattern.contains(['*', '?']))
    {
        if !catalog
            .tables
            .iter()
            .any(|table| matches_any(std::slice::from_ref(wanted), &table.schema, &table.name))
        {
            let hint = catalog
                .nearest(wanted)
                .map_or_else(String::new, |near| format!(" Did you mean {near}?"));
            return Err(Error::Missing {
                what: "table",
                name: wanted.clone(),
                hint,
            });
        }
    }
    let search = params.search.to_lowercase();
    let found = |table: &Table| {
        table.name.to_lowercase().contains(&search)
            || table.comment.to_lowercase().contains(&search)
            || table.columns.iter().any(|column| {
                column.name.to_lowercase().contains(&search)
                    || column.comment.to_lowercase().contains(&search)
            })
    };
    Ok(catalog
        .tables
        .iter()
        .filter(|table| {
            params.schemas.is_empty()
                || params
                    .schemas
                    .iter()
                    .any(|schema| schema.eq_ignore_ascii_case(&table.schema))
        })
        .filter(|table| {
            params.tables.is_empty() || matches_any(&params.tables, &table.schema, &table.name)
        })
        .filter(|table| search.is_empty() || found(table))
        .collect())
}

fn summary(catalog: &Catalog, chosen: &[&Table]) -> String {
    if catalog.tables.is_empty() {
        return "no tables are visible here.".to_owned();
    }
    if chosen.is_empty() {
        return format!("none of the {} tables matches.", catalog.tables.len());
    }
    let entities = chosen.iter().filter(|table| table.kind.is_entity()).count();
    let keys: usize = chosen.iter().map(|table| table.foreign_keys.len()).sum();
    let bare = chosen
        .iter()
        .flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)));
    let bare = bare
        .filter(|(table, key)| table.index_on(&key.columns).is_none())
        .count();
    let views = chosen.len() - entities;
    let mut text = format!("{entities} tables");
    if views > 0 {
        let _ = write!(text, ", {views} views and other relations");
    }
    let _ = write!(text, ", {keys} foreign keys");
    if bare > 0 {
        let _ = write!(text, ", {bare} of them without an index [A2]");
    }
    text.push('.');
    text
}

fn table_out(catalog: &Catalog, table: &Table) -> TableOut {
    TableOut {
        schema: table.schema.clone(),
        name: table.name.clone(),
        kind: table.kind.word(),
        rows: table.rows,
        size_bytes: table.size_bytes,
        columns: table
            .columns
            .iter()
            .map(|column| ColumnOut {
                name: column.name.clone(),
                data_type: column.data_type.clone(),
                nullable: column.nullable,
                default: column.default.clone(),
                identity: column.identity.map(identity_word),
                generated: column
                    .generated
                    .as_ref()
                    .map(|generated| generated.expression.clone()),
                comment: column.comment.clone(),
            })
            .collect(),
        primary_key: table
            .primary_key
            .as_ref()
            .map(|key| key.columns.clone())
            .unwrap_or_default(),
        unique: table.unique.iter().map(|key| key.columns.clone()).collect(),
        foreign_keys: table
            .foreign_keys
            .iter()
            .map(|key| ForeignKeyOut {
                name: key.name.clone(),
                columns: key.columns.clone(),
                references: catalog
                    .find(Some(&key.referenced_schema), &key.referenced_table)
                    .map_or_else(|| key.referenced_table.clone(), Table::qualified),
                referenced_columns: key.referenced_columns.clone(),
                on_delete: key.on_delete.clone(),
                on_update: key.on_update.clone(),
                validated: key.validated,
                indexed: table.index_on(&key.columns).is_some(),
            })
            .collect(),
        indexes: table
            .indexes
            .iter()
            .map(|index| IndexOut {
                name: index.name.clone(),
                method: index.method.clone(),
                keys: key_words(index),
                unique: index.unique,
                valid: index.valid,
                include: index.include.clone(),
                predicate: index.predicate.clone(),
                size_bytes: index.size_bytes,
            })
            .collect(),
        checks: table
            .checks
            .iter()
            .map(|check| check.expression.clone())
            .collect(),
        stats_age_s: table.stats_age_s,
        partitioned_by: table.partitioned_by.clone(),
        children: table.children.clone(),
        triggers: table
            .triggers
            .iter()
            .map(|trigger| trigger.name.clone())
            .collect(),
        comment: table.comment.clone(),
    }
}
