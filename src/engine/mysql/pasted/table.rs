//! The table of `EXPLAIN`, a row for each table that is read: in a box, with tabs, or a line for each cell (`\G`).
//! <https://dev.mysql.com/doc/refman/8.4/en/explain-output.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// Cells by the name of their column.
type Row = BTreeMap<String, String>;

/// Subqueries and derived tables stand in each other.
const DEEPEST: usize = 20;

pub(super) fn read(lines: &[String]) -> Result<Value> {
    let rows = rows(lines);
    let first = rows
        .first()
        .ok_or_else(|| Error::unexpected("EXPLAIN", "no row in its table"))?;
    let start = cell(first, "id").to_owned();
    let mut left: Vec<String> = Vec::new();
    for row in &rows {
        let id = cell(row, "id").to_owned();
        if !left.contains(&id) {
            left.push(id);
        }
    }
    let mut whole = Map::new();
    let union = rows
        .iter()
        .find(|row| cell(row, "select_type").ends_with("RESULT"));
    if let Some(result) = union {
        let name = cell(result, "table").to_owned();
        let ids: Vec<String> = name
            .trim_matches(|c: char| !c.is_ascii_digit())
            .split(',')
            .map(str::to_owned)
            .collect();
        let parts: Vec<Value> = ids
            .iter()
            .map(|id| json!({ "query_block": block(&rows, id, &mut left, 0) }))
            .collect();
        left.retain(|id| *id != cell(result, "id"));
        whole.insert("union_result".to_owned(), json!({ "table_name": name, "using_temporary_table": cell(result, "Extra").contains("Using temporary"), "query_specifications": parts }));
    } else {
        whole = block(&rows, &start, &mut left, 0);
    }
    // What nothing refers to are subqueries of conditions or of the select list.
    let mut subqueries = Vec::new();
    while let Some(id) = left.first().cloned() {
        let dependent = rows
            .iter()
            .any(|row| cell(row, "id") == id && cell(row, "select_type").starts_with("DEPENDENT"));
        let inner = block(&rows, &id, &mut left, 0);
        subqueries.push(json!({ "dependent": dependent, "query_block": inner }));
    }
    if !subqueries.is_empty() {
        whole.insert("attached_subqueries".to_owned(), subqueries.into());
    }
    Ok(json!({ "query_block": whole }))
}

fn cell<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).map_or("", String::as_str)
}

fn rows(lines: &[String]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        let boxed = line.trim_start().starts_with('|');
        let inside = line.trim().trim_matches('|');
        // A tab was made four spaces of; what is empty between two of them is none.
        let cells: Vec<&str> = if boxed {
            inside.split('|').map(str::trim).collect()
        } else {
            inside.split("    ").map(str::trim).collect()
        };
        if cells.contains(&"select_type") {
            names = cells.into_iter().map(str::to_owned).collect();
        } else if names.is_empty() {
            if let Some((name, value)) = line.trim().split_once(':') {
                if name == "id" || rows.is_empty() {
                    rows.push(Row::new());
                }
                if let Some(row) = rows.last_mut() {
                    row.insert(name.to_owned(), filled(value.trim()));
                }
            }
        } else if cells.len() > 3 {
            rows.push(
                names
                    .iter()
                    .cloned()
                    .zip(cells.into_iter().map(filled))
                    .collect(),
            );
        }
    }
    rows
}

fn filled(value: &str) -> String {
    if matches!(value, "NULL" | "None" | "null") {
        String::new()
    } else {
        value.to_owned()
    }
}

/// The block with this id; `left` loses it and all that it holds.
fn block(rows: &[Row], id: &str, left: &mut Vec<String>, depth: usize) -> Map<String, Value> {
    left.retain(|own| own != id);
    let own: Vec<&Row> = rows
        .iter()
        .filter(|row| cell(row, "id") == id && !cell(row, "select_type").ends_with("RESULT"))
        .collect();
    let extra: String = own
        .iter()
        .map(|row| cell(row, "Extra"))
        .collect::<Vec<_>>()
        .join("; ");
    let tables: Vec<Value> = own
        .iter()
        .map(|row| json!({ "table": table(rows, row, left, depth) }))
        .collect();
    let mut inner = Map::new();
    match own.as_slice() {
        [only] if cell(only, "table").is_empty() => {
            inner.insert("message".to_owned(), Value::from(cell(only, "Extra")));
        }
        _ => {
            inner.insert("nested_loop".to_owned(), tables.into());
        }
    }
    let (filesort, temporary) = (
        extra.contains("Using filesort"),
        extra.contains("Using temporary"),
    );
    if !filesort && !temporary {
        return inner;
    }
    let key = if filesort {
        "ordering_operation"
    } else {
        "grouping_operation"
    };
    inner.insert("using_filesort".to_owned(), filesort.into());
    inner.insert("using_temporary_table".to_owned(), temporary.into());
    let mut outer = Map::new();
    outer.insert(key.to_owned(), inner.into());
    outer
}

fn table(rows: &[Row], row: &Row, left: &mut Vec<String>, depth: usize) -> Map<String, Value> {
    let mut json = Map::new();
    let mut set = |key: &str, value: Value| {
        json.insert(key.to_owned(), value);
    };
    let list = |text: &str| -> Value {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect()
    };
    let name = cell(row, "table");
    let extra = cell(row, "Extra");
    set("table_name", name.into());
    if !cell(row, "type").is_empty() {
        set("access_type", cell(row, "type").into());
    }
    for (column, key) in [
        ("rows", "rows_examined_per_scan"),
        ("filtered", "filtered"),
        ("r_rows", "r_rows"),
        ("r_filtered", "r_filtered"),
    ] {
        if let Ok(number) = cell(row, column).parse::<f64>() {
            set(key, number.into());
        }
    }
    if !cell(row, "r_rows").is_empty() {
        set("r_loops", 1.into());
    }
    if !cell(row, "key").is_empty() {
        set("key", cell(row, "key").into());
        set("key_length", cell(row, "key_len").into());
    }
    for (column, key) in [
        ("possible_keys", "possible_keys"),
        ("ref", "ref"),
        ("partitions", "partitions"),
    ] {
        if !cell(row, column).is_empty() {
            set(key, list(cell(row, column)));
        }
    }
    for (words, key) in [
        ("Using index", "using_index"),
        ("Using index for skip scan", "using_index_for_skip_scan"),
        ("Using index for group-by", "using_index_for_group_by"),
        ("Backward index scan", "backward_index_scan"),
        ("Not exists", "not_exists"),
    ] {
        if extra.split([';', ',']).any(|part| part.trim() == words) {
            set(key, true.into());
        }
    }
    if let Some((_, buffer)) = extra.split_once("Using join buffer (") {
        set(
            "using_join_buffer",
            buffer.split(')').next().unwrap_or_default().into(),
        );
    }
    if extra.contains("Range checked for each record") {
        set("range_checked_for_each_record", true.into());
    }
    let inner = ["<derived", "<subquery"]
        .iter()
        .find_map(|start| name.strip_prefix(start)?.strip_suffix('>'));
    if let Some(id) = inner.filter(|id| depth < DEEPEST && left.iter().any(|own| own == id)) {
        let block = block(rows, id, left, depth + 1);
        set(
            "materialized_from_subquery",
            json!({ "using_temporary_table": true, "query_block": block }),
        );
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mysql::explain;

    const BOXED: &str = "| id | select_type | table | partitions | type | possible_keys | key    | key_len | ref         | rows | filtered | Extra                    |
|  1 | SIMPLE      | o     | NULL       | ref  | PRIMARY,o_u   | o_user | 8       | const       |    2 |    50.00 | Using where; Using filesort |
|  1 | SIMPLE      | i     | NULL       | ALL  | NULL          | NULL   | NULL    | NULL        |   40 |   100.00 | NULL                     |";

    #[test]
    fn boxes_and_lists_of_cells_are_read() {
        let lines: Vec<String> = BOXED.lines().map(str::to_owned).collect();
        let plan = explain::read(&read(&lines).unwrap()).unwrap();
        let words: Vec<_> = plan
            .nodes
            .iter()
            .map(|node| node.operation.as_str())
            .collect();
        assert_eq!(
            words,
            ["Sort", "Nested loop", "Index lookup (ref)", "Table scan"]
        );
        assert_eq!(
            (plan.nodes[2].index.as_str(), plan.nodes[2].estimated_rows),
            ("o_user", Some(1.0))
        );
        let list = "           id: 1\n  select_type: SIMPLE\n        table: t\n         type: ALL\n         rows: 90\n        Extra: Using where";
        let lines: Vec<String> = list.lines().map(str::to_owned).collect();
        let plan = explain::read(&read(&lines).unwrap()).unwrap();
        assert_eq!(
            (plan.nodes[0].relation.as_str(), plan.nodes[0].examined_rows),
            ("t", Some(90.0))
        );
    }
}
