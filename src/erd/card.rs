//! A table as a box of characters.

use super::{ErdTable, Mark};
use crate::answer::{excerpt, one_line};

/// What a box says, before its width is known.
pub(super) struct Card {
    title: Vec<char>,
    rows: Vec<Row>,
    /// Columns that are not among the rows.
    more: usize,
}

struct Row {
    column: String,
    mark: Mark,
    shown: String,
    kind: String,
}

/// Borders and the blanks beside them.
const FRAME: usize = 4;
/// The key mark and its gap.
const MARK: usize = 4;
/// A type cut below this many characters says nothing.
const KIND: usize = 4;

impl Card {
    pub(super) fn new(title: &str, table: &ErdTable, keys_only: bool) -> Self {
        let rows: Vec<Row> = table
            .columns
            .iter()
            .filter(|column| !keys_only || !column.key.is_none())
            .map(|column| Row {
                column: column.name.clone(),
                mark: column.key,
                shown: format!(
                    "{}{}",
                    one_line(&column.name),
                    if column.nullable { "?" } else { "" }
                ),
                kind: usual(&one_line(&column.data_type)),
            })
            .collect();
        Self {
            title: one_line(title).chars().collect(),
            more: table.columns.len() - rows.len(),
            rows,
        }
    }

    /// The width that needs no line broken and no type shortened, at most `cap`.
    pub(super) fn width(&self, cap: usize) -> usize {
        let rows = self.rows.iter().map(|row| {
            let kind = row.kind.chars().count();
            FRAME + MARK + row.shown.chars().count() + if kind == 0 { 0 } else { kind + 2 }
        });
        let note = self.note().map_or(0, |note| note.chars().count() + FRAME);
        rows.chain([self.title.len() + 6, note])
            .max()
            .unwrap_or(0)
            .min(cap)
    }

    /// The lines of the box, each `width` characters.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let room = width.saturating_sub(6).max(1);
        for (n, part) in self.title.chunks(room).enumerate() {
            let part: String = part.iter().collect();
            if n == 0 {
                let rule = "─".repeat(width.saturating_sub(part.chars().count() + 5));
                lines.push(format!("┌─ {part} {rule}┐"));
            } else {
                lines.push(framed(&format!("… {part}"), width));
            }
        }
        for row in &self.rows {
            lines.extend(
                row.lines(width - FRAME)
                    .iter()
                    .map(|line| framed(line, width)),
            );
        }
        if let Some(note) = self.note() {
            lines.push(framed(&note, width));
        }
        lines.push(format!("└{}┘", "─".repeat(width - 2)));
        lines
    }

    /// The line on which a column's row begins, counted from the top of the box.
    pub(super) fn line_of(&self, column: &str, width: usize) -> Option<usize> {
        let mut line = self.title.chunks(width.saturating_sub(6).max(1)).count();
        for row in &self.rows {
            if row.column.eq_ignore_ascii_case(column) {
                return Some(line);
            }
            line += row.lines(width - FRAME).len();
        }
        None
    }

    /// How many rows do not show name and type whole in one line.
    pub(super) fn cuts(&self, width: usize) -> usize {
        let cut = |row: &&Row| {
            let lines = row.lines(width - FRAME);
            lines.len() > 1 || lines.iter().any(|line| line.contains('…'))
        };
        self.rows.iter().filter(cut).count()
    }

    fn note(&self) -> Option<String> {
        let plural = if self.more == 1 { "" } else { "s" };
        let other = if self.rows.is_empty() { "" } else { "more " };
        (self.more > 0).then(|| format!("    … {} {other}column{plural}", self.more))
    }
}

impl Row {
    /// Name left, type right; a long name goes on in the next line and is never cut.
    fn lines(&self, width: usize) -> Vec<String> {
        let room = width.saturating_sub(MARK).max(1);
        let name: Vec<char> = self.shown.chars().collect();
        let mut lines: Vec<String> = name
            .chunks(room)
            .map(|part| part.iter().collect())
            .collect();
        let last = lines.last().map_or(0, |line| line.chars().count());
        if !self.kind.is_empty() {
            if last + KIND <= room || last + self.kind.chars().count() < room {
                let kind = shortened(&self.kind, room - last - 1);
                let gap = room - last - kind.chars().count();
                if let Some(line) = lines.last_mut() {
                    line.push_str(&" ".repeat(gap));
                    line.push_str(&kind);
                }
            } else {
                lines.push(format!("{:>room$}", shortened(&self.kind, room)));
            }
        }
        let mark = |n: usize| if n == 0 { self.mark.word() } else { "" };
        lines
            .iter()
            .enumerate()
            .map(|(n, line)| format!("{:<MARK$}{line}", mark(n)))
            .collect()
    }
}

fn framed(text: &str, width: usize) -> String {
    let room = width - FRAME;
    format!("│ {text:<room$} │")
}

/// Long spellings of the standard in their usual short form.
fn usual(kind: &str) -> String {
    kind.replace("character varying", "varchar")
        .replace("timestamp with time zone", "timestamptz")
        .replace("timestamp without time zone", "timestamp")
        .replace("time without time zone", "time")
}

/// A type in so many characters; what is missing shows as an ellipsis.
fn shortened(kind: &str, room: usize) -> String {
    if kind.chars().count() <= room {
        return kind.to_owned();
    }
    let kind = kind
        .to_lowercase()
        .replace("integer", "int")
        .replace("boolean", "bool")
        .replace("character", "char")
        .replace("double precision", "double");
    if kind.chars().count() <= room {
        return kind;
    }
    match kind.split_once('(') {
        Some((base, _)) if base.chars().count() + 3 <= room => format!("{base}(…)"),
        _ => excerpt(&kind, room),
    }
}
