//! Foreign keys.

use std::fmt::Write as _;

use super::{
    BRIEF, DIALECT, Way, constraint_exists, ident, if_large, list, offending_question,
    offending_rows, orphans, shown_rows,
};
use crate::catalog::{ForeignKey, Table, TableKind};
use crate::engine::Ground;
use crate::engine::mysql::MySql;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::migration::change::{NewForeignKey, NewIndex};
use crate::migration::{Deploy, Migration, Phase, Reversible, Step};

impl MySql {
    pub(super) fn add_foreign_key(
        &self,
        table: &str,
        key: &NewForeignKey,
        ground: &Ground<'_>,
    ) -> Result<Migration> {
        let object = ground.table.qualified();
        let schema = key.table.schema.as_deref().unwrap_or(&ground.table.schema);
        // With the checks off the server would take a parent that is not there.
        let parent = ground
            .catalog
            .find(Some(schema), &key.table.name)
            .ok_or_else(|| Error::Missing {
                what: "table",
                name: format!("{schema}.{}", key.table.name),
                hint: String::new(),
            })?;
        if ground.table.kind == TableKind::Partitioned || parent.kind == TableKind::Partitioned {
            return Err(Error::Unsupported {
                what: "a foreign key on a partitioned table".to_owned(),
                why: "InnoDB allows none, in either direction".to_owned(),
                instead:
                    "Check the rule in the application, or keep one of the tables unpartitioned."
                        .to_owned(),
            });
        }
        let key = resolved(key, parent);
        let name = key.name_for(&ground.table.name);
        let constraint = ForeignKey {
            name: name.clone(),
            columns: key.columns.clone(),
            referenced_schema: parent.schema.clone(),
            referenced_table: parent.name.clone(),
            referenced_columns: key.referenced.clone(),
            on_delete: key.on_delete.clone(),
            on_update: key.on_update.clone(),
            validated: true,
        };
        let mut phases = Vec::new();
        if ground.table.index_on(&key.columns).is_none() {
            let index = NewIndex {
                name: None,
                keys: key.columns.iter().map(|column| ident(column)).collect(),
                columns: key.columns.clone(),
                unique: false,
                method: String::new(),
                include: Vec::new(),
                predicate: String::new(),
                ..NewIndex::default()
            };
            phases.push(Phase {
                name: "index the referencing columns [A2]".to_owned(),
                deploy: Deploy::BeforeCode,
                steps: vec![self.index_step(&index, ground)],
            });
        }
        let condition = orphans(&key, &ground.table.schema);
        phases.push(Phase {
            name: "the constraint, for new rows".to_owned(),
            deploy: Deploy::BeforeCode,
            steps: vec![
                Step::new(
                    add(table, &name, &clause(&constraint)),
                    Way::Online.alter(table, &format!("DROP FOREIGN KEY {}", ident(&name))),
                )
                .outside_transaction()
                .guard(constraint_exists(ground, &name))
                .timeouts(BRIEF)
                .lock("metadata lock EXCLUSIVE, brief", &format!("{object} and {}", parent.name))
                .note(format!(
                    "rows that are there are not looked at. Afterwards this must give 0; what it finds came in between and must be mended: SELECT COUNT(*) FROM {table} AS t WHERE {condition}. If the ALTER fails, end the session: its checks are still off"
                )),
            ],
        });
        let mut hazards = vec![
            Finding::new("foreign-key-validates-under-lock", if_large(ground, Severity::High), "ADD FOREIGN KEY copies the table and blocks writes to it while it checks every row")
                .object(&object)
                .evidence("rows", shown_rows(ground), "", Source::WhatIf)
                .remedy("count the orphans first, add it INPLACE with foreign_key_checks = 0, count again")
                .keeps(&["N7", "M4"])
                .catalogued(&["MY013"]),
        ];
        hazards.extend(not_unique(&key, parent, &object));
        hazards.extend(other_types(&key, ground.table, parent));
        hazards.extend(offending_rows(ground, "have no parent row: with the checks on the change fails, with them off they stay wrong", &["MY013"], &condition));
        Ok(Migration {
            title: format!("foreign key {name}"),
            phases,
            hazards,
            reversible: Reversible::Full,
            reversible_why: "dropping the constraint loses no data".to_owned(),
            questions: offending_question(
                ground,
                "have no parent: what should become of them (delete, set NULL, or add the parents)?",
            ),
        })
    }
}

/// Without the parent's columns its primary key is meant.
fn resolved(key: &NewForeignKey, parent: &Table) -> NewForeignKey {
    let mut key = key.clone();
    if key.referenced.is_empty() {
        key.referenced = parent
            .primary_key
            .as_ref()
            .map(|primary| primary.columns.clone())
            .unwrap_or_default();
    }
    key
}

/// `FOREIGN KEY (…) REFERENCES …`
pub(super) fn clause(key: &ForeignKey) -> String {
    let parent = DIALECT.table(&key.referenced_schema, &key.referenced_table, "");
    let mut clause = format!(
        "FOREIGN KEY ({}) REFERENCES {parent} ({})",
        list(&key.columns),
        list(&key.referenced_columns)
    );
    for (word, action) in [("ON DELETE", &key.on_delete), ("ON UPDATE", &key.on_update)] {
        // What holds when nothing is said.
        if !matches!(action.as_str(), "" | "NO ACTION") {
            let _ = write!(clause, " {word} {action}");
        }
    }
    clause
}

/// Only with the checks off can the constraint be added without a copy.
pub(super) fn add(table: &str, name: &str, clause: &str) -> String {
    let alter = Way::Online.alter(table, &format!("ADD CONSTRAINT {} {clause}", ident(name)));
    format!("SET SESSION foreign_key_checks = 0;\n{alter};\nSET SESSION foreign_key_checks = 1")
}

fn not_unique(key: &NewForeignKey, parent: &Table, object: &str) -> Option<Finding> {
    (!parent.is_unique(&key.referenced)).then(|| {
        Finding::new("foreign-key-parent-not-unique", Severity::High, format!("{} ({}) is not unique: a child row may have several parents, and newer servers refuse it (6125)", parent.qualified(), key.referenced.join(", ")))
            .object(object)
            .remedy("point at the primary key, or make these columns UNIQUE first")
            .keeps(&["M5"])
    })
}

/// Integers must be of the same size and sign; the server says so (3780) only at the end.
fn other_types(key: &NewForeignKey, table: &Table, parent: &Table) -> Vec<Finding> {
    let mut found = Vec::new();
    for (own, other) in key.columns.iter().zip(&key.referenced) {
        let (Some(left), Some(right)) = (table.column(own), parent.column(other)) else {
            continue;
        };
        let (left, right) = (plain_type(&left.data_type), plain_type(&right.data_type));
        if left != right && (left.contains("int") || right.contains("int")) {
            found.push(
                Finding::new("foreign-key-types-differ", Severity::Critical, format!("{own} is {left}, {}.{other} is {right}: the server refuses the key (3780, 150)", parent.name))
                    .object(table.qualified())
                    .remedy("give both the same type first")
                    .keeps(&["M5"]),
            );
        }
    }
    found
}

/// `int(10) unsigned` without its display width.
fn plain_type(data_type: &str) -> String {
    let lower = data_type.to_lowercase();
    match (lower.split_once('('), lower.split_once(')')) {
        (Some((name, _)), Some((_, rest))) if name.contains("int") => format!("{name}{rest}"),
        _ => lower,
    }
}
