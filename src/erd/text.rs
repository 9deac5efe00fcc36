//! The diagram as text, for a terminal or a chat of 100 columns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::card::Card;
use super::picture::{Picture, Sketch, WIDTH};
use super::{End, Erd, ErdTable, Relationship};
use crate::answer::{count, one_line};
use crate::catalog::Catalog;

/// Up to so many tables show all their columns, if those are few enough to be read.
const FULL: usize = 6;
const FULL_COLUMNS: usize = 90;
/// Up to so many linked tables show their keys.
const KEYS: usize = 15;
/// Up to so many tables are named one by one.
const NAMES: usize = 40;
/// The longest list of relationships, in bytes.
const LIST_BUDGET: usize = 12_000;
/// The longest list of tables, or of many-to-many links, in bytes.
const SIDE_BUDGET: usize = 4_000;

/// How to see what was left out.
const NARROW: &str =
    "Use `focus` with `parents` and `children`, or `schemas` and `include`, to see a part of it.";

/// Draws the diagram: boxes and lines while they can be read, then names, then hubs; below it a
/// summary, a legend and every relationship. No line is wider than 100 characters.
pub fn draw(erd: &Erd, catalog: &Catalog) -> String {
    let page = Page { erd, catalog };
    let mut text = String::new();
    let lines = page.drawing(&mut text);
    if !text.is_empty() {
        text.push('\n');
    }
    page.summary(&mut text);
    page.legend(&mut text, lines);
    page.many_to_many(&mut text);
    page.relationships(&mut text);
    text
}

struct Page<'a> {
    erd: &'a Erd,
    catalog: &'a Catalog,
}

/// What the drawing consists of, for the legend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawing {
    Names,
    Boxes,
    Lines,
}

impl Page<'_> {
    fn drawing(&self, text: &mut String) -> Drawing {
        let tables = &self.erd.tables;
        let isolated: BTreeSet<(&str, &str)> =
            self.erd.isolated().iter().map(|table| key(table)).collect();
        let columns: usize = tables.iter().map(|table| table.columns.len()).sum();
        if tables.len() <= FULL && columns <= FULL_COLUMNS {
            return self.boxes(text, tables.iter().collect(), false);
        }
        let linked: Vec<&ErdTable> = tables
            .iter()
            .filter(|table| !isolated.contains(&key(table)))
            .collect();
        if (1..=KEYS).contains(&linked.len()) {
            return self.boxes(text, linked, true);
        }
        if tables.len() <= NAMES {
            self.names(text);
        } else {
            self.hubs(text);
        }
        Drawing::Names
    }

    fn boxes(&self, text: &mut String, tables: Vec<&ErdTable>, keys_only: bool) -> Drawing {
        let cards: BTreeMap<(&str, &str), Card> = tables
            .into_iter()
            .map(|table| (key(table), Card::new(&self.table(table), table, keys_only)))
            .collect();
        let sketch = Sketch {
            cards: &cards,
            relationships: &self.erd.relationships,
        };
        let Some(Picture { lines, missing, .. }) = sketch.draw() else {
            return Drawing::Names;
        };
        for line in &lines {
            let _ = writeln!(text, "{line}");
        }
        if !missing.is_empty() {
            text.push_str("\nno room for these lines, see the list:\n");
            for relationship in missing
                .iter()
                .filter_map(|n| self.erd.relationships.get(*n))
            {
                let (from, to) = (self.end(&relationship.from), self.end(&relationship.to));
                put(text, &format!("  {from} → {to}"), "      ");
            }
        }
        if missing.len() < self.erd.relationships.len() {
            Drawing::Lines
        } else {
            Drawing::Boxes
        }
    }

    /// All tables by name, in columns to be read downwards.
    fn names(&self, text: &mut String) {
        let entries: Vec<String> = self
            .erd
            .tables
            .iter()
            .map(|table| {
                let plural = if table.columns.len() == 1 { "" } else { "s" };
                format!(
                    "{} ({} column{plural})",
                    self.table(table),
                    table.columns.len()
                )
            })
            .collect();
        let widest = entries
            .iter()
            .map(|entry| entry.chars().count())
            .max()
            .unwrap_or(0)
            + 2;
        let across = (WIDTH / widest.max(1)).clamp(1, 4);
        let down = entries.len().div_ceil(across).max(1);
        for row in 0..down {
            let mut line = String::new();
            for entry in entries.iter().skip(row).step_by(down) {
                let _ = write!(line, "{entry:<widest$}");
            }
            put(text, line.trim_end(), "    ");
        }
    }

    /// The tables with most relationships, and how many tables each schema has.
    fn hubs(&self, text: &mut String) {
        const SHOWN: usize = 15;
        let mut degrees: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
        for relationship in &self.erd.relationships {
            let (from, to) = (&relationship.from, &relationship.to);
            degrees.entry((&from.schema, &from.table)).or_default().0 += 1;
            degrees.entry((&to.schema, &to.table)).or_default().1 += 1;
        }
        let mut hubs: Vec<(&ErdTable, (usize, usize))> = self
            .erd
            .tables
            .iter()
            .filter_map(|table| Some((table, *degrees.get(&key(table))?)))
            .collect();
        hubs.sort_by_key(|(table, (out, back))| (usize::MAX - out - back, key(table)));
        hubs.truncate(SHOWN);
        if !hubs.is_empty() {
            text.push_str("tables with most relationships\n");
        }
        for (table, (out, back)) in hubs {
            let name = self.table(table);
            put(
                text,
                &format!("  {name:<40} refers to {out}, referred to by {back}"),
                "      ",
            );
        }
        let mut schemas: BTreeMap<&str, usize> = BTreeMap::new();
        for table in &self.erd.tables {
            *schemas.entry(&table.schema).or_default() += 1;
        }
        let counts: Vec<String> = schemas
            .iter()
            .map(|(schema, n)| format!("{} {}", one_line(schema), number(*n)))
            .collect();
        put(
            text,
            &format!("tables by schema: {}", within(&counts, ", ")),
            "  ",
        );
        put(text, &format!("Too many tables to draw. {NARROW}"), "  ");
    }

    fn summary(&self, text: &mut String) {
        let erd = self.erd;
        let plural = |n: usize, one: &str, many: &str| {
            format!("{} {}", number(n), if n == 1 { one } else { many })
        };
        let mut parts = vec![
            plural(erd.tables.len(), "table", "tables"),
            plural(erd.relationships.len(), "relationship", "relationships"),
        ];
        match erd.many_to_many.as_slice() {
            [] => {}
            [only] => {
                let [left, right] = &only.between;
                let names = [left, right, &only.through].map(|name| one_line(name));
                parts.push(format!(
                    "1 M:N ({} ⇄ {} through {})",
                    names[0], names[1], names[2]
                ));
            }
            more => parts.push(format!("{} M:N", number(more.len()))),
        }
        let own = erd.relationships.iter().filter(|r| r.is_self).count();
        if own > 0 {
            parts.push(plural(own, "self-reference", "self-references"));
        }
        if erd.cut > 0 {
            let cut = plural(erd.cut, "relationship leads", "relationships lead");
            parts.push(format!("{cut} to tables not shown"));
        }
        put(text, &parts.join(" · "), "  ");
        let isolated: Vec<String> = erd
            .isolated()
            .iter()
            .map(|table| self.table(table))
            .collect();
        if !isolated.is_empty() {
            let to = if erd.cut > 0 {
                " to a table shown here"
            } else {
                ""
            };
            put(
                text,
                &format!("not linked{to}: {}", within(&isolated, ", ")),
                "  ",
            );
        }
    }

    fn legend(&self, text: &mut String, drawing: Drawing) {
        if drawing != Drawing::Names {
            text.push_str("PK primary key  FK foreign key  PF both  UQ unique  name? nullable\n");
        }
        let has = |test: fn(&Relationship) -> bool| self.erd.relationships.iter().any(test);
        if drawing == Drawing::Lines {
            text.push_str("┼┼ ╪ exactly one  ┼○ ○ zero or one  o< many  ┼ lines cross  ├ ┬ lines to one key join");
            text.push_str(if has(|r| r.optional) {
                "  ╌╌ optional\n"
            } else {
                "\n"
            });
        }
        if !self.erd.relationships.is_empty() {
            text.push_str("N:1 many rows to one  1:1 at most one row to one  NULL optional\n");
        }
    }

    fn many_to_many(&self, text: &mut String) {
        if self.erd.many_to_many.len() < 2 {
            return;
        }
        text.push_str("\nmany to many\n");
        let start = text.len();
        for (n, link) in self.erd.many_to_many.iter().enumerate() {
            if text.len() - start > SIDE_BUDGET {
                let left = number(self.erd.many_to_many.len() - n);
                put(text, &format!("  … {left} more. {NARROW}"), "    ");
                return;
            }
            let [left, right] = link.between.each_ref().map(|name| one_line(name));
            let through = one_line(&link.through);
            put(
                text,
                &format!("  {left} ⇄ {right} through {through}"),
                "      ",
            );
        }
    }

    fn relationships(&self, text: &mut String) {
        const WIDEST: usize = 34;
        let all = &self.erd.relationships;
        if all.is_empty() {
            return;
        }
        let rows: Vec<[String; 5]> = all
            .iter()
            .map(|relationship| self.row(relationship))
            .collect();
        let width = |n: usize| {
            let fields = rows
                .iter()
                .filter_map(|row| row.get(n))
                .map(|field| field.chars().count());
            fields.filter(|width| *width <= WIDEST).max().unwrap_or(0)
        };
        let (from, to, delete) = (width(0), width(2), width(4));
        text.push_str("\nrelationships\n");
        let start = text.len();
        for (n, (row, relationship)) in rows.iter().zip(all).enumerate() {
            let [one, kind, other, null, action] = row;
            let mut padded = format!("  {one:<from$}  {kind}  {other:<to$}  {null:<8}");
            let mut half = format!("  {one:<from$}  {kind}  {other:<to$}  {null}");
            let mut tight = format!("  {one}  {kind}  {other}  {null}");
            if delete > 0 {
                let _ = write!(padded, "  {action:<delete$}");
            }
            if !action.is_empty() {
                let _ = write!(half, "  {action}");
                let _ = write!(tight, "  {action}");
            }
            let (long, short) = self.index(relationship);
            // The name of an index goes first, then the alignment; only then is the line broken.
            let tried = [
                (&padded, &long),
                (&padded, &short),
                (&half, &short),
                (&tight, &short),
            ];
            let whole = tried.map(|(head, tail)| format!("{head}  {tail}"));
            let fits = whole.iter().find(|line| line.chars().count() <= WIDTH);
            let mut line = String::new();
            put(&mut line, fits.unwrap_or(&whole[3]), "      ");
            if text.len() + line.len() - start > LIST_BUDGET {
                let left = number(all.len() - n);
                put(
                    text,
                    &format!("  … {left} more relationships not listed. {NARROW}"),
                    "    ",
                );
                return;
            }
            text.push_str(&line);
        }
    }

    fn row(&self, relationship: &Relationship) -> [String; 5] {
        // The default says nothing.
        let delete = match relationship.on_delete.as_str() {
            "NO ACTION" => String::new(),
            action => one_line(action),
        };
        [
            self.end(&relationship.from),
            relationship.cardinality.word().to_owned(),
            self.end(&relationship.to),
            if relationship.optional {
                "NULL"
            } else {
                "NOT NULL"
            }
            .to_owned(),
            if delete.is_empty() {
                delete
            } else {
                format!("ON DELETE {delete}")
            },
        ]
    }

    /// The index that finds the referencing rows, with its name and without.
    fn index(&self, relationship: &Relationship) -> (String, String) {
        let from = &relationship.from;
        if !relationship.indexed {
            return ("index MISSING".to_owned(), "index MISSING".to_owned());
        }
        let mut tables = self.catalog.tables.iter();
        let table = tables.find(|t| t.schema == from.schema && t.name == from.table);
        let long = match table.and_then(|table| table.index_on(&from.columns)) {
            Some(index) if !index.primary => format!("index {}", one_line(&index.name)),
            Some(_) => "index (PK)".to_owned(),
            None => "index (key)".to_owned(),
        };
        (long, "indexed".to_owned())
    }

    fn table(&self, table: &ErdTable) -> String {
        self.name(&table.schema, &table.name)
    }

    fn end(&self, end: &End) -> String {
        let columns: Vec<String> = end.columns.iter().map(|column| one_line(column)).collect();
        let table = self.name(&end.schema, &end.table);
        match columns.as_slice() {
            [] => table,
            [only] => format!("{table}.{only}"),
            several => format!("{table}.({})", several.join(", ")),
        }
    }

    fn name(&self, schema: &str, name: &str) -> String {
        if schema.is_empty() || schema == self.catalog.default_schema {
            one_line(name)
        } else {
            one_line(&format!("{schema}.{name}"))
        }
    }
}

fn key(table: &ErdTable) -> (&str, &str) {
    (&table.schema, &table.name)
}

fn number(n: usize) -> String {
    count(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The items in one text, as many as the budget holds.
fn within(items: &[String], separator: &str) -> String {
    let mut text = String::new();
    for (n, item) in items.iter().enumerate() {
        if text.len() + item.len() > SIDE_BUDGET {
            let _ = write!(text, " and {} more", number(items.len() - n));
            break;
        }
        if n > 0 {
            text.push_str(separator);
        }
        text.push_str(item);
    }
    text
}

/// Writes a line; what is over the width goes on in the next one, indented.
fn put(text: &mut String, line: &str, indent: &str) {
    let mut rest: Vec<char> = line.trim_end().chars().collect();
    while rest.len() > WIDTH {
        let lead = rest
            .iter()
            .take_while(|character| **character == ' ')
            .count();
        let space = rest
            .iter()
            .take(WIDTH + 1)
            .rposition(|character| *character == ' ');
        let at = space
            .filter(|at| *at > lead.max(indent.len()))
            .unwrap_or(WIDTH);
        let tail = rest.split_off(at);
        let head: String = rest.iter().collect();
        let _ = writeln!(text, "{}", head.trim_end());
        rest = indent
            .chars()
            .chain(tail.into_iter().skip_while(|c| *c == ' '))
            .collect();
    }
    let _ = writeln!(text, "{}", rest.iter().collect::<String>());
}

#[cfg(test)]
mod tests;
