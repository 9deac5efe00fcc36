//! The command line.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::persona::Persona;
use crate::server::{Server, http};
use crate::tools::{Context, TOOLS};

#[derive(Debug, Parser)]
#[command(
    name = "database-ops",
    version,
    about = "The judgement and the hands of a senior database engineer, for AI agents: an MCP server for PostgreSQL, MySQL, MariaDB and SQLite.",
    long_about = "The judgement and the hands of a senior database engineer, for AI agents: an MCP server for PostgreSQL, MySQL, MariaDB and SQLite.\n\nWithout a command it serves MCP on standard input and output, which is how hosts start it. It never writes to a database, and no row leaves it.\n\nWith no database configured it serves an embedded sample, so that everything can be tried at once."
)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// A database: postgres://…, mysql://…, mariadb://…, sqlite:PATH or a file; env:VARIABLE and @FILE keep it out of sight. May be given again.
    #[arg(long, short, value_name = "[NAME=]URL", global = true)]
    database: Vec<String>,

    /// A TOML file with [databases.NAME] tables.
    #[arg(long, short, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// A server that may be written to, for throwaway copies of a database: postgres://… or mysql://…; must not be one that matters.
    #[arg(long, value_name = "[NAME=]URL", global = true)]
    scratch: Vec<String>,

    /// Start no server for throwaway copies, where none is named.
    #[arg(long, global = true)]
    no_scratch: bool,

    /// Refuse a role that could write to its database.
    #[arg(long, global = true)]
    require_least_privilege: bool,

    /// A persona to serve instead of the embedded one.
    #[arg(long, value_name = "FILE", global = true)]
    persona: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP: on standard input and output, or over HTTP.
    Serve {
        /// Loopback address for Streamable HTTP at /mcp, such as 127.0.0.1:8080 (port 0: any free one).
        #[arg(long, value_name = "ADDRESS:PORT")]
        http: Option<SocketAddr>,
    },
    /// Run one tool and print its answer.
    Call {
        /// `explain_query`, `tune_workload`, `propose_migration`, `check_locks`, `draw_erd` or `describe_schema`.
        tool: String,
        /// Its parameters as a JSON object; - reads them from standard input.
        #[arg(default_value = "{}")]
        arguments: String,
        /// Print the structured content instead of the text.
        #[arg(long)]
        json: bool,
    },
    /// Walk the embedded sample database through every tool.
    Demo,
}

/// Room for the deepest statement that is looked at.
const STACK: usize = 64 * 1024 * 1024;

/// Runs the program; what went wrong is one sentence on standard error and a non-zero exit.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    log();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Statements are trees that are walked from the top down.
        .thread_stack_size(STACK)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime could not start: {}", error.kind())),
    };
    // On a thread of the runtime, which has that room; the main one may have less.
    let outcome = runtime
        .block_on(async { tokio::spawn(start(cli)).await })
        .unwrap_or_else(|error| {
            Err(Error::Config {
                reason: format!("it ended in the middle: {error}"),
            })
        });
    // A read of standard input that is under way would hold the end back.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(reason: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "database-ops: {reason}");
    ExitCode::from(2)
}

/// Logs go to standard error: standard output belongs to the protocol. `DATABASE_OPS_LOG=info` says more.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DATABASE_OPS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(crate::server::LOG_FILTER));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

async fn start(cli: Cli) -> Result<ExitCode> {
    let common = cli.common;
    match cli.command {
        None => serve(common, None).await,
        Some(Command::Serve { http }) => serve(common, http).await,
        Some(Command::Call {
            tool,
            arguments,
            json,
        }) => {
            let context = Context::new(common.load()?);
            tokio::spawn(stop_on_signal(context.stop()));
            let code = call(&context, &tool, &arguments, json).await;
            context.shut_down().await;
            code
        }
        Some(Command::Demo) => demo().await,
    }
}

impl CommonArgs {
    fn load(self) -> Result<Config> {
        let mut config = Config::load(&self.database, self.config.as_deref(), self.persona)?;
        if self.no_scratch {
            config.start_no_scratch();
        }
        for argument in &self.scratch {
            config.add_scratch(argument)?;
        }
        config.require_least_privilege |= self.require_least_privilege;
        Ok(config)
    }
}

async fn serve(common: CommonArgs, http: Option<SocketAddr>) -> Result<ExitCode> {
    let config = common.load()?;
    let persona = Persona::load(config.persona.as_deref())?;
    let context = Arc::new(Context::new(config));
    let server = Server::new(Arc::clone(&context), persona)?;
    let stop = context.stop();
    tokio::spawn(stop_on_signal(stop.clone()));
    if let Some(address) = http {
        http::serve(server, address, stop, |address| {
            let _ = writeln!(
                std::io::stderr(),
                "database-ops: listening on http://{address}/mcp"
            );
        })
        .await?;
    } else {
        let ended = tokio::select! {
            ended = server.serve_stdio() => ended,
            () = stop.cancelled() => Ok(()),
        };
        context.shut_down().await;
        ended.map_err(|reason| Error::Config { reason })?;
    }
    context.shut_down().await;
    Ok(ExitCode::SUCCESS)
}

async fn stop_on_signal(stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            stop.cancel();
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    stop.cancel();
}

async fn call(context: &Context, tool: &str, arguments: &str, json: bool) -> Result<ExitCode> {
    let arguments = if arguments == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(|error| Error::Config {
            reason: format!("standard input cannot be read: {}", error.kind()),
        })?
    } else {
        arguments.to_owned()
    };
    let arguments: Value = serde_json::from_str(&arguments).map_err(|error| Error::Config {
        reason: format!("the arguments are not JSON: {error}"),
    })?;
    match shown(context, tool, arguments).await {
        Ok(answer) if json => {
            say(&serde_json::to_string_pretty(&answer.structured).unwrap_or_default());
            Ok(ExitCode::SUCCESS)
        }
        Ok(answer) => {
            say(answer.text.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", context.message(tool, &error));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Runs a tool; on a terminal a line says what it is at, once that takes a while.
async fn shown(context: &Context, tool: &str, arguments: Value) -> Result<Answer> {
    let (doing, at) = watch::channel("");
    let line = indicatif::ProgressBar::new_spinner();
    tokio::select! {
        answer = context.call(tool, arguments, &doing) => {
            line.finish_and_clear();
            answer
        }
        never = async {
            let mut wait = Duration::from_secs(1);
            loop {
                tokio::time::sleep(wait).await;
                wait = Duration::from_millis(100);
                line.set_message(*at.borrow());
                line.tick();
            }
        } => never,
    }
}

/// What an agent would ask first, on the sample.
const TOUR: &[(&str, &str, &str)] = &[
    (
        "describe_schema",
        r#"{"tables": ["orders", "order_items", "customers"]}"#,
        "What is there?",
    ),
    (
        "draw_erd",
        r#"{"focus": "orders", "parents": 1, "children": 1}"#,
        "How does it hang together?",
    ),
    (
        "explain_query",
        r#"{"sql": "SELECT * FROM orders WHERE status = 'pending' AND placed_at >= '2026-06-01' ORDER BY placed_at DESC LIMIT 20"}"#,
        "Why is this slow, and which index helps?",
    ),
    (
        "explain_query",
        r#"{"sql": "SELECT id FROM customers WHERE id NOT IN (SELECT referred_by FROM customers)"}"#,
        "Why does this give no rows?",
    ),
    (
        "propose_migration",
        r#"{"change": "ALTER TABLE orders ADD COLUMN currency TEXT NOT NULL DEFAULT 'NOK'"}"#,
        "How is this change made safely?",
    ),
    (
        "propose_migration",
        r#"{"change": "DROP TABLE tags"}"#,
        "And a dangerous one?",
    ),
    ("check_locks", "{}", "Does anybody wait?"),
    (
        "tune_workload",
        "{}",
        "Is there an index that nothing needs?",
    ),
];

async fn demo() -> Result<ExitCode> {
    let sample = crate::config::Database {
        name: "sample".to_owned(),
        target: crate::config::Target::Sample,
        allow_literals: false,
        scratch: crate::config::ScratchServer::default(),
    };
    let config = Config {
        databases: vec![sample],
        persona: None,
        deadline: std::time::Duration::from_secs(30),
        require_least_privilege: false,
    };
    let context = Context::new(config);
    say("What an agent sees of the embedded sample database, tool by tool.");
    for (tool, arguments, question) in TOUR {
        let title = format!("{question}  {tool} {arguments}");
        say(&format!("\n── {title}\n"));
        let arguments = serde_json::from_str(arguments).unwrap_or(Value::Null);
        match shown(&context, tool, arguments).await {
            Ok(answer) => say(answer.text.trim_end()),
            Err(error) => {
                say(&context.message(tool, &error));
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    say(&format!(
        "\n── Now your own\n\ndatabase-ops --database postgres://… call describe_schema\nTools: {}. README.md says how each host is connected.",
        names.join(", ")
    ));
    Ok(ExitCode::SUCCESS)
}

/// Prints to standard output; a reader that went away is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
