//! The second wall on `SQLite`: the library itself asks here what a statement may do, and holds its limits,
//! whatever passed the door. <https://www.sqlite.org/c3ref/set_authorizer.html>
//!
//! The only place of the crate that is not checked by the compiler: the driver has no safe way to these calls.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};

use libsqlite3_sys as ffi;
use sqlx::sqlite::SqliteConnection;

use crate::statement::functions::{is_native_sqlite, is_reading_pragma};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading, and telling how something would be run.
    Read,
    /// The same for a statement that writes, which is planned and never run: the file is open for reading only.
    PlanWrite,
    /// A throwaway copy in memory: anything but reaching out of it.
    Scratch,
}

impl Purpose {
    const fn number(self) -> usize {
        self as usize
    }
}

/// The longest text or row, in bytes: no single function works on more at a time.
const LENGTH: c_int = 16 * 1024 * 1024;
/// All memory of the library in this process.
const HEAP: i64 = 1024 * 1024 * 1024;

/// Pragmas that a script on a copy may set.
const SCRATCH_PRAGMAS: &[&str] = &[
    "busy_timeout",
    "defer_foreign_keys",
    "foreign_key_check",
    "foreign_keys",
    "legacy_alter_table",
];

/// Pragmas whose argument names a table or an index.
const OF_AN_OBJECT: &[&str] = &[
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Puts the guards on a connection; may be called again for another purpose.
pub(super) async fn set(
    connection: &mut SqliteConnection,
    purpose: Purpose,
) -> Result<(), sqlx::Error> {
    const LIMITS: &[(c_int, c_int)] = &[
        (ffi::SQLITE_LIMIT_LENGTH, LENGTH),
        (ffi::SQLITE_LIMIT_SQL_LENGTH, 1_000_000),
        (ffi::SQLITE_LIMIT_EXPR_DEPTH, 500),
        (ffi::SQLITE_LIMIT_COMPOUND_SELECT, 200),
        (ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 5_000),
        (ffi::SQLITE_LIMIT_TRIGGER_DEPTH, 50),
        (ffi::SQLITE_LIMIT_ATTACHED, 0),
        (ffi::SQLITE_LIMIT_WORKER_THREADS, 0),
    ];
    let mut handle = connection.lock_handle().await?;
    let database = handle.as_raw_handle().as_ptr();
    // SAFETY: the handle is locked and valid for these calls. `authorize` is a function that lives as long as
    // the program, and its data is a number that is never followed as a pointer.
    unsafe {
        for (limit, value) in LIMITS {
            ffi::sqlite3_limit(database, *limit, *value);
        }
        ffi::sqlite3_hard_heap_limit64(HEAP);
        for (switch, on) in [
            (ffi::SQLITE_DBCONFIG_DEFENSIVE, 1),
            (ffi::SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (ffi::SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
            (ffi::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0),
        ] {
            let none: *mut c_int = std::ptr::null_mut();
            ffi::sqlite3_db_config(database, switch, on as c_int, none);
        }
        ffi::sqlite3_set_authorizer(
            database,
            Some(authorize),
            std::ptr::without_provenance_mut(purpose.number()),
        );
    }
    Ok(())
}

/// Asked for everything that a statement would do, while it is prepared.
unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    _database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: the library gives texts that end in a zero and live during the call, or null.
    let word = |text: *const c_char| unsafe {
        if text.is_null() {
            String::new()
        } else {
            CStr::from_ptr(text).to_string_lossy().to_lowercase()
        }
    };
    if allows(data.addr(), action, &word(first), &word(second)) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_DENY
    }
}

fn allows(purpose: usize, action: c_int, first: &str, second: &str) -> bool {
    let scratch = purpose == Purpose::Scratch.number();
    match action {
        ffi::SQLITE_SELECT | ffi::SQLITE_READ | ffi::SQLITE_RECURSIVE => true,
        ffi::SQLITE_FUNCTION => {
            // The library's own helpers, such as those that rename, can only be called by itself.
            is_native_sqlite(second)
                || matches!(second, "->" | "->>")
                || scratch && second.starts_with("sqlite_")
        }
        ffi::SQLITE_PRAGMA => {
            // Given a value, the others set it.
            is_reading_pragma(first) && (second.is_empty() || OF_AN_OBJECT.contains(&first))
                || scratch && SCRATCH_PRAGMAS.contains(&first)
        }
        ffi::SQLITE_INSERT | ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE => {
            // An R-tree prepares the writes to its own tables when it is opened, also where it may run none.
            let of_rtree = ["_node", "_parent", "_rowid"]
                .iter()
                .any(|ending| first.ends_with(ending));
            scratch
                || of_rtree
                || purpose == Purpose::PlanWrite.number() && !first.starts_with("sqlite_")
        }
        ffi::SQLITE_ATTACH => false,
        // The file that the copy was made of.
        ffi::SQLITE_DETACH => scratch && first == "live",
        _ => scratch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_allows_what_it_needs() {
        let read = Purpose::Read.number();
        let plan = Purpose::PlanWrite.number();
        let scratch = Purpose::Scratch.number();
        assert!(allows(read, ffi::SQLITE_FUNCTION, "", "lower"));
        assert!(!allows(scratch, ffi::SQLITE_FUNCTION, "", "load_extension"));
        assert!(!allows(read, ffi::SQLITE_INSERT, "orders", ""));
        assert!(allows(plan, ffi::SQLITE_INSERT, "orders", ""));
        assert!(!allows(plan, ffi::SQLITE_UPDATE, "sqlite_master", ""));
        assert!(!allows(read, ffi::SQLITE_PRAGMA, "journal_mode", "wal"));
        assert!(!allows(read, ffi::SQLITE_PRAGMA, "query_only", "0"));
        assert!(allows(read, ffi::SQLITE_PRAGMA, "table_info", "orders"));
        assert!(!allows(scratch, ffi::SQLITE_ATTACH, "x", ""));
        assert!(!allows(read, ffi::SQLITE_DETACH, "live", ""));
        assert!(allows(read, ffi::SQLITE_INSERT, "area_node", ""));
        assert!(allows(scratch, ffi::SQLITE_CREATE_TABLE, "x", ""));
        assert!(!allows(read, ffi::SQLITE_TRANSACTION, "BEGIN", ""));
    }
}
