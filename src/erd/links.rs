//! The foreign keys of a catalog as a graph over its tables.

use std::collections::{BTreeMap, BTreeSet};

use super::ManyToMany;
use crate::catalog::{Catalog, ForeignKey, Table};

pub(super) struct Links<'a> {
    /// Sorted by schema and name.
    pub(super) tables: Vec<&'a Table>,
    /// Sorted by child, then by its columns.
    pub(super) all: Vec<Link<'a>>,
    /// Positions in `all` by child, and by parent.
    from: BTreeMap<usize, Vec<usize>>,
    to: BTreeMap<usize, Vec<usize>>,
}

/// One foreign key; tables are positions in `Links::tables`.
pub(super) struct Link<'a> {
    pub(super) child: usize,
    /// None when the referenced table is not in the catalog.
    pub(super) parent: Option<usize>,
    pub(super) key: &'a ForeignKey,
}

impl<'a> Links<'a> {
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        let mut tables: Vec<&Table> = catalog
            .tables
            .iter()
            .filter(|table| table.kind.is_entity())
            .collect();
        tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        let known: BTreeMap<(&str, &str), usize> = tables
            .iter()
            .enumerate()
            .map(|(position, table)| ((table.schema.as_str(), table.name.as_str()), position))
            .collect();
        let parent = |child: &Table, key: &ForeignKey| {
            let schema = if key.referenced_schema.is_empty() {
                &child.schema
            } else {
                &key.referenced_schema
            };
            let exact = known.get(&(schema.as_str(), key.referenced_table.as_str()));
            exact.copied().or_else(|| {
                // Some engines keep the name as it was typed.
                let table = catalog.find(Some(schema), &key.referenced_table)?;
                known
                    .get(&(table.schema.as_str(), table.name.as_str()))
                    .copied()
            })
        };
        let mut all = Vec::new();
        for (child, table) in tables.iter().enumerate() {
            let mut keys: Vec<&ForeignKey> = table.foreign_keys.iter().collect();
            keys.sort_by(|a, b| (&a.columns, &a.name).cmp(&(&b.columns, &b.name)));
            all.extend(keys.into_iter().map(|key| Link {
                child,
                parent: parent(table, key),
                key,
            }));
        }
        let mut from: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut to: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (position, link) in all.iter().enumerate() {
            from.entry(link.child).or_default().push(position);
            if let Some(parent) = link.parent {
                to.entry(parent).or_default().push(position);
            }
        }
        Self {
            tables,
            all,
            from,
            to,
        }
    }

    pub(super) fn table(&self, position: usize) -> Option<&'a Table> {
        self.tables.get(position).copied()
    }

    pub(super) fn position(&self, table: &Table) -> Option<usize> {
        self.tables.iter().position(|own| std::ptr::eq(*own, table))
    }

    /// The tables one step away: those referred to (up), or those that refer to them.
    pub(super) fn neighbours(&self, of: &BTreeSet<usize>, up: bool) -> BTreeSet<usize> {
        let side = if up { &self.from } else { &self.to };
        of.iter()
            .filter_map(|table| side.get(table))
            .flatten()
            .filter_map(|link| self.all.get(*link))
            .filter_map(|link| if up { link.parent } else { Some(link.child) })
            .collect()
    }

    /// The two tables that this one links, when a key of it is made of two foreign keys. Further
    /// columns outside the key do not matter.
    pub(super) fn many_to_many(
        &self,
        through: usize,
        catalog: &Catalog,
        shown: &BTreeSet<usize>,
    ) -> Option<ManyToMany> {
        let table = self.table(through)?;
        let own: Vec<&Link> = self
            .from
            .get(&through)?
            .iter()
            .filter_map(|link| self.all.get(*link))
            .collect();
        let keys = || {
            table
                .primary_key
                .iter()
                .chain(&table.unique)
                .map(|key| &key.columns)
        };
        let pairs = own
            .iter()
            .enumerate()
            .flat_map(|(n, one)| own.iter().skip(n + 1).map(move |other| (one, other)));
        for (one, other) in pairs {
            if keys().any(|key| makes_up(key, &one.key.columns, &other.key.columns)) {
                let ends = [one, other].map(|link| link.parent.filter(|p| shown.contains(p)));
                let [Some(left), Some(right)] = ends.map(|end| self.table(end?)) else {
                    continue;
                };
                return Some(ManyToMany {
                    through: catalog.display_name(table),
                    between: [catalog.display_name(left), catalog.display_name(right)],
                });
            }
        }
        None
    }
}

/// Whether both lists of columns cover the key together, and neither does alone.
fn makes_up(key: &[String], one: &[String], other: &[String]) -> bool {
    let has =
        |columns: &[String], own: &String| columns.iter().any(|c| c.eq_ignore_ascii_case(own));
    key.iter().all(|own| has(one, own) || has(other, own))
        && key.iter().any(|own| has(one, own) && !has(other, own))
        && key.iter().any(|own| has(other, own) && !has(one, own))
}
