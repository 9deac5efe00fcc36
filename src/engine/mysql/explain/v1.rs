//! Query blocks: `MySQL`'s plan without measurements, and `MariaDB`'s with and without.
//! <https://mariadb.com/kb/en/explain-format-json/>, <https://mariadb.com/kb/en/analyze-format-json/>

use serde_json::Value;

use super::{mentions, number, plain, string, strings, truth};
use crate::error::{Error, Result};
use crate::plan::details::{Cache, Details, Pages, Partitions, Sort};
use crate::plan::{Access, Plan, PlanNode};

/// Operations around others, in the order in which they stand above each other.
const AROUND: &[&str] = &[
    "ordering_operation",
    "windowing",
    "window_functions_computation",
    "duplicates_removal",
    "grouping_operation",
    "buffer_result",
    "read_sorted_file",
    "filesort",
    "temporary_table",
];
const SETS: &[(&str, &str)] = &[
    ("union_result", "Union"),
    ("intersect_result", "Intersect"),
    ("except_result", "Except"),
    ("unary_result", "Result of a set"),
    ("recursive_union", "Recursive union"),
];
const SUBQUERIES: &[(&str, &str)] = &[
    ("select_list_subqueries", "Subquery of the select list"),
    ("attached_subqueries", "Subquery of a condition"),
    ("having_subqueries", "Subquery of HAVING"),
    ("order_by_subqueries", "Subquery of ORDER BY"),
    ("group_by_subqueries", "Subquery of GROUP BY"),
    ("update_value_subqueries", "Subquery of a new value"),
    ("insert_values_subqueries", "Subquery of a new value"),
    ("optimized_away_subqueries", "Subquery run while planning"),
    ("subqueries", "Subquery"),
];

pub(super) fn read(json: &Value) -> Result<Plan> {
    let block = json
        .get("query_block")
        .ok_or_else(|| Error::unexpected("EXPLAIN", "no query_block in it"))?;
    let optimization = json.get("query_optimization");
    let mut reader = Reader::default();
    reader.block(None, block, 1.0);
    let mut plan = reader.plan;
    plan.analyzed = optimization.is_some() || block.get("r_loops").is_some();
    plan.planning_ms = optimization.and_then(|part| number(part, "r_total_time_ms"));
    plan.execution_ms = number(block, "r_total_time_ms");
    if plan.analyzed && plan.execution_ms.is_none() {
        // A union tells only the times of its parts.
        plan.execution_ms = plan.root().and_then(|root| root.time_ms);
    }
    Ok(plan)
}

/// What the tables that come first in a nested loop give and cost.
#[derive(Clone, Copy)]
struct Before {
    rows: f64,
    cost: f64,
}

impl Before {
    const fn start(times: f64) -> Self {
        Self {
            rows: times,
            cost: 0.0,
        }
    }
}

#[derive(Default)]
struct Reader {
    plan: Plan,
    /// Cost and time of each node alone, in the order of the nodes.
    own: Vec<(Option<f64>, Option<f64>)>,
}

impl Reader {
    fn push(&mut self, parent: Option<usize>, node: PlanNode) -> usize {
        self.own.push((node.cost, node.time_ms));
        self.plan.push(parent, node)
    }

    /// One query block, run `times` times. Gives its topmost node.
    fn block(&mut self, parent: Option<usize>, block: &Value, times: f64) -> Option<usize> {
        let top = self.content(parent, block, times);
        if let Some(node) = top.and_then(|id| self.plan.nodes.get_mut(id)) {
            let filter = string(block, "having_condition");
            if !filter.is_empty() && node.filter.is_empty() && node.relation.is_empty() {
                node.filter = plain(&filter);
            }
            node.time_ms = largest(node.time_ms, number(block, "r_total_time_ms"));
            let cost = block
                .get("cost_info")
                .map_or_else(|| number(block, "cost"), |info| number(info, "query_cost"));
            node.cost = largest(node.cost, cost.map(|cost| cost * times));
        }
        top
    }

    /// What stands inside a block or an operation: one more operation, tables, subqueries.
    fn content(&mut self, parent: Option<usize>, json: &Value, times: f64) -> Option<usize> {
        let top = self.operation(parent, json, times);
        let rows = top.and_then(|id| self.plan.node(id)?.estimated_rows);
        self.subqueries(top.or(parent), json, rows.unwrap_or(times));
        top
    }

    fn operation(&mut self, parent: Option<usize>, json: &Value, times: f64) -> Option<usize> {
        for key in AROUND {
            if let Some(inner) = json.get(key) {
                return self.around(parent, key, inner, times);
            }
        }
        for (key, word) in SETS {
            if let Some(inner) = json.get(key) {
                return Some(self.set(parent, word, inner, times));
            }
        }
        if let Some(source) = json.get("insert_from") {
            let insert = json
                .get("table")
                .map(|table| self.table(parent, table, times, Before::start(times)));
            return match insert {
                Some(insert) => {
                    self.content(Some(insert), source, times);
                    self.finish(insert);
                    Some(insert)
                }
                None => self.content(parent, source, times),
            };
        }
        if let Some(tables) = json.get("nested_loop").and_then(Value::as_array) {
            return self.nested_loop(parent, tables, times);
        }
        if let Some(join) = json.get("block-nl-join") {
            return Some(self.buffered(parent, join, times, times));
        }
        if let Some(table) = json.get("table") {
            return Some(self.table(parent, table, times, Before::start(times)));
        }
        let message = string(json, "message");
        if message.is_empty() {
            None
        } else {
            Some(self.message(parent, &message))
        }
    }

    fn message(&mut self, parent: Option<usize>, message: &str) -> usize {
        let empty = message.to_lowercase().starts_with("impossible")
            || message.starts_with("no matching row");
        self.push(
            parent,
            PlanNode {
                operation: message.to_owned(),
                estimated_rows: empty.then_some(0.0),
                ..PlanNode::default()
            },
        )
    }

    fn around(
        &mut self,
        parent: Option<usize>,
        key: &str,
        json: &Value,
        times: f64,
    ) -> Option<usize> {
        let (filesort, temporary) = (
            truth(json, "using_filesort"),
            truth(json, "using_temporary_table"),
        );
        let (words, access) = match key {
            "ordering_operation" if filesort => ("Sort", Access::Sort),
            "filesort" => ("Sort", Access::Sort),
            "grouping_operation" => ("Group", Access::Aggregate),
            "duplicates_removal" => ("Remove duplicates", Access::Aggregate),
            "windowing" | "window_functions_computation" => ("Window functions", Access::Aggregate),
            "temporary_table" => ("Temporary table", Access::Materialize),
            "buffer_result" => ("Buffer the result", Access::Materialize),
            _ if temporary => ("Temporary table", Access::Materialize),
            // Its order comes from the index: nothing is done here.
            _ => return self.content(parent, json, times),
        };
        let mut operation = words.to_owned();
        if filesort && access != Access::Sort {
            operation.push_str(", sorted first");
        }
        if temporary && access != Access::Materialize {
            operation.push_str(", in a temporary table");
        }
        let loops = number(json, "r_loops");
        let node = PlanNode {
            operation,
            access,
            keys: plain(&sort_keys(json)),
            filter: plain(&string(json, "having_condition")),
            loops,
            // It tells one row more than the limit lets through.
            actual_rows: number(json, "r_output_rows").map(|rows| {
                rows.min(number(json, "r_limit").unwrap_or(rows)) * loops.unwrap_or(1.0)
            }),
            time_ms: number(json, "r_total_time_ms"),
            cost: json
                .get("cost_info")
                .and_then(|info| number(info, "sort_cost"))
                .map(|cost| cost * times),
            details: Details {
                temporary: temporary || key == "temporary_table",
                sort: (filesort || key == "filesort").then(|| sorted(json)),
                ..Details::default()
            },
            ..PlanNode::default()
        };
        let id = self.push(parent, node);
        self.content(Some(id), json, times);
        self.finish(id);
        Some(id)
    }

    fn set(&mut self, parent: Option<usize>, word: &str, json: &Value, times: f64) -> usize {
        let temporary =
            truth(json, "using_temporary_table") || string(json, "table_name").starts_with('<');
        let node = PlanNode {
            operation: if temporary {
                format!("{word}, in a temporary table")
            } else {
                word.to_owned()
            },
            access: if temporary {
                Access::Materialize
            } else {
                Access::Other
            },
            actual_rows: number(json, "r_rows")
                .map(|rows| rows * number(json, "r_loops").unwrap_or(1.0)),
            ..PlanNode::default()
        };
        let id = self.push(parent, node);
        for part in json
            .get("query_specifications")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            match part.get("query_block") {
                Some(block) => self.block(Some(id), block, times),
                None => self.content(Some(id), part, times),
            };
        }
        self.subqueries(Some(id), json, times);
        self.finish(id);
        let parts = self
            .plan
            .children(id)
            .map(|child| child.estimated_rows)
            .sum::<Option<f64>>();
        if let Some(node) = self.plan.nodes.get_mut(id) {
            node.estimated_rows = if word.contains("nion") { parts } else { None };
        }
        id
    }

    fn nested_loop(
        &mut self,
        parent: Option<usize>,
        tables: &[Value],
        times: f64,
    ) -> Option<usize> {
        if let [only] = tables {
            return self.content(parent, only, times);
        }
        let join = self.push(
            parent,
            PlanNode {
                operation: "Nested loop".to_owned(),
                access: Access::Join,
                ..PlanNode::default()
            },
        );
        let mut before = Before::start(times);
        let mut names: Vec<String> = Vec::new();
        let mut cartesian = false;
        for (position, entry) in tables.iter().enumerate() {
            let buffered = entry.get("block-nl-join");
            // MariaDB puts a table for which an index is chosen anew for each row inside of that.
            let checked = entry.get("range-checked-for-each-record");
            let entry = checked.unwrap_or(entry);
            let id = match (buffered, entry.get("table")) {
                (Some(inner), _) => Some(self.buffered(Some(join), inner, times, before.rows)),
                (None, Some(table)) => Some(self.table(Some(join), table, times, before)),
                (None, None) => self.content(Some(join), entry, times),
            };
            let table = buffered
                .and_then(|inner| inner.get("table"))
                .or_else(|| entry.get("table"));
            if let Some(table) = table {
                let conditions = [Some(table), buffered]
                    .into_iter()
                    .flatten()
                    .map(|part| string(part, "attached_condition"));
                let condition = plain(&conditions.collect::<Vec<_>>().join(" "));
                if let Some(node) = id.and_then(|id| self.plan.nodes.get_mut(id)) {
                    node.details.range_checked |= checked.is_some();
                }
                let checked =
                    checked.is_some() || table.get("range_checked_for_each_record").is_some();
                cartesian |= position > 0
                    && !checked
                    && reads_all(table)
                    && !names.iter().any(|name| mentions(&condition, name));
                names.push(string(table, "table_name"));
            }
            before.rows = id
                .and_then(|id| self.plan.node(id)?.estimated_rows)
                .unwrap_or(before.rows);
            let prefix = table.and_then(|table| number(table.get("cost_info")?, "prefix_cost"));
            before.cost = prefix.unwrap_or(before.cost);
        }
        self.finish(join);
        let last = self
            .plan
            .children(join)
            .last()
            .map(|node| (node.estimated_rows, node.actual_rows));
        if let (Some(node), Some((estimated, actual))) = (self.plan.nodes.get_mut(join), last) {
            node.estimated_rows = estimated;
            node.actual_rows = actual;
            node.cartesian = cartesian;
        }
        Some(join)
    }

    /// `MariaDB`'s join through a buffer, which stands around its table. `rows` come from the tables before.
    fn buffered(&mut self, parent: Option<usize>, json: &Value, times: f64, rows: f64) -> usize {
        let kind = string(json, "join_type");
        let words = if kind.ends_with('H') {
            "Hash join"
        } else {
            "Join through a buffer"
        };
        let loops = number(json, "r_loops");
        let joined = loops
            .zip(number(json, "r_effective_rows"))
            .map(|(loops, rows)| loops * rows);
        let kept = number(json, "r_filtered").unwrap_or(100.0) / 100.0;
        let node = PlanNode {
            operation: format!("{words} ({kind})"),
            access: Access::Join,
            filter: plain(&string(json, "attached_condition")),
            actual_rows: joined.map(|joined| joined * kept),
            removed_rows: joined.map(|joined| joined * (1.0 - kept)),
            details: Details {
                join_buffer: !kind.ends_with('H'),
                join_removed: joined.map(|joined| joined * (1.0 - kept)),
                ..Details::default()
            },
            time_ms: sum(
                number(json, "r_unpack_time_ms"),
                number(json, "r_other_time_ms"),
            ),
            ..PlanNode::default()
        };
        let id = self.push(parent, node);
        // The buffer spares the scans: the table is read once for as many rows as fit into it.
        if let Some(table) = json.get("table") {
            self.table(Some(id), table, times, Before::start(times));
        }
        self.subqueries(Some(id), json, times);
        self.finish(id);
        let inner = self
            .plan
            .children(id)
            .next()
            .and_then(|child| child.estimated_rows);
        if let Some(node) = self.plan.nodes.get_mut(id) {
            node.estimated_rows = inner.map(|inner| inner * (rows / times).max(1.0));
        }
        id
    }

    /// One table. It is looked into once for each row of the tables before it.
    fn table(&mut self, parent: Option<usize>, json: &Value, times: f64, before: Before) -> usize {
        let message = string(json, "message");
        if !message.is_empty() {
            return self.message(parent, &message);
        }
        let name = string(json, "table_name");
        let written = json.get("insert").is_some() || json.get("access_type").is_none();
        let derived = json
            .get("materialized_from_subquery")
            .or_else(|| json.get("materialized"));
        let inner = name.starts_with('<') || derived.is_some();
        let mut node = PlanNode {
            operation: if written {
                "Insert".to_owned()
            } else {
                operation(json)
            },
            access: match access(json) {
                _ if written => Access::Other,
                _ if inner => Access::Subquery,
                access => access,
            },
            relation: if inner { String::new() } else { name.clone() },
            alias: if inner { name.clone() } else { String::new() },
            index: index(json),
            condition: condition(json),
            filter: plain(&string(json, "attached_condition")),
            details: details(json),
            ..PlanNode::default()
        };
        count_rows(&mut node, json, times, before);
        let (loops, estimated) = (node.examined_rows.unwrap_or(times), node.estimated_rows);
        let id = self.push(parent, node);
        if let Some(derived) = derived {
            // What is stored for an IN is no subquery for each row, whatever `dependent` says.
            let lateral = truth(derived, "dependent") && !name.starts_with("<materialized")
                || truth(derived, "lateral");
            self.materialized(id, derived, lateral, times);
        }
        self.subqueries(Some(id), json, loops);
        self.finish(id);
        if let Some(node) = self.plan.nodes.get_mut(id) {
            node.estimated_rows = estimated;
        }
        id
    }

    fn materialized(&mut self, parent: usize, json: &Value, correlated: bool, times: f64) {
        let node = PlanNode {
            operation: "Materialize".to_owned(),
            access: Access::Materialize,
            correlated,
            ..PlanNode::default()
        };
        let id = self.push(Some(parent), node);
        match json.get("query_block") {
            Some(block) => self.block(Some(id), block, times),
            None => self.content(Some(id), json, times),
        };
        self.finish(id);
    }

    fn subqueries(&mut self, parent: Option<usize>, json: &Value, times: f64) {
        let mut around = Vec::new();
        for (key, words) in SUBQUERIES {
            for entry in json
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if around.is_empty() {
                    table_names(json, &mut around);
                }
                self.subquery(parent, words, entry, &around, times);
            }
        }
        if let (Some(id), false) = (parent, around.is_empty()) {
            self.finish(id);
        }
    }

    /// `around` are the tables of the block that the subquery stands in.
    fn subquery(
        &mut self,
        parent: Option<usize>,
        words: &str,
        json: &Value,
        around: &[String],
        times: f64,
    ) {
        let cached = json.get("expression_cache");
        let entry = cached
            .or_else(|| json.get("materialization"))
            .unwrap_or(json);
        let block = entry.get("query_block");
        let loops = block.and_then(|block| number(block, "r_loops"));
        // A subquery that is stored once and looked into is not run again.
        let stored = json.get("table").is_some() || json.get("materialization").is_some();
        let correlated = !stored
            && (truth(json, "dependent")
                || cached.is_some()
                || refers(entry, around)
                || loops > Some(1.0));
        let node = PlanNode {
            operation: if correlated {
                format!("{words}, run again for each row")
            } else {
                words.to_owned()
            },
            access: Access::Subquery,
            correlated,
            loops,
            details: Details {
                cache: cached.and_then(cache),
                ..Details::default()
            },
            ..PlanNode::default()
        };
        let id = self.push(parent, node);
        let times = if correlated { times.max(1.0) } else { 1.0 };
        match block {
            Some(block) => self.block(Some(id), block, times),
            None => self.content(Some(id), entry, times),
        };
        self.finish(id);
    }

    /// Rows, cost and time that a node has through its children.
    fn finish(&mut self, id: usize) {
        let mut rows = (None, None);
        let (mut cost, mut time) = (None, None);
        for (position, child) in self.plan.children(id).enumerate() {
            if position == 0 {
                rows = (child.estimated_rows, child.actual_rows);
            }
            cost = sum(cost, child.cost);
            time = sum(time, child.time_ms);
        }
        let Some(node) = self.plan.nodes.get_mut(id) else {
            return;
        };
        if !matches!(node.access, Access::Aggregate | Access::Join) && node.relation.is_empty() {
            node.estimated_rows = node.estimated_rows.or(rows.0);
            node.actual_rows = node.actual_rows.or(rows.1);
        }
        let (own_cost, own_time) = self.own.get(id).copied().unwrap_or_default();
        node.cost = sum(own_cost, cost);
        node.time_ms = match node.access {
            // The reading of the table is a part of the sort.
            Access::Sort => largest(own_time, time),
            _ => sum(own_time, time),
        };
    }
}

/// Tables of a block, without those of its subqueries.
fn table_names(json: &Value, names: &mut Vec<String>) {
    match json {
        Value::Object(object) => {
            names.extend(
                object
                    .get("table_name")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            for (_, inner) in object
                .iter()
                .filter(|(key, _)| !SUBQUERIES.iter().any(|(name, _)| name == key))
            {
                table_names(inner, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| table_names(item, names)),
        _ => {}
    }
}

/// Whether a condition of the subquery names a table around it.
fn refers(subquery: &Value, around: &[String]) -> bool {
    let mut own = Vec::new();
    table_names(subquery, &mut own);
    around
        .iter()
        .filter(|table| !own.contains(table))
        .any(|table| named_in(subquery, table))
}

fn named_in(json: &Value, table: &str) -> bool {
    match json {
        Value::Object(object) => object.iter().any(|(key, inner)| match key.as_str() {
            "attached_condition" | "index_condition" | "having_condition" => inner
                .as_str()
                .is_some_and(|condition| mentions(&plain(condition), table)),
            _ => named_in(inner, table),
        }),
        Value::Array(items) => items.iter().any(|item| named_in(item, table)),
        _ => false,
    }
}

fn sum(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a + b).or(a).or(b)
}

fn largest(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.max(b)).or(a).or(b)
}

fn sort_keys(json: &Value) -> String {
    let own = string(json, "sort_key");
    if !own.is_empty() {
        return own;
    }
    let windows = json
        .get("windows")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let of_windows = windows.flat_map(|window| strings(window, "filesort_key"));
    let sorts = json
        .get("sorts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let of_sorts = sorts
        .filter_map(|sort| sort.get("filesort"))
        .map(|sort| string(sort, "sort_key"));
    of_windows.chain(of_sorts).collect::<Vec<_>>().join(", ")
}

fn reads_all(table: &Value) -> bool {
    let several = number(table, "rows_examined_per_scan")
        .or_else(|| number(table, "rows"))
        .is_none_or(|rows| rows > 1.0);
    several
        && matches!(string(table, "access_type").as_str(), "ALL" | "index")
        && table.get("materialized").is_none()
}

fn access(json: &Value) -> Access {
    match string(json, "access_type").trim_start_matches("hash_") {
        "ALL" => Access::FullScan,
        "index" => Access::FullIndexScan,
        _ => Access::IndexSearch,
    }
}

fn operation(json: &Value) -> String {
    let kind = string(json, "access_type");
    let hashed = kind.starts_with("hash_");
    let words = match kind.trim_start_matches("hash_") {
        "ALL" => "Table scan",
        "index" if hashed && json.get("key").is_none() => "Table scan",
        "index" => "Full index scan",
        "range" => "Range scan",
        "system" => "Constant row (system)",
        "const" => "Constant row (const)",
        "eq_ref" => "Unique lookup (eq_ref)",
        "ref" => "Index lookup (ref)",
        "ref_or_null" => "Index lookup, or NULL (ref_or_null)",
        "index_merge" => "Several indexes merged (index_merge)",
        "unique_subquery" => "Unique lookup of a subquery (unique_subquery)",
        "index_subquery" => "Index lookup of a subquery (index_subquery)",
        "fulltext" => "Full-text search (fulltext)",
        other => other,
    };
    let mut operation = words.to_owned();
    let buffer = string(json, "using_join_buffer");
    let partitions = strings(json, "partitions");
    let shown = if partitions.len() > 3 {
        format!("{} partitions", partitions.len())
    } else {
        partitions.join(", ")
    };
    for (holds, word) in [
        (truth(json, "update"), "to update".to_owned()),
        (truth(json, "delete"), "to delete".to_owned()),
        (truth(json, "using_index"), "index only".to_owned()),
        (truth(json, "backward_index_scan"), "backward".to_owned()),
        (
            truth(json, "using_index_for_skip_scan"),
            "skip scan".to_owned(),
        ),
        (
            json.get("using_index_for_group_by").is_some(),
            "first of each group".to_owned(),
        ),
        (truth(json, "not_exists"), "where none matches".to_owned()),
        (
            json.get("first_match").is_some() || json.get("loosescan").is_some(),
            "first match".to_owned(),
        ),
        (!buffer.is_empty(), buffer.to_lowercase()),
        (hashed, "hashed".to_owned()),
        (!partitions.is_empty(), format!("in {shown}")),
    ] {
        if holds {
            operation.push_str(", ");
            operation.push_str(&word);
        }
    }
    operation
}

/// What the index finds rows by: `column = where the value comes from`, or the columns of a range.
fn condition(json: &Value) -> String {
    let pushed = plain(&string(json, "index_condition"));
    if matches!(
        string(json, "access_type").as_str(),
        "ALL" | "index" | "system"
    ) {
        return pushed;
    }
    let parts = strings(json, "used_key_parts");
    let sources = strings(json, "ref");
    if string(json, "access_type") == "range" || sources.is_empty() {
        return if pushed.is_empty() {
            parts.join(", ")
        } else {
            pushed
        };
    }
    let pairs = parts.iter().zip(&sources).map(|(part, source)| {
        // `database.table.column` loses its database.
        let short = match source.split('.').collect::<Vec<_>>().as_slice() {
            [_, table, column] => format!("{table}.{column}"),
            _ => source.clone(),
        };
        format!("{part} = {short}")
    });
    let pairs = pairs.collect::<Vec<_>>().join(", ");
    match pushed.is_empty() {
        true => pairs,
        // The condition says what the constants are.
        false if sources.iter().all(|source| source == "const") => pushed,
        false => format!("{pairs}; {pushed}"),
    }
}

/// The index that rows are found by; several that are merged as `union(a,b)`.
fn index(json: &Value) -> String {
    let Some((how, parts)) = json
        .get("index_merge")
        .and_then(Value::as_object)
        .and_then(|merge| merge.iter().next())
    else {
        return string(json, "key");
    };
    let names = parts.as_array().into_iter().flatten();
    let names = names.filter_map(|part| Some(string(part.get("range")?, "key")));
    format!("{how}({})", names.collect::<Vec<_>>().join(","))
}

/// What a table tells beside its rows and its time.
fn details(json: &Value) -> Details {
    let partitions = strings(json, "partitions").len();
    let engine = json.get("r_engine_stats");
    let counted = |key: &str| engine.and_then(|engine| number(engine, key));
    Details {
        index_only: truth(json, "using_index"),
        key_parts: strings(json, "used_key_parts"),
        possible_indexes: strings(json, "possible_keys"),
        partitions: (partitions > 0).then_some(Partitions {
            read: partitions,
            ..Partitions::default()
        }),
        second_index_keeps: json
            .get("rowid_filter")
            .and_then(|filter| number(filter, "r_selectivity_pct")),
        join_buffer: !string(json, "using_join_buffer").is_empty()
            && !string(json, "using_join_buffer").contains("hash"),
        range_checked: json.get("range_checked_for_each_record").is_some(),
        pages: counted("pages_accessed").map(|touched| {
            let read = counted("pages_read_count").unwrap_or(0.0);
            Pages {
                hit: (touched - read).max(0.0),
                read,
                read_ms: counted("pages_read_time_ms"),
                ..Pages::default()
            }
        }),
        ..Details::default()
    }
}

fn sorted(json: &Value) -> Sort {
    Sort {
        method: string(json, "r_sort_mode"),
        on_disk: number(json, "r_sort_passes").is_some_and(|passes| passes > 0.0),
        passes: number(json, "r_sort_passes"),
        ..Sort::default()
    }
}

/// `MariaDB` tells how many of the look-ups were answered from it, in percent.
fn cache(json: &Value) -> Option<Cache> {
    let lookups = number(json, "r_loops")?;
    let hits = lookups * number(json, "r_hit_ratio")? / 100.0;
    Some(Cache {
        hits,
        misses: lookups - hits,
        evictions: 0.0,
    })
}

/// Rows, cost and time, all loops together.
fn count_rows(node: &mut PlanNode, json: &Value, times: f64, before: Before) {
    let scan = number(json, "rows_examined_per_scan").or_else(|| number(json, "rows"));
    let filtered = number(json, "filtered").unwrap_or(100.0) / 100.0;
    let loops = number(json, "r_loops");
    // A join buffer spares the scans for all but the first of many rows.
    let scans = if json.get("using_join_buffer").is_some() {
        times
    } else {
        before.rows
    };
    let scans = loops.filter(|loops| *loops > 0.0).unwrap_or(scans);
    node.examined_rows = scan.map(|scan| scan * scans);
    node.estimated_rows = number(json, "rows_produced_per_join")
        .map(|produced| produced * times)
        .or_else(|| scan.map(|scan| scan * scans * filtered));
    if let Some(info) = json.get("cost_info") {
        node.cost = number(info, "prefix_cost").map(|cost| (cost - before.cost).max(0.0) * times);
    } else {
        node.cost = number(json, "cost");
    }
    let Some(loops) = loops else { return };
    node.loops = Some(loops);
    if let Some(read) = number(json, "r_rows") {
        let kept = number(json, "r_filtered").unwrap_or(100.0) / 100.0;
        node.actual_rows = Some(read * loops * kept);
        node.removed_rows = (kept < 1.0).then_some(read * loops * (1.0 - kept));
    } else if matches!(string(json, "access_type").as_str(), "const" | "system") {
        // It was read while planning.
        node.loops = Some(1.0);
        node.actual_rows = Some(1.0);
    } else {
        node.actual_rows = Some(0.0);
    }
    node.time_ms = sum(
        number(json, "r_table_time_ms"),
        number(json, "r_other_time_ms"),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::read;
    use super::*;

    fn words(plan: &Plan) -> Vec<(Option<usize>, &str)> {
        plan.nodes
            .iter()
            .map(|node| (node.parent, node.operation.as_str()))
            .collect()
    }

    #[test]
    fn a_join_stands_above_its_tables_in_their_order() {
        let plan = read(&json!({"query_block": {"select_id": 1, "cost_info": {"query_cost": "8.92"},
            "ordering_operation": {"using_filesort": true, "nested_loop": [
                {"table": {"table_name": "o", "access_type": "ref", "key": "o_user", "used_key_parts": ["user_id"],
                    "ref": ["const"], "rows_examined_per_scan": 10, "rows_produced_per_join": 5, "filtered": "50.00",
                    "cost_info": {"prefix_cost": "1.26"}, "attached_condition": "(`shop`.`o`.`total` > 5)"}},
                {"table": {"table_name": "i", "access_type": "ref", "key": "i_order", "used_key_parts": ["order_id"],
                    "ref": ["shop.o.id"], "rows_examined_per_scan": 2, "rows_produced_per_join": 10, "filtered": "100.00",
                    "cost_info": {"prefix_cost": "8.92"}}}]}}}))
        .unwrap();
        assert_eq!(
            words(&plan),
            [
                (None, "Sort"),
                (Some(0), "Nested loop"),
                (Some(1), "Index lookup (ref)"),
                (Some(1), "Index lookup (ref)")
            ]
        );
        let inner = &plan.nodes[3];
        assert_eq!(
            (
                inner.condition.as_str(),
                inner.examined_rows,
                inner.estimated_rows
            ),
            ("order_id = o.id", Some(10.0), Some(10.0))
        );
        assert_eq!(plan.nodes[2].filter, "o.total > 5");
        assert!((inner.cost.unwrap() - 7.66).abs() < 1e-9);
        assert_eq!(plan.cost(), Some(8.92));
        assert!(!plan.analyzed && !plan.nodes[1].cartesian);
    }

    #[test]
    fn tables_that_nothing_joins_are_a_product() {
        let table = |name: &str, condition: &str| {
            json!({"table": {"table_name": name, "access_type": "ALL", "rows_examined_per_scan": 50, "rows_produced_per_join": 50,
                "attached_condition": condition}})
        };
        let product = |condition: &str| {
            let plan = read(
                &json!({"query_block": {"nested_loop": [table("a", ""), table("b", condition)]}}),
            )
            .unwrap();
            plan.nodes[0].cartesian
        };
        assert!(product("(`s`.`b`.`x` = 1)"));
        assert!(!product("(`s`.`b`.`x` < `s`.`a`.`x`)"));
    }

    #[test]
    fn what_mariadb_measured_is_counted_over_all_loops() {
        let plan = read(&json!({"query_optimization": {"r_total_time_ms": 0.2}, "query_block": {"select_id": 1, "r_loops": 1,
            "r_total_time_ms": 30.0, "nested_loop": [
                {"table": {"table_name": "u", "access_type": "ALL", "r_loops": 1, "rows": 4977, "r_rows": 5000, "r_table_time_ms": 2.0,
                    "r_other_time_ms": 1.0, "filtered": 100, "r_filtered": 18, "attached_condition": "u.age > 40"}},
                {"table": {"table_name": "o", "access_type": "ref", "key": "o_user", "used_key_parts": ["user_id"], "ref": ["shop.u.id"],
                    "r_loops": 900, "rows": 5, "r_rows": 10, "r_table_time_ms": 20.0, "r_other_time_ms": 4.0, "filtered": 100, "r_filtered": 100}}]}}))
        .unwrap();
        let (outer, inner) = (&plan.nodes[1], &plan.nodes[2]);
        assert_eq!(
            (outer.actual_rows, outer.removed_rows),
            (Some(900.0), Some(4100.0))
        );
        assert_eq!(
            (inner.actual_rows, inner.estimated_rows, inner.loops),
            (Some(9000.0), Some(4500.0), Some(900.0))
        );
        assert_eq!(
            (inner.time_ms, plan.execution_ms, plan.planning_ms),
            (Some(24.0), Some(30.0), Some(0.2))
        );
        assert!(plan.analyzed);
    }

    #[test]
    fn a_subquery_that_looks_outside_runs_again_for_each_row() {
        let block = |condition: &str| {
            json!({"query_block": {"nested_loop": [{"table": {"table_name": "u", "access_type": "ALL", "rows": 100, "filtered": 100}}],
                "subqueries": [{"query_block": {"nested_loop": [
                    {"table": {"table_name": "o", "access_type": "ALL", "rows": 7, "filtered": 100, "attached_condition": condition}}]}}]}})
        };
        let again = read(&block("o.user_id > u.id")).unwrap();
        assert!(again.nodes[1].correlated);
        assert_eq!(again.nodes[2].examined_rows, Some(700.0));
        let once = read(&block("o.user_id > 5")).unwrap();
        assert!(!once.nodes[1].correlated);
        assert_eq!(once.nodes[2].examined_rows, Some(7.0));
    }

    #[test]
    fn a_derived_table_is_no_relation() {
        let plan = read(&json!({"query_block": {"table": {"table_name": "d", "access_type": "ALL", "rows_examined_per_scan": 9,
            "materialized_from_subquery": {"using_temporary_table": true, "dependent": false, "query_block": {
                "grouping_operation": {"using_temporary_table": true, "table": {"table_name": "orders", "access_type": "ALL", "rows_examined_per_scan": 90}}}}}}}))
        .unwrap();
        assert_eq!(
            words(&plan),
            [
                (None, "Table scan"),
                (Some(0), "Materialize"),
                (Some(1), "Group, in a temporary table"),
                (Some(2), "Table scan")
            ]
        );
        assert_eq!(
            (
                plan.nodes[0].relation.as_str(),
                plan.nodes[0].alias.as_str(),
                plan.nodes[3].relation.as_str()
            ),
            ("", "d", "orders")
        );
    }

    #[test]
    fn nothing_to_do_is_said() {
        let plan =
            read(&json!({"query_block": {"select_id": 1, "message": "Impossible WHERE"}})).unwrap();
        assert_eq!(
            (words(&plan), plan.nodes[0].estimated_rows),
            (vec![(None, "Impossible WHERE")], Some(0.0))
        );
    }
}
