//! How changes are carried out with the least harm. <https://www.postgresql.org/docs/current/sql-altertable.html>

use super::Postgres;
use crate::answer::Question;
use crate::catalog::{Column, ForeignKey, Identity, Table};
use crate::engine::Ground;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::migration::change::{Change, NewColumn, NewForeignKey, NewIndex};
use crate::migration::{Deploy, Item, Migration, Phase, Reversible, Step, has_word};
use crate::statement::Dialect;

const DIALECT: Dialect = Dialect::Postgres;
/// A strong lock that is not had at once is given up, so that nobody queues behind the wait for it.
const BRIEF: &str =
    "SET lock_timeout = '2s'; -- on failure: wait a moment and try again, up to 10 times";
/// Waiting is the point: a timeout would leave an invalid index or a failed validation behind.
const PATIENT: &str = "SET lock_timeout = 0; SET statement_timeout = 0;";

fn ident(name: &str) -> String {
    DIALECT.identifier(name)
}

fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| ident(name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The condition that finds rows, called `t`, which break the new rule.
pub(super) fn offending(change: &Change, table: &Table) -> Option<String> {
    match change {
        Change::SetNotNull { column } => {
            Some(format!("t.{} IS NULL", ident(&table.column(column)?.name)))
        }
        Change::AddForeignKey(key) => Some(orphans(key)),
        _ => None,
    }
}

fn orphans(key: &NewForeignKey) -> String {
    let parent = DIALECT.table(
        key.table.schema.as_deref().unwrap_or(""),
        &key.table.name,
        "",
    );
    let present: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("t.{} IS NOT NULL", ident(column)))
        .collect();
    let referenced = if key.referenced.is_empty() {
        &key.columns
    } else {
        &key.referenced
    };
    let matches: Vec<String> = key
        .columns
        .iter()
        .zip(referenced)
        .map(|(own, other)| format!("p.{} = t.{}", ident(other), ident(own)))
        .collect();
    format!(
        "{} AND NOT EXISTS (SELECT FROM {parent} AS p WHERE {})",
        present.join(" AND "),
        matches.join(" AND ")
    )
}

impl Postgres {
    pub(in crate::engine) fn migrate(
        &self,
        change: &Change,
        ground: &Ground<'_>,
    ) -> Result<Migration> {
        let table = DIALECT.table(
            &ground.table.schema,
            &ground.table.name,
            &ground.catalog.default_schema,
        );
        Ok(match change {
            Change::AddColumn(column) => {
                refuse_rewrite(column)?;
                self.add_column(&table, column, ground)
            }
            Change::AddIndex(index) => self.add_index(index, ground),
            Change::SetNotNull { column } => {
                let column = ground
                    .table
                    .column(column)
                    .ok_or_else(|| missing_column(column, ground.table))?;
                set_not_null(&table, column, ground)
            }
            Change::AddForeignKey(key) => self.add_foreign_key(&table, key, ground),
            Change::DropColumn { column } => {
                let column = ground
                    .table
                    .column(column)
                    .ok_or_else(|| missing_column(column, ground.table))?;
                drop_column(&table, column, ground)
            }
            Change::DropTable => drop_table(&table, ground),
        })
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn indexes_concurrently(&self, migration: &Migration) -> Item {
        let builds: Vec<&Step> = migration
            .steps()
            .filter(|step| step.up.contains("INDEX"))
            .collect();
        match builds.iter().find(|step| step.blocks.writes) {
            _ if builds.is_empty() => Item::new(true, "no index is built"),
            Some(step) => Item::new(
                false,
                format!("{} cannot be built concurrently", step.lock.object),
            ),
            None => Item::new(true, "every index is built CONCURRENTLY"),
        }
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn drop_index(
        &self,
        table: &Table,
        default_schema: &str,
        index: &str,
    ) -> String {
        let concurrently = if table.children.is_empty() {
            "CONCURRENTLY "
        } else {
            ""
        };
        format!(
            "DROP INDEX {concurrently}{}",
            DIALECT.table(&table.schema, index, default_schema)
        )
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn create_index(
        &self,
        table: &Table,
        default_schema: &str,
        index: &NewIndex,
    ) -> String {
        let using = match index.method.as_str() {
            "" | "btree" => String::new(),
            method => format!(" USING {method}"),
        };
        let include = if index.include.is_empty() {
            String::new()
        } else {
            format!(" INCLUDE ({})", list(&index.include))
        };
        let predicate = if index.predicate.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", index.predicate)
        };
        let concurrently = if table.children.is_empty() {
            "CONCURRENTLY "
        } else {
            ""
        };
        format!(
            "CREATE {}INDEX {concurrently}{} ON {}{using} ({}){include}{predicate}",
            if index.unique { "UNIQUE " } else { "" },
            ident(&index.name_for(&table.name)),
            DIALECT.table(&table.schema, &table.name, default_schema),
            index.keys.join(", "),
        )
    }

    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn definition(&mut self, table: &Table) -> Result<String> {
        Ok(create_table(table))
    }

    /// The column; what it refers to and its uniqueness as phases of their own.
    fn add_column(&self, table: &str, column: &NewColumn, ground: &Ground<'_>) -> Migration {
        let mut migration = add_column(table, column, ground);
        let title = migration.title.clone();
        if column.unique {
            let index = NewIndex {
                name: None,
                keys: vec![ident(&column.name)],
                columns: vec![column.name.clone()],
                unique: true,
                method: String::new(),
                include: Vec::new(),
                predicate: String::new(),
                constraint: true,
                ..NewIndex::default()
            };
            migration = migration.then(self.add_index(&index, ground));
        }
        if let Some(key) = &column.references {
            migration = migration.then(self.add_foreign_key(table, key, ground));
        }
        migration.title = title;
        migration
    }

    /// The index, and the constraint on top of it where one was asked for.
    fn index_steps(&self, index: &NewIndex, ground: &Ground<'_>) -> Vec<Step> {
        let mut steps = vec![self.index_step(index, ground)];
        if index.constraint && ground.table.children.is_empty() {
            let table = DIALECT.table(
                &ground.table.schema,
                &ground.table.name,
                &ground.catalog.default_schema,
            );
            let name = index.name_for(&ground.table.name);
            steps.push(
                Step::new(
                    format!(
                        "ALTER TABLE {table} ADD CONSTRAINT {0} UNIQUE USING INDEX {0}",
                        ident(&name)
                    ),
                    format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {}", ident(&name)),
                )
                .guard(format!(
                    "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass({}) AND conname = {}",
                    literal(&DIALECT.table(&ground.table.schema, &ground.table.name, "")),
                    literal(&name)
                ))
                .timeouts(BRIEF)
                .lock("ACCESS EXCLUSIVE", &ground.table.qualified())
                .note("takes the index over; its rows are not read again. Down drops the index with it"),
            );
        }
        steps
    }

    fn index_step(&self, index: &NewIndex, ground: &Ground<'_>) -> Step {
        let name = index.name_for(&ground.table.name);
        let qualified = DIALECT.table(&ground.table.schema, &name, &ground.catalog.default_schema);
        let guard = format!(
            "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass({}) AND indisvalid",
            literal(&DIALECT.table(&ground.table.schema, &name, ""))
        );
        let create = self.create_index(ground.table, &ground.catalog.default_schema, index);
        if !ground.table.children.is_empty() {
            return Step::new(create, format!("DROP INDEX IF EXISTS {qualified}"))
                .guard(guard)
                .timeouts(BRIEF)
                .lock("SHARE", &ground.table.qualified())
                .blocks(false, true)
                .scans()
                .note("the table has partitions, so CONCURRENTLY is refused. For large ones: CREATE INDEX ON ONLY the parent, CREATE INDEX CONCURRENTLY on each partition, ALTER INDEX … ATTACH PARTITION.");
        }
        Step::new(create, format!("DROP INDEX CONCURRENTLY IF EXISTS {qualified}"))
            .outside_transaction()
            .guard(guard)
            .timeouts(PATIENT)
            .lock("SHARE UPDATE EXCLUSIVE", &ground.table.qualified())
            .scans()
            .note(format!(
                "waits for older transactions. If it fails it leaves an INVALID index: DROP INDEX CONCURRENTLY IF EXISTS {qualified}, then again."
            ))
    }

    fn add_index(&self, index: &NewIndex, ground: &Ground<'_>) -> Migration {
        let object = ground.table.qualified();
        let mut hazards = Vec::new();
        if !index.concurrently {
            hazards.push(
                Finding::new(
                    "index-without-concurrently",
                    if ground.facts.large() {
                        Severity::High
                    } else {
                        Severity::Low
                    },
                    "CREATE INDEX holds SHARE on the table while it builds: every write waits",
                )
                .object(&object)
                .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
                .remedy("build it CONCURRENTLY, outside a transaction, and check indisvalid")
                .keeps(&["N7", "Q2"])
                .catalogued(&["PG001"]),
            );
        }
        if index.unique {
            hazards.push(
                Finding::new("unique-needs-no-duplicates", Severity::Medium, "duplicates make the build fail at its end")
                    .object(&object)
                    .remedy(format!(
                        "look first: SELECT count(*) FROM (SELECT 1 FROM {object} GROUP BY {} HAVING count(*) > 1) AS d",
                        index.keys.join(", ")
                    ))
                    .keeps(&["M2"])
                    .catalogued(&["PG006"]),
            );
        }
        Migration {
            title: format!("index {}", index.name_for(&ground.table.name)),
            phases: vec![Phase {
                name: "build the index".to_owned(),
                deploy: Deploy::BeforeCode,
                steps: self.index_steps(index, ground),
            }],
            hazards,
            reversible: Reversible::Full,
            reversible_why: "an index holds no data of its own".to_owned(),
            questions: Vec::new(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one plan, read from top to bottom")]
    fn add_foreign_key(&self, table: &str, key: &NewForeignKey, ground: &Ground<'_>) -> Migration {
        let object = ground.table.qualified();
        let name = key.name_for(&ground.table.name);
        let parent = DIALECT.table(
            key.table.schema.as_deref().unwrap_or(""),
            &key.table.name,
            "",
        );
        let mut clause = format!("FOREIGN KEY ({}) REFERENCES {parent}", list(&key.columns));
        if !key.referenced.is_empty() {
            clause.push_str(&format!(" ({})", list(&key.referenced)));
        }
        for (word, action) in [("ON DELETE", &key.on_delete), ("ON UPDATE", &key.on_update)] {
            if !action.is_empty() {
                clause.push_str(&format!(" {word} {action}"));
            }
        }
        let exists = format!(
            "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass({}) AND conname = {}",
            literal(&DIALECT.table(&ground.table.schema, &ground.table.name, "")),
            literal(&name)
        );
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
        let add = format!(
            "ALTER TABLE {table} ADD CONSTRAINT {} {clause}",
            ident(&name)
        );
        let drop = format!(
            "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {}",
            ident(&name)
        );
        let both = format!("{object} and {}", key.table.name);
        // NOT VALID on a partitioned table came with version 18.
        if ground.table.children.is_empty() || self.version.at_least(18, 0) {
            phases.push(Phase {
                name: "the constraint, for new rows".to_owned(),
                deploy: Deploy::BeforeCode,
                steps: vec![
                    Step::new(format!("{add} NOT VALID"), drop)
                        .guard(exists.clone())
                        .timeouts(BRIEF)
                        .lock("SHARE ROW EXCLUSIVE", &both)
                        .note("not valid yet: rows that are there are not looked at, so the lock is brief"),
                ],
            });
            phases.push(Phase {
                name: "the constraint, for the rows that are there".to_owned(),
                deploy: Deploy::AfterCode,
                steps: vec![
                    Step::new(
                        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", ident(&name)),
                        "",
                    )
                    .guard(format!("{exists} AND convalidated"))
                    .timeouts(PATIENT)
                    .lock("SHARE UPDATE EXCLUSIVE", &object)
                    .scans(),
                ],
            });
        } else {
            phases.push(Phase {
                name: "the constraint; a partitioned table cannot take it NOT VALID before PostgreSQL 18".to_owned(),
                deploy: Deploy::BeforeCode,
                steps: vec![
                    Step::new(add, drop)
                        .guard(exists)
                        .timeouts(BRIEF)
                        .lock("SHARE ROW EXCLUSIVE", &both)
                        .blocks(false, true)
                        .scans()
                        .note("reads every partition under the lock: a quiet time, or one foreign key on each partition (NOT VALID, then VALIDATE)"),
                ],
            });
        }
        let mut hazards = vec![
            Finding::new(
                "foreign-key-validates-under-lock",
                if ground.facts.large() {
                    Severity::High
                } else {
                    Severity::Low
                },
                "ADD FOREIGN KEY blocks writes on both tables while it checks every row",
            )
            .object(&object)
            .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
            .remedy("NOT VALID first, VALIDATE CONSTRAINT in a transaction of its own")
            .keeps(&["N7", "M4"])
            .catalogued(&["PG010"]),
        ];
        hazards.extend(offending_rows(
            ground,
            "have no parent row",
            "PG010",
            &orphans(key),
        ));
        Migration {
            title: format!("foreign key {name}"),
            phases,
            hazards,
            reversible: Reversible::Full,
            reversible_why: "dropping the constraint loses no data".to_owned(),
            questions: orphan_question(
                ground,
                "have no parent: what should become of them (delete, set NULL, or add the parents)?",
            ),
        }
    }
}

/// Kinds of columns that fill themselves: adding one rewrites the table under ACCESS EXCLUSIVE, and the
/// way round it is one that this planner does not write.
fn refuse_rewrite(column: &NewColumn) -> Result<()> {
    let kind = column.data_type.to_lowercase();
    let rest = column.rest.to_uppercase();
    let what = if kind.contains("serial") || rest.contains("IDENTITY") {
        "a self-numbering column"
    } else if rest.contains("STORED") {
        "a stored generated column"
    } else if rest.contains("PRIMARY KEY") {
        "a primary key column"
    } else {
        return Ok(());
    };
    Err(Error::Unsupported {
        what: format!("adding {what} to a table with rows"),
        why: "it rewrites the whole table under ACCESS EXCLUSIVE: reads and writes stop (PG023, PG024)".to_owned(),
        instead: "Ask for the plain column first (ADD COLUMN name type), fill it in batches, then set its default, sequence or key; on PostgreSQL 18 a VIRTUAL generated column rewrites nothing.".to_owned(),
    })
}

fn missing_column(name: &str, table: &Table) -> Error {
    let nearest = crate::catalog::nearest(
        name,
        table.columns.iter().map(|column| column.name.as_str()),
    );
    Error::Missing {
        what: "column",
        name: format!("{}.{name}", table.qualified()),
        hint: nearest.map_or_else(String::new, |near| format!(" Did you mean {near}?")),
    }
}

fn offending_rows(
    ground: &Ground<'_>,
    what: &str,
    row: &'static str,
    condition: &str,
) -> Option<Finding> {
    let rows = ground.facts.offending.filter(|rows| *rows > 0)?;
    let catalogue: &'static [&'static str] = if row == "PG031" {
        &["PG031"]
    } else {
        &["PG010"]
    };
    Some(
        Finding::new(
            "rows-break-the-rule",
            Severity::Critical,
            format!(
                "{} rows {what}: the change would fail at its end",
                crate::answer::count(rows)
            ),
        )
        .object(ground.table.qualified())
        .evidence("rows", rows, "", Source::Measured)
        .remedy(format!(
            "find them: SELECT count(*) FROM {} AS t WHERE {condition}",
            ground.table.qualified()
        ))
        .keeps(&["M2", "M5"])
        .catalogued(catalogue),
    )
}

fn orphan_question(ground: &Ground<'_>, what: &str) -> Vec<Question> {
    ground
        .facts
        .offending
        .filter(|rows| *rows > 0)
        .map(|rows| Question {
            id: "backfill".to_owned(),
            question: format!("{} rows {what}", crate::answer::count(rows)),
            why: "The constraint cannot hold before they are mended.".to_owned(),
        })
        .into_iter()
        .collect()
}

fn column_clause(column: &NewColumn, nullable: bool, with_default: bool) -> String {
    let mut clause = format!("{} {}", ident(&column.name), column.data_type);
    if with_default && let Some(default) = &column.default {
        clause.push_str(&format!(" DEFAULT {default}"));
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

fn column_exists(ground: &Ground<'_>, column: &str, also: &str) -> String {
    format!(
        "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass({}) AND attname = {} AND NOT attisdropped{also}",
        literal(&DIALECT.table(&ground.table.schema, &ground.table.name, "")),
        literal(column)
    )
}

fn add_column(table: &str, column: &NewColumn, ground: &Ground<'_>) -> Migration {
    let object = ground.table.qualified();
    let name = ident(&column.name);
    let volatile = column.default_is_volatile();
    let needs_backfill = volatile || (!column.nullable && column.default.is_none());
    let mut hazards = Vec::new();
    if volatile {
        hazards.push(
            Finding::new(
                "default-rewrites-table",
                if ground.facts.large() { Severity::High } else { Severity::Low },
                "a default that differs from row to row rewrites the whole table under ACCESS EXCLUSIVE",
            )
            .object(&object)
            .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
            .remedy("add the column without it, set the default for new rows, backfill in batches")
            .keeps(&["N7", "M4"])
            .catalogued(&["PG020"]),
        );
    } else if needs_backfill {
        hazards.push(
            Finding::new(
                "required-column-without-default",
                if ground.facts.rows == Some(0) {
                    Severity::Low
                } else {
                    Severity::Critical
                },
                "NOT NULL without a default fails as soon as the table has a row",
            )
            .object(&object)
            .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
            .remedy("add it nullable, backfill, then SET NOT NULL behind a validated CHECK")
            .keeps(&["M2", "M4"])
            .catalogued(&["PG022"]),
        );
    }
    hazards.push(
        Finding::new("brief-exclusive-lock", Severity::Low, "ADD COLUMN takes ACCESS EXCLUSIVE for a moment; while it waits for it, everyone queues behind")
            .object(&object)
            .remedy("SET lock_timeout and try again")
            .keeps(&["N7"]),
    );
    let mut phases = vec![Phase {
        name: "add the column".to_owned(),
        deploy: Deploy::BeforeCode,
        steps: vec![
            Step::new(
                format!(
                    "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {}",
                    column_clause(column, column.nullable || needs_backfill, !volatile)
                ),
                format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {name}"),
            )
            .guard(column_exists(ground, &column.name, ""))
            .timeouts(BRIEF)
            .lock("ACCESS EXCLUSIVE", &object),
        ],
    }];
    let mut questions = Vec::new();
    if needs_backfill {
        if volatile {
            let default = column.default.clone().unwrap_or_default();
            phases.push(Phase {
                name: "new rows get the default".to_owned(),
                deploy: Deploy::BeforeCode,
                steps: vec![
                    Step::new(
                        format!("ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {default}"),
                        format!("ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"),
                    )
                    .guard(column_exists(ground, &column.name, " AND atthasdef"))
                    .timeouts(BRIEF)
                    .lock("ACCESS EXCLUSIVE", &object),
                ],
            });
        } else {
            questions.push(Question {
                id: "backfill".to_owned(),
                question: format!(
                    "Which value should {}.{} have in the rows that are there?",
                    ground.table.name, column.name
                ),
                why: "It must be filled before NOT NULL can hold.".to_owned(),
            });
        }
        phases.push(backfill(table, &name, column.default.as_deref(), ground));
        if !column.nullable {
            phases.extend(not_null_phases(table, &column.name, ground));
        }
    }
    Migration {
        title: format!("add {}.{}", ground.table.name, column.name),
        phases,
        hazards,
        reversible: Reversible::Full,
        reversible_why:
            "the column did not exist before; values written to it since are lost by down"
                .to_owned(),
        questions,
    }
}

fn backfill(table: &str, column: &str, value: Option<&str>, ground: &Ground<'_>) -> Phase {
    let value = value.unwrap_or("<value>");
    let key = ground
        .table
        .primary_key
        .as_ref()
        .and_then(|key| match key.columns.as_slice() {
            [only] => Some(ident(only)),
            _ => None,
        })
        .unwrap_or_else(|| "ctid".to_owned());
    Phase {
        name: "fill the rows that are there, in batches".to_owned(),
        deploy: Deploy::WithCode,
        steps: vec![
            Step::new(
                format!(
                    "UPDATE {table} SET {column} = {value}\nWHERE {key} IN (SELECT {key} FROM {table} WHERE {column} IS NULL LIMIT 1000)"
                ),
                "",
            )
            .lock("ROW EXCLUSIVE", &ground.table.qualified())
            .note("repeat, each run in a transaction of its own, until it changes 0 rows"),
        ],
    }
}

/// CHECK not valid, validate, SET NOT NULL without a scan, drop the CHECK.
fn not_null_phases(table: &str, column: &str, ground: &Ground<'_>) -> Vec<Phase> {
    let object = ground.table.qualified();
    let check_name = format!("{}_{column}_not_null", ground.table.name);
    let check = ident(&check_name);
    let name = ident(column);
    let constraint = format!(
        "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass({}) AND conname = {}",
        literal(&DIALECT.table(&ground.table.schema, &ground.table.name, "")),
        literal(&check_name)
    );
    let done = column_exists(ground, column, " AND attnotnull");
    vec![
        Phase {
            name: "the rule, for new rows".to_owned(),
            deploy: Deploy::WithCode,
            steps: vec![
                Step::new(
                    format!("ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID"),
                    format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}"),
                )
                .guard(format!("{constraint} UNION {done}"))
                .timeouts(BRIEF)
                .lock("ACCESS EXCLUSIVE", &object),
            ],
        },
        Phase {
            name: "the rule, for the rows that are there".to_owned(),
            deploy: Deploy::AfterCode,
            steps: vec![
                Step::new(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {check}"), "")
                    .guard(format!("{constraint} AND convalidated UNION {done}"))
                    .timeouts(PATIENT)
                    .lock("SHARE UPDATE EXCLUSIVE", &object)
                    .scans(),
            ],
        },
        Phase {
            name: "NOT NULL; the valid check saves the scan".to_owned(),
            deploy: Deploy::AfterCode,
            steps: vec![
                Step::new(
                    format!("ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL, DROP CONSTRAINT IF EXISTS {check}"),
                    format!(
                        "ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL, ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID"
                    ),
                )
                .guard(done)
                .timeouts(BRIEF)
                .lock("ACCESS EXCLUSIVE", &object),
            ],
        },
    ]
}

fn set_not_null(table: &str, column: &Column, ground: &Ground<'_>) -> Migration {
    let object = ground.table.qualified();
    let name = ident(&column.name);
    let mut hazards = vec![
        Finding::new(
            "not-null-scans-under-lock",
            if ground.facts.large() { Severity::High } else { Severity::Low },
            "SET NOT NULL reads every row under ACCESS EXCLUSIVE: all reads and writes wait",
        )
        .object(&object)
        .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
        .remedy("CHECK (… IS NOT NULL) NOT VALID, VALIDATE, then SET NOT NULL: no scan, PostgreSQL 12 and later")
        .keeps(&["N7", "M4"])
        .catalogued(&["PG030"]),
    ];
    hazards.extend(offending_rows(
        ground,
        "are NULL",
        "PG031",
        &format!("{name} IS NULL"),
    ));
    let mut phases = not_null_phases(table, &column.name, ground);
    if ground.facts.offending != Some(0) {
        phases.insert(0, backfill(table, &name, None, ground));
    }
    Migration {
        title: format!("{}.{} not null", ground.table.name, column.name),
        phases,
        hazards,
        reversible: Reversible::Full,
        reversible_why: "down takes the rule back; values that were filled in stay".to_owned(),
        questions: orphan_question(
            ground,
            &format!("have no {}: which value should they get?", column.name),
        ),
    }
}

fn drop_column(table: &str, column: &Column, ground: &Ground<'_>) -> Migration {
    let object = ground.table.qualified();
    let name = ident(&column.name);
    let uses_it = |columns: &[String]| columns.contains(&column.name);
    let mut lost: Vec<String> = ground
        .table
        .indexes
        .iter()
        .filter(|index| has_word(&index.definition, &column.name) || uses_it(&index.include))
        .map(|index| format!("index {}", index.name))
        .collect();
    lost.extend(
        ground
            .table
            .foreign_keys
            .iter()
            .filter(|key| uses_it(&key.columns))
            .map(|key| format!("foreign key {}", key.name)),
    );
    let mut hazards = vec![
        Finding::new(
            "column-drop-loses-data",
            Severity::Critical,
            "DROP COLUMN loses its data, and breaks code that still names it",
        )
        .object(format!("{object}.{}", column.name))
        .remedy("stop using it in one release, drop it in a later one")
        .keeps(&["C5", "A3"])
        .catalogued(&["PG044"]),
    ];
    if !lost.is_empty() {
        hazards.push(
            Finding::new(
                "column-drop-takes-along",
                Severity::High,
                format!("it silently drops {}", lost.join(", ")),
            )
            .object(format!("{object}.{}", column.name))
            .remedy("build what must stay without the column first")
            .catalogued(&["PG046"]),
        );
    }
    let mut steps = Vec::new();
    if !column.nullable && column.default.is_none() && column.identity.is_none() {
        steps.push(
            Step::new(
                format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"),
                format!("ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"),
            )
            .timeouts(BRIEF)
            .lock("ACCESS EXCLUSIVE", &object)
            .guard(column_exists(ground, &column.name, " AND NOT attnotnull"))
            .note("so that code which no longer sends it can insert"),
        );
    }
    Migration {
        title: format!("drop {}.{}", ground.table.name, column.name),
        phases: vec![
            Phase {
                name: "deprecate: the code stops reading and writing the column".to_owned(),
                deploy: Deploy::WithCode,
                steps,
            },
            Phase {
                name: "drop it, when nothing has used it for a release".to_owned(),
                deploy: Deploy::LaterRelease,
                steps: vec![
                    Step::new(
                        format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {name}"),
                        restored(table, column, ground),
                    )
                    .guard(format!("SELECT 1 WHERE NOT EXISTS ({})", column_exists(ground, &column.name, "")))
                    .timeouts(BRIEF)
                    .lock("ACCESS EXCLUSIVE", &object)
                    .note("down brings the column back empty and nullable; its data comes from the backup"),
                ],
            },
        ],
        hazards,
        reversible: Reversible::SchemaOnly,
        reversible_why: "the structure comes back, the data only from the backup".to_owned(),
        questions: Vec::new(),
    }
}

/// The column again, and what stood on it.
fn restored(table: &str, column: &Column, ground: &Ground<'_>) -> String {
    let mut sql = format!(
        "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {}",
        column_definition(column, true)
    );
    let own = ground.table;
    let constrained = |name: &str| {
        own.primary_key
            .iter()
            .chain(&own.unique)
            .any(|key| key.name == name)
    };
    let stands_on_it = |definition: &str| has_word(definition, &column.name);
    for index in own
        .indexes
        .iter()
        .filter(|index| stands_on_it(&index.definition))
    {
        if !constrained(&index.name) {
            sql.push_str(&format!(";\n{}", index.definition));
        }
    }
    for key in own
        .unique
        .iter()
        .filter(|key| key.columns.contains(&column.name))
    {
        sql.push_str(&format!(
            ";\nALTER TABLE {table} ADD CONSTRAINT {} UNIQUE ({})",
            ident(&key.name),
            list(&key.columns)
        ));
    }
    for check in own
        .checks
        .iter()
        .filter(|check| stands_on_it(&check.expression))
    {
        sql.push_str(&format!(
            ";\nALTER TABLE {table} ADD CONSTRAINT {} CHECK ({}) NOT VALID",
            ident(&check.name),
            check.expression
        ));
    }
    for key in own
        .foreign_keys
        .iter()
        .filter(|key| key.columns.contains(&column.name))
    {
        sql.push_str(&format!(
            ";\nALTER TABLE {table} ADD {}",
            foreign_key_clause(key)
        ));
    }
    sql
}

fn foreign_key_clause(key: &ForeignKey) -> String {
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} ON UPDATE {}",
        ident(&key.name),
        list(&key.columns),
        DIALECT.table(&key.referenced_schema, &key.referenced_table, ""),
        list(&key.referenced_columns),
        key.on_delete,
        key.on_update
    )
}

fn drop_table(table: &str, ground: &Ground<'_>) -> Migration {
    let object = ground.table.qualified();
    let deprecated = format!("{}_deprecated", ground.table.name);
    let deprecated_table = DIALECT.table(
        &ground.table.schema,
        &deprecated,
        &ground.catalog.default_schema,
    );
    let regclass = |name: &str| literal(&DIALECT.table(&ground.table.schema, name, ""));
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
        .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
        .remedy("rename it away first, wait a release, drop it then, with a tested backup")
        .keeps(&["N1", "A3"])
        .catalogued(&["PG047"]),
    ];
    if !referencing.is_empty() {
        hazards.push(
            Finding::new(
                "table-is-referenced",
                Severity::Critical,
                format!("foreign keys point at it: {}", referencing.join(", ")),
            )
            .object(&object)
            .remedy("drop these constraints first, each with its own migration; never CASCADE")
            .catalogued(&["PG047"]),
        );
    }
    Migration {
        title: format!("drop {}", ground.table.name),
        phases: vec![
            Phase {
                name: "rename it away, so that a forgotten user shows itself while nothing is lost"
                    .to_owned(),
                deploy: Deploy::AfterCode,
                steps: vec![
                    Step::new(
                        format!(
                            "ALTER TABLE IF EXISTS {table} RENAME TO {}",
                            ident(&deprecated)
                        ),
                        format!(
                            "ALTER TABLE IF EXISTS {deprecated_table} RENAME TO {}",
                            ident(&ground.table.name)
                        ),
                    )
                    .guard(format!(
                        "SELECT 1 WHERE to_regclass({}) IS NULL",
                        regclass(&ground.table.name)
                    ))
                    .timeouts(BRIEF)
                    .lock("ACCESS EXCLUSIVE", &object),
                ],
            },
            Phase {
                name: "drop it, when nobody missed it and the backup was tested".to_owned(),
                deploy: Deploy::LaterRelease,
                steps: vec![
                    Step::new(
                        format!("DROP TABLE IF EXISTS {deprecated_table}"),
                        format!(
                            "{};\nALTER TABLE {table} RENAME TO {}",
                            ground.definition.trim_end_matches(';'),
                            ident(&deprecated)
                        ),
                    )
                    .guard(format!(
                        "SELECT 1 WHERE to_regclass({}) IS NULL",
                        regclass(&deprecated)
                    ))
                    .timeouts(BRIEF)
                    .lock("ACCESS EXCLUSIVE", &object)
                    .note("down makes the table again without its rows; they come from the backup"),
                ],
            },
        ],
        hazards,
        reversible: Reversible::SchemaOnly,
        reversible_why: "the structure comes back, the rows only from the backup".to_owned(),
        questions: Vec::new(),
    }
}

fn column_definition(column: &Column, nullable: bool) -> String {
    // The sequence of a serial column goes and comes with it.
    let serial = column.identity == Some(Identity::Automatic);
    let data_type = match (serial, column.data_type.as_str()) {
        (true, "smallint") => "smallserial",
        (true, "integer") => "serial",
        (true, "bigint") => "bigserial",
        (_, other) => other,
    };
    let mut text = format!("{} {data_type}", ident(&column.name));
    if !column.collation.is_empty() {
        text.push_str(&format!(" COLLATE {}", ident(&column.collation)));
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored {
            "STORED"
        } else {
            "VIRTUAL"
        };
        text.push_str(&format!(
            " GENERATED ALWAYS AS ({}) {kind}",
            generated.expression
        ));
    }
    match column.identity {
        Some(Identity::Always) => text.push_str(" GENERATED ALWAYS AS IDENTITY"),
        Some(Identity::ByDefault) => text.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
        _ => {}
    }
    if let Some(default) = column.default.as_ref().filter(|_| !serial) {
        text.push_str(&format!(" DEFAULT {default}"));
    }
    if !nullable && !column.nullable {
        text.push_str(" NOT NULL");
    }
    text
}

/// The table as DDL, from the catalog: columns, keys, checks, indexes, comments.
fn create_table(table: &Table) -> String {
    let name = DIALECT.table(&table.schema, &table.name, "");
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|column| column_definition(column, false))
        .collect();
    if let Some(key) = &table.primary_key {
        parts.push(format!(
            "CONSTRAINT {} PRIMARY KEY ({})",
            ident(&key.name),
            list(&key.columns)
        ));
    }
    for key in &table.unique {
        parts.push(format!(
            "CONSTRAINT {} UNIQUE ({})",
            ident(&key.name),
            list(&key.columns)
        ));
    }
    for check in &table.checks {
        parts.push(format!(
            "CONSTRAINT {} CHECK ({})",
            ident(&check.name),
            check.expression
        ));
    }
    for key in &table.foreign_keys {
        parts.push(foreign_key_clause(key));
    }
    let mut sql = format!("CREATE TABLE {name} (\n  {}\n)", parts.join(",\n  "));
    if !table.partitioned_by.is_empty() {
        sql.push_str(&format!(" PARTITION BY {}", table.partitioned_by));
    }
    sql.push(';');
    for trigger in &table.triggers {
        sql.push_str(&format!("\n{};", trigger.definition));
    }
    for index in &table.indexes {
        let of_constraint = table
            .primary_key
            .iter()
            .chain(&table.unique)
            .any(|key| key.name == index.name);
        if !of_constraint {
            sql.push_str(&format!("\n{};", index.definition));
        }
    }
    if !table.comment.is_empty() {
        sql.push_str(&format!(
            "\nCOMMENT ON TABLE {name} IS {};",
            literal(&table.comment)
        ));
    }
    for column in table
        .columns
        .iter()
        .filter(|column| !column.comment.is_empty())
    {
        sql.push_str(&format!(
            "\nCOMMENT ON COLUMN {name}.{} IS {};",
            ident(&column.name),
            literal(&column.comment)
        ));
    }
    sql
}
