//! Who waits for whom. <https://dev.mysql.com/doc/refman/8.4/en/innodb-locking.html>,
//! <https://dev.mysql.com/doc/refman/8.4/en/metadata-locking.html>
//!
//! Waits stand in two layers, `InnoDB`'s row locks and the server's metadata locks, and chains go through both.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::{Flavor, MySql};
use crate::answer::Skipped;
use crate::engine::LocksSeen;
use crate::error::Result;
use crate::locks::{Lock, LockGraph, Relation, Session, SessionKind, Wait};
use crate::statement::{Dialect, mask_literals};

const SESSIONS: &str = include_str!("sessions.sql");
const TRANSACTIONS: &str = include_str!("transactions.sql");
const VISIBLE: &str = include_str!("visible.sql");
const WAITS: &str = include_str!("waits.sql");
const WAITS_METADATA: &str = include_str!("waits_metadata.sql");
const HELD: &str = include_str!("held.sql");
const RECENT: &str = include_str!("recent.sql");
const WAITS_MARIADB: &str = include_str!("waits_mariadb.sql");
const METADATA_PLUGIN_MARIADB: &str = include_str!("metadata_plugin_mariadb.sql");
const HELD_MARIADB: &str = include_str!("held_mariadb.sql");

/// From this age on an open transaction is called long.
const LONG_S: f64 = 60.0;

/// A transaction that no session owns any more: it was prepared (XA), or recovered at a restart.
const PREPARED: &str = "xa";

/// What is being gathered.
#[derive(Default)]
struct Gathered {
    sessions: BTreeMap<String, Listed>,
    waits: Vec<Wait>,
    /// The statement that took the lock, by blocker.
    took: BTreeMap<String, String>,
    held: BTreeMap<String, Vec<Lock>>,
    prepared: Option<f64>,
    skipped: Vec<Skipped>,
}

/// A session as the process list gives it, with its transaction.
#[derive(Debug, Clone, Default)]
struct Listed {
    user: String,
    client: String,
    schema: String,
    command: String,
    state: String,
    state_age_s: f64,
    query: String,
    application: String,
    transaction_age_s: Option<f64>,
    /// How long InnoDB has let it wait.
    row_wait_s: Option<f64>,
}

/// A metadata lock that was granted.
#[derive(Debug, Clone, Default)]
struct Granted {
    id: String,
    mode: String,
    kind: String,
    schema: String,
    name: String,
}

impl MySql {
    pub(in crate::engine) async fn locks(&mut self) -> Result<LocksSeen> {
        let mut gathered = Gathered::default();
        for row in self.rows(SESSIONS).await? {
            gathered.sessions.insert(row.try_get("id")?, listed(&row)?);
        }
        let transactions = self.rows_if_allowed(TRANSACTIONS).await?;
        if transactions.is_none() {
            gathered.skipped.push(Skipped {
                what: "row locks, and open transactions and sessions of other accounts".to_owned(),
                why: "they need the right PROCESS (1227)".to_owned(),
                grant: format!("GRANT PROCESS ON *.* TO {};", self.account),
            });
        }
        let readable = transactions.is_some();
        for row in transactions.unwrap_or_default() {
            gathered.add_transaction(&row)?;
        }
        match self.flavor {
            Flavor::MySql => self.mysql_waits(&mut gathered, readable).await?,
            Flavor::MariaDb => self.mariadb_waits(&mut gathered, readable).await?,
        }
        Ok(gathered.finish(self.allow_literals))
    }

    async fn mysql_waits(&mut self, gathered: &mut Gathered, readable: bool) -> Result<()> {
        let Some(visible) = self.rows_if_allowed(VISIBLE).await? else {
            gathered.skipped.push(Skipped {
                what: "who holds row locks and metadata locks".to_owned(),
                why: "it needs SELECT on performance_schema (1142)".to_owned(),
                grant: format!("GRANT SELECT ON performance_schema.* TO {};", self.account),
            });
            return Ok(());
        };
        for row in &visible {
            let metadata: String = row.try_get("metadata")?;
            if row.try_get::<i64, _>("instrumented")? == 0 {
                gathered.skipped.push(Skipped {
                    what: "who holds row locks and metadata locks".to_owned(),
                    why: "performance_schema is off, so the server does not record it".to_owned(),
                    grant: "performance_schema = ON in the server's configuration, and a restart"
                        .to_owned(),
                });
                return Ok(());
            }
            if metadata != "YES" {
                gathered.skipped.push(Skipped {
                    what: "who holds metadata locks".to_owned(),
                    why: "the instrument for them is off".to_owned(),
                    grant: "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/lock/metadata/sql/mdl';".to_owned(),
                });
            }
        }
        if readable {
            for row in self.rows(WAITS).await? {
                gathered.add_wait(&row, self.allow_literals)?;
            }
        }
        for row in self.rows(WAITS_METADATA).await? {
            gathered.add_wait(&row, self.allow_literals)?;
        }
        for row in self.rows(HELD).await? {
            let lock = Lock {
                mode: row.try_get("mode")?,
                object: row.try_get("object")?,
            };
            gathered
                .held
                .entry(row.try_get("id")?)
                .or_default()
                .push(lock);
        }
        for row in self.rows(RECENT).await? {
            let recent = listed(&row)?;
            let session = gathered
                .sessions
                .entry(row.try_get("id")?)
                .or_insert_with(|| recent.clone());
            session.application = row.try_get("application")?;
            if session.query.is_empty() {
                session.query = recent.query;
            }
        }
        Ok(())
    }

    async fn mariadb_waits(&mut self, gathered: &mut Gathered, readable: bool) -> Result<()> {
        if readable {
            for row in self.rows(WAITS_MARIADB).await? {
                gathered.add_wait(&row, self.allow_literals)?;
            }
        }
        if self.rows(METADATA_PLUGIN_MARIADB).await?.is_empty() {
            gathered.skipped.push(Skipped {
                what: "who holds metadata locks".to_owned(),
                why: "the plugin metadata_lock_info is not loaded; only who waits for one can be seen".to_owned(),
                grant: "INSTALL SONAME 'metadata_lock_info';".to_owned(),
            });
            return Ok(());
        }
        let mut granted = Vec::new();
        for row in self.rows(HELD_MARIADB).await? {
            granted.push(Granted {
                id: row.try_get("id")?,
                mode: row
                    .try_get::<String, _>("mode")?
                    .trim_start_matches("MDL_")
                    .to_owned(),
                kind: row.try_get("kind")?,
                schema: row.try_get("table_schema")?,
                name: row.try_get("table_name")?,
            });
        }
        gathered
            .waits
            .extend(inferred(&gathered.sessions, &granted));
        for lock in granted
            .iter()
            .filter(|lock| lock.kind == "Table metadata lock")
        {
            let held = Lock {
                mode: lock.mode.clone(),
                object: format!("{}.{}", lock.schema, lock.name),
            };
            gathered.held.entry(lock.id.clone()).or_default().push(held);
        }
        Ok(())
    }
}

fn listed(row: &MySqlRow) -> Result<Listed> {
    Ok(Listed {
        user: row.try_get("user_name")?,
        client: row.try_get("client")?,
        schema: row.try_get("schema_name")?,
        command: row.try_get("command")?,
        state: row.try_get("state")?,
        state_age_s: seconds(row, "state_age_s")?.unwrap_or(0.0),
        query: row.try_get("query")?,
        ..Listed::default()
    })
}

fn seconds(row: &MySqlRow, column: &str) -> Result<Option<f64>> {
    Ok(row
        .try_get::<Option<i64>, _>(column)?
        .map(|seconds| seconds.max(0) as f64))
}

impl Gathered {
    fn add_transaction(&mut self, row: &MySqlRow) -> Result<()> {
        let id: String = row.try_get("id")?;
        let age = seconds(row, "age_s")?;
        if id == "0" {
            // The server's own background work has changed nothing.
            if row.try_get::<i64, _>("rows_modified")? > 0 {
                self.prepared = Some(self.prepared.unwrap_or(0.0).max(age.unwrap_or(0.0)));
            }
        } else if let Some(session) = self.sessions.get_mut(&id) {
            session.transaction_age_s = age;
            session.row_wait_s = seconds(row, "wait_s")?;
        }
        Ok(())
    }

    fn add_wait(&mut self, row: &MySqlRow, allow_literals: bool) -> Result<()> {
        let blocker: Option<String> = row.try_get("blocker")?;
        let blocker = blocker.unwrap_or_else(|| PREPARED.to_owned());
        if blocker == PREPARED {
            self.prepared = self.prepared.or(Some(0.0));
        }
        let took: String = row.try_get("took_it")?;
        if !took.is_empty() {
            self.took.entry(blocker.clone()).or_insert(took);
        }
        let index: String = row.try_get("index_name")?;
        let data: String = row.try_get("lock_data")?;
        self.waits.push(Wait {
            waiter: row.try_get("waiter")?,
            blocker,
            relation: if row.try_get::<String, _>("relation_kind")? == "queued_ahead" {
                Relation::QueuedAhead
            } else {
                Relation::Holds
            },
            lock: row.try_get("lock_kind")?,
            mode: row.try_get("wanted_mode")?,
            blocker_mode: row.try_get("blocker_mode")?,
            object: row.try_get("object")?,
            // The key of the row is a value out of the table.
            row: match (index.is_empty(), allow_literals) {
                (true, _) => String::new(),
                (false, true) => format!("index {index}, key {data}"),
                (false, false) => format!("index {index}"),
            },
            wait_s: seconds(row, "wait_s")?,
        });
        Ok(())
    }

    fn finish(mut self, allow_literals: bool) -> LocksSeen {
        let mut sessions = Vec::new();
        for (id, listed) in &self.sessions {
            let held = self.held.remove(id).unwrap_or_default();
            sessions.push(session(id, listed, self.took.get(id), held, allow_literals));
        }
        if let Some(age) = self.prepared {
            sessions.push(prepared(age));
        }
        let mut long: Vec<Session> = sessions
            .iter()
            .filter(|session| session.transaction_age_s.is_some_and(|age| age >= LONG_S))
            .cloned()
            .collect();
        long.sort_by(|a, b| {
            b.transaction_age_s
                .unwrap_or(0.0)
                .total_cmp(&a.transaction_age_s.unwrap_or(0.0))
        });
        let mut graph = LockGraph::new(sessions, self.waits);
        let seen: BTreeSet<String> = graph.waiting().into_iter().map(str::to_owned).collect();
        // What began within this second may have ended between two queries.
        graph.orphans = self
            .sessions
            .iter()
            .filter(|(id, listed)| !seen.contains(*id) && waited(listed) >= 1.0)
            .map(|(id, _)| id.clone())
            .collect();
        LocksSeen {
            graph,
            long_transactions: long,
            skipped: self.skipped,
            ..LocksSeen::default()
        }
    }
}

/// How long a session has waited for a lock of either layer.
fn waited(listed: &Listed) -> f64 {
    let metadata = if waits_for_metadata(listed) {
        listed.state_age_s
    } else {
        0.0
    };
    metadata.max(listed.row_wait_s.unwrap_or(0.0))
}

fn waits_for_metadata(listed: &Listed) -> bool {
    let state = listed.state.as_str();
    state == "User lock"
        || state == "Waiting for table flush"
        || (state.starts_with("Waiting for ") && state.contains("lock"))
}

fn session(
    id: &str,
    listed: &Listed,
    took: Option<&String>,
    locks: Vec<Lock>,
    allow_literals: bool,
) -> Session {
    let sleeping = listed.command == "Sleep";
    let state = match (sleeping, listed.transaction_age_s) {
        (true, Some(_)) => "idle in transaction".to_owned(),
        (true, None) => "idle".to_owned(),
        (false, _) if listed.state.is_empty() => "active".to_owned(),
        (false, _) => format!("active ({})", listed.state),
    };
    let mut relief = Vec::new();
    if !sleeping {
        relief.push(format!("KILL QUERY {id};"));
    }
    relief.push(format!("KILL {id};"));
    let query = took.unwrap_or(&listed.query);
    Session {
        id: id.to_owned(),
        kind: SessionKind::Session,
        user: listed.user.clone(),
        application: listed.application.clone(),
        client: listed.client.clone(),
        state,
        transaction_age_s: listed.transaction_age_s,
        state_age_s: Some(listed.state_age_s),
        query: if allow_literals {
            query.clone()
        } else {
            mask_literals(query, Dialect::MySql)
        },
        query_took_lock: took.is_some(),
        locks,
        relief,
    }
}

fn prepared(age: f64) -> Session {
    Session {
        id: PREPARED.to_owned(),
        kind: SessionKind::PreparedTransaction,
        state: "prepared transaction, no session".to_owned(),
        transaction_age_s: Some(age),
        relief: vec![
            "XA RECOVER CONVERT XID;".to_owned(),
            "XA COMMIT <xid>;".to_owned(),
            "XA ROLLBACK <xid>;".to_owned(),
        ],
        ..Session::default()
    }
}

/// What a waiting statement wants of its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Read,
    Write,
    Exclusive,
}

fn wants(query: &str) -> Wants {
    let first = query
        .split(|c: char| !c.is_alphabetic())
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    match first.to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" | "SHOW" | "DESCRIBE" | "DESC" | "EXPLAIN" | "TABLE" => Wants::Read,
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "LOAD" | "CALL" | "EXECUTE" => Wants::Write,
        _ => Wants::Exclusive,
    }
}

impl Wants {
    const fn word(self) -> &'static str {
        match self {
            Self::Read => "SHARED_READ",
            Self::Write => "SHARED_WRITE",
            Self::Exclusive => "EXCLUSIVE",
        }
    }

    /// The matrix of the server's metadata locks, as far as a statement shows what it wants.
    fn conflicts(self, held: &str) -> bool {
        match self {
            Self::Read => matches!(held, "SHARED_NO_READ_WRITE" | "EXCLUSIVE"),
            Self::Write => matches!(
                held,
                "SHARED_READ_ONLY" | "SHARED_NO_WRITE" | "SHARED_NO_READ_WRITE" | "EXCLUSIVE"
            ),
            Self::Exclusive => true,
        }
    }
}

type Waiters<'a> = BTreeMap<&'a String, &'a Listed>;

/// `MariaDB` tells which metadata locks were granted and which sessions wait, not for what: a waiter is
/// brought together with the locks on the tables that its statement names.
fn inferred(sessions: &BTreeMap<String, Listed>, granted: &[Granted]) -> Vec<Wait> {
    let waiters: Waiters<'_> = sessions
        .iter()
        .filter(|(_, listed)| waits_for_metadata(listed))
        .collect();
    let mut waits = Vec::new();
    for (id, listed) in &waiters {
        let others: Vec<&Granted> = granted.iter().filter(|lock| lock.id != **id).collect();
        if listed.state == "Waiting for table metadata lock" {
            let mut found = behind_granted(id, listed, &others, &waiters);
            // DROP, RENAME and TRUNCATE hold nothing while they wait.
            for (other_id, other) in waiters.iter().filter(|(other_id, _)| *other_id != id) {
                let shared = granted
                    .iter()
                    .find(|lock| names_table(listed, lock) && names_table(other, lock));
                if let Some(lock) = shared.filter(|_| wants(&other.query) == Wants::Exclusive)
                    && !found.iter().any(|wait| wait.blocker == **other_id)
                    && ahead(other, other_id, listed, id)
                {
                    found.push(of_table(id, listed, other_id, lock, Relation::QueuedAhead));
                }
            }
            waits.append(&mut found);
        } else {
            let locks = others.iter().filter(|lock| of_the_server(listed, lock));
            waits.extend(locks.map(|lock| of_server(id, listed, lock, &waiters)));
        }
    }
    waits
}

/// Waits for locks that were granted on a table which the statement names.
fn behind_granted(
    id: &str,
    listed: &Listed,
    granted: &[&Granted],
    waiters: &Waiters<'_>,
) -> Vec<Wait> {
    let wanted = wants(&listed.query);
    let mut found = Vec::new();
    for lock in granted.iter().filter(|lock| names_table(listed, lock)) {
        let relation = match waiters.get(&lock.id) {
            // It holds a weak lock here and waits for a strong one: whoever came later is behind it.
            Some(other) if names_table(other, lock) => {
                let first =
                    wants(&other.query) == Wants::Exclusive && ahead(other, &lock.id, listed, id);
                first.then_some(Relation::QueuedAhead)
            }
            // What it waits for itself is something else.
            _ => wanted.conflicts(&lock.mode).then_some(Relation::Holds),
        };
        found.extend(relation.map(|relation| of_table(id, listed, &lock.id, lock, relation)));
    }
    found
}

fn of_table(id: &str, listed: &Listed, blocker: &str, lock: &Granted, relation: Relation) -> Wait {
    let queued = relation == Relation::QueuedAhead;
    Wait {
        waiter: id.to_owned(),
        blocker: blocker.to_owned(),
        relation,
        lock: "metadata".to_owned(),
        mode: wants(&listed.query).word().to_owned(),
        blocker_mode: if queued {
            Wants::Exclusive.word().to_owned()
        } else {
            lock.mode.clone()
        },
        object: format!("{}.{}", lock.schema, lock.name),
        row: String::new(),
        wait_s: Some(listed.state_age_s),
    }
}

fn of_server(id: &str, listed: &Listed, lock: &Granted, waiters: &Waiters<'_>) -> Wait {
    let advisory = lock.kind == "User lock";
    Wait {
        waiter: id.to_owned(),
        blocker: lock.id.clone(),
        relation: if waiters.contains_key(&lock.id) {
            Relation::QueuedAhead
        } else {
            Relation::Holds
        },
        lock: if advisory { "advisory" } else { "metadata" }.to_owned(),
        mode: if advisory {
            "EXCLUSIVE"
        } else {
            wants(&listed.query).word()
        }
        .to_owned(),
        blocker_mode: if advisory {
            "EXCLUSIVE".to_owned()
        } else {
            lock.mode.clone()
        },
        object: if advisory {
            format!("user level lock {}", lock.schema)
        } else {
            lock.kind.to_lowercase()
        },
        row: String::new(),
        wait_s: Some(listed.state_age_s),
    }
}

/// Whether the one waits for longer; of two that began in the same second, the older session.
fn ahead(other: &Listed, other_id: &str, listed: &Listed, id: &str) -> bool {
    let number = |id: &str| id.parse::<u64>().unwrap_or(u64::MAX);
    other.state_age_s > listed.state_age_s
        || (other.state_age_s >= listed.state_age_s && number(other_id) < number(id))
}

/// Whether the waiter's statement names the table of this lock.
fn names_table(listed: &Listed, lock: &Granted) -> bool {
    lock.kind == "Table metadata lock"
        && has_word(&listed.query, &lock.name)
        && (listed.schema == lock.schema || has_word(&listed.query, &lock.schema))
}

fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    !word.is_empty()
        && text.match_indices(&word).any(|(at, _)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text
                .get(at + word.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(inside) && !after.is_some_and(inside)
        })
}

/// Locks that are not of one table: `GET_LOCK`, the global read lock, backups, schemas.
fn of_the_server(listed: &Listed, lock: &Granted) -> bool {
    match lock.kind.as_str() {
        "User lock" => listed.state == "User lock" && listed.query.contains(&lock.schema),
        "Schema metadata lock" => {
            listed.state == "Waiting for schema metadata lock" && lock.mode == "EXCLUSIVE"
                || lock.mode == "SHARED" && has_word(&listed.query, &lock.schema)
        }
        "Backup lock" | "Global read lock" => {
            let stops = ["FTWRL", "BLOCK", "START"]
                .iter()
                .any(|word| lock.mode.contains(word));
            let wants_to_stop = matches!(wants(&listed.query), Wants::Exclusive)
                && !listed.query.to_uppercase().contains("TABLE ");
            (listed.state == "Waiting for backup lock"
                || listed.state == "Waiting for global read lock")
                && (stops || wants_to_stop)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(query: &str, seconds: f64) -> Listed {
        Listed {
            schema: "shop".to_owned(),
            command: "Query".to_owned(),
            state: "Waiting for table metadata lock".to_owned(),
            state_age_s: seconds,
            query: query.to_owned(),
            ..Listed::default()
        }
    }

    fn granted(id: &str, mode: &str) -> Granted {
        Granted {
            id: id.to_owned(),
            mode: mode.to_owned(),
            kind: "Table metadata lock".to_owned(),
            schema: "shop".to_owned(),
            name: "orders".to_owned(),
        }
    }

    fn graph(sessions: &[(&str, Listed)], granted: &[Granted]) -> LockGraph {
        let sessions = sessions
            .iter()
            .map(|(id, listed)| ((*id).to_owned(), listed.clone()))
            .collect();
        LockGraph::new(Vec::new(), inferred(&sessions, granted))
    }

    #[test]
    fn readers_wait_behind_the_alter_and_the_alter_for_the_reader() {
        let idle = Listed {
            command: "Sleep".to_owned(),
            ..Listed::default()
        };
        let sessions = [
            ("5", idle),
            ("6", waiting("ALTER TABLE orders ADD x int", 9.0)),
            ("7", waiting("select * from orders where id = 1", 8.0)),
            ("8", waiting("select * from shop.orders", 8.0)),
        ];
        let graph = graph(
            &sessions,
            &[
                granted("5", "SHARED_READ"),
                granted("6", "SHARED_UPGRADABLE"),
            ],
        );
        assert_eq!(graph.roots(), ["5"]);
        assert_eq!(graph.behind("6"), 2);
        assert_eq!(graph.waits.len(), 3);
    }

    #[test]
    fn a_holder_that_waits_elsewhere_still_holds() {
        let elsewhere = waiting("SELECT * FROM users", 9.0);
        let sessions = [
            ("5", elsewhere),
            ("6", waiting("ALTER TABLE orders ADD x int", 3.0)),
        ];
        let graph = graph(&sessions, &[granted("5", "SHARED_READ")]);
        assert_eq!(graph.waits.len(), 1);
        assert_eq!(
            (graph.waits[0].waiter.as_str(), graph.waits[0].relation),
            ("6", Relation::Holds)
        );
    }

    #[test]
    fn a_drop_that_holds_nothing_is_ahead_all_the_same() {
        let sessions = [
            ("6", waiting("DROP TABLE orders", 9.0)),
            ("7", waiting("SELECT 1 FROM orders", 3.0)),
        ];
        let graph = graph(&sessions, &[granted("5", "SHARED_WRITE")]);
        assert_eq!(graph.roots(), ["5"]);
        assert_eq!(graph.behind("6"), 1);
    }
}
