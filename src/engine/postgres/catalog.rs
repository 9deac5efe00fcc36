//! Reads the catalog: one query for each kind of object.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Postgres;
use crate::catalog::{
    Catalog, Check, Column, ForeignKey, Generated, Identity, Index, IndexColumn, Key, Table,
    TableKind, Trigger,
};
use crate::error::Result;

const TABLES: &str = include_str!("tables.sql");
const COLUMNS: &str = include_str!("columns.sql");
const CONSTRAINTS: &str = include_str!("constraints.sql");
const INDEXES: &str = include_str!("indexes.sql");

impl Postgres {
    pub(in crate::engine) async fn catalog(&mut self) -> Result<Catalog> {
        let mut tables: HashMap<i64, Table> = HashMap::new();
        for row in self.rows(TABLES).await? {
            tables.insert(row.try_get("oid")?, table(&row)?);
        }
        for row in self.rows(COLUMNS).await? {
            if let Some(table) = tables.get_mut(&row.try_get("oid")?) {
                table.columns.push(column(&row)?);
            }
        }
        for row in self.rows(CONSTRAINTS).await? {
            if let Some(table) = tables.get_mut(&row.try_get("oid")?) {
                add_constraint(table, &row)?;
            }
        }
        for row in self.rows(INDEXES).await? {
            if let Some(table) = tables.get_mut(&row.try_get("oid")?) {
                table.indexes.push(index(&row)?);
            }
        }
        Ok(Catalog {
            default_schema: self.default_schema.clone(),
            tables: tables.into_values().collect(),
        })
    }
}

fn table(row: &PgRow) -> Result<Table> {
    let kind: String = row.try_get("kind")?;
    Ok(Table {
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        kind: match kind.as_str() {
            "p" => TableKind::Partitioned,
            "v" => TableKind::View,
            "m" => TableKind::MaterializedView,
            "f" => TableKind::Foreign,
            _ => TableKind::Table,
        },
        comment: row.try_get("comment")?,
        partitioned_by: row.try_get("partitioned_by")?,
        children: row.try_get("children")?,
        rows: row.try_get("rows")?,
        size_bytes: row.try_get("size_bytes")?,
        heap_bytes: row.try_get("heap_bytes")?,
        changed_rows: row.try_get("changed_rows")?,
        row_security: row.try_get("row_security")?,
        stats_age_s: row.try_get("stats_age_s")?,
        hot_update_share: row.try_get("hot_update_share")?,
        triggers: row
            .try_get::<Vec<String>, _>("trigger_names")?
            .into_iter()
            .zip(row.try_get::<Vec<String>, _>("trigger_definitions")?)
            .map(|(name, definition)| Trigger { name, definition })
            .collect(),
        ..Table::default()
    })
}

fn column(row: &PgRow) -> Result<Column> {
    let default: Option<String> = row.try_get("default_expression")?;
    let identity: String = row.try_get("identity")?;
    let generated: String = row.try_get("generated")?;
    let serial = default
        .as_ref()
        .is_some_and(|value| value.starts_with("nextval("));
    let (default, generated) = match generated.as_str() {
        "" => (default, None),
        kind => (
            None,
            default.map(|expression| Generated {
                expression,
                stored: kind == "s",
            }),
        ),
    };
    Ok(Column {
        name: row.try_get("name")?,
        data_type: row.try_get("data_type")?,
        nullable: row.try_get("nullable")?,
        default,
        identity: match identity.as_str() {
            "a" => Some(Identity::Always),
            "d" => Some(Identity::ByDefault),
            _ if serial => Some(Identity::Automatic),
            _ => None,
        },
        generated,
        comment: row.try_get("comment")?,
        collation: row.try_get("collation")?,
        extra: String::new(),
        width: row.try_get("width")?,
        distinct: row.try_get("distinct_values")?,
        nulls: row.try_get("nulls")?,
        correlation: row.try_get("correlation")?,
        histogram: None,
    })
}

fn add_constraint(table: &mut Table, row: &PgRow) -> Result<()> {
    let kind: String = row.try_get("kind")?;
    let name: String = row.try_get("name")?;
    let columns: Vec<String> = row.try_get("columns")?;
    let validated: bool = row.try_get("validated")?;
    match kind.as_str() {
        "p" => table.primary_key = Some(Key { name, columns }),
        "u" => table.unique.push(Key { name, columns }),
        "c" => table.checks.push(Check {
            name,
            expression: row.try_get("expression")?,
            validated,
        }),
        _ => table.foreign_keys.push(ForeignKey {
            name,
            columns,
            referenced_schema: row.try_get("referenced_schema")?,
            referenced_table: row.try_get("referenced_table")?,
            referenced_columns: row.try_get("referenced_columns")?,
            on_delete: action(&row.try_get::<String, _>("on_delete")?).to_owned(),
            on_update: action(&row.try_get::<String, _>("on_update")?).to_owned(),
            validated,
        }),
    }
    Ok(())
}

fn action(code: &str) -> &'static str {
    match code {
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        "r" => "RESTRICT",
        _ => "NO ACTION",
    }
}

fn index(row: &PgRow) -> Result<Index> {
    let names: Vec<String> = row.try_get("names")?;
    let expressions: Vec<bool> = row.try_get("expressions")?;
    let descending: Vec<bool> = row.try_get("descending")?;
    let included: Vec<bool> = row.try_get("included")?;
    let mut columns = Vec::new();
    let mut include = Vec::new();
    for (((name, expression), descending), included) in names
        .into_iter()
        .zip(expressions)
        .zip(descending)
        .zip(included)
    {
        if included {
            include.push(name);
        } else {
            columns.push(IndexColumn {
                name,
                expression,
                descending,
                prefix: None,
            });
        }
    }
    Ok(Index {
        name: row.try_get("name")?,
        method: row.try_get("method")?,
        unique: row.try_get("is_unique")?,
        primary: row.try_get("is_primary")?,
        valid: row.try_get("valid")?,
        columns,
        include,
        predicate: row.try_get("predicate")?,
        size_bytes: row.try_get("size_bytes")?,
        scans: row.try_get("scans")?,
        definition: row.try_get("definition")?,
    })
}
