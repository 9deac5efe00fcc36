//! Spellings that the engines take and the parser does not: its tokens are rewritten into ones that it knows, or
//! left out and put back into the tree. What is read again after it was written out goes through here as well.

mod operators;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, CteAsMaterialized, DateTimeField, Expr, Ident, Query, Spanned as _, TableFactor,
    TableVersion, VisitMut, VisitorMut,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::Dialect;

/// The tokens of a text, with where each stands.
pub(super) fn tokens(sql: &str, dialect: Dialect) -> Result<Vec<TokenWithSpan>, ParserError> {
    let parser = dialect.parser();
    let tokens = Tokenizer::new(parser.as_ref(), sql).tokenize_with_location()?;
    if dialect == Dialect::Postgres {
        return Ok(operators::whole(tokens));
    }
    Ok(tokens)
}

/// Reads tokens as statements.
pub(super) fn parse(
    tokens: Vec<TokenWithSpan>,
    dialect: Dialect,
    depth: usize,
) -> Result<Vec<ast::Statement>, ParserError> {
    let mut rewriting = Rewriting {
        dialect,
        tokens,
        at: 0,
        done: Vec::new(),
        back: PutBack::default(),
    };
    rewriting.run();
    let Rewriting { done, back, .. } = rewriting;
    let parser = dialect.parser();
    let mut statements = Parser::new(parser.as_ref())
        .with_recursion_limit(depth)
        .with_tokens_with_locations(done)
        .parse_statements()?;
    let mut back = back;
    let _ = VisitMut::visit(&mut statements, &mut back);
    if back.0.is_empty() {
        Ok(statements)
    } else {
        Err(ParserError::ParserError(
            "INDEXED, MATERIALIZED or a unit of time stands in a place where it means nothing"
                .to_owned(),
        ))
    }
}

/// The marks by which `kinds` knows what was put back after a table.
pub(super) const NOT_INDEXED: &str = "NOT INDEXED";
pub(super) const INDEXED_BY: &str = "INDEXED BY ";

/// What was left out, by where the name or value before it stands.
#[derive(Default)]
struct PutBack(BTreeMap<Location, Left>);

enum Left {
    Index(String),
    Materialized(CteAsMaterialized),
    Unit(String),
}

impl VisitorMut for PutBack {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for table in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            let place = table.alias.name.span.start;
            if let Some(Left::Materialized(how)) = self.0.get(&place) {
                table.materialized = Some(*how);
                self.0.remove(&place);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name,
            alias,
            version,
            ..
        } = factor
        {
            let last = alias.as_ref().map_or_else(
                || name.0.last().and_then(|part| part.as_ident()),
                |alias| Some(&alias.name),
            );
            let place = last.map_or_else(Location::empty, |ident| ident.span.start);
            if let Some(Left::Index(text)) = self.0.get(&place) {
                *version = Some(TableVersion::Function(Expr::Identifier(Ident::new(text))));
                self.0.remove(&place);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Extract {
            field, expr: of, ..
        } = expr
        {
            let place = of.span().start;
            if let Some(Left::Unit(unit)) = self.0.get(&place) {
                *field = DateTimeField::Custom(Ident::new(unit));
                self.0.remove(&place);
            }
        }
        if let Expr::Interval(interval) = expr {
            let place = match interval.value.as_ref() {
                Expr::Value(value) => value.span.start,
                Expr::Identifier(ident) => ident.span.start,
                _ => Location::empty(),
            };
            if let Some(Left::Unit(unit)) = self.0.get(&place) {
                interval.leading_field = Some(DateTimeField::Custom(Ident::new(unit)));
                self.0.remove(&place);
            }
        }
        ControlFlow::Continue(())
    }
}

struct Rewriting {
    dialect: Dialect,
    tokens: Vec<TokenWithSpan>,
    at: usize,
    done: Vec<TokenWithSpan>,
    back: PutBack,
}

/// Units of time made of two. <https://dev.mysql.com/doc/refman/8.4/en/expressions.html#temporal-intervals>
const UNITS: &[&str] = &[
    "DAY_HOUR",
    "DAY_MICROSECOND",
    "DAY_MINUTE",
    "DAY_SECOND",
    "HOUR_MICROSECOND",
    "HOUR_MINUTE",
    "HOUR_SECOND",
    "MINUTE_MICROSECOND",
    "MINUTE_SECOND",
    "SECOND_MICROSECOND",
    "YEAR_MONTH",
];

impl Rewriting {
    fn run(&mut self) {
        // DDL is left as it is: there the same words mean other things.
        let first = self.keyword(0);
        let quirky = matches!(
            first.as_str(),
            "SELECT"
                | "WITH"
                | "VALUES"
                | "INSERT"
                | "REPLACE"
                | "UPDATE"
                | "DELETE"
                | "TABLE"
                | "("
        );
        while let Some(token) = self.tokens.get(self.at) {
            let comment = matches!(
                token.token,
                Token::Whitespace(
                    Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)
                )
            );
            if comment && self.dialect != Dialect::MySql {
                self.at += 1;
            } else if matches!(token.token, Token::Whitespace(_)) || !quirky || !self.rewritten() {
                self.done.push(token_at(&self.tokens, self.at));
                self.at += 1;
            }
        }
    }

    /// Rewrites what stands here, if it is one of the spellings.
    fn rewritten(&mut self) -> bool {
        let word = self.keyword(0);
        let rows = self.dialect != Dialect::MySql;
        match word.as_str() {
            "IS" if self.dialect == Dialect::Sqlite => self.is(),
            "ISNULL" if rows && self.after_operand() => self.put(&["IS", "NULL"], 1),
            "NOTNULL" if rows && self.after_operand() => self.put(&["IS", "NOT", "NULL"], 1),
            "EXCLUDE" if rows => self.exclude(),
            "AS" if self.dialect == Dialect::Sqlite => self.materialized(),
            "INDEXED" | "NOT" if self.dialect == Dialect::Sqlite => self.indexed(),
            "<<" | ">>" if self.dialect != Dialect::Postgres => {
                self.put_token(Token::CustomBinaryOperator(word), 1)
            }
            "MOD" if self.dialect == Dialect::MySql && self.after_operand() => {
                self.put_token(Token::Mod, 1)
            }
            "TABLE" if self.dialect != Dialect::Sqlite && self.begins_query() => {
                self.put(&["SELECT", "*", "FROM"], 1)
            }
            unit if self.dialect == Dialect::MySql && UNITS.contains(&unit) => self.unit(unit),
            _ => false,
        }
    }

    /// `a IS b`, which is true for two NULLs as well.
    fn is(&mut self) -> bool {
        let not = self.keyword(1) == "NOT";
        let value = self.keyword(if not { 2 } else { 1 });
        let known = [
            "",
            "NULL",
            "TRUE",
            "FALSE",
            "DISTINCT",
            "JSON",
            "NORMALIZED",
            "UNKNOWN",
        ];
        if known.contains(&value.as_str()) {
            return false;
        }
        if not {
            self.put(&["IS", "DISTINCT", "FROM"], 2)
        } else {
            self.put(&["IS", "NOT", "DISTINCT", "FROM"], 1)
        }
    }

    /// A window frame without some of its rows is read in the same way as the whole frame.
    fn exclude(&mut self) -> bool {
        let words = (self.keyword(1), self.keyword(2), self.keyword(3));
        match (words.0.as_str(), words.1.as_str(), words.2.as_str()) {
            ("CURRENT", "ROW", ")") | ("NO", "OTHERS", ")") => self.put(&[], 3),
            ("GROUP" | "TIES", ")", _) => self.put(&[], 2),
            _ => false,
        }
    }

    fn materialized(&mut self) -> bool {
        let not = self.keyword(1) == "NOT";
        let words = if not { 2 } else { 1 };
        if self.keyword(words) != "MATERIALIZED" || self.keyword(words + 1) != "(" {
            return false;
        }
        let Some(name) = self.name_before() else {
            return false;
        };
        let how = if not {
            CteAsMaterialized::NotMaterialized
        } else {
            CteAsMaterialized::Materialized
        };
        self.back.0.insert(name, Left::Materialized(how));
        self.put(&["AS"], words + 1)
    }

    /// `INDEXED BY name` or `NOT INDEXED` after a table.
    fn indexed(&mut self) -> bool {
        let Some(table) = self.last_word() else {
            return false;
        };
        if self.keyword(0) == "NOT" {
            if self.keyword(1) != "INDEXED" || !self.after_operand() {
                return false;
            }
            self.back
                .0
                .insert(table, Left::Index(NOT_INDEXED.to_owned()));
            return self.put(&[], 2);
        }
        let name = self.nth(2).map(|token| token.token.clone());
        let (Some(Token::Word(name)), "BY") = (name, self.keyword(1).as_str()) else {
            return false;
        };
        let quoted = name.value.replace('"', "\"\"");
        let text = format!("{INDEXED_BY}\"{quoted}\"");
        self.back.0.insert(table, Left::Index(text));
        self.put(&[], 3)
    }

    /// `INTERVAL '1:30' HOUR_MINUTE`, `EXTRACT(YEAR_MONTH FROM d)`.
    fn unit(&mut self, unit: &str) -> bool {
        let of_extract = self.keyword(1) == "FROM";
        let value = match self.last() {
            Some(last) if last.token == Token::LParen && of_extract => self.nth(2),
            // A column of that name.
            Some(TokenWithSpan {
                token: Token::LParen | Token::Period | Token::Comma,
                ..
            })
            | None => None,
            last => last,
        };
        let Some(value) = value.map(|token| token.span.start) else {
            return false;
        };
        self.back.0.insert(value, Left::Unit(unit.to_owned()));
        self.put(&["DAY"], 1)
    }

    /// The `n`th token from here that is not white space.
    fn nth(&self, n: usize) -> Option<&TokenWithSpan> {
        self.tokens
            .get(self.at..)?
            .iter()
            .filter(|token| !matches!(token.token, Token::Whitespace(_)))
            .nth(n)
    }

    /// The same as a word in upper case that was not quoted, or as a sign; empty for all else.
    fn keyword(&self, n: usize) -> String {
        match self.nth(n).map(|token| &token.token) {
            Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_uppercase(),
            Some(Token::Word(_) | Token::EOF) | None => String::from("\""),
            Some(token) => token.to_string(),
        }
    }

    fn last(&self) -> Option<&TokenWithSpan> {
        self.done
            .iter()
            .rev()
            .find(|token| !matches!(token.token, Token::Whitespace(_)))
    }

    fn last_word(&self) -> Option<Location> {
        self.last()
            .and_then(|token| matches!(token.token, Token::Word(_)).then_some(token.span.start))
    }

    /// The name of a subquery, before its columns in brackets if it has any.
    fn name_before(&self) -> Option<Location> {
        let mut before = self
            .done
            .iter()
            .rev()
            .filter(|token| !matches!(token.token, Token::Whitespace(_)));
        let mut token = before.next()?;
        if token.token == Token::RParen {
            before.by_ref().find(|token| token.token == Token::LParen)?;
            token = before.next()?;
        }
        matches!(token.token, Token::Word(_)).then_some(token.span.start)
    }

    /// Whether a value or a name ended just before this.
    fn after_operand(&self) -> bool {
        const OPENING: &[Keyword] = &[
            Keyword::ALL,
            Keyword::AND,
            Keyword::AS,
            Keyword::BETWEEN,
            Keyword::BY,
            Keyword::CASE,
            Keyword::DISTINCT,
            Keyword::DIV,
            Keyword::ELSE,
            Keyword::ESCAPE,
            Keyword::FROM,
            Keyword::HAVING,
            Keyword::IN,
            Keyword::INTERVAL,
            Keyword::IS,
            Keyword::JOIN,
            Keyword::LIKE,
            Keyword::LIMIT,
            Keyword::NOT,
            Keyword::OFFSET,
            Keyword::ON,
            Keyword::OR,
            Keyword::REGEXP,
            Keyword::RETURNING,
            Keyword::SELECT,
            Keyword::SET,
            Keyword::THEN,
            Keyword::USING,
            Keyword::VALUES,
            Keyword::WHEN,
            Keyword::WHERE,
            Keyword::XOR,
        ];
        match self.last().map(|token| &token.token) {
            Some(Token::Word(word)) => {
                word.quote_style.is_some() || !OPENING.contains(&word.keyword)
            }
            Some(
                Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::DoubleQuotedString(_)
                | Token::RParen
                | Token::RBracket
                | Token::Placeholder(_),
            ) => true,
            _ => false,
        }
    }

    fn begins_query(&self) -> bool {
        match self.last().map(|token| &token.token) {
            None | Some(Token::LParen | Token::SemiColon) => true,
            Some(Token::Word(word)) => matches!(
                word.keyword,
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::ALL
            ),
            _ => false,
        }
    }

    /// Puts words in the place of the next `taken` tokens.
    fn put(&mut self, words: &[&str], taken: usize) -> bool {
        for word in words {
            self.push(if *word == "*" {
                Token::Mul
            } else {
                Token::make_keyword(word)
            });
        }
        self.skip(taken)
    }

    fn put_token(&mut self, new: Token, taken: usize) -> bool {
        self.push(new);
        self.skip(taken)
    }

    fn push(&mut self, token: Token) {
        let here = token_at(&self.tokens, self.at).span;
        self.done.push(TokenWithSpan::new(token, here));
        let space = Token::Whitespace(Whitespace::Space);
        self.done.push(TokenWithSpan::new(space, here));
    }

    fn skip(&mut self, taken: usize) -> bool {
        let mut left = taken;
        while left > 0
            && let Some(token) = self.tokens.get(self.at)
        {
            left -= usize::from(!matches!(token.token, Token::Whitespace(_)));
            self.at += 1;
        }
        true
    }
}

fn token_at(tokens: &[TokenWithSpan], at: usize) -> TokenWithSpan {
    tokens
        .get(at)
        .cloned()
        .unwrap_or_else(TokenWithSpan::new_eof)
}

/// Whether a table's mark is one that was put back here.
pub(super) fn is_index_choice(version: &TableVersion) -> bool {
    let TableVersion::Function(Expr::Identifier(ident)) = version else {
        return false;
    };
    let name = ident
        .value
        .strip_prefix(INDEXED_BY)
        .and_then(|name| name.strip_prefix('"'))
        .and_then(|name| name.strip_suffix('"'));
    ident.quote_style.is_none()
        && (ident.value == NOT_INDEXED
            || name.is_some_and(|name| !name.replace("\"\"", "").contains('"')))
}

#[cfg(test)]
mod tests;
