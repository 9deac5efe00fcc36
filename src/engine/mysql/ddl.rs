//! How changes are carried out with the least harm.
//! <https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html>,
//! <https://mariadb.com/kb/en/innodb-online-ddl-overview/>
//!
//! Each statement names its algorithm and lock: a server that cannot do it that way refuses, where it would
//! otherwise silently copy the table and stop all writes meanwhile.

mod column;
mod index;
mod key;
mod table;

use std::fmt::Write as _;

use super::{Flavor, MySql};
use crate::answer::Question;
use crate::catalog::{Check, Column, Table};
use crate::engine::Ground;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::migration::change::{Change, NewForeignKey, NewIndex};
use crate::migration::{Item, Migration, Step};
use crate::statement::Dialect;

const DIALECT: Dialect = Dialect::MySql;
/// A metadata lock that is not had at once is given up, so that nobody queues behind the wait for it.
const BRIEF: &str = "SET SESSION lock_wait_timeout = 2; -- on failure (1205): wait a moment and try again, up to 10 times";
/// The same, for a rebuild that writes NULL as NULL or fails: without strict mode it becomes '' or 0, by a copy.
const STRICT: &str = "SET SESSION lock_wait_timeout = 2; SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_TRANS_TABLES'); -- on failure (1205): wait a moment and try again, up to 10 times";
const UNDO_NOTHING: &str = "-- nothing to undo: the rows keep their values";

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
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The condition that finds rows, called `t`, which break the new rule.
pub(super) fn offending(change: &Change, table: &Table) -> Option<String> {
    match change {
        Change::SetNotNull { column } => {
            Some(format!("t.{} IS NULL", ident(&table.column(column)?.name)))
        }
        Change::AddForeignKey(key) => Some(orphans(key, &table.schema)),
        _ => None,
    }
}

fn orphans(key: &NewForeignKey, schema: &str) -> String {
    let parent = DIALECT.table(
        key.table.schema.as_deref().unwrap_or(schema),
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
        "{} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {})",
        present.join(" AND "),
        matches.join(" AND ")
    )
}

/// How one ALTER TABLE is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Only the table's description changes.
    Instant,
    /// A scan or a rebuild beside which all may go on.
    Online,
    /// The same, while writes wait.
    Shared,
    /// The server copies row by row, while writes wait.
    Copy,
}

impl Way {
    const fn clause(self) -> &'static str {
        match self {
            Self::Instant => "ALGORITHM=INSTANT",
            Self::Online => "ALGORITHM=INPLACE, LOCK=NONE",
            Self::Shared => "ALGORITHM=INPLACE, LOCK=SHARED",
            Self::Copy => "ALGORITHM=COPY, LOCK=SHARED",
        }
    }

    const fn lock(self) -> &'static str {
        match self {
            Self::Instant => "metadata lock EXCLUSIVE, brief",
            Self::Online => {
                "metadata lock SHARED_UPGRADABLE, EXCLUSIVE for a moment at begin and end"
            }
            Self::Shared | Self::Copy => {
                "metadata lock SHARED_NO_WRITE, EXCLUSIVE for a moment at the end"
            }
        }
    }

    const fn blocks_writes(self) -> bool {
        matches!(self, Self::Shared | Self::Copy)
    }

    /// `ALTER TABLE … action, ALGORITHM=…`
    fn alter(self, table: &str, action: &str) -> String {
        format!("ALTER TABLE {table} {action}, {}", self.clause())
    }

    /// A step that rebuilds or changes the table this way.
    fn step(self, up: String, down: String, ground: &Ground<'_>) -> Step {
        let step = Step::new(up, down)
            .outside_transaction()
            .timeouts(BRIEF)
            .lock(self.lock(), &ground.table.qualified())
            .blocks(false, self.blocks_writes());
        if self == Self::Instant {
            step
        } else {
            step.rewrites()
        }
    }
}

impl MySql {
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
        let column = |name: &String| {
            ground
                .table
                .column(name)
                .ok_or_else(|| missing_column(name, ground.table))
        };
        let mut migration = match change {
            Change::AddColumn(column) => self.add_column(&table, column, ground)?,
            Change::AddIndex(index) => self.add_index(index, ground)?,
            Change::SetNotNull { column: name } => {
                self.set_not_null(&table, column(name)?, ground)?
            }
            Change::AddForeignKey(key) => self.add_foreign_key(&table, key, ground)?,
            Change::DropColumn { column: name } => {
                self.drop_column(&table, column(name)?, ground)?
            }
            Change::DropTable => table::drop_table(&table, ground),
        };
        migration.hazards.extend(of_all_ddl(ground));
        Ok(migration)
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn indexes_concurrently(&self, migration: &Migration) -> Item {
        let builds: Vec<&Step> = migration
            .steps()
            .filter(|step| step.up.contains("INDEX ") && step.up.contains("ADD "))
            .collect();
        match builds.iter().find(|step| step.blocks.writes) {
            _ if builds.is_empty() => Item::new(true, "no index is built"),
            Some(step) => Item::new(
                false,
                format!(
                    "this kind of index on {} is built while writes wait",
                    step.lock.object
                ),
            ),
            None => Item::new(
                true,
                "every index is built ALGORITHM=INPLACE, LOCK=NONE: reads and writes go on",
            ),
        }
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn drop_index(
        &self,
        table: &Table,
        default_schema: &str,
        index: &str,
    ) -> String {
        let table = DIALECT.table(&table.schema, &table.name, default_schema);
        format!("ALTER TABLE {table} DROP INDEX {}", ident(index))
    }

    pub(in crate::engine) fn create_index(
        &self,
        table: &Table,
        default_schema: &str,
        index: &NewIndex,
    ) -> String {
        let name = DIALECT.table(&table.schema, &table.name, default_schema);
        self.index_way(index)
            .alter(&name, &format!("ADD {}", index::clause(table, index)))
    }

    /// How a column is added to or dropped from a table, or its place restored.
    fn column_way(&self, table: &Table, newer: bool) -> Way {
        let patched = self.version.at_least(8, 1)
            || self.version.at_least(8, 0) && self.patch() >= if newer { 29 } else { 12 };
        match self.flavor {
            _ if has_fulltext(table) => self.rebuild_way(table),
            Flavor::MySql if !patched => self.rebuild_way(table),
            _ => Way::Instant,
        }
    }

    /// How a table is rebuilt.
    fn rebuild_way(&self, table: &Table) -> Way {
        match self.flavor {
            Flavor::MySql if has_fulltext(table) => Way::Copy,
            _ if has_fulltext(table) || has_spatial(table) => Way::Shared,
            _ => Way::Online,
        }
    }

    /// The whole of a column as DDL: what a MODIFY leaves out is lost.
    fn column_definition(&self, column: &Column, table: &Table, nullable: bool) -> String {
        let mut text = format!("{} {}", ident(&column.name), column.data_type);
        if !column.collation.is_empty() {
            let _ = write!(text, " COLLATE {}", column.collation);
        }
        if let Some(generated) = &column.generated {
            let kind = if generated.stored {
                "STORED"
            } else {
                "VIRTUAL"
            };
            let _ = write!(
                text,
                " GENERATED ALWAYS AS ({}) {kind}",
                generated.expression
            );
        }
        text.push_str(match (nullable, column.generated.is_some()) {
            // A computed column may not say NULL on MariaDB.
            (true, true) => "",
            (true, false) => " NULL",
            (false, _) => " NOT NULL",
        });
        if let Some(default) = &column.default {
            let _ = write!(text, " DEFAULT {default}");
        }
        if !column.extra.is_empty() {
            let _ = write!(text, " {}", column.extra);
        }
        if column.identity.is_some() {
            text.push_str(" AUTO_INCREMENT");
        }
        if !column.comment.is_empty() {
            let _ = write!(text, " COMMENT {}", literal(&column.comment));
        }
        if let Some(check) = self.own_check(column, table) {
            let _ = write!(text, " CHECK ({})", check.expression);
        }
        text
    }

    /// `MariaDB` keeps a check that was written with a column as a part of it, under its name.
    fn own_check<'a>(&self, column: &Column, table: &'a Table) -> Option<&'a Check> {
        let checks = (self.flavor == Flavor::MariaDb).then_some(&table.checks)?;
        checks.iter().find(|check| check.name == column.name)
    }

    /// What there is to know of INSTANT on this server.
    fn instant_note(&self, way: Way) -> String {
        match (way, self.flavor) {
            (Way::Instant, Flavor::MySql) => format!(
                "each INSTANT ADD or DROP COLUMN uses one of the table's {} row versions; when none is left (4092), OPTIMIZE TABLE in a quiet time frees them",
                if self.version.at_least(9, 1) { 255 } else { 64 }
            ),
            (Way::Copy | Way::Shared, _) => "writes wait while the server does this (a FULLTEXT or SPATIAL index, or the kind of column, leaves no other way): plan a quiet time, or gh-ost / pt-online-schema-change".to_owned(),
            (Way::Online, _) => "the table is rebuilt beside the traffic: it needs free space of its size".to_owned(),
            (Way::Instant, Flavor::MariaDb) => String::new(),
        }
    }
}

fn has_fulltext(table: &Table) -> bool {
    table.indexes.iter().any(|index| index.method == "fulltext")
}

fn has_spatial(table: &Table) -> bool {
    table
        .indexes
        .iter()
        .any(|index| matches!(index.method.as_str(), "spatial" | "rtree"))
}

/// What is true of every change to a table here.
fn of_all_ddl(ground: &Ground<'_>) -> [Finding; 2] {
    [
        Finding::new("brief-exclusive-lock", Severity::Low, "even the quickest ALTER TABLE waits for every open transaction on the table, and while it waits everyone queues behind it")
            .object(ground.table.qualified())
            .remedy("SET SESSION lock_wait_timeout and try again; check_locks shows who holds it up")
            .keeps(&["N7"])
            .catalogued(&["MY025"]),
        Finding::new("ddl-commits-implicitly", Severity::Low, "each DDL statement commits what came before it and cannot be rolled back")
            .object(ground.table.qualified())
            .remedy("the steps are split: run one at a time, with its guard first and its own down")
            .keeps(&["A4"])
            .catalogued(&["MY026"]),
    ]
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

fn shown_rows(ground: &Ground<'_>) -> String {
    ground
        .facts
        .rows
        .map_or("unknown".to_owned(), crate::answer::count)
}

/// Worse where it is felt.
fn if_large(ground: &Ground<'_>, severity: Severity) -> Severity {
    if ground.facts.large() {
        severity
    } else {
        Severity::Low
    }
}

fn offending_rows(
    ground: &Ground<'_>,
    what: &str,
    catalogue: &'static [&'static str],
    condition: &str,
) -> Option<Finding> {
    let rows = ground.facts.offending.filter(|rows| *rows > 0)?;
    Some(
        Finding::new(
            "rows-break-the-rule",
            Severity::Critical,
            format!("{} rows {what}", crate::answer::count(rows)),
        )
        .object(ground.table.qualified())
        .evidence("rows", rows, "", Source::Measured)
        .remedy(format!(
            "find them: SELECT COUNT(*) FROM {} AS t WHERE {condition}",
            ground.table.qualified()
        ))
        .keeps(&["M2", "M5"])
        .catalogued(catalogue),
    )
}

fn offending_question(ground: &Ground<'_>, what: &str) -> Vec<Question> {
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

/// The condition on a view of `information_schema` that finds this table there.
fn this_table(ground: &Ground<'_>) -> String {
    format!(
        "TABLE_SCHEMA = {} AND TABLE_NAME = {}",
        literal(&ground.table.schema),
        literal(&ground.table.name)
    )
}

fn column_exists(ground: &Ground<'_>, column: &str, also: &str) -> String {
    format!(
        "SELECT 1 FROM information_schema.COLUMNS WHERE {} AND COLUMN_NAME = {}{also}",
        this_table(ground),
        literal(column)
    )
}

fn index_exists(ground: &Ground<'_>, index: &str) -> String {
    format!(
        "SELECT DISTINCT 1 FROM information_schema.STATISTICS WHERE {} AND INDEX_NAME = {}",
        this_table(ground),
        literal(index)
    )
}

fn constraint_exists(ground: &Ground<'_>, name: &str) -> String {
    format!(
        "SELECT 1 FROM information_schema.TABLE_CONSTRAINTS WHERE {} AND CONSTRAINT_NAME = {}",
        this_table(ground),
        literal(name)
    )
}

/// Gives 1 when the query gives nothing.
fn not(query: &str) -> String {
    format!("SELECT 1 FROM DUAL WHERE NOT EXISTS ({query})")
}
