//! What planning or running a statement would run. The planner runs subqueries that give one row, and with them
//! stored functions, whatever they are labelled: so their code is looked at, through views too.
//! <https://dev.mysql.com/doc/refman/8.4/en/subquery-materialization.html>

use std::collections::BTreeSet;

use super::{MySql, text};
use crate::engine::Permit;
use crate::error::{Error, Result};
use crate::statement::functions::{is_native_mysql, unknown};
use crate::statement::{Dialect, Statement, Words};

const STORED_CODE: &str = include_str!("stored_code.sql");
const FUNCTION_BODY: &str = include_str!("function_body.sql");
const VIEW_DEFINITION: &str = include_str!("view_definition.sql");

/// Schemas whose views and functions come with the server and only read.
const OWN_SCHEMAS: &[&str] = &["information_schema", "mysql", "performance_schema", "sys"];

/// Functions of the schema sys that only read.
const SYS: &[&str] = &[
    "extract_schema_from_file_name",
    "extract_table_from_file_name",
    "format_bytes",
    "format_path",
    "format_statement",
    "format_time",
    "list_add",
    "list_drop",
    "quote_identifier",
    "version_major",
    "version_minor",
    "version_patch",
];

/// Texts looked at for one statement before it counts as too much to judge.
const MOST_TEXTS: usize = 200;

/// A view or a function that is stored in the database.
#[derive(Clone)]
struct Stored {
    kind: String,
    schema: String,
    name: String,
}

impl MySql {
    /// Whether the statement may be planned, and whether it may be run.
    pub(in crate::engine) async fn permit(&mut self, statement: &Statement) -> Result<Permit> {
        let mut stored = Vec::new();
        for row in self.rows(STORED_CODE).await? {
            let stored_code = Stored {
                kind: text(&row, 0)?,
                schema: text(&row, 1)?,
                name: text(&row, 2)?,
            };
            if !OWN_SCHEMAS.contains(&stored_code.schema.as_str()) {
                stored.push(stored_code);
            }
        }
        let is_stored = |schema: &str, name: &str| {
            stored.iter().any(|code| {
                code.kind == "function"
                    && code.name.to_lowercase() == name
                    && (schema.is_empty() || code.schema.to_lowercase() == schema)
            })
        };
        for name in statement.functions() {
            let (schema, bare) = name.rsplit_once('.').unwrap_or(("", &name));
            let native = schema.is_empty() && is_native_mysql(bare);
            let shipped = schema == "sys" && SYS.contains(&bare);
            if !native && !shipped && !is_stored(schema, bare) {
                return Err(unknown(&name));
            }
        }
        let sql = statement.sql();
        let words = Words::of(&sql, Dialect::MySql).ok_or_else(|| unreadable("the statement"))?;
        let mut permit = Permit::Run;
        // With each text the schema in which its bare names are looked up.
        let mut pending = vec![(words, self.default_schema.to_lowercase())];
        let mut seen = BTreeSet::new();
        while let Some((words, default_schema)) = pending.pop() {
            if seen.len() > MOST_TEXTS {
                return Err(unreadable("all the code behind the statement"));
            }
            for code in &stored {
                let name = code.name.to_lowercase();
                let here = match code.kind.as_str() {
                    "function" => words.called.contains(&name),
                    _ => words.all.contains(&name),
                };
                let schema = code.schema.to_lowercase();
                let here = here && (schema == default_schema || words.all.contains(&schema));
                if !here || !seen.insert((code.kind.clone(), code.schema.clone(), name)) {
                    continue;
                }
                let what = format!("the {} {}", code.kind, code.name);
                if code.kind == "remote table" {
                    permit = permit.no_more_than_plan(&format!(
                        "{what} is read from another server, outside of this read-only transaction"
                    ));
                    continue;
                }
                let inside = self.inside(code).await?;
                let inside = Words::of(&inside, Dialect::MySql).ok_or_else(|| unreadable(&what))?;
                if let Some(word) = (code.kind == "function").then(|| inside.acting()).flatten() {
                    return Err(acts(&what, word));
                }
                if let Some(name) = inside
                    .called
                    .iter()
                    .find(|name| !is_native_mysql(name) && !is_stored("", name) && !is_syntax(name))
                {
                    return Err(acts(&what, name));
                }
                pending.push((inside, schema));
            }
        }
        Ok(permit)
    }

    /// The text of a view or function.
    async fn inside(&mut self, code: &Stored) -> Result<String> {
        let query = if code.kind == "view" {
            VIEW_DEFINITION
        } else {
            FUNCTION_BODY
        };
        let row = sqlx::query(query)
            .bind(&code.schema)
            .bind(&code.name)
            .fetch_optional(&mut self.connection)
            .await?;
        let inside = row
            .map(|row| text(&row, 0))
            .transpose()?
            .unwrap_or_default();
        if inside.is_empty() {
            let what = format!("{} {}", code.kind, code.name);
            return Err(Error::Privilege {
                reason: format!(
                    "planning may run the code of the {what}, and this role cannot read that code"
                ),
                grant: format!(
                    "Grant it SHOW VIEW on {}.* (and on MySQL SHOW_ROUTINE), or give the statement without it.",
                    Dialect::MySql.identifier(&code.schema)
                ),
            });
        }
        Ok(inside)
    }
}

/// A word that may stand before a bracket without being a function.
fn is_syntax(word: &str) -> bool {
    sqlparser::keywords::ALL_KEYWORDS
        .binary_search(&word.to_uppercase().as_str())
        .is_ok()
        && !matches!(
            word,
            "sleep" | "benchmark" | "get_lock" | "load_file" | "nextval" | "setval"
        )
}

fn acts(what: &str, word: &str) -> Error {
    Error::Refused {
        reason: format!(
            "{what} uses {}, which is not known to only read, and planning may already run it",
            crate::answer::excerpt(word, 60)
        ),
        instead: "Give the statement without it, or a literal in its place.".to_owned(),
    }
}

fn unreadable(what: &str) -> Error {
    Error::Refused {
        reason: format!("{what} cannot be looked through for what planning it would run"),
        instead: "Give the part that matters.".to_owned(),
    }
}
