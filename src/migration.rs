//! Changes to a schema, and the ordered, reversible steps that carry them out. Engines write the steps;
//! here they are judged, proved, shown and put into files.

pub mod change;
pub mod files;
pub mod proof;
pub mod render;

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::{Finding, Severity};

/// When a phase runs, relative to the application's release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Deploy {
    BeforeCode,
    WithCode,
    AfterCode,
    LaterRelease,
}

impl Deploy {
    pub const fn words(self) -> &'static str {
        match self {
            Self::BeforeCode => "before the code",
            Self::WithCode => "with the code",
            Self::AfterCode => "after the code",
            Self::LaterRelease => "in a later release",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Lock {
    pub mode: String,
    pub object: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Blocks {
    pub reads: bool,
    pub writes: bool,
}

/// One script and the one that takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Step {
    pub up: String,
    pub down: String,
    /// Whether up runs inside one transaction.
    pub transactional: bool,
    /// A query that gives 1 once the step is done: run it first, skip the step on 1.
    pub guard: String,
    pub lock: Lock,
    /// For longer than a moment.
    pub blocks: Blocks,
    pub rewrites_table: bool,
    pub scans_table: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timeouts: String,
    /// Where the statements about locks come from.
    pub source: crate::finding::Source,
    /// What the reader should know and a machine need not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Step {
    pub fn new(up: impl Into<String>, down: impl Into<String>) -> Self {
        Self {
            up: up.into(),
            down: down.into(),
            transactional: true,
            guard: String::new(),
            lock: Lock {
                mode: "none".to_owned(),
                object: String::new(),
            },
            blocks: Blocks::default(),
            rewrites_table: false,
            scans_table: false,
            timeouts: String::new(),
            source: crate::finding::Source::Formula,
            note: String::new(),
        }
    }

    #[must_use]
    pub fn lock(mut self, mode: &str, object: &str) -> Self {
        self.lock = Lock {
            mode: mode.to_owned(),
            object: object.to_owned(),
        };
        self
    }

    #[must_use]
    pub const fn blocks(mut self, reads: bool, writes: bool) -> Self {
        self.blocks = Blocks { reads, writes };
        self
    }

    #[must_use]
    pub const fn outside_transaction(mut self) -> Self {
        self.transactional = false;
        self
    }

    #[must_use]
    pub const fn rewrites(mut self) -> Self {
        self.rewrites_table = true;
        self.scans_table = true;
        self
    }

    #[must_use]
    pub const fn scans(mut self) -> Self {
        self.scans_table = true;
        self
    }

    #[must_use]
    pub fn guard(mut self, guard: impl Into<String>) -> Self {
        self.guard = guard.into();
        self
    }

    #[must_use]
    pub fn timeouts(mut self, timeouts: &str) -> Self {
        timeouts.clone_into(&mut self.timeouts);
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Phase {
    pub name: String,
    pub deploy: Deploy,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Reversible {
    Full,
    // Down brings the structure back, not the data.
    SchemaOnly,
    None,
}

impl Reversible {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::SchemaOnly => "schema only",
            Self::None => "none",
        }
    }
}

/// What is known of the data before anything is planned; counted on the live database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub rows: Option<i64>,
    pub size_bytes: Option<i64>,
    /// Rows that break the new rule: NULLs, or rows without a parent.
    pub offending: Option<i64>,
}

/// Whether a text names this, as a word of its own, whatever the case.
pub fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|own| own.eq_ignore_ascii_case(word))
}

impl Facts {
    /// The number of rows as an answer shows it.
    pub fn shown_rows(&self) -> String {
        self.rows.map_or("unknown".to_owned(), crate::answer::count)
    }

    pub fn large(&self) -> bool {
        self.rows.is_none_or(|rows| rows >= LARGE_ROWS)
    }
}

/// From this many rows on a scan under a strong lock is felt by users.
pub const LARGE_ROWS: i64 = 10_000;

/// The plan for one change.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    pub title: String,
    pub phases: Vec<Phase>,
    /// What is wrong with the change as it was written.
    pub hazards: Vec<Finding>,
    pub reversible: Reversible,
    pub reversible_why: String,
    pub questions: Vec<crate::answer::Question>,
}

impl Migration {
    /// This migration, then the other.
    #[must_use]
    pub fn then(mut self, mut other: Self) -> Self {
        self.title = format!("{} and {}", self.title, other.title);
        self.phases.append(&mut other.phases);
        self.hazards.append(&mut other.hazards);
        self.questions.append(&mut other.questions);
        if other.reversible as u8 > self.reversible as u8 {
            self.reversible = other.reversible;
            self.reversible_why = other.reversible_why;
        }
        self
    }

    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }

    /// The naive change is safe when nothing worse than a remark is said of it.
    pub fn naive_is_safe(&self) -> bool {
        !self
            .hazards
            .iter()
            .any(|hazard| hazard.severity <= Severity::Medium)
    }

    pub fn checklist(&self, facts: &Facts, concurrently: Item) -> Checklist {
        let strong: Vec<&Step> = self
            .steps()
            .filter(|step| step.blocks.reads || (step.blocks.writes && step.scans_table))
            .collect();
        let backfill = self
            .steps()
            .position(|step| step.up.starts_with("UPDATE") || step.up.contains("\nUPDATE"));
        let rows = facts
            .rows
            .map_or("an unknown number of".to_owned(), crate::answer::count);
        Checklist {
            reversible: Item::new(
                self.reversible != Reversible::None,
                self.reversible_why.clone(),
            ),
            no_full_lock: Item::new(
                strong.is_empty() || !facts.large(),
                match strong.first() {
                    None => "no step holds a lock that blocks others for longer than a moment"
                        .to_owned(),
                    Some(step) if facts.large() => format!(
                        "{} on {} is held while {rows} rows are read: plan a quiet time",
                        step.lock.mode, step.lock.object
                    ),
                    Some(step) => format!(
                        "{} on {}, but it has only {rows} rows",
                        step.lock.mode, step.lock.object
                    ),
                },
            ),
            backfill_before_constraint: Item::new(
                backfill.is_none_or(|at| {
                    !self
                        .steps()
                        .take(at)
                        .any(|step| step.up.contains("NOT NULL"))
                }),
                if backfill.is_some() {
                    "the backfill is a step before the constraint"
                } else {
                    "no backfill is needed"
                },
            ),
            indexes_concurrently: concurrently,
            production_size: Item::new(
                false,
                format!("the live table has {rows} rows; the steps were not timed at that size"),
            ),
        }
    }
}

/// One line of the persona's checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Item {
    pub holds: bool,
    pub why: String,
}

impl Item {
    pub fn new(holds: bool, why: impl Into<String>) -> Self {
        Self {
            holds,
            why: why.into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Checklist {
    pub reversible: Item,
    pub no_full_lock: Item,
    pub backfill_before_constraint: Item,
    pub indexes_concurrently: Item,
    pub production_size: Item,
}
