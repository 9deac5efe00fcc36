//! The README's examples are answers of this very build.

use std::process::Command;

use crate::client::BINARY;

/// Commands and the answers printed under them: a `sh` block that calls a tool, then a `text` block.
fn examples(readme: &str) -> Vec<(String, String, String)> {
    let mut examples = Vec::new();
    for part in readme.split("```sh\ndatabase-ops call ").skip(1) {
        let (command, rest) = part.split_once("\n```").unwrap();
        let (tool, arguments) = command.split_once(' ').unwrap_or((command, "'{}'"));
        let shown = rest
            .split_once("```text\n")
            .unwrap()
            .1
            .split_once("```")
            .unwrap()
            .0;
        examples.push((
            tool.to_owned(),
            arguments.trim_matches('\'').to_owned(),
            shown.to_owned(),
        ));
    }
    examples
}

#[test]
fn every_tool_has_a_true_example() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let examples = examples(&readme);
    let shown: Vec<&str> = examples.iter().map(|(tool, ..)| tool.as_str()).collect();
    for tool in database_ops::tools::TOOLS {
        assert!(shown.contains(&tool.name), "{} has no example", tool.name);
    }
    for (tool, arguments, shown) in examples {
        let output = Command::new(BINARY)
            .args(["call", &tool, &arguments])
            .env_remove("DATABASE_URL")
            .output()
            .unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            shown, answer,
            "the example of {tool} {arguments} is not what the tool answers"
        );
    }
}
