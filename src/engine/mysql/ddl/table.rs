//! Tables: renamed away, then dropped.

use super::{BRIEF, DIALECT, literal, not, shown_rows};
use crate::engine::Ground;
use crate::finding::{Finding, Severity, Source};
use crate::migration::{Deploy, Migration, Phase, Reversible, Step};

/// Names are at most this long.
const LONGEST: usize = 64;
const DEPRECATED: &str = "_deprecated";

pub(super) fn drop_table(table: &str, ground: &Ground<'_>) -> Migration {
    let object = ground.table.qualified();
    let short: String = ground
        .table
        .name
        .chars()
        .take(LONGEST - DEPRECATED.len())
        .collect();
    let deprecated = format!("{short}{DEPRECATED}");
    let deprecated_table = DIALECT.table(
        &ground.table.schema,
        &deprecated,
        &ground.catalog.default_schema,
    );
    let exists = |name: &str| {
        format!(
            "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
            literal(&ground.table.schema),
            literal(name)
        )
    };
    let compound = ground
        .table
        .triggers
        .iter()
        .any(|trigger| trigger.definition.contains(';'));
    Migration {
        title: format!("drop {}", ground.table.name),
        phases: vec![
            Phase {
                name: "rename it away, so that a forgotten user shows itself while nothing is lost".to_owned(),
                deploy: Deploy::AfterCode,
                steps: vec![
                    Step::new(
                        format!("RENAME TABLE {table} TO {deprecated_table}"),
                        format!("RENAME TABLE {deprecated_table} TO {table}"),
                    )
                    .outside_transaction()
                    .guard(not(&exists(&ground.table.name)))
                    .timeouts(BRIEF)
                    .lock("metadata lock EXCLUSIVE, brief", &object),
                ],
            },
            Phase {
                name: "drop it, when nobody missed it and the backup was tested".to_owned(),
                deploy: Deploy::LaterRelease,
                steps: vec![
                    Step::new(
                        format!("DROP TABLE {deprecated_table}"),
                        format!(
                            "{};\nRENAME TABLE {table} TO {deprecated_table}",
                            ground.definition.trim_end().trim_end_matches(';'),
                        ),
                    )
                    .outside_transaction()
                    .guard(not(&exists(&deprecated)))
                    .timeouts(BRIEF)
                    .lock("metadata lock EXCLUSIVE, brief", &object)
                    .note(if compound {
                        "down makes the table again without its rows; they come from the backup. A trigger's body holds semicolons: in the mysql client set another DELIMITER around it"
                    } else {
                        "down makes the table again without its rows; they come from the backup"
                    }),
                ],
            },
        ],
        hazards: hazards(ground),
        reversible: Reversible::SchemaOnly,
        reversible_why: "the structure comes back, the rows only from the backup".to_owned(),
        questions: Vec::new(),
    }
}

fn hazards(ground: &Ground<'_>) -> Vec<Finding> {
    let object = ground.table.qualified();
    let referencing: Vec<String> = ground
        .catalog
        .tables
        .iter()
        .flat_map(|other| other.foreign_keys.iter().map(move |key| (other, key)))
        .filter(|(other, key)| {
            key.referenced_schema == ground.table.schema
                && key.referenced_table == ground.table.name
                && other.qualified() != object
        })
        .map(|(other, key)| format!("{} ({})", key.name, other.qualified()))
        .collect();
    let mut hazards = vec![
        Finding::new(
            "table-drop-loses-data",
            Severity::Critical,
            "DROP TABLE loses all its rows, and breaks code that still names it",
        )
        .object(&object)
        .evidence("rows", shown_rows(ground), "", Source::WhatIf)
        .remedy("rename it away first, wait a release, drop it then, with a tested backup")
        .keeps(&["N1", "A3"])
        .catalogued(&["MY022"]),
    ];
    if !referencing.is_empty() {
        hazards.push(
            Finding::new("table-is-referenced", Severity::Critical, format!("foreign keys point at it: {}", referencing.join(", ")))
                .object(&object)
                .remedy("drop these constraints first, each with its own migration; the rename takes them along, the drop is refused (3730, 1451)")
                .catalogued(&["MY022"]),
        );
    }
    hazards
}
