//! What a database is made of, in words that all engines share.

/// All user objects that the role may see, sorted by schema and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// Where unqualified names are looked up first.
    pub default_schema: String,
    pub tables: Vec<Table>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableKind {
    #[default]
    Table,
    Partitioned,
    View,
    MaterializedView,
    Foreign,
    Virtual,
}

impl TableKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Partitioned => "partitioned table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Foreign => "foreign table",
            Self::Virtual => "virtual table",
        }
    }

    /// Whether it can have keys of its own, and so a place in an ERD.
    pub const fn is_entity(self) -> bool {
        matches!(self, Self::Table | Self::Partitioned)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub kind: TableKind,
    pub comment: String,
    pub columns: Vec<Column>,
    pub primary_key: Option<Key>,
    pub unique: Vec<Key>,
    pub foreign_keys: Vec<ForeignKey>,
    pub checks: Vec<Check>,
    pub indexes: Vec<Index>,
    /// How it is partitioned, in the engine's own words.
    pub partitioned_by: String,
    /// Partitions and inheritance children; they have no place of their own in the catalog.
    pub children: Vec<String>,
    /// The engine's estimate; absent where the engine keeps none.
    pub rows: Option<i64>,
    pub size_bytes: Option<i64>,
    /// The rows alone, without indexes and long values, where the engine tells them apart.
    pub heap_bytes: Option<i64>,
    /// Rows changed since statistics were gathered, where the engine counts them.
    pub changed_rows: Option<i64>,
    /// Which rows a role sees is decided by policies.
    pub row_security: bool,
    /// Seconds since statistics were last gathered; absent when never or unknown.
    pub stats_age_s: Option<i64>,
    /// The `CREATE` statement, where the engine keeps it.
    pub definition: String,
    pub triggers: Vec<Trigger>,
    /// Heap-only-tuple updates as a share of all updates, where the engine counts them.
    pub hot_update_share: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    pub name: String,
    /// The type as one would write it in DDL.
    pub data_type: String,
    pub nullable: bool,
    pub default: Option<String>,
    pub identity: Option<Identity>,
    pub generated: Option<Generated>,
    pub comment: String,
    /// Where the engine keeps one per column.
    pub collation: String,
    /// `ON UPDATE …` and the like, as DDL.
    pub extra: String,
    /// Mean stored width in bytes, from statistics.
    pub width: Option<i64>,
    /// How many different values there are, from statistics.
    pub distinct: Option<f64>,
    /// The share of rows where it is NULL, from statistics.
    pub nulls: Option<f64>,
    /// How far the order of its values is the order of the rows on disk, from -1 to 1, from statistics.
    pub correlation: Option<f64>,
    /// Whether statistics tell how often which value comes, where the engine keeps that apart from indexes.
    pub histogram: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    Always,
    ByDefault,
    /// `AUTO_INCREMENT`, `AUTOINCREMENT`, `serial`.
    Automatic,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub expression: String,
    pub stored: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trigger {
    pub name: String,
    /// The `CREATE` statement, where the engine keeps it.
    pub definition: String,
}

/// A primary or unique key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub referenced_schema: String,
    pub referenced_table: String,
    pub referenced_columns: Vec<String>,
    pub on_delete: String,
    pub on_update: String,
    pub validated: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    pub expression: String,
    pub validated: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    pub name: String,
    /// btree, hash, gin, fulltext …
    pub method: String,
    pub unique: bool,
    pub primary: bool,
    pub valid: bool,
    pub columns: Vec<IndexColumn>,
    /// Columns carried along and not searched by.
    pub include: Vec<String>,
    /// The `WHERE` of a partial index.
    pub predicate: String,
    pub size_bytes: Option<i64>,
    /// Scans since the statistics were reset, where the engine counts them.
    pub scans: Option<i64>,
    pub definition: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexColumn {
    /// A column's name, or an expression.
    pub name: String,
    pub expression: bool,
    pub descending: bool,
    /// Length of an index on a prefix of the value.
    pub prefix: Option<i64>,
}

impl Catalog {
    /// Sorts everything that has no order of its own.
    pub fn sort(&mut self) {
        self.tables
            .sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        for table in &mut self.tables {
            table
                .unique
                .sort_by(|a, b| (&a.name, &a.columns).cmp(&(&b.name, &b.columns)));
            table
                .foreign_keys
                .sort_by(|a, b| (&a.columns, &a.name).cmp(&(&b.columns, &b.name)));
            table
                .checks
                .sort_by(|a, b| (&a.name, &a.expression).cmp(&(&b.name, &b.expression)));
            table
                .indexes
                .sort_by(|a, b| (!a.primary, &a.name).cmp(&(!b.primary, &b.name)));
            table.children.sort();
            table.triggers.sort();
        }
    }

    /// The table that a name in SQL means; an unqualified one is looked for in the default schema first.
    pub fn find(&self, schema: Option<&str>, name: &str) -> Option<&Table> {
        let same = |table: &&Table| table.name.eq_ignore_ascii_case(name);
        if let Some(schema) = schema {
            return self
                .tables
                .iter()
                .filter(same)
                .find(|table| table.schema.eq_ignore_ascii_case(schema));
        }
        self.tables
            .iter()
            .filter(same)
            .find(|table| table.schema == self.default_schema)
            .or_else(|| self.tables.iter().find(same))
    }

    /// The name closest to a misspelt one.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.tables.iter().map(|table| table.name.as_str()))
    }

    /// The name as an answer shows it: qualified only where the default schema would not do.
    pub fn display_name(&self, table: &Table) -> String {
        if table.schema == self.default_schema || table.schema.is_empty() {
            table.name.clone()
        } else {
            table.qualified()
        }
    }
}

impl Table {
    pub fn qualified(&self) -> String {
        if self.schema.is_empty() {
            self.name.clone()
        } else {
            format!("{}.{}", self.schema, self.name)
        }
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Whether a complete, valid index can find rows by exactly these leading columns, in any order.
    pub fn index_on<S: AsRef<str>>(&self, columns: &[S]) -> Option<&Index> {
        self.indexes.iter().find(|index| {
            index.valid
                && index.predicate.is_empty()
                && index.method != "hash"
                && index.leads_with(columns)
        })
    }

    /// Whether these columns identify at most one row.
    pub fn is_unique<S: AsRef<str>>(&self, columns: &[S]) -> bool {
        let covers = |key: &Key| {
            !key.columns.is_empty()
                && key.columns.iter().all(|own| {
                    columns
                        .iter()
                        .any(|given| given.as_ref().eq_ignore_ascii_case(own))
                })
        };
        self.primary_key.iter().chain(&self.unique).any(covers)
            || self.indexes.iter().any(|index| {
                index.unique
                    && index.valid
                    && index.predicate.is_empty()
                    && index.columns.iter().all(|column| {
                        !column.expression
                            && columns
                                .iter()
                                .any(|given| given.as_ref().eq_ignore_ascii_case(&column.name))
                    })
            })
    }
}

impl Index {
    /// Whether the first columns of the index are these, in any order.
    pub fn leads_with<S: AsRef<str>>(&self, columns: &[S]) -> bool {
        self.columns.len() >= columns.len()
            && self.columns.iter().take(columns.len()).all(|own| {
                !own.expression
                    && own.prefix.is_none()
                    && columns
                        .iter()
                        .any(|given| given.as_ref().eq_ignore_ascii_case(&own.name))
            })
    }
}

/// The candidate with the smallest edit distance, if it is near enough to be a slip.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        let mut next = vec![previous];
        for (right, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(left != *right);
            diagonal = *above;
            previous = cost.min(above + 1).min(previous + 1);
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_is_a_slip_away_or_none() {
        let names = ["orders", "customers", "total"];
        assert_eq!(nearest("totl", names.into_iter()), Some("total"));
        assert_eq!(nearest("order", names.into_iter()), Some("orders"));
        assert_eq!(nearest("zebra", names.into_iter()), None);
    }
}
