//! Indexes that cost every write and help no statement: such as another one does the work of, and such as nobody uses.

use crate::catalog::{Catalog, Index, Table};

#[derive(Debug, Clone, PartialEq)]
pub struct Needless<'a> {
    pub table: &'a Table,
    pub index: &'a Index,
    pub why: Why<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why<'a> {
    /// The same keys in the same order.
    Duplicate(&'a Index),
    /// Its keys are the first of another's.
    Prefix(&'a Index),
    /// No scan since the statistics were reset.
    Unused,
}

/// All of them, by table and name; of two that are alike the one that a constraint needs stays, else the first.
pub fn needless(catalog: &Catalog) -> Vec<Needless<'_>> {
    let mut found = Vec::new();
    for table in &catalog.tables {
        for (position, index) in table.indexes.iter().enumerate() {
            if index.primary {
                continue;
            }
            let other = table
                .indexes
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != position)
                .find_map(|(at, other)| covered(index, position, other, at));
            let unused = index.scans == Some(0) && !index.unique && !supports_key(table, index);
            let why = match other {
                Some(why) => why,
                None if unused => Why::Unused,
                None => continue,
            };
            found.push(Needless { table, index, why });
        }
    }
    found
}

fn covered<'a>(index: &Index, position: usize, other: &'a Index, at: usize) -> Option<Why<'a>> {
    let alike = index.method == other.method
        && index.predicate == other.predicate
        && other.valid
        && index.columns.len() <= other.columns.len()
        && index
            .columns
            .iter()
            .zip(&other.columns)
            .all(|(own, its)| own == its)
        && index.include.iter().all(|name| {
            other.include.contains(name) || other.columns.iter().any(|column| column.name == *name)
        });
    if !alike || matches!(index.method.as_str(), "fulltext" | "spatial") {
        return None;
    }
    let same = index.columns.len() == other.columns.len();
    match (same, index.unique, other.unique) {
        // What holds a rule stays, unless another holds the same one.
        (true, true, true) | (true, false, false)
            if index.include.len() == other.include.len() && position < at && !other.primary =>
        {
            None
        }
        (true, true, true) | (true, false, _) => Some(Why::Duplicate(other)),
        (false, false, _) if index.method.is_empty() || index.method == "btree" => {
            Some(Why::Prefix(other))
        }
        _ => None,
    }
}

/// Whether a foreign key is looked up by it: then a DELETE of the parent needs it, however rare that is.
fn supports_key(table: &Table, index: &Index) -> bool {
    table
        .foreign_keys
        .iter()
        .any(|key| index.leads_with(&key.columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ForeignKey, IndexColumn};

    fn index(name: &str, columns: &[&str], scans: i64) -> Index {
        Index {
            name: name.to_owned(),
            valid: true,
            scans: Some(scans),
            columns: columns
                .iter()
                .map(|column| IndexColumn {
                    name: (*column).to_owned(),
                    ..IndexColumn::default()
                })
                .collect(),
            ..Index::default()
        }
    }

    fn found(indexes: Vec<Index>) -> Vec<String> {
        let catalog = Catalog {
            default_schema: String::new(),
            tables: vec![Table {
                name: "t".to_owned(),
                indexes,
                foreign_keys: vec![ForeignKey {
                    columns: vec!["f".to_owned()],
                    ..ForeignKey::default()
                }],
                ..Table::default()
            }],
        };
        needless(&catalog)
            .iter()
            .map(|own| {
                let why = match own.why {
                    Why::Duplicate(other) => format!("as {}", other.name),
                    Why::Prefix(other) => format!("within {}", other.name),
                    Why::Unused => "unused".to_owned(),
                };
                format!("{} {why}", own.index.name)
            })
            .collect()
    }

    #[test]
    fn duplicates_prefixes_and_unused_ones_but_no_keys() {
        assert_eq!(
            found(vec![
                index("a1", &["a"], 5),
                index("a2", &["a"], 5),
                index("ab", &["a", "b"], 5)
            ]),
            ["a1 within ab", "a2 as a1"]
        );
        assert_eq!(
            found(vec![index("z", &["z"], 0), index("f", &["f"], 0)]),
            ["z unused"]
        );
        let unique = Index {
            unique: true,
            ..index("u", &["a"], 0)
        };
        assert_eq!(
            found(vec![unique.clone(), index("a", &["a"], 5)]),
            ["a as u"]
        );
        assert!(found(vec![unique, index("ab", &["a", "b"], 5)]).is_empty());
    }
}
