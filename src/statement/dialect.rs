//! The dialects, and how names are quoted in them.

use sqlparser::ast;
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};

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

    pub(super) fn parser(self) -> Box<dyn sqlparser::dialect::Dialect> {
        match self {
            Self::Postgres => Box::new(PostgreSqlDialect {}),
            Self::MySql => Box::new(MySqlDialect {}),
            Self::Sqlite => Box::new(SQLiteDialect {}),
        }
    }

    /// Whether the planner can be told of columns that go together, and of expressions.
    pub const fn has_extended_statistics(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether the rows lie in the order of the primary key, which every index then holds.
    pub const fn keeps_rows_by_key(self) -> bool {
        matches!(self, Self::MySql | Self::Sqlite)
    }

    /// Whether inserts pay for a key that does not grow.
    pub const fn pays_for_random_keys(self) -> bool {
        matches!(self, Self::MySql)
    }

    /// Whether a text compared with a number is read as one.
    pub const fn compares_texts_as_numbers(self) -> bool {
        matches!(self, Self::MySql)
    }

    /// Whether an integer compared with a decimal or a float is converted, so that its index is of no use.
    pub const fn tells_numbers_apart(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether `(a, b) < (x, y)` is found in an index on both.
    pub const fn searches_by_row_comparison(self) -> bool {
        matches!(self, Self::Postgres | Self::Sqlite)
    }

    /// Whether points in time are texts, whose format nothing holds to.
    pub const fn keeps_times_as_texts(self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Whether a value must be of the column's own type to be looked up in its index.
    pub const fn compares_by_type(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// What stands before the number of a parameter.
    pub(super) const fn parameter_mark(self) -> char {
        match self {
            Self::Postgres => '$',
            Self::MySql | Self::Sqlite => '?',
        }
    }

    /// A parameter as the day that it stands for.
    pub fn day(self, parameter: &str) -> String {
        match self {
            Self::Postgres => format!("CAST({parameter} AS date)"),
            Self::MySql | Self::Sqlite => parameter.to_owned(),
        }
    }

    /// The day after one that an expression gives.
    pub fn day_after(self, day: &str) -> String {
        match self {
            Self::Postgres => format!("{day} + 1"),
            Self::MySql => format!("{day} + INTERVAL 1 DAY"),
            Self::Sqlite => format!("date({day}, '+1 day')"),
        }
    }

    /// The condition that a text begins with another, told so that an index can find it and with upper and lower
    /// case as `=` tells them apart; nothing where the beginning has a character that would mean something else.
    pub fn begins_with(self, column: &str, beginning: &str) -> Option<String> {
        let special: &[char] = match self {
            Self::Postgres | Self::MySql => &['%', '_', '\\', '\''],
            Self::Sqlite => &['*', '?', '[', '\''],
        };
        if beginning.contains(special) {
            return None;
        }
        Some(match self {
            Self::Postgres | Self::MySql => format!("{column} LIKE '{beginning}%'"),
            Self::Sqlite => format!("{column} GLOB '{beginning}*'"),
        })
    }

    /// Whether the planner gives up on trying all orders of many tables.
    pub const fn limits_join_orders(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// What stands behind a key so that LIKE with a known beginning can search it; empty where any order will do.
    pub const fn prefix_search(self) -> &'static str {
        match self {
            Self::Postgres => "text_pattern_ops",
            Self::Sqlite => "COLLATE NOCASE",
            Self::MySql => "",
        }
    }

    /// How an index is built with the least harm.
    pub const fn create_index(self) -> &'static str {
        match self {
            Self::Postgres => "CREATE INDEX CONCURRENTLY",
            Self::MySql | Self::Sqlite => "CREATE INDEX",
        }
    }

    /// The character that quotes identifiers.
    pub const fn quote(self) -> char {
        match self {
            Self::MySql => '`',
            Self::Postgres | Self::Sqlite => '"',
        }
    }

    /// Whether a character opens a name in quotes.
    pub(super) const fn quotes_name(self, character: char) -> bool {
        match self {
            Self::Postgres => character == '"',
            Self::MySql => character == '`',
            Self::Sqlite => matches!(character, '"' | '`' | '['),
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
            (Self::Postgres, None) => ident.value.to_ascii_lowercase(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_words_are_sorted() {
        assert!(RESERVED.is_sorted() && COMMON_NAMES.is_sorted());
        assert!(sqlparser::keywords::ALL_KEYWORDS.is_sorted());
    }

    #[test]
    fn names_are_quoted_only_where_they_must_be() {
        assert_eq!(Dialect::Postgres.identifier("orders"), "orders");
        assert_eq!(Dialect::Postgres.identifier("Order"), "\"Order\"");
        assert_eq!(Dialect::Sqlite.identifier("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(Dialect::MySql.identifier("PlaylistTrack"), "PlaylistTrack");
        assert_eq!(Dialect::MySql.identifier("order"), "`order`");
    }
}
