//! What planning or running a statement would run. Planning already runs functions that are labelled IMMUTABLE
//! or STABLE; who wrote them, and what they do, is looked up through views, policies, operators and casts.
//! <https://www.postgresql.org/docs/current/xfunc-volatility.html>

use std::collections::BTreeSet;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Postgres;
use crate::engine::Permit;
use crate::error::{Error, Result};
use crate::statement::functions::{listed, unknown};
use crate::statement::{Dialect, Kind, Statement, Words};

const FUNCTIONS: &str = include_str!("functions.sql");
const FUNCTION_BODY: &str = include_str!("function_body.sql");
const BEHIND: &str = include_str!("behind.sql");

/// Labelled VOLATILE, and yet they only read.
const READING: &str = include_str!("../../statement/functions/postgres_volatile.txt");
/// Labelled STABLE or IMMUTABLE, and yet they act.
const ACTING: &str = include_str!("../../statement/functions/postgres_acting.txt");
/// Extensions whose functions compute, and those of their volatile ones that only read.
const EXTENSIONS: &str = include_str!("../../statement/functions/postgres_extensions.txt");
const EXTENSION_READING: &str =
    include_str!("../../statement/functions/postgres_extension_volatile.txt");
/// They advance or ask a sequence: a part of what is inserted, never run while planning.
const SEQUENCES: &[&str] = &["currval", "lastval", "nextval"];

/// Operators that keywords stand for.
const KEYWORD_OPERATORS: &[&str] = &[
    "!~~", "!~~*", "<", "<=", "<>", "=", ">", ">=", "~", "~~", "~~*",
];

/// Texts looked at for one statement before it counts as too much to judge.
const MOST_TEXTS: usize = 300;

/// When what a text calls is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// While planning, unless it is VOLATILE.
    Planned,
    /// While planning, whatever its label: the body of a function that is not VOLATILE.
    Evaluated,
    /// Only when the statement is run.
    Run,
}

impl When {
    /// The same for code that is run with a value as soon as that is known.
    const fn evaluated(self) -> Self {
        match self {
            Self::Planned | Self::Evaluated => Self::Evaluated,
            Self::Run => Self::Run,
        }
    }
}

/// A text to look at, and how the statement leads to it.
struct Text {
    words: Words,
    when: When,
    through: String,
}

struct Function {
    oid: String,
    name: String,
    schema: String,
    built_in: bool,
    volatile: bool,
    language: String,
    extension: String,
    source: String,
    defaults: String,
    settings: String,
    parts: Vec<String>,
}

impl Function {
    fn read(row: &PgRow) -> Result<Self> {
        Ok(Self {
            oid: row.try_get("oid")?,
            name: row.try_get("name")?,
            schema: row.try_get("schema")?,
            built_in: row.try_get("built_in")?,
            volatile: row.try_get("volatile")?,
            language: row.try_get("language")?,
            extension: row.try_get("extension")?,
            source: row.try_get("source")?,
            defaults: row.try_get("defaults")?,
            settings: row.try_get("settings")?,
            parts: row.try_get("parts")?,
        })
    }

    /// Whether its code may be trusted without reading it; nothing when it must be read.
    fn only_reads(&self) -> Option<bool> {
        if self.built_in {
            return Some(if self.volatile {
                listed(READING, &self.name)
            } else {
                !listed(ACTING, &self.name)
            });
        }
        if listed(EXTENSIONS, &self.extension) {
            let reads = !self.volatile || listed(EXTENSION_READING, &self.name);
            return Some(reads && !listed(ACTING, &self.name));
        }
        // It may mean by its text something else than is read here, or sees to it that it is not stopped.
        if self.settings.contains("standard_conforming_strings")
            || self.source.contains("query_canceled")
            || self.source.contains("57014")
        {
            return Some(false);
        }
        // An aggregate is its parts.
        if !self.parts.is_empty() || matches!(self.language.as_str(), "sql" | "plpgsql") {
            return None;
        }
        Some(false)
    }
}

/// What is still to be looked at, and what was found.
struct Search {
    /// Whether the statement writes.
    writes: bool,
    pending: Vec<Text>,
    seen: BTreeSet<(String, When)>,
    permit: Permit,
}

impl Search {
    fn push(&mut self, words: Words, when: When, through: String) {
        self.pending.push(Text {
            words,
            when,
            through,
        });
    }

    /// What a function that acts, or that nobody vouches for, means for the statement.
    fn judge(&mut self, function: &Function, text: &Text) -> Result<()> {
        let reason = judge(function, text, self.writes)?;
        self.permit = self.permit.clone().no_more_than_plan(&reason);
        Ok(())
    }
}

impl Postgres {
    /// Whether the statement may be planned, and whether it may be run.
    pub(in crate::engine) async fn permit(&mut self, statement: &Statement) -> Result<Permit> {
        self.use_guarded_path().await?;
        let mut search = Search {
            writes: statement.kind != Kind::Read || !statement.only_reads(),
            pending: Vec::new(),
            seen: BTreeSet::new(),
            permit: Permit::Run,
        };
        let words = Words::of(&statement.sql(), Dialect::Postgres)
            .ok_or_else(|| unreadable("the statement"))?;
        search.push(words, When::Planned, String::new());
        let mut looked_at = 0;
        while let Some(text) = search.pending.pop() {
            looked_at += 1;
            if looked_at > MOST_TEXTS {
                return Err(unreadable("all the code behind the statement"));
            }
            self.look_behind(&text, &mut search).await?;
            for function in self.functions(&text.words).await? {
                if search
                    .seen
                    .insert((format!("function {}", function.oid), text.when))
                {
                    self.look_into(&function, &text, &mut search).await?;
                }
            }
        }
        Ok(search.permit)
    }

    /// The texts behind a text's words, and the functions that operators, casts and types hide.
    async fn look_behind(&mut self, text: &Text, search: &mut Search) -> Result<()> {
        let mut hidden = Words::default();
        for row in self.behind(&text.words, search.writes).await? {
            let what: String = row.try_get("what")?;
            let code: String = row.try_get("code")?;
            let elsewhere: String = row.try_get("elsewhere")?;
            if elsewhere == "plan" {
                return Err(Error::Refused {
                    reason: format!("the {what} is asked of another server already while planning"),
                    instead: "Ask that server about its part of the statement, or give the statement without it.".to_owned(),
                });
            }
            if elsewhere == "run" {
                search.permit = search.permit.clone().no_more_than_plan(&format!(
                    "the {what} is read by another server or program, outside of this read-only transaction"
                ));
            }
            if row.try_get("calls")? {
                hidden.called.insert(code);
                continue;
            }
            // What belongs to a type is evaluated with its values, whatever it is labelled.
            let when = if what.starts_with("domain ") {
                text.when.evaluated()
            } else {
                text.when
            };
            // Partitions repeat the same text.
            if search.seen.insert((code.clone(), when)) {
                let words = Words::of(&code, Dialect::Postgres).ok_or_else(|| unreadable(&what))?;
                search.push(words, when, what);
            }
        }
        let names: Vec<&str> = hidden.called.iter().map(String::as_str).collect();
        let when = text.when.evaluated();
        if !names.is_empty() && search.seen.insert((names.join("\n"), when)) {
            search.push(hidden, when, "operator, cast or type".to_owned());
        }
        Ok(())
    }

    /// A function that a text calls: what its label promises, else what its code holds.
    async fn look_into(
        &mut self,
        function: &Function,
        text: &Text,
        search: &mut Search,
    ) -> Result<()> {
        // The planner puts defaults in, whatever the function is labelled.
        if !function.defaults.is_empty() {
            let words = Words::of(&function.defaults, Dialect::Postgres)
                .ok_or_else(|| unreadable("a default"))?;
            search.push(
                words,
                text.when,
                format!("default of function {}", function.name),
            );
        }
        match function.only_reads() {
            Some(true) => return Ok(()),
            Some(false) => return search.judge(function, text),
            None => {}
        }
        let body = self.body(function).await?;
        let when = match (text.when, function.volatile) {
            (When::Planned, true) if function.language == "sql" => When::Planned,
            (When::Planned, true) => When::Run,
            (When::Planned, false) => When::Evaluated,
            (when, _) => when,
        };
        match Words::of(&body, Dialect::Postgres) {
            Some(mut words) if words.acting().is_none() => {
                words.called.extend(function.parts.iter().cloned());
                search.push(words, when, format!("function {}", function.name));
                Ok(())
            }
            _ => search.judge(function, text),
        }
    }

    async fn functions(&mut self, words: &Words) -> Result<Vec<Function>> {
        let called: Vec<&String> = words.called.iter().collect();
        let all: Vec<&String> = words.all.iter().collect();
        let rows = sqlx::query(FUNCTIONS)
            .bind(&called)
            .bind(&all)
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter().map(Function::read).collect()
    }

    async fn behind(&mut self, words: &Words, writes: bool) -> Result<Vec<PgRow>> {
        let all: Vec<&String> = words.all.iter().collect();
        let operators: Vec<&str> = words
            .operators
            .iter()
            .map(String::as_str)
            .chain(KEYWORD_OPERATORS.iter().copied())
            .collect();
        Ok(sqlx::query(BEHIND)
            .bind(&all)
            .bind(&operators)
            .bind(writes)
            .fetch_all(&mut self.connection)
            .await?)
    }

    /// The text of a function.
    async fn body(&mut self, function: &Function) -> Result<String> {
        let mut body = function.source.clone();
        if body.is_empty() && self.version.at_least(14, 0) {
            body = sqlx::query_scalar(FUNCTION_BODY)
                .bind(&function.oid)
                .fetch_one(&mut self.connection)
                .await?;
        }
        // An aggregate is its parts: its own text is a mark.
        if !function.parts.is_empty() {
            body.clear();
        }
        Ok(body)
    }
}

/// Why the statement may be planned only, where planning does not run the function; else its refusal.
fn judge(function: &Function, text: &Text, writes: bool) -> Result<String> {
    let name = if function.schema == "pg_catalog" || function.schema == "public" {
        function.name.clone()
    } else {
        format!("{}.{}", function.schema, function.name)
    };
    let through = if text.through.is_empty() {
        String::new()
    } else {
        format!(", which the {} calls,", text.through)
    };
    let direct = text.through.is_empty();
    let harmless_to_plan = match text.when {
        When::Planned => {
            function.volatile
                && (!direct
                    || !function.built_in
                    || writes && SEQUENCES.contains(&function.name.as_str()))
        }
        When::Evaluated => false,
        When::Run => true,
    };
    if harmless_to_plan {
        return Ok(format!(
            "the function {name}{through} may change something when it is run"
        ));
    }
    if direct {
        return Err(unknown(&name));
    }
    Err(Error::Refused {
        reason: format!(
            "the function {name}{through} is not known to only read, and planning may already run it"
        ),
        instead: "Give a literal in the place of what calls it: the plan of the rest does not depend on it.".to_owned(),
    })
}

fn unreadable(what: &str) -> Error {
    Error::Refused {
        reason: format!("{what} cannot be looked through for what planning it would run"),
        instead: "Write names without U& escapes, or give the part that matters.".to_owned(),
    }
}
