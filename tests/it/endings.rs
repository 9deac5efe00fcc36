//! Whoever goes away takes the statement along: a cancelled call, a client that hung up, a deadline. One second
//! later the server no longer runs it, and the next call works.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, LEGACY};
use crate::http::HttpServer;
use crate::servers::{self, Place, number};

/// A statement that reads for minutes. Its plan says so, and it is wanted all the same.
fn endless(place: &Place) -> Value {
    let sql = match place.engine {
        "postgresql" => {
            "SELECT count(*) FROM orders a, orders b, orders c WHERE a.total + b.total + c.total < 0"
        }
        _ => {
            "SELECT COUNT(*) FROM orders a JOIN orders b ON a.total <> b.total JOIN orders c ON b.total <> c.total"
        }
    };
    json!({"name": "explain_query", "arguments": {"sql": sql, "analyze": true, "run_expensive": true, "advise": false}})
}

/// How many of our statements the server runs in the place's database.
fn running(place: &Place) -> i64 {
    let database = place.database();
    let query = if place.engine == "postgresql" {
        format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'database-ops' AND state = 'active' AND query LIKE '%ANALYZE%'"
        )
    } else {
        format!(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{database}' AND INFO LIKE '%ANALYZE%orders c%' AND INFO NOT LIKE '%PROCESSLIST%'"
        )
    };
    number(&place.url, &query)
}

fn wait_until_it_runs(place: &Place) {
    let start = Instant::now();
    while running(place) == 0 {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{}: it never ran",
            place.name
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Asserts that the statement is gone within a second of `since`; the look itself takes a moment.
fn gone(place: &Place, since: Instant, how: &str) {
    loop {
        let looked = Instant::now();
        if running(place) == 0 {
            return;
        }
        assert!(
            looked.duration_since(since) < Duration::from_secs(1),
            "{}: still running a second after {how}",
            place.name
        );
        std::thread::sleep(Duration::from_millis(25));
    }
}

#[test]
fn a_cancelled_call_is_gone_from_the_server_within_a_second() {
    for place in servers::servers("endings_cancel") {
        let mut client = place.client();
        let id = client.begin("tools/call", endless(&place));
        wait_until_it_runs(&place);
        let since = Instant::now();
        client.cancel(id);
        gone(&place, since, "the cancel");
        client.ok("describe_schema", json!({}));
    }
}

#[test]
fn a_client_that_closes_its_end_takes_its_statement_along() {
    for place in servers::servers("endings_stdio") {
        let mut client = place.client();
        client.begin("tools/call", endless(&place));
        wait_until_it_runs(&place);
        let since = Instant::now();
        client.close_input();
        gone(&place, since, "the end of its input");
        assert!(client.hang_up(), "{}: the process goes on", place.name);
    }
}

#[test]
fn a_signal_ends_the_statement_and_the_process() {
    for place in servers::servers("endings_signal") {
        let mut client = place.client();
        client.begin("tools/call", endless(&place));
        wait_until_it_runs(&place);
        let since = Instant::now();
        let killed = std::process::Command::new("kill")
            .args(["-TERM", &client.process().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        gone(&place, since, "SIGTERM");
        assert!(client.hang_up(), "{}: the process goes on", place.name);
    }
}

#[test]
fn a_dropped_http_connection_takes_its_statement_along() {
    for place in servers::servers("endings_http") {
        let arguments = place.arguments();
        let server = HttpServer::start_with(&[&arguments[0], &arguments[1]]);
        let body =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": endless(&place)});
        let stream = server.send(&[("MCP-Protocol-Version", LEGACY)], &body);
        wait_until_it_runs(&place);
        let since = Instant::now();
        drop(stream);
        gone(&place, since, "the connection was dropped");
    }
}

#[test]
fn a_deadline_ends_the_statement_too() {
    for place in servers::servers("endings_deadline") {
        let config = servers::folder().join(format!("deadline-{}.toml", place.name));
        std::fs::write(
            &config,
            format!(
                "deadline_seconds = 3\n[databases.shop]\nurl = \"{}\"\n",
                place.url
            ),
        )
        .unwrap();
        let mut client = Client::start(&["--config", config.to_str().unwrap()]);
        let started = Instant::now();
        let id = client.begin("tools/call", endless(&place));
        let (answer, _) = client.answer(id);
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{}: {answer}",
            place.name
        );
        gone(&place, Instant::now(), "the deadline");
        client.ok("describe_schema", json!({}));
    }
}

#[test]
fn a_long_call_tells_how_far_it_is() {
    for place in servers::servers("endings_progress") {
        let mut client = place.client();
        let mut call = endless(&place);
        call["_meta"] = json!({"progressToken": "t"});
        let id = client.begin("tools/call", call);
        wait_until_it_runs(&place);
        std::thread::sleep(Duration::from_millis(4_200));
        client.cancel(id);
        let next = client.begin("tools/list", json!({}));
        let (_, before) = client.answer(next);
        let told: Vec<&Value> = before
            .iter()
            .filter(|message| message["method"] == "notifications/progress")
            .map(|message| &message["params"])
            .collect();
        assert!(told.len() >= 2, "{}: {before:?}", place.name);
        assert!(told[0]["progress"].as_f64() < told[1]["progress"].as_f64());
        assert_eq!(
            told[1]["message"], "running the statement, read-only",
            "{}",
            place.name
        );
    }
}

/// Whether the process works, by its processor time over a moment.
fn works(process: u32) -> bool {
    let ticks = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_millis(400));
    ticks() - before > 10
}

#[test]
#[cfg(target_os = "linux")]
fn a_cancelled_call_stops_the_work_on_sqlite() {
    let place = servers::sqlite("endings_sqlite");
    let mut client = place.client();
    // The condition is counted on a sample, and takes long for each row.
    servers::run(
        &place.url,
        "ALTER TABLE orders ADD COLUMN slow TEXT GENERATED ALWAYS AS (hex(zeroblob(400000 + id)))",
    );
    let sql = "SELECT id FROM orders WHERE slow = 'x'";
    let id = client.begin(
        "tools/call",
        json!({"name": "explain_query", "arguments": {"sql": sql}}),
    );
    let start = Instant::now();
    while !works(client.process()) {
        assert!(start.elapsed() < Duration::from_secs(10), "it never worked");
    }
    client.cancel(id);
    std::thread::sleep(Duration::from_millis(600));
    assert!(!works(client.process()), "still working after the cancel");
    client.ok("describe_schema", json!({}));
}
