//! Attacks: none has an effect, shows a row or hangs. And what is legitimate is explained.

mod cases;
mod fingerprint;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::cases::{Case, attacks, meant_for, queries};
use self::fingerprint::{Watch, changed};
use crate::client::Client;
use crate::servers::{self, Place, fixture_text};

/// What no answer may show, unless the statement itself holds it.
const PLANTED: &[&str] = &["planted-row-value", "planted-secret-7391"];
/// The configured limit is 10 s.
const SLOWEST: Duration = Duration::from_secs(12);
/// Only what is plain work may take longer than this: what sleeps or waits would go on to the limit.
const AT_ONCE: Duration = Duration::from_secs(8);
const WORK: &[&str] = &["recursion and size", "optimizer hints"];
/// After this an answer is not waited for.
const LOST: Duration = Duration::from_secs(25);
/// Calls between two looks at the database.
const CHUNK: usize = 60;
/// Where the servers' and SQLite's attacks write files.
const OUTPUT: &str = "/tmp";

/// Attacks change what a whole server shares, so only one of these tests runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a fixture goes on with what does harm.
const HARM: &str = "\n-- Harm.\n";

/// A database with what attacks aim at, and the folder that it has for itself if it is a file.
struct Ground {
    name: String,
    /// Whether it holds functions and the like that do harm.
    harmful: bool,
    place: Place,
    folder: TempDir,
}

impl Ground {
    fn everywhere(name: &str, harmful: bool) -> Vec<Self> {
        let mut grounds: Vec<Self> = servers::servers(name)
            .into_iter()
            .map(|place| Self {
                name: name.to_owned(),
                harmful,
                place,
                folder: TempDir::new().unwrap(),
            })
            .collect();
        let folder = TempDir::new().unwrap();
        grounds.push(Self {
            name: name.to_owned(),
            harmful,
            place: Place {
                name: "sqlite",
                engine: "sqlite",
                url: format!(
                    "sqlite:{}",
                    folder.path().join(format!("{name}.sqlite")).display()
                ),
            },
            folder,
        });
        for ground in &grounds {
            ground.fill();
        }
        grounds
    }

    fn fill(&self) {
        let fixture = match self.place.engine {
            "postgresql" => "attack.postgres.sql",
            "sqlite" => "attack.sqlite.sql",
            _ => "attack.mysql.sql",
        };
        if self.place.engine == "sqlite" {
            std::fs::write(self.file(), "").unwrap();
        }
        let text = fixture_text(fixture);
        let (harmless, _) = text.split_once(HARM).unwrap();
        let script = if self.harmful { &text } else { harmless };
        servers::run(&self.place.url, script);
        if self.harmful && self.place.engine == "mariadb" {
            servers::run(&self.place.url, &fixture_text("attack.mariadb.sql"));
        }
    }

    /// As it was at first, whatever an attack did.
    fn renew(&mut self) {
        if self.place.engine != "sqlite" {
            self.place = servers::one(self.place.name, &self.name);
        }
        self.fill();
    }

    fn file(&self) -> PathBuf {
        PathBuf::from(self.place.url.trim_start_matches("sqlite:"))
    }

    fn agent(&self) -> Agent {
        let config = servers::folder().join(format!("{}-{}.toml", self.name, self.place.name));
        std::fs::write(
            &config,
            format!(
                "deadline_seconds = 10\n[databases.target]\nurl = \"{}\"\n",
                self.place.url
            ),
        )
        .unwrap();
        Agent::start(config)
    }

    fn watch(&self) -> Watch<'_> {
        Watch::over(self)
    }
}

/// The server under test, spoken to from a thread of its own, so that a call that hangs or a server that
/// dies is a finding and not the end of the test.
struct Agent {
    config: PathBuf,
    calls: Sender<(&'static str, Value)>,
    answers: Receiver<(String, bool)>,
}

impl Agent {
    fn start(config: PathBuf) -> Self {
        let (calls, taken) = channel::<(&'static str, Value)>();
        let (answered, answers) = channel();
        let path = config.display().to_string();
        std::thread::spawn(move || {
            let mut client = Client::start(&["--config", &path]);
            for (tool, arguments) in taken {
                let called = catch_unwind(AssertUnwindSafe(|| client.call(tool, arguments)));
                let Ok(called) = called else { return };
                let text = format!("{}\n{}", called.text, called.structured);
                if answered.send((text, called.is_error)).is_err() {
                    return;
                }
            }
        });
        Self {
            config,
            calls,
            answers,
        }
    }

    /// The answer, whether it is an error, and how long it took; nothing if none came.
    fn call(&mut self, tool: &'static str, arguments: Value) -> Option<(String, bool, Duration)> {
        let started = Instant::now();
        let answer = self
            .calls
            .send((tool, arguments))
            .ok()
            .and_then(|()| self.answers.recv_timeout(LOST).ok());
        if answer.is_none() {
            *self = Self::start(self.config.clone());
        }
        answer.map(|(text, is_error)| (text, is_error, started.elapsed()))
    }
}

/// The three ways in. What is wrong with the answers goes into `faults`.
fn attack(agent: &mut Agent, case: &Case, faults: &mut Vec<String>) {
    let calls = [
        (
            "explain_query",
            json!({"sql": case.sql, "binds": case.binds}),
        ),
        (
            "explain_query",
            json!({"sql": case.sql, "binds": case.binds, "analyze": true}),
        ),
        ("propose_migration", json!({"change": case.sql})),
    ];
    for (tool, arguments) in calls {
        let way = if arguments["analyze"] == true {
            "explain_query with analyze"
        } else {
            tool
        };
        let started = Instant::now();
        let Some((text, _, took)) = agent.call(tool, arguments) else {
            let end = if started.elapsed() < LOST {
                "the process ended"
            } else {
                "no answer"
            };
            faults.push(format!("{}: {way}: {end}", case.name));
            continue;
        };
        let shown: String = text.chars().take(300).collect();
        let allowed = if WORK.contains(&case.kind.as_str()) {
            SLOWEST
        } else {
            AT_ONCE
        };
        if took > allowed {
            faults.push(format!(
                "{}: {way}: took {:.1} s: {shown}",
                case.name,
                took.as_secs_f64()
            ));
        }
        if text.to_lowercase().contains("lock timeout") {
            faults.push(format!("{}: {way}: waited for a lock: {shown}", case.name));
        }
        for planted in PLANTED {
            if text.contains(planted) && !case.sql.contains(planted) {
                faults.push(format!("{}: {way}: shows {planted}: {shown}", case.name));
            }
        }
    }
}

/// Runs attacks and says what they changed and what was wrong with the answers.
fn run(ground: &mut Ground, cases: &[Case]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut agent = ground.agent();
    for chunk in cases.chunks(CHUNK) {
        let differs = {
            let mut watch = ground.watch();
            let before = watch.look();
            for case in chunk {
                attack(&mut agent, case, &mut faults);
            }
            changed(&before, &watch.look())
        };
        if differs.is_empty() {
            continue;
        }
        // Once more one by one, from where it began, to name the culprits.
        ground.renew();
        let told = faults.len();
        let mut watch = ground.watch();
        let mut before = watch.look();
        for case in chunk {
            attack(&mut agent, case, &mut Vec::new());
            let after = watch.look();
            let differs = changed(&before, &after);
            if !differs.is_empty() {
                faults.push(format!("{}: changed {}", case.name, differs.join(", ")));
            }
            before = after;
        }
        if faults.len() == told {
            faults.push(format!(
                "one of {} to {} changed {}, but not a second time",
                chunk[0].name,
                chunk[chunk.len() - 1].name,
                differs.join(", ")
            ));
        }
    }
    faults
}

/// The same on each ground, all at once; what was found names its ground.
fn on_each(grounds: Vec<Ground>, find: impl Fn(&mut Ground) -> Vec<String> + Sync) -> Vec<String> {
    std::thread::scope(|scope| {
        let find = &find;
        let threads: Vec<_> = grounds
            .into_iter()
            .map(|mut ground| {
                scope.spawn(move || {
                    let found = find(&mut ground);
                    let name = ground.place.name;
                    found
                        .into_iter()
                        .map(|fault| format!("{name}: {fault}"))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

#[test]
fn every_attack_has_no_effect() {
    let _alone = alone();
    let faults = on_each(Ground::everywhere("att_attacks", true), |ground| {
        let cases = meant_for(attacks(), ground.place.engine);
        run(ground, &cases)
    });
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Attacks that change something when nothing stands in their way, and what is written before them.
fn felt(engine: &str) -> &'static [(&'static str, &'static str)] {
    match engine {
        "postgresql" => &[
            ("", "nextval"),
            ("", "select-into"),
            ("", "stat-reset"),
            ("", "notify-function"),
            ("", "pg-terminate-backend"),
            ("", "security-definer"),
            ("EXPLAIN ", "immutable-nextval"),
            ("EXPLAIN ", "domain-in-a-row-literal"),
            ("EXPLAIN ", "operator-in-the-selectivity"),
            ("EXPLAIN ", "partial-index-predicate"),
            ("EXPLAIN ", "prefix-options"),
            ("", "stacked-drop"),
        ],
        "mysql" => &[
            ("", "create-table-as"),
            ("", "set-global"),
            ("", "deterministic-kill"),
            ("", "deterministic-write"),
            ("EXPLAIN ", "function-in-a-plan-time-subquery"),
            ("", "update"),
            ("", "stacked-drop"),
        ],
        "mariadb" => &[
            ("", "next-value-for"),
            ("", "aggregate-with-a-loop"),
            ("EXPLAIN ", "function-in-a-plan-time-subquery"),
            ("ANALYZE FORMAT=JSON ", "insert"),
            ("", "begin-not-atomic"),
            ("", "stacked-drop"),
        ],
        _ => &[
            ("", "pragma-user-version"),
            ("", "vacuum-into"),
            ("", "delete"),
            ("", "stacked-drop"),
        ],
    }
}

#[test]
fn the_fingerprint_sees_what_an_attack_would_do() {
    let _alone = alone();
    let faults = on_each(Ground::everywhere("att_raw", true), |ground| {
        let cases = meant_for(attacks(), ground.place.engine);
        let mut watch = ground.watch();
        let mut unseen = Vec::new();
        let mut before = watch.look();
        let differs = changed(&before, &watch.look());
        if !differs.is_empty() {
            unseen.push(format!("looking twice differs: {}", differs.join(", ")));
        }
        for (prefix, name) in felt(ground.place.engine) {
            let case = cases.iter().find(|case| case.name == *name).unwrap();
            servers::run(&ground.place.url, &format!("{prefix}{}", case.sql));
            let after = watch.look();
            if changed(&before, &after).is_empty() {
                unseen.push(format!("{prefix}{name} was not seen"));
            }
            before = after;
        }
        unseen
    });
    let _ = std::fs::remove_file(Path::new(OUTPUT).join("att-out-sqlite-vacuum"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_legitimate_query_is_refused() {
    let _alone = alone();
    let faults = on_each(Ground::everywhere("att_queries", false), |ground| {
        let mut agent = ground.agent();
        let mut faults = Vec::new();
        for case in meant_for(queries(), ground.place.engine) {
            let reads = !case.kind.starts_with("statements that write") && case.binds.is_empty();
            for analyze in [false, true] {
                if analyze && !reads {
                    continue;
                }
                let arguments = json!({"sql": case.sql, "binds": case.binds, "analyze": analyze});
                let way = if analyze { "with analyze" } else { "plain" };
                match agent.call("explain_query", arguments) {
                    None => faults.push(format!("{}: {way}: no answer", case.name)),
                    Some((text, true, _)) => {
                        let text = text.trim_end_matches("\nnull");
                        faults.push(format!("{}: {way}: {text}", case.name));
                    }
                    Some((text, false, _)) => {
                        if PLANTED.iter().any(|planted| text.contains(planted)) {
                            faults.push(format!("{}: {way}: shows a row", case.name));
                        }
                    }
                }
            }
        }
        faults
    });
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn the_tables_are_large_enough() {
    const ENGINES: &[&str] = &["postgresql", "mysql", "mariadb", "sqlite"];
    for (cases, distinct, pairs, least) in [(attacks(), 130, 170, 25), (queries(), 100, 100, 25)] {
        let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "a name is there twice");
        assert!(all >= distinct, "{all}");
        let on: Vec<&str> = cases
            .iter()
            .flat_map(|case| case.on.iter().map(String::as_str))
            .collect();
        assert!(on.len() >= pairs, "{}", on.len());
        assert!(on.iter().all(|engine| ENGINES.contains(engine)));
        for engine in ENGINES {
            let number = on.iter().filter(|on| *on == engine).count();
            assert!(number >= least, "{engine}: {number}");
        }
    }
}
