//! Columns: added, made NOT NULL, dropped.

use std::fmt::Write as _;

use super::{
    BRIEF, STRICT, UNDO_NOTHING, Way, column_exists, constraint_exists, ident, if_large,
    index_exists, not, offending_question, offending_rows, shown_rows,
};
use crate::answer::Question;
use crate::catalog::{Column, ForeignKey, Index};
use crate::engine::Ground;
use crate::engine::mysql::catalog::{index_definition, index_key};
use crate::engine::mysql::{Flavor, MySql};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::migration::change::{NewColumn, NewIndex};
use crate::migration::{Deploy, Migration, Phase, Reversible, Step};

impl MySql {
    pub(super) fn add_column(
        &self,
        table: &str,
        column: &NewColumn,
        ground: &Ground<'_>,
    ) -> Result<Migration> {
        let rest = column.rest.to_uppercase();
        let computed = rest.contains("GENERATED ALWAYS") || rest.starts_with("AS (");
        let expression = column
            .default
            .as_deref()
            .is_some_and(|value| !is_literal(value));
        let needs_backfill = !computed
            && !rest.contains("AUTO_INCREMENT")
            && (expression || !column.nullable && column.default.is_none());
        let way = self.way_to_add(&rest, ground);
        let add = clause(column, column.nullable || needs_backfill, !expression);
        let back = self.column_way(ground.table, true);
        let mut phases = vec![Phase {
            name: "add the column".to_owned(),
            deploy: Deploy::BeforeCode,
            steps: vec![
                way.step(
                    way.alter(table, &format!("ADD COLUMN {add}")),
                    back.alter(table, &format!("DROP COLUMN {}", ident(&column.name))),
                    ground,
                )
                .guard(column_exists(ground, &column.name, ""))
                .note(self.instant_note(way)),
            ],
        }];
        let mut questions = Vec::new();
        if needs_backfill {
            phases.extend(self.fill(table, column, expression, ground));
            if !expression {
                questions.push(Question {
                    id: "backfill".to_owned(),
                    question: format!(
                        "Which value should {}.{} have in the rows that are there?",
                        ground.table.name, column.name
                    ),
                    why: "It must be filled before NOT NULL can hold.".to_owned(),
                });
            }
        }
        let mut migration = Migration {
            title: format!("add {}.{}", ground.table.name, column.name),
            phases,
            hazards: self.hazards_of_adding(way, expression, needs_backfill, ground),
            reversible: Reversible::Full,
            reversible_why:
                "the column did not exist before; values written to it since are lost by down"
                    .to_owned(),
            questions,
        };
        // What a column's definition may say in passing is a change of its own.
        if column.unique {
            migration = migration.then(self.add_index(&unique_index(&column.name), ground)?);
        }
        if let Some(key) = &column.references {
            migration = migration.then(self.add_foreign_key(table, key, ground)?);
        }
        Ok(migration)
    }

    fn hazards_of_adding(
        &self,
        way: Way,
        expression: bool,
        needs_backfill: bool,
        ground: &Ground<'_>,
    ) -> Vec<Finding> {
        let object = ground.table.qualified();
        let mut hazards = Vec::new();
        if expression {
            hazards.push(
                Finding::new("default-rewrites-table", if_large(ground, Severity::High), "with an expression as default the server copies the table while writes wait, or refuses (1674)")
                    .object(&object)
                    .evidence("rows", shown_rows(ground), "", Source::WhatIf)
                    .remedy("add the column without it, set the default for new rows, backfill in batches")
                    .keeps(&["N7", "M4"])
                    .catalogued(&["MY008"]),
            );
        } else if needs_backfill {
            hazards.push(
                Finding::new(
                    "required-column-without-default",
                    if ground.facts.rows == Some(0) { Severity::Low } else { Severity::High },
                    "NOT NULL without a default silently writes '' or 0 into every row that is there",
                )
                .object(&object)
                .evidence("rows", shown_rows(ground), "", Source::WhatIf)
                .remedy("add it nullable, backfill with the true value, then MODIFY it to NOT NULL")
                .keeps(&["M2", "M4"])
                .catalogued(&["MY012"]),
            );
        }
        hazards.push(if way.blocks_writes() {
            Finding::new(
                "column-blocks-writes",
                if_large(ground, Severity::High),
                "the server can add this column only while writes wait",
            )
            .object(&object)
            .evidence("rows", shown_rows(ground), "", Source::WhatIf)
            .effect(self.instant_note(way))
            .keeps(&["N7", "M3"])
            .catalogued(&["MY006", "MY009", "MY010", "MY018"])
        } else {
            not_stated(ground)
        });
        hazards
    }

    /// The phases that give every row of a new column its value, and then require it.
    fn fill(
        &self,
        table: &str,
        column: &NewColumn,
        expression: bool,
        ground: &Ground<'_>,
    ) -> Vec<Phase> {
        let mut phases = Vec::new();
        if let Some(default) = column.default.as_ref().filter(|_| expression) {
            phases.push(set_default(
                table,
                &column.name,
                &parenthesised(default),
                ground,
            ));
        }
        phases.push(backfill(
            table,
            &ident(&column.name),
            column.default.as_deref(),
            ground,
        ));
        if !column.nullable {
            let own = |nullable| clause(column, nullable, true);
            let data_type = column.data_type.to_lowercase();
            phases.push(self.not_null(
                table,
                &column.name,
                &data_type,
                [&own(false), &own(true)],
                ground,
            ));
        }
        phases
    }

    fn way_to_add(&self, rest: &str, ground: &Ground<'_>) -> Way {
        let stored = rest.contains("STORED") || rest.contains("PERSISTENT");
        match self.flavor {
            _ if stored => Way::Copy,
            Flavor::MySql if rest.contains("CHECK") => Way::Copy,
            _ if rest.contains("AUTO_INCREMENT") => Way::Shared,
            _ => self.column_way(
                ground.table,
                rest.contains(" AFTER ") || rest.contains("FIRST"),
            ),
        }
    }

    /// The rows are full by now: the rebuild finds no NULL.
    fn not_null(
        &self,
        table: &str,
        column: &str,
        data_type: &str,
        [required, nullable]: [&str; 2],
        ground: &Ground<'_>,
    ) -> Phase {
        let back = self.rebuild_way(ground.table);
        let way = self.not_null_way(data_type, ground);
        Phase {
            name: "NOT NULL, once no row is without a value".to_owned(),
            deploy: Deploy::AfterCode,
            steps: vec![
                way.step(
                    way.alter(table, &format!("MODIFY COLUMN {required}")),
                    back.alter(table, &format!("MODIFY COLUMN {nullable}")),
                    ground,
                )
                .timeouts(STRICT)
                .guard(column_exists(ground, column, " AND IS_NULLABLE = 'NO'"))
                .note(format!(
                    "MODIFY restates the whole column: what it leaves out is lost. Strict mode makes a NULL that is left fail (1138, 1265) instead of becoming '' or 0. {}",
                    capital(&self.instant_note(way))
                )),
            ],
        }
    }

    /// `MariaDB` would have to put the time of the rebuild into a TIMESTAMP that is NULL, and so copies.
    fn not_null_way(&self, data_type: &str, ground: &Ground<'_>) -> Way {
        if self.flavor == Flavor::MariaDb && data_type.starts_with("timestamp") {
            Way::Copy
        } else {
            self.rebuild_way(ground.table)
        }
    }

    pub(super) fn set_not_null(
        &self,
        table: &str,
        column: &Column,
        ground: &Ground<'_>,
    ) -> Result<Migration> {
        let object = format!("{}.{}", ground.table.qualified(), column.name);
        if column.generated.is_some() {
            return Err(Error::Unsupported {
                what: "NOT NULL on a generated column".to_owned(),
                why: format!("{object} is computed, and the server copies the table or refuses"),
                instead: "Let its expression give no NULL, for example by COALESCE.".to_owned(),
            });
        }
        let name = ident(&column.name);
        let way = self.not_null_way(&column.data_type, ground);
        let mut hazards = vec![
            Finding::new("not-null-rewrites-table", if_large(ground, if way.blocks_writes() { Severity::High } else { Severity::Medium }), "MODIFY to NOT NULL rebuilds the table; without an algorithm stated, or without strict mode, by a copy while writes wait")
                .object(&object)
                .evidence("rows", shown_rows(ground), "", Source::WhatIf)
                .remedy(format!("backfill first, then MODIFY with {} in strict mode", way.clause()))
                .keeps(&["N7", "M4"])
                .catalogued(&["MY011"]),
        ];
        let kept = self.attributes(column, ground);
        if !kept.is_empty() {
            hazards.push(
                Finding::new(
                    "modify-drops-attributes",
                    Severity::High,
                    format!(
                        "a bare MODIFY … NOT NULL would take away {}",
                        kept.join(", ")
                    ),
                )
                .object(&object)
                .remedy("restate the whole column, as the step below does")
                .keeps(&["M5"])
                .catalogued(&["MY020"]),
            );
        }
        hazards.extend(offending_rows(
            ground,
            "are NULL: the change would fail, or without strict mode write '' or 0 over them",
            &["MY011"],
            &format!("t.{name} IS NULL"),
        ));
        let mut phases = Vec::new();
        if ground.facts.offending != Some(0) {
            phases.push(backfill(table, &name, None, ground));
        }
        let whole = |nullable| self.column_definition(column, ground.table, nullable);
        phases.push(self.not_null(
            table,
            &column.name,
            &column.data_type,
            [&whole(false), &whole(true)],
            ground,
        ));
        Ok(Migration {
            title: format!("{}.{} not null", ground.table.name, column.name),
            phases,
            hazards,
            reversible: Reversible::Full,
            reversible_why: "down takes the rule back; values that were filled in stay".to_owned(),
            questions: offending_question(
                ground,
                &format!("have no {}: which value should they get?", column.name),
            ),
        })
    }

    /// What a MODIFY that only names the type would lose.
    fn attributes(&self, column: &Column, ground: &Ground<'_>) -> Vec<String> {
        let mut kept = Vec::new();
        if let Some(default) = &column.default {
            kept.push(format!("DEFAULT {default}"));
        }
        if column.identity.is_some() {
            kept.push("AUTO_INCREMENT".to_owned());
        }
        if !column.extra.is_empty() {
            kept.push(column.extra.clone());
        }
        if !column.collation.is_empty() {
            kept.push(format!("COLLATE {}", column.collation));
        }
        if !column.comment.is_empty() {
            kept.push("its comment".to_owned());
        }
        if self.own_check(column, ground.table).is_some() {
            kept.push("its CHECK".to_owned());
        }
        kept
    }

    pub(super) fn drop_column(
        &self,
        table: &str,
        column: &Column,
        ground: &Ground<'_>,
    ) -> Result<Migration> {
        let object = format!("{}.{}", ground.table.qualified(), column.name);
        if ground
            .table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns.contains(&column.name))
        {
            return Err(Error::Unsupported {
                what: "dropping a column of the primary key".to_owned(),
                why: format!("{object} is in the key by which the table is stored"),
                instead: "Give the table another primary key first; both in one ALTER TABLE, in a quiet time.".to_owned(),
            });
        }
        let uses = Uses::of(column, ground);
        let mut hazards = vec![
            Finding::new(
                "column-drop-loses-data",
                Severity::Critical,
                "DROP COLUMN loses its data, and breaks code that still names it",
            )
            .object(&object)
            .remedy("stop using it in one release, drop it in a later one")
            .keeps(&["C5", "A3"])
            .catalogued(&["MY023"]),
        ];
        hazards.extend(uses.hazards(&object));
        let (deprecate, left) = self.stop_requiring(table, column, ground);
        let way = self.column_way(ground.table, true);
        let mut steps = self.free(table, column, &uses, ground);
        steps.push(
            way.step(
                way.alter(table, &format!("DROP COLUMN {}", ident(&column.name))),
                way.alter(
                    table,
                    &format!("ADD COLUMN {left}{}", place(column, ground)),
                ),
                ground,
            )
            .guard(not(&column_exists(ground, &column.name, "")))
            .note(format!(
                "down brings the column back empty; its data comes from the backup. {}",
                capital(&self.instant_note(way))
            )),
        );
        Ok(Migration {
            title: format!("drop {}.{}", ground.table.name, column.name),
            phases: vec![
                Phase {
                    name: "deprecate: the code stops reading and writing the column".to_owned(),
                    deploy: Deploy::WithCode,
                    steps: deprecate,
                },
                Phase {
                    name: "drop it, when nothing has used it for a release".to_owned(),
                    deploy: Deploy::LaterRelease,
                    steps,
                },
            ],
            hazards,
            reversible: Reversible::SchemaOnly,
            reversible_why: "the structure comes back, the data only from the backup".to_owned(),
            questions: Vec::new(),
        })
    }

    /// Steps so that code which no longer sends the column can insert, and the column as it is after them.
    fn stop_requiring(
        &self,
        table: &str,
        column: &Column,
        ground: &Ground<'_>,
    ) -> (Vec<Step>, String) {
        let whole = |nullable| self.column_definition(column, ground.table, nullable);
        if column.nullable
            || column.default.is_some()
            || column.identity.is_some()
            || column.generated.is_some()
        {
            return (Vec::new(), whole(column.nullable));
        }
        let note = "so that code which no longer sends it can insert";
        if let Some(neutral) = neutral_value(&column.data_type) {
            let name = ident(&column.name);
            let step = Way::Instant
                .step(
                    Way::Instant
                        .alter(table, &format!("ALTER COLUMN {name} SET DEFAULT {neutral}")),
                    Way::Instant.alter(table, &format!("ALTER COLUMN {name} DROP DEFAULT")),
                    ground,
                )
                .guard(column_exists(ground, &column.name, HAS_DEFAULT))
                .note(note);
            let with_default = Column {
                default: Some(neutral.to_owned()),
                ..column.clone()
            };
            return (
                vec![step],
                self.column_definition(&with_default, ground.table, false),
            );
        }
        let way = self.rebuild_way(ground.table);
        let step = way
            .step(
                way.alter(table, &format!("MODIFY COLUMN {}", whole(true))),
                way.alter(table, &format!("MODIFY COLUMN {}", whole(false))),
                ground,
            )
            .timeouts(STRICT)
            .guard(column_exists(
                ground,
                &column.name,
                " AND IS_NULLABLE = 'YES'",
            ))
            .note(note);
        (vec![step], whole(true))
    }

    /// Steps that take away what stands in the way, each with its way back.
    fn free(
        &self,
        table: &str,
        column: &Column,
        uses: &Uses<'_>,
        ground: &Ground<'_>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        for key in &uses.keys {
            // RESTRICT is what holds when nothing is said: so it comes back as it was written.
            let unsaid = |action: &String| {
                if action == "RESTRICT" {
                    String::new()
                } else {
                    action.clone()
                }
            };
            let plain = ForeignKey {
                on_delete: unsaid(&key.on_delete),
                on_update: unsaid(&key.on_update),
                ..(*key).clone()
            };
            let add = super::key::add(table, &key.name, &super::key::clause(&plain));
            steps.push(
                Way::Online
                    .step(
                        Way::Online.alter(table, &format!("DROP FOREIGN KEY {}", ident(&key.name))),
                        add,
                        ground,
                    )
                    .guard(not(&constraint_exists(ground, &key.name))),
            );
        }
        for check in &uses.checks {
            if self
                .own_check(column, ground.table)
                .is_some_and(|own| own.name == check.name)
            {
                continue;
            }
            steps.push(
                Way::Instant
                    .step(
                        Way::Instant
                            .alter(table, &format!("DROP CONSTRAINT {}", ident(&check.name))),
                        Way::Copy.alter(
                            table,
                            &format!(
                                "ADD CONSTRAINT {} CHECK ({})",
                                ident(&check.name),
                                check.expression
                            ),
                        ),
                        ground,
                    )
                    .guard(not(&constraint_exists(ground, &check.name))),
            );
        }
        for index in &uses.indexes {
            let kind = match index.method.as_str() {
                "fulltext" => "FULLTEXT ",
                "spatial" | "rtree" => "SPATIAL ",
                _ if index.unique => "UNIQUE ",
                _ => "",
            };
            let keys: Vec<String> = index.columns.iter().map(index_key).collect();
            let back = format!(
                "ADD {kind}INDEX {} ({})",
                ident(&index.name),
                keys.join(", ")
            );
            let shared = matches!(kind, "FULLTEXT " | "SPATIAL ")
                || index.columns.iter().any(|key| key.expression);
            let mut step = Step::new(
                Way::Online.alter(table, &format!("DROP INDEX {}", ident(&index.name))),
                if shared { Way::Shared } else { Way::Online }.alter(table, &back),
            )
            .outside_transaction()
            .timeouts(BRIEF)
            .lock(Way::Instant.lock(), &ground.table.qualified())
            .guard(not(&index_exists(ground, &index.name)));
            if index.columns.len() > 1 {
                step = step.note(format!("its other columns lose their index: {}. Build one without {} before, if queries need it", index_definition(table, index), column.name));
            }
            steps.push(step);
        }
        steps
    }
}

const HAS_DEFAULT: &str = " AND COALESCE(COLUMN_DEFAULT, 'NULL') <> 'NULL'";

/// What names the column.
struct Uses<'a> {
    indexes: Vec<&'a Index>,
    keys: Vec<&'a ForeignKey>,
    checks: Vec<&'a crate::catalog::Check>,
    /// Columns that are computed from it.
    computed: Vec<&'a str>,
    /// Foreign keys of other tables that point at it.
    referencing: Vec<String>,
}

impl<'a> Uses<'a> {
    fn of(column: &Column, ground: &Ground<'a>) -> Self {
        let table = ground.table;
        let quoted = format!("`{}`", column.name);
        let points_here = |key: &&ForeignKey| {
            key.referenced_schema == table.schema
                && key.referenced_table == table.name
                && key.referenced_columns.contains(&column.name)
        };
        Self {
            indexes: table
                .indexes
                .iter()
                .filter(|index| {
                    index.columns.iter().any(|key| {
                        if key.expression {
                            key.name.contains(&quoted)
                        } else {
                            key.name == column.name
                        }
                    })
                })
                .collect(),
            keys: table
                .foreign_keys
                .iter()
                .filter(|key| key.columns.contains(&column.name))
                .collect(),
            checks: table
                .checks
                .iter()
                .filter(|check| check.expression.contains(&quoted))
                .collect(),
            computed: table
                .columns
                .iter()
                .filter(|other| {
                    other
                        .generated
                        .as_ref()
                        .is_some_and(|generated| generated.expression.contains(&quoted))
                })
                .map(|other| other.name.as_str())
                .collect(),
            referencing: ground
                .catalog
                .tables
                .iter()
                .flat_map(|other| {
                    other
                        .foreign_keys
                        .iter()
                        .filter(points_here)
                        .map(|key| format!("{} ({})", key.name, other.qualified()))
                })
                .collect(),
        }
    }

    fn hazards(&self, object: &str) -> Vec<Finding> {
        let mut hazards = Vec::new();
        let mut lost: Vec<String> = self
            .indexes
            .iter()
            .map(|index| format!("index {}", index.name))
            .collect();
        lost.extend(
            self.keys
                .iter()
                .map(|key| format!("foreign key {}", key.name)),
        );
        lost.extend(
            self.checks
                .iter()
                .map(|check| format!("check {}", check.name)),
        );
        if !lost.is_empty() {
            hazards.push(
                Finding::new("column-drop-takes-along", Severity::High, format!("it takes along, or is refused for, {}", lost.join(", ")))
                    .object(object)
                    .remedy("the steps drop them one by one first; build what must stay without the column before")
                    .catalogued(&["MY023", "MY024"]),
            );
        }
        let mut refused: Vec<String> = self
            .computed
            .iter()
            .map(|name| format!("generated column {name}"))
            .collect();
        refused.extend(
            self.referencing
                .iter()
                .map(|key| format!("foreign key {key}")),
        );
        if !refused.is_empty() {
            hazards.push(
                Finding::new(
                    "column-is-used",
                    Severity::Critical,
                    format!(
                        "the server refuses to drop it: {} depends on it",
                        refused.join(", ")
                    ),
                )
                .object(object)
                .remedy("drop these first, each with its own migration")
                .catalogued(&["MY023"]),
            );
        }
        hazards
    }
}

/// Where the column stood, for its way back.
fn place(column: &Column, ground: &Ground<'_>) -> String {
    let columns = &ground.table.columns;
    let at = columns
        .iter()
        .position(|other| other.name == column.name)
        .unwrap_or(columns.len());
    match at.checked_sub(1).and_then(|before| columns.get(before)) {
        _ if at + 1 >= columns.len() => String::new(),
        None => " FIRST".to_owned(),
        Some(before) => format!(" AFTER {}", ident(&before.name)),
    }
}

fn not_stated(ground: &Ground<'_>) -> Finding {
    Finding::new("algorithm-not-stated", Severity::Low, "without ALGORITHM and LOCK the server silently falls back to a way that copies the table while writes wait")
        .object(ground.table.qualified())
        .remedy("state them: where the server cannot, it refuses, and nothing has happened")
        .keeps(&["N7"])
        .catalogued(&["MY001", "MY006"])
}

fn clause(column: &NewColumn, nullable: bool, with_default: bool) -> String {
    let mut clause = format!("{} {}", ident(&column.name), column.data_type);
    if with_default && let Some(default) = &column.default {
        let value = if is_literal(default) {
            default.clone()
        } else {
            parenthesised(default)
        };
        let _ = write!(clause, " DEFAULT {value}");
    }
    if !nullable {
        clause.push_str(" NOT NULL");
    }
    if !column.rest.is_empty() {
        clause.push(' ');
        clause.push_str(&column.rest);
    }
    clause
}

/// A value that the server stores with the table; anything else it computes for each row.
fn is_literal(default: &str) -> bool {
    let upper = default.trim().to_uppercase();
    let bare = upper.trim_start_matches(['-', '+']);
    bare.starts_with(|c: char| c.is_ascii_digit() || c == '\'' || c == '"')
        || ["NULL", "TRUE", "FALSE"].contains(&bare)
        || [
            "B'",
            "X'",
            "N'",
            "_UTF8",
            "CURRENT_TIMESTAMP",
            "NOW(",
            "LOCALTIME",
        ]
        .iter()
        .any(|start| bare.starts_with(start))
}

fn parenthesised(expression: &str) -> String {
    let bare = expression.trim();
    if bare.starts_with('(') && bare.ends_with(')') {
        bare.to_owned()
    } else {
        format!("({bare})")
    }
}

/// A value for code that no longer sends one.
fn neutral_value(data_type: &str) -> Option<&'static str> {
    let kind = data_type.split(['(', ' ']).next().unwrap_or_default();
    match kind {
        "bigint" | "decimal" | "double" | "float" | "int" | "mediumint" | "smallint"
        | "tinyint" => Some("0"),
        "binary" | "char" | "varbinary" | "varchar" => Some("''"),
        _ => None,
    }
}

fn unique_index(column: &str) -> NewIndex {
    NewIndex {
        name: None,
        keys: vec![ident(column)],
        columns: vec![column.to_owned()],
        unique: true,
        method: String::new(),
        include: Vec::new(),
        predicate: String::new(),
        ..NewIndex::default()
    }
}

fn set_default(table: &str, column: &str, value: &str, ground: &Ground<'_>) -> Phase {
    let name = ident(column);
    Phase {
        name: "new rows get the default".to_owned(),
        deploy: Deploy::BeforeCode,
        steps: vec![
            Way::Instant
                .step(
                    Way::Instant.alter(table, &format!("ALTER COLUMN {name} SET DEFAULT {value}")),
                    Way::Instant.alter(table, &format!("ALTER COLUMN {name} DROP DEFAULT")),
                    ground,
                )
                .guard(column_exists(ground, column, HAS_DEFAULT)),
        ],
    }
}

fn backfill(table: &str, column: &str, value: Option<&str>, ground: &Ground<'_>) -> Phase {
    let value = value.unwrap_or("<value>");
    let order = ground
        .table
        .primary_key
        .as_ref()
        .map(|key| format!("\nORDER BY {}", super::list(&key.columns)))
        .unwrap_or_default();
    Phase {
        name: "fill the rows that are there, in batches".to_owned(),
        deploy: Deploy::WithCode,
        steps: vec![
            Step::new(format!("UPDATE {table} SET {column} = {value}\nWHERE {column} IS NULL{order}\nLIMIT 1000"), UNDO_NOTHING)
                .guard(not(&format!("SELECT 1 FROM {table} WHERE {column} IS NULL")))
                .lock("row locks on up to 1,000 rows", &ground.table.qualified())
                .note("repeat, each run in a transaction of its own, until it changes 0 rows; on a very large table step through ranges of the primary key instead, so that no run reads again what is done"),
        ],
    }
}

/// The first letter of a sentence.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_that_is_computed_is_told_from_a_literal() {
        for literal in [
            "5",
            "-1.5",
            "'x'",
            "NULL",
            "TRUE",
            "CURRENT_TIMESTAMP",
            "now()",
            "b'1'",
        ] {
            assert!(is_literal(literal), "{literal}");
        }
        for expression in ["(7)", "uuid()", "(uuid())", "rand()", "CONCAT('a', 'b')"] {
            assert!(!is_literal(expression), "{expression}");
        }
        assert_eq!(parenthesised("uuid()"), "(uuid())");
    }
}
