//! The persona and the prompts: Markdown with front matter, embedded in the binary, the persona
//! replaceable at start.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

const PERSONA: &str = include_str!("../persona.md");
const PROMPTS: &[(&str, &str)] = &[
    ("design", include_str!("../prompts/design.md")),
    ("migration", include_str!("../prompts/migration.md")),
    ("optimization", include_str!("../prompts/optimization.md")),
    (
        "troubleshooting",
        include_str!("../prompts/troubleshooting.md"),
    ),
];

/// Hosts cut instructions at about 2,000 characters.
pub const DIGEST_BYTES: usize = 1900;

/// The longest name: it stands in the persona's URI, and that at the end of a digest that was cut.
const NAME_BYTES: usize = 200;

#[derive(Debug, Clone)]
pub struct Persona {
    pub front: FrontMatter,
    /// The whole file, as it is served.
    pub text: String,
    body: String,
}

/// What stands between the two lines of dashes. Fields that are not known are kept.
#[derive(Debug, Clone, Deserialize)]
pub struct FrontMatter {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub description: String,
    /// Nested YAML, or one line of JSON.
    #[serde(default)]
    pub metadata: Value,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Persona {
    /// The embedded persona, or the one in a file.
    pub fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Self::parse(PERSONA, "persona.md");
        };
        let text = std::fs::read_to_string(path).map_err(|error| Error::Config {
            reason: format!(
                "the persona {} cannot be read: {}",
                path.display(),
                error.kind()
            ),
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let (front, body) = split(text, name)?;
        let mut front: FrontMatter = yaml(front, name)?;
        if front.name.trim().is_empty() {
            return Err(Error::Config {
                reason: format!("{name}, line 2: `name` is empty"),
            });
        }
        if front.name.len() > NAME_BYTES {
            return Err(Error::Config {
                reason: format!("{name}, line 2: `name` is longer than {NAME_BYTES} bytes"),
            });
        }
        // Metadata written as a text that holds JSON is data all the same.
        if let Value::String(text) = &front.metadata {
            front.metadata = serde_json::from_str(text).map_err(|error| Error::Config {
                reason: format!("{name}: `metadata` is neither a mapping nor JSON: {error}"),
            })?;
        }
        Ok(Self {
            front,
            text: text.to_owned(),
            body: body.to_owned(),
        })
    }

    /// Where the whole persona is read.
    pub fn uri(&self) -> String {
        format!("persona://{}", self.front.name)
    }

    /// The server's instructions: the section called Digest, else the beginning of the body, within what
    /// hosts show.
    pub fn digest(&self) -> String {
        let digest = self
            .body
            .split_once("## Digest")
            .map_or(self.body.as_str(), |(_, rest)| rest);
        let digest = digest.split("\n## ").next().unwrap_or(digest).trim();
        if digest.len() <= DIGEST_BYTES {
            return digest.to_owned();
        }
        let tail = format!("\nThe whole persona: resource {}", self.uri());
        let mut end = DIGEST_BYTES - tail.len();
        while !digest.is_char_boundary(end) {
            end -= 1;
        }
        let head = digest.get(..end).unwrap_or_default();
        let end = head.rfind('\n').unwrap_or(end);
        format!("{}{tail}", digest.get(..end).unwrap_or_default())
    }
}

/// A mode of the persona, as a prompt with arguments.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub name: &'static str,
    pub title: String,
    pub description: String,
    pub arguments: Vec<Argument>,
    template: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Argument {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub required: bool,
}

#[derive(Debug, Deserialize)]
struct PromptFront {
    title: String,
    description: String,
    #[serde(default)]
    arguments: Vec<Argument>,
}

impl Prompt {
    /// The four modes.
    pub fn all() -> Result<Vec<Self>> {
        PROMPTS
            .iter()
            .map(|(name, text)| {
                let (front, body) = split(text, name)?;
                let front: PromptFront = yaml(front, name)?;
                Ok(Self {
                    name,
                    title: front.title,
                    description: front.description,
                    arguments: front.arguments,
                    template: body.trim().to_owned(),
                })
            })
            .collect()
    }

    /// The template with its arguments filled in, in one pass: a value that looks like a place is left alone.
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Result<String, String> {
        if let Some(missing) = self.arguments.iter().find(|argument| {
            argument.required
                && values
                    .get(&argument.name)
                    .is_none_or(|value| value.trim().is_empty())
        }) {
            return Err(format!(
                "prompt {} needs the argument `{}`: {}",
                self.name, missing.name, missing.description
            ));
        }
        if let Some(unknown) = values.keys().find(|name| {
            !self
                .arguments
                .iter()
                .any(|argument| argument.name == **name)
        }) {
            let known: Vec<&str> = self
                .arguments
                .iter()
                .map(|argument| argument.name.as_str())
                .collect();
            return Err(format!(
                "prompt {} has no argument `{unknown}`; it takes {}",
                self.name,
                known.join(", ")
            ));
        }
        let mut parts = self.template.split("{{");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap_or(("", part));
            text.push_str(values.get(name.trim()).map_or("", String::as_str));
            text.push_str(rest);
        }
        Ok(text)
    }
}

fn split<'a>(text: &'a str, name: &str) -> Result<(&'a str, &'a str)> {
    let broken = |line: usize, reason: &str| Error::Config {
        reason: format!("{name}, line {line}: {reason}"),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))
        .ok_or_else(|| broken(1, "front matter must begin with a line of three dashes"))?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            let body = rest.get(at + line.len()..).unwrap_or_default();
            return Ok((rest.get(..at).unwrap_or_default(), body));
        }
        at += line.len();
    }
    Err(broken(
        rest.lines().count() + 1,
        "front matter has no closing line of three dashes",
    ))
}

fn yaml<T: serde::de::DeserializeOwned>(text: &str, name: &str) -> Result<T> {
    serde_saphyr::from_str(text).map_err(|error| {
        // The front matter begins on the second line of the file.
        let line = error
            .location()
            .map_or(2, |location| location.line() as usize + 1);
        let reason = error.without_snippet().to_string();
        let reason = reason.lines().next().unwrap_or_default().to_owned();
        Error::Config {
            reason: format!("{name}, line {line}: {reason}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_read_as_json_and_as_yaml() {
        let json = Persona::parse(
            "---\nname: x\nmetadata: {\"openclaw\":{\"emoji\":\"🗄️\"}}\n---\nbody",
            "p",
        )
        .unwrap();
        let block = Persona::parse(
            "---\nname: x\nmetadata:\n  openclaw:\n    emoji: 🗄️\nextra: [1, 2]\n---\nbody",
            "p",
        )
        .unwrap();
        assert_eq!(json.front.metadata, block.front.metadata);
        assert!(block.front.other.contains_key("extra"));
        let quoted = Persona::parse(
            "---\nname: x\nmetadata: '{\"openclaw\":{\"emoji\":\"🗄️\"}}'\n---\n",
            "p",
        )
        .unwrap();
        assert_eq!(quoted.front.metadata, json.front.metadata);
    }

    #[test]
    fn broken_front_matter_is_refused_with_line_and_reason() {
        let reason = |text| Persona::parse(text, "p.md").unwrap_err().to_string();
        assert!(reason("name: x\n").contains("p.md, line 1"));
        assert!(reason("---\nname: x\n").contains("no closing line"));
        assert!(
            reason("---\nname: x\nversion: [1\n---\n").contains("p.md, line "),
            "{}",
            reason("---\nname: x\nversion: [1\n---\n")
        );
        assert!(reason("---\nversion: 1\n---\n").contains("name"));
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_not_filled_in() {
        let prompts = Prompt::all().unwrap();
        let migration = prompts
            .iter()
            .find(|prompt| prompt.name == "migration")
            .unwrap();
        let values = BTreeMap::from([("change".to_owned(), "{{database}}".to_owned())]);
        assert!(migration.fill(&values).unwrap().contains("{{database}}"));
        assert!(
            migration
                .fill(&BTreeMap::new())
                .unwrap_err()
                .contains("change")
        );
    }

    #[test]
    fn a_long_body_without_a_digest_is_cut_within_the_limit() {
        let text = format!(
            "---\nname: x\n---\n{}",
            "A line that says something.\n".repeat(200)
        );
        let persona = Persona::parse(&text, "p").unwrap();
        assert!(
            persona.digest().len() <= DIGEST_BYTES && persona.digest().ends_with("persona://x")
        );
    }
}
