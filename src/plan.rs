//! An execution plan in words that all engines share: loops and workers multiplied out, self time and
//! share per node, in reading order with the parent's id.

pub mod details;
pub mod render;
pub mod rules;

use self::details::{Details, Run};

/// One way to run a statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub nodes: Vec<PlanNode>,
    /// Whether the statement was run and measured.
    pub analyzed: bool,
    pub execution_ms: Option<f64>,
    pub planning_ms: Option<f64>,
    pub run: Run,
}

/// How a node gets at its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Reads a whole table.
    FullScan,
    /// Reads a whole index.
    FullIndexScan,
    /// Looks up or reads a range of an index.
    IndexSearch,
    Join,
    Sort,
    Aggregate,
    /// Stores its input, in memory or on disk.
    Materialize,
    Limit,
    Subquery,
    /// An index that the engine builds for this one run.
    AutomaticIndex,
    #[default]
    Other,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanNode {
    pub id: usize,
    pub parent: Option<usize>,
    /// The engine's own words.
    pub operation: String,
    pub access: Access,
    pub schema: String,
    pub relation: String,
    pub alias: String,
    pub index: String,
    /// What the index or the join finds rows by.
    pub condition: String,
    /// What is thrown away after reading.
    pub filter: String,
    /// Sort or group keys.
    pub keys: String,
    /// Rows that come out, all loops together.
    pub estimated_rows: Option<f64>,
    pub actual_rows: Option<f64>,
    /// Rows that a filter threw away, all loops together.
    pub removed_rows: Option<f64>,
    /// Rows that are read to give `estimated_rows`, where the engine says so.
    pub examined_rows: Option<f64>,
    pub loops: Option<f64>,
    pub cost: Option<f64>,
    /// With the children's, all loops together.
    pub time_ms: Option<f64>,
    pub self_ms: Option<f64>,
    /// Of the whole: time where it was measured, else cost.
    pub share: Option<f64>,
    /// Bytes that did not fit into memory.
    pub spilled_bytes: Option<i64>,
    /// The subquery runs again for each outer row.
    pub correlated: bool,
    /// A join without a condition.
    pub cartesian: bool,
    pub details: Details,
}

impl Plan {
    pub fn root(&self) -> Option<&PlanNode> {
        self.nodes.first()
    }

    pub fn children(&self, id: usize) -> impl Iterator<Item = &PlanNode> {
        self.nodes
            .iter()
            .filter(move |node| node.parent == Some(id))
    }

    pub fn node(&self, id: usize) -> Option<&PlanNode> {
        self.nodes.get(id)
    }

    /// The nodes above one, the nearest first.
    pub fn above(&self, id: usize) -> impl Iterator<Item = &PlanNode> {
        std::iter::successors(self.node(id), |node| self.node(node.parent?)).skip(1)
    }

    /// A node and all below it.
    pub fn below(&self, id: usize) -> impl Iterator<Item = &PlanNode> {
        let within = move |node: &&PlanNode| {
            node.id == id || self.above(node.id).any(|above| above.id == id)
        };
        self.nodes.iter().filter(within)
    }

    /// Adds a node under `parent`; nodes are added in reading order.
    pub fn push(&mut self, parent: Option<usize>, mut node: PlanNode) -> usize {
        let id = self.nodes.len();
        node.id = id;
        node.parent = parent;
        self.nodes.push(node);
        id
    }

    /// Works out self time and share once all nodes are there.
    pub fn settle(&mut self) {
        let children_sum =
            |nodes: &[PlanNode], id: usize, value: fn(&PlanNode) -> Option<f64>| -> f64 {
                nodes
                    .iter()
                    .filter(|node| node.parent == Some(id))
                    .filter_map(value)
                    .sum()
            };
        let own: Vec<(Option<f64>, Option<f64>)> = self
            .nodes
            .iter()
            .map(|node| {
                let time = node.time_ms.map(|total| {
                    (total - children_sum(&self.nodes, node.id, |n| n.time_ms)).max(0.0)
                });
                let cost = node
                    .cost
                    .map(|total| (total - children_sum(&self.nodes, node.id, |n| n.cost)).max(0.0));
                (time, cost)
            })
            .collect();
        let total_time: f64 = own.iter().filter_map(|(time, _)| *time).sum();
        let total_cost: f64 = own.iter().filter_map(|(_, cost)| *cost).sum();
        for (node, (time, cost)) in self.nodes.iter_mut().zip(own) {
            node.self_ms = time;
            let share = match (time, cost) {
                (Some(time), _) if total_time > 0.0 => Some(time / total_time),
                (None, Some(cost)) if total_cost > 0.0 => Some(cost / total_cost),
                _ => None,
            };
            // Numbers beyond all measure have no share.
            node.share = share.filter(|share| !share.is_nan());
        }
    }

    /// Leaves the rows and takes out the times, which are others each time.
    pub fn forget_times(&mut self) {
        self.execution_ms = None;
        self.planning_ms = None;
        self.run = Run {
            settings: std::mem::take(&mut self.run.settings),
            functions: std::mem::take(&mut self.run.functions),
            ..Run::default()
        };
        for node in &mut self.nodes {
            node.time_ms = None;
            node.self_ms = None;
            node.share = None;
        }
    }

    /// Rows that leaves read, measured or estimated.
    pub fn rows_read(&self) -> Option<f64> {
        let mut sum = 0.0;
        let mut known = false;
        for node in self.nodes.iter().filter(|node| !node.relation.is_empty()) {
            let rows = match (node.actual_rows, node.removed_rows) {
                (Some(rows), removed) => Some(rows + removed.unwrap_or(0.0)),
                (None, _) => node.examined_rows.or(node.estimated_rows),
            };
            if let Some(rows) = rows {
                known = true;
                sum += rows;
            }
        }
        known.then_some(sum)
    }

    /// What running it would take: rows that it handles, or units of cost where the engine counts them, whichever
    /// is more. A join handles each row of its inner side for each of its outer one, where the engine counts neither;
    /// one by a hash handles each row once, and what is expected to come of it is a guess.
    pub fn work(&self) -> f64 {
        let hashed =
            |node: &PlanNode| node.operation.contains("hash join") && equates_tables(&node.filter);
        let cost = if self.nodes.iter().any(hashed) {
            None
        } else {
            self.cost()
        };
        let mut most = cost.unwrap_or(0.0);
        for node in &self.nodes {
            let examined = node.examined_rows.unwrap_or(0.0);
            let own = if self.above(node.id).chain([node]).any(hashed) {
                examined
            } else if self.below(node.id).any(hashed) {
                0.0
            } else {
                examined.max(node.estimated_rows.unwrap_or(0.0))
            };
            most = most.max(own);
            let counted = |child: &PlanNode| child.estimated_rows.is_some();
            if node.access == Access::Join
                && node.cost.is_none()
                && !self.children(node.id).any(counted)
            {
                let product: f64 = self
                    .children(node.id)
                    .filter_map(|child| child.examined_rows.or(child.estimated_rows))
                    .map(|rows| rows.max(1.0))
                    .product();
                most = most.max(product);
            }
        }
        most
    }

    pub fn cost(&self) -> Option<f64> {
        self.root().and_then(|root| root.cost)
    }
}

/// Whether a condition sets a column of one table equal to one of another.
fn equates_tables(condition: &str) -> bool {
    let qualifier = |name: &str| {
        let name = name.trim_matches(['(', ')', ',']);
        name.split_once('.').map(|(table, _)| table.to_lowercase())
    };
    let words: Vec<&str> = condition.split_whitespace().collect();
    words.windows(3).any(|three| {
        let [left, "=", right] = three else {
            return false;
        };
        let (left, right) = (qualifier(left), qualifier(right));
        left.is_some() && right.is_some() && left != right
    })
}

/// From this share of the whole on, a node is worth a word.
const NOTABLE: f64 = 0.1;

impl PlanNode {
    /// Rows that come out: measured where it was, else estimated.
    pub fn rows(&self) -> Option<f64> {
        self.actual_rows.or(self.estimated_rows)
    }

    /// Whether enough of the time goes into it for it to matter, where that was measured.
    pub fn is_notable(&self) -> bool {
        self.self_ms.is_none() || self.share.is_none_or(|share| share >= NOTABLE)
    }

    /// Whether a lookup finds one row at most.
    pub fn finds_one(&self) -> bool {
        ["Single-row", "Unique lookup", "Constant row"]
            .iter()
            .any(|words| self.operation.starts_with(words))
    }

    /// What an answer calls the node's relation.
    pub fn object(&self) -> String {
        if self.schema.is_empty() {
            self.relation.clone()
        } else {
            format!("{}.{}", self.schema, self.relation)
        }
    }

    /// Whether a node calls this table by its name or alias.
    pub fn names(&self, table: &str) -> bool {
        !table.is_empty()
            && (self.relation.eq_ignore_ascii_case(table) || self.alias.eq_ignore_ascii_case(table))
    }
}
