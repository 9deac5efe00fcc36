//! Databases by name, from arguments, a file or the environment; secrets from elsewhere.

use std::process::{Command, Output};

use serde_json::json;

use crate::client::{BINARY, Client};
use crate::servers;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .env_remove("DATABASE_URL")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn file(name: &str, text: &str) -> String {
    let path = servers::folder().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn several_databases_are_told_apart_by_name() {
    let (one, two) = (servers::sqlite("config_one"), servers::sqlite("config_two"));
    let config = file(
        "several.toml",
        &format!(
            "[databases.one]\nurl = \"{}\"\n[databases.two]\nurl = {{ env = \"SECOND_URL\" }}\n",
            one.url
        ),
    );
    let mut client = Client::spawn(&["--config", &config], &[("SECOND_URL", &two.url)], true);
    assert!(
        client
            .ok("describe_schema", json!({"database": "two"}))
            .text
            .starts_with("two · sqlite")
    );
    assert!(
        client
            .refused("describe_schema", json!({}))
            .contains("one, two")
    );
    assert!(
        client
            .refused("describe_schema", json!({"database": "twoo"}))
            .contains("Did you mean \"two\"?")
    );
    assert!(
        client
            .refused("describe_schema", json!({"database": one.url}))
            .contains("no database is called")
    );
}

#[test]
fn an_address_may_come_from_the_environment_or_a_file() {
    let place = servers::sqlite("config_elsewhere");
    let output = run(
        &["-d", "env:MY_URL", "call", "check_locks"],
        &[("MY_URL", &place.url)],
    );
    assert!(output.status.success(), "{}", told(&output));
    let secret = file("secret-url", &place.url);
    let output = run(
        &["-d", &format!("shop=@{secret}"), "call", "check_locks"],
        &[],
    );
    assert!(
        told(&output).starts_with("shop · sqlite"),
        "{}",
        told(&output)
    );
    let output = run(&["call", "check_locks"], &[("DATABASE_URL", &place.url)]);
    assert!(
        told(&output).starts_with("config_elsewhere · sqlite"),
        "{}",
        told(&output)
    );
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_at_start() {
    for (text, expected) in [
        (
            "[databases.a]\nurl = \"sqlite:x\"\nport = 5\n",
            "unknown field `port`",
        ),
        ("colour = 1\n", "unknown field `colour`"),
        (
            "[databases.a]\nurl = { env = \"NOT_SET_ANYWHERE\" }\n",
            "NOT_SET_ANYWHERE is not set",
        ),
        (
            "[databases.a]\nurl = \"oracle://x\"\n",
            "must start with postgres://",
        ),
        (
            "[databases.\"a b\"]\nurl = \"sqlite:x\"\n",
            "cannot name a database",
        ),
        ("deadline_seconds = 0\n", "from 1 to 600"),
        ("[databases.a\n", "line 1"),
    ] {
        let config = file("broken.toml", text);
        let output = run(&["--config", &config], &[]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            told(&output).contains(expected),
            "{text}: {}",
            told(&output)
        );
    }
    let output = run(&["-d", "a=sqlite:x", "-d", "a=sqlite:y"], &[]);
    assert!(
        told(&output).contains("two databases are called \"a\""),
        "{}",
        told(&output)
    );
}

#[test]
fn a_database_that_is_down_does_not_keep_the_server_from_starting() {
    let up = servers::sqlite("config_up");
    let mut client = Client::start(&[
        "-d",
        "down=postgres://u:hidden-word@127.0.0.1:1/x",
        "-d",
        &format!("up={}", up.url),
    ]);
    let error = client.refused("check_locks", json!({"database": "down"}));
    assert!(
        error.contains("cannot be reached: connection refused") && !error.contains("hidden-word"),
        "{error}"
    );
    client.ok("check_locks", json!({"database": "up"}));
}

#[test]
fn with_nothing_configured_the_sample_is_served() {
    let mut client = Client::start(&[]);
    let schema = client.ok("describe_schema", json!({}));
    assert_eq!(schema.structured["database"], "sample");
    assert!(schema.structured["tables"].as_array().unwrap().len() >= 8);
}

#[test]
fn the_tour_shows_every_tool() {
    let output = run(&["demo"], &[]);
    let text = told(&output);
    assert!(output.status.success(), "{text}");
    for tool in database_ops::tools::TOOLS {
        assert!(
            text.contains(&format!("  {} {{", tool.name)),
            "{} is not in the tour",
            tool.name
        );
    }
}

#[test]
fn one_tool_runs_from_the_shell() {
    let output = run(&["call", "draw_erd", "--json"], &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["tables"].as_array().unwrap().len() >= 8);
    let output = run(&["call", "draw_erd", "{broken"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let output = run(&["call", "draw_erd", r#"{"colour": 1}"#], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("unknown field `colour`"),
        "{}",
        told(&output)
    );
}

#[test]
fn help_tells_every_command() {
    let text = told(&run(&["--help"], &[]));
    for word in [
        "serve",
        "call",
        "demo",
        "--database",
        "--config",
        "--persona",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn another_persona_can_be_served_and_a_broken_one_is_refused() {
    let other = file(
        "other.md",
        "---\nname: dba\ndescription: Another\nmetadata: {\"a\": {\"b\": 1}}\n---\n## Digest\nBe kind to databases.\n",
    );
    let mut client = Client::start(&["--persona", &other]);
    let list = client.request("resources/list", json!({}));
    assert_eq!(list["result"]["resources"][0]["uri"], "persona://dba");
    let broken = file(
        "broken.md",
        "---\nname: dba\nmetadata: {\"a\": \n---\nbody\n",
    );
    let output = run(&["--persona", &broken], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("broken.md, line "),
        "{}",
        told(&output)
    );
}

#[test]
fn a_scratch_server_is_named_for_a_database_of_its_kind_and_stays_secret() {
    let secret = "hunter2-scratch-9";
    let output = run(
        &[
            "call",
            "describe_schema",
            "-d",
            "shop=postgres://u@127.0.0.1:1/x",
            "--scratch",
            &format!("shop=mysql://u:{secret}@h/"),
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("same kind"), "{}", told(&output));
    assert!(!told(&output).contains(secret), "{}", told(&output));
    let output = run(
        &[
            "call",
            "describe_schema",
            "-d",
            "shop=postgres://u@127.0.0.1:1/x",
            "--scratch",
            "shoop=postgres://u@h/",
        ],
        &[],
    );
    assert!(
        told(&output).contains("names no configured database"),
        "{}",
        told(&output)
    );
    let config = file(
        "scratch_sqlite.toml",
        "[databases.notes]\nurl = \"sqlite:notes.db\"\nscratch_url = { env = \"SCRATCH\" }\n",
    );
    let output = run(
        &["call", "describe_schema", "--config", &config],
        &[("SCRATCH", &format!("postgres://u:{secret}@h/"))],
    );
    assert!(
        told(&output).contains("copied in memory"),
        "{}",
        told(&output)
    );
    assert!(!told(&output).contains(secret), "{}", told(&output));
}
