//! The door: whatever it lets through is one statement that reads back as itself, and that does what the
//! door says it does.
#![no_main]

use std::ffi::{CStr, CString};
use std::ptr::null_mut;
use std::sync::{LazyLock, Mutex};

use database_ops::migration::change::Change;
use database_ops::statement::{Dialect, Statement, parse_one};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

/// What a worker thread of the server has: depth that fits into no more is a way to bring it down.
const STACK: usize = 2 << 20;

fuzz_target!(|data: &[u8]| {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK);
        let worker = worker.spawn_scoped(scope, || look(data)).expect("a thread");
        worker.join().expect("no panic");
    });
});

fn look(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let dialect = DIALECTS[usize::from(*first) % DIALECTS.len()];
    // The values of its parameters stand behind a line of its own.
    let (sql, values) = text.split_once("\n--binds ").unwrap_or((text, ""));
    let values: Vec<Value> = serde_json::from_str(values).unwrap_or_else(|_| {
        vec![
            json!(1),
            json!("it's \\ \" ' \\"),
            Value::Null,
            json!(true),
            json!([1.5e300, "x'"]),
        ]
    });
    changes(sql, dialect);
    explains(sql, dialect, &values);
}

/// DDL on its way to a migration.
fn changes(sql: &str, dialect: Dialect) {
    let Ok(ast) = parse_one(sql, dialect) else {
        return;
    };
    let written = ast.to_string();
    is_clean(&written);
    if dialect == Dialect::Sqlite {
        is_read_alike(&written, false);
    }
    match parse_one(&written, dialect) {
        Ok(again) => assert_eq!(again, ast, "{written}"),
        Err(error) => panic!("{error}\n{sql}\n{written}"),
    }
    let name_of = |ident: &sqlparser::ast::Ident| dialect.name_of(ident);
    if let Ok((table, changes)) = Change::from_ast(&ast, &name_of) {
        for change in &changes {
            match change {
                Change::AddColumn(column) => {
                    let _ = column.default_is_volatile();
                }
                Change::AddIndex(index) => {
                    assert!(index.name.is_some() || index.name_for(&table.name).len() <= 60)
                }
                Change::AddForeignKey(key) => {
                    assert!(key.name.is_some() || key.name_for(&table.name).len() <= 60)
                }
                _ => {}
            }
        }
    }
}

/// What explain_query sends.
fn explains(sql: &str, dialect: Dialect, values: &[Value]) {
    let Ok(statement) = Statement::parse(sql, dialect) else {
        return;
    };
    is_itself(&statement, dialect);
    if let Ok(bound) = statement.bind(values) {
        is_itself(&bound, dialect);
    }
}

fn is_itself(statement: &Statement, dialect: Dialect) {
    let sql = statement.sql();
    is_clean(&sql);
    let again = match Statement::parse(&sql, dialect) {
        Ok(again) => again,
        Err(error) => panic!("{error}\n{sql}"),
    };
    assert_eq!(again.ast, statement.ast, "{sql}");
    assert_eq!(again.sql(), sql);
    assert_eq!(again.kind, statement.kind, "{sql}");
    assert_eq!(again.functions(), statement.functions(), "{sql}");
    assert_eq!(again.only_reads(), statement.only_reads(), "{sql}");
    if dialect == Dialect::Sqlite {
        is_read_alike(&sql, statement.only_reads());
    }
    // The tree as `Debug` writes it has no place that a visitor would pass by.
    let tree = with_plain_texts(&format!("{:?}", statement.ast));
    let known = statement.functions();
    for name in called(&tree) {
        assert!(
            known.contains(&name),
            "{name} is called and not seen\n{sql}"
        );
    }
    assert!(!tree.contains("SelectInto {"), "{sql}");
    if statement.only_reads() {
        for writes in [
            " Insert {",
            "(Insert {",
            " Update {",
            "(Update {",
            " Delete {",
            "(Delete {",
            " Merge {",
            "(Merge {",
            "LockClause {",
        ] {
            assert!(!tree.contains(writes), "{writes} in what only reads\n{sql}");
        }
    }
}

/// A database in memory with the tables that the seeds name.
struct Lite(*mut libsqlite3_sys::sqlite3);

// SAFETY: the handle is used by whoever holds the lock.
unsafe impl Send for Lite {}

static LITE: LazyLock<Mutex<Lite>> = LazyLock::new(|| {
    let tables = c"CREATE TABLE t (a, b, c, d, e, f, g, h, i, j); CREATE INDEX i ON t (a);
        CREATE TABLE u (a, b, c, d); CREATE TABLE v (a, b); CREATE TABLE x (a, b, n);";
    let mut database = null_mut();
    // SAFETY: the texts end with NUL, and the handle lives as long as the process.
    unsafe {
        libsqlite3_sys::sqlite3_open(c":memory:".as_ptr(), &raw mut database);
        libsqlite3_sys::sqlite3_exec(database, tables.as_ptr(), None, null_mut(), null_mut());
    }
    Mutex::new(Lite(database))
});

/// What SQLite itself makes of the text: one statement, which writes only where that was said.
fn is_read_alike(sql: &str, only_reads: bool) {
    let text = CString::new(sql).expect("no NUL");
    let (code, rest, reads) = {
        let database = LITE.lock().expect("nobody panics with it");
        let (mut prepared, mut tail) = (null_mut(), std::ptr::null());
        // SAFETY: the text outlives the call, and what was prepared is let go of once.
        unsafe {
            let code = libsqlite3_sys::sqlite3_prepare_v2(
                database.0,
                text.as_ptr(),
                -1,
                &raw mut prepared,
                &raw mut tail,
            );
            let rest = CStr::from_ptr(tail).to_string_lossy().into_owned();
            let reads = libsqlite3_sys::sqlite3_stmt_readonly(prepared) != 0;
            libsqlite3_sys::sqlite3_finalize(prepared);
            (code, rest, reads)
        }
    };
    if code == libsqlite3_sys::SQLITE_OK {
        assert!(
            rest.trim().is_empty(),
            "more than one statement\n{sql}\n{rest}"
        );
        assert!(reads || !only_reads, "it writes\n{sql}");
    }
}

/// Nothing in it ends a text early or hides from who reads along.
fn is_clean(sql: &str) {
    if let Some(bad) = sql
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        panic!("{bad:?} in {sql:?}");
    }
}

/// Functions that the tree calls, as far as their names are plain.
fn called(tree: &str) -> Vec<String> {
    let functions = tree
        .match_indices("Function { name: ObjectName([")
        .map(|(at, start)| &tree[at + start.len()..]);
    let tables = tree
        .match_indices(" Table { name: ObjectName([")
        .map(|(at, start)| &tree[at + start.len()..])
        .filter(|rest| {
            rest.split_once(", args: ")
                .is_some_and(|(_, args)| args.starts_with("Some("))
        });
    functions
        .chain(tables)
        .filter_map(|rest| {
            let parts = rest
                .split_once("]),")?
                .0
                .split("Identifier(Ident { value: ")
                .skip(1);
            let names: Option<Vec<&str>> = parts
                .map(|part| Some(part.strip_prefix('"')?.split_once('"')?.0))
                .collect();
            let name = names?.join(".").to_lowercase();
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
                .then_some(name)
        })
        .collect()
}

/// What `Debug` wrote, its quoted texts without anything that could be taken for the tree.
fn with_plain_texts(debug: &str) -> String {
    let mut kept = String::with_capacity(debug.len());
    let mut rest = debug.chars();
    while let Some(c) = rest.next() {
        if c == '\'' {
            // A character: 'x', '\'', '\u{…}'.
            if rest.next() == Some('\\') {
                rest.next();
            }
            rest.by_ref().find(|c| *c == '\'');
            continue;
        }
        kept.push(c);
        if c == '"' {
            while let Some(inner) = rest.next() {
                match inner {
                    '\\' => {
                        rest.next();
                        kept.push('?');
                    }
                    '"' => break,
                    plain if plain.is_alphanumeric() || plain == '_' => kept.push(plain),
                    _ => kept.push('?'),
                }
            }
            kept.push('"');
        }
    }
    kept
}
