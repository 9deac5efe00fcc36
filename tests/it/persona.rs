//! The persona's rules, its digest and its front matter.

use std::collections::BTreeSet;

use database_ops::persona::{DIGEST_BYTES, Persona, Prompt};

/// Every rule that the persona promises to keep.
fn rules() -> BTreeSet<String> {
    [
        ("A", 7),
        ("N", 7),
        ("D", 6),
        ("M", 6),
        ("O", 7),
        ("T", 6),
        ("Q", 2),
        ("C", 6),
    ]
    .into_iter()
    .flat_map(|(letter, count)| (1..=count).map(move |number| format!("{letter}{number}")))
    .collect()
}

fn cited(text: &str) -> BTreeSet<String> {
    text.split('[')
        .skip(1)
        .filter_map(|part| part.split(']').next())
        .flat_map(|inside| inside.split(", "))
        .filter(|id| {
            id.len() == 2
                && id.starts_with(|c: char| c.is_ascii_uppercase())
                && id.ends_with(|c: char| c.is_ascii_digit())
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_digest_is_what_hosts_show() {
    let digest = Persona::load(None).unwrap().digest();
    assert!(digest.len() <= DIGEST_BYTES, "{} bytes", digest.len());
    let safety = digest.find("Never write").unwrap();
    let map = digest.find("`explain_query`").unwrap();
    assert!(safety < map, "the safety rules come first");
    for tool in database_ops::tools::TOOLS {
        assert!(
            digest.contains(tool.name),
            "{} is not in the map of tools",
            tool.name
        );
    }
}

#[test]
fn the_persona_holds_every_rule_and_no_other() {
    let persona = Persona::load(None).unwrap();
    assert_eq!(cited(&persona.text), rules());
    for prompt in Prompt::all().unwrap() {
        let values = prompt
            .arguments
            .iter()
            .map(|argument| (argument.name.clone(), "x".to_owned()))
            .collect();
        let text = prompt.fill(&values).unwrap();
        assert!(cited(&text).is_subset(&rules()), "{}", prompt.name);
        assert!(
            !text.contains("{{"),
            "{}: a place is left open",
            prompt.name
        );
    }
}

#[test]
fn the_front_matter_is_data() {
    let front = Persona::load(None).unwrap().front;
    assert_eq!(
        (front.name.as_str(), front.version.as_str()),
        ("database-ops", "1.0.0")
    );
    assert_eq!(front.other["type"], "persona");
    assert_eq!(front.other["category"], "api");
    assert_eq!(front.other["risk_level"], "low");
    assert_eq!(front.other["user-invocable"], true);
    assert_eq!(
        front.metadata["openclaw"]["os"],
        serde_json::json!(["darwin", "linux", "win32"])
    );
}

#[test]
fn rules_cited_by_code_are_the_personas() {
    let mut ids = BTreeSet::new();
    for folder in ["src", "tools", "prompts"] {
        collect(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut ids,
        );
    }
    assert!(
        ids.is_subset(&rules()),
        "{:?}",
        ids.difference(&rules()).collect::<Vec<_>>()
    );
}

fn collect(folder: &std::path::Path, ids: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ids);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            ids.extend(cited(&text));
            for list in text.split(".keeps(&[").skip(1) {
                let inside = list.split("])").next().unwrap_or_default();
                ids.extend(
                    inside
                        .split(',')
                        .map(|id| id.trim().trim_matches('"').to_owned()),
                );
            }
        }
    }
}
