//! Tables and how they refer to each other: the diagram as data. Its drawings are below.

mod card;
mod layout;
mod links;
pub mod mermaid;
mod picture;
mod route;
#[cfg(test)]
mod sample;
pub mod text;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Catalog, Column, ForeignKey, Table};
use links::Links;

/// An entity-relationship diagram. Tables are sorted by schema and name, relationships by their
/// referencing table and columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Erd {
    pub tables: Vec<ErdTable>,
    pub relationships: Vec<Relationship>,
    pub many_to_many: Vec<ManyToMany>,
    /// How many foreign keys lead between a table that is shown and one that is not.
    #[serde(skip)]
    pub cut: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ErdTable {
    pub schema: String,
    pub name: String,
    /// In the table's own order.
    pub columns: Vec<ErdColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ErdColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: String,
    pub nullable: bool,
    #[serde(skip_serializing_if = "Mark::is_none")]
    pub key: Mark,
}

/// The part that a column plays in the keys of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum Mark {
    #[serde(rename = "")]
    None,
    /// In the primary key.
    #[serde(rename = "PK")]
    Primary,
    /// In a foreign key.
    #[serde(rename = "FK")]
    Foreign,
    /// In the primary key and in a foreign key.
    #[serde(rename = "PF")]
    PrimaryForeign,
    /// Unique by itself.
    #[serde(rename = "UQ")]
    Unique,
}

/// One foreign key, however many columns it has.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the answer by itself"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Relationship {
    /// The referencing end.
    pub from: End,
    /// The referenced end.
    pub to: End,
    pub cardinality: Cardinality,
    /// Whether a referencing column may be NULL, so that a row need not refer to any.
    pub optional: bool,
    /// Whether the table refers to itself.
    #[serde(rename = "self")]
    pub is_self: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_delete: String,
    /// Whether an index finds the referencing rows.
    pub indexed: bool,
    /// Whether it was guessed rather than declared.
    pub inferred: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct End {
    pub schema: String,
    pub table: String,
    pub columns: Vec<String>,
}

/// How many referencing rows there can be for one referenced row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum Cardinality {
    #[serde(rename = "1:1")]
    OneToOne,
    #[serde(rename = "N:1")]
    ManyToOne,
}

/// Two tables that a third one links row by row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ManyToMany {
    pub through: String,
    pub between: [String; 2],
}

/// Which tables to draw. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of schemas; empty for all.
    pub schemas: Vec<String>,
    /// Patterns with `*` and `?` for `name` or `schema.name`; empty for all.
    pub include: Vec<String>,
    /// The same; what it names is left out even when included.
    pub exclude: Vec<String>,
    /// A table to draw with its neighbourhood only, as `name` or `schema.name`; empty for none.
    pub focus: String,
    /// How many steps to go from the focus to the tables that it refers to.
    pub parents: usize,
    /// How many steps to go from the focus to the tables that refer to it.
    pub children: usize,
}

impl Selection {
    /// The table in focus; none when it is not set or there is no such table.
    pub fn focused<'a>(&self, catalog: &'a Catalog) -> Option<&'a Table> {
        if self.focus.is_empty() {
            return None;
        }
        let qualified = || {
            let (schema, name) = self.focus.split_once('.')?;
            catalog.find(Some(schema), name)
        };
        catalog
            .find(None, &self.focus)
            .or_else(qualified)
            .filter(|table| table.kind.is_entity())
    }

    fn admits(&self, table: &Table) -> bool {
        let qualified = table.qualified();
        let any = |patterns: &[String]| {
            patterns
                .iter()
                .any(|p| matches(p, &table.name) || matches(p, &qualified))
        };
        (self.schemas.is_empty()
            || self
                .schemas
                .iter()
                .any(|schema| schema.eq_ignore_ascii_case(&table.schema)))
            && (self.include.is_empty() || any(&self.include))
            && !any(&self.exclude)
    }
}

impl Erd {
    /// The diagram of the selected tables. An unknown focus selects nothing.
    pub fn new(catalog: &Catalog, selection: &Selection) -> Self {
        let links = Links::new(catalog);
        let shown = shown(catalog, selection, &links);
        let mut erd = Self::default();
        for (position, table) in links.tables.iter().enumerate() {
            if shown.contains(&position) {
                erd.tables.push(entity(table));
                erd.many_to_many
                    .extend(links.many_to_many(position, catalog, &shown));
            }
        }
        for link in &links.all {
            let parent = link.parent.filter(|parent| shown.contains(parent));
            let child = Some(link.child).filter(|child| shown.contains(child));
            match (
                child.and_then(|c| links.table(c)),
                parent.and_then(|p| links.table(p)),
            ) {
                (Some(child), Some(parent)) => {
                    erd.relationships
                        .push(relationship(child, parent, link.key));
                }
                (None, None) => {}
                _ => erd.cut += 1,
            }
        }
        erd
    }

    /// Tables that no relationship of the diagram touches.
    pub fn isolated(&self) -> Vec<&ErdTable> {
        let linked: BTreeSet<(&str, &str)> = self
            .relationships
            .iter()
            .flat_map(|r| [&r.from, &r.to])
            .map(|end| (end.schema.as_str(), end.table.as_str()))
            .collect();
        self.tables
            .iter()
            .filter(|t| !linked.contains(&(t.schema.as_str(), t.name.as_str())))
            .collect()
    }
}

fn shown(catalog: &Catalog, selection: &Selection, links: &Links) -> BTreeSet<usize> {
    let admitted: BTreeSet<usize> = links
        .tables
        .iter()
        .enumerate()
        .filter(|(_, table)| selection.admits(table))
        .map(|(position, _)| position)
        .collect();
    if selection.focus.is_empty() {
        return admitted;
    }
    let Some(focus) = selection
        .focused(catalog)
        .and_then(|table| links.position(table))
    else {
        return BTreeSet::new();
    };
    let reach = |steps: usize, up: bool| {
        let mut found = BTreeSet::from([focus]);
        let mut edge = found.clone();
        for _ in 0..steps {
            edge = links.neighbours(&edge, up);
            edge.retain(|next| admitted.contains(next) && found.insert(*next));
            if edge.is_empty() {
                break;
            }
        }
        found
    };
    let mut found = reach(selection.parents, true);
    found.extend(reach(selection.children, false));
    found
}

fn entity(table: &Table) -> ErdTable {
    let columns = table.columns.iter().map(|column| ErdColumn {
        name: column.name.clone(),
        data_type: column.data_type.clone(),
        nullable: column.nullable,
        key: mark(table, column),
    });
    ErdTable {
        schema: table.schema.clone(),
        name: table.name.clone(),
        columns: columns.collect(),
    }
}

fn mark(table: &Table, column: &Column) -> Mark {
    let among = |names: &[String]| names.iter().any(|n| n.eq_ignore_ascii_case(&column.name));
    let primary = table
        .primary_key
        .as_ref()
        .is_some_and(|key| among(&key.columns));
    let foreign = table.foreign_keys.iter().any(|key| among(&key.columns));
    match (primary, foreign) {
        (true, true) => Mark::PrimaryForeign,
        (true, false) => Mark::Primary,
        (false, true) => Mark::Foreign,
        (false, false) if table.is_unique(&[&column.name]) => Mark::Unique,
        (false, false) => Mark::None,
    }
}

fn relationship(child: &Table, parent: &Table, key: &ForeignKey) -> Relationship {
    let nullable = |name: &String| child.column(name).is_some_and(|column| column.nullable);
    let referenced = match &parent.primary_key {
        Some(primary) if key.referenced_columns.is_empty() => &primary.columns,
        _ => &key.referenced_columns,
    };
    let end = |table: &Table, columns: &[String]| End {
        schema: table.schema.clone(),
        table: table.name.clone(),
        columns: columns.to_vec(),
    };
    Relationship {
        from: end(child, &key.columns),
        to: end(parent, referenced),
        cardinality: if child.is_unique(&key.columns) {
            Cardinality::OneToOne
        } else {
            Cardinality::ManyToOne
        },
        optional: key.columns.iter().any(nullable),
        is_self: std::ptr::eq(child, parent),
        on_delete: key.on_delete.clone(),
        indexed: child.index_on(&key.columns).is_some() || leads_key(child, &key.columns),
        inferred: false,
        name: key.name.clone(),
    }
}

/// Whether a primary or unique key starts with these columns: not every catalog lists the index
/// that stands behind a key.
fn leads_key(table: &Table, columns: &[String]) -> bool {
    table.primary_key.iter().chain(&table.unique).any(|key| {
        key.columns.len() >= columns.len()
            && key
                .columns
                .iter()
                .take(columns.len())
                .all(|own| columns.iter().any(|given| given.eq_ignore_ascii_case(own)))
    })
}

impl Mark {
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Primary => "PK",
            Self::Foreign => "FK",
            Self::PrimaryForeign => "PF",
            Self::Unique => "UQ",
        }
    }
}

impl Cardinality {
    pub const fn word(self) -> &'static str {
        match self {
            Self::OneToOne => "1:1",
            Self::ManyToOne => "N:1",
        }
    }
}

/// Whether a pattern with `*` (any characters) and `?` (any one) fits the whole name.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    // The set of pattern positions that the characters so far can have led to.
    let skip = |mut reached: BTreeSet<usize>| {
        for position in 0..pattern.len() {
            if reached.contains(&position) && pattern.get(position) == Some(&'*') {
                reached.insert(position + 1);
            }
        }
        reached
    };
    let mut reached = skip(BTreeSet::from([0]));
    for character in name.to_lowercase().chars() {
        let step = reached
            .iter()
            .filter_map(|&position| match pattern.get(position)? {
                '*' => Some(position),
                '?' => Some(position + 1),
                own => (*own == character).then_some(position + 1),
            });
        reached = skip(step.collect());
    }
    reached.contains(&pattern.len())
}

#[cfg(test)]
mod tests;
