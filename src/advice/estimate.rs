//! What a plan would take, by formula, where a planner chooses but names no cost: rows that are visited, a visit to
//! the table counted more than one within an index, and what sorting them takes.

use std::collections::BTreeMap;

use super::uses::{Key, Kind, Use};
use crate::plan::{Access, Plan, PlanNode};

/// What is known of the data.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// Rows of each table.
    pub rows: BTreeMap<String, f64>,
    /// Different values of a column or an expression, by table and key.
    pub distinct: BTreeMap<(String, Key), f64>,
    /// The share that a condition keeps, by table and the condition's text.
    pub shares: BTreeMap<(String, String), f64>,
    /// Rows that the statement wants at most.
    pub limit: Option<f64>,
}

/// A visit to the table from an index, in visits within one.
const VISIT: f64 = 6.0;
/// A row of a table that is read from end to end: wider than one of an index.
const SCAN: f64 = 1.3;
/// Going down a tree.
const SEARCH: f64 = 3.0;
/// The same, for each level of it.
const LEVEL: f64 = 0.5;
/// Comparing and moving a row while sorting, for each halving.
const SORTING: f64 = 0.5;
/// What a condition keeps of which nothing is known.
const UNKNOWN: f64 = 0.33;
/// Building an index for one run, for each row.
const BUILDING: f64 = 6.0;

/// What is between two ends of one range, of which each keeps a share.
fn both_ends(one: f64, other: f64) -> f64 {
    (one + other - 1.0).max(one.min(other) * 0.02)
}

/// The keys of each index, by its name.
pub type Keys = BTreeMap<String, Vec<Key>>;

pub fn cost(plan: &Plan, uses: &[Use<'_>], keys: &Keys, known: &Knowledge) -> f64 {
    let mut estimate = Estimate {
        plan,
        uses,
        keys,
        known,
        stored: BTreeMap::new(),
        bound: Vec::new(),
        sorts: false,
    };
    let mut total = 0.0;
    let mut rows = 1.0_f64;
    for node in plan.nodes.iter().filter(|node| node.parent.is_none()) {
        let part = estimate.node(node, rows);
        total += part.cost;
        rows = part.rows.max(1.0);
    }
    // The first rows of an order that comes by itself are all that is read.
    if let (Some(limit), false) = (known.limit, estimate.sorts) {
        total *= (limit / rows).min(1.0);
    }
    total.max(1.0)
}

/// A page that is not in the server's memory, in visits within an index.
const MISS: f64 = 40.0;
/// What the wider rows of a table add to a scan that comes from disk.
const WIDE: f64 = 0.7;

/// Finding the group of a row in a table of them, and adding it to the one that came last.
const HASHING: f64 = 3.0;
const PASSING: f64 = 0.3;
/// Going down to a place next to the last one.
const NEAR: f64 = 1.0;

/// How the visits of a node find their pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visits {
    /// The share of the pages that the server's memory can't hold: here and there each visit pays for one, one after
    /// the other hardly.
    pub cold: f64,
    /// They come in the order in which the rows lie.
    pub in_order: bool,
}

/// What a plan took, by the same weights, from the rows that it was measured to visit; where it was not run, from
/// those that it expects to.
pub fn visited(plan: &Plan, visits: impl Fn(&PlanNode) -> Visits) -> f64 {
    let mut total = 0.0;
    for node in &plan.nodes {
        let rows = match node.actual_rows {
            Some(rows) => rows + node.removed_rows.unwrap_or(0.0),
            None => node.examined_rows.or(node.estimated_rows).unwrap_or(0.0),
        };
        // A plan that was not run tells no loops; a lookup that finds one row has one for each.
        let loops = node
            .loops
            .unwrap_or(if node.finds_one() { rows } else { 1.0 });
        let loops = loops.max(1.0);
        let Visits { cold, in_order } = visits(node);
        let in_table = node.index.eq_ignore_ascii_case("primary");
        total += match node.access {
            Access::FullScan => rows * (SCAN + WIDE * cold),
            Access::FullIndexScan if in_table => rows * (SCAN + WIDE * cold),
            Access::FullIndexScan => rows * visit(node, cold),
            Access::IndexSearch if in_order => loops * NEAR + rows,
            Access::IndexSearch if in_table => loops * (SEARCH + MISS * cold) + rows,
            Access::IndexSearch => loops * SEARCH + rows * visit(node, cold),
            Access::Sort => rows * rows.max(2.0).log2() * SORTING,
            Access::Aggregate => {
                let input = plan.children(node.id).find_map(PlanNode::rows);
                let each = if node.details.temporary {
                    HASHING
                } else {
                    PASSING
                };
                input.unwrap_or(rows) * each
            }
            Access::Materialize | Access::AutomaticIndex => rows,
            _ => 0.0,
        };
    }
    total.max(1.0)
}

/// A visit to the table behind the index, where there is one.
fn visit(node: &PlanNode, cold: f64) -> f64 {
    let operation = node.operation.to_lowercase();
    let within = operation.contains("covering")
        || operation.contains("index only")
        || operation.contains("primary key")
        || node.index.eq_ignore_ascii_case("primary");
    if within { 1.0 } else { VISIT + MISS * cold }
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    cost: f64,
    rows: f64,
}

struct Estimate<'e, 'a> {
    plan: &'e Plan,
    uses: &'e [Use<'a>],
    keys: &'e Keys,
    known: &'e Knowledge,
    /// Rows of subqueries that are stored under a name.
    stored: BTreeMap<String, f64>,
    /// Tables whose row is fixed while the next ones are looked up.
    bound: Vec<usize>,
    sorts: bool,
}

impl Estimate<'_, '_> {
    /// `outer` is how often the node is gone through.
    fn node(&mut self, node: &PlanNode, outer: f64) -> Part {
        match node.access {
            Access::FullScan
            | Access::FullIndexScan
            | Access::IndexSearch
            | Access::AutomaticIndex
                if !node.relation.is_empty() =>
            {
                self.table(node, outer)
            }
            Access::Sort | Access::Aggregate => {
                let below = self.children(node, outer);
                self.sorts |= node.parent.is_none() || node.access == Access::Sort;
                let rows = below.rows.max(2.0);
                Part {
                    cost: below.cost + rows * rows.log2() * SORTING,
                    rows: below.rows,
                }
            }
            Access::Materialize => {
                let sorts = self.sorts;
                let bound = std::mem::take(&mut self.bound);
                let below = self.children(node, 1.0);
                (self.bound, self.sorts) = (bound, sorts);
                if let Some(name) = node.operation.split_whitespace().nth(1) {
                    self.stored.insert(name.to_lowercase(), below.rows);
                }
                Part {
                    cost: below.cost + below.rows,
                    rows: outer,
                }
            }
            Access::Subquery => {
                let times = if node.correlated { outer.max(1.0) } else { 1.0 };
                let (sorts, bound) = (self.sorts, self.bound.clone());
                let below = self.children(node, 1.0);
                (self.bound, self.sorts) = (bound, sorts);
                Part {
                    cost: below.cost * times,
                    rows: outer,
                }
            }
            _ if node.operation.starts_with("MULTI-INDEX OR") => self.alternatives(node, outer),
            _ => self.children(node, outer),
        }
    }

    /// Several searches of one table, whose rows are put together.
    fn alternatives(&mut self, node: &PlanNode, outer: f64) -> Part {
        let children: Vec<&PlanNode> = self.plan.children(node.id).collect();
        let mut total = Part::default();
        let mut of_table = None;
        for child in children {
            let before = self.bound.clone();
            let part = self.children(child, outer);
            of_table = self.bound.get(before.len()).copied().or(of_table);
            self.bound = before;
            total.cost += part.cost;
            total.rows = total.rows.max(part.rows);
        }
        self.bound.extend(of_table);
        total
    }

    /// Tables below one node are a nested loop, in their order; subqueries run for each row of it.
    fn children(&mut self, node: &PlanNode, outer: f64) -> Part {
        let children: Vec<&PlanNode> = self.plan.children(node.id).collect();
        let mut total = Part {
            cost: 0.0,
            rows: outer,
        };
        let (later, first): (Vec<&PlanNode>, Vec<&PlanNode>) = children
            .into_iter()
            .partition(|child| child.access == Access::Subquery && child.correlated);
        for child in first.into_iter().chain(later) {
            let part = self.node(child, total.rows);
            total.cost += part.cost;
            total.rows = part.rows;
        }
        total
    }

    fn table(&mut self, node: &PlanNode, outer: f64) -> Part {
        let name = node.relation.to_lowercase();
        let found =
            self.uses.iter().enumerate().find(|(id, used)| {
                used.alias.eq_ignore_ascii_case(&name) && !self.bound.contains(id)
            });
        let found = found.or_else(|| {
            let uses = self.uses.iter().enumerate();
            uses.into_iter()
                .find(|(_, used)| used.table.name.eq_ignore_ascii_case(&name))
        });
        let Some((id, used)) = found else {
            // A stored subquery, or a function.
            let rows = self.stored.get(&name).copied().unwrap_or(100.0);
            let kept = if node.access == Access::FullScan {
                rows
            } else {
                (rows / 10.0).max(1.0)
            };
            return Part {
                cost: outer * kept,
                rows: outer * kept,
            };
        };
        let rows = self.rows(used);
        let all = rows * self.kept(id, used);
        let level = LEVEL * rows.max(2.0).log2();
        let visit = visit(node, 0.0);
        let own = match node.access {
            Access::FullScan => rows * SCAN,
            Access::FullIndexScan => rows * visit,
            Access::AutomaticIndex => level + all.max(1.0),
            _ => {
                let (share, times) = self.matched(node, used);
                times * level + rows * share * visit
            }
        };
        let once = if node.access == Access::AutomaticIndex {
            rows * BUILDING
        } else {
            0.0
        };
        self.bound.push(id);
        let mut part = Part {
            cost: outer * own + once,
            rows: outer * all,
        };
        let below = self.children(node, part.rows);
        part.cost += below.cost;
        part
    }

    fn rows(&self, used: &Use<'_>) -> f64 {
        let known = self.known.rows.get(&used.table.name).copied();
        known
            .or_else(|| used.table.rows.map(|rows| rows as f64))
            .unwrap_or(10_000.0)
            .max(1.0)
    }

    /// The share of rows that all conditions and the joins with bound tables keep.
    fn kept(&self, id: usize, used: &Use<'_>) -> f64 {
        let mut share = 1.0;
        let mut ranges: BTreeMap<&Key, f64> = BTreeMap::new();
        for condition in used.conditions.iter().filter(|own| !own.text.is_empty()) {
            let key = (used.table.name.clone(), condition.text.clone());
            let own = self.known.shares.get(&key).copied().unwrap_or_else(|| {
                if condition.kind == Kind::Equal {
                    1.0 / self.values(used, &condition.key)
                } else {
                    UNKNOWN
                }
            });
            if condition.kind.is_range() {
                let known = ranges.get(&condition.key).copied();
                ranges.insert(
                    &condition.key,
                    known.map_or(own, |known| both_ends(known, own)),
                );
            } else {
                share *= own;
            }
        }
        share *= ranges.values().product::<f64>();
        let mut columns: Vec<&str> = used
            .joins
            .iter()
            .filter(|join| self.bound.contains(&join.other) && join.other != id)
            .map(|join| join.column.as_str())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        for column in columns {
            share /= self.values(used, &Key::Column(column.to_owned()));
        }
        share.max(1.0 / (self.rows(used) * 100.0))
    }

    fn values(&self, used: &Use<'_>, key: &Key) -> f64 {
        let unique = key
            .column()
            .is_some_and(|column| used.table.is_unique(&[column]));
        if unique {
            return self.rows(used);
        }
        let known = self
            .known
            .distinct
            .get(&(used.table.name.clone(), key.clone()));
        known.copied().unwrap_or(10.0).max(1.0)
    }

    /// The share of rows that the conditions which the index is searched by find, and in how many places: a key that
    /// may be anything is gone through value by value.
    fn matched(&self, node: &PlanNode, used: &Use<'_>) -> (f64, f64) {
        let mut share = 1.0;
        let mut times = 1.0;
        let mut ranged = None;
        let keys = self.keys.get(&node.index);
        for (position, part) in node.condition.split(" AND ").enumerate() {
            let sign = part.find(['=', '<', '>']).unwrap_or(part.len());
            let name = part.get(..sign).unwrap_or_default().trim();
            let name = name
                .strip_prefix("ANY(")
                .map_or(name, |inner| inner.trim_end_matches(')'));
            let key = match keys.and_then(|keys| keys.get(position)) {
                Some(key) => key.clone(),
                None if name == "rowid" => match &used.table.primary_key {
                    Some(primary) => match primary.columns.as_slice() {
                        [only] => Key::Column(only.clone()),
                        _ => Key::Column(name.to_owned()),
                    },
                    None => Key::Column(name.to_owned()),
                },
                None => Key::Column(name.to_owned()),
            };
            let key = match (&key, name) {
                // A range has two ends on one key.
                (Key::Column(column), name)
                    if column != name && used.table.column(name).is_some() =>
                {
                    Key::Column(name.to_owned())
                }
                _ => key,
            };
            if part.starts_with("ANY(") {
                times *= self.values(used, &key);
                continue;
            }
            let equal = part.get(sign..).is_some_and(|rest| rest.starts_with('='));
            if !equal && ranged.as_ref() == Some(&key) {
                continue;
            }
            if !equal {
                ranged = Some(key.clone());
            }
            let texts: Vec<&str> = used
                .conditions
                .iter()
                .filter(|own| own.key == key && own.kind.is_point() == equal)
                .map(|own| own.text.as_str())
                .filter(|text| !text.is_empty())
                .collect();
            let of = |text: &&str| {
                let known = (used.table.name.clone(), (*text).to_owned());
                self.known.shares.get(&known).copied()
            };
            let best = texts
                .iter()
                .filter_map(of)
                .reduce(if equal { f64::min } else { both_ends });
            share *= match best {
                Some(share) => share,
                None if equal => 1.0 / self.values(used, &key),
                None => UNKNOWN,
            };
        }
        let rows = self.rows(used);
        (f64::max(share, 1.0 / rows), f64::min(times, rows))
    }
}
