//! What DDL wants, taken from the parsed statement. The wish is the same on every engine; how it is
//! carried out is the engine's business.

use sqlparser::ast::{
    self, AlterColumnOperation, AlterTableOperation, ColumnDef, ColumnOption, ObjectName,
    Statement, TableConstraint,
};

use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    pub name: String,
    pub data_type: String,
    pub nullable: bool,
    pub default: Option<String>,
    /// CHECK, COLLATE, COMMENT and the like, as written.
    pub rest: String,
    pub references: Option<NewForeignKey>,
    pub unique: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewForeignKey {
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub table: TableName,
    pub referenced: Vec<String>,
    pub on_delete: String,
    pub on_update: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewIndex {
    pub name: Option<String>,
    /// Keys as SQL: a column, an expression, each with its direction.
    pub keys: Vec<String>,
    /// Plain columns among the keys.
    pub columns: Vec<String>,
    pub unique: bool,
    pub method: String,
    pub include: Vec<String>,
    pub predicate: String,
    /// It was asked for in the way that lets writers go on.
    pub concurrently: bool,
    /// It was asked for as a constraint, and should be one where the engine tells them apart.
    pub constraint: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    AddColumn(NewColumn),
    AddIndex(NewIndex),
    SetNotNull { column: String },
    AddForeignKey(NewForeignKey),
    DropColumn { column: String },
    DropTable,
}

/// The name that an identifier means: engines differ in what they do to its case.
pub type NameOf<'a> = &'a dyn Fn(&ast::Ident) -> String;

/// What one can ask for, as an answer says it.
pub const SUPPORTED: &str =
    "ADD COLUMN, CREATE INDEX, SET NOT NULL, ADD FOREIGN KEY, DROP COLUMN, DROP TABLE";

impl Change {
    /// The changes in one statement, and the table they are about.
    pub fn from_ast(statement: &Statement, name_of: NameOf<'_>) -> Result<(TableName, Vec<Self>)> {
        match statement {
            Statement::AlterTable(alter) => {
                let mut changes = Vec::new();
                for operation in &alter.operations {
                    // How it is carried out is for the plan to say.
                    if matches!(
                        operation,
                        AlterTableOperation::Algorithm { .. } | AlterTableOperation::Lock { .. }
                    ) {
                        continue;
                    }
                    changes.push(from_operation(operation, name_of)?);
                }
                Ok((table_name(&alter.name, name_of), changes))
            }
            Statement::CreateIndex(index) => {
                let keys: Vec<String> = index.columns.iter().map(ToString::to_string).collect();
                let columns = index
                    .columns
                    .iter()
                    .filter_map(|key| plain_column(&key.column.expr, name_of))
                    .collect();
                let new = NewIndex {
                    name: index
                        .name
                        .as_ref()
                        .map(|name| table_name(name, name_of).name),
                    keys,
                    columns,
                    unique: index.unique,
                    method: index
                        .using
                        .as_ref()
                        .map(|using| using.to_string().to_lowercase())
                        .unwrap_or_default(),
                    include: index.include.iter().map(name_of).collect(),
                    concurrently: index.concurrently,
                    constraint: false,
                    predicate: index
                        .predicate
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                };
                Ok((
                    table_name(&index.table_name, name_of),
                    vec![Self::AddIndex(new)],
                ))
            }
            Statement::Drop {
                object_type: ast::ObjectType::Table,
                names,
                ..
            } => match names.as_slice() {
                [name] => Ok((table_name(name, name_of), vec![Self::DropTable])),
                _ => Err(Error::Refused {
                    reason: "DROP TABLE names several tables".to_owned(),
                    instead: "Give one table at a time, each with its own backup.".to_owned(),
                }),
            },
            other => Err(not_supported(&other.to_string())),
        }
    }
}

fn not_supported(text: &str) -> Error {
    Error::Unsupported {
        what: format!("a migration for \"{}\"", crate::answer::excerpt(text, 80)),
        why: "this kind of change is not planned by propose_migration".to_owned(),
        instead: format!("It plans {SUPPORTED}."),
    }
}

fn from_operation(operation: &AlterTableOperation, name_of: NameOf<'_>) -> Result<Change> {
    match operation {
        AlterTableOperation::AddColumn { column_def, .. } => {
            Ok(Change::AddColumn(new_column(column_def, name_of)))
        }
        AlterTableOperation::AlterColumn {
            column_name,
            op: AlterColumnOperation::SetNotNull,
        } => Ok(Change::SetNotNull {
            column: name_of(column_name),
        }),
        AlterTableOperation::ModifyColumn {
            col_name, options, ..
        } if options
            .iter()
            .any(|option| matches!(option, ColumnOption::NotNull)) =>
        {
            Ok(Change::SetNotNull {
                column: name_of(col_name),
            })
        }
        AlterTableOperation::AddConstraint {
            constraint: TableConstraint::ForeignKey(key),
            ..
        } => Ok(Change::AddForeignKey(foreign_key(key, &[], name_of))),
        AlterTableOperation::AddConstraint {
            constraint: TableConstraint::Index(index),
            ..
        } => Ok(Change::AddIndex(from_index_constraint(
            index.name.as_ref(),
            index
                .columns
                .iter()
                .map(|key| (key.to_string(), plain_column(&key.column.expr, name_of))),
            false,
            name_of,
        ))),
        AlterTableOperation::AddConstraint {
            constraint: TableConstraint::Unique(unique),
            ..
        } => Ok(Change::AddIndex(from_index_constraint(
            unique.index_name.as_ref().or(unique.name.as_ref()),
            unique
                .columns
                .iter()
                .map(|key| (key.to_string(), plain_column(&key.column.expr, name_of))),
            true,
            name_of,
        ))),
        AlterTableOperation::DropColumn { column_names, .. } => match column_names.as_slice() {
            [column] => Ok(Change::DropColumn {
                column: name_of(column),
            }),
            _ => Err(not_supported("DROP COLUMN of several columns at once")),
        },
        other => Err(not_supported(&other.to_string())),
    }
}

fn from_index_constraint(
    name: Option<&ast::Ident>,
    keys: impl Iterator<Item = (String, Option<String>)>,
    unique: bool,
    name_of: NameOf<'_>,
) -> NewIndex {
    let (keys, columns): (Vec<_>, Vec<_>) = keys.unzip();
    NewIndex {
        name: name.map(name_of),
        keys,
        columns: columns.into_iter().flatten().collect(),
        unique,
        method: String::new(),
        include: Vec::new(),
        predicate: String::new(),
        constraint: unique,
        ..NewIndex::default()
    }
}

fn new_column(definition: &ColumnDef, name_of: NameOf<'_>) -> NewColumn {
    let mut column = NewColumn {
        name: name_of(&definition.name),
        data_type: definition.data_type.to_string(),
        nullable: true,
        default: None,
        rest: String::new(),
        references: None,
        unique: false,
    };
    let mut rest = Vec::new();
    for option in &definition.options {
        match &option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => column.nullable = false,
            ColumnOption::Default(value) => column.default = Some(value.to_string()),
            ColumnOption::Unique(_) => column.unique = true,
            ColumnOption::ForeignKey(key) => {
                let own = [definition.name.clone()];
                column.references = Some(foreign_key(key, &own, name_of));
            }
            _ => rest.push(option.to_string()),
        }
    }
    column.rest = rest.join(" ");
    column
}

fn foreign_key(
    key: &ast::ForeignKeyConstraint,
    own: &[ast::Ident],
    name_of: NameOf<'_>,
) -> NewForeignKey {
    let names = |idents: &[ast::Ident]| idents.iter().map(name_of).collect::<Vec<_>>();
    NewForeignKey {
        name: key.name.as_ref().map(name_of),
        columns: names(if key.columns.is_empty() {
            own
        } else {
            &key.columns
        }),
        table: table_name(&key.foreign_table, name_of),
        referenced: names(&key.referred_columns),
        on_delete: key
            .on_delete
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        on_update: key
            .on_update
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

fn plain_column(expr: &ast::Expr, name_of: NameOf<'_>) -> Option<String> {
    match expr {
        ast::Expr::Identifier(ident) => Some(name_of(ident)),
        _ => None,
    }
}

fn table_name(name: &ObjectName, name_of: NameOf<'_>) -> TableName {
    let mut parts: Vec<String> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident().map(name_of))
        .collect();
    let name = parts.pop().unwrap_or_default();
    TableName {
        schema: parts.pop(),
        name,
    }
}

impl NewColumn {
    /// Whether the default gives another value for each row, so that adding it rewrites the table.
    pub fn default_is_volatile(&self) -> bool {
        const VOLATILE: &[&str] = &[
            "random",
            "uuid",
            "clock_timestamp",
            "nextval",
            "timeofday",
            "gen_random",
            "rand(",
            "newid",
        ];
        self.default.as_ref().is_some_and(|value| {
            VOLATILE
                .iter()
                .any(|word| value.to_lowercase().contains(word))
        }) || self.data_type.to_lowercase().contains("serial")
    }
}

impl NewIndex {
    /// The given name, or one made of the table and the columns.
    pub fn name_for(&self, table: &str) -> String {
        self.name.clone().unwrap_or_else(|| {
            let columns = if self.columns.is_empty() {
                "expr".to_owned()
            } else {
                self.columns.join("_")
            };
            let mut name = format!(
                "{table}_{columns}_{}",
                if self.unique { "key" } else { "idx" }
            );
            // PostgreSQL cuts names at 63 bytes, MySQL refuses more than 64.
            while name.len() > 60 {
                name.pop();
            }
            name
        })
    }
}

impl NewForeignKey {
    pub fn name_for(&self, table: &str) -> String {
        self.name.clone().unwrap_or_else(|| {
            let mut name = format!("{table}_{}_fkey", self.columns.join("_"));
            while name.len() > 60 {
                name.pop();
            }
            name
        })
    }
}
