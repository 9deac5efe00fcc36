//! Reads the catalog: one query for each kind of object.

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::{Flavor, MySql};
use crate::catalog::{
    Catalog, Check, Column, ForeignKey, Generated, Identity, Index, IndexColumn, Key, Table,
    TableKind, Trigger,
};
use crate::error::Result;
use crate::statement::Dialect;

const TABLES: &str = include_str!("tables.sql");
const PARTITIONS: &str = include_str!("partitions.sql");
const TRIGGERS: &str = include_str!("triggers.sql");
const COLUMNS: &str = include_str!("columns.sql");
const FOREIGN_KEYS: &str = include_str!("foreign_keys.sql");
const CHECKS: &str = include_str!("checks.sql");
const CHECKS_MARIADB: &str = include_str!("checks_mariadb.sql");
const INDEXES: &str = include_str!("indexes.sql");
const INDEXES_MARIADB: &str = include_str!("indexes_mariadb.sql");
const STATS_AGE: &str = include_str!("stats_age.sql");
const INDEX_SIZES: &str = include_str!("index_sizes.sql");
const HISTOGRAMS: &str = include_str!("histograms.sql");
const HISTOGRAMS_MARIADB: &str = include_str!("histograms_mariadb.sql");

/// Schema and name.
type Place = (String, String);

impl MySql {
    pub(in crate::engine) async fn catalog(&mut self) -> Result<Catalog> {
        let mut tables: HashMap<Place, Table> = HashMap::new();
        let mut collations: HashMap<Place, String> = HashMap::new();
        for row in self.rows(TABLES).await? {
            let place = place(&row)?;
            collations.insert(place.clone(), row.try_get("collation_name")?);
            tables.insert(place, table(&row)?);
        }
        for row in self.rows(COLUMNS).await? {
            let place = place(&row)?;
            let own = collations.get(&place).map_or("", String::as_str);
            if let Some(table) = tables.get_mut(&place) {
                table.columns.push(column(&row, own, self.flavor)?);
            }
        }
        for row in self.rows(PARTITIONS).await? {
            if let Some(table) = tables.get_mut(&place(&row)?) {
                add_partition(table, &row)?;
            }
        }
        for row in self.rows(TRIGGERS).await? {
            if let Some(table) = tables.get_mut(&place(&row)?) {
                table.triggers.push(Trigger {
                    name: row.try_get("name")?,
                    definition: row.try_get("definition")?,
                });
            }
        }
        for row in self.rows(FOREIGN_KEYS).await? {
            if let Some(table) = tables.get_mut(&place(&row)?) {
                add_foreign_key(table, &row)?;
            }
        }
        let checks = if self.flavor == Flavor::MariaDb {
            CHECKS_MARIADB
        } else {
            CHECKS
        };
        for row in self.rows(checks).await? {
            if let Some(table) = tables.get_mut(&place(&row)?) {
                let expression: String = row.try_get("expression")?;
                table.checks.push(Check {
                    name: row.try_get("name")?,
                    expression: if self.flavor == Flavor::MySql {
                        unescaped(&expression)
                    } else {
                        expression
                    },
                    validated: row.try_get::<String, _>("enforced")? == "YES",
                });
            }
        }
        let indexes = if self.flavor == Flavor::MariaDb {
            INDEXES_MARIADB
        } else {
            INDEXES
        };
        for row in self.rows(indexes).await? {
            if let Some(table) = tables.get_mut(&place(&row)?) {
                add_index(table, &row)?;
            }
        }
        for row in self.rows_if_allowed(STATS_AGE).await?.unwrap_or_default() {
            if let Some(table) = tables.get_mut(&place(&row)?) {
                table.stats_age_s = row.try_get("age_s")?;
            }
        }
        for row in self.rows_if_allowed(INDEX_SIZES).await?.unwrap_or_default() {
            let name: String = row.try_get("name")?;
            if let Some(table) = tables.get_mut(&place(&row)?)
                && let Some(index) = table.indexes.iter_mut().find(|index| index.name == name)
            {
                index.size_bytes = row.try_get("size_bytes")?;
            }
        }
        self.add_histograms(&mut tables).await?;
        for table in tables.values_mut() {
            finish(table);
        }
        if !self.default_schema.is_empty() {
            keep_own(&mut tables, &self.default_schema);
        }
        Ok(Catalog {
            default_schema: self.default_schema.clone(),
            tables: tables.into_values().collect(),
        })
    }
}

impl MySql {
    /// Which columns have a histogram, where that may be seen.
    async fn add_histograms(&mut self, tables: &mut HashMap<Place, Table>) -> Result<()> {
        let histograms = match self.flavor {
            Flavor::MySql => HISTOGRAMS,
            Flavor::MariaDb => HISTOGRAMS_MARIADB,
        };
        let Some(rows) = self.rows_if_allowed(histograms).await? else {
            return Ok(());
        };
        for column in tables.values_mut().flat_map(|table| &mut table.columns) {
            column.histogram = Some(false);
        }
        for row in rows {
            let name: String = row.try_get("name")?;
            let table = tables.get_mut(&place(&row)?);
            let mut columns = table.into_iter().flat_map(|table| &mut table.columns);
            if let Some(column) = columns.find(|column| column.name == name) {
                column.histogram = Some(true);
            }
        }
        Ok(())
    }
}

/// The database that the URL names, and the tables elsewhere that its foreign keys lead to: a server may
/// hold hundreds of others.
fn keep_own(tables: &mut HashMap<Place, Table>, own: &str) {
    let referenced: Vec<(String, String)> = tables
        .values()
        .filter(|table| table.schema == own)
        .flat_map(|table| &table.foreign_keys)
        .map(|key| (key.referenced_schema.clone(), key.referenced_table.clone()))
        .collect();
    tables.retain(|_, table| {
        table.schema == own
            || referenced
                .iter()
                .any(|(schema, name)| *schema == table.schema && *name == table.name)
    });
}

fn place(row: &MySqlRow) -> Result<Place> {
    Ok((row.try_get("table_schema")?, row.try_get("table_name")?))
}

fn table(row: &MySqlRow) -> Result<Table> {
    let kind: String = row.try_get("kind")?;
    Ok(Table {
        schema: row.try_get("table_schema")?,
        name: row.try_get("table_name")?,
        kind: if kind == "VIEW" {
            TableKind::View
        } else {
            TableKind::Table
        },
        comment: row.try_get("comment")?,
        rows: row.try_get("row_count")?,
        size_bytes: row.try_get("size_bytes")?,
        ..Table::default()
    })
}

fn column(row: &MySqlRow, table_collation: &str, flavor: Flavor) -> Result<Column> {
    let extra: String = row.try_get("extra")?;
    let lower = extra.to_lowercase();
    let generation: String = row.try_get("generation")?;
    let default: Option<String> = row.try_get("default_value")?;
    let data_type: String = row.try_get("data_type")?;
    let collation: String = row.try_get("collation_name")?;
    let generated = (!generation.is_empty()).then(|| Generated {
        expression: if flavor == Flavor::MySql {
            unescaped(&generation)
        } else {
            generation
        },
        stored: lower.contains("stored") || lower.contains("persistent"),
    });
    Ok(Column {
        name: row.try_get("name")?,
        data_type: row.try_get("column_type")?,
        nullable: row.try_get::<String, _>("nullable")? == "YES",
        default: match flavor {
            _ if generated.is_some() => None,
            // It writes the default as SQL, and NULL where there is none.
            Flavor::MariaDb => default.filter(|value| value != "NULL"),
            Flavor::MySql => default
                .map(|value| default_sql(&value, &data_type, lower.contains("default_generated"))),
        },
        identity: lower
            .contains("auto_increment")
            .then_some(Identity::Automatic),
        generated,
        comment: row.try_get("comment")?,
        collation: if collation == table_collation {
            String::new()
        } else {
            collation
        },
        extra: extra_ddl(&extra),
        ..Column::default()
    })
}

/// `MySQL` keeps a literal bare, and an expression with its quotes escaped.
fn default_sql(value: &str, data_type: &str, expression: bool) -> String {
    const BARE: &[&str] = &[
        "bigint",
        "bit",
        "decimal",
        "double",
        "float",
        "int",
        "mediumint",
        "numeric",
        "smallint",
        "tinyint",
        "year",
    ];
    if expression {
        let plain = unescaped(value);
        return if plain.to_uppercase().starts_with("CURRENT_TIMESTAMP") {
            plain
        } else {
            format!("({plain})")
        };
    }
    let binary = data_type.contains("binary") && value.starts_with("0x");
    if BARE.contains(&data_type) || binary {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// `_utf8mb4\'x\'` as the expression was written.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            plain.extend(characters.next());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// What of EXTRA belongs into the column's definition and stands in no other field.
fn extra_ddl(extra: &str) -> String {
    let mut words = Vec::new();
    if let Some(start) = extra.to_lowercase().find("on update ") {
        let rest = extra.get(start + "on update ".len()..).unwrap_or_default();
        let action = rest.split([' ', ',']).next().unwrap_or_default();
        words.push(format!("ON UPDATE {}", action.to_uppercase()));
    }
    if extra
        .split([' ', ','])
        .any(|word| word.eq_ignore_ascii_case("INVISIBLE"))
    {
        words.push("INVISIBLE".to_owned());
    }
    words.join(" ")
}

fn add_partition(table: &mut Table, row: &MySqlRow) -> Result<()> {
    table.kind = TableKind::Partitioned;
    table.partitioned_by = format!(
        "{} ({})",
        row.try_get::<String, _>("method")?,
        row.try_get::<String, _>("expression")?.replace('`', "")
    );
    table.children.push(row.try_get("name")?);
    Ok(())
}

/// Rows come in order of the columns, so a key that is known only grows.
fn add_foreign_key(table: &mut Table, row: &MySqlRow) -> Result<()> {
    let name: String = row.try_get("name")?;
    if table
        .foreign_keys
        .last()
        .is_none_or(|last| last.name != name)
    {
        table.foreign_keys.push(ForeignKey {
            name,
            referenced_schema: row.try_get("referenced_schema")?,
            referenced_table: row.try_get("referenced_table")?,
            on_delete: row.try_get("on_delete")?,
            on_update: row.try_get("on_update")?,
            validated: true,
            ..ForeignKey::default()
        });
    }
    if let Some(key) = table.foreign_keys.last_mut() {
        key.columns.push(row.try_get("column_name")?);
        key.referenced_columns
            .push(row.try_get("referenced_column")?);
    }
    Ok(())
}

fn add_index(table: &mut Table, row: &MySqlRow) -> Result<()> {
    let name: String = row.try_get("name")?;
    if table.indexes.last().is_none_or(|last| last.name != name) {
        table.indexes.push(Index {
            primary: name == "PRIMARY",
            method: row.try_get::<String, _>("method")?.to_lowercase(),
            unique: row.try_get::<i64, _>("non_unique")? == 0,
            valid: row.try_get::<String, _>("usable")? == "YES",
            name,
            ..Index::default()
        });
    }
    let expression: Option<String> = row.try_get("expression")?;
    let column: Option<String> = row.try_get("column_name")?;
    if let Some(index) = table.indexes.last_mut() {
        // A full-text index counts its columns' words, not prefixes of them.
        let prefix = if index.method == "btree" {
            row.try_get("prefix")?
        } else {
            None
        };
        index.columns.push(IndexColumn {
            expression: expression.is_some(),
            name: column
                .or(expression.map(|text| unescaped(&text)))
                .unwrap_or_default(),
            descending: row.try_get::<Option<String>, _>("direction")?.as_deref() == Some("D"),
            prefix,
        });
    }
    Ok(())
}

/// Keys are unique indexes over whole columns; definitions are written once all is known.
fn finish(table: &mut Table) {
    if table.kind == TableKind::Partitioned {
        let _ = write!(
            table.partitioned_by,
            ", {} partitions",
            table.children.len()
        );
    }
    let name = Dialect::MySql.table(&table.schema, &table.name, "");
    for index in &mut table.indexes {
        index.definition = index_definition(&name, index);
        let whole = index
            .columns
            .iter()
            .all(|column| !column.expression && column.prefix.is_none());
        if index.unique && whole {
            let key = Key {
                name: index.name.clone(),
                columns: index
                    .columns
                    .iter()
                    .map(|column| column.name.clone())
                    .collect(),
            };
            if index.primary {
                table.primary_key = Some(key);
            } else {
                table.unique.push(key);
            }
        }
    }
}

pub(super) fn index_definition(table: &str, index: &Index) -> String {
    let keys: Vec<String> = index.columns.iter().map(index_key).collect();
    if index.primary {
        return format!("ALTER TABLE {table} ADD PRIMARY KEY ({})", keys.join(", "));
    }
    let kind = match index.method.as_str() {
        "fulltext" => "FULLTEXT ",
        "spatial" | "rtree" => "SPATIAL ",
        _ if index.unique => "UNIQUE ",
        _ => "",
    };
    format!(
        "CREATE {kind}INDEX {} ON {table} ({})",
        Dialect::MySql.identifier(&index.name),
        keys.join(", ")
    )
}

pub(super) fn index_key(column: &IndexColumn) -> String {
    let mut key = if column.expression {
        format!("({})", column.name)
    } else {
        Dialect::MySql.identifier(&column.name)
    };
    if let Some(prefix) = column.prefix {
        let _ = write!(key, "({prefix})");
    }
    if column.descending {
        key.push_str(" DESC");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_reads_as_one_would_write_it() {
        assert_eq!(default_sql("it's", "varchar", false), "'it''s'");
        assert_eq!(default_sql("1.50", "decimal", false), "1.50");
        assert_eq!(default_sql("b'101'", "bit", false), "b'101'");
        assert_eq!(
            default_sql("CURRENT_TIMESTAMP(6)", "datetime", true),
            "CURRENT_TIMESTAMP(6)"
        );
        assert_eq!(
            default_sql(r"concat(_utf8mb4\'a\',uuid())", "varchar", true),
            "(concat(_utf8mb4'a',uuid()))"
        );
    }

    #[test]
    fn of_extra_only_ddl_is_kept() {
        assert_eq!(
            extra_ddl("DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)"),
            "ON UPDATE CURRENT_TIMESTAMP(3)"
        );
        assert_eq!(
            extra_ddl("on update current_timestamp()"),
            "ON UPDATE CURRENT_TIMESTAMP()"
        );
        assert_eq!(extra_ddl("auto_increment INVISIBLE"), "INVISIBLE");
        assert_eq!(extra_ddl("STORED GENERATED"), "");
    }
}
