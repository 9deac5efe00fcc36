//! What columns stand for.

use std::ops::AddAssign;

use sqlparser::ast::TableAlias;

/// What a part stands for, once each subquery stands in the place of its name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) names: u64,
    /// What it can take to compute it, as far as the statement says.
    pub(super) bytes: u64,
    /// Whether it is no more than a name of a table's column.
    pub(super) plain: bool,
}

impl Weight {
    pub(super) const COLUMN: Self = Self {
        names: 1,
        bytes: 1,
        plain: true,
    };

    pub(super) fn times(self, factor: u64) -> Self {
        Self {
            bytes: self.bytes.saturating_mul(factor),
            ..self
        }
    }

    pub(super) fn max(self, other: Self) -> Self {
        Self {
            names: self.names.max(other.names),
            bytes: self.bytes.max(other.bytes),
            plain: self.plain && other.plain,
        }
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.names = self.names.saturating_add(other.names);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.plain = false;
    }
}

/// The columns of a table in FROM.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) named: Vec<(String, Weight)>,
    /// What each other column stands for: nothing tells their names, or how many there are.
    pub(super) others: Option<Weight>,
}

impl Columns {
    pub(super) const OF_A_TABLE: Self = Self {
        named: Vec::new(),
        others: Some(Weight::COLUMN),
    };

    pub(super) fn get(&self, name: &str) -> Option<Weight> {
        let named = self.named.iter().filter(|(column, _)| column == name);
        named
            .map(|(_, weight)| *weight)
            .reduce(Weight::max)
            .or(self.others)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Weight> {
        self.named
            .iter()
            .map(|(_, weight)| *weight)
            .chain(self.others)
    }

    /// The names that an alias gives its columns, as in `AS t (a, b)`.
    pub(super) fn renamed(mut self, alias: &TableAlias) -> Self {
        if alias.columns.is_empty() {
            return self;
        }
        if self.others.is_some() {
            let widest = self.all().reduce(Weight::max);
            return Self {
                named: Vec::new(),
                others: widest,
            };
        }
        for ((name, _), new) in self.named.iter_mut().zip(&alias.columns) {
            *name = new.name.value.to_lowercase();
        }
        self
    }

    /// The columns of a result that no planner takes apart: names begin anew, sizes that were asked for stay.
    pub(super) fn computed_first(mut self) -> Self {
        for (_, weight) in &mut self.named {
            *weight = Weight {
                names: 1,
                bytes: weight.bytes.div_ceil(weight.names.max(1)),
                plain: false,
            };
        }
        self
    }
}

/// The wider one, where there may be none.
pub(super) fn wider(one: Option<Weight>, other: Option<Weight>) -> Option<Weight> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}
