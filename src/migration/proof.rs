//! The proof that a migration can be taken back: up, down, up on a throwaway copy, with the schema
//! compared each time. A machine that asks and is told, so that it can be tested without a database.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Step;
use crate::catalog::Table;

/// What the prover wants to have done on the scratch database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Describe the schema, and count the rows of each table.
    Look,
    /// Run a script.
    Run(String),
    /// Run a guard: does it say that its step is done?
    Guard(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Looked(Snapshot),
    Ran,
    Guarded(bool),
    Failed(String),
}

/// A schema, as sorted lines, and how many rows each table has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub schema: Vec<String>,
    pub rows: BTreeMap<String, i64>,
}

impl Snapshot {
    /// Adds a table's schema, without the order of its columns, which a column that is dropped and added again
    /// changes.
    pub fn add(&mut self, table: &Table) {
        self.schema.extend(lines(table));
    }
}

fn lines(table: &Table) -> Vec<String> {
    let name = &table.qualified();
    let mut lines = vec![format!("{} {name}", table.kind.word())];
    for column in &table.columns {
        lines.push(format!(
            "{name}.{} {} nullable={} default={:?} identity={:?} generated={:?} collation={}",
            column.name,
            column.data_type,
            column.nullable,
            column.default,
            column.identity,
            column.generated,
            column.collation
        ));
    }
    if let Some(key) = &table.primary_key {
        lines.push(format!("{name} primary key {:?}", key.columns));
    }
    for key in &table.foreign_keys {
        lines.push(format!(
            "{name} foreign key {:?} to {} {:?} delete {} update {}",
            key.columns, key.referenced_table, key.referenced_columns, key.on_delete, key.on_update
        ));
    }
    for check in &table.checks {
        lines.push(format!(
            "{name} check {} validated={}",
            check.expression, check.validated
        ));
    }
    for index in &table.indexes {
        // The name of an index that a constraint made says nothing.
        let shown = if index.definition.is_empty() {
            ""
        } else {
            &index.name
        };
        lines.push(format!(
            "{name} index {shown} unique={} {:?} where {}",
            index.unique,
            index
                .columns
                .iter()
                .map(|key| (&key.name, key.descending))
                .collect::<Vec<_>>(),
            index.predicate
        ));
    }
    lines
}

/// What was shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Proof {
    /// Where it ran; empty when it did not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ran_on: String,
    pub up_down_up: bool,
    pub schema_equal: bool,
    pub rows_kept: bool,
    /// Every guard said "not done" before its step and "done" after it.
    pub rerun_after_each_step: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why_not: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Before,
    Up { step: usize, pass: u8, part: Part },
    LookUp { pass: u8 },
    Down { step: usize },
    LookDown,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    GuardBefore,
    Run,
    GuardAfter,
}

#[derive(Debug)]
pub struct Prover {
    steps: Vec<Step>,
    stage: Stage,
    before: Snapshot,
    up: Snapshot,
    proof: Proof,
}

impl Prover {
    pub fn new(steps: Vec<Step>, ran_on: &str) -> Self {
        Self {
            steps,
            stage: Stage::Before,
            before: Snapshot::default(),
            up: Snapshot::default(),
            proof: Proof {
                ran_on: ran_on.to_owned(),
                schema_equal: true,
                rows_kept: true,
                rerun_after_each_step: true,
                ..Proof::default()
            },
        }
    }

    /// What to do next; nothing when the proof is over.
    pub fn next(&self) -> Option<Question> {
        let step = |number: usize| self.steps.get(number);
        match &self.stage {
            Stage::Before | Stage::LookUp { .. } | Stage::LookDown => Some(Question::Look),
            Stage::Up {
                step: number, part, ..
            } => step(*number).map(|step| match part {
                Part::Run => Question::Run(step.up.clone()),
                Part::GuardBefore | Part::GuardAfter => Question::Guard(step.guard.clone()),
            }),
            Stage::Down { step: number } => {
                step(*number).map(|step| Question::Run(step.down.clone()))
            }
            Stage::Done => None,
        }
    }

    pub fn tell(&mut self, answer: Answer) {
        if let Answer::Failed(reason) = answer {
            self.fail(&reason);
            return;
        }
        self.stage = match (self.stage.clone(), answer) {
            (Stage::Before, Answer::Looked(snapshot)) => {
                self.before = snapshot;
                self.enter(0, 1)
            }
            (
                Stage::Up {
                    step,
                    pass,
                    part: Part::GuardBefore,
                },
                Answer::Guarded(done),
            ) => {
                // What no down took back is still done the second time.
                let stayed = pass == 2 && self.steps.get(step).is_some_and(undoes_nothing);
                if done && !stayed {
                    self.proof.rerun_after_each_step = false;
                }
                Stage::Up {
                    step,
                    pass,
                    part: Part::Run,
                }
            }
            (
                Stage::Up {
                    step,
                    pass,
                    part: Part::Run,
                },
                Answer::Ran,
            ) => {
                if self
                    .steps
                    .get(step)
                    .is_some_and(|step| step.guard.is_empty())
                {
                    self.enter(step + 1, pass)
                } else {
                    Stage::Up {
                        step,
                        pass,
                        part: Part::GuardAfter,
                    }
                }
            }
            (
                Stage::Up {
                    step,
                    pass,
                    part: Part::GuardAfter,
                },
                Answer::Guarded(done),
            ) => {
                if !done {
                    self.proof.rerun_after_each_step = false;
                }
                self.enter(step + 1, pass)
            }
            (Stage::LookUp { pass: 1 }, Answer::Looked(snapshot)) => {
                self.up = snapshot;
                self.leave(self.steps.len())
            }
            (Stage::LookUp { .. }, Answer::Looked(snapshot)) => {
                self.proof.schema_equal &= snapshot.schema == self.up.schema;
                self.proof.up_down_up = true;
                Stage::Done
            }
            (Stage::Down { step }, Answer::Ran) => self.leave(step),
            (Stage::LookDown, Answer::Looked(snapshot)) => {
                self.compare(&snapshot);
                self.enter(0, 2)
            }
            (_, _) => {
                "the scratch database answered out of turn".clone_into(&mut self.proof.why_not);
                Stage::Done
            }
        };
    }

    pub fn proof(self) -> Proof {
        self.proof
    }

    /// The stage that starts step `number` on the way up.
    fn enter(&self, number: usize, pass: u8) -> Stage {
        match self.steps.get(number) {
            None => Stage::LookUp { pass },
            Some(step) if step.guard.is_empty() => Stage::Up {
                step: number,
                pass,
                part: Part::Run,
            },
            Some(_) => Stage::Up {
                step: number,
                pass,
                part: Part::GuardBefore,
            },
        }
    }

    /// The stage after step `number` was taken back.
    fn leave(&self, number: usize) -> Stage {
        let mut number = number;
        while number > 0 {
            number -= 1;
            if self
                .steps
                .get(number)
                .is_some_and(|step| !step.down.trim().is_empty())
            {
                return Stage::Down { step: number };
            }
        }
        Stage::LookDown
    }

    fn compare(&mut self, down: &Snapshot) {
        self.proof.schema_equal &= down.schema == self.before.schema;
        self.proof.rows_kept &= down.rows == self.before.rows;
        if !self.proof.schema_equal {
            let difference = down
                .schema
                .iter()
                .find(|line| !self.before.schema.contains(line))
                .or_else(|| {
                    self.before
                        .schema
                        .iter()
                        .find(|line| !down.schema.contains(line))
                });
            self.proof.why_not = format!(
                "after down the schema differs: {}",
                difference.map_or("in order", String::as_str)
            );
        }
    }

    fn fail(&mut self, reason: &str) {
        let doing = match &self.stage {
            Stage::Up { step, pass, .. } => format!("step {} up, pass {pass}", step + 1),
            Stage::Down { step } => format!("step {} down", step + 1),
            _ => "reading the schema".to_owned(),
        };
        self.proof.why_not = format!("{doing}: {reason}");
        self.proof.schema_equal = false;
        self.proof.rows_kept = false;
        self.proof.rerun_after_each_step = false;
        self.stage = Stage::Done;
    }
}

/// Whether its down is empty, or only says why.
fn undoes_nothing(step: &Step) -> bool {
    step.down
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with("--"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(lines: &[&str]) -> Answer {
        Answer::Looked(Snapshot {
            schema: lines.iter().map(|line| (*line).to_owned()).collect(),
            rows: BTreeMap::new(),
        })
    }

    /// A scratch database that is a list of lines: "+x" adds one, "-x" takes it out.
    fn run(prover: &mut Prover, mut lines: Vec<String>) {
        while let Some(question) = prover.next() {
            let answer = match question {
                Question::Look => look(&lines.iter().map(String::as_str).collect::<Vec<_>>()),
                Question::Guard(line) => Answer::Guarded(lines.contains(&line)),
                Question::Run(script) => match script.split_at(1) {
                    ("+", line) if !lines.contains(&line.to_owned()) => {
                        lines.push(line.to_owned());
                        Answer::Ran
                    }
                    ("-", line) => {
                        lines.retain(|known| known != line);
                        Answer::Ran
                    }
                    _ => Answer::Failed("exists already".to_owned()),
                },
            };
            prover.tell(answer);
        }
    }

    #[test]
    fn what_can_be_taken_back_is_proved() {
        let steps = vec![
            Step::new("+b", "-b").guard("b"),
            Step::new("+c", "-c").guard("c"),
        ];
        let mut prover = Prover::new(steps, "a list");
        run(&mut prover, vec!["a".to_owned()]);
        let proof = prover.proof();
        assert!(
            proof.up_down_up && proof.schema_equal && proof.rerun_after_each_step,
            "{proof:?}"
        );
        assert_eq!(proof.why_not, "");
    }

    #[test]
    fn a_down_that_does_nothing_is_found_out() {
        let mut prover = Prover::new(vec![Step::new("+b", "-nothing")], "a list");
        run(&mut prover, vec!["a".to_owned()]);
        let proof = prover.proof();
        assert!(!proof.up_down_up && !proof.schema_equal, "{proof:?}");
    }

    #[test]
    fn what_no_down_takes_back_may_be_done_the_second_time() {
        let steps = vec![
            Step::new("-x", "").guard("b"),
            Step::new("+c", "-c").guard("c"),
        ];
        let mut prover = Prover::new(steps.clone(), "a list");
        run(&mut prover, vec!["a".to_owned(), "x".to_owned()]);
        assert!(!prover.proof().rerun_after_each_step, "the guard lies");
        let mut prover = Prover::new(vec![Step::new("+b", "-- b stays").guard("b")], "a list");
        // The second time "+b" finds its line there: only the guard is looked at here.
        prover.tell(look(&[]));
        for answer in [
            Answer::Guarded(false),
            Answer::Ran,
            Answer::Guarded(true),
            look(&["b"]),
            Answer::Ran,
            look(&["b"]),
            Answer::Guarded(true),
            Answer::Ran,
            Answer::Guarded(true),
            look(&["b"]),
        ] {
            prover.tell(answer);
        }
        let proof = prover.proof();
        assert!(proof.up_down_up && proof.rerun_after_each_step, "{proof:?}");
    }

    #[test]
    fn a_guard_that_lies_is_found_out() {
        let mut prover = Prover::new(vec![Step::new("+b", "-b").guard("other")], "a list");
        run(&mut prover, vec!["a".to_owned()]);
        assert!(!prover.proof().rerun_after_each_step);
    }
}
