//! A server process that is stopped, as a hung machine is: each call is answered within its deadline and one
//! second, and another database works meanwhile. Alone in its binary: nothing else may use these servers now.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    dead_code,
    reason = "a test says what went wrong by ending, and helpers are shared with other binaries"
)]
#![cfg(unix)]

#[path = "client.rs"]
mod client;
#[path = "servers.rs"]
mod servers;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;

/// The server's process, stopped until this is dropped.
struct Stopped(Vec<String>);

impl Stopped {
    /// A process and all its children. The process itself first: then it has no more children. A child may end
    /// before its turn; that is no less stopped.
    fn new(process: &str) -> Self {
        let mut stopped = Self(vec![process.to_owned()]);
        assert!(signal("-STOP", process), "kill -STOP {process}");
        let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            signal("-STOP", child);
            stopped.0.push(child.to_owned());
        }
        stopped
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for process in &self.0 {
            signal("-CONT", process);
        }
    }
}

fn signal(which: &str, process: &str) -> bool {
    Command::new("kill")
        .args([which, process])
        .status()
        .unwrap()
        .success()
}

const DEADLINE: Duration = Duration::from_secs(3);

#[test]
fn promise_7_a_stopped_server_is_answered_within_the_deadline_and_a_second() {
    for (place, variable) in servers::servers("frozen").into_iter().zip([
        "POSTGRES_15_TEST_PID",
        "POSTGRES_18_TEST_PID",
        "MYSQL_TEST_PID",
        "MARIADB_TEST_PID",
    ]) {
        let Ok(process) = std::env::var(variable) else {
            eprintln!("left out: {} ({variable} is not set)", place.name);
            continue;
        };
        let alive = servers::sqlite("frozen_alive");
        let config = servers::folder().join(format!("frozen-{}.toml", place.name));
        std::fs::write(
            &config,
            format!(
                "deadline_seconds = {}\n[databases.shop]\nurl = \"{}\"\n[databases.alive]\nurl = \"{}\"\n",
                DEADLINE.as_secs(),
                place.url,
                alive.url
            ),
        )
        .unwrap();
        let mut client = Client::start(&["--config", config.to_str().unwrap()]);
        client.ok("describe_schema", json!({"database": "shop"}));

        // Stopped before the call: nothing answers the connection.
        let stopped = Stopped::new(&process);
        let started = Instant::now();
        let error = client.refused("describe_schema", json!({"database": "shop"}));
        let took = started.elapsed();
        assert!(
            took < DEADLINE + Duration::from_secs(1),
            "{}: {took:?}: {error}",
            place.name
        );
        assert!(
            error.contains("did not answer") || error.contains("cannot be reached"),
            "{}: {error}",
            place.name
        );
        client.ok("describe_schema", json!({"database": "alive"}));
        drop(stopped);
        client.ok("describe_schema", json!({"database": "shop"}));

        // Stopped in the middle of a statement.
        let endless = "SELECT COUNT(*) FROM orders a JOIN orders b ON a.total <> b.total JOIN orders c ON b.total <> c.total";
        let started = Instant::now();
        let id = client.begin(
            "tools/call",
            json!({"name": "explain_query", "arguments": {"database": "shop", "sql": endless, "analyze": true, "run_expensive": true, "advise": false}}),
        );
        std::thread::sleep(Duration::from_millis(700));
        let stopped = Stopped::new(&process);
        let (answer, _) = client.answer(id);
        let took = started.elapsed();
        assert!(
            took < DEADLINE + Duration::from_secs(1),
            "{}: {took:?}: {answer}",
            place.name
        );
        client.ok("describe_schema", json!({"database": "alive"}));
        drop(stopped);
        client.ok("describe_schema", json!({"database": "shop"}));
    }
}
