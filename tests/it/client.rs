//! A client of the Model Context Protocol over standard input and output, in either era.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;

use serde_json::{Value, json};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_database-ops");
pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LEGACY: &str = "2025-11-25";

/// What must not be seen in any answer, error or log of the whole suite: the servers' passwords, and the value
/// that the fixtures plant in rows.
static PASSWORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    std::env::vars()
        .filter(|(name, _)| name.ends_with("_TEST_URL"))
        .filter_map(|(_, url)| url::Url::parse(&url).ok()?.password().map(str::to_owned))
        .filter(|password| password.len() >= 8)
        .collect()
});
const PLANTED: &str = "planted-row-value";

/// Fails when something that was said holds what must not be seen.
fn hold_clean(said: &str, planted_was_sent: bool) {
    for password in PASSWORDS.iter() {
        assert!(
            !said.contains(password),
            "a password was shown: {}",
            said.replace(password, "***")
        );
    }
    assert!(
        planted_was_sent || !said.contains(PLANTED),
        "a row's value was shown: {said}"
    );
}

pub(crate) struct Client {
    child: Child,
    /// Whether a request held the planted value itself, so that it may be said back.
    planted_was_sent: Arc<AtomicBool>,
    /// Reads the log while the server runs.
    log: Option<JoinHandle<()>>,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next_id: u64,
    modern: bool,
}

/// A tool's result.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) text: String,
    pub(crate) structured: Value,
    pub(crate) is_error: bool,
}

impl Client {
    /// Starts the server with these arguments and shakes hands as older hosts do.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut client = Self::spawn(arguments, &[], false);
        let answer = client.request(
            "initialize",
            json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(answer["result"]["protocolVersion"], LEGACY, "{answer}");
        client.notify("notifications/initialized");
        client
    }

    /// Without a handshake: each request says its version.
    pub(crate) fn start_modern(arguments: &[&str]) -> Self {
        Self::spawn(arguments, &[], true)
    }

    pub(crate) fn spawn(arguments: &[&str], environment: &[(&str, &str)], modern: bool) -> Self {
        // What this machine happens to have installed must not change an answer.
        let scratch = arguments
            .iter()
            .any(|argument| argument.contains("scratch"));
        let no_scratch = (!scratch).then_some("--no-scratch");
        let mut child = Command::new(BINARY)
            .args(arguments)
            .args(no_scratch)
            .env_remove("DATABASE_URL")
            .env("DATABASE_OPS_LOG", "debug")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let planted_was_sent = Arc::new(AtomicBool::new(false));
        let errors = BufReader::new(child.stderr.take().unwrap());
        let sent = Arc::clone(&planted_was_sent);
        let log = std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                hold_clean(&line, sent.load(Ordering::Relaxed));
            }
        });
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            planted_was_sent,
            log: Some(log),
            input,
            output,
            next_id: 0,
            modern,
        }
    }

    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.answer(id).0
    }

    /// Sends a request, and goes on without its answer.
    pub(crate) fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The answer to a request, and what came before it.
    pub(crate) fn answer(&mut self, id: u64) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let mut line = String::new();
            assert!(
                self.output.read_line(&mut line).unwrap() > 0,
                "the server hung up"
            );
            hold_clean(&line, self.planted_was_sent.load(Ordering::Relaxed));
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return (message, before);
            }
            before.push(message);
        }
    }

    /// Takes a request back.
    pub(crate) fn cancel(&mut self, id: u64) {
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Closes the server's input, and leaves it to end by itself.
    pub(crate) fn close_input(&mut self) {
        drop(self.input.take());
    }

    pub(crate) fn notify(&mut self, method: &str) {
        self.send(&json!({"jsonrpc": "2.0", "method": method}));
    }

    fn send(&mut self, message: &Value) {
        if message.to_string().contains(PLANTED) {
            self.planted_was_sent.store(true, Ordering::Relaxed);
        }
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{message}").unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Called {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        assert!(result.is_object(), "{tool}: {answer}");
        Called {
            text: result["content"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            structured: result["structuredContent"].clone(),
            is_error: result["isError"] == true,
        }
    }

    /// A call that must succeed; its structured content is held against the tool's output schema.
    pub(crate) fn ok(&mut self, tool: &str, arguments: Value) -> Called {
        let called = self.call(tool, arguments);
        assert!(!called.is_error, "{tool}: {}", called.text);
        let schema = Value::Object((database_ops::tools::find(tool).unwrap().output)());
        if let Err(error) = jsonschema::validate(&schema, &called.structured) {
            panic!("{tool} breaks its output schema: {error}");
        }
        called
    }

    /// A call that must be answered with an error that says what to do.
    pub(crate) fn refused(&mut self, tool: &str, arguments: Value) -> String {
        let called = self.call(tool, arguments);
        assert!(
            called.is_error,
            "{tool} should have refused: {}",
            called.text
        );
        called.text
    }

    /// Whether the server ends by itself when its input ends.
    pub(crate) fn hang_up(mut self) -> bool {
        drop(self.input.take());
        for _ in 0..100 {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(
                !matches!(log, Some(Err(_))),
                "the log shows what it must not"
            );
        }
    }
}
