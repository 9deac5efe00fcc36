//! What follows from the equalities that a statement names.

use super::resolve::{Place, Resolver};
use super::{Condition, Key, Kind};

impl Resolver<'_> {
    /// Columns that are equal to the same column are equal to each other.
    pub(super) fn close_joins(&mut self) {
        const MOST: usize = 12;
        let mut classes: Vec<Vec<Place>> = Vec::new();
        for (id, used) in self.uses.iter().enumerate() {
            for join in &used.joins {
                let ends = [
                    (id, join.column.clone()),
                    (join.other, join.other_column.clone()),
                ];
                let (mut met, rest): (Vec<Vec<Place>>, Vec<Vec<Place>>) = classes
                    .into_iter()
                    .partition(|class| ends.iter().any(|end| class.contains(end)));
                classes = rest;
                let mut class: Vec<Place> = met.drain(..).flatten().collect();
                class.extend(ends);
                class.sort();
                class.dedup();
                classes.push(class);
            }
        }
        for class in classes
            .iter()
            .filter(|class| (3..=MOST).contains(&class.len()))
        {
            for (at, one) in class.iter().enumerate() {
                for other in class.iter().skip(at + 1) {
                    self.join(one, other);
                }
            }
        }
    }

    /// A column that equals another one that equals a constant is looked up by that constant as well.
    pub(super) fn spread_constants(&mut self) {
        let mut known: Vec<Place> = Vec::new();
        for (id, used) in self.uses.iter().enumerate() {
            for condition in &used.conditions {
                if let (Kind::Equal, true, Key::Column(column)) =
                    (condition.kind, condition.constant, &condition.key)
                {
                    known.push((id, column.clone()));
                }
            }
        }
        for (id, column) in known {
            let joins = self
                .uses
                .get(id)
                .map_or_else(Vec::new, |used| used.joins.clone());
            for join in joins.iter().filter(|join| join.column == column) {
                let condition = Condition {
                    key: Key::Column(join.other_column.clone()),
                    kind: Kind::Equal,
                    text: String::new(),
                    constant: false,
                };
                if let Some(other) = self.uses.get_mut(join.other)
                    && !other.conditions.iter().any(|own| own.key == condition.key)
                {
                    other.conditions.push(condition);
                }
            }
        }
    }
}
