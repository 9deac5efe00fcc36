//! What a tool gives back: a text that is complete alone, and the same as structured content.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::finding::{Finding, Severity};

/// The longest text a tool answers with, in bytes. Hosts cut at about 25,000 tokens; this stays far below.
pub const TEXT_BUDGET: usize = 40_000;

/// The most structured content, in bytes of JSON.
pub const STRUCTURED_BUDGET: usize = 200_000;

#[derive(Debug, Clone)]
pub struct Answer {
    pub text: String,
    pub structured: Value,
}

/// What every answer carries, whatever the tool.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Common {
    pub database: String,
    pub engine: String,
    pub version: String,
    /// One sentence, the verdict first.
    pub summary: String,
    /// Worst first.
    pub findings: Vec<Finding>,
    /// What could not be seen, and the grant that would show it.
    pub skipped: Vec<Skipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Truncated")]
    pub truncated: Option<Truncated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Next>,
}

/// Not seen is not healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Skipped {
    pub what: String,
    pub why: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub grant: String,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Truncated {
    pub shown: usize,
    pub total: usize,
    pub hint: String,
}

/// What the persona needs to be told before it can go on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Question {
    pub id: String,
    pub question: String,
    pub why: String,
}

/// A tool call worth making.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Next {
    pub tool: String,
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub arguments: Value,
    pub why: String,
}

impl Common {
    /// The first two paragraphs of a text answer: where, and the verdict.
    pub fn heading(&self, extra: &str) -> String {
        let server = format!("{} {}", self.engine, self.version);
        let parts = [self.database.as_str(), server.trim_end(), extra];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let mut text = parts.join(" · ");
        let _ = write!(text, "\n\nVerdict: {}\n", one_line(&self.summary));
        text
    }

    /// The last paragraphs: findings, questions, what was not seen, what to call next.
    pub fn closing(&self, detailed: bool) -> String {
        let mut text = String::new();
        self.write_findings(&mut text, detailed);
        for (number, question) in self.questions.iter().enumerate() {
            let lead = if number == 0 { "\nQuestions\n" } else { "" };
            let _ = writeln!(
                text,
                "{lead}  {} ({}): {} {}",
                number + 1,
                question.id,
                question.question,
                question.why
            );
        }
        for (number, skipped) in self.skipped.iter().enumerate() {
            let lead = if number == 0 { "\nNot seen\n" } else { "" };
            let _ = write!(text, "{lead}  {}: {}", skipped.what, skipped.why);
            if !skipped.grant.is_empty() {
                let _ = write!(text, ". To see it: {}", skipped.grant);
            }
            text.push('\n');
        }
        if let Some(truncated) = &self.truncated {
            let _ = writeln!(
                text,
                "\nShown {} of {}. {}",
                truncated.shown, truncated.total, truncated.hint
            );
        }
        for (number, next) in self.next.iter().enumerate() {
            let lead = if number == 0 { "\nNext\n" } else { "" };
            let _ = writeln!(
                text,
                "{lead}  {} {} — {}",
                next.tool, next.arguments, next.why
            );
        }
        text
    }

    fn write_findings(&self, text: &mut String, detailed: bool) {
        const CONCISE: usize = 5;
        let shown = if detailed {
            self.findings.len()
        } else {
            CONCISE.min(self.findings.len())
        };
        for (number, finding) in self.findings.iter().take(shown).enumerate() {
            if number == 0 {
                text.push_str("\nFindings\n");
            }
            write_finding(text, finding);
        }
        if self.findings.len() > shown {
            let _ = writeln!(
                text,
                "  and {} more of lower rank: call again with detail \"detailed\".",
                self.findings.len() - shown
            );
        }
    }
}

fn write_finding(text: &mut String, finding: &Finding) {
    let _ = write!(text, "  {:<8} {}", finding.severity.word(), finding.rule);
    if !finding.object.is_empty() {
        let _ = write!(text, " · {}", one_line(&finding.object));
    }
    let _ = write!(text, " · {}", one_line(&finding.title));
    if !finding.persona.is_empty() {
        let _ = write!(text, " [{}]", finding.persona.join(", "));
    }
    text.push('\n');
    if !finding.evidence.is_empty() {
        let numbers: Vec<String> = finding
            .evidence
            .iter()
            .map(|e| {
                let unit = if e.unit.is_empty() {
                    String::new()
                } else {
                    format!(" {}", e.unit)
                };
                format!(
                    "{} {}{} ({})",
                    e.label,
                    one_line(&e.value),
                    unit,
                    e.source.words()
                )
            })
            .collect();
        let _ = writeln!(text, "           {}", numbers.join(" · "));
    }
    if finding.severity < Severity::Info && !finding.effect.is_empty() {
        let _ = writeln!(text, "           effect: {}", one_line(&finding.effect));
    }
    if !finding.remedy.is_empty() {
        let _ = writeln!(text, "           remedy: {}", one_line(&finding.remedy));
    }
    for sql in &finding.sql {
        let _ = writeln!(text, "           {sql}");
    }
}

/// A text within the budget. What is over it is cut at a line, and said.
pub fn within_budget(mut text: String, hint: &str) -> String {
    if text.len() > TEXT_BUDGET {
        let mut end = TEXT_BUDGET;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let end = text
            .get(..end)
            .and_then(|head| head.rfind('\n'))
            .unwrap_or(end);
        let left_out = text.len() - end;
        text.truncate(end);
        let _ = write!(text, "\n… {left_out} bytes left out. {hint}\n");
    }
    text
}

/// Structured content within the budget: the longest lists and texts are cut, and it says so.
pub fn within_structured_budget(structured: &mut Value, hint: &str) {
    let mut size = structured.to_string().len();
    while size > STRUCTURED_BUDGET {
        let Some((name, longest)) = structured.as_object_mut().and_then(|object| {
            object
                .iter_mut()
                .filter(|(name, _)| *name != "truncated")
                .max_by_key(|(_, value)| value.to_string().len())
        }) else {
            return;
        };
        let name = name.clone();
        let Some((shown, total)) = halve(longest) else {
            return;
        };
        if let Some(object) = structured.as_object_mut() {
            let truncated = object.entry("truncated").or_insert_with(
                || serde_json::json!({ "total": total, "hint": format!("`{name}` was cut. {hint}") }),
            );
            if let Some(truncated) = truncated.as_object_mut() {
                truncated.insert("shown".to_owned(), shown.into());
            }
        }
        size = structured.to_string().len();
    }
}

/// Leaves the first half of the longest part, and tells what is left of how much.
fn halve(value: &mut Value) -> Option<(usize, usize)> {
    match value {
        Value::Array(items) if items.len() > 1 => {
            let total = items.len();
            items.truncate(total / 2);
            Some((items.len(), total))
        }
        Value::Array(items) => halve(items.first_mut()?),
        Value::Object(parts) => halve(
            parts
                .values_mut()
                .max_by_key(|value| value.to_string().len())?,
        ),
        Value::String(text) if text.len() > 1 => {
            let total = text.len();
            let mut half = total / 2;
            while !text.is_char_boundary(half) {
                half -= 1;
            }
            text.truncate(half);
            Some((text.len(), total))
        }
        _ => None,
    }
}

/// A count with thousands separators, as people write them.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        grouped.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size in the unit a person would choose.
pub fn bytes(size: i64) -> String {
    const STEP: f64 = 1024.0;
    let size = size as f64;
    if size < STEP {
        format!("{size} B")
    } else if size < STEP * STEP {
        format!("{:.0} kB", size / STEP)
    } else if size < STEP * STEP * STEP {
        format!("{:.1} MB", size / STEP / STEP)
    } else {
        format!("{:.1} GB", size / STEP / STEP / STEP)
    }
}

/// A duration in seconds, as short as it stays true.
pub fn seconds(value: f64) -> String {
    if value < 1.0 {
        format!("{:.0} ms", value * 1000.0)
    } else if value < 120.0 {
        format!("{value:.0} s")
    } else if value < 7200.0 {
        format!("{:.0} min", value / 60.0)
    } else if value < 172_800.0 {
        format!("{:.0} h", value / 3600.0)
    } else {
        format!("{:.0} days", value / 86_400.0)
    }
}

/// Text that came from a database, made safe to stand in a line of an answer: control and
/// direction-changing characters are shown as escapes, and it never spans lines.
pub fn one_line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            space = true;
            continue;
        }
        if space && !safe.is_empty() {
            safe.push(' ');
        }
        space = false;
        let hidden = character.is_control()
            || matches!(character, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}');
        if hidden {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Prose that somebody wrote into a database, in quotation marks that it cannot close: data, not a word of ours.
pub fn quoted(text: &str, limit: usize) -> String {
    format!("“{}”", excerpt(text, limit).replace(['“', '”'], "\""))
}

/// `one_line`, cut to `limit` characters with an ellipsis.
pub fn excerpt(text: &str, limit: usize) -> String {
    let safe = one_line(text);
    if safe.chars().count() <= limit {
        return safe;
    }
    let mut cut: String = safe.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
