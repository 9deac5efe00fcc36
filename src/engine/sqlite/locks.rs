//! Who holds the file, on Linux: `/proc/locks` names the process and the byte ranges. The file itself is
//! never opened to look: closing it would drop this process's own locks on it.
//! <https://www.sqlite.org/lockingv3.html>, <https://www.sqlite.org/walformat.html#the_locking_protocol>

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::Row as _;

use super::Sqlite;
use crate::answer::{Skipped, bytes};
use crate::engine::LocksSeen;
use crate::error::Result;
use crate::finding::{Finding, Severity, Source};
use crate::locks::{Lock, Session, SessionKind};

/// A write-ahead log larger than this is not being checkpointed.
const LARGE_WAL: u64 = 64 * 1024 * 1024;

impl Sqlite {
    pub(in crate::engine) async fn locks(&mut self) -> Result<LocksSeen> {
        let mut seen = LocksSeen::default();
        let rows = self.made("PRAGMA journal_mode".to_owned()).await?;
        let mode: String = rows
            .first()
            .map_or(Ok(String::new()), |row| row.try_get(0))?;
        if mode != "wal" && mode != "memory" {
            seen.findings.push(
                Finding::new("wal-mode-off", Severity::Medium, format!("journal_mode is {mode}: a writer keeps readers out, and readers keep the writer out"))
                    .evidence("journal_mode", &mode, "", Source::Measured)
                    .effect("with several processes or threads, SQLITE_BUSY")
                    .remedy("write-ahead logging lets readers and one writer work at the same time; set it once, it stays with the file")
                    .sql("PRAGMA journal_mode = WAL;")
                    .keeps(&["A7"]),
            );
        }
        let wal = with_suffix(&self.path, "-wal");
        if let Ok(size) = std::fs::metadata(&wal).map(|file| file.len())
            && size > LARGE_WAL
        {
            seen.findings.push(
                Finding::new("wal-not-checkpointed", Severity::Medium, "the write-ahead log has grown large: a long reader keeps it from being checkpointed")
                    .evidence("size", bytes(size as i64), "", Source::Measured)
                    .remedy("end the long read transaction, then PRAGMA wal_checkpoint(TRUNCATE)")
                    .keeps(&["T3"]),
            );
        }
        match std::fs::read_to_string("/proc/locks") {
            Ok(text) => seen.holders = holders(&text, &self.path),
            Err(_) => seen.skipped.push(Skipped {
                what: "which process holds the file".to_owned(),
                why: "this system has no /proc/locks".to_owned(),
                grant: String::new(),
            }),
        }
        seen.skipped.push(Skipped {
            what: "sessions that wait".to_owned(),
            why: "SQLite waits by trying again, which leaves no trace; a statement that got SQLITE_BUSY was waiting for a holder named here".to_owned(),
            grant: String::new(),
        });
        Ok(seen)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The processes other than this one that hold a lock on the database, its log or its shared memory.
#[cfg(target_os = "linux")]
fn holders(text: &str, path: &Path) -> Vec<Session> {
    use std::os::linux::fs::MetadataExt as _;

    let inode = |path: &Path| {
        std::fs::metadata(path)
            .ok()
            .map(|file| device_and_inode(file.st_dev(), file.st_ino()))
    };
    let database = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let main = inode(&database);
    let shared = inode(&with_suffix(&database, "-shm"));
    let own = std::process::id().to_string();
    let mut held: BTreeMap<u64, Vec<Lock>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (Some("POSIX"), Some(_), Some(access), Some(pid), Some(file), Some(start), Some(end)) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            continue;
        };
        if pid == own {
            continue;
        }
        let write = access == "WRITE";
        let start: u64 = start.parse().unwrap_or(0);
        let end: u64 = if end == "EOF" {
            u64::MAX
        } else {
            end.parse().unwrap_or(start)
        };
        let modes = if main.as_deref() == Some(file) {
            file_modes(start, end, write)
        } else if shared.as_deref() == Some(file) {
            wal_modes(start, end, write)
        } else {
            continue;
        };
        let Ok(pid) = pid.parse() else { continue };
        let locks = held.entry(pid).or_default();
        locks.extend(modes.into_iter().map(|mode| Lock {
            mode: mode.to_owned(),
            object: "the database file".to_owned(),
        }));
    }
    held.into_iter()
        .map(|(pid, mut locks)| {
            locks.sort();
            locks.dedup();
            let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let writes = locks.iter().any(|lock| matches!(lock.mode.as_str(), "RESERVED" | "PENDING" | "EXCLUSIVE" | "WAL WRITER"));
            Session {
                id: pid.to_string(),
                kind: SessionKind::Process,
                application: command.trim().to_owned(),
                state: if writes { "in a write transaction" } else { "reading or connected" }.to_owned(),
                relief: if writes {
                    vec![format!("end the transaction in process {pid}; stopping the process (kill {pid}) rolls it back")]
                } else {
                    Vec::new()
                },
                locks,
                ..Session::default()
            }
        })
        .filter(|session| !session.locks.is_empty())
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn holders(_text: &str, _path: &Path) -> Vec<Session> {
    Vec::new()
}

/// As `/proc/locks` writes it: major and minor in hex, the inode in decimal.
#[cfg(target_os = "linux")]
fn device_and_inode(device: u64, inode: u64) -> String {
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
    let minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
    format!("{major:02x}:{minor:02x}:{inode}")
}

#[cfg(target_os = "linux")]
const PENDING: u64 = 0x4000_0000;

/// Locks on the database file: PENDING, RESERVED and the range of SHARED.
#[cfg(target_os = "linux")]
fn file_modes(start: u64, end: u64, write: bool) -> Vec<&'static str> {
    let covers = |byte: u64| start <= byte && byte <= end;
    let mut modes = Vec::new();
    if covers(PENDING) && write {
        modes.push("PENDING");
    }
    if covers(PENDING + 1) && write {
        modes.push("RESERVED");
    }
    if covers(PENDING + 2) {
        modes.push(if write { "EXCLUSIVE" } else { "SHARED" });
    }
    modes
}

/// Locks on the shared memory of write-ahead logging.
#[cfg(target_os = "linux")]
fn wal_modes(start: u64, end: u64, write: bool) -> Vec<&'static str> {
    let covers = |byte: u64| start <= byte && byte <= end;
    let mut modes = Vec::new();
    if covers(120) && write {
        modes.push("WAL WRITER");
    }
    if covers(121) && write {
        modes.push("WAL CHECKPOINT");
    }
    if (123..=127).any(covers) && !write {
        modes.push("WAL READ");
    }
    modes
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn byte_ranges_are_read_as_lock_modes() {
        assert_eq!(file_modes(PENDING + 1, PENDING + 1, true), ["RESERVED"]);
        assert_eq!(file_modes(PENDING + 2, PENDING + 511, false), ["SHARED"]);
        assert_eq!(
            file_modes(PENDING, PENDING + 511, true),
            ["PENDING", "RESERVED", "EXCLUSIVE"]
        );
        assert_eq!(wal_modes(120, 120, true), ["WAL WRITER"]);
        assert_eq!(wal_modes(124, 124, false), ["WAL READ"]);
        assert!(wal_modes(128, 128, false).is_empty());
    }

    #[test]
    fn devices_are_written_as_the_kernel_does() {
        assert_eq!(device_and_inode(0xfd01, 131), "fd:01:131");
    }
}
