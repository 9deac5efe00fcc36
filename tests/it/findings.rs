//! Each rule on real plans: one that it names and one that it leaves alone. And every row of the catalogue of plan
//! findings is either named by a rule somewhere, or listed with the reason why it can't be shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::servers::{self, Place, fixture_text, run};

/// Rows of the catalogue.
const ROWS: usize = 133;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    /// Rows of the catalogue that the finding names.
    catalogue: Vec<String>,
    /// Engines or servers.
    on: Vec<String>,
    /// SQL that makes the database so, and takes it back.
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
    /// Run after the firing statement, before the silent one.
    #[serde(default)]
    between: String,
    #[serde(default)]
    analyze: bool,
    fires: String,
    silent: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unshown {
    catalogue: String,
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    catalogue: String,
    tool: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    finding: Vec<Case>,
    #[serde(default)]
    unshown: Vec<Unshown>,
    #[serde(default)]
    elsewhere: Vec<Elsewhere>,
}

fn cases() -> Cases {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/findings.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn filled(mut place: Place) -> Place {
    if place.engine == "sqlite" {
        let path = place.url.trim_start_matches("sqlite:").to_owned();
        std::fs::remove_file(&path).unwrap();
        std::fs::File::create(&path).unwrap();
        run(&place.url, &fixture_text("plans.sqlite.sql"));
        return place;
    }
    let mut server = url::Url::parse(&place.url).unwrap();
    let postgres = place.engine == "postgresql";
    server.set_path(if postgres { "postgres" } else { "" });
    let force = if postgres { " WITH (FORCE)" } else { "" };
    run(
        server.as_str(),
        &format!("DROP DATABASE IF EXISTS plans{force}"),
    );
    run(server.as_str(), "CREATE DATABASE plans");
    server.set_path("plans");
    place.url = server.to_string();
    let script = fixture_text(if postgres {
        "plans.postgres.sql"
    } else {
        "plans.mysql.sql"
    });
    for statement in script.split(";\n") {
        if !statement.trim().is_empty() {
            run(&place.url, statement);
        }
    }
    place
}

fn applies(case: &Case, place: &Place) -> bool {
    case.on
        .iter()
        .any(|on| on == place.name || on == place.engine || on == "all")
}

fn statements(place: &Place, script: &str) {
    for statement in script.split(";\n").filter(|part| !part.trim().is_empty()) {
        run(&place.url, statement);
    }
}

/// The finding of a rule, and the whole answer.
fn found(client: &mut Client, case: &Case, sql: &str) -> (Option<Value>, String) {
    // A pasted plan begins with the name of its file.
    let arguments = match sql.strip_prefix("plan: ") {
        Some(file) => json!({"plan": fixture_text(&format!("plans/{file}"))}),
        None => {
            json!({"sql": sql, "analyze": case.analyze, "run_expensive": true, "advise": false})
        }
    };
    let called = client.call("explain_query", arguments);
    let findings = called.structured["findings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let own = findings
        .iter()
        .find(|finding| {
            finding["rule"] == *case.rule
                && case.catalogue.iter().all(|row| {
                    finding["catalogue"]
                        .as_array()
                        .is_some_and(|rows| rows.contains(&json!(row)))
                })
        })
        .cloned();
    (own, called.text)
}

#[test]
fn each_rule_names_a_plan_and_leaves_another_alone() {
    let cases = cases();
    let only = std::env::var("FINDING").unwrap_or_default();
    let mut places = servers::servers("findings");
    places.push(servers::sqlite("findings"));
    let threads: Vec<_> = places
        .into_iter()
        .map(|place| {
            let own: Vec<Case> = cases
                .finding
                .iter()
                .filter(|case| applies(case, &place) && case.rule.contains(&only))
                .cloned()
                .collect();
            std::thread::spawn(move || wrong(place, &own))
        })
        .collect();
    let wrong: Vec<String> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn wrong(place: Place, cases: &[Case]) -> Vec<String> {
    let place = filled(place);
    let mut wrong = Vec::new();
    for case in cases {
        statements(&place, &case.before);
        // Settings of a database hold for sessions that begin later.
        let mut client = place.client();
        let (fired, text) = found(&mut client, case, &case.fires);
        if fired.is_none() {
            wrong.push(format!(
                "{}: {} is not named: {}\n{text}",
                place.name, case.rule, case.fires
            ));
        }
        if !case.between.is_empty() {
            drop(client);
            statements(&place, &case.between);
            client = place.client();
        }
        let (fired, text) = found(&mut client, case, &case.silent);
        if fired.is_some() {
            wrong.push(format!(
                "{}: {} is named: {}\n{text}",
                place.name, case.rule, case.silent
            ));
        }
        statements(&place, &case.after);
    }
    wrong
}

#[test]
fn every_row_of_the_catalogue_is_named_or_can_not_be() {
    let cases = cases();
    let mut places: BTreeMap<&str, &str> = BTreeMap::new();
    for case in &cases.finding {
        for row in &case.catalogue {
            places.insert(row, &case.rule);
        }
    }
    for row in &cases.unshown {
        assert!(row.why.len() > 20, "{}: why?", row.catalogue);
        assert!(
            places.insert(&row.catalogue, "").is_none(),
            "{} is shown",
            row.catalogue
        );
    }
    for row in &cases.elsewhere {
        assert!(
            places.insert(&row.catalogue, &row.tool).is_none(),
            "{} is shown",
            row.catalogue
        );
    }
    assert_eq!(places.len(), ROWS, "{places:?}");
    let rules: BTreeSet<&str> = cases
        .finding
        .iter()
        .map(|case| case.rule.as_str())
        .collect();
    for rule in database_ops::plan::rules::RULES {
        assert!(rules.contains(rule.id), "{} has no case", rule.id);
    }
}
