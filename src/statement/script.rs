//! Scripts that were made here, on their way to a scratch database: taken apart into statements, and sent to the
//! copies of the databases that they name. By tokens, so that texts and comments are what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};

use sqlparser::ast;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::{Dialect, Statement, quirks};
use crate::error::{Error, Result};

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    /// It is to be repeated until it changes nothing.
    pub is_batch: bool,
}

pub fn parts(script: &str, dialect: Dialect) -> Result<Vec<Part>> {
    let tokens = tokens(script, dialect)?;
    let mut parts = Vec::new();
    let mut start = 0;
    let mut words: Vec<String> = Vec::new();
    for (token, place) in &tokens {
        match token {
            Token::SemiColon => {
                add(&mut parts, script.get(start..place.start), &words);
                words.clear();
                start = place.end;
            }
            Token::Word(word) if word.quote_style.is_none() => {
                words.push(word.value.to_ascii_uppercase());
            }
            _ => {}
        }
    }
    add(&mut parts, script.get(start..), &words);
    Ok(parts)
}

fn add(parts: &mut Vec<Part>, text: Option<&str>, words: &[String]) {
    if words.is_empty() {
        return;
    }
    let is_batch = words.first().is_some_and(|word| word == "UPDATE")
        && words.iter().any(|word| word == "LIMIT");
    parts.push(Part {
        text: text.unwrap_or_default().trim().to_owned(),
        is_batch,
    });
}

/// The script with the names of databases that were copied replaced by their copies' names. One that names any
/// other database is refused: on that server it may be somebody's.
pub fn readdress(
    script: &str,
    dialect: Dialect,
    copies: &BTreeMap<String, String>,
    tables: &BTreeSet<String>,
) -> Result<String> {
    const QUALIFIERS: &[&str] = &["information_schema", "new", "old"];
    let tokens = tokens(script, dialect)?;
    let token = |at: usize| tokens.get(at).map(|(token, _)| token);
    let aliases: BTreeSet<String> = (0..tokens.len())
        .filter(|at| matches!(token(*at), Some(Token::Word(word)) if word.value.eq_ignore_ascii_case("as")))
        .filter_map(|at| match token(at + 1) {
            Some(Token::Word(word)) => Some(word.value.to_lowercase()),
            _ => None,
        })
        .collect();
    let mut text = String::with_capacity(script.len());
    let mut done = 0;
    let mut replace = |place: &Range<usize>, by: &str| {
        text.push_str(script.get(done..place.start).unwrap_or_default());
        text.push_str(by);
        done = place.end;
    };
    for (at, (now, place)) in tokens.iter().enumerate() {
        match now {
            Token::Word(word)
                if token(at + 1) == Some(&Token::Period)
                    && (at == 0 || token(at - 1) != Some(&Token::Period)) =>
            {
                let lower = word.value.to_lowercase();
                let copy = copies.iter().find(|(live, _)| live.to_lowercase() == lower);
                let is_table = tables.contains(&lower) || aliases.contains(&lower);
                match copy {
                    Some((_, copy)) if !is_table => replace(place, &dialect.identifier(copy)),
                    None if is_table || QUALIFIERS.contains(&lower.as_str()) => {}
                    _ => {
                        return Err(Error::Unsupported {
                            what: "this step on scratch".to_owned(),
                            why: format!(
                                "it names {}, which may be a database that was not copied",
                                word.value
                            ),
                            instead: "Try it on a restored backup.".to_owned(),
                        });
                    }
                }
            }
            Token::SingleQuotedString(value)
                if at >= 2
                    && token(at - 1) == Some(&Token::Eq)
                    && matches!(token(at - 2), Some(Token::Word(word)) if word.value.to_uppercase().ends_with("_SCHEMA")) =>
            {
                if let Some(copy) = copies.get(value) {
                    replace(place, &format!("'{copy}'"));
                }
            }
            _ => {}
        }
    }
    text.push_str(script.get(done..).unwrap_or_default());
    Ok(text)
}

/// The statement, asked of the copies of the databases that it names.
pub fn on_copies(statement: &Statement, copies: &BTreeMap<String, String>) -> Result<Statement> {
    let mut statement = statement.clone();
    let dialect = statement.dialect;
    let copy_of = |part: &ast::ObjectNamePart| {
        let ident = part.as_ident()?;
        let copy = copies
            .iter()
            .find(|(live, _)| live.eq_ignore_ascii_case(&ident.value));
        copy.map(|(_, copy)| ast::Ident::with_quote(dialect.quote(), copy))
    };
    let mut stranger = None;
    let _ = ast::visit_relations_mut(&mut statement.ast, |name| {
        if let [schema, _] = name.0.as_mut_slice() {
            match copy_of(schema) {
                Some(copy) => *schema = ast::ObjectNamePart::Identifier(copy),
                None => stranger = stranger.take().or_else(|| Some(name.to_string())),
            }
        }
        ControlFlow::<()>::Continue(())
    });
    let _ = ast::visit_expressions_mut(&mut statement.ast, |expr| {
        if let ast::Expr::CompoundIdentifier(parts) = expr
            && let [schema, _, _] = parts.as_mut_slice()
            && let Some(copy) = copy_of(&ast::ObjectNamePart::Identifier(schema.clone()))
        {
            *schema = copy;
        }
        ControlFlow::<()>::Continue(())
    });
    match stranger {
        None => Ok(statement),
        Some(name) => Err(Error::Unsupported {
            what: "this statement on scratch".to_owned(),
            why: format!("{name} was not copied"),
            instead: "Ask without that table.".to_owned(),
        }),
    }
}

/// The tokens that mean something, with where each stands.
fn tokens(script: &str, dialect: Dialect) -> Result<Vec<(Token, Range<usize>)>> {
    let tokens = quirks::tokens(script, dialect).map_err(|error| Error::Parse {
        dialect: dialect.name(),
        reason: super::parse_reason(&error),
    })?;
    let mut starts = vec![0];
    starts.extend(script.match_indices('\n').map(|(at, _)| at + 1));
    let offset = |location: Location| -> usize {
        let line = (location.line as usize).saturating_sub(1);
        let start = starts.get(line).copied().unwrap_or(script.len());
        let rest = script.get(start..).unwrap_or_default();
        let column = (location.column as usize).saturating_sub(1);
        start
            + rest
                .char_indices()
                .nth(column)
                .map_or(rest.len(), |(at, _)| at)
    };
    Ok(tokens
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF))
        .map(|TokenWithSpan { token, span }| (token, offset(span.start)..offset(span.end)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_comes_apart_at_its_semicolons_only() {
        let script = "SET lock_timeout = '2s;';\nCREATE INDEX é ON t (a); -- b;\nUPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT 5)";
        let parts = parts(script, Dialect::Postgres).unwrap();
        let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts[0], "SET lock_timeout = '2s;'");
        assert_eq!(texts[1], "CREATE INDEX é ON t (a)");
        assert!(texts[2].ends_with("LIMIT 5)"), "{texts:?}");
        assert_eq!(
            parts.iter().map(|part| part.is_batch).collect::<Vec<_>>(),
            [false, false, true]
        );
    }

    #[test]
    fn names_of_databases_become_those_of_their_copies_and_no_other_is_let_through() {
        let copies = BTreeMap::from([("shop".to_owned(), "copy_1".to_owned())]);
        let tables = BTreeSet::from(["orders".to_owned()]);
        let to = |sql: &str| readdress(sql, Dialect::MySql, &copies, &tables);
        assert_eq!(
            to("UPDATE `Shop`.orders AS o SET o.a = 'shop.x' WHERE orders.b = 1").unwrap(),
            "UPDATE copy_1.orders AS o SET o.a = 'shop.x' WHERE orders.b = 1"
        );
        assert_eq!(
            to("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'").unwrap(),
            "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'copy_1'"
        );
        let asked = Statement::parse(
            "SELECT shop.orders.id FROM shop.orders JOIN items i ON i.id = shop.orders.id",
            Dialect::MySql,
        );
        assert_eq!(
            on_copies(&asked.unwrap(), &copies).unwrap().sql(),
            "SELECT `copy_1`.orders.id FROM `copy_1`.orders JOIN items i ON i.id = `copy_1`.orders.id"
        );
        assert!(to("INSERT INTO audit.log VALUES (1)").is_err());
        assert!(to("DROP TABLE `other`.`orders`").is_err());
    }
}
