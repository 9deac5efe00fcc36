//! What statements have in common that differ only in their values.

use crate::statement::{Dialect, mask_literals};

/// The statement without values, comments, the length of its lists and its white space.
pub fn of(sql: &str, dialect: Dialect) -> String {
    let masked = mask_literals(sql.trim().trim_end_matches(';'), dialect);
    let mut words = String::with_capacity(masked.len());
    let mut space = false;
    let mut characters = masked.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_whitespace() {
            space = true;
            continue;
        }
        if space
            && !words.is_empty()
            && !matches!(character, ',' | ')' | ';')
            && !words.ends_with('(')
        {
            words.push(' ');
        }
        space = false;
        match character {
            // Parameters are all one, whatever they are called.
            '$' if characters.peek().is_some_and(char::is_ascii_digit) => {
                while characters.next_if(char::is_ascii_digit).is_some() {}
                words.push('?');
            }
            ':' if characters
                .peek()
                .is_some_and(|next| next.is_alphabetic() || *next == '_')
                && !words.ends_with(':') =>
            {
                while characters
                    .next_if(|next| next.is_alphanumeric() || *next == '_')
                    .is_some()
                {}
                words.push('?');
            }
            '%' if characters.peek() == Some(&'s') => {
                characters.next();
                words.push('?');
            }
            other => words.push(other),
        }
    }
    folded(&words)
}

/// Lists of values as one value.
fn folded(text: &str) -> String {
    let mut folded = text.replace("...", "?");
    for (long, short) in [
        ("?,?", "?"),
        ("?, ?", "?"),
        ("(?), (?)", "(?)"),
        ("(?),(?)", "(?)"),
    ] {
        while folded.contains(long) {
            folded = folded.replace(long, short);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lists_and_spaces_make_no_difference() {
        let one = of(
            "SELECT id  FROM orders\n WHERE status = 'paid' AND id IN (1, 2,3) -- why",
            Dialect::Postgres,
        );
        assert_eq!(one, "SELECT id FROM orders WHERE status = ? AND id IN (?)");
        for other in [
            "SELECT id FROM orders WHERE status = $1 AND id IN ($2, $3);",
            "SELECT id FROM orders WHERE status = :status AND id IN (:a)",
            "SELECT id FROM orders WHERE status = %s AND id IN (%s, %s)",
            "SELECT id FROM orders WHERE status = ? AND id IN (...)",
        ] {
            assert_eq!(of(other, Dialect::Postgres), one);
        }
        assert_eq!(
            of("INSERT INTO t VALUES (1, 'a'), (2, 'b')", Dialect::MySql),
            "INSERT INTO t VALUES (?)"
        );
        assert_eq!(of("SELECT a::text", Dialect::Postgres), "SELECT a::text");
    }
}
