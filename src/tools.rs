//! The tools: one list, one way to call them. A tool is a file: its parameters, the thinking, its answer.

pub mod check_locks;
pub mod describe_schema;
pub mod draw_erd;
pub mod explain_query;
pub mod propose_migration;

use std::pin::Pin;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::answer::{Answer, Common, within_budget};
use crate::config::{Config, Database};
use crate::engine::{Engine, Sample};
use crate::error::{Error, Result};

type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// A tool as a host sees it, and how it is run.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub input: fn() -> Map<String, Value>,
    pub output: fn() -> Map<String, Value>,
    run: for<'a> fn(&'a Context, Value) -> Running<'a>,
}

/// Every tool, by name: what `tools/list` shows.
pub const TOOLS: &[Tool] = &[
    check_locks::TOOL,
    describe_schema::TOOL,
    draw_erd::TOOL,
    explain_query::TOOL,
    propose_migration::TOOL,
];

pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// What the tools share: the databases, and the limits.
#[derive(Debug)]
pub struct Context {
    config: Config,
    sample: Sample,
    secrets: Vec<String>,
}

/// Answer length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Detail {
    #[default]
    Concise,
    Detailed,
}

impl Context {
    pub fn new(config: Config) -> Self {
        let secrets = config.secrets();
        Self {
            config,
            sample: Sample::default(),
            secrets,
        }
    }

    pub fn databases(&self) -> &[Database] {
        &self.config.databases
    }

    /// Runs a tool within the deadline. No secret leaves, whatever was said.
    pub async fn call(&self, name: &str, arguments: Value) -> Result<Answer> {
        let tool = find(name).ok_or_else(|| Error::UnknownTool {
            name: name.to_owned(),
            known: TOOLS
                .iter()
                .map(|tool| tool.name)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let started = Instant::now();
        let limit = self.config.deadline;
        let outcome = tokio::time::timeout(limit, (tool.run)(self, arguments))
            .await
            .unwrap_or(Err(Error::Deadline { limit }));
        tracing::info!(
            tool = name,
            ok = outcome.is_ok(),
            ms = started.elapsed().as_millis() as u64,
            "call"
        );
        outcome.map(|answer| self.without_secrets(answer))
    }

    /// An error as the one who called may read it.
    pub fn message(&self, tool: &str, error: &Error) -> String {
        self.redact(format!("{tool}: {error}"))
    }

    fn without_secrets(&self, answer: Answer) -> Answer {
        let hit = |text: &str| self.secrets.iter().any(|secret| text.contains(secret));
        let structured = if hit(&answer.structured.to_string()) {
            serde_json::from_str(&self.redact(answer.structured.to_string())).unwrap_or(Value::Null)
        } else {
            answer.structured
        };
        Answer {
            text: self.redact(answer.text),
            structured,
        }
    }

    fn redact(&self, text: String) -> String {
        self.secrets.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), "***")
            } else {
                text
            }
        })
    }

    /// Opens the named database; with one configured the name may be left out.
    async fn open(&self, name: &str) -> Result<(&Database, Engine)> {
        let database = self.database(name)?;
        // The statement gives up before the call does, so that the reason is known.
        let limit = self
            .config
            .deadline
            .saturating_sub(Duration::from_secs(2))
            .max(Duration::from_secs(1));
        Ok((database, Engine::open(database, &self.sample, limit).await?))
    }

    fn database(&self, name: &str) -> Result<&Database> {
        let names = || {
            self.config
                .databases
                .iter()
                .map(|database| database.name.as_str())
        };
        let known = || names().collect::<Vec<_>>().join(", ");
        match (name, self.config.databases.as_slice()) {
            ("", [only]) => Ok(only),
            ("", _) => Err(Error::WhichDatabase { known: known() }),
            (name, all) => all
                .iter()
                .find(|database| database.name == name)
                .ok_or_else(|| {
                    let hint = crate::catalog::nearest(name, names())
                        .map_or_else(String::new, |near| format!(" Did you mean \"{near}\"?"));
                    Error::UnknownDatabase {
                        name: crate::answer::excerpt(name, 80),
                        hint,
                        known: known(),
                    }
                }),
        }
    }
}

/// The head of every answer.
fn common(database: &Database, engine: &Engine) -> Common {
    Common {
        database: database.name.clone(),
        engine: engine.name().to_owned(),
        version: engine.version().to_owned(),
        ..Common::default()
    }
}

fn answer(text: String, structured: &impl serde::Serialize, hint: &str) -> Result<Answer> {
    Ok(Answer {
        text: within_budget(text, hint),
        structured: serde_json::to_value(structured)
            .map_err(|error| Error::unexpected("an answer", error))?,
    })
}

/// Arguments as the tool's parameters. A null is an argument that was left out.
fn parameters<P: DeserializeOwned + JsonSchema>(tool: &'static str, arguments: Value) -> Result<P> {
    let wrong = |reason: String| Error::Arguments {
        tool,
        reason,
        known: names(&input_schema::<P>()),
    };
    let arguments = match arguments {
        Value::Null => Map::new(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        _ => return Err(wrong("arguments must be a JSON object".to_owned())),
    };
    serde_json::from_value(Value::Object(arguments)).map_err(|error| wrong(error.to_string()))
}

fn names(schema: &Map<String, Value>) -> String {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a tool takes, without what hosts do not need; flat, without `$ref`.
fn input_schema<P: JsonSchema>() -> Map<String, Value> {
    schema::<P>(SchemaSettings::draft2020_12(), UNWANTED)
}

/// What a tool answers: its own names with their types, two levels deep. What every answer carries is
/// told at the top only: its inside, the same for all tools, would cost every session that lists them.
fn output_schema<O: JsonSchema>() -> Map<String, Value> {
    const EVERYWHERE: &[&str] = &["findings", "next", "questions", "skipped", "truncated"];
    let mut schema = schema::<O>(SchemaSettings::draft2020_12().for_serialize(), UNWANTED);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            outline(property, usize::from(!EVERYWHERE.contains(&name.as_str())));
        }
    }
    schema
}

const UNWANTED: &[&str] = &[
    "$schema", "title", "default", "format", "minimum", "maximum",
];

/// Keeps the types of a schema this many levels deep.
fn outline(schema: &mut Value, levels: usize) {
    let Value::Object(map) = schema else { return };
    map.retain(|key, _| matches!(key.as_str(), "type" | "enum" | "items" | "properties"));
    if let Some(items) = map.get_mut("items") {
        outline(items, levels);
    }
    if levels == 0 {
        map.remove("properties");
        map.remove("enum");
    } else if let Some(Value::Object(properties)) = map.get_mut("properties") {
        for property in properties.values_mut() {
            outline(property, levels - 1);
        }
    }
}

fn schema<T: JsonSchema>(settings: SchemaSettings, unwanted: &[&str]) -> Map<String, Value> {
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    strip(&mut schema, unwanted);
    match schema {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Takes keywords out, but not properties that happen to be called like one.
fn strip(schema: &mut Value, unwanted: &[&str]) {
    match schema {
        Value::Object(map) => {
            map.retain(|key, _| !unwanted.contains(&key.as_str()));
            for (key, value) in map {
                match value {
                    Value::Object(properties) if key == "properties" => {
                        for property in properties.values_mut() {
                            strip(property, unwanted);
                        }
                    }
                    value => strip(value, unwanted),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                strip(item, unwanted);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_in_order_of_their_names() {
        assert!(TOOLS.iter().map(|tool| tool.name).is_sorted());
    }
}
