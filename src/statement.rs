//! The one door for SQL that comes from outside: parsed with the engine's own dialect, exactly one
//! statement, of an allowed kind. What leaves is made from the parsed tree, so that what was looked
//! at is what is sent.

mod depth;
mod dialect;
pub mod functions;
mod growth;
mod ignoring;
mod kinds;
mod mask;
mod pieces;
mod quirks;
mod script;
mod sent;
mod words;

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, SetExpr, Visit, Visitor};

use crate::error::{Error, Result};

pub use dialect::Dialect;
pub use mask::{Literals, mask_literals};
pub use pieces::{Numbered, expression, query};
pub use script::{Part, on_copies, parts, readdress};
pub use words::Words;

/// The longest SQL that is looked at.
pub const MAX_BYTES: usize = 200_000;

/// Operators, casts and set operations each make the tree one level deeper, without a bracket.
const MOST_OPERATORS: usize = 1_500;

/// How deep expressions may nest before the parser gives up.
const MAX_DEPTH: usize = 60;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Read,
    Insert,
    Update,
    Delete,
}

/// One parsed statement that may be explained.
#[derive(Debug, Clone)]
pub struct Statement {
    pub ast: ast::Statement,
    pub dialect: Dialect,
    pub kind: Kind,
}

impl Statement {
    pub fn parse(sql: &str, dialect: Dialect) -> Result<Self> {
        let ast = parse_one(sql, dialect)?;
        let kind = match &ast {
            ast::Statement::Query(_) => Kind::Read,
            ast::Statement::Insert(_) => Kind::Insert,
            ast::Statement::Update(_) => Kind::Update,
            ast::Statement::Delete(_) => Kind::Delete,
            ast::Statement::Explain { .. } | ast::Statement::ExplainTable { .. } => {
                return Err(Error::Refused {
                    reason: "the statement already starts with EXPLAIN".to_owned(),
                    instead: "Give the bare statement; set `analyze` to true to have it run and measured.".to_owned(),
                });
            }
            other => {
                return Err(Error::Refused {
                    reason: format!("{} cannot be explained", first_words(&other.to_string())),
                    instead: "explain_query takes one SELECT, INSERT, UPDATE or DELETE; propose_migration takes DDL."
                        .to_owned(),
                });
            }
        };
        kinds::check(&ast, dialect)?;
        Ok(Self { ast, dialect, kind })
    }

    /// The statement as it is sent, rendered from the tree that was checked.
    pub fn sql(&self) -> String {
        self.ast.to_string()
    }

    /// How many rows are asked for at most, those that are skipped counted.
    pub fn limit(&self) -> Option<f64> {
        let ast::Statement::Query(query) = &self.ast else {
            return None;
        };
        let number = |expr: &ast::Expr| expr.to_string().parse::<f64>().ok();
        let fetch = query
            .fetch
            .as_ref()
            .and_then(|fetch| fetch.quantity.as_ref());
        match &query.limit_clause {
            Some(ast::LimitClause::LimitOffset { limit, offset, .. }) => {
                let offset = offset
                    .as_ref()
                    .map_or(Some(0.0), |offset| number(&offset.value));
                Some(number(limit.as_ref().or(fetch)?)? + offset?)
            }
            Some(ast::LimitClause::OffsetCommaLimit { offset, limit }) => {
                Some(number(offset)? + number(limit)?)
            }
            None => fetch.and_then(number),
        }
    }

    /// Whether running it can only read: a query with nothing inside that writes or locks.
    pub fn only_reads(&self) -> bool {
        struct Writes(bool);
        impl Visitor for Writes {
            type Break = ();
            fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
                self.0 |= !query.locks.is_empty()
                    || matches!(
                        *query.body,
                        SetExpr::Insert(_)
                            | SetExpr::Update(_)
                            | SetExpr::Delete(_)
                            | SetExpr::Merge(_)
                    );
                ControlFlow::Continue(())
            }
        }
        let mut writes = Writes(false);
        let _ = self.ast.visit(&mut writes);
        self.kind == Kind::Read && !writes.0
    }

    /// How many values are to be put into it.
    pub fn parameters(&self) -> usize {
        let (mut count, mut highest) = (0, 0);
        let _ = ast::visit_expressions(&self.ast, |expr| {
            if let Expr::Value(value) = expr
                && let ast::Value::Placeholder(name) = &value.value
            {
                count += 1;
                // `$2` may stand there twice, and `$1` nowhere.
                highest = highest.max(name.trim_start_matches(['$', '?']).parse().unwrap_or(0));
            }
            ControlFlow::<()>::Continue(())
        });
        if highest > 0 { highest } else { count }
    }

    /// The statement with values in place of its parameters, in their order.
    pub fn bind(mut self, values: &[serde_json::Value]) -> Result<Self> {
        let mut used = 0;
        let mut missing = None;
        let mut bytes = 0;
        let _ = ast::visit_expressions_mut(&mut self.ast, |expr| {
            if let Expr::Value(value) = expr
                && let ast::Value::Placeholder(name) = &value.value
            {
                let number = name
                    .strip_prefix(['$', '?'])
                    .and_then(|number| number.parse::<usize>().ok());
                let position = number.map_or(used, |number| number.saturating_sub(1));
                used += 1;
                match values.get(position) {
                    Some(given) => {
                        // Each place gets a copy of its own.
                        bytes += given.to_string().len();
                        if bytes > MAX_BYTES {
                            return ControlFlow::Break(());
                        }
                        *expr = literal(given, value.span);
                    }
                    None => missing = missing.take().or_else(|| Some(name.clone())),
                }
            }
            ControlFlow::Continue(())
        });
        if bytes > MAX_BYTES {
            return Err(Error::Refused {
                reason: format!("with its values the statement is longer than {MAX_BYTES} bytes"),
                instead: "Give shorter values of the same kind.".to_owned(),
            });
        }
        faithful(&self.ast, self.dialect)?;
        growth::check(&self.ast, self.dialect)?;
        match missing {
            None => Ok(self),
            Some(name) => Err(Error::Refused {
                reason: format!("the parameter {name} has no value"),
                instead: "Give a typical value for each parameter in `binds`, in order.".to_owned(),
            }),
        }
    }

    /// Whether all tables are in the catalog; what the statement names itself and system schemas are not looked at.
    pub fn check_tables(&self, catalog: &crate::catalog::Catalog) -> Result<()> {
        const SYSTEM: &[&str] = &[
            "information_schema",
            "mysql",
            "performance_schema",
            "pg_catalog",
            "sys",
        ];
        struct Own(std::collections::BTreeSet<String>);
        impl Visitor for Own {
            type Break = ();
            fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
                for table in query.with.iter().flat_map(|with| &with.cte_tables) {
                    self.0.insert(table.alias.name.value.to_lowercase());
                }
                ControlFlow::Continue(())
            }
            fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
                if let ast::TableFactor::Table {
                    name, alias, args, ..
                } = factor
                {
                    if args.is_some() {
                        self.0.insert(name.to_string().to_lowercase());
                    }
                    // DELETE and UPDATE may name what they change by its alias.
                    self.0
                        .extend(alias.iter().map(|alias| alias.name.value.to_lowercase()));
                }
                ControlFlow::Continue(())
            }
        }
        let mut own = Own(std::collections::BTreeSet::new());
        let _ = self.ast.visit(&mut own);
        let mut missing = None;
        let _ = ast::visit_relations(&self.ast, |name| {
            let mut parts: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident().map(|ident| ident.value.clone()))
                .collect();
            let bare = parts.pop().unwrap_or_default();
            let schema = parts.pop();
            let lower = bare.to_lowercase();
            let system = schema
                .as_ref()
                .is_some_and(|schema| SYSTEM.contains(&schema.to_lowercase().as_str()))
                || schema.is_none()
                    && (lower.starts_with("pg_")
                        || lower.starts_with("sqlite_")
                        || lower == "dual");
            let known = own.0.contains(&name.to_string().to_lowercase())
                || own.0.contains(&lower)
                || catalog.find(schema.as_deref(), &bare).is_some()
                // A schema that the catalog does not tell of: the server will say.
                || schema.as_ref().is_some_and(|schema| {
                    !catalog.tables.iter().any(|table| table.schema.eq_ignore_ascii_case(schema))
                })
                || catalog
                    .tables
                    .iter()
                    .any(|table| table.children.iter().any(|child| child.ends_with(&bare)));
            if !system && !known && missing.is_none() {
                missing = Some((name.to_string(), bare));
            }
            ControlFlow::<()>::Continue(())
        });
        match missing {
            None => Ok(()),
            Some((shown, bare)) => Err(missing_table(&shown, &bare, catalog)),
        }
    }

    /// Names of the functions it calls, lower case, sorted.
    pub fn functions(&self) -> Vec<String> {
        functions::names(&self.ast)
            .into_iter()
            .map(|name| name.text)
            .collect()
    }
}

/// The error for a table that is not there: which one was meant, and which there are.
pub fn missing_table(shown: &str, bare: &str, catalog: &crate::catalog::Catalog) -> Error {
    let mut hint = catalog
        .nearest(bare)
        .map_or_else(String::new, |near| format!(" Did you mean {near}?"));
    let names: Vec<String> = catalog
        .tables
        .iter()
        .map(|table| catalog.display_name(table))
        .collect();
    if names.is_empty() {
        hint.push_str(" This database has no table that the role can see: is it the right one?");
    } else {
        hint.push_str(&format!(
            " Tables: {}.",
            crate::answer::excerpt(&names.join(", "), 300)
        ));
    }
    Error::Missing {
        what: "table",
        name: crate::answer::excerpt(shown, 100),
        hint,
    }
}

fn literal(value: &serde_json::Value, span: sqlparser::tokenizer::Span) -> Expr {
    let plain = |value: ast::Value| Expr::Value(ast::ValueWithSpan { value, span });
    match value {
        serde_json::Value::Null => plain(ast::Value::Null),
        serde_json::Value::Bool(value) => plain(ast::Value::Boolean(*value)),
        serde_json::Value::Number(number) => {
            let text = number.to_string();
            // The sign is an operator: so it is read again.
            match text.strip_prefix('-') {
                None => plain(ast::Value::Number(text, false)),
                Some(digits) => Expr::UnaryOp {
                    op: ast::UnaryOperator::Minus,
                    expr: Box::new(plain(ast::Value::Number(digits.to_owned(), false))),
                },
            }
        }
        serde_json::Value::String(text) => plain(ast::Value::SingleQuotedString(text.clone())),
        other => plain(ast::Value::SingleQuotedString(other.to_string())),
    }
}

/// Parses text that must hold exactly one statement; DDL passes here on its way to a migration.
pub fn parse_one(sql: &str, dialect: Dialect) -> Result<ast::Statement> {
    let mut statements = parse_all(sql, dialect)?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => {
            functions::check(&statement, dialect)?;
            growth::check(&statement, dialect)?;
            Ok(statement)
        }
        (None, _) => Err(Error::Parse {
            dialect: dialect.name(),
            reason: "there is no statement in it".to_owned(),
        }),
        (Some(_), more) => Err(Error::Refused {
            reason: format!("{} statements were given", more + 1),
            instead: "Give exactly one; call again for each of the others.".to_owned(),
        }),
    }
}

pub fn parse_all(sql: &str, dialect: Dialect) -> Result<Vec<ast::Statement>> {
    if sql.len() > MAX_BYTES {
        return Err(Error::Refused {
            reason: format!(
                "the SQL is {} bytes long; {MAX_BYTES} is the limit",
                sql.len()
            ),
            instead: "Give the part that matters.".to_owned(),
        });
    }
    if let Some(bad) = sql
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Error::Refused {
            reason: format!(
                "the SQL holds the control character U+{:04X}",
                u32::from(bad)
            ),
            instead: "Take it out.".to_owned(),
        });
    }
    // A comment that MySQL and MariaDB would run is no comment.
    if dialect == Dialect::MySql && (sql.contains("/*!") || sql.contains("/*M!")) {
        return Err(Error::Refused {
            reason: "the SQL holds a version comment (/*! … */), which the server would run"
                .to_owned(),
            instead: "Write what it should do without the comment.".to_owned(),
        });
    }
    let wrong = |error: sqlparser::parser::ParserError| Error::Parse {
        dialect: dialect.name(),
        reason: parse_reason(&error),
    };
    let tokens = quirks::tokens(sql, dialect).map_err(wrong)?;
    if depth::of(&tokens) > MOST_OPERATORS {
        return Err(Error::Refused {
            reason: format!(
                "it is nested too deeply: more than {MOST_OPERATORS} brackets in each other, or operators in a row"
            ),
            instead: "Give fewer: a list in IN (…) stands for any number of comparisons."
                .to_owned(),
        });
    }
    let statements = quirks::parse(tokens, dialect, MAX_DEPTH).map_err(wrong)?;
    for statement in &statements {
        faithful(statement, dialect)?;
    }
    Ok(statements)
}

/// What is sent is the tree written out again. Where the server could read that in another way than it
/// was read here (a backslash before a quote, above all), nothing is sent.
fn faithful(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    let text = statement.to_string();
    let again =
        quirks::tokens(&text, dialect).and_then(|tokens| quirks::parse(tokens, dialect, MAX_DEPTH));
    if again.ok().as_deref() == Some(std::slice::from_ref(statement))
        && sent::is_one_statement(&text, dialect)
    {
        return Ok(());
    }
    Err(Error::Refused {
        reason: "a text in it could be read in another way by the server".to_owned(),
        instead: "Write it without a backslash beside a quote; for explain_query another value of the same kind gives the same plan.".to_owned(),
    })
}

fn parse_reason(error: &sqlparser::parser::ParserError) -> String {
    match error {
        sqlparser::parser::ParserError::TokenizerError(text)
        | sqlparser::parser::ParserError::ParserError(text) => text.clone(),
        sqlparser::parser::ParserError::RecursionLimitExceeded => {
            "it is nested too deeply".to_owned()
        }
    }
}

fn first_words(sql: &str) -> String {
    sql.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_the_server_could_read_in_another_way_is_refused() {
        for (sql, dialect) in [
            (r"SELECT '\'' OR f() -- '", Dialect::Postgres),
            (
                r"ALTER TABLE t ADD COLUMN x text DEFAULT '\''; DELETE FROM t; --'",
                Dialect::Sqlite,
            ),
            (r"SELECT '\\', ' OR f() -- '", Dialect::MySql),
        ] {
            assert!(
                matches!(parse_all(sql, dialect), Err(Error::Refused { .. })),
                "{sql}"
            );
        }
        let parameters = format!(
            "SELECT a FROM t WHERE a IN ({})",
            vec!["$1"; 3000].join(", ")
        );
        let parameters = Statement::parse(&parameters, Dialect::Postgres).unwrap();
        assert!(parameters.clone().bind(&[serde_json::json!(-5)]).is_ok());
        assert!(
            parameters
                .bind(&[serde_json::json!("x".repeat(500))])
                .is_err()
        );
        let bound = Statement::parse("SELECT a FROM t WHERE a = $1", Dialect::Postgres)
            .unwrap()
            .bind(&[serde_json::json!(r"\' OR f() -- ")]);
        assert!(matches!(bound, Err(Error::Refused { .. })));
        for sql in [
            "SELECT 'it''s', E'a\\n', $$x$$",
            "SELECT a FROM t WHERE b LIKE '50\\%' ESCAPE '\\'",
        ] {
            assert!(parse_all(sql, Dialect::Postgres).is_ok(), "{sql}");
        }
    }

    #[test]
    fn one_statement_of_an_allowed_kind_passes() {
        let parse = |sql| Statement::parse(sql, Dialect::Postgres);
        assert!(parse("SELECT 1").unwrap().only_reads());
        assert!(
            !parse("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x")
                .unwrap()
                .only_reads()
        );
        assert!(matches!(
            parse("SELECT 1; SELECT 2"),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(
            parse("SELECT * INTO x FROM t"),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(parse("DROP TABLE t"), Err(Error::Refused { .. })));
        assert!(matches!(
            Statement::parse("SELECT load_extension('x')", Dialect::Sqlite),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(
            Statement::parse("SELECT @a := 1", Dialect::MySql),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(
            parse("EXPLAIN SELECT 1"),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(parse("SELEC 1"), Err(Error::Parse { .. })));
        assert!(matches!(parse(""), Err(Error::Parse { .. })));
    }
}
