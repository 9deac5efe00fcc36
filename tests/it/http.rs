//! Streamable HTTP: stateless, on the loopback, Host and Origin checked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::client::{BINARY, LEGACY, MODERN};

pub(crate) struct HttpServer {
    child: Child,
    pub(crate) port: u16,
}

impl HttpServer {
    fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--http", "127.0.0.1:0"])
            .args(arguments)
            .env_remove("DATABASE_URL")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        errors.read_line(&mut line).unwrap();
        let port = line
            .trim()
            .trim_end_matches("/mcp")
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        Self { child, port }
    }

    /// Status and body of a POST; headers beyond the usual ones are given.
    fn post(&self, headers: &[(&str, &str)], body: &Value) -> (u16, String) {
        let mut stream = self.send(headers, body);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// A POST whose answer is not waited for.
    pub(crate) fn send(&self, headers: &[(&str, &str)], body: &Value) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = body.to_string();
        let host = format!("127.0.0.1:{}", self.port);
        let mut request = "POST /mcp HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n".to_owned();
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn message(body: &str) -> Value {
    let start = body
        .find('{')
        .unwrap_or_else(|| panic!("no JSON in {body}"));
    let end = body.rfind('}').unwrap();
    serde_json::from_str(&body[start..=end]).unwrap()
}

fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

#[test]
fn both_eras_are_served_without_a_session() {
    let server = HttpServer::start();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    let (status, body) = server.post(&[("MCP-Protocol-Version", LEGACY)], &list);
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        message(&body)["result"]["tools"].as_array().unwrap().len(),
        database_ops::tools::TOOLS.len()
    );

    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let (status, body) = server.post(&[], &initialize);
    assert_eq!(
        (status, &message(&body)["result"]["serverInfo"]["name"]),
        (200, &json!("database-ops"))
    );

    let headers = [
        ("MCP-Protocol-Version", MODERN),
        ("Mcp-Method", "server/discover"),
    ];
    let (status, body) = server.post(&headers, &modern("server/discover", json!({})));
    assert_eq!(status, 200, "{body}");
    let headers = [
        ("MCP-Protocol-Version", MODERN),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "draw_erd"),
    ];
    let (status, body) = server.post(
        &headers,
        &modern("tools/call", json!({"name": "draw_erd", "arguments": {}})),
    );
    assert_eq!(status, 200, "{body}");
    assert!(
        message(&body)["result"]["structuredContent"]["relationships"].is_array(),
        "{body}"
    );
}

#[test]
fn a_page_in_a_browser_cannot_reach_it() {
    let server = HttpServer::start();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    assert_eq!(server.post(&[("Host", "rebound.example")], &list).0, 403);
    assert_eq!(
        server.post(&[("Origin", "https://evil.example")], &list).0,
        403
    );
    assert_eq!(server.post(&[("Origin", "null")], &list).0, 403);
    let own = format!("http://127.0.0.1:{}", server.port);
    assert_eq!(server.post(&[("Origin", &own)], &list).0, 200);
}

#[test]
fn only_the_loopback_is_listened_on() {
    let output = Command::new(BINARY)
        .args(["serve", "--http", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("loopback"));
}
