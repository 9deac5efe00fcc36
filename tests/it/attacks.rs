//! Attacks: none has an effect, shows a row or hangs. And what is legitimate is explained.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;

use crate::client::Client;
use crate::servers::{self, Place, block_on, connect, fixture_text};

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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    kind: String,
    on: Vec<String>,
    sql: String,
    #[serde(default)]
    binds: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attacks {
    attack: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queries {
    query: Vec<Case>,
}

fn table(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn attacks() -> Vec<Case> {
    let written: Attacks = toml::from_str(&table("attacks.toml")).unwrap();
    let mut attacks = written.attack;
    attacks.extend(deep());
    attacks
}

fn queries() -> Vec<Case> {
    let written: Queries = toml::from_str(&table("legitimate.toml")).unwrap();
    written.query
}

/// Nested so deeply that a parser's stack may not hold them: too long to be written out in the table.
fn deep() -> Vec<Case> {
    let nested = |before: &str, middle: &str, after: &str, times: usize| {
        format!(
            "SELECT {}{middle}{}",
            before.repeat(times),
            after.repeat(times)
        )
    };
    [
        ("deep-brackets", nested("(", "1", ")", 20_000)),
        ("deep-not", nested("NOT ", "1 = 1", "", 20_000)),
        ("deep-minus", nested("- ", "1", "", 20_000)),
        (
            "deep-case",
            nested("CASE WHEN 1 = 1 THEN ", "1", " END", 5_000),
        ),
        (
            "deep-subqueries",
            nested("* FROM (SELECT ", "1", ") d", 5_000),
        ),
        ("deep-exists", nested("EXISTS (SELECT ", "1", ")", 5_000)),
        ("deep-operators", nested("1", "", " + 1", 20_000)),
        ("deep-casts", nested("1", "", "::integer", 10_000)),
        ("deep-unions", nested("1", "", " UNION ALL SELECT 1", 5_000)),
        ("deep-arrays", nested("ARRAY[", "1", "]", 10_000)),
        ("deep-calls", nested("abs(", "1", ")", 10_000)),
        (
            "deep-joins",
            nested("* FROM people", "", " JOIN people ON 1 = 1", 3_000),
        ),
        ("deep-comments", nested("/* ", "1", " */", 20_000)),
        (
            "deep-ctes",
            format!("{}SELECT 1", "WITH a AS (SELECT 1) ".repeat(5_000)),
        ),
    ]
    .into_iter()
    .map(|(name, sql)| Case {
        name: name.to_owned(),
        kind: "depth".to_owned(),
        on: ["postgresql", "mysql", "mariadb", "sqlite"]
            .map(str::to_owned)
            .to_vec(),
        sql,
        binds: Vec::new(),
    })
    .collect()
}

fn meant_for(cases: Vec<Case>, engine: &str) -> Vec<Case> {
    cases
        .into_iter()
        .filter(|case| case.on.iter().any(|on| on == engine))
        .collect()
}

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
        Watch {
            ground: self,
            other: block_on(Other::connect(&self.place)),
        }
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

/// Everything that an attack could change, by name.
type Fingerprint = BTreeMap<String, String>;

fn changed(before: &Fingerprint, after: &Fingerprint) -> Vec<String> {
    let names = before.keys().chain(after.keys());
    let mut changed: Vec<String> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect();
    changed.sort();
    changed.dedup();
    changed
}

struct Watch<'a> {
    ground: &'a Ground,
    other: Other,
}

/// Another user's session, which attacks may want to end, and which holds the locks that they want.
enum Other {
    Postgres(PgListener),
    MySql(AnyConnection),
    None,
}

impl Other {
    async fn connect(place: &Place) -> Self {
        match place.engine {
            "postgresql" => {
                let mut listener = PgListener::connect(&place.url).await.unwrap();
                listener.listen("att_channel").await.unwrap();
                listener
                    .execute("SELECT pg_advisory_lock(7391)")
                    .await
                    .unwrap();
                Self::Postgres(listener)
            }
            "sqlite" => Self::None,
            _ => {
                let mut connection = connect(&place.url).await;
                connection
                    .execute("SELECT GET_LOCK('att_lock', 1)")
                    .await
                    .unwrap();
                Self::MySql(connection)
            }
        }
    }

    /// Whether it still lives, and what it was sent.
    async fn look(&mut self) -> String {
        match self {
            Self::Postgres(listener) => {
                let alive = listener.execute("SELECT 1").await.is_ok();
                let heard = std::iter::from_fn(|| listener.next_buffered()).count();
                format!("alive: {alive}, notifications: {heard}")
            }
            Self::MySql(connection) => format!("alive: {}", connection.ping().await.is_ok()),
            Self::None => String::new(),
        }
    }
}

impl Drop for Watch<'_> {
    /// A listener goes back to its pool, which takes a runtime.
    fn drop(&mut self) {
        let other = std::mem::replace(&mut self.other, Other::None);
        block_on(async move { drop(other) });
    }
}

impl Watch<'_> {
    fn look(&mut self) -> Fingerprint {
        let place = &self.ground.place;
        let mut seen = block_on(async {
            let other = self.other.look().await;
            if other.contains("false") {
                self.other = Other::connect(place).await;
            }
            let mut connection = connect(&place.url).await;
            let mut seen = match place.engine {
                "postgresql" => postgres(&mut connection).await,
                "sqlite" => Fingerprint::new(),
                engine => mysql(&mut connection, engine).await,
            };
            connection.close().await.unwrap();
            seen.insert("another session".to_owned(), other);
            seen
        });
        let beginning = match place.engine {
            "mariadb" => "att-out-mysql",
            engine => &format!("att-out-{engine}"),
        };
        let output = listing(Path::new(OUTPUT))
            .into_iter()
            .filter(|name| name.starts_with(beginning));
        seen.insert(
            "files in the output folder".to_owned(),
            output.collect::<Vec<_>>().join(" "),
        );
        if place.engine == "sqlite" {
            let bytes = std::fs::read(self.ground.file()).unwrap();
            seen.insert(
                "bytes of the file".to_owned(),
                format!("{:x}", hash(&bytes)),
            );
            let beside = listing(self.ground.folder.path())
                .into_iter()
                .filter(|name| !name.ends_with("-shm") && !name.ends_with("-wal"));
            seen.insert(
                "files beside it".to_owned(),
                beside.collect::<Vec<_>>().join(" "),
            );
        }
        seen
    }
}

fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Rows of a name and a value, both text.
async fn pairs(connection: &mut AnyConnection, query: &str) -> Vec<(String, String)> {
    let rows = sqlx::query(AssertSqlSafe(query.to_owned()))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {query}"));
    rows.iter()
        .map(|row| {
            let value: Option<String> = row.try_get(1).unwrap();
            (row.try_get(0).unwrap(), value.unwrap_or_default())
        })
        .collect()
}

/// Tables whose mere planning calls functions are left out of the rows: looking must not touch.
const POSTGRES_TABLES: &str = "
SELECT format('%I.%I', n.nspname, c.relname), ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname !~ '^(indexed|partitioned|ranged)'
ORDER BY 1";

const POSTGRES: &str = "
SELECT 'sequence ' || sequencename, last_value::text FROM pg_sequences
UNION ALL SELECT 'relations', md5(string_agg(concat_ws(' ', oid, relname, relkind, relowner, relacl, relhastriggers, relrowsecurity, reloptions, CASE WHEN relnamespace <> 'pg_catalog'::regnamespace THEN relfilenode END), '|' ORDER BY oid)) FROM pg_class
UNION ALL SELECT 'columns', md5(string_agg(concat_ws(' ', attrelid, attname, atttypid, attnotnull, attstattarget, attacl), '|' ORDER BY attrelid, attnum)) FROM pg_attribute
UNION ALL SELECT 'functions', md5(string_agg(concat_ws(' ', oid, proname, prosrc, provolatile, prosecdef, proacl), '|' ORDER BY oid)) FROM pg_proc
UNION ALL SELECT 'constraints', md5(string_agg(concat_ws(' ', oid, conname), '|' ORDER BY oid)) FROM pg_constraint
UNION ALL SELECT 'triggers and rules', md5(string_agg(concat_ws(' ', oid, name), '|' ORDER BY oid)) FROM (SELECT oid, tgname AS name FROM pg_trigger UNION ALL SELECT oid, rulename FROM pg_rewrite) o
UNION ALL SELECT 'policies, schemas, collations, extensions, publications, descriptions', concat_ws(' ', (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_t'), (SELECT count(*) FROM pg_collation), (SELECT count(*) FROM pg_extension), (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_description))
UNION ALL SELECT 'statistics of people', concat_ws(' ', (SELECT count(*) FROM pg_statistic WHERE starelid = 'people'::regclass), (SELECT relpages FROM pg_class WHERE oid = 'people'::regclass))
UNION ALL SELECT 'large objects', concat_ws(' ', (SELECT count(*) FROM pg_largeobject_metadata), (SELECT md5(string_agg(data::text, '|' ORDER BY loid, pageno)) FROM pg_largeobject))
UNION ALL SELECT 'roles', string_agg(concat_ws(' ', rolname, rolsuper, rolcanlogin), '|' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('att_user', 'att_role')
UNION ALL SELECT 'databases', string_agg(datname, '|') FROM pg_database WHERE datname = 'att_created'
UNION ALL SELECT 'settings of roles and databases', string_agg(setconfig::text, '|' ORDER BY setconfig::text) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) OR setrole <> 0
UNION ALL SELECT 'settings', md5(string_agg(concat_ws(' ', name, setting, source), '|' ORDER BY name)) FROM pg_settings WHERE source NOT IN ('client', 'session', 'override')
UNION ALL SELECT 'settings in files', md5(string_agg(concat_ws(' ', name, setting), '|' ORDER BY seqno)) FROM pg_file_settings
UNION ALL SELECT 'configuration loaded', pg_conf_load_time()::text
UNION ALL SELECT 'replication', concat_ws(' ', (SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'att%'), (SELECT count(*) FROM pg_replication_origin WHERE roname LIKE 'att%'))
UNION ALL SELECT 'prepared transactions', count(*)::text FROM pg_prepared_xacts WHERE database = current_database()
UNION ALL SELECT 'advisory locks', count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'counters reset', stats_reset::text FROM pg_stat_database WHERE datname = current_database()
UNION ALL SELECT 'counters of the archiver reset', stats_reset::text FROM pg_stat_archiver
UNION ALL SELECT 'maintenance by hand', md5(string_agg(concat_ws(' ', relid, last_vacuum, last_analyze), '|' ORDER BY relid)) FROM pg_stat_user_tables
UNION ALL SELECT 'calls of functions', coalesce(sum(calls), 0)::text FROM pg_stat_user_functions WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND funcname <> 'quiet_secret'";

async fn postgres(connection: &mut AnyConnection) -> Fingerprint {
    let tables = pairs(connection, POSTGRES_TABLES).await;
    let mut query = POSTGRES.to_owned();
    for (table, _) in tables {
        query.push_str(&format!(
            "\nUNION ALL SELECT 'rows of {table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
        ));
    }
    pairs(connection, &query).await.into_iter().collect()
}

const MYSQL: &str = "
SELECT 'tables', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, table_type, engine, COALESCE(auto_increment, 1), table_collation, create_options, table_comment) ORDER BY table_name), 256) FROM information_schema.tables WHERE table_schema = DATABASE()
UNION ALL SELECT 'columns', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, column_name, column_type, column_default, extra) ORDER BY table_name, ordinal_position), 256) FROM information_schema.columns WHERE table_schema = DATABASE()
UNION ALL SELECT 'indexes', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, index_name, column_name) ORDER BY table_name, index_name, seq_in_index), 256) FROM information_schema.statistics WHERE table_schema = DATABASE()
UNION ALL SELECT 'constraints', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, constraint_name) ORDER BY table_name, constraint_name), 256) FROM information_schema.table_constraints WHERE table_schema = DATABASE()
UNION ALL SELECT 'routines', SHA2(GROUP_CONCAT(CONCAT_WS(' ', routine_name, routine_definition) ORDER BY routine_name), 256) FROM information_schema.routines WHERE routine_schema = DATABASE()
UNION ALL SELECT 'triggers', SHA2(GROUP_CONCAT(trigger_name ORDER BY trigger_name), 256) FROM information_schema.triggers WHERE trigger_schema = DATABASE()
UNION ALL SELECT 'events', SHA2(GROUP_CONCAT(event_name ORDER BY event_name), 256) FROM information_schema.events WHERE event_schema = DATABASE()
UNION ALL SELECT 'plugins', CAST(COUNT(*) AS CHAR) FROM information_schema.plugins
UNION ALL SELECT 'databases', CAST(COUNT(*) AS CHAR) FROM information_schema.schemata WHERE schema_name = 'att_created'
UNION ALL SELECT 'foreign servers', CAST(COUNT(*) AS CHAR) FROM mysql.servers
UNION ALL SELECT 'users', SHA2(GROUP_CONCAT(CONCAT_WS(' ', user, host, select_priv, super_priv) ORDER BY user, host), 256) FROM mysql.user WHERE user LIKE 'att%' OR user = 'root'
UNION ALL SELECT 'user locks', CAST(IS_USED_LOCK('att_lock') IS NOT NULL AS CHAR)";

const ONLY_MYSQL: &str = "
UNION ALL SELECT 'global variables', SHA2(GROUP_CONCAT(CONCAT_WS(' ', variable_name, variable_value) ORDER BY variable_name), 256) FROM performance_schema.global_variables WHERE variable_name NOT LIKE 'gtid%' AND variable_name <> 'timestamp'
UNION ALL SELECT 'calls of functions', CAST(SUM(count_star) AS CHAR) FROM performance_schema.events_statements_summary_by_program WHERE object_schema = DATABASE() AND object_name NOT IN ('quiet_secret', 'quiet_variable')";

const ONLY_MARIADB: &str = "
UNION ALL SELECT 'global variables', SHA2(GROUP_CONCAT(CONCAT_WS(' ', variable_name, variable_value) ORDER BY variable_name), 256) FROM information_schema.global_variables WHERE variable_name NOT LIKE 'gtid%' AND variable_name <> 'timestamp'
UNION ALL SELECT 'sequence', CAST(next_not_cached_value AS CHAR) FROM tickets";

async fn mysql(connection: &mut AnyConnection, engine: &str) -> Fingerprint {
    let prepare = if engine == "mysql" {
        "SET SESSION group_concat_max_len = 10000000, SESSION information_schema_stats_expiry = 0"
    } else {
        "SET SESSION group_concat_max_len = 10000000"
    };
    connection.execute(prepare).await.unwrap();
    let tables = pairs(
        connection,
        "SELECT CAST(table_name AS CHAR), '' FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    )
    .await;
    let names: Vec<String> = tables
        .into_iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let checksums = format!("CHECKSUM TABLE {}", names.join(", "));
    let mut seen = Fingerprint::new();
    let rows = sqlx::query(AssertSqlSafe(checksums))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    for row in rows {
        let table: String = row.try_get(0).unwrap();
        let checksum: Option<i64> = row.try_get(1).unwrap();
        seen.insert(format!("rows of {table}"), format!("{checksum:?}"));
    }
    let of_the_flavour = if engine == "mysql" {
        ONLY_MYSQL
    } else {
        ONLY_MARIADB
    };
    let query = format!("{MYSQL}{of_the_flavour}");
    seen.extend(pairs(connection, &query).await);
    seen
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
