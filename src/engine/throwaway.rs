//! Servers that are started from programs on this machine, for throwaway copies: in a folder of their own, on a
//! socket in it and no port, as nobody where this process is root's. Started when first asked for, shared by later
//! calls, gone with the process, however it ends.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The programs of a server, and how it is made and started.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// Where the server's program is; what tells one recipe from another.
    pub program: PathBuf,
    /// Commands that fill the folder for data.
    pub prepare: fn(&Path, &Path) -> Vec<Vec<OsString>>,
    /// The command that serves it.
    pub serve: fn(&Path, &Path) -> Vec<OsString>,
    /// The signal that ends it at once, and its children.
    pub signal: &'static str,
    /// The socket's name in the folder.
    pub socket: &'static str,
}

#[derive(Debug)]
pub(super) struct Server {
    folder: PathBuf,
    socket: PathBuf,
    /// The shell that watches it; it ends the server when its standard input ends, which this process holds.
    watcher: Mutex<Child>,
}

/// Runs the server and waits for the end of its standard input: so it goes whatever becomes of this process.
const WATCH: &str = r#"folder=$1; signal=$2; shift 2
"$@" </dev/null >/dev/null 2>&1 &
server=$!
read -r _
kill -s "$signal" "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$folder""#;

/// How long a server may take until its socket is there.
const READY: Duration = Duration::from_secs(50);

type Slot = Arc<OnceCell<std::result::Result<Arc<Server>, String>>>;
static SERVERS: LazyLock<Mutex<BTreeMap<PathBuf, Slot>>> = LazyLock::new(Mutex::default);

/// The one server of this recipe, started if it is not there yet; or why it cannot be.
pub(super) async fn server(recipe: Recipe) -> std::result::Result<Arc<Server>, String> {
    let slot = {
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = servers.entry(recipe.program.clone()).or_default();
        if let Some(known) = slot.get()
            && !known.as_ref().is_ok_and(|server| server.answers())
        {
            *slot = Slot::default();
        }
        Arc::clone(slot)
    };
    slot.get_or_init(|| async { Server::start(recipe).await.map(Arc::new) })
        .await
        .clone()
}

/// Ends all that were started; for the end of the process.
pub(super) async fn end() {
    let servers: Vec<Slot> = {
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *servers).into_values().collect()
    };
    for server in servers.iter().filter_map(|slot| slot.get()?.as_ref().ok()) {
        server.let_go();
    }
    for server in servers.iter().filter_map(|slot| slot.get()?.as_ref().ok()) {
        for _ in 0..100 {
            if server.is_over() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Where nobody may not take it out of the folder above.
        let _ = std::fs::remove_dir(&server.folder);
    }
}

impl Server {
    async fn start(recipe: Recipe) -> std::result::Result<Self, String> {
        let prepared = {
            let recipe = recipe.clone();
            tokio::task::spawn_blocking(move || prepare(&recipe))
                .await
                .map_err(|_| "it was stopped while it was being made".to_owned())??
        };
        // Spawned at once after the folder is kept: from here on the watcher takes it away.
        let folder = prepared.path().to_owned();
        let mut watcher = as_nobody(Path::new("/bin/sh"), &folder);
        watcher
            .args(["-c", WATCH, "sh"])
            .arg(&folder)
            .arg(recipe.signal)
            .args((recipe.serve)(&recipe.program, &folder))
            .stdin(Stdio::piped())
            .process_group(0);
        let watcher = watcher
            .spawn()
            .map_err(|error| format!("it could not be started: {}", error.kind()))?;
        let folder = prepared.keep();
        let server = Self {
            socket: folder.join(recipe.socket),
            folder,
            watcher: Mutex::new(watcher),
        };
        let ready = async {
            while !server.answers() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(READY, ready).await {
            Ok(()) => Ok(server),
            Err(_) => Err("it did not get ready in time".to_owned()),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether it listens; its socket is there a moment before that.
    fn answers(&self) -> bool {
        std::os::unix::net::UnixStream::connect(&self.socket).is_ok()
    }

    fn let_go(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.stdin = None;
    }

    fn is_over(&self) -> bool {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(watcher.try_wait(), Ok(None))
    }
}

/// A folder with fresh data.
fn prepare(recipe: &Recipe) -> std::result::Result<TempDir, String> {
    let folder = tempfile::Builder::new()
        .prefix("database-ops-")
        .tempdir()
        .map_err(|error| format!("no folder for it: {}", error.kind()))?;
    // A socket's path has a limit of its own.
    if folder.path().as_os_str().len() > 80 {
        return Err(
            "the path of the folder for temporary files is too long for a socket".to_owned(),
        );
    }
    if let Some((user, group)) = nobody(folder.path()) {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(group))
            .map_err(|error| format!("no folder for it: {}", error.kind()))?;
    }
    for command in (recipe.prepare)(&recipe.program, folder.path()) {
        let Some((program, arguments)) = command.split_first() else {
            continue;
        };
        let done = as_nobody(Path::new(program), folder.path())
            .args(arguments)
            .stdin(Stdio::null())
            .status();
        match done {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("{} failed ({status})", shown(program))),
            Err(error) => {
                return Err(format!(
                    "{} cannot be run: {}",
                    shown(program),
                    error.kind()
                ));
            }
        }
    }
    Ok(folder)
}

fn shown(program: &OsString) -> String {
    Path::new(program)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A command in a clean environment, in the folder, without root's rights, that says nothing.
fn as_nobody(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder);
    for name in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((user, group)) = nobody(folder) {
        command.uid(user).gid(group);
    }
    command
}

/// Who serves in the place of root, by the list of users; nobody's numbers are the same nearly everywhere.
fn nobody(folder: &Path) -> Option<(u32, u32)> {
    let root = std::fs::metadata("/proc/self").or_else(|_| std::fs::metadata(folder));
    if root.is_ok_and(|own| own.uid() != 0) {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = users
        .lines()
        .find_map(|line| line.strip_prefix("nobody:"))
        .unwrap_or_default()
        .split(':')
        .skip(1)
        .map_while(|field| field.parse().ok());
    Some((
        fields.next().unwrap_or(65_534),
        fields.next().unwrap_or(65_534),
    ))
}

/// A program in one of these folders: the first that is there and may be run.
pub(super) fn find(programs: &[&str], folders: &[PathBuf]) -> Option<PathBuf> {
    let may_run = |path: &PathBuf| {
        std::fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    folders
        .iter()
        .flat_map(|folder| programs.iter().map(move |program| folder.join(program)))
        .find(may_run)
}

/// The folders of PATH.
pub(super) fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}
