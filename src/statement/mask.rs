//! Texts that came from elsewhere, with the values in them hidden.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::str::Chars;

use sqlparser::ast::{self, Visit, Visitor};

use super::Dialect;

/// Someone else's query with its literals taken out. Works on text that was cut anywhere, and errs
/// towards hiding too much.
pub fn mask_literals(sql: &str, dialect: Dialect) -> String {
    let mut masked = String::with_capacity(sql.len());
    let mut rest = sql.chars().peekable();
    let mut previous = ' ';
    while let Some(character) = rest.next() {
        let literal_quote = character == '\'' || (character == '"' && dialect == Dialect::MySql);
        if literal_quote {
            skip_quoted(
                &mut rest,
                character,
                dialect == Dialect::MySql || matches!(previous, 'e' | 'E'),
            );
            masked.push('?');
        } else if character == '"' || character == '`' {
            masked.push(character);
            for inner in rest.by_ref() {
                masked.push(inner);
                if inner == character {
                    break;
                }
            }
        } else if character == '$'
            && dialect == Dialect::Postgres
            && rest.peek().is_some_and(|c| !c.is_ascii_digit())
        {
            // A dollar-quoted text: nothing after its start is shown.
            masked.push_str("?…");
            return masked;
        } else if character == '-' && rest.peek() == Some(&'-')
            || (character == '#' && dialect == Dialect::MySql)
        {
            for inner in rest.by_ref() {
                if inner == '\n' {
                    break;
                }
            }
            masked.push(' ');
        } else if character == '/' && rest.peek() == Some(&'*') {
            let mut star = false;
            rest.next();
            for inner in rest.by_ref() {
                if star && inner == '/' {
                    break;
                }
                star = inner == '*';
            }
            masked.push(' ');
        } else if character.is_ascii_digit()
            && !(previous.is_alphanumeric() || matches!(previous, '_' | '$'))
        {
            while rest
                .peek()
                .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '.')
            {
                rest.next();
            }
            masked.push('?');
        } else {
            masked.push(character);
        }
        previous = character;
    }
    masked
}

/// The values that a statement itself holds. A planner may run a part of it and write what it found into a
/// condition: only what the one who asks wrote is shown.
#[derive(Debug, Clone, Default)]
pub struct Literals {
    texts: BTreeSet<String>,
    numbers: Vec<f64>,
}

impl Literals {
    pub fn of(statement: &ast::Statement) -> Self {
        struct Values(Literals);
        impl Visitor for Values {
            type Break = ();
            fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<()> {
                match &value.value {
                    ast::Value::Number(number, _) => self.0.numbers.extend(number.parse::<f64>()),
                    other => {
                        if let Some(text) = other.clone().into_string() {
                            self.0.texts.insert(text);
                        }
                    }
                }
                ControlFlow::Continue(())
            }
        }
        let mut values = Values(Self::default());
        let _ = statement.visit(&mut values);
        values.0
    }

    /// A condition from a plan, with every value hidden that the statement does not hold.
    pub fn hide_others(&self, condition: &str) -> String {
        let mut shown = String::with_capacity(condition.len());
        let mut rest = condition.chars().peekable();
        let mut previous = ' ';
        while let Some(character) = rest.next() {
            match character {
                '\'' => self.text(&mut rest, &mut shown),
                '"' | '`' => {
                    shown.push(character);
                    for inner in rest.by_ref() {
                        shown.push(inner);
                        if inner == character {
                            break;
                        }
                    }
                }
                _ if character.is_ascii_digit()
                    && !(previous.is_alphanumeric() || matches!(previous, '_' | '$' | '#')) =>
                {
                    self.number(character, &mut rest, &mut shown);
                }
                _ => shown.push(character),
            }
            previous = shown.chars().next_back().unwrap_or(' ');
        }
        shown
    }

    fn text(&self, rest: &mut Peekable<Chars<'_>>, shown: &mut String) {
        let mut value = String::new();
        while let Some(inner) = rest.next() {
            if inner == '\'' && rest.next_if_eq(&'\'').is_none() {
                break;
            }
            value.push(inner);
        }
        let elements = value
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'));
        shown.push('\'');
        if value.is_empty() || self.knows(&value) {
            shown.push_str(&value.replace('\'', "''"));
        } else if let Some(elements) = elements {
            let each: Vec<&str> = elements
                .split(',')
                .map(|element| {
                    let bare = element.trim_matches('"');
                    if self.knows(bare) { element } else { "?" }
                })
                .collect();
            shown.push_str(&format!("{{{}}}", each.join(",")));
        } else {
            shown.pop();
            shown.push('?');
            return;
        }
        shown.push('\'');
    }

    /// The planner may complete a date by its time, and write a number as a text.
    fn knows(&self, value: &str) -> bool {
        self.texts.contains(value)
            || value
                .parse::<f64>()
                .is_ok_and(|number| self.numbers.contains(&number))
            || self.texts.iter().any(|text| {
                text.len() >= 8
                    && value.strip_prefix(text.as_str()).is_some_and(|more| {
                        more.chars()
                            .all(|c| matches!(c, ' ' | '0' | ':' | '.' | '+'))
                    })
            })
    }

    fn number(&self, first: char, rest: &mut Peekable<Chars<'_>>, shown: &mut String) {
        let mut number = String::from(first);
        while let Some(more) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '.') {
            number.push(more);
        }
        // A number that counts the plan's own parts, or belongs to a type.
        let structural = ["InitPlan ", "SubPlan ", "CTE ", "count("]
            .iter()
            .any(|before| shown.ends_with(before))
            || type_modifier(shown);
        let known = structural
            || self.texts.contains(&number)
            || number
                .parse::<f64>()
                .is_ok_and(|number| self.numbers.contains(&number));
        shown.push_str(if known { &number } else { "?" });
    }
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

fn skip_quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char, backslash: bool) {
    while let Some(character) = rest.next() {
        if backslash && character == '\\' {
            rest.next();
        } else if character == quote {
            if rest.peek() == Some(&quote) {
                rest.next();
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_statement_does_not_hold_are_hidden() {
        let hide = |sql: &str, condition: &str| {
            let statement = crate::statement::parse_one(sql, Dialect::Postgres).unwrap();
            Literals::of(&statement).hide_others(condition)
        };
        let sql = "SELECT 1 FROM t WHERE a = 'mine' AND b = (SELECT pw FROM s) AND c > 12.50";
        for (condition, shown) in [
            (
                "(a = 'mine') and (b = 'its secret''s')",
                "(a = 'mine') and (b = ?)",
            ),
            ("b = 'cut", "b = ?"),
            ("b = 'min'", "b = ?"),
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
        assert_eq!(mask("SELECT 'cut in the midd"), "SELECT ?");
        assert_eq!(mask("SELECT $$secret$$"), "SELECT ?…");
        assert_eq!(mask("SELECT 1 -- pin 1234\n, 2"), "SELECT ?  , ?");
        assert_eq!(
            mask_literals("SELECT \"x\", `a`", Dialect::MySql),
            "SELECT ?, `a`"
        );
    }
}
