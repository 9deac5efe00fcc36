//! What a text of SQL could call, told from its words alone. It names too much rather than too little: for
//! views, policies and stored code, which are looked at and never changed.

use std::collections::BTreeSet;

use sqlparser::tokenizer::{Token, Tokenizer, Whitespace, Word};

use super::Dialect;

/// The words of a text, as the server would fold them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Every name and keyword.
    pub all: BTreeSet<String>,
    /// Those that stand before an opening bracket.
    pub called: BTreeSet<String>,
    /// Those that were not quoted, in upper case: only they can be keywords.
    pub keywords: BTreeSet<String>,
    pub operators: BTreeSet<String>,
}

/// Words that no text which only reads has outside of quotes.
const ACTING: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "ATTACH",
    "CALL",
    "CHECKPOINT",
    "CLUSTER",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DISCARD",
    "DO",
    "DROP",
    "DUMPFILE",
    "EXECUTE",
    "FLUSH",
    "GRANT",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "INTO",
    "KILL",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "NOTIFY",
    "OUTFILE",
    "PRAGMA",
    "PREPARE",
    "PURGE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RENAME",
    "REPLACE",
    "RESET",
    "RESIGNAL",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY",
    "SET",
    "SHUTDOWN",
    "SIGNAL",
    "TRUNCATE",
    "UNLISTEN",
    "UNLOCK",
    "UPDATE",
    "VACUUM",
    "XA",
];

impl Words {
    /// Nothing when the text cannot be cut into words.
    pub fn of(text: &str, dialect: Dialect) -> Option<Self> {
        // An escape could spell any name.
        if text.contains("U&\"") || text.contains("u&\"") {
            return None;
        }
        let parser = dialect.parser();
        let tokens = Tokenizer::new(parser.as_ref(), text).tokenize().ok()?;
        let mut words = Self::default();
        let mut tokens = tokens
            .into_iter()
            .filter(|token| {
                !matches!(
                    token,
                    Token::Whitespace(
                        Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)
                    )
                )
            })
            .peekable();
        let mut operator = String::new();
        // What stood before a period: `(value).name` may be a call of the function `name`.
        let (mut before, mut last) = (Token::EOF, Token::EOF);
        while let Some(token) = tokens.next() {
            if matches!(token, Token::Whitespace(_)) {
                words.add_operator(&mut operator);
                continue;
            }
            let of_value =
                last == Token::Period && matches!(before, Token::RParen | Token::RBracket);
            before = std::mem::replace(&mut last, token.clone());
            if let Token::Word(word) = token {
                words.add_operator(&mut operator);
                while tokens
                    .next_if(|next| matches!(next, Token::Whitespace(_)))
                    .is_some()
                {}
                let called = of_value || tokens.peek() == Some(&Token::LParen);
                words.add(&word, called, dialect);
            } else if let (Token::DoubleQuotedString(text), Dialect::MySql) = (&token, dialect) {
                // Stored code may have been written where these are the quotes of names.
                words.add_operator(&mut operator);
                let name = text.to_lowercase();
                words.all.insert(name.clone());
                while tokens
                    .next_if(|next| matches!(next, Token::Whitespace(_)))
                    .is_some()
                {}
                if tokens.peek() == Some(&Token::LParen) {
                    words.called.insert(name);
                }
            } else {
                let text = token.to_string();
                let is_text = matches!(
                    token,
                    Token::SingleQuotedString(_)
                        | Token::EscapedStringLiteral(_)
                        | Token::DollarQuotedString(_)
                        | Token::Placeholder(_)
                );
                if !is_text && text.chars().all(|c| OPERATOR_CHARACTERS.contains(c)) {
                    operator.push_str(&text);
                } else {
                    words.add_operator(&mut operator);
                }
            }
        }
        words.add_operator(&mut operator);
        Some(words)
    }

    fn add(&mut self, word: &Word, called: bool, dialect: Dialect) {
        let quoted = word.quote_style.is_some();
        let name = match (dialect, quoted) {
            (Dialect::Postgres, true) => word.value.clone(),
            // It folds ASCII letters only.
            (Dialect::Postgres, false) => word.value.to_ascii_lowercase(),
            _ => word.value.to_lowercase(),
        };
        // INSERT and REPLACE are also the names of functions.
        let is_function = called && matches!(name.as_str(), "insert" | "replace");
        if !(quoted || is_function) {
            self.keywords.insert(word.value.to_uppercase());
        }
        if called {
            self.called.insert(name.clone());
        }
        self.all.insert(name);
    }

    /// Adds what a run of operator characters could be read as.
    fn add_operator(&mut self, run: &mut String) {
        if !run.is_empty() {
            let mut shorter = run.as_str();
            self.operators.insert(shorter.to_owned());
            while let Some(rest) = shorter.strip_suffix(['+', '-']) {
                shorter = rest;
                self.operators.insert(shorter.to_owned());
            }
        }
        run.clear();
    }

    /// A word that does more than read, if there is one.
    pub fn acting(&self) -> Option<&'static str> {
        let block = self.keywords.contains("BEGIN") || self.keywords.contains("RETURN");
        // A variable of the server, which SET may change: the tokens make one word of it.
        if self.keywords.contains("SET") && self.keywords.iter().any(|word| word.starts_with("@@"))
        {
            return Some("SET");
        }
        ACTING.iter().copied().find(|word| {
            self.keywords.contains(*word)
                && match *word {
                    // A block of stored code has variables of its own.
                    "INTO" => !block,
                    "SET" => !block || SETTINGS.iter().any(|word| self.keywords.contains(*word)),
                    _ => true,
                }
        })
    }
}

const OPERATOR_CHARACTERS: &str = "+-*/<>=~!@#%^&|`?";

/// Words by which SET changes more than a variable of its own block.
const SETTINGS: &[&str] = &[
    "GLOBAL",
    "LOCAL",
    "MAX_EXECUTION_TIME",
    "MAX_STATEMENT_TIME",
    "NAMES",
    "PASSWORD",
    "PERSIST",
    "PERSIST_ONLY",
    "ROLE",
    "SESSION",
    "SQL_LOG_BIN",
    "STATEMENT",
    "STATEMENT_TIMEOUT",
    "TO",
    "TRANSACTION",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_names_and_operators_are_told_apart() {
        let words = Words::of(
            "SELECT lower(a), \"Strange\" (b) FROM t WHERE a === 'pg_sleep(1)'",
            Dialect::Postgres,
        )
        .unwrap();
        assert_eq!(
            words.called.iter().map(String::as_str).collect::<Vec<_>>(),
            ["Strange", "lower"]
        );
        assert!(words.all.contains("t") && !words.all.contains("pg_sleep"));
        assert!(words.operators.contains("==="), "{:?}", words.operators);
        assert_eq!(words.acting(), None);
    }

    #[test]
    fn a_word_that_acts_is_seen_unless_it_is_quoted() {
        let acting = |text| Words::of(text, Dialect::Postgres).unwrap().acting();
        assert_eq!(
            acting("BEGIN insert into t values (1); END"),
            Some("INSERT")
        );
        assert_eq!(acting("SELECT \"INSERT\" FROM t"), None);
        assert_eq!(acting("SELECT replace(a, 'x', 'y') FROM t"), None);
        assert_eq!(acting("SELECT a INTO b FROM t"), Some("INTO"));
        assert_eq!(
            acting("DECLARE v int; BEGIN SELECT a INTO v FROM t; SET v = v + 1; RETURN v; END"),
            None
        );
        assert_eq!(acting("BEGIN SET GLOBAL x = 1; RETURN 1; END"), Some("SET"));
        let mysql = |text| Words::of(text, Dialect::MySql).unwrap().acting();
        assert_eq!(
            mysql("BEGIN SET @@global.x = 1; RETURN 1; END"),
            Some("SET")
        );
        assert_eq!(mysql("BEGIN SET @@x = 1; RETURN 1; END"), Some("SET"));
        assert_eq!(mysql("BEGIN SET @x = 1; RETURN 1; END"), None);
        assert!(ACTING.is_sorted());
    }
}
