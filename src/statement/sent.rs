//! A second reading of what is about to be sent, that shares nothing with the parser: one statement, every
//! text closed, no comment in which something could hide.

use super::Dialect;

/// Whether a server can only read this text as one statement without comments. Sessions are set so that a
/// backslash means the same there as here.
pub(super) fn is_one_statement(text: &str, dialect: Dialect) -> bool {
    // An escape in a text of the statement may have become what it stands for.
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return false;
    }
    let mut rest = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, character)) = rest.next() {
        let after = text.get(at + character.len_utf8()..).unwrap_or_default();
        let closed = match character {
            '\'' => {
                let escapes = match dialect {
                    Dialect::Postgres => matches!(previous, 'e' | 'E') && starts_word(text, at),
                    Dialect::MySql => true,
                    Dialect::Sqlite => false,
                };
                skip(&mut rest, '\'', escapes)
            }
            '"' => skip(&mut rest, '"', dialect == Dialect::MySql),
            '`' if dialect != Dialect::Postgres => skip(&mut rest, '`', false),
            '[' if dialect == Dialect::Sqlite => rest.any(|(_, inner)| inner == ']'),
            _ => true,
        };
        if !closed {
            return false;
        }
        match character {
            '$' if dialect == Dialect::Postgres && !is_word(previous) => {
                if let Some(tag) = dollar_tag(after) {
                    let closing = format!("${tag}$");
                    let body = at + closing.len();
                    let Some(end) = text.get(body..).and_then(|body| body.find(&closing)) else {
                        return false;
                    };
                    let end = body + end + closing.len();
                    while rest.peek().is_some_and(|(at, _)| *at < end) {
                        rest.next();
                    }
                }
            }
            ';' | '\\' => return false,
            '#' if dialect == Dialect::MySql => return false,
            '-' if after.starts_with('-') => return false,
            // A hint was looked at when it was parsed; it ends at the first `*/`.
            '/' if after.starts_with("*+") && dialect == Dialect::MySql => {
                let Some(end) = after.find("*/") else {
                    return false;
                };
                let hint = after.get(2..end).unwrap_or_default();
                if hint.contains(['\'', '"', '`', ';', '#', '!']) || hint.contains("/*") {
                    return false;
                }
                let end = at + 1 + end + 2;
                while rest.peek().is_some_and(|(at, _)| *at < end) {
                    rest.next();
                }
            }
            '/' if after.starts_with('*') => return false,
            _ => {}
        }
        previous = character;
    }
    true
}

/// Whether the character before `at` begins a word of its own, as the E of an escape text does.
fn starts_word(text: &str, at: usize) -> bool {
    let mut before = text.get(..at).unwrap_or_default().chars().rev();
    before.next();
    !before.next().is_some_and(is_word)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$') || !character.is_ascii()
}

/// The tag of a dollar-quoted text, given what follows its first dollar sign.
fn dollar_tag(after: &str) -> Option<&str> {
    let (tag, _) = after.split_once('$')?;
    let named = !tag.starts_with(|c: char| c.is_ascii_digit())
        && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    named.then_some(tag)
}

/// Goes past the closing quote; false when there is none.
fn skip(
    rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    quote: char,
    backslash: bool,
) -> bool {
    while let Some((_, character)) = rest.next() {
        if backslash && character == '\\' {
            rest.next();
        } else if character == quote {
            if rest.peek().is_some_and(|(_, next)| *next == quote) {
                rest.next();
            } else {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_with_closed_texts_passes() {
        for (sql, dialect) in [
            (
                "SELECT 'it''s; -- fine', E'a\\'b' FROM t",
                Dialect::Postgres,
            ),
            ("SELECT $x$ ; -- $x$, a #> '{b}' FROM t", Dialect::Postgres),
            (
                "SELECT a - -1, \"a;b\" FROM t WHERE x = $1",
                Dialect::Postgres,
            ),
            (
                "SELECT /*+ NO_INDEX(t i) */ 'a\\'; b' FROM `t;u`",
                Dialect::MySql,
            ),
            ("SELECT [a;b], 'c\\' FROM t", Dialect::Sqlite),
        ] {
            assert!(is_one_statement(sql, dialect), "{sql}");
        }
    }

    #[test]
    fn what_could_be_read_otherwise_does_not() {
        for (sql, dialect) in [
            ("SELECT 1; DROP TABLE t", Dialect::Postgres),
            ("SELECT 'a\\'; DROP TABLE t; --'", Dialect::Postgres),
            ("SELECT 'open", Dialect::Postgres),
            ("SELECT $x$ open $y$", Dialect::Postgres),
            ("SELECT 1 --1", Dialect::Postgres),
            ("SELECT 1 /* a */", Dialect::Sqlite),
            ("SELECT 1 /*! , sleep(9) */", Dialect::MySql),
            (
                "SELECT /*+ a */ 1 /*+ ' */, sleep(9) /* ' */",
                Dialect::MySql,
            ),
            ("SELECT 1 # x", Dialect::MySql),
            ("SELECT E'a\u{8}'", Dialect::Postgres),
        ] {
            assert!(!is_one_statement(sql, dialect), "{sql}");
        }
    }
}
