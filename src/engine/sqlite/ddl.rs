//! How changes are carried out with the least harm. What `ALTER TABLE` cannot do is done by building the
//! table anew, in the order that <https://www.sqlite.org/lang_altertable.html#otheralter> gives.

use sqlparser::ast::{
    ColumnDef, ColumnOption, ColumnOptionDef, CreateTable, Ident, ObjectName, Statement,
    TableConstraint,
};

use super::Sqlite;
use crate::answer::Question;
use crate::catalog::{Column, Table};
use crate::engine::Ground;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::migration::change::{Change, NewColumn, NewForeignKey, NewIndex};
use crate::migration::{Deploy, Item, Migration, Phase, Reversible, Step, has_word};
use crate::statement::{Dialect, parse_one};

const DIALECT: Dialect = Dialect::Sqlite;
const BUSY: &str = "PRAGMA busy_timeout = 5000;";
const FILE: &str = "the whole database file";

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
        "{} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
        present.join(" AND "),
        ident(&key.table.name),
        matches.join(" AND ")
    )
}

impl Sqlite {
    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn migrate(
        &self,
        change: &Change,
        ground: &Ground<'_>,
    ) -> Result<Migration> {
        let column = |name: &String| {
            ground
                .table
                .column(name)
                .ok_or_else(|| missing_column(name, ground.table))
        };
        match change {
            Change::AddColumn(new) => add_column(new, ground),
            Change::AddIndex(index) => Ok(add_index(index, ground)),
            Change::SetNotNull { column: name } => set_not_null(column(name)?, ground),
            Change::AddForeignKey(key) => add_foreign_key(key, ground),
            Change::DropColumn { column: name } => drop_column(column(name)?, ground),
            Change::DropTable => Ok(drop_table(ground)),
        }
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn indexes_concurrently(&self, migration: &Migration) -> Item {
        if migration.steps().any(|step| step.up.contains("INDEX")) {
            Item::new(
                true,
                "SQLite has no concurrent build: writers wait for the file while it runs, readers only without WAL",
            )
        } else {
            Item::new(true, "no index is built")
        }
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn drop_index(
        &self,
        _table: &Table,
        _default_schema: &str,
        index: &str,
    ) -> String {
        format!("DROP INDEX {}", ident(index))
    }

    #[expect(clippy::unused_self, reason = "the contract of all engines")]
    pub(in crate::engine) fn create_index(
        &self,
        table: &Table,
        _default_schema: &str,
        index: &NewIndex,
    ) -> String {
        create_index(table, index)
    }

    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn definition(&mut self, table: &Table) -> Result<String> {
        let mut sql = format!("{};", table.definition);
        for index in table
            .indexes
            .iter()
            .filter(|index| !index.definition.is_empty())
        {
            sql.push_str(&format!("\n{};", index.definition));
        }
        for trigger in &table.triggers {
            sql.push_str(&format!("\n{};", trigger.definition));
        }
        Ok(sql)
    }
}

fn create_index(table: &Table, index: &NewIndex) -> String {
    let predicate = if index.predicate.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", index.predicate)
    };
    // There is no INCLUDE here: columns that are carried along come last.
    let mut keys = index.keys.clone();
    keys.extend(index.include.iter().map(|name| ident(name)));
    format!(
        "CREATE {}INDEX IF NOT EXISTS {} ON {} ({}){predicate}",
        if index.unique { "UNIQUE " } else { "" },
        ident(&index.name_for(&table.name)),
        ident(&table.name),
        keys.join(", "),
    )
}

fn missing_column(name: &str, table: &Table) -> Error {
    let nearest = crate::catalog::nearest(
        name,
        table.columns.iter().map(|column| column.name.as_str()),
    );
    Error::Missing {
        what: "column",
        name: format!("{}.{name}", table.name),
        hint: nearest.map_or_else(String::new, |near| format!(" Did you mean {near}?")),
    }
}

fn has_column(table: &str, column: &str, also: &str) -> String {
    format!(
        "SELECT 1 FROM pragma_table_xinfo({}) WHERE name = {}{also}",
        literal(table),
        literal(column)
    )
}

fn offending_rows(ground: &Ground<'_>, what: &str, condition: &str) -> Option<Finding> {
    let rows = ground.facts.offending.filter(|rows| *rows > 0)?;
    Some(
        Finding::new(
            "rows-break-the-rule",
            Severity::Critical,
            format!(
                "{} rows {what}: the change would fail at its end",
                crate::answer::count(rows)
            ),
        )
        .object(&ground.table.name)
        .evidence("rows", rows, "", Source::Measured)
        .remedy(format!(
            "find them: SELECT count(*) FROM {} AS t WHERE {condition}",
            ident(&ground.table.name)
        ))
        .keeps(&["M2", "M5"])
        .catalogued(&["SL013"]),
    )
}

fn question(ground: &Ground<'_>, what: &str) -> Vec<Question> {
    ground
        .facts
        .offending
        .filter(|rows| *rows > 0)
        .map(|rows| Question {
            id: "backfill".to_owned(),
            question: format!("{} rows {what}", crate::answer::count(rows)),
            why: "The rule cannot hold before they are mended.".to_owned(),
        })
        .into_iter()
        .collect()
}

/// The table's own definition, to be changed and built anew.
fn parsed(ground: &Ground<'_>) -> Result<CreateTable> {
    super::catalog::definition(ground.table).ok_or_else(|| Error::Unsupported {
        what: format!("changing {} by building it anew", ground.table.name),
        why: "its CREATE TABLE statement could not be read".to_owned(),
        instead: "describe_schema shows what is known of it; write the new CREATE TABLE by hand and follow the steps of lang_altertable.html#otheralter.".to_owned(),
    })
}

/// A script that builds the table by another definition and keeps rows, indexes, triggers and the
/// references of others. `selected` says what fills `columns`.
fn rebuild(
    ground: &Ground<'_>,
    definition: &CreateTable,
    columns: &str,
    selected: &str,
    indexes: &[String],
) -> String {
    let name = ident(&ground.table.name);
    let new_name = format!("{}_new", ground.table.name);
    let mut create = definition.clone();
    create.name = ObjectName::from(vec![quoted(&new_name)]);
    let new = ident(&new_name);
    let mut lines = vec![
        "PRAGMA foreign_keys = OFF".to_owned(),
        "PRAGMA legacy_alter_table = ON".to_owned(),
        "BEGIN IMMEDIATE".to_owned(),
        Statement::CreateTable(create).to_string(),
        format!("INSERT INTO {new} ({columns}) SELECT {selected} FROM {name}"),
        format!("DROP TABLE {name}"),
        format!("ALTER TABLE {new} RENAME TO {name}"),
    ];
    lines.extend(indexes.iter().cloned());
    lines.extend(
        ground
            .table
            .triggers
            .iter()
            .map(|trigger| trigger.definition.clone()),
    );
    lines.push(format!("PRAGMA foreign_key_check({name})"));
    lines.push("COMMIT".to_owned());
    lines.push("PRAGMA legacy_alter_table = OFF".to_owned());
    lines.push("PRAGMA foreign_keys = ON".to_owned());
    let mut script = lines.join(";\n");
    script.push(';');
    script
}

fn quoted(name: &str) -> Ident {
    let plain = ident(name);
    if plain.starts_with('"') {
        Ident::with_quote('"', name)
    } else {
        Ident::new(name)
    }
}

fn own_indexes(ground: &Ground<'_>) -> Vec<String> {
    ground
        .table
        .indexes
        .iter()
        .filter(|index| !index.definition.is_empty())
        .map(|index| index.definition.clone())
        .collect()
}

fn rebuild_step(ground: &Ground<'_>, up: String, down: String) -> Step {
    Step::new(up, down)
        .timeouts(BUSY)
        .lock("EXCLUSIVE", FILE)
        .blocks(false, true)
        .rewrites()
        .outside_transaction()
        .note(format!(
            "builds {} anew inside its own transaction; PRAGMA foreign_key_check must give no row before COMMIT",
            ground.table.name
        ))
}

fn rebuild_hazard(ground: &Ground<'_>, what: &str, catalogued: &'static [&'static str]) -> Finding {
    Finding::new(
        "alter-needs-rebuild",
        if ground.facts.large() { Severity::High } else { Severity::Medium },
        format!("SQLite cannot {what} in place: the table is built anew and all its rows are copied"),
    )
    .object(&ground.table.name)
    .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
    .effect("writers wait until it is done; readers too unless journal_mode is WAL")
    .remedy("run it in a quiet time, with foreign_keys off outside the transaction, and check them before COMMIT")
    .keeps(&["N7", "M4"])
    .catalogued(catalogued)
}

fn add_index(index: &NewIndex, ground: &Ground<'_>) -> Migration {
    let name = index.name_for(&ground.table.name);
    let mut hazards = vec![
        Finding::new(
            "index-build-blocks-writers",
            if ground.facts.large() {
                Severity::Medium
            } else {
                Severity::Low
            },
            "writers of the whole file wait while the index is built",
        )
        .object(&ground.table.name)
        .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
        .remedy("run it in a quiet time; WAL mode keeps readers going")
        .keeps(&["N7", "A7"]),
    ];
    if index.unique {
        hazards.push(
            Finding::new("unique-needs-no-duplicates", Severity::Medium, "duplicates make the build fail at its end")
                .object(&ground.table.name)
                .remedy(format!(
                    "look first: SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1)",
                    ident(&ground.table.name),
                    index.keys.join(", ")
                ))
                .keeps(&["M2"]),
        );
    }
    Migration {
        title: format!("index {name}"),
        phases: vec![Phase {
            name: "build the index".to_owned(),
            deploy: Deploy::BeforeCode,
            steps: vec![index_step(index, ground)],
        }],
        hazards,
        reversible: Reversible::Full,
        reversible_why: "an index holds no data of its own".to_owned(),
        questions: Vec::new(),
    }
}

fn index_step(index: &NewIndex, ground: &Ground<'_>) -> Step {
    let name = index.name_for(&ground.table.name);
    Step::new(
        create_index(ground.table, index),
        format!("DROP INDEX IF EXISTS {}", ident(&name)),
    )
    .guard(format!(
        "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = {}",
        literal(&name)
    ))
    .timeouts(BUSY)
    .lock("RESERVED, EXCLUSIVE at commit", FILE)
    .blocks(false, true)
    .scans()
}

#[expect(clippy::too_many_lines, reason = "one plan, read from top to bottom")]
fn add_column(new: &NewColumn, ground: &Ground<'_>) -> Result<Migration> {
    let table = &ground.table.name;
    let name = ident(&new.name);
    let mut hazards = Vec::new();
    let mut questions = Vec::new();
    let mut phases = Vec::new();
    let required = !new.nullable && new.default.is_none();
    let computed = new
        .default
        .as_ref()
        .is_some_and(|value| !is_constant(value));
    let mut clause = format!("{name} {}", new.data_type);
    if let (Some(default), false) = (&new.default, computed) {
        clause.push_str(&format!(" DEFAULT {default}"));
    }
    if !new.nullable && !required && !computed {
        clause.push_str(" NOT NULL");
    }
    if let Some(key) = &new.references {
        clause.push_str(&format!(" REFERENCES {}", references(key)));
    }
    if !new.rest.is_empty() {
        clause.push_str(&format!(" {}", new.rest));
    }
    phases.push(Phase {
        name: "add the column".to_owned(),
        deploy: Deploy::BeforeCode,
        steps: vec![
            Step::new(
                format!("ALTER TABLE {} ADD COLUMN {clause}", ident(table)),
                format!("ALTER TABLE {} DROP COLUMN {name}", ident(table)),
            )
            .guard(has_column(table, &new.name, ""))
            .timeouts(BUSY)
            .lock("EXCLUSIVE", FILE),
        ],
    });
    if required || computed {
        hazards.push(if required {
            Finding::new(
                "required-column-without-default",
                Severity::Critical,
                "NOT NULL without a default is refused by ADD COLUMN",
            )
            .object(table)
            .remedy("add it nullable, fill it, then build the table anew with NOT NULL")
            .keeps(&["M2", "M4"])
            .catalogued(&["SL005"])
        } else {
            Finding::new(
                "default-not-constant",
                Severity::Critical,
                "ADD COLUMN takes only a constant default once the table has rows",
            )
            .object(table)
            .remedy("add it without, fill it, then build the table anew with the default")
            .keeps(&["M2", "M4"])
            .catalogued(&["SL006"])
        });
        if required {
            questions.push(Question {
                id: "backfill".to_owned(),
                question: format!(
                    "Which value should {table}.{} have in the rows that are there?",
                    new.name
                ),
                why: "It must be filled before NOT NULL can hold.".to_owned(),
            });
        }
        phases.push(backfill(&new.name, new.default.as_deref(), ground));
        phases.push(rebuilt_with(new, &clause, ground)?);
    }
    if new.unique {
        let index = NewIndex {
            name: None,
            keys: vec![name.clone()],
            columns: vec![new.name.clone()],
            unique: true,
            method: String::new(),
            include: Vec::new(),
            predicate: String::new(),
            ..NewIndex::default()
        };
        hazards.push(
            Finding::new(
                "unique-column-needs-index",
                Severity::Medium,
                "ADD COLUMN cannot be UNIQUE: a unique index follows",
            )
            .object(table)
            .keeps(&["M4"])
            .catalogued(&["SL006"]),
        );
        phases.push(Phase {
            name: "the unique index".to_owned(),
            deploy: Deploy::AfterCode,
            steps: vec![index_step(&index, ground)],
        });
    }
    Ok(Migration {
        title: format!("add {table}.{}", new.name),
        phases,
        hazards,
        reversible: Reversible::Full,
        reversible_why:
            "the column did not exist before; values written to it since are lost by down"
                .to_owned(),
        questions,
    })
}

/// The phase that gives a column, added without them, its NOT NULL and its default.
fn rebuilt_with(new: &NewColumn, clause: &str, ground: &Ground<'_>) -> Result<Phase> {
    let table = &ground.table.name;
    let original = parsed(ground)?;
    let column = |clause: &str| -> Result<ColumnDef> {
        let sql = format!("CREATE TABLE x ({clause})");
        match parse_one(&sql, DIALECT)? {
            Statement::CreateTable(create) => create
                .columns
                .into_iter()
                .next()
                .ok_or_else(|| Error::unexpected("a column", "none in its definition")),
            _ => Err(Error::unexpected("a column", "not a definition")),
        }
    };
    let mut full = clause.to_owned();
    if let Some(default) = new.default.as_ref().filter(|value| !is_constant(value)) {
        full.push_str(&format!(" DEFAULT {default}"));
    }
    if !new.nullable {
        full.push_str(" NOT NULL");
    }
    let (mut before, mut after) = (original.clone(), original);
    before.columns.push(column(clause)?);
    after.columns.push(column(&full)?);
    let columns = format!(
        "{}, {}",
        super::scratch::stored_columns(ground.table),
        ident(&new.name)
    );
    let indexes = own_indexes(ground);
    let guard = if new.nullable {
        has_column(table, &new.name, " AND dflt_value IS NOT NULL")
    } else {
        has_column(table, &new.name, " AND \"notnull\" = 1")
    };
    Ok(Phase {
        name: "the rule; builds the table anew".to_owned(),
        deploy: Deploy::AfterCode,
        steps: vec![
            rebuild_step(
                ground,
                rebuild(ground, &after, &columns, &columns, &indexes),
                rebuild(ground, &before, &columns, &columns, &indexes),
            )
            .guard(guard),
        ],
    })
}

fn is_constant(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    !(upper.starts_with('(') || upper.starts_with("CURRENT_") || upper.ends_with(')'))
}

fn references(key: &NewForeignKey) -> String {
    let mut text = ident(&key.table.name);
    if !key.referenced.is_empty() {
        text.push_str(&format!(" ({})", list(&key.referenced)));
    }
    for (word, action) in [("ON DELETE", &key.on_delete), ("ON UPDATE", &key.on_update)] {
        if !action.is_empty() {
            text.push_str(&format!(" {word} {action}"));
        }
    }
    text
}

fn backfill(column: &str, value: Option<&str>, ground: &Ground<'_>) -> Phase {
    let table = ident(&ground.table.name);
    let column = ident(column);
    Phase {
        name: "fill the rows that are there".to_owned(),
        deploy: Deploy::WithCode,
        steps: vec![
            Step::new(
                format!("UPDATE {table} SET {column} = {} WHERE {column} IS NULL", value.unwrap_or("<value>")),
                "",
            )
            .timeouts(BUSY)
            .lock("RESERVED, EXCLUSIVE at commit", FILE)
            .blocks(false, true)
            .scans()
            .note("on a large table in batches: add AND rowid IN (SELECT rowid … LIMIT 1000), one transaction each, until 0 rows change"),
        ],
    }
}

fn set_not_null(column: &Column, ground: &Ground<'_>) -> Result<Migration> {
    let table = &ground.table.name;
    let original = parsed(ground)?;
    let mut after = original.clone();
    for definition in after
        .columns
        .iter_mut()
        .filter(|own| own.name.value.eq_ignore_ascii_case(&column.name))
    {
        definition
            .options
            .retain(|option| !matches!(option.option, ColumnOption::Null));
        definition.options.push(ColumnOptionDef {
            name: None,
            option: ColumnOption::NotNull,
        });
    }
    let columns = super::scratch::stored_columns(ground.table);
    let indexes = own_indexes(ground);
    let mut hazards = vec![rebuild_hazard(ground, "set NOT NULL", &["SL001"])];
    hazards.extend(offending_rows(
        ground,
        "are NULL",
        &format!("{} IS NULL", ident(&column.name)),
    ));
    let mut phases = Vec::new();
    if ground.facts.offending != Some(0) {
        phases.push(backfill(&column.name, None, ground));
    }
    phases.push(Phase {
        name: "the rule; builds the table anew".to_owned(),
        deploy: Deploy::AfterCode,
        steps: vec![
            rebuild_step(
                ground,
                rebuild(ground, &after, &columns, &columns, &indexes),
                rebuild(ground, &original, &columns, &columns, &indexes),
            )
            .guard(has_column(table, &column.name, " AND \"notnull\" = 1")),
        ],
    });
    Ok(Migration {
        title: format!("{table}.{} not null", column.name),
        phases,
        hazards,
        reversible: Reversible::Full,
        reversible_why: "down takes the rule back; values that were filled in stay".to_owned(),
        questions: question(
            ground,
            &format!("have no {}: which value should they get?", column.name),
        ),
    })
}

fn add_foreign_key(key: &NewForeignKey, ground: &Ground<'_>) -> Result<Migration> {
    let table = &ground.table.name;
    let original = parsed(ground)?;
    let mut after = original.clone();
    after.constraints.push(foreign_key_constraint(key)?);
    let columns = super::scratch::stored_columns(ground.table);
    let indexes = own_indexes(ground);
    let mut phases = Vec::new();
    let mut with_index = indexes.clone();
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
        with_index.push(create_index(ground.table, &index));
        phases.push(Phase {
            name: "index the referencing columns [A2]".to_owned(),
            deploy: Deploy::BeforeCode,
            steps: vec![index_step(&index, ground)],
        });
    }
    let conditions: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("\"from\" = {}", literal(column)))
        .collect();
    phases.push(Phase {
        name: "the constraint; builds the table anew".to_owned(),
        deploy: Deploy::BeforeCode,
        steps: vec![
            rebuild_step(
                ground,
                rebuild(ground, &after, &columns, &columns, &with_index),
                rebuild(ground, &original, &columns, &columns, &with_index),
            )
            .guard(format!(
                "SELECT 1 FROM pragma_foreign_key_list({}) WHERE \"table\" = {} AND ({})",
                literal(table),
                literal(&key.table.name),
                conditions.join(" OR ")
            )),
        ],
    });
    let mut hazards = vec![rebuild_hazard(ground, "add a foreign key", &["SL001"])];
    hazards.extend(offending_rows(ground, "have no parent row", &orphans(key)));
    Ok(Migration {
        title: format!("foreign key {}", key.name_for(table)),
        phases,
        hazards,
        reversible: Reversible::Full,
        reversible_why: "taking the constraint back loses no data".to_owned(),
        questions: question(
            ground,
            "have no parent: what should become of them (delete, set NULL, or add the parents)?",
        ),
    })
}

fn foreign_key_constraint(key: &NewForeignKey) -> Result<TableConstraint> {
    let name = key
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!("CONSTRAINT {} ", ident(name)));
    let sql = format!(
        "CREATE TABLE x (y, {name}FOREIGN KEY ({}) REFERENCES {})",
        list(&key.columns),
        references(key)
    );
    match parse_one(&sql, DIALECT)? {
        Statement::CreateTable(create) => create
            .constraints
            .into_iter()
            .next()
            .ok_or_else(|| Error::unexpected("a foreign key", "none in its definition")),
        _ => Err(Error::unexpected("a foreign key", "not a definition")),
    }
}

#[expect(clippy::too_many_lines, reason = "one plan, read from top to bottom")]
fn drop_column(column: &Column, ground: &Ground<'_>) -> Result<Migration> {
    let table = &ground.table.name;
    let name = ident(&column.name);
    let original = parsed(ground)?;
    let mut after = original.clone();
    after
        .columns
        .retain(|own| !own.name.value.eq_ignore_ascii_case(&column.name));
    let mentions = |columns: &[String]| {
        columns
            .iter()
            .any(|own| own.eq_ignore_ascii_case(&column.name))
    };
    let uses = |index: &crate::catalog::Index| {
        index
            .columns
            .iter()
            .any(|key| key.name.eq_ignore_ascii_case(&column.name))
            || has_word(&index.definition, &column.name)
    };
    let in_constraint = ground
        .table
        .primary_key
        .iter()
        .chain(&ground.table.unique)
        .any(|key| mentions(&key.columns))
        || ground
            .table
            .foreign_keys
            .iter()
            .any(|key| mentions(&key.columns))
        || ground
            .table
            .checks
            .iter()
            .any(|check| has_word(&check.expression, &column.name));
    after
        .constraints
        .retain(|constraint| !constraint_mentions(constraint, &column.name));
    let lost: Vec<String> = ground
        .table
        .indexes
        .iter()
        .filter(|index| uses(index))
        .map(|index| format!("index {}", index.name))
        .collect();
    let kept: Vec<String> = ground
        .table
        .indexes
        .iter()
        .filter(|index| !uses(index) && !index.definition.is_empty())
        .map(|index| index.definition.clone())
        .collect();
    let remaining: Vec<String> = ground
        .table
        .columns
        .iter()
        .filter(|own| own.name != column.name && own.generated.is_none())
        .map(|own| ident(&own.name))
        .collect();
    let remaining = remaining.join(", ");
    let mut hazards = vec![
        Finding::new(
            "column-drop-loses-data",
            Severity::Critical,
            "DROP COLUMN loses its data, and breaks code that still names it",
        )
        .object(format!("{table}.{}", column.name))
        .remedy("stop using it in one release, drop it in a later one")
        .keeps(&["C5", "A3"])
        .catalogued(&["SL008"]),
    ];
    if !lost.is_empty() || in_constraint {
        hazards.push(
            Finding::new(
                "column-drop-takes-along",
                Severity::High,
                format!(
                    "ALTER TABLE refuses it: the column stands in {}",
                    if lost.is_empty() {
                        "a constraint".to_owned()
                    } else {
                        lost.join(", ")
                    }
                ),
            )
            .object(format!("{table}.{}", column.name))
            .remedy("the table is built anew without the column and what stands on it"),
        );
    }
    // Going back, rows need something where the column may not be empty.
    let filler = if column.nullable { "NULL" } else { "''" };
    let back = rebuild(
        ground,
        &original,
        &format!("{remaining}, {name}"),
        &format!(
            "{remaining}, {}",
            column.default.as_deref().unwrap_or(filler)
        ),
        &own_indexes(ground),
    );
    let up = if lost.is_empty() && !in_constraint {
        format!("ALTER TABLE {} DROP COLUMN {name}", ident(table))
    } else {
        rebuild(ground, &after, &remaining, &remaining, &kept)
    };
    Ok(Migration {
        title: format!("drop {table}.{}", column.name),
        phases: vec![
            Phase { name: "deprecate: the code stops reading and writing the column".to_owned(), deploy: Deploy::WithCode, steps: Vec::new() },
            Phase {
                name: "drop it, when nothing has used it for a release".to_owned(),
                deploy: Deploy::LaterRelease,
                steps: vec![
                    rebuild_step(ground, up, back)
                        .guard(format!("SELECT 1 WHERE NOT EXISTS ({})", has_column(table, &column.name, "")))
                        .note("down brings the column back without its data; that comes from the backup"),
                ],
            },
        ],
        hazards,
        reversible: Reversible::SchemaOnly,
        reversible_why: "the structure comes back, the data only from the backup".to_owned(),
        questions: Vec::new(),
    })
}

fn constraint_mentions(constraint: &TableConstraint, column: &str) -> bool {
    match constraint {
        TableConstraint::ForeignKey(key) => key
            .columns
            .iter()
            .any(|own| own.value.eq_ignore_ascii_case(column)),
        TableConstraint::Unique(unique) => unique
            .columns
            .iter()
            .any(|own| own.to_string().eq_ignore_ascii_case(column)),
        TableConstraint::PrimaryKey(key) => key
            .columns
            .iter()
            .any(|own| own.to_string().eq_ignore_ascii_case(column)),
        TableConstraint::Check(check) => has_word(&check.expr.to_string(), column),
        _ => false,
    }
}

fn drop_table(ground: &Ground<'_>) -> Migration {
    let table = &ground.table.name;
    let deprecated = format!("{table}_deprecated");
    let exists = |name: &str| {
        format!(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = {}",
            literal(name)
        )
    };
    let referencing: Vec<String> = ground
        .catalog
        .tables
        .iter()
        .filter(|other| {
            other.name != *table
                && other
                    .foreign_keys
                    .iter()
                    .any(|key| key.referenced_table == *table)
        })
        .map(|other| other.name.clone())
        .collect();
    let mut hazards = vec![
        Finding::new(
            "table-drop-loses-data",
            Severity::Critical,
            "DROP TABLE loses all its rows, and breaks code that still names it",
        )
        .object(table)
        .evidence("rows", ground.facts.shown_rows(), "", Source::WhatIf)
        .remedy("rename it away first, wait a release, drop it then, with a tested backup")
        .keeps(&["N1", "A3"]),
    ];
    if !referencing.is_empty() {
        hazards.push(
            Finding::new("table-is-referenced", Severity::Critical, format!("foreign keys of {} point at it", referencing.join(", ")))
                .object(table)
                .remedy("take these foreign keys away first, each with its own migration: with foreign_keys on, DROP TABLE deletes or blocks their rows"),
        );
    }
    let rename = |from: &str, to: &str| {
        format!(
            "PRAGMA legacy_alter_table = ON;\nALTER TABLE {} RENAME TO {};\nPRAGMA legacy_alter_table = OFF;",
            ident(from),
            ident(to)
        )
    };
    Migration {
        title: format!("drop {table}"),
        phases: vec![
            Phase {
                name: "rename it away, so that a forgotten user shows itself while nothing is lost".to_owned(),
                deploy: Deploy::AfterCode,
                steps: vec![
                    Step::new(rename(table, &deprecated), rename(&deprecated, table))
                        .guard(format!("SELECT 1 WHERE NOT EXISTS ({})", exists(table)))
                        .timeouts(BUSY)
                        .lock("EXCLUSIVE", FILE),
                ],
            },
            Phase {
                name: "drop it, when nobody missed it and the backup was tested".to_owned(),
                deploy: Deploy::LaterRelease,
                steps: vec![
                    Step::new(
                        format!("PRAGMA foreign_keys = OFF;\nDROP TABLE IF EXISTS {};\nPRAGMA foreign_keys = ON;", ident(&deprecated)),
                        format!("{}\n{}", ground.definition, rename(table, &deprecated)),
                    )
                    .guard(format!("SELECT 1 WHERE NOT EXISTS ({})", exists(&deprecated)))
                    .timeouts(BUSY)
                    .lock("EXCLUSIVE", FILE)
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
