//! Texts that came from elsewhere, with the values in them hidden.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Visit, Visitor};

use super::Dialect;

/// Someone else's query with its literals taken out. Works on text that was cut anywhere, and errs
/// towards hiding too much.
pub fn mask_literals(sql: &str, dialect: Dialect) -> String {
    let mut masked = String::with_capacity(sql.len());
    let mut rest = sql;
    let mut word = "";
    while let Some(character) = rest.chars().next() {
        let before = std::mem::take(&mut word);
        let next = rest.get(character.len_utf8()..).unwrap_or_default();
        rest = match character {
            '\'' | '"' if character == '\'' || dialect == Dialect::MySql => {
                masked.push('?');
                let escape_text = dialect == Dialect::Postgres && before.eq_ignore_ascii_case("e");
                let backslash = dialect == Dialect::MySql || escape_text;
                let mut rest = after_quoted(next, character, backslash);
                // PostgreSQL's escapes go on in a text that goes on behind a gap.
                while escape_text && let Some(more) = after_gap(rest).strip_prefix('\'') {
                    rest = after_quoted(more, '\'', true);
                }
                rest
            }
            '"' | '`' | '[' if dialect.quotes_name(character) => {
                let close = if character == '[' { ']' } else { character };
                let end = next.find(close).map_or(rest.len(), |at| at + 2);
                copied(&mut masked, rest, end)
            }
            '$' if dialect == Dialect::Postgres
                && next.starts_with(|c: char| !c.is_ascii_digit()) =>
            {
                // A dollar-quoted text: nothing after its start is shown.
                masked.push_str("?…");
                return masked;
            }
            '$' => {
                let digits = next.find(|c: char| !c.is_ascii_digit());
                copied(&mut masked, rest, digits.map_or(rest.len(), |at| at + 1))
            }
            '-' | '#' | '/' if let Some(after) = after_comment(rest, dialect) => {
                masked.push(' ');
                after
            }
            _ if character.is_ascii_digit() => {
                masked.push('?');
                let number = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_');
                next.trim_start_matches(number)
            }
            _ if is_of_word(character) => {
                let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
                word = rest.get(..end).unwrap_or_default();
                copied(&mut masked, rest, end)
            }
            _ => copied(&mut masked, rest, character.len_utf8()),
        };
    }
    masked
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$') || !character.is_ascii()
}

/// Copies what stands before `end`, and gives what stands behind it.
fn copied<'a>(masked: &mut String, text: &'a str, end: usize) -> &'a str {
    let (shown, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    masked.push_str(shown);
    rest
}

/// What comes after a quoted text; `text` begins behind its opening quote.
fn after_quoted(text: &str, quote: char, backslash: bool) -> &str {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if backslash && character == '\\' {
            rest.next();
        } else if character == quote {
            match rest.as_str().strip_prefix(quote) {
                Some(more) => rest = more.chars(),
                None => break,
            }
        }
    }
    rest.as_str()
}

/// What comes after the comment that a text begins with, if it begins with one.
fn after_comment(text: &str, dialect: Dialect) -> Option<&str> {
    let line = match text.strip_prefix("--") {
        // In MySQL two signs with no space behind them are two signs.
        Some(rest) => {
            dialect != Dialect::MySql
                || !rest.starts_with(|c: char| !c.is_whitespace() && !c.is_control())
        }
        None => dialect == Dialect::MySql && text.starts_with('#'),
    };
    if line {
        return Some(text.split_once('\n').map_or("", |(_, rest)| rest));
    }
    let mut rest = text.strip_prefix("/*")?;
    let mut depth = 1;
    while depth > 0 {
        let at = rest.find(['*', '/']);
        let Some(here) = at.and_then(|at| rest.get(at..)) else {
            return Some("");
        };
        rest = if let Some(after) = here.strip_prefix("*/") {
            depth -= 1;
            after
        } else if let (Some(after), Dialect::Postgres) = (here.strip_prefix("/*"), dialect) {
            depth += 1;
            after
        } else {
            here.get(1..).unwrap_or_default()
        };
    }
    Some(rest)
}

/// What comes after white space and comments to the end of their line.
fn after_gap(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        rest = rest
            .split_once('\n')
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    rest
}

/// The values that a statement itself holds. A planner may run a part of it and write what it found into a
/// condition: only what the one who asks wrote is shown.
#[derive(Debug, Clone, Default)]
pub struct Literals {
    /// `MySQL` writes a text that it read from a table as it is, with the quotes that are in it.
    bare_quotes: bool,
    texts: BTreeSet<String>,
    /// The same without spaces: engines write JSON with spaces of their own.
    squeezed: BTreeSet<String>,
    /// The same as the engines write them between quotes.
    written: BTreeSet<String>,
    /// How long those are.
    lengths: BTreeSet<usize>,
    numbers: BTreeSet<u64>,
}

impl Literals {
    pub fn of(statement: &ast::Statement, dialect: Dialect) -> Self {
        struct Values(Literals);
        impl Visitor for Values {
            type Break = ();
            fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<()> {
                match &value.value {
                    ast::Value::Number(number, _) => {
                        self.0.numbers.extend(number.parse().ok().map(magnitude));
                    }
                    other => {
                        if let Some(text) = other.clone().into_string() {
                            self.0.squeezed.insert(squeezed(&text));
                            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
                            self.0.written.insert(escaped);
                            self.0.written.insert(text.replace('\'', "''"));
                            self.0.texts.insert(text);
                        }
                    }
                }
                ControlFlow::Continue(())
            }
        }
        let mut values = Values(Self {
            bare_quotes: dialect == Dialect::MySql,
            ..Self::default()
        });
        let _ = statement.visit(&mut values);
        let Values(mut literals) = values;
        literals.lengths = literals.written.iter().map(String::len).collect();
        literals
    }

    /// A condition from a plan, with every value hidden that the statement does not hold.
    pub fn hide_others(&self, condition: &str) -> String {
        let mut shown = String::with_capacity(condition.len());
        let mut rest = condition;
        while let Some(character) = rest.chars().next() {
            let previous = shown.chars().next_back().unwrap_or(' ');
            let next = rest.get(character.len_utf8()..).unwrap_or_default();
            rest = match character {
                '\'' => self.text(next, &mut shown),
                '"' | '`' => {
                    let end = next.find(character).map_or(rest.len(), |at| at + 2);
                    copied(&mut shown, rest, end)
                }
                _ if character.is_ascii_digit() && !(is_of_word(previous) || previous == '#') => {
                    let of_number = |c: char| c.is_ascii_alphanumeric() || c == '.';
                    let end = rest.find(|c| !of_number(c)).unwrap_or(rest.len());
                    let (number, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                    self.number(number, &mut shown);
                    after
                }
                _ => copied(&mut shown, rest, character.len_utf8()),
            };
        }
        shown
    }

    /// Shows or hides a text; `rest` begins behind its opening quote. Gives what comes after it.
    fn text<'a>(&self, rest: &'a str, shown: &mut String) -> &'a str {
        if let Some(end) = self.own_text(rest) {
            shown.push('\'');
            return copied(shown, rest, end);
        }
        let after = after_quoted(rest, '\'', false);
        let written = rest.get(..rest.len() - after.len()).unwrap_or_default();
        let written = written.strip_suffix('\'').unwrap_or(written);
        let value = written.replace("''", "'");
        let plain = !value.contains(['\'', '\\']) && !after.starts_with(is_of_word);
        let elements = value
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'));
        if plain && self.knows(&value) || value.is_empty() && !self.bare_quotes {
            shown.push_str(&format!("'{written}'"));
        } else if let Some(elements) = elements.filter(|_| !self.bare_quotes) {
            let each: Vec<&str> = elements
                .split(',')
                .map(|element| {
                    let bare = element.trim_matches('"');
                    if self.knows(bare) { element } else { "?" }
                })
                .collect();
            shown.push_str(&format!("'{{{}}}'", each.join(",").replace('\'', "''")));
        } else {
            shown.push('?');
            if self.bare_quotes {
                // Where it ends is not to be told: at the last quote at the latest.
                return rest.rsplit_once('\'').map_or("", |(_, after)| after);
            }
        }
        after
    }

    /// Where a text of the statement ends, as one of the engines writes it, if it stands here.
    fn own_text(&self, rest: &str) -> Option<usize> {
        let ends = |at: usize| {
            let (written, after) = rest.split_at_checked(at)?;
            let whole = !after
                .strip_prefix('\'')?
                .starts_with(|c| is_of_word(c) || c == '\'');
            (whole && self.written.contains(written)).then_some(at + 1)
        };
        self.lengths.iter().rev().find_map(|at| ends(*at))
    }

    /// The planner may complete a date by its time, and write a number as a text.
    fn knows(&self, value: &str) -> bool {
        let tail = |c| matches!(c, ' ' | '0' | ':' | '.' | '+');
        let shortest = value.trim_end_matches(tail).len().max(8);
        let completed = |value: &str| {
            (shortest..value.len())
                .take(24)
                .filter_map(|at| value.get(..at))
                .any(|start| self.texts.contains(start))
        };
        self.texts.contains(value)
            || value
                .parse::<f64>()
                .is_ok_and(|number| self.numbers.contains(&magnitude(number)))
            || self.squeezed.contains(&squeezed(value))
            || completed(value)
    }

    fn number(&self, number: &str, shown: &mut String) {
        // A number that counts the plan's own parts, or belongs to a type.
        let structural = ["InitPlan ", "SubPlan ", "CTE ", "count("]
            .iter()
            .any(|before| shown.ends_with(before))
            || type_modifier(shown);
        let known = structural
            || self.texts.contains(number)
            || number
                .parse::<f64>()
                .is_ok_and(|number| self.numbers.contains(&magnitude(number)));
        shown.push_str(if known { number } else { "?" });
    }
}

/// A number without its sign, as something that can be looked up.
fn magnitude(number: f64) -> u64 {
    number.abs().to_bits()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| *c != ' ').collect()
}

/// Whether the text ends within the brackets of a cast, as in `::numeric(10,`.
fn type_modifier(before: &str) -> bool {
    let Some((left, inside)) = before.rsplit_once('(') else {
        return false;
    };
    inside.chars().all(|c| c.is_ascii_digit() || c == ',')
        && left.rsplit_once("::").is_some_and(|(_, name)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == ' ')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_statement_does_not_hold_are_hidden() {
        let hide = |sql: &str, condition: &str| {
            let statement = crate::statement::parse_one(sql, Dialect::Postgres).unwrap();
            Literals::of(&statement, Dialect::Postgres).hide_others(condition)
        };
        let sql = "SELECT 1 FROM t WHERE a = 'mine' AND b = (SELECT pw FROM s) AND c > 12.50";
        for (condition, shown) in [
            (
                "(a = 'mine') and (b = 'its secret''s')",
                "(a = 'mine') and (b = ?)",
            ),
            ("b = 'cut", "b = ?"),
            ("b = 'min'", "b = ?"),
            ("c > '-12.5'::numeric", "c > '-12.5'::numeric"),
            (
                "(c > '12.5'::numeric) AND (pin = 7391)",
                "(c > '12.5'::numeric) AND (pin = ?)",
            ),
            (
                "(a = ANY ('{mine,other}'::text[]))",
                "(a = ANY ('{mine,?}'::text[]))",
            ),
            ("(InitPlan 1).col1 > $0", "(InitPlan 1).col1 > $0"),
            ("t1.x2 = (y)::numeric(10,2)", "t1.x2 = (y)::numeric(10,2)"),
        ] {
            assert_eq!(hide(sql, condition), shown);
        }
        assert_eq!(
            hide(
                "SELECT 1 FROM t WHERE d >= '2026-01-01'",
                "d >= '2026-01-01 00:00:00'"
            ),
            "d >= '2026-01-01 00:00:00'"
        );
    }

    #[test]
    fn a_quote_that_the_server_left_bare_does_not_show_what_is_behind_it() {
        let sql = "SELECT 1 FROM t WHERE a = 'mine' AND b = 'it''s'";
        let statement = crate::statement::parse_one(sql, Dialect::MySql).unwrap();
        let literals = Literals::of(&statement, Dialect::MySql);
        for (condition, shown) in [
            (
                "((t.a = 'mine') and (t.b > 'its owner's secret') and ('1' = t.c))",
                "((t.a = 'mine') and (t.b > ? = t.c))",
            ),
            ("(t.b > '' or secret')", "(t.b > ?)"),
            ("(t.b = 'it\\'s')", "(t.b = 'it\\'s')"),
            ("(t.b = 'mine's secret')", "(t.b = ?)"),
        ] {
            assert_eq!(literals.hide_others(condition), shown);
        }
    }

    #[test]
    fn literals_go_and_names_stay() {
        let mask = |sql| mask_literals(sql, Dialect::Postgres);
        assert_eq!(
            mask("SELECT * FROM t1 WHERE a = 'it''s' AND b = 12.5"),
            "SELECT * FROM t1 WHERE a = ? AND b = ?"
        );
        assert_eq!(
            mask("UPDATE \"t 1\" SET a = E'x\\'y' WHERE id = $1"),
            "UPDATE \"t 1\" SET a = E? WHERE id = $1"
        );
        // A word before a text is no E; an escape text goes on behind a gap; comments stand in each other.
        assert_eq!(mask("SELECT name'a\\', 'b'"), "SELECT name?, ?");
        assert_eq!(mask("SELECT E'a' -- c\n'b\\'c', 1_000"), "SELECT E?, ?");
        assert_eq!(mask("SELECT /* /* */ ' */ 'b'"), "SELECT   ?");
        assert_eq!(
            mask_literals("SELECT 1--'\nb'", Dialect::MySql),
            "SELECT ?--?"
        );
        assert_eq!(mask("SELECT 'cut in the midd"), "SELECT ?");
        assert_eq!(mask("SELECT $$secret$$"), "SELECT ?…");
        assert_eq!(mask("SELECT 1 -- pin 1234\n, 2"), "SELECT ?  , ?");
        assert_eq!(
            mask_literals("SELECT \"x\", `a`", Dialect::MySql),
            "SELECT ?, `a`"
        );
    }
}
