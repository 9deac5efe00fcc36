//! Indexes.

use super::{BRIEF, DIALECT, Way, ident, if_large, index_exists, shown_rows};
use crate::catalog::Table;
use crate::engine::Ground;
use crate::engine::mysql::{Flavor, MySql};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::migration::change::NewIndex;
use crate::migration::{Deploy, Migration, Phase, Reversible, Step};

impl MySql {
    /// Some kinds are built only while writes wait.
    pub(super) fn index_way(&self, index: &NewIndex) -> Way {
        match index.method.as_str() {
            "fulltext" | "spatial" => Way::Shared,
            _ if self.flavor == Flavor::MySql && has_expression(index) => Way::Shared,
            _ => Way::Online,
        }
    }

    pub(super) fn index_step(&self, index: &NewIndex, ground: &Ground<'_>) -> Step {
        let name = index.name_for(&ground.table.name);
        let table = DIALECT.table(
            &ground.table.schema,
            &ground.table.name,
            &ground.catalog.default_schema,
        );
        let way = self.index_way(index);
        Step::new(
            self.create_index(ground.table, &ground.catalog.default_schema, index),
            Way::Online.alter(&table, &format!("DROP INDEX {}", ident(&name))),
        )
        .outside_transaction()
        .guard(index_exists(ground, &name))
        .timeouts(BRIEF)
        .lock(way.lock(), &ground.table.qualified())
        .blocks(false, way.blocks_writes())
        .scans()
        .note("it needs the table for itself for a moment at its end: a transaction that is open then makes it fail (1205) and the build is lost, so look with check_locks for long ones first. More writes during the build than innodb_online_alter_log_max_size holds make it fail too (1799)")
    }

    pub(super) fn add_index(&self, index: &NewIndex, ground: &Ground<'_>) -> Result<Migration> {
        let object = ground.table.qualified();
        if !index.predicate.is_empty() {
            return Err(Error::Unsupported {
                what: "an index with WHERE".to_owned(),
                why: "MySQL and MariaDB know no partial indexes".to_owned(),
                instead: "Let the filtered column lead a composite index [O6].".to_owned(),
            });
        }
        if self.flavor == Flavor::MariaDb && has_expression(index) {
            return Err(Error::Unsupported {
                what: "an index on an expression".to_owned(),
                why: "MariaDB has none".to_owned(),
                instead: "Add a VIRTUAL generated column with the expression (INSTANT), then an index on that column.".to_owned(),
            });
        }
        let way = self.index_way(index);
        let mut hazards = vec![if way.blocks_writes() {
            Finding::new("index-blocks-writes", if_large(ground, Severity::High), "this kind of index is built while every write waits")
                .object(&object)
                .evidence("rows", shown_rows(ground), "", Source::WhatIf)
                .remedy(if has_expression(index) {
                    "add a VIRTUAL generated column with the expression (INSTANT) and index that: writes go on"
                } else {
                    "plan a quiet time; the first FULLTEXT index of a table also rebuilds it"
                })
                .keeps(&["N7", "Q2"])
                .catalogued(&["MY015"])
        } else {
            Finding::new("index-without-concurrently", Severity::Low, "without ALGORITHM=INPLACE, LOCK=NONE the server may silently build it while writes wait")
                .object(&object)
                .evidence("rows", shown_rows(ground), "", Source::WhatIf)
                .remedy("state both: where the server cannot, it refuses")
                .keeps(&["N7", "Q2"])
                .catalogued(&["MY001"])
        }];
        if index.unique {
            hazards.push(
                Finding::new("unique-needs-no-duplicates", Severity::Medium, "duplicates make the build fail at its end (1062), also those that come and go while it runs")
                    .object(&object)
                    .remedy(format!(
                        "look first: SELECT COUNT(*) FROM (SELECT 1 FROM {object} GROUP BY {} HAVING COUNT(*) > 1) AS d",
                        index.columns.iter().map(|column| ident(column)).collect::<Vec<_>>().join(", ")
                    ))
                    .keeps(&["M2"])
                    .catalogued(&["MY016"]),
            );
        }
        Ok(Migration {
            title: format!("index {}", index.name_for(&ground.table.name)),
            phases: vec![Phase {
                name: "build the index".to_owned(),
                deploy: Deploy::BeforeCode,
                steps: vec![self.index_step(index, ground)],
            }],
            hazards,
            reversible: Reversible::Full,
            reversible_why: "an index holds no data of its own".to_owned(),
            questions: Vec::new(),
        })
    }
}

/// `UNIQUE INDEX name (keys)`. There is no INCLUDE here: columns that are carried along come last.
pub(super) fn clause(table: &Table, index: &NewIndex) -> String {
    let kind = match index.method.as_str() {
        "fulltext" => "FULLTEXT ",
        "spatial" => "SPATIAL ",
        _ if index.unique => "UNIQUE ",
        _ => "",
    };
    let mut keys: Vec<String> = index.keys.clone();
    keys.extend(index.include.iter().map(|column| ident(column)));
    if kind.is_empty() {
        for key in &mut keys {
            if let Some(prefixed) = prefixed(table, key) {
                *key = prefixed;
            }
        }
    }
    format!(
        "{kind}INDEX {} ({})",
        ident(&index.name_for(&table.name)),
        keys.join(", ")
    )
}

/// A text as long as one likes is indexed by its beginning only.
fn prefixed(table: &Table, key: &str) -> Option<String> {
    let (name, direction) = key
        .split_once(' ')
        .map_or((key, ""), |(name, direction)| (name, direction));
    let column = table.column(name.trim_matches('`'))?;
    let kind = column.data_type.to_lowercase();
    (kind.contains("text") || kind.contains("blob"))
        .then(|| format!("{name}(100) {direction}").trim_end().to_owned())
}

/// A key that is neither a column nor the beginning of one.
fn has_expression(index: &NewIndex) -> bool {
    index.keys.iter().any(|key| key.starts_with('('))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Column;

    #[test]
    fn long_texts_are_indexed_by_their_beginning() {
        let column = |name: &str, data_type: &str| Column {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            ..Column::default()
        };
        let table = Table {
            name: "t".to_owned(),
            columns: vec![column("a", "int"), column("note", "mediumtext")],
            ..Table::default()
        };
        let index = NewIndex {
            name: None,
            keys: vec!["note DESC".to_owned()],
            columns: vec!["note".to_owned()],
            unique: false,
            method: String::new(),
            include: vec!["a".to_owned()],
            predicate: String::new(),
            ..NewIndex::default()
        };
        assert_eq!(
            clause(&table, &index),
            "INDEX t_note_idx (note(100) DESC, a)"
        );
    }
}
