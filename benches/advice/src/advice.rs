//! Ours: what `explain_query` of the program under test answers.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::data::Dataset;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    best_set: Vec<String>,
    #[serde(default)]
    smallest_set: Vec<String>,
}

pub struct Advice {
    pub best: Vec<String>,
    pub smallest: Vec<String>,
    /// With the start of the program and its connection.
    pub took: Duration,
}

pub fn ask(binary: &Path, url: &str, dataset: Dataset, sql: &str) -> Result<Advice> {
    let name = dataset.name();
    let arguments = serde_json::json!({ "database": name, "sql": sql }).to_string();
    let start = Instant::now();
    let mut command = Command::new(binary);
    if let Some(server) = scratch(url) {
        // Without HypoPG indexes are tried on a copy: on the same server, which is one for throwing away.
        command
            .args(["--scratch", &format!("{name}=env:SCRATCH_URL")])
            .env("SCRATCH_URL", server);
    }
    let mut child = command
        .args([
            "call",
            "explain_query",
            "-",
            "--json",
            "--database",
            &format!("{name}=env:ADVICE_URL"),
        ])
        .env("ADVICE_URL", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| binary.display().to_string())?;
    child
        .stdin
        .take()
        .context("no standard input")?
        .write_all(arguments.as_bytes())?;
    let output = child.wait_with_output()?;
    let took = start.elapsed();
    if !output.status.success() {
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        bail!(
            "{}",
            said.split_whitespace()
                .take(40)
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    let answer: Answer =
        serde_json::from_slice(&output.stdout).context("the answer is not what it was")?;
    Ok(Advice {
        best: answer.best_set,
        smallest: answer.smallest_set,
        took,
    })
}

/// The server of a database's URL, without the database; a file has none.
fn scratch(url: &str) -> Option<String> {
    let (server, _) = url.rsplit_once('/')?;
    let database = match url.split(':').next()? {
        "postgres" | "postgresql" => "postgres",
        "mysql" | "mariadb" => "",
        _ => return None,
    };
    Some(format!("{server}/{database}"))
}
