//! The invariants of the house, held by reading the source. `src/lib.rs` tells them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

struct Source {
    /// Relative to the checkout, with forward slashes.
    path: String,
    /// Without comments and without its tests.
    code: String,
    lines: usize,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let mut names: Vec<String> = found
        .iter()
        .map(|path| {
            path.strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/")
        })
        .filter(|path| path.ends_with(ending))
        .collect();
    names.sort();
    names
}

fn sources() -> Vec<Source> {
    files("src", ".rs")
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(root().join(&path)).unwrap();
            let body = if path.ends_with("/tests.rs") {
                String::new()
            } else {
                without_tests(&text)
            };
            let code: Vec<&str> = body
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            Source {
                path,
                code: code.join("\n"),
                lines: text.lines().count(),
            }
        })
        .collect()
}

/// The text without its inline module of tests, wherever that stands.
fn without_tests(text: &str) -> String {
    let opens = |rest: &str, at: usize| {
        let mut lines = rest[at..].lines();
        let attribute = lines.next().unwrap_or_default();
        let module = lines.next().unwrap_or_default();
        attribute.contains("test") && module.starts_with("mod ") && module.ends_with('{')
    };
    let mut kept = String::new();
    let mut rest = text;
    while let Some((at, _)) = rest
        .match_indices("#[cfg(")
        .find(|(at, _)| opens(rest, *at))
    {
        kept.push_str(&rest[..at]);
        let end = rest[at..]
            .find("\n}\n")
            .map_or(rest.len(), |end| at + end + 3);
        rest = &rest[end..];
    }
    kept + rest
}

fn names_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let edge = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        edge(code[..at].chars().last()) && edge(code[at + word.len()..].chars().next())
    })
}

/// The files outside `allowed` whose code names one of these words.
fn strangers(words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let found = sources()
        .into_iter()
        .filter(|source| !allowed(&source.path));
    found
        .filter(|source| words.iter().any(|word| names_word(&source.code, word)))
        .map(|source| source.path)
        .collect()
}

const THINKING: &[&str] = &[
    "advice",
    "catalog",
    "erd",
    "finding",
    "glob",
    "locks",
    "migration",
    "plan",
    "query",
];

fn thinks(path: &str) -> bool {
    THINKING
        .iter()
        .any(|name| path == format!("src/{name}.rs") || path.starts_with(&format!("src/{name}/")))
}

#[test]
fn only_the_server_names_the_protocol() {
    let found = strangers(&["rmcp", "axum"], |path| {
        path == "src/server.rs" || path.starts_with("src/server/")
    });
    assert!(found.is_empty(), "these name rmcp or axum: {found:?}");
}

#[test]
fn only_engines_and_errors_name_the_driver() {
    let engine = |path: &str| {
        path == "src/engine.rs" || path.starts_with("src/engine/") || path == "src/error.rs"
    };
    let found = strangers(&["sqlx"], engine);
    assert!(found.is_empty(), "these name sqlx: {found:?}");
}

#[test]
fn thinking_knows_no_engine_no_tool_no_protocol_and_does_not_wait() {
    let words = [
        "engine", "tools", "server", "sqlx", "rmcp", "axum", "tokio", "async", "await", "Postgres",
        "MySql", "Sqlite", "MariaDb",
    ];
    for source in sources().into_iter().filter(|source| thinks(&source.path)) {
        for word in words {
            let named = if word.chars().all(|c| c.is_ascii_lowercase())
                && !matches!(word, "async" | "await")
            {
                source.code.contains(&format!("crate::{word}"))
                    || source.code.contains(&format!("{word}::"))
            } else {
                names_word(&source.code, word)
            };
            // A unit test may choose a dialect; the code may not.
            assert!(!named, "{} names {word}", source.path);
        }
    }
}

#[test]
fn no_tool_asks_which_engine_it_has() {
    for source in sources()
        .into_iter()
        .filter(|source| source.path.starts_with("src/tools/"))
    {
        for word in [
            "Engine::Postgres",
            "Engine::MySql",
            "Engine::Sqlite",
            "Dialect::",
            "\"postgresql\"",
            "\"mysql\"",
            "\"mariadb\"",
            "\"sqlite\"",
        ] {
            assert!(!source.code.contains(word), "{} names {word}", source.path);
        }
    }
}

#[test]
fn engines_do_not_know_each_other() {
    for (own, others) in [
        ("postgres", ["mysql", "sqlite"]),
        ("mysql", ["postgres", "sqlite"]),
        ("sqlite", ["postgres", "mysql"]),
    ] {
        for source in sources()
            .into_iter()
            .filter(|source| source.path.starts_with(&format!("src/engine/{own}")))
        {
            for other in others {
                let named = [
                    format!("engine::{other}"),
                    format!("super::{other}"),
                    format!("sqlx::{other}"),
                ];
                let sqlx_namesake = format!("sqlx::{own}");
                for name in named.iter().filter(|name| **name != sqlx_namesake) {
                    assert!(
                        !source.code.contains(name.as_str()),
                        "{} names {name}",
                        source.path
                    );
                }
            }
        }
    }
}

/// `AssertSqlSafe` marks SQL made at run time. Each place is one where a parsed statement or a quoted
/// identifier enters; a new one must be added here, and argued for.
#[test]
fn sql_made_at_run_time_enters_at_known_places() {
    let known: BTreeSet<&str> = [
        "src/engine/mysql.rs",
        // On scratch, where what is sent may write: names of its own making, and what the live server wrote down
        // of its tables and rows.
        "src/engine/mysql/scratch.rs",
        "src/engine/mysql/scratch/copy.rs",
        "src/engine/mysql/scratch/place.rs",
        "src/engine/postgres.rs",
        "src/engine/postgres/scratch.rs",
        "src/engine/postgres/scratch/copy.rs",
        "src/engine/postgres/scratch/place.rs",
        "src/engine/postgres/what_if.rs",
        "src/engine/postgres/workload.rs",
        "src/engine/sqlite.rs",
        "src/engine/sqlite/catalog.rs",
        "src/engine/sqlite/scratch.rs",
        "src/engine/sqlite/what_if.rs",
    ]
    .into();
    let found: BTreeSet<String> = strangers(&["AssertSqlSafe"], |_| false)
        .into_iter()
        .collect();
    assert_eq!(
        found.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        known
    );
}

/// The compiler checks everything but one file, which says why.
#[test]
fn only_the_guard_of_sqlite_is_unsafe() {
    for source in sources() {
        let named = ["unsafe {", "unsafe extern", "unsafe fn", "unsafe_code"]
            .iter()
            .any(|mark| source.code.contains(mark));
        assert_eq!(
            named,
            source.path == "src/engine/sqlite/guard.rs",
            "{}",
            source.path
        );
    }
}

#[test]
fn lists_of_functions_are_sorted_and_say_what_they_are() {
    for path in files("src/statement/functions", ".txt") {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        assert!(text.starts_with("# "), "{path} has no comment on top");
        let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(names.is_sorted(), "{path} is not sorted");
        assert!(names.len() > 5, "{path} is empty");
    }
}

#[test]
fn a_tool_has_words_code_and_a_place_in_the_list() {
    let stem = |path: &String| {
        path.rsplit('/')
            .next()
            .unwrap()
            .split('.')
            .next()
            .unwrap()
            .to_owned()
    };
    let words: BTreeSet<String> = files("tools", ".md").iter().map(stem).collect();
    // A tool's further rooms lie in its folder.
    let code: BTreeSet<String> = files("src/tools", ".rs")
        .iter()
        .filter(|path| path.matches('/').count() == 2)
        .map(stem)
        .collect();
    let listed: BTreeSet<String> = database_ops::tools::TOOLS
        .iter()
        .map(|tool| tool.name.to_owned())
        .collect();
    assert_eq!(words, code);
    assert_eq!(code, listed);
}

#[test]
fn a_rule_is_one_file_and_one_line_in_the_slice() {
    let ids: BTreeSet<String> = database_ops::plan::rules::RULES
        .iter()
        .map(|rule| rule.id.to_owned())
        .collect();
    let mut stems = BTreeSet::new();
    for path in files("src/plan/rules", ".rs") {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        assert_eq!(text.matches("const RULE: Rule").count(), 1, "{path}");
        stems.insert(
            path.rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".rs")
                .replace('_', "-"),
        );
    }
    assert_eq!(ids, stems);
}

#[test]
fn a_rewrite_is_one_file_and_one_line_in_the_slice() {
    let ids: BTreeSet<String> = database_ops::advice::rewrite::RULES
        .iter()
        .map(|rule| rule.id.to_owned())
        .collect();
    let mut stems = BTreeSet::new();
    // A rewrite's further rooms lie in its folder.
    let own = files("src/advice/rewrite", ".rs").into_iter();
    let own = own.filter(|path| !path.ends_with("/tests.rs"));
    for path in own.filter(|path| path.matches('/').count() == 3) {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        assert_eq!(text.matches("const RULE: Rule").count(), 1, "{path}");
        let stem = path.rsplit('/').next().unwrap().trim_end_matches(".rs");
        stems.insert(stem.replace('_', "-"));
    }
    assert_eq!(ids, stems);
}

#[test]
fn every_engine_has_the_same_rooms() {
    let rooms = |engine: &str| -> BTreeSet<String> {
        let folder = format!("src/engine/{engine}/");
        let own = files(&folder, ".rs")
            .into_iter()
            .map(|path| path[folder.len()..].to_owned());
        own.filter(|name| !name.contains('/') && name != "sample.rs" && name != "guard.rs")
            .collect()
    };
    assert_eq!(rooms("postgres"), rooms("mysql"));
    assert_eq!(rooms("postgres"), rooms("sqlite"));
}

#[test]
fn catalogue_sql_says_what_it_reads_and_since_when() {
    for path in files("src/engine", ".sql")
        .into_iter()
        .filter(|path| !path.ends_with("sample.sql"))
    {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        assert!(text.starts_with("-- "), "{path} has no comment on top");
    }
}

#[test]
fn modules_begin_with_what_they_are_for_and_stay_readable() {
    /// Longer than 500 lines, and why.
    const LONG: &[(&str, &str)] = &[
        (
            "src/engine/mysql/ddl/column.rs",
            "what two flavours can do to a column, case by case",
        ),
        (
            "src/engine/mysql/explain/v1.rs",
            "one plan format of two flavours, with recorded plans as its cases",
        ),
        (
            "src/engine/mysql/locks.rs",
            "two flavours' waits read into one graph",
        ),
        (
            "src/engine/postgres/ddl.rs",
            "all changes on one engine, read side by side with the other engines'",
        ),
        ("src/engine/sqlite/ddl.rs", "the same"),
        (
            "src/query.rs",
            "one walk over one tree: names, predicates and joins are resolved together",
        ),
    ];
    for source in sources() {
        let text = std::fs::read_to_string(root().join(&source.path)).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} does not say what it is for",
            source.path
        );
        let excused = LONG.iter().any(|(path, _)| *path == source.path);
        assert!(
            source.lines <= 500 || excused,
            "{} has {} lines",
            source.path,
            source.lines
        );
    }
    for (path, _) in LONG {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        assert!(
            text.lines().count() > 500,
            "{path} is short again: take it off the list"
        );
    }
}

#[test]
fn the_map_names_every_room() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for path in files("src", ".rs") {
        let name = path.trim_start_matches("src/").trim_end_matches(".rs");
        if !name.contains('/') && name != "lib" && name != "main" {
            assert!(
                map.contains(&format!("`{name}`")),
                "src/lib.rs does not tell what {name} is"
            );
        }
    }
}

#[test]
fn tool_words_fit_into_what_hosts_show() {
    for path in files("tools", ".md") {
        let size = std::fs::metadata(root().join(&path)).unwrap().len();
        assert!(size <= 1900, "{path} has {size} bytes");
    }
}
