//! Text that others wrote: what must not be seen of it is not seen, whatever stands around it.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use database_ops::answer;
use database_ops::config::Config;
use database_ops::persona::{DIGEST_BYTES, Persona};
use database_ops::statement::{Dialect, Literals, Statement, mask_literals};
use libfuzzer_sys::fuzz_target;

const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];
/// Stand in literals and comments only.
const SECRET: &str = "SECRETxyz";
const NUMBER: &str = "987654321";

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    match first % 8 {
        kind @ 0..=2 => masks(DIALECTS[usize::from(kind)], &mut Pieces(rest)),
        3 => hides(&mut Pieces(rest)),
        4 => text(rest, shown),
        5 => text(rest, configures),
        6 => text(rest, introduces),
        _ => text(rest, connects),
    }
});

fn text(bytes: &[u8], look: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        look(text);
    }
}

/// The fuzzer's bytes as a row of choices.
struct Pieces<'a>(&'a [u8]);

impl Pieces<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.next()) % of.len()]
    }

    /// What a quoted text may hold to confuse a reader.
    fn odd(&mut self) -> String {
        const ODD: &[&str] = &[
            "'", "\"", "\\", "$", "--", "-- ", "/*", "*/", "#", "`", "\n", " ", "[", "]", ";", "é",
            "E", ",",
        ];
        (0..self.next() % 5).map(|_| self.one(ODD)).collect()
    }

    fn secret(&mut self) -> String {
        format!("{}{SECRET}{}", self.odd(), self.odd())
    }
}

/// A query of well-formed pieces, cut anywhere: no secret of it is left.
fn masks(dialect: Dialect, pieces: &mut Pieces<'_>) {
    let mut sql = String::new();
    while !pieces.0.is_empty() && sql.len() < 4096 {
        piece(dialect, pieces, &mut sql);
    }
    let masked = mask_literals(&sql, dialect);
    assert!(
        !masked.contains(SECRET) && !masked.contains(NUMBER),
        "{dialect:?}\n{sql}\n{masked}"
    );
    // Servers cut the queries of others at a length.
    if let Some(cut) = sql.get(..sql.len() / 256 * usize::from(pieces.next())) {
        let masked = mask_literals(cut, dialect);
        assert!(
            !masked.contains(SECRET) && !masked.contains(NUMBER),
            "{dialect:?}\n{cut}\n{masked}"
        );
    }
}

/// Adds a token. What comes next may touch it without becoming a part of it.
fn piece(dialect: Dialect, pieces: &mut Pieces<'_>, sql: &mut String) {
    const WORDS: &[&str] = &[
        "SELECT", "name", "LIKE", "date", "t1", "c_e", "é", "and", "_b2",
    ];
    const PLAIN: &[&str] = &[
        " ", "\n", ",", "(", ")", "=", "<>", ";", ".", " - ", " / ", " * ", "||", "\t",
    ];
    /// After a literal: so that the next one does not go on with it.
    const AFTER: &[&str] = &[",", ")", "=", " AND ", ";", " ,"];
    let quoted = |text: &str, quote: char, backslash: bool| {
        let text = if backslash {
            text.replace('\\', "\\\\")
        } else {
            text.to_owned()
        };
        format!(
            "{quote}{}{quote}",
            text.replace(quote, &format!("{quote}{quote}"))
        )
    };
    // With the quotes inside escaped by a backslash.
    let slashed = |text: &str, quote: char| {
        format!(
            "{quote}{}{quote}",
            text.replace('\\', "\\\\")
                .replace(quote, &format!("\\{quote}"))
        )
    };
    match pieces.next() % 16 {
        0..=2 => sql.push_str(pieces.one(PLAIN)),
        3..=4 => {
            if sql.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                sql.push(' ');
            }
            sql.push_str(pieces.one(WORDS));
        }
        5 => {
            // A name in quotes, which may stay.
            let name = pieces.odd();
            let written = match (dialect, pieces.next() % 3) {
                (Dialect::MySql, _) | (Dialect::Sqlite, 0) => quoted(&name, '`', false),
                (Dialect::Sqlite, 1) => format!("[{}]", name.replace(']', "")),
                _ => quoted(&name, '"', false),
            };
            sql.push_str(&written);
            sql.push_str(pieces.one(AFTER));
        }
        6 => {
            let secret = pieces.secret();
            let comment = match (dialect, pieces.next() % 4) {
                (Dialect::MySql, 0) => format!("#{}\n", secret.replace('\n', "")),
                (Dialect::Postgres, 1) => {
                    let inside = secret
                        .replace("*/", "")
                        .replace("/*", "")
                        .replace(['*', '/'], "");
                    format!(
                        " /* {} /* {} */ {inside} */",
                        pieces.odd().replace(['*', '/'], ""),
                        pieces.odd().replace(['*', '/'], "")
                    )
                }
                (_, 2) => format!(" /*{}*/", secret.replace(['*', '/'], "")),
                _ => format!("-- {}\n", secret.replace('\n', "")),
            };
            sql.push_str(&comment);
        }
        7 => {
            // A number, its sign or operator before it.
            sql.push_str(pieces.one(&[" ", "=", "(", " -", ">"]));
            let forms: &[&str] = match dialect {
                Dialect::MySql => &["", "0x", "1.", ".", "1e", "1E+", "3"],
                _ => &["", "0x", "1.", ".", "1e", "1E+", "3", "1_", "1_000_", "0x_"],
            };
            sql.push_str(pieces.one(forms));
            sql.push_str(NUMBER);
            sql.push_str(pieces.one(AFTER));
        }
        8 if dialect != Dialect::Sqlite => {
            sql.push_str(if dialect == Dialect::Postgres {
                " $1"
            } else {
                " ?"
            });
            sql.push_str(pieces.one(AFTER));
        }
        kind => {
            let secret = pieces.secret();
            let literal = match (dialect, kind) {
                (Dialect::Postgres, 9) => {
                    let open = pieces.one(&["E", "e"]);
                    let gap =
                        if sql.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                            " "
                        } else {
                            ""
                        };
                    let written = if pieces.next() % 2 == 0 {
                        slashed(&secret, '\'')
                    } else {
                        quoted(&secret, '\'', true)
                    };
                    let more = if pieces.next() % 4 == 0 {
                        format!(" \n{}", slashed(&pieces.secret(), '\''))
                    } else {
                        String::new()
                    };
                    format!("{gap}{open}{written}{more}")
                }
                (Dialect::Postgres, 10) => {
                    let tag = pieces.one(&["", "a", "é", "_1"]);
                    format!(" ${tag}${}${tag}$", secret.replace('$', ""))
                }
                (Dialect::Postgres, 11) => {
                    let gap =
                        if sql.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                            " "
                        } else {
                            ""
                        };
                    format!(
                        "{gap}{}{}",
                        pieces.one(&["U&", "N", "b", "x"]),
                        quoted(&secret, '\'', false)
                    )
                }
                (Dialect::Postgres, 12) => format!(
                    "{}\n {}",
                    quoted(&pieces.odd(), '\'', false),
                    quoted(&secret, '\'', false)
                ),
                (Dialect::MySql, 9) => quoted(&secret, '"', true),
                (Dialect::MySql, 10) => slashed(&secret, '\''),
                (Dialect::MySql, 11) => slashed(&secret, '"'),
                (Dialect::MySql, 12) => format!(
                    " {}{}",
                    pieces.one(&["N", "x", "_utf8mb4", "_latin1 ", "--"]),
                    slashed(&secret, '\'')
                ),
                (backslashes, _) => quoted(&secret, '\'', backslashes == Dialect::MySql),
            };
            sql.push_str(&literal);
            sql.push_str(pieces.one(AFTER));
        }
    }
}

/// What `hides` lets a plan know.
const SQL: &str = "SELECT * FROM t JOIN u ON u.id = t.u_id WHERE t.b = 'x' AND t.c = 'it''s' AND t.d LIKE '50%' AND t.e = 7 AND t.f > 12.50";
static KNOWN: LazyLock<[Literals; 3]> = LazyLock::new(|| {
    DIALECTS.map(|dialect| {
        let statement = Statement::parse(SQL, dialect).expect("it parses");
        Literals::of(&statement.ast, dialect)
    })
});

/// A condition out of a plan: what the statement holds may stay, what only the data holds goes.
fn hides(pieces: &mut Pieces<'_>) {
    const KNOWN_TEXTS: &[&str] = &["'x'", "'it''s'", "'50%'", "NULL", "7", "12.5", "'7'"];
    const ODD: &[&str] = &[
        "'", "''", "\\", "\\'", " ", ")", "(", "s", "\n", "\"", "é", "%", "{", "}", ",",
    ];
    const BETWEEN: &[&str] = &[
        "(t.b = ",
        " and (`d`.`t`.`c` <> ",
        " or t.d like ",
        "<cache>(",
        "(\"T d\".b2 >= ",
        "(InitPlan 2).col1 > ",
    ];
    const AFTER: &[&str] = &[
        ")",
        " ",
        "::text)",
        " collate utf8mb4_bin",
        "::numeric(10,2)",
    ];
    let odd = |pieces: &mut Pieces<'_>| -> String {
        (0..pieces.next() % 5).map(|_| pieces.one(ODD)).collect()
    };
    let which = usize::from(pieces.next()) % DIALECTS.len();
    let dialect = DIALECTS[which];
    let mut condition = String::new();
    let mut all_known = true;
    while !pieces.0.is_empty() && condition.len() < 2048 {
        condition.push_str(pieces.one(BETWEEN));
        match pieces.next() % 4 {
            0 | 1 => {
                let value = format!("{}{SECRET}{}", odd(pieces), odd(pieces));
                // All double quotes in some places; MySQL and MariaDB escape those of literals, and what
                // MySQL reads from a table it writes as it is.
                let written = match (dialect, pieces.next() % 3) {
                    (Dialect::MySql, 0) => value,
                    (Dialect::MySql, 1) => value.replace('\\', "\\\\").replace('\'', "\\'"),
                    _ => value.replace('\'', "''"),
                };
                condition.push_str(&format!("'{written}'"));
                all_known = false;
            }
            2 => {
                condition.push_str(pieces.one(&["", "-", "1", "0.", "1e"]));
                condition.push_str(NUMBER);
                condition.push_str(pieces.one(&["", ".5", "e3"]));
                all_known = false;
            }
            _ => condition.push_str(pieces.one(KNOWN_TEXTS)),
        }
        condition.push_str(pieces.one(AFTER));
    }
    let shown = KNOWN[which].hide_others(&condition);
    assert!(
        !shown.contains(SECRET) && !shown.contains(NUMBER),
        "{dialect:?}\n{condition}\n{shown}"
    );
    if all_known {
        assert_eq!(shown, condition);
    }
}

/// A text in a line of an answer cannot end the line, hide or turn around what is in it.
fn shown(text: &str) {
    let harmless = |line: &str| {
        line.chars().all(|c| {
            !c.is_control()
                && !matches!(c, '\u{2028}' | '\u{2029}')
                // Unicode's Bidi_Control.
                && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
    };
    let line = answer::one_line(text);
    assert!(harmless(&line), "{line:?}");
    assert_eq!(answer::one_line(&line), line);
    for limit in [1, 2, 10, 100] {
        let cut = answer::excerpt(text, limit);
        assert!(harmless(&cut) && cut.chars().count() <= limit, "{cut:?}");
    }
    let long = text.repeat(answer::TEXT_BUDGET / text.len().max(1) + 2);
    for whole in [text, &long] {
        let cut = answer::within_budget(whole.to_owned(), "Ask for less.");
        if whole.len() <= answer::TEXT_BUDGET {
            assert_eq!(cut, whole);
        } else {
            assert!(cut.len() <= answer::TEXT_BUDGET + 100 && cut.ends_with("Ask for less.\n"));
            let kept = cut.rfind("\n… ").expect("it says that it cut");
            assert!(whole.starts_with(&cut[..kept]));
        }
    }
    for dialect in DIALECTS {
        let _ = mask_literals(text, dialect);
    }
    for known in KNOWN.iter() {
        let _ = known.hide_others(text);
    }
}

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from("/dev/shm");
    let folder = if folder.is_dir() {
        folder
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("database-ops-fuzz-{}.toml", std::process::id()))
});

/// A configuration is read or refused, and prints no password either way.
fn configures(text: &str) {
    // It may name files, and the fuzzer shall not read any.
    if text.contains(SECRET) || text.contains("file") || text.contains('@') || text.contains('\\') {
        return;
    }
    let text = text.replace("PASSWORD", "u:SECRETxyz@h");
    std::fs::write(&*FILE, &text).expect("a place for the file");
    let said = match Config::load(&[], Some(&FILE), None) {
        Ok(config) => {
            let _ = config.secrets();
            config
                .databases
                .iter()
                .map(|database| format!("{:?}", database.target))
                .collect()
        }
        Err(error) => error.to_string(),
    };
    let harmless =
        text.matches("u:SECRETxyz@h").count() == text.matches("://u:SECRETxyz@h").count();
    assert!(!harmless || !said.contains(SECRET), "{text}\n{said}");
}

/// A persona is read or refused, and its digest is no longer than hosts take.
fn introduces(text: &str) {
    match Persona::parse(text, "persona.md") {
        Ok(persona) => {
            let digest = persona.digest();
            assert!(digest.len() <= DIGEST_BYTES, "{} bytes", digest.len());
            assert!(!persona.front.name.trim().is_empty());
        }
        Err(error) => assert!(error.to_string().contains("persona.md")),
    }
}

/// A URL is taken or refused, and its password is seen in neither case.
fn connects(text: &str) {
    if text.contains(SECRET) || text.contains("=@") {
        return;
    }
    for scheme in ["postgres", "mysql", "mariadb"] {
        for url in [
            format!("{scheme}://u:{SECRET}@{text}"),
            format!("a={scheme}://u:{SECRET}@{text}"),
        ] {
            let said = match Config::load(&[url], None, None) {
                Ok(config) => {
                    let _ = config.secrets();
                    format!("{config:?}")
                }
                Err(error) => error.to_string(),
            };
            assert!(!said.contains(SECRET), "{said}");
        }
    }
    if !text.starts_with('@') && !text.starts_with("env:") {
        let _ = Config::load(&[format!("sqlite:{text}")], None, None);
    }
}
