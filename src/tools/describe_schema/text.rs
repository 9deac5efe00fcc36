//! How a table reads: its facts, its columns, its keys, a line each.

use std::fmt::Write as _;

use crate::answer::{bytes, count, excerpt, one_line, quoted, seconds};
use crate::catalog::{Catalog, Column, Identity, Index, Table, TableKind};

pub(super) fn write_table(text: &mut String, catalog: &Catalog, table: &Table, detailed: bool) {
    let mut facts = Vec::new();
    if table.kind != TableKind::Table {
        facts.push(table.kind.word().to_owned());
    }
    match table.rows {
        Some(rows) => facts.push(format!("~{} rows", count(rows))),
        None if table.kind == TableKind::Table => {
            facts.push("rows unknown (never analysed)".to_owned());
        }
        None => {}
    }
    facts.extend(table.size_bytes.map(bytes));
    if let Some(age) = table.stats_age_s.filter(|_| detailed) {
        facts.push(format!("statistics {} old", seconds(age as f64)));
    }
    if !table.partitioned_by.is_empty() {
        facts.push(format!("by {}", one_line(&table.partitioned_by)));
    }
    if !table.children.is_empty() {
        facts.push(format!("{} partitions or children", table.children.len()));
    }
    let _ = write!(
        text,
        "\n{}  {}\n",
        one_line(&catalog.display_name(table)),
        facts.join(" · ")
    );
    if !table.comment.is_empty() {
        let _ = writeln!(text, "  comment (data): {}", quoted(&table.comment, 200));
    }
    if detailed {
        for column in &table.columns {
            let _ = writeln!(text, "  {}", column_line(table, column));
        }
    } else {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let mark = if column.nullable { "?" } else { "" };
                format!(
                    "{}{mark} {}",
                    one_line(&column.name),
                    one_line(&column.data_type)
                )
            })
            .collect();
        let _ = writeln!(text, "  {}", columns.join(", "));
    }
    write_keys(text, catalog, table);
    let extra: Vec<String> = table
        .indexes
        .iter()
        .filter(|index| !index.primary)
        .map(|index| index_words(index, detailed))
        .collect();
    if !extra.is_empty() {
        let _ = writeln!(text, "  indexes: {}", extra.join("; "));
    }
    for check in &table.checks {
        let open = if check.validated {
            ""
        } else {
            " (not validated)"
        };
        let _ = writeln!(text, "  check: {}{open}", excerpt(&check.expression, 160));
    }
    if detailed && !table.triggers.is_empty() {
        let names: Vec<&str> = table
            .triggers
            .iter()
            .map(|trigger| trigger.name.as_str())
            .collect();
        let _ = writeln!(text, "  triggers: {}", one_line(&names.join(", ")));
    }
}

fn write_keys(text: &mut String, catalog: &Catalog, table: &Table) {
    if let Some(key) = &table.primary_key {
        let _ = writeln!(
            text,
            "  primary key ({})",
            one_line(&key.columns.join(", "))
        );
    }
    for key in &table.foreign_keys {
        let referenced = catalog.find(Some(&key.referenced_schema), &key.referenced_table);
        let name = referenced.map_or_else(
            || key.referenced_table.clone(),
            |table| catalog.display_name(table),
        );
        let mut line = format!(
            "  ({}) → {name} ({})",
            key.columns.join(", "),
            key.referenced_columns.join(", ")
        );
        if !matches!(key.on_delete.as_str(), "" | "NO ACTION") {
            let _ = write!(line, " on delete {}", key.on_delete.to_lowercase());
        }
        if !key.validated {
            line.push_str(", not validated");
        }
        if table.index_on(&key.columns).is_none() {
            line.push_str(", no index [A2]");
        }
        let _ = writeln!(text, "  {}", one_line(&line));
    }
}

fn column_line(table: &Table, column: &Column) -> String {
    let mut line = format!("{} {}", one_line(&column.name), one_line(&column.data_type));
    line.push_str(if column.nullable {
        " null"
    } else {
        " not null"
    });
    if let Some(identity) = column.identity {
        let _ = write!(line, " {}", identity_word(identity));
    }
    if let Some(default) = &column.default {
        let _ = write!(line, " default {}", excerpt(default, 60));
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored {
            "stored"
        } else {
            "virtual"
        };
        let _ = write!(
            line,
            " generated ({}) {kind}",
            excerpt(&generated.expression, 80)
        );
    }
    if !column.collation.is_empty() {
        let _ = write!(line, " collate {}", column.collation);
    }
    if table
        .unique
        .iter()
        .any(|key| key.columns == [column.name.clone()])
    {
        line.push_str(" unique");
    }
    if !column.comment.is_empty() {
        let _ = write!(line, "  -- {}", quoted(&column.comment, 120));
    }
    line
}

pub(super) const fn identity_word(identity: Identity) -> &'static str {
    match identity {
        Identity::Always => "identity always",
        Identity::ByDefault => "identity",
        Identity::Automatic => "auto increment",
    }
}

pub(super) fn key_words(index: &Index) -> Vec<String> {
    index
        .columns
        .iter()
        .map(|key| {
            let mut word = if key.expression {
                format!("({})", one_line(&key.name))
            } else {
                one_line(&key.name)
            };
            if let Some(prefix) = key.prefix {
                let _ = write!(word, "({prefix})");
            }
            if key.descending {
                word.push_str(" desc");
            }
            word
        })
        .collect()
}

fn index_words(index: &Index, detailed: bool) -> String {
    let mut words = String::new();
    if index.unique {
        words.push_str("unique ");
    }
    if index.method != "btree" {
        let _ = write!(words, "{} ", index.method);
    }
    if detailed {
        let _ = write!(words, "{} ", one_line(&index.name));
    }
    let _ = write!(words, "({})", key_words(index).join(", "));
    if !index.include.is_empty() {
        let _ = write!(words, " include ({})", index.include.join(", "));
    }
    if !index.predicate.is_empty() {
        let _ = write!(words, " where {}", excerpt(&index.predicate, 80));
    }
    if !index.valid {
        words.push_str(" INVALID");
    }
    if let Some(size) = index.size_bytes.filter(|_| detailed) {
        let _ = write!(words, " {}", bytes(size));
    }
    words
}
