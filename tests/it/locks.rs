//! Real waits between real sessions: the root must be the true one, and the only one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use crate::servers::{self, Place, block_on, connect};

/// MySQL and MariaDB show the waits of all databases: cases that make some take turns.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The number by which the server knows a session.
async fn session_id(place: &Place, connection: &mut AnyConnection) -> String {
    let query = if place.engine == "postgresql" {
        "SELECT pg_backend_pid()::bigint"
    } else {
        "SELECT CAST(CONNECTION_ID() AS SIGNED)"
    };
    let id: i64 = sqlx::query_scalar(query)
        .fetch_one(connection)
        .await
        .unwrap();
    id.to_string()
}

async fn execute(connection: &mut AnyConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await;
    done.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Starts a statement that will wait, on a task of its own.
fn wait_for(mut connection: AnyConnection, sql: String) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let _ = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
        let _ = connection.close().await;
    })
}

/// Asks until so many sessions wait: a wait takes a moment to show.
fn locks_when_waiting(place: &Place, waiting: u64) -> (String, Value) {
    let mut client = place.client();
    let start = Instant::now();
    loop {
        let called = client.ok("check_locks", json!({}));
        if called.structured["waiting"] == waiting {
            return (called.text, called.structured);
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{}: {}",
            place.name,
            called.text
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn begin(place: &Place) -> &'static str {
    if place.engine == "postgresql" {
        "BEGIN"
    } else {
        "START TRANSACTION"
    }
}

#[test]
fn t1_a_chain_of_five_waiting_sessions_has_exactly_one_root() {
    let _turn = alone();
    for place in servers::servers("locks_chain") {
        servers::run(&place.url, "CREATE TABLE chain (id int PRIMARY KEY, v int)");
        servers::run(
            &place.url,
            "INSERT INTO chain VALUES (1,0),(2,0),(3,0),(4,0),(5,0),(6,0)",
        );
        let (root, ids, holders, tasks) = block_on(async {
            let mut ids = Vec::new();
            let mut holders = Vec::new();
            let mut tasks = Vec::new();
            // Session n holds row n and will wait for row n - 1.
            for row in 1..=6 {
                let mut session = connect(&place.url).await;
                execute(&mut session, begin(&place)).await;
                execute(
                    &mut session,
                    &format!("UPDATE chain SET v = 1 WHERE id = {row}"),
                )
                .await;
                ids.push(session_id(&place, &mut session).await);
                holders.push(session);
            }
            for row in (2..=6).rev() {
                let session = holders.remove(row - 1);
                tasks.push(wait_for(
                    session,
                    format!(
                        "UPDATE chain SET v = 'secret-literal-9' WHERE id = {}",
                        row - 1
                    )
                    .replace("'secret-literal-9'", "987654"),
                ));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            (ids[0].clone(), ids, holders, tasks)
        });
        let (text, locks) = locks_when_waiting(&place, 5);
        let roots: Vec<&str> = locks["roots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|root| root["id"].as_str().unwrap())
            .collect();
        assert_eq!(roots, [root.as_str()], "{}: {text}", place.name);
        assert_eq!(locks["roots"][0]["waiters"], 5, "{}: {text}", place.name);
        assert!(
            locks["roots"][0]["state"]
                .as_str()
                .unwrap()
                .contains("idle in transaction"),
            "{}: {text}",
            place.name
        );
        let tree = locks["tree"].as_array().unwrap();
        for (depth, pair) in ids.windows(2).enumerate() {
            let line = tree
                .iter()
                .find(|line| line["id"] == pair[1].as_str())
                .unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (&line["waits_for"], &line["depth"]),
                (&json!(pair[0]), &json!(depth + 1)),
                "{}: {text}",
                place.name
            );
            assert_eq!(line["relation"], "holds", "{}", place.name);
            assert!(
                line["object"].as_str().unwrap().contains("chain"),
                "{}: {line}",
                place.name
            );
        }
        assert!(
            text.contains("chain") && !text.contains("987654"),
            "literals are masked, {}: {text}",
            place.name
        );
        assert!(
            locks["diagnosis"][0]["fix"].to_string().contains(&root),
            "{}: {text}",
            place.name
        );
        block_on(async {
            for holder in holders {
                holder.close().await.unwrap();
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
        locks_when_waiting(&place, 0);
    }
}

#[test]
fn n7_readers_queued_behind_ddl_are_told_from_those_who_wait_for_the_holder() {
    let _turn = alone();
    for place in servers::servers("locks_queue") {
        if place.name == "mariadb" {
            servers::run(&place.url, "INSTALL SONAME 'metadata_lock_info'");
        }
        servers::run(
            &place.url,
            "CREATE TABLE queue_here (id int PRIMARY KEY, v int)",
        );
        let (reader, ddl, holder, tasks) = block_on(async {
            let mut holder = connect(&place.url).await;
            execute(&mut holder, begin(&place)).await;
            execute(&mut holder, "SELECT count(*) FROM queue_here").await;
            let reader = session_id(&place, &mut holder).await;
            let mut session = connect(&place.url).await;
            let ddl = session_id(&place, &mut session).await;
            let mut tasks = vec![wait_for(
                session,
                "ALTER TABLE queue_here ADD COLUMN w int".to_owned(),
            )];
            tokio::time::sleep(Duration::from_millis(700)).await;
            for _ in 0..3 {
                tasks.push(wait_for(
                    connect(&place.url).await,
                    "SELECT count(*) FROM queue_here".to_owned(),
                ));
            }
            (reader, ddl, holder, tasks)
        });
        let (text, locks) = locks_when_waiting(&place, 4);
        let roots: Vec<&str> = locks["roots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|root| root["id"].as_str().unwrap())
            .collect();
        assert_eq!(roots, [reader.as_str()], "{}: {text}", place.name);
        let queued = locks["tree"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["waits_for"] == ddl.as_str());
        assert_eq!(
            queued
                .filter(|line| line["relation"] == "queued_ahead")
                .count(),
            3,
            "{}: {text}",
            place.name
        );
        let fix = locks["diagnosis"][0]["fix"][0].as_str().unwrap();
        assert!(
            fix.contains(&ddl),
            "the DDL is cancelled before the holder is ended, {}: {text}",
            place.name
        );
        block_on(async {
            holder.close().await.unwrap();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

/// Somebody waits to lock a table exclusively: reading the catalog must not queue behind.
#[test]
fn the_catalog_is_read_while_a_table_is_locked() {
    let _turn = alone();
    for place in servers::servers("locks_catalog") {
        let locks = if place.engine == "postgresql" {
            [
                "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE",
                "ROLLBACK",
            ]
        } else {
            ["LOCK TABLES orders WRITE, customers WRITE", "UNLOCK TABLES"]
        };
        let mut holder = block_on(async {
            let mut session = connect(&place.url).await;
            execute(&mut session, locks[0]).await;
            session
        });
        let mut client = place.client();
        for tool in ["describe_schema", "draw_erd"] {
            let called = client.ok(tool, json!({}));
            assert!(
                called.text.contains("customers"),
                "{}: {}",
                place.name,
                called.text
            );
        }
        block_on(async {
            execute(&mut holder, locks[1]).await;
            holder.close().await.unwrap();
        });
    }
}

#[test]
fn a_prepared_transaction_is_named_as_root() {
    let _turn = alone();
    for place in servers::servers("locks_prepared")
        .into_iter()
        .filter(|place| place.engine == "postgresql")
    {
        servers::run(
            &place.url,
            "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1)",
        );
        let session = block_on(async {
            let mut session = connect(&place.url).await;
            execute(
                &mut session,
                "BEGIN; UPDATE p SET id = 2; PREPARE TRANSACTION 'forgotten'",
            )
            .await;
            session.close().await.unwrap();
            connect(&place.url).await
        });
        let task = block_on(async { Some(wait_for(session, "UPDATE p SET id = 3".to_owned())) });
        let (text, locks) = locks_when_waiting(&place, 1);
        assert_eq!(locks["roots"][0]["kind"], "prepared_transaction", "{text}");
        assert_eq!(locks["roots"][0]["id"], "prepared:forgotten", "{text}");
        assert!(
            locks["roots"][0]["relief"]
                .to_string()
                .contains("ROLLBACK PREPARED 'forgotten'"),
            "{text}"
        );
        servers::run(&place.url, "ROLLBACK PREPARED 'forgotten'");
        block_on(task.unwrap()).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_that_holds_an_sqlite_file_is_named() {
    for mode in ["delete", "wal"] {
        let place = servers::sqlite(&format!("locks_file_{mode}"));
        let holder = block_on(async {
            let mut session = connect(&place.url).await;
            execute(&mut session, &format!("PRAGMA journal_mode = {mode}")).await;
            execute(&mut session, "BEGIN IMMEDIATE").await;
            session
        });
        let called = place.client().ok("check_locks", json!({}));
        let roots = called.structured["roots"].as_array().unwrap();
        assert_eq!(roots.len(), 1, "{mode}: {}", called.text);
        assert_eq!(
            roots[0]["id"],
            std::process::id().to_string(),
            "{mode}: {}",
            called.text
        );
        assert_eq!(roots[0]["kind"], "process");
        let wanted = if mode == "wal" {
            "WAL WRITER"
        } else {
            "RESERVED"
        };
        assert!(
            roots[0]["holds"].to_string().contains(wanted),
            "{mode}: {}",
            called.text
        );
        block_on(holder.close()).unwrap();
        let called = place.client().ok("check_locks", json!({}));
        assert_eq!(
            called.structured["roots"],
            json!([]),
            "{mode}: {}",
            called.text
        );
    }
}

#[test]
fn a7_a_file_without_wal_is_told() {
    let place = servers::sqlite("locks_wal");
    let mut client = place.client();
    let rules = |client: &mut crate::client::Client| {
        client.ok("check_locks", json!({})).structured["findings"].to_string()
    };
    assert!(rules(&mut client).contains("wal-mode-off"));
    servers::run(&place.url, "PRAGMA journal_mode = WAL");
    assert!(!rules(&mut client).contains("wal-mode-off"));
}

#[test]
fn t3_a_quiet_database_is_told_as_such() {
    let place = servers::sqlite("locks_quiet");
    let called = place.client().ok("check_locks", json!({}));
    assert!(
        called.text.contains("nobody waits") && called.structured["waiting"] == 0,
        "{}",
        called.text
    );
}
