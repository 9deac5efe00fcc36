//! The diagram in Mermaid's language.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Cardinality, End, Erd, ErdTable, Mark, Relationship};
use crate::answer::one_line;

/// Writes an `erDiagram`: an entity with its columns for each table, a line for each relationship.
pub fn draw(erd: &Erd) -> String {
    let names = Names::new(erd);
    let mut text = String::from("erDiagram\n");
    for table in &erd.tables {
        let (Some(name), true) = (
            names.declared(&table.schema, &table.name),
            !table.columns.is_empty(),
        ) else {
            if let Some(name) = names.declared(&table.schema, &table.name) {
                let _ = writeln!(text, "    {name}");
            }
            continue;
        };
        let _ = writeln!(text, "    {name} {{");
        write_columns(&mut text, table);
        text.push_str("    }\n");
    }
    for relationship in &erd.relationships {
        if let (Some(to), Some(from)) =
            (names.used(&relationship.to), names.used(&relationship.from))
        {
            let token = token(relationship);
            let label = label(&relationship.from.columns.join(", "));
            let _ = writeln!(text, "    {to} {token} {from} : \"{label}\"");
        }
    }
    text
}

fn write_columns(text: &mut String, table: &ErdTable) {
    for column in &table.columns {
        let name = word(&column.name, false);
        let kind = word(&column.data_type, true);
        let _ = write!(text, "        {kind} {name}");
        let keys = match column.key {
            Mark::None => "",
            Mark::Primary => " PK",
            Mark::Foreign => " FK",
            Mark::PrimaryForeign => " PK, FK",
            Mark::Unique => " UK",
        };
        text.push_str(keys);
        if name != column.name {
            let _ = write!(text, " \"{}\"", label(&column.name));
        }
        text.push('\n');
    }
}

/// The referenced end first: one or none of it, then how many refer to it.
const fn token(relationship: &Relationship) -> &'static str {
    match (relationship.cardinality, relationship.optional) {
        (Cardinality::ManyToOne, false) => "||--o{",
        (Cardinality::ManyToOne, true) => "|o--o{",
        (Cardinality::OneToOne, false) => "||--o|",
        (Cardinality::OneToOne, true) => "|o--o|",
    }
}

/// How each table is called: by its name if that is plain, or else by an alias for its quoted name.
struct Names<'a>(BTreeMap<(&'a str, &'a str), (String, Option<String>)>);

impl<'a> Names<'a> {
    fn new(erd: &'a Erd) -> Self {
        let schemas: BTreeSet<&str> = erd
            .tables
            .iter()
            .map(|table| table.schema.as_str())
            .collect();
        let plain: BTreeSet<&str> = erd
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .filter(|name| is_plain(name))
            .collect();
        let named = erd.tables.iter().enumerate().map(|(n, table)| {
            let shown = if schemas.len() > 1 {
                format!("{}.{}", table.schema, table.name)
            } else {
                table.name.clone()
            };
            let name = if is_plain(&shown) {
                (shown, None)
            } else {
                let mut alias = format!("t{}", n + 1);
                while plain.contains(alias.as_str()) {
                    alias.push('_');
                }
                (alias, Some(label(&shown)))
            };
            ((table.schema.as_str(), table.name.as_str()), name)
        });
        Self(named.collect())
    }

    fn declared(&self, schema: &str, name: &str) -> Option<String> {
        let (name, shown) = self.0.get(&(schema, name))?;
        Some(
            shown
                .as_ref()
                .map_or_else(|| name.clone(), |shown| format!("{name}[\"{shown}\"]")),
        )
    }

    fn used<'s>(&'s self, end: &'s End) -> Option<&'s str> {
        self.0
            .get(&(end.schema.as_str(), end.table.as_str()))
            .map(|(name, _)| name.as_str())
    }
}

/// Whether Mermaid reads a name as it is. Words of its own language are not plain.
fn is_plain(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "class",
        "classdef",
        "direction",
        "end",
        "erdiagram",
        "many",
        "one",
        "only",
        "optionally",
        "style",
        "subgraph",
        "to",
        "u",
        "zero",
    ];
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&name.to_ascii_lowercase().as_str())
}

/// One word that Mermaid reads as a column or, with brackets, as a type.
fn word(text: &str, brackets: bool) -> String {
    let mut word = String::new();
    for character in one_line(text).chars() {
        let kept = character.is_alphanumeric() && (character.is_ascii() || character >= '\u{C0}')
            || (brackets && "()[]-".contains(character));
        if kept || character == '_' {
            word.push(character);
        } else if !word.ends_with('_') {
            word.push('_');
        }
    }
    let rest = word.get(2..).unwrap_or_default();
    let is_key = ["pk", "fk", "uk"].iter().any(|key| {
        word.get(..2)
            .is_some_and(|start| start.eq_ignore_ascii_case(key))
    }) && !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if word.is_empty() {
        word.push_str("unknown");
    } else if is_key || !word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        word.insert(0, '_');
    }
    word
}

/// Text to stand between double quotes. Blanks in it become underscores when Mermaid could take
/// them for a statement.
fn label(text: &str) -> String {
    let safe = one_line(text)
        .replace('"', "'")
        .replace(['%', '\\', '#', ';', '`'], "_");
    if safe.to_ascii_lowercase().contains("direction") {
        safe.replace(' ', "_")
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::super::Selection;
    use super::super::sample::{catalog, refers, shop, table, unique};
    use super::*;

    #[test]
    fn shop_is_written_with_keys_and_crows_feet() {
        let text = draw(&Erd::new(&shop(), &Selection::default()));
        for line in [
            "    order_items {",
            "        bigint order_id PK, FK",
            "        text slug UK",
            "    categories |o--o{ categories : \"parent_id\"",
            "    orders ||--o{ order_items : \"order_id\"",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        }
    }

    #[test]
    fn names_that_mermaid_would_not_read_get_an_alias_and_a_label() {
        let to = table("to", "pk numeric(10,2)", &["pk"]);
        let odd = table(
            "order \"items\"",
            "pk-id bigint, 1st? double precision",
            &["pk-id"],
        );
        let odd = unique(refers(odd, &["1st"], "to", &["pk"]), &["1st"]);
        let text = draw(&Erd::new(&catalog(vec![to, odd]), &Selection::default()));
        for line in [
            "    t1[\"order 'items'\"] {",
            "        bigint pk_id PK \"pk-id\"",
            "        double_precision _1st FK \"1st\"",
            "        numeric(10_2) _pk PK \"pk\"",
            "    t2 |o--o| t1 : \"1st\"",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        }
    }
}
