//! The tools: one list, one way to call them. A tool is a file: its parameters, the thinking, its answer.

pub mod check_locks;
pub mod describe_schema;
pub mod draw_erd;
pub mod explain_query;
pub mod propose_migration;
mod tune_workload;

use std::pin::Pin;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{Answer, Common, within_budget, within_structured_budget};
use crate::config::{Config, Database};
use crate::engine::{Engine, Role, Sample};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};

type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// The most bytes of arguments that are looked at: SQL, logs and snippets that were pasted.
const ARGUMENT_BYTES: usize = 1024 * 1024;

/// A tool as a host sees it, and how it is run.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub input: fn() -> Map<String, Value>,
    pub output: fn() -> Map<String, Value>,
    run: for<'a> fn(Call<'a>, Value) -> Running<'a>,
}

/// Every tool, by name: what `tools/list` shows.
pub const TOOLS: &[Tool] = &[
    check_locks::TOOL,
    describe_schema::TOOL,
    draw_erd::TOOL,
    explain_query::TOOL,
    propose_migration::TOOL,
    tune_workload::TOOL,
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
    /// Ends every call, when the process is to end.
    stop: CancellationToken,
    running: TaskTracker,
}

/// One call of a tool: what it may open, and where it says how far it is.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    context: &'a Context,
    doing: &'a watch::Sender<&'static str>,
}

/// A database that was opened for a call, and the head of its answer.
#[derive(Debug)]
struct Opened<'a> {
    database: &'a Database,
    engine: Engine,
    common: Common,
}

/// Length.
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
            stop: CancellationToken::new(),
            running: TaskTracker::new(),
        }
    }

    /// Cancelled when every call is to end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The longest that a call may take.
    pub const fn deadline(&self) -> Duration {
        self.config.deadline
    }

    /// Ends every call, and what the calls left running on servers.
    pub async fn shut_down(&self) {
        self.stop.cancel();
        self.running.close();
        let _ = tokio::time::timeout(Duration::from_secs(1), self.running.wait()).await;
        crate::engine::settle().await;
    }

    pub fn databases(&self) -> &[Database] {
        &self.config.databases
    }

    /// Runs a tool within the deadline, which says through `doing` what it is at. No secret leaves, whatever
    /// was said. Dropped in the middle, it ends what it left running on the server.
    pub async fn call(
        &self,
        name: &str,
        arguments: Value,
        doing: &watch::Sender<&'static str>,
    ) -> Result<Answer> {
        let tool = find(name).ok_or_else(|| Error::UnknownTool {
            name: name.to_owned(),
            known: TOOLS
                .iter()
                .map(|tool| tool.name)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let size = arguments.to_string().len();
        if size > ARGUMENT_BYTES {
            return Err(Error::Refused {
                reason: format!(
                    "the arguments are {size} bytes long; {ARGUMENT_BYTES} is the limit"
                ),
                instead: "Give the part that matters.".to_owned(),
            });
        }
        let _running = self.running.token();
        let started = Instant::now();
        let limit = self.config.deadline;
        let call = Call {
            context: self,
            doing,
        };
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(limit, (tool.run)(call, arguments)) => {
                outcome.unwrap_or(Err(Error::Deadline { limit }))
            }
            () = self.stop.cancelled() => Err(Error::Stopped),
        };
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

impl<'a> Call<'a> {
    /// Opens the named database; with one configured the name may be left out.
    async fn open(self, name: &str) -> Result<Opened<'a>> {
        let database = self.context.database(name)?;
        self.doing("connecting");
        // The statement gives up before the call does, so that the reason is known.
        let deadline = self.context.config.deadline;
        let limit = deadline
            .saturating_sub(Duration::from_secs(2))
            .max(deadline / 2);
        let mut engine = Engine::open(database, &self.context.sample, limit).await?;
        let role = engine.role().await;
        let role = match role {
            Ok(role) if self.context.config.require_least_privilege && !role.excess.is_empty() => {
                engine.close().await;
                return Err(Error::Privileged {
                    database: database.name.clone(),
                    role: role.name.clone(),
                    excess: role.excess.join(", "),
                    instead: role.instead.join("\n"),
                });
            }
            Ok(role) => role,
            Err(error) => {
                engine.close().await;
                return Err(error);
            }
        };
        let common = Common {
            database: database.name.clone(),
            engine: engine.name().to_owned(),
            version: engine.version().to_owned(),
            findings: role_finding(role).into_iter().collect(),
            ..Common::default()
        };
        Ok(Opened {
            database,
            engine,
            common,
        })
    }

    /// Says what the call is at, for those who wait.
    fn doing(self, what: &'static str) {
        self.doing.send_replace(what);
    }
}

/// A role that could change data is a wall less. Every answer says so, once.
fn role_finding(role: Role) -> Option<Finding> {
    if role.excess.is_empty() {
        return None;
    }
    let mut finding = Finding::new(
        "role-may-write",
        Severity::Info,
        format!("the role {}", role.excess.join(", ")),
    )
    .object(role.name)
    .effect("nothing is written from here all the same; with a role that cannot write, the database itself holds to that")
    .remedy("serve this database with a role of its own");
    finding.sql = role.instead;
    Some(finding)
}

fn answer(text: String, structured: &impl serde::Serialize, hint: &str) -> Result<Answer> {
    let mut structured =
        serde_json::to_value(structured).map_err(|error| Error::unexpected("an answer", error))?;
    within_structured_budget(&mut structured, hint);
    Ok(Answer {
        text: within_budget(text, hint),
        structured,
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
