//! Both eras of the protocol, and what hosts ask of a server.

use serde_json::{Value, json};

use crate::client::{Client, LEGACY, MODERN};

#[test]
fn older_hosts_shake_hands() {
    let mut client = Client::spawn(&[], &[], false);
    let answer = client.request(
        "initialize",
        json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
    );
    let result = &answer["result"];
    assert_eq!(result["serverInfo"]["name"], "database-ops");
    assert!(
        result["instructions"]
            .as_str()
            .unwrap()
            .contains("explain_query")
    );
    assert!(
        result["capabilities"]["tools"].is_object()
            && result["capabilities"]["prompts"].is_object()
    );
}

#[test]
fn newer_hosts_discover_and_call_without_a_handshake() {
    let mut client = Client::start_modern(&[]);
    let discovered = client.request("server/discover", json!({}));
    let versions = discovered["result"]["supportedVersions"]
        .as_array()
        .unwrap_or_else(|| panic!("{discovered}"));
    assert!(
        versions.contains(&Value::from(MODERN)) && versions.contains(&Value::from(LEGACY)),
        "{discovered}"
    );
    assert!(
        discovered["result"]["instructions"]
            .as_str()
            .unwrap()
            .contains("explain_query")
    );
    let called = client.ok("describe_schema", json!({"tables": ["orders"]}));
    assert!(called.text.contains("orders"));
}

fn tools(client: &mut Client) -> Vec<Value> {
    client.request("tools/list", json!({}))["result"]["tools"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn both_eras_list_the_same_tools_in_order() {
    let (old, new) = (
        tools(&mut Client::start(&[])),
        tools(&mut Client::start_modern(&[])),
    );
    assert_eq!(old, new);
    let names: Vec<&str> = old
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "check_locks",
            "describe_schema",
            "draw_erd",
            "explain_query",
            "propose_migration",
            "tune_workload"
        ]
    );
}

#[test]
fn the_list_of_tools_is_small() {
    let list = tools(&mut Client::start(&[]));
    let tools = list.len();
    let whole = Value::from(list.clone()).to_string().len();
    let without: Vec<Value> = list
        .into_iter()
        .map(|mut tool| {
            tool.as_object_mut().unwrap().remove("outputSchema");
            tool
        })
        .collect();
    let small = Value::from(without).to_string().len();
    assert!(small < tools * 900, "{small} bytes without output schemas");
    assert!(whole < tools * 2_800, "{whole} bytes with output schemas");
}

#[test]
fn every_tool_is_described_annotated_and_flat() {
    for tool in tools(&mut Client::start(&[])) {
        let name = tool["name"].as_str().unwrap();
        assert!(
            tool["title"].is_string() && tool["outputSchema"]["type"] == "object",
            "{name}"
        );
        let expected = json!({"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false});
        assert_eq!(tool["annotations"], expected, "{name}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        let properties = tool["inputSchema"]["properties"].as_object().unwrap();
        assert!(
            properties.contains_key("database") && properties.contains_key("detail"),
            "{name}"
        );
        for (parameter, schema) in properties {
            assert!(schema["type"].is_string(), "{name}.{parameter}: {schema}");
            assert!(
                schema["description"].is_string() || schema["enum"].is_array(),
                "{name}.{parameter} is not described"
            );
        }
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            let text = schema.to_string();
            assert!(
                !text.contains("$ref") && !text.contains("$defs"),
                "{name}: {text}"
            );
            assert!(!text.contains("\"null\""), "{name}: {text}");
        }
        let description = tool["description"].as_str().unwrap();
        assert!(
            (80..=600).contains(&description.len()) && description.contains("Use "),
            "{name}: {description}"
        );
    }
}

#[test]
fn the_persona_and_its_modes_are_prompts() {
    let mut client = Client::start(&[]);
    let list = client.request("prompts/list", json!({}));
    let names: Vec<&str> = list["result"]["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prompt| prompt["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "database-ops",
            "design",
            "migration",
            "optimization",
            "troubleshooting"
        ]
    );
    let get = |client: &mut Client, name: &str, arguments: Value| {
        client.request("prompts/get", json!({"name": name, "arguments": arguments}))
    };
    let whole = get(&mut client, "database-ops", json!({}));
    assert!(
        whole["result"]["messages"][0]["content"]["text"]
            .as_str()
            .unwrap()
            .contains("[C6]")
    );
    let mode = get(
        &mut client,
        "optimization",
        json!({"query": "SELECT 1 FROM orders"}),
    );
    assert!(
        mode["result"]["messages"][0]["content"]["text"]
            .as_str()
            .unwrap()
            .contains("SELECT 1 FROM orders")
    );
    assert!(
        get(&mut client, "optimization", json!({}))["error"]["message"]
            .as_str()
            .unwrap()
            .contains("query")
    );
    assert!(
        get(&mut client, "cooking", json!({}))["error"]["message"]
            .as_str()
            .unwrap()
            .contains("design")
    );
}

#[test]
fn the_persona_is_a_resource() {
    let mut client = Client::start(&[]);
    let list = client.request("resources/list", json!({}));
    assert_eq!(
        list["result"]["resources"][0]["uri"],
        "persona://database-ops"
    );
    let read = client.request("resources/read", json!({"uri": "persona://database-ops"}));
    assert!(
        read["result"]["contents"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("---\nname: database-ops")
    );
    assert!(
        client.request("resources/read", json!({"uri": "persona://someone"}))["error"].is_object()
    );
}

#[test]
fn what_cannot_be_routed_is_a_protocol_error_and_the_server_lives() {
    let mut client = Client::start(&[]);
    let unknown = client.request(
        "tools/call",
        json!({"name": "drop_everything", "arguments": {}}),
    );
    assert!(
        unknown["error"]["message"]
            .as_str()
            .unwrap()
            .contains("describe_schema"),
        "{unknown}"
    );
    assert!(client.request("no/such/method", json!({}))["error"].is_object());
    client.ok("check_locks", json!({}));
}

#[test]
fn the_server_ends_when_its_host_hangs_up() {
    let mut client = Client::start(&[]);
    client.ok("check_locks", json!({}));
    assert!(client.hang_up());
}
