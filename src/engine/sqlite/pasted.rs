//! `EXPLAIN QUERY PLAN` as shells write it: a tree drawn with lines, or rows.

use crate::engine::pasted::DEEPEST;
use crate::error::{Error, Result};

/// What a line of a plan begins with.
const BEGINNINGS: &[&str] = &[
    "SCAN ",
    "SEARCH ",
    "USE TEMP B-TREE",
    "CO-ROUTINE ",
    "MATERIALIZE ",
    "MULTI-INDEX OR",
    "COMPOUND QUERY",
    "CORRELATED ",
    "SCALAR SUBQUERY",
    "LIST SUBQUERY",
    "BLOOM FILTER ON ",
    "MERGE (",
    "LEFT-MOST SUBQUERY",
    "UNION ",
    "RECURSIVE STEP",
    "SETUP",
];

pub(in crate::engine) fn is_one(lines: &[String]) -> bool {
    let mut details = lines.iter().filter_map(|line| detail(line));
    details.next().is_some_and(|(_, _, first)| {
        BEGINNINGS
            .iter()
            .any(|beginning| first.starts_with(beginning))
    })
}

/// Lines of (id, parent, detail).
pub(in crate::engine) fn read(lines: &[String]) -> Result<Vec<(i64, i64, String)>> {
    let mut read = Vec::new();
    // The lines that the next one may stand under: depth and id.
    let mut above: Vec<(usize, i64)> = Vec::new();
    for line in lines {
        let Some((place, depth, text)) = detail(line) else {
            continue;
        };
        if depth > 4 * DEEPEST {
            return Err(Error::unexpected("EXPLAIN QUERY PLAN", "it nests too deep"));
        }
        // Older versions say TABLE.
        let text = text
            .replacen("SCAN TABLE ", "SCAN ", 1)
            .replacen("SEARCH TABLE ", "SEARCH ", 1);
        let (id, parent) = place.unwrap_or_else(|| {
            while above.last().is_some_and(|(before, _)| *before >= depth) {
                above.pop();
            }
            let id = read.len() as i64 + 1;
            (id, above.last().map_or(0, |(_, id)| *id))
        });
        above.push((depth, id));
        read.push((id, parent, text));
    }
    Ok(read)
}

/// A line's id and parent.
type Place = (i64, i64);

/// Its place where that is told, how far to the right it stands, and what it says.
fn detail(line: &str) -> Option<(Option<Place>, usize, String)> {
    let trimmed = line.trim_start();
    if trimmed.chars().next()?.is_ascii_digit() {
        let parts: Vec<&str> = trimmed.splitn(4, '|').map(str::trim).collect();
        let (id, parent) = (parts.first()?.parse().ok()?, parts.get(1)?.parse().ok()?);
        let text = match parts.as_slice() {
            [_, _, unused, text] if unused.parse::<i64>().is_ok() => (*text).to_owned(),
            [_, _, rest @ ..] => rest.join("|"),
            _ => return None,
        };
        return Some((Some((id, parent)), 0, text));
    }
    let text = line.trim_start_matches([' ', '|', '`', '-', '─', '│', '└', '├']);
    let depth = line.chars().count() - text.chars().count();
    (!text.is_empty() && !text.starts_with("sqlite>")).then(|| (None, depth, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_tree_and_rows_are_read_alike() {
        let tree = lines(
            "|--SCAN o\n|--SEARCH c USING INTEGER PRIMARY KEY (rowid=?)\n`--CORRELATED SCALAR SUBQUERY 1\n   `--SEARCH TABLE i USING INDEX x (a=?)",
        );
        let read_tree = read(&tree).unwrap();
        assert!(is_one(&tree));
        assert_eq!(
            read_tree[3],
            (4, 3, "SEARCH i USING INDEX x (a=?)".to_owned())
        );
        let rows = lines("4|0|0|SCAN o\n7|0|0|SEARCH c USING INTEGER PRIMARY KEY (rowid=?)");
        assert_eq!(read(&rows).unwrap()[1].0, 7);
        assert_eq!(
            read(&lines("4|0|SCAN o")).unwrap()[0],
            (4, 0, "SCAN o".to_owned())
        );
    }
}
