//! Reads the catalog: one query for each kind of object. Checks, names of constraints and generated
//! expressions stand only in the text of `CREATE TABLE`, and are taken from there.

use std::collections::BTreeMap;

use sqlparser::ast::{ColumnOption, CreateTable, Statement, TableConstraint};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::Sqlite;
use crate::catalog::{
    Catalog, Check, Column, ForeignKey, Generated, Identity, Index, IndexColumn, Key, Table,
    TableKind, Trigger,
};
use crate::error::Result;
use crate::statement::{Dialect, parse_one};

const TABLES: &str = include_str!("tables.sql");
const COLUMNS: &str = include_str!("columns.sql");
const FOREIGN_KEYS: &str = include_str!("foreign_keys.sql");
const TRIGGERS: &str =
    "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";
const INDEXES: &str = include_str!("indexes.sql");

/// A compound SELECT may have 500 parts.
const COMPOUND: usize = 400;
/// Reading the sizes of tables reads the whole file; up to here it is worth it.
const SIZES_UP_TO: i64 = 64 * 1024 * 1024;

impl Sqlite {
    pub(in crate::engine) async fn catalog(&mut self) -> Result<Catalog> {
        let mut catalog = read(&mut self.connection).await?;
        add_rows(&mut self.connection, &mut catalog).await?;
        add_sizes(&mut self.connection, &mut catalog).await?;
        Ok(catalog)
    }
}

/// Structure only; a scratch database is read with it too.
pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Catalog> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in sqlx::query(TABLES).fetch_all(&mut *connection).await? {
        let kind: String = row.try_get("kind")?;
        let name: String = row.try_get("name")?;
        let table = Table {
            name: name.clone(),
            kind: match kind.as_str() {
                "view" => TableKind::View,
                "virtual" => TableKind::Virtual,
                _ => TableKind::Table,
            },
            definition: row.try_get("definition")?,
            ..Table::default()
        };
        tables.insert(name, table);
    }
    add_columns(connection, &mut tables).await?;
    for row in sqlx::query(TRIGGERS).fetch_all(&mut *connection).await? {
        if let Some(table) = tables.get_mut(&row.try_get::<String, _>("tbl_name")?) {
            table.triggers.push(Trigger {
                name: row.try_get("name")?,
                definition: row.try_get("sql")?,
            });
        }
    }
    add_foreign_keys(connection, &mut tables).await?;
    add_indexes(connection, &mut tables).await?;
    for table in tables.values_mut() {
        if let Some(definition) = definition(table) {
            add_from_definition(table, &definition);
        }
    }
    Ok(Catalog {
        default_schema: String::new(),
        tables: tables.into_values().collect(),
    })
}

/// The parsed `CREATE TABLE`, if the parser knows all of it.
pub(super) fn definition(table: &Table) -> Option<CreateTable> {
    match parse_one(&table.definition, Dialect::Sqlite) {
        Ok(Statement::CreateTable(create)) => Some(create),
        _ => None,
    }
}

async fn add_columns(
    connection: &mut SqliteConnection,
    tables: &mut BTreeMap<String, Table>,
) -> Result<()> {
    let mut keys: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
    for row in sqlx::query(COLUMNS).fetch_all(&mut *connection).await? {
        let table_name: String = row.try_get("table_name")?;
        let name: String = row.try_get("name")?;
        let hidden: i64 = row.try_get("hidden")?;
        let position: i64 = row.try_get("key_position")?;
        if position > 0 {
            keys.entry(table_name.clone())
                .or_default()
                .insert(position, name.clone());
        }
        if let Some(table) = tables.get_mut(&table_name) {
            table.columns.push(Column {
                name,
                data_type: row.try_get("data_type")?,
                nullable: row.try_get::<i64, _>("not_null")? == 0,
                default: row.try_get("default_value")?,
                generated: (hidden > 1).then(|| Generated {
                    expression: String::new(),
                    stored: hidden == 3,
                }),
                ..Column::default()
            });
        }
    }
    for view in tables
        .values_mut()
        .filter(|table| table.kind == TableKind::View)
    {
        let rows = sqlx::query("SELECT name, type FROM pragma_table_xinfo(?1) ORDER BY cid")
            .bind(view.name.clone())
            .fetch_all(&mut *connection)
            .await;
        // A view over what is gone has no columns to tell.
        for row in rows.unwrap_or_default() {
            view.columns.push(Column {
                name: row.try_get("name")?,
                data_type: row.try_get("type")?,
                nullable: true,
                ..Column::default()
            });
        }
    }
    for (table_name, columns) in keys {
        let Some(table) = tables.get_mut(&table_name) else {
            continue;
        };
        let columns: Vec<String> = columns.into_values().collect();
        // A lone INTEGER PRIMARY KEY is the rowid itself: never NULL, given by itself, and its own index.
        if let [only] = columns.as_slice()
            && let Some(column) = table.columns.iter_mut().find(|column| &column.name == only)
            && column.data_type.eq_ignore_ascii_case("integer")
        {
            column.nullable = false;
            column.identity = Some(Identity::Automatic);
            table.indexes.push(Index {
                name: "rowid".to_owned(),
                method: "btree".to_owned(),
                unique: true,
                primary: true,
                valid: true,
                columns: vec![IndexColumn {
                    name: only.clone(),
                    ..IndexColumn::default()
                }],
                ..Index::default()
            });
        }
        table.primary_key = Some(Key {
            name: String::new(),
            columns,
        });
    }
    Ok(())
}

async fn add_foreign_keys(
    connection: &mut SqliteConnection,
    tables: &mut BTreeMap<String, Table>,
) -> Result<()> {
    let mut keys: BTreeMap<(String, i64), ForeignKey> = BTreeMap::new();
    for row in sqlx::query(FOREIGN_KEYS).fetch_all(connection).await? {
        let key = keys
            .entry((row.try_get("table_name")?, row.try_get("id")?))
            .or_default();
        key.referenced_table = row.try_get("referenced_table")?;
        key.on_delete = row.try_get("on_delete")?;
        key.on_update = row.try_get("on_update")?;
        key.validated = true;
        key.columns.push(row.try_get("column_name")?);
        if let Some(column) = row.try_get::<Option<String>, _>("referenced_column")? {
            key.referenced_columns.push(column);
        }
    }
    for ((table_name, _), mut key) in keys {
        let parent = tables
            .values()
            .find(|table| table.name.eq_ignore_ascii_case(&key.referenced_table));
        if let Some(parent) = parent {
            key.referenced_table.clone_from(&parent.name);
            if key.referenced_columns.is_empty() {
                key.referenced_columns = parent
                    .primary_key
                    .as_ref()
                    .map(|key| key.columns.clone())
                    .unwrap_or_default();
            }
        }
        if let Some(table) = tables.get_mut(&table_name) {
            table.foreign_keys.push(key);
        }
    }
    Ok(())
}

async fn add_indexes(
    connection: &mut SqliteConnection,
    tables: &mut BTreeMap<String, Table>,
) -> Result<()> {
    let mut indexes: BTreeMap<(String, String), (String, Index)> = BTreeMap::new();
    for row in sqlx::query(INDEXES).fetch_all(connection).await? {
        let definition: String = row.try_get("definition")?;
        let name: String = row.try_get("name")?;
        let partial: i64 = row.try_get("partial")?;
        let parsed = parse_one(&definition, Dialect::Sqlite).ok();
        let created = match &parsed {
            Some(Statement::CreateIndex(created)) => Some(created),
            _ => None,
        };
        let (_, index) = indexes
            .entry((row.try_get("table_name")?, name.clone()))
            .or_insert_with(|| {
                (
                    row.try_get("origin").unwrap_or_default(),
                    Index {
                        name,
                        method: "btree".to_owned(),
                        valid: true,
                        predicate: created
                            .and_then(|created| created.predicate.as_ref().map(ToString::to_string))
                            .unwrap_or_else(|| {
                                if partial == 1 {
                                    after_where(&definition)
                                } else {
                                    String::new()
                                }
                            }),
                        definition: definition.clone(),
                        ..Index::default()
                    },
                )
            });
        index.unique = row.try_get::<i64, _>("is_unique")? == 1;
        let position = index.columns.len();
        let name: Option<String> = row.try_get("column_name")?;
        let expression = name.is_none();
        index.columns.push(IndexColumn {
            name: name.unwrap_or_else(|| {
                created
                    .and_then(|created| created.columns.get(position))
                    .map_or_else(
                        || "expression".to_owned(),
                        |key| key.column.expr.to_string(),
                    )
            }),
            expression,
            descending: row.try_get::<i64, _>("descending")? == 1,
            prefix: None,
        });
    }
    for ((table_name, _), (origin, mut index)) in indexes {
        let Some(table) = tables.get_mut(&table_name) else {
            continue;
        };
        index.primary = origin == "pk";
        if origin == "u" {
            table.unique.push(Key {
                name: String::new(),
                columns: index
                    .columns
                    .iter()
                    .map(|column| column.name.clone())
                    .collect(),
            });
        }
        table.indexes.push(index);
    }
    Ok(())
}

fn after_where(definition: &str) -> String {
    let at = definition.to_ascii_uppercase().rfind(" WHERE ");
    at.and_then(|at| definition.get(at + 7..))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn add_from_definition(table: &mut Table, create: &CreateTable) {
    let mut names: Vec<(Vec<String>, String)> = Vec::new();
    for column in &create.columns {
        for option in &column.options {
            let name = option
                .name
                .as_ref()
                .map(|ident| ident.value.clone())
                .unwrap_or_default();
            match &option.option {
                ColumnOption::Check(check) => table.checks.push(Check {
                    name,
                    expression: check.expr.to_string(),
                    validated: true,
                }),
                ColumnOption::Generated {
                    generation_expr: Some(expression),
                    ..
                } => {
                    let own = table
                        .columns
                        .iter_mut()
                        .find(|own| own.name.eq_ignore_ascii_case(&column.name.value));
                    if let Some(generated) = own.and_then(|own| own.generated.as_mut()) {
                        generated.expression = expression.to_string();
                    }
                }
                ColumnOption::Collation(collation) => {
                    let own = table
                        .columns
                        .iter_mut()
                        .find(|own| own.name.eq_ignore_ascii_case(&column.name.value));
                    if let Some(own) = own {
                        own.collation = collation.to_string();
                    }
                }
                ColumnOption::ForeignKey(_) => names.push((vec![column.name.value.clone()], name)),
                _ => {}
            }
        }
    }
    for constraint in &create.constraints {
        match constraint {
            TableConstraint::Check(check) => table.checks.push(Check {
                name: check
                    .name
                    .as_ref()
                    .map(|ident| ident.value.clone())
                    .unwrap_or_default(),
                expression: check.expr.to_string(),
                validated: true,
            }),
            TableConstraint::ForeignKey(key) => names.push((
                key.columns
                    .iter()
                    .map(|ident| ident.value.clone())
                    .collect(),
                key.name
                    .as_ref()
                    .map(|ident| ident.value.clone())
                    .unwrap_or_default(),
            )),
            _ => {}
        }
    }
    for key in &mut table.foreign_keys {
        if let Some((_, name)) = names.iter().find(|(columns, _)| *columns == key.columns) {
            key.name.clone_from(name);
        }
    }
}

/// So many times more rows than statistics tell of.
const STALE: i64 = 10;

/// From ANALYZE's statistics, else the greatest rowid, which is at least as many as there are rows.
async fn add_rows(connection: &mut SqliteConnection, catalog: &mut Catalog) -> Result<()> {
    let analyzed: Option<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE name = 'sqlite_stat1'")
            .fetch_optional(&mut *connection)
            .await?;
    let mut known: BTreeMap<String, i64> = BTreeMap::new();
    if analyzed.is_some() {
        let rows = sqlx::query(
            "SELECT tbl, max(CAST(stat AS INTEGER)) AS row_count FROM sqlite_stat1 GROUP BY tbl",
        );
        for row in rows.fetch_all(&mut *connection).await? {
            known.insert(row.try_get("tbl")?, row.try_get("row_count")?);
        }
    }
    let open: Vec<String> = catalog
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::Table)
        .filter(|table| {
            !table
                .definition
                .to_ascii_uppercase()
                .contains("WITHOUT ROWID")
        })
        .map(|table| table.name.clone())
        .collect();
    let mut greatest: BTreeMap<String, i64> = BTreeMap::new();
    for names in open.chunks(COMPOUND) {
        let parts: Vec<String> = names
            .iter()
            .map(|name| {
                format!(
                    "SELECT '{}' AS name, max(_rowid_) AS row_count FROM {}",
                    name.replace('\'', "''"),
                    Dialect::Sqlite.identifier(name)
                )
            })
            .collect();
        // A table may have a column of its own that is called _rowid_: then there is no estimate.
        let rows = sqlx::query(AssertSqlSafe(parts.join(" UNION ALL ")))
            .fetch_all(&mut *connection)
            .await;
        for row in rows.unwrap_or_default() {
            let count = row
                .try_get::<Option<i64>, _>("row_count")
                .ok()
                .flatten()
                .unwrap_or(0);
            greatest.insert(row.try_get("name")?, count);
        }
    }
    for table in &mut catalog.tables {
        let (gathered, now) = (known.get(&table.name), greatest.get(&table.name));
        table.rows = gathered.or(now).copied();
        // Rowids have gaps: only a great difference says that there are other rows than when statistics were gathered.
        table.changed_rows = now.and_then(|now| match gathered {
            None => Some(*now),
            Some(rows) => (*now / STALE >= (*rows).max(1)).then_some(now - rows),
        });
    }
    Ok(())
}

async fn add_sizes(connection: &mut SqliteConnection, catalog: &mut Catalog) -> Result<()> {
    let size: i64 = sqlx::query_scalar(
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    )
    .fetch_one(&mut *connection)
    .await?;
    if size > SIZES_UP_TO {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT s.tbl_name AS table_name, s.name AS name, s.type AS kind, d.pgsize AS size FROM dbstat d JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE",
    )
    .fetch_all(connection)
    .await;
    // A build without dbstat has no sizes.
    for row in rows.unwrap_or_default() {
        let table_name: String = row.try_get("table_name")?;
        let name: String = row.try_get("name")?;
        let size: i64 = row.try_get("size")?;
        if let Some(table) = catalog
            .tables
            .iter_mut()
            .find(|table| table.name == table_name)
        {
            *table.size_bytes.get_or_insert(0) += size;
            if let Some(index) = table.indexes.iter_mut().find(|index| index.name == name) {
                index.size_bytes = Some(size);
            }
        }
    }
    Ok(())
}
