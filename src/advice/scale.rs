//! What a plan visited on a sample, brought to the size of the whole. A table of which a sixtieth was copied has sixty
//! times the rows to scan; a lookup by a key that is no key of its table finds sixty times as many; one by a primary
//! key finds one, if the row was copied at all.

use super::estimate::{self, Visits};
use super::uses::Use;
use crate::catalog::Table;
use crate::plan::{Access, Plan, PlanNode};

/// How the tables of a statement were sampled.
#[derive(Debug, Clone, Default)]
pub struct Scale {
    tables: Vec<Sampled>,
    /// Rows that the statement wants at most.
    limit: Option<f64>,
}

#[derive(Debug, Clone)]
struct Sampled {
    alias: String,
    name: String,
    /// Rows of the whole for each row of the sample.
    factor: f64,
    /// Tables it is joined to by the first columns of both primary keys, which both were copied along.
    along: Vec<usize>,
    /// The share of its pages that the live server's memory can't hold.
    cold: f64,
}

impl Scale {
    /// `fraction` tells which part of a table was copied, in stretches of the first column of its primary key;
    /// `memory` is what the live server has for pages.
    pub fn new(
        uses: &[Use<'_>],
        limit: Option<f64>,
        memory: u64,
        fraction: impl Fn(&Table) -> f64,
    ) -> Self {
        let mut known: Vec<&Table> = uses.iter().map(|used| used.table).collect();
        known.sort_by_key(|table| (&table.schema, &table.name));
        known.dedup_by_key(|table| (&table.schema, &table.name));
        let size = |table: &Table| table.size_bytes.unwrap_or(0).max(0) as f64;
        let memory = memory.max(1) as f64;
        let all: f64 = known.iter().map(|table| size(table)).sum();
        // They share the memory, and what is small is asked for often enough to stay.
        let cold = |table: &Table| {
            (1.0 - memory / all.max(1.0)).max(0.0) * (size(table) / memory).min(1.0)
        };
        let key = |table: &Table| table.primary_key.as_ref()?.columns.first().cloned();
        let along = |used: &Use<'_>| {
            let own = key(used.table);
            let joins = used.joins.iter().filter(|join| {
                let other = uses.get(join.other).and_then(|other| key(other.table));
                Some(&join.column) == own.as_ref() && Some(&join.other_column) == other.as_ref()
            });
            joins.map(|join| join.other).collect()
        };
        let tables = uses
            .iter()
            .map(|used| {
                let fraction = fraction(used.table);
                Sampled {
                    alias: used.alias.clone(),
                    name: used.table.name.clone(),
                    factor: if fraction > 0.0 { 1.0 / fraction } else { 1.0 },
                    along: along(used),
                    cold: cold(used.table),
                }
            })
            .collect();
        Self { tables, limit }
    }

    /// What the plan would cost on the whole.
    pub fn cost(&self, plan: &Plan) -> f64 {
        let whole = self.whole(plan);
        estimate::visited(&whole, |node| self.visits(&whole, node))
    }

    /// Whether two plans go through the same tables in the same order and way.
    pub fn alike(&self, one: &Plan, other: &Plan) -> bool {
        let way = |plan: &Plan| -> Vec<(Option<usize>, String)> {
            let tables = plan.nodes.iter().filter(|node| !node.relation.is_empty());
            tables
                .map(|node| (self.find(node, &[]), node.index.to_lowercase()))
                .collect()
        };
        way(one) == way(other)
    }

    /// What a plan of the whole would cost, by what its planner expects.
    pub fn expected(&self, plan: &Plan) -> f64 {
        estimate::visited(plan, |node| self.visits(plan, node))
    }

    /// How a node's visits find their pages.
    fn visits(&self, plan: &Plan, node: &PlanNode) -> Visits {
        let Some(table) = self.find(node, &[]).and_then(|id| self.tables.get(id)) else {
            return Visits::default();
        };
        let by_key = |node: &PlanNode| node.index.eq_ignore_ascii_case("primary");
        // Looked up in the order in which it lies, page after page.
        let before = plan.nodes.iter().take(node.id).rev().find(|before| {
            self.find(before, &[])
                .is_some_and(|id| table.along.contains(&id))
        });
        let in_order = by_key(node)
            && before.is_some_and(|before| before.access == Access::FullScan || by_key(before));
        Visits {
            cold: table.cold,
            in_order,
        }
    }

    fn find(&self, node: &PlanNode, bound: &[usize]) -> Option<usize> {
        if node.relation.is_empty() {
            return None;
        }
        let name = if node.alias.is_empty() {
            &node.relation
        } else {
            &node.alias
        };
        let tables = || self.tables.iter().enumerate();
        tables()
            .find(|(id, table)| table.alias.eq_ignore_ascii_case(name) && !bound.contains(id))
            .or_else(|| tables().find(|(_, table)| table.name.eq_ignore_ascii_case(&node.relation)))
            .or_else(|| {
                tables().find(|(_, table)| table.alias.eq_ignore_ascii_case(&node.relation))
            })
            .map(|(id, _)| id)
    }

    /// The plan with the rows and loops that it would have on the whole.
    pub fn whole(&self, plan: &Plan) -> Plan {
        let blocks = plan.nodes.iter().any(|node| {
            matches!(
                node.access,
                Access::Sort | Access::Aggregate | Access::Materialize
            )
        });
        // In the order that comes by itself it reads until there are enough rows.
        let given = plan.root().and_then(|root| root.actual_rows);
        let enough = match (self.limit, given) {
            (Some(limit), Some(given)) if !blocks => Some((limit / given.max(1.0)).max(1.0)),
            _ => None,
        };
        let mut walk = Walk {
            scale: self,
            sample: plan,
            whole: plan.clone(),
            bound: Vec::new(),
            enough,
        };
        let roots: Vec<usize> = plan
            .nodes
            .iter()
            .filter(|node| node.parent.is_none())
            .map(|node| node.id)
            .collect();
        for root in roots {
            walk.node(root, 1.0, 1.0);
        }
        walk.whole
    }
}

/// Rows of a group in the sample from which on no group is missing.
const MET_AGAIN: f64 = 10.0;
struct Walk<'a> {
    scale: &'a Scale,
    sample: &'a Plan,
    whole: Plan,
    /// Tables whose rows are there while the next ones are looked up.
    bound: Vec<usize>,
    /// What the first table is read longer by until there are enough rows.
    enough: Option<f64>,
}

impl Walk<'_> {
    /// Runs `times` as often, for `rows` as many rows, as on the sample; gives the same of the rows that come out.
    fn node(&mut self, id: usize, times: f64, rows: f64) -> f64 {
        let sample = self.sample;
        let Some(node) = sample.node(id) else {
            return rows;
        };
        let children: Vec<&PlanNode> = sample.children(id).collect();
        let out = match node.access {
            Access::FullScan
            | Access::FullIndexScan
            | Access::IndexSearch
            | Access::AutomaticIndex
                if !node.relation.is_empty() =>
            {
                return self.table(node, times, rows);
            }
            Access::Join => {
                let mut out = rows;
                for (place, child) in children.iter().enumerate() {
                    // The other side of a hash or a buffer is read for itself.
                    let alone = place == 0 || reads_alone(node) || reads_alone(child);
                    out = self.node(child.id, if alone { times } else { out }, out);
                }
                out
            }
            Access::Subquery if node.correlated => {
                for child in &children {
                    self.node(child.id, rows, rows);
                }
                rows
            }
            Access::Subquery | Access::Materialize => {
                let bound = std::mem::take(&mut self.bound);
                let mut inner = 1.0;
                for child in &children {
                    inner = self.node(child.id, 1.0, inner);
                }
                self.bound = bound;
                if self.bound.is_empty() { inner } else { rows }
            }
            Access::Aggregate => {
                let out = self.in_turn(&children, times, rows);
                let input = children.iter().find_map(|child| child.rows());
                let groups = node.rows().unwrap_or(0.0);
                // Groups that were met again and again are all there are.
                let met_again = input.is_some_and(|input| input >= groups * MET_AGAIN);
                let first = self.first_table(id);
                if met_again { times } else { out.min(first) }
            }
            _ => self.in_turn(&children, times, rows),
        };
        self.set(id, out, times);
        out
    }

    /// How many more rows the first table below a node gives than on the sample: groups are mostly its rows.
    fn first_table(&self, id: usize) -> f64 {
        let table = self
            .sample
            .below(id)
            .find_map(|node| self.scale.tables.get(self.scale.find(node, &[])?));
        table.map_or(f64::INFINITY, |table| table.factor)
    }

    fn in_turn(&mut self, children: &[&PlanNode], times: f64, rows: f64) -> f64 {
        let mut out = rows;
        for child in children {
            let own = self.node(child.id, times, out);
            if !child.correlated {
                out = own;
            }
        }
        out
    }

    fn table(&mut self, node: &PlanNode, times: f64, rows: f64) -> f64 {
        let found = self.scale.find(node, &self.bound);
        let (own, out) = match found.and_then(|found| self.scale.tables.get(found)) {
            Some(table) => {
                let joined = self.joined(node, table);
                let searched = node.access == Access::IndexSearch;
                let first = self.bound.is_empty();
                let own = if searched { joined } else { table.factor };
                match self.enough {
                    Some(enough) if first => (own.min(enough), own.min(enough)),
                    _ => (own, joined),
                }
            }
            None => (1.0, 1.0),
        };
        self.set(node.id, times * own, times);
        self.bound.extend(found);
        let out = rows * out;
        for child in self.sample.children(node.id) {
            self.node(child.id, out, out);
        }
        out
    }

    /// How many more rows each row before it finds in the table.
    fn joined(&self, node: &PlanNode, table: &Sampled) -> f64 {
        let visited = node.actual_rows.unwrap_or(0.0) + node.removed_rows.unwrap_or(0.0);
        let loops = node.loops.unwrap_or(1.0);
        if node.finds_one() || self.ends_at_first(node) {
            return if visited > 0.0 {
                (loops / visited).clamp(1.0, table.factor)
            } else {
                1.0
            };
        }
        let along = table.along.iter().find(|other| self.bound.contains(other));
        match along.and_then(|other| self.scale.tables.get(*other)) {
            Some(other) => (table.factor / other.factor).max(1.0),
            None => table.factor,
        }
    }

    /// Whether the first row that matches is enough.
    fn ends_at_first(&self, node: &PlanNode) -> bool {
        let above = node.parent.and_then(|parent| self.sample.node(parent));
        node.operation.contains("first match")
            || above.is_some_and(|join| {
                let operation = join.operation.to_lowercase();
                let first = self.sample.children(join.id).next();
                (operation.contains("semijoin") || operation.contains("antijoin"))
                    && first.is_some_and(|first| first.id != node.id)
            })
    }

    fn set(&mut self, id: usize, rows: f64, times: f64) {
        let Some(node) = self.whole.nodes.get_mut(id) else {
            return;
        };
        for number in [
            &mut node.actual_rows,
            &mut node.removed_rows,
            &mut node.estimated_rows,
            &mut node.examined_rows,
        ] {
            *number = number.map(|number| number * rows);
        }
        node.loops = node.loops.map(|loops| loops * times);
    }
}

/// Both sides are read from end to end, whatever the other one holds.
fn reads_alone(node: &PlanNode) -> bool {
    let operation = node.operation.to_lowercase();
    node.access == Access::Join && (operation.contains("hash") || operation.contains("buffer"))
}
