//! The one door for SQL that comes from outside: parsed with the engine's own dialect, exactly one
//! statement, of an allowed kind. What leaves is made from the parsed tree, so that what was looked
//! at is what is sent.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, SetExpr, Visit, Visitor};
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::error::{Error, Result};

/// The longest SQL that is looked at.
pub const MAX_BYTES: usize = 200_000;

/// How deep expressions may nest before the parser gives up.
const MAX_DEPTH: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

impl Dialect {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Sqlite => "SQLite",
        }
    }

    fn parser(self) -> Box<dyn sqlparser::dialect::Dialect> {
        match self {
            Self::Postgres => Box::new(PostgreSqlDialect {}),
            Self::MySql => Box::new(MySqlDialect {}),
            Self::Sqlite => Box::new(SQLiteDialect {}),
        }
    }

    /// The character that quotes identifiers.
    pub const fn quote(self) -> char {
        match self {
            Self::MySql => '`',
            Self::Postgres | Self::Sqlite => '"',
        }
    }

    /// An identifier as it may stand in SQL: quoted only where it must be, quotes inside doubled.
    pub fn identifier(self, name: &str) -> String {
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !is_keyword(name);
        // MySQL keeps upper case without quotes.
        let plain = plain
            || (self == Self::MySql
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !is_keyword(name));
        if plain {
            return name.to_owned();
        }
        let quote = self.quote();
        let mut quoted = String::with_capacity(name.len() + 2);
        quoted.push(quote);
        for character in name.chars() {
            if character == quote {
                quoted.push(quote);
            }
            quoted.push(character);
        }
        quoted.push(quote);
        quoted
    }

    /// The name that an identifier in a statement means.
    pub fn name_of(self, ident: &ast::Ident) -> String {
        match (self, ident.quote_style) {
            (Self::Postgres, None) => ident.value.to_lowercase(),
            _ => ident.value.clone(),
        }
    }

    /// A table's name, qualified unless it lies in the default schema.
    pub fn table(self, schema: &str, name: &str, default_schema: &str) -> String {
        if schema.is_empty() || schema == default_schema {
            self.identifier(name)
        } else {
            format!("{}.{}", self.identifier(schema), self.identifier(name))
        }
    }
}

fn is_keyword(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let known = sqlparser::keywords::ALL_KEYWORDS
        .binary_search(&upper.as_str())
        .is_ok()
        && !COMMON_NAMES.contains(&upper.as_str());
    known
        || RESERVED
            .binary_search(&name.to_ascii_lowercase().as_str())
            .is_ok()
}

/// Words that the parser knows and that no engine here reserves, so that usual names stay unquoted.
const COMMON_NAMES: &[&str] = &[
    "ACTION",
    "ACTIVE",
    "ADDRESS",
    "ADMIN",
    "AUTHOR",
    "CATEGORY",
    "CITY",
    "CODE",
    "COMMENT",
    "CONTENT",
    "COUNTRY",
    "CURRENCY",
    "CUSTOMER",
    "CUSTOMERS",
    "DATA",
    "DAY",
    "DESCRIPTION",
    "DETAIL",
    "DOMAIN",
    "EMAIL",
    "EVENT",
    "EVENTS",
    "FILE",
    "HOST",
    "HOUR",
    "ID",
    "IMAGE",
    "INDEXES",
    "LABEL",
    "LANGUAGE",
    "LEVEL",
    "LOCATION",
    "MESSAGE",
    "MINUTE",
    "MONTH",
    "NAME",
    "NOTE",
    "OWNER",
    "PARENT",
    "PASSWORD",
    "PAYMENT",
    "PRIORITY",
    "PRODUCT",
    "PROFILE",
    "QUARTER",
    "ROLE",
    "SECOND",
    "SESSION",
    "SESSIONS",
    "SOURCE",
    "STATE",
    "STATUS",
    "STORE",
    "STREET",
    "TAG",
    "TAGS",
    "TEXT",
    "TITLE",
    "TOKEN",
    "TOTAL",
    "TYPE",
    "URL",
    "USERS",
    "VALUE",
    "VERSION",
    "WEEK",
    "YEAR",
];

/// Reserved by `MySQL` or `MariaDB` though the parser does not know them as keywords.
const RESERVED: &[&str] = &[
    "accessible",
    "day_hour",
    "day_microsecond",
    "day_minute",
    "day_second",
    "delete_domain_id",
    "do_domain_ids",
    "dual",
    "enclosed",
    "exit",
    "hour_microsecond",
    "hour_minute",
    "hour_second",
    "ignore_domain_ids",
    "infile",
    "int1",
    "int3",
    "io_after_gtids",
    "io_before_gtids",
    "iterate",
    "leave",
    "library",
    "linear",
    "loop",
    "master_demote_to_replica",
    "master_demote_to_slave",
    "master_ssl_verify_server_cert",
    "middleint",
    "minute_microsecond",
    "minute_second",
    "optionally",
    "outfile",
    "page_checksum",
    "parse_vcol_expr",
    "read_write",
    "ref_system_id",
    "repeat",
    "resignal",
    "second_microsecond",
    "signal",
    "ssl",
    "starting",
    "undo",
    "utc_date",
    "utc_time",
    "utc_timestamp",
    "varcharacter",
    "year_month",
    "zerofill",
];

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
            ast::Statement::Query(query) => {
                check_query(query)?;
                Kind::Read
            }
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
        check_functions(&ast)?;
        Ok(Self { ast, dialect, kind })
    }

    /// The statement as it is sent, rendered from the tree that was checked.
    pub fn sql(&self) -> String {
        self.ast.to_string()
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

    /// The statement with values in place of its parameters, in their order.
    pub fn bind(mut self, values: &[serde_json::Value]) -> Result<Self> {
        let mut used = 0;
        let mut missing = None;
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
                    Some(given) => value.value = literal(given),
                    None => missing = missing.take().or_else(|| Some(name.clone())),
                }
            }
            ControlFlow::<()>::Continue(())
        });
        faithful(&self.ast, self.dialect)?;
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
                    name,
                    args: Some(_),
                    ..
                } = factor
                {
                    self.0.insert(name.to_string().to_lowercase());
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
        function_names(&self.ast)
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

fn literal(value: &serde_json::Value) -> ast::Value {
    match value {
        serde_json::Value::Null => ast::Value::Null,
        serde_json::Value::Bool(value) => ast::Value::Boolean(*value),
        serde_json::Value::Number(number) => ast::Value::Number(number.to_string(), false),
        serde_json::Value::String(text) => ast::Value::SingleQuotedString(text.clone()),
        other => ast::Value::SingleQuotedString(other.to_string()),
    }
}

/// Parses text that must hold exactly one statement; DDL passes here on its way to a migration.
pub fn parse_one(sql: &str, dialect: Dialect) -> Result<ast::Statement> {
    let mut statements = parse_all(sql, dialect)?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
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
    let read = |sql: &str| {
        let parser = dialect.parser();
        Parser::new(parser.as_ref())
            .with_recursion_limit(MAX_DEPTH)
            .try_with_sql(sql)
            .and_then(|mut parser| parser.parse_statements())
    };
    let statements = read(sql).map_err(|error| Error::Parse {
        dialect: dialect.name(),
        reason: parse_reason(&error),
    })?;
    for statement in &statements {
        faithful(statement, dialect)?;
    }
    Ok(statements)
}

/// What is sent is the tree written out again. Where the server could read that in another way than it
/// was read here (a backslash before a quote, above all), nothing is sent.
fn faithful(statement: &ast::Statement, dialect: Dialect) -> Result<()> {
    let parser = dialect.parser();
    let again = Parser::new(parser.as_ref())
        .with_recursion_limit(MAX_DEPTH)
        .try_with_sql(&statement.to_string())
        .and_then(|mut parser| parser.parse_statements());
    if again.ok().as_deref() == Some(std::slice::from_ref(statement)) {
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

fn check_query(query: &ast::Query) -> Result<()> {
    struct Into(bool);
    impl Visitor for Into {
        type Break = ();
        fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
            self.0 |= select.into.is_some();
            ControlFlow::Continue(())
        }
    }
    let mut into = Into(false);
    let _ = query.visit(&mut into);
    if into.0 {
        return Err(Error::Refused {
            reason: "SELECT … INTO writes".to_owned(),
            instead: "Leave the INTO out to see how the query is run.".to_owned(),
        });
    }
    Ok(())
}

/// Functions that do harm even where a read-only transaction holds: they wait, lock, signal, read the
/// server's files or talk to the outside.
const HARMFUL: &[&str] = &[
    "benchmark",
    "dblink",
    "dblink_connect",
    "dblink_connect_u",
    "dblink_exec",
    "dblink_open",
    "dblink_send_query",
    "edit",
    "fts3_tokenizer",
    "get_lock",
    "is_free_lock",
    "lo_export",
    "lo_import",
    "load_extension",
    "load_file",
    "master_pos_wait",
    "nextval",
    "pg_advisory_lock",
    "pg_cancel_backend",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_create_restore_point",
    "pg_drop_replication_slot",
    "pg_export_snapshot",
    "pg_logical_emit_message",
    "pg_ls_dir",
    "pg_notify",
    "pg_promote",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_stat_file",
    "pg_stat_reset",
    "pg_stat_statements_reset",
    "pg_switch_wal",
    "pg_terminate_backend",
    "query_to_xml",
    "randomblob",
    "readfile",
    "release_all_locks",
    "release_lock",
    "set_config",
    "setval",
    "sleep",
    "sys_eval",
    "sys_exec",
    "writefile",
    "zeroblob",
];

fn check_functions(statement: &ast::Statement) -> Result<()> {
    for name in function_names(statement) {
        let bare = name.rsplit('.').next().unwrap_or(&name);
        if HARMFUL.binary_search(&bare).is_ok()
            || bare.starts_with("pg_advisory")
            || bare.starts_with("pg_try_advisory")
        {
            return Err(Error::Refused {
                reason: format!("the function {name} does more than read"),
                instead: "Leave it out: the plan of the rest does not depend on it.".to_owned(),
            });
        }
    }
    Ok(())
}

fn function_names(statement: &ast::Statement) -> Vec<String> {
    struct Names(std::collections::BTreeSet<String>);
    impl Names {
        fn add(&mut self, name: &ast::ObjectName) {
            let parts: Vec<String> = name
                .0
                .iter()
                .map(|part| {
                    part.as_ident()
                        .map_or_else(|| part.to_string(), |ident| ident.value.clone())
                        .to_lowercase()
                })
                .collect();
            self.0.insert(parts.join("."));
        }
    }
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                self.add(&function.name);
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
            match factor {
                ast::TableFactor::Table {
                    name,
                    args: Some(_),
                    ..
                }
                | ast::TableFactor::Function { name, .. } => {
                    self.add(name);
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(std::collections::BTreeSet::new());
    let _ = statement.visit(&mut names);
    names.0.into_iter().collect()
}

fn first_words(sql: &str) -> String {
    sql.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

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

/// A condition from a plan with every quoted text taken out that the statement does not hold.
pub fn only_known_values(condition: &str, statement: &str) -> String {
    let mut shown = String::with_capacity(condition.len());
    let mut rest = condition;
    while let Some((before, after)) = rest.split_once('\'') {
        shown.push_str(before);
        // The end is the first quote that is not doubled.
        let mut end = None;
        let mut quotes = after.match_indices('\'').peekable();
        while let Some((at, _)) = quotes.next() {
            if quotes.peek().is_some_and(|(next, _)| *next == at + 1) {
                quotes.next();
            } else {
                end = Some(at);
                break;
            }
        }
        let end = end.unwrap_or(after.len());
        let value = after.get(..end).unwrap_or_default();
        if !value.is_empty() && !statement.contains(value) {
            shown.push('?');
        } else {
            shown.push('\'');
            shown.push_str(value);
            shown.push('\'');
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
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
    fn the_list_of_harmful_functions_is_sorted() {
        assert!(HARMFUL.is_sorted() && RESERVED.is_sorted());
        assert!(sqlparser::keywords::ALL_KEYWORDS.is_sorted());
    }

    #[test]
    fn values_that_the_statement_does_not_hold_are_hidden() {
        let sql = "SELECT 1 FROM t WHERE a = 'mine' AND b = (SELECT pw FROM s)";
        assert_eq!(
            only_known_values("(a = 'mine') and (b = 'its secret''s')", sql),
            "(a = 'mine') and (b = ?)"
        );
        assert_eq!(only_known_values("b = 'cut", sql), "b = ?");
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

    #[test]
    fn names_are_quoted_only_where_they_must_be() {
        assert_eq!(Dialect::Postgres.identifier("orders"), "orders");
        assert_eq!(Dialect::Postgres.identifier("Order"), "\"Order\"");
        assert_eq!(Dialect::Sqlite.identifier("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(Dialect::MySql.identifier("PlaylistTrack"), "PlaylistTrack");
        assert_eq!(Dialect::MySql.identifier("order"), "`order`");
    }

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
            parse("SELECT * FROM pg_read_file('/etc/passwd')"),
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
