//! How good the advice on indexes is: see README.md.

mod advice;
mod best;
mod data;
mod engine;
mod query;
mod report;
mod run;
mod search;
mod set;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::data::Dataset;
use crate::engine::{Engine, Kind};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the data and load it.
    Load {
        #[command(flatten)]
        target: Target,
        /// Of TPC-H: 0.2 is 1.2 million rows in lineitem.
        #[arg(long, default_value_t = 0.2)]
        tpch_scale: f64,
        /// Of the application: 1 is 400,000 orders, 1.2 million items, a million events.
        #[arg(long, default_value_t = 1.0)]
        scale: f64,
    },
    /// Find the best known set of indexes for each query.
    Search {
        #[command(flatten)]
        target: Target,
        /// Only queries whose names begin so.
        #[arg(long)]
        query: Vec<String>,
    },
    /// Ask for advice, build it, measure it, write RESULTS.md.
    Run {
        #[command(flatten)]
        target: Target,
        /// Only queries whose names begin so: prints the table and writes no file.
        #[arg(long)]
        query: Vec<String>,
        /// The program under test.
        #[arg(long)]
        binary: PathBuf,
    },
}

#[derive(clap::Args)]
struct Target {
    #[arg(long)]
    engine: Kind,
    /// Of the server; for SQLite the folder of the files.
    #[arg(long, env = "BENCH_URL", hide_env_values = true)]
    url: String,
    /// Only this one of the two.
    #[arg(long)]
    dataset: Option<Dataset>,
}

impl Target {
    fn datasets(&self) -> Vec<Dataset> {
        self.dataset
            .map_or_else(|| Dataset::ALL.to_vec(), |one| vec![one])
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Load {
            target,
            tpch_scale,
            scale,
        } => {
            for dataset in target.datasets() {
                load(
                    &target,
                    dataset,
                    if dataset == Dataset::Tpch {
                        tpch_scale
                    } else {
                        scale
                    },
                )?;
            }
            Ok(())
        }
        Command::Search { target, query } => search(&target, &query),
        Command::Run {
            target,
            query,
            binary,
        } => run(&target, &query, &binary),
    }
}

/// Waits until no other benchmark builds indexes on this engine's servers: each would measure the other's, and drop them.
fn alone(kind: Kind) -> Result<File> {
    let path = std::env::temp_dir().join(format!("advice-bench-{}.lock", kind.name()));
    let file = File::create(path)?;
    file.lock()?;
    Ok(file)
}

fn connect(target: &Target) -> Result<BTreeMap<&'static str, Box<dyn Engine>>> {
    let mut engines = BTreeMap::new();
    for dataset in target.datasets() {
        let mut engine = target.engine.connect(&target.url, dataset)?;
        // A benchmark that was stopped may have left some.
        for index in engine
            .indexes()?
            .keys()
            .filter(|index| !of_schema(dataset, &index.1))
        {
            println!("dropping {} on {}", index.1, index.0);
            engine.drop_index(index)?;
        }
        engines.insert(dataset.name(), engine);
    }
    Ok(engines)
}

fn of_schema(dataset: Dataset, index: &str) -> bool {
    dataset.schema().contains(&format!("CREATE INDEX {index} "))
        || index.ends_with("_pkey")
        || index.starts_with("sqlite_autoindex_")
}

fn search(target: &Target, only: &[String]) -> Result<()> {
    let kind = target.engine;
    let _alone = alone(kind)?;
    let mut engines = connect(target)?;
    let mut known = best::read(kind)?;
    for query in query::all(kind, &target.datasets(), only)? {
        let Some(engine) = engines.get_mut(query.dataset.name()) else {
            continue;
        };
        if query.control {
            continue;
        }
        let best = search::best(kind, engine.as_mut(), &query)?;
        println!(
            "{}: {:.0} -> {:.0} by {} {:?}",
            query.name, best.base, best.work, best.found_by, best.indexes
        );
        known.insert(query.name, best);
        best::write(kind, &known)?;
    }
    Ok(())
}

fn run(target: &Target, only: &[String], binary: &std::path::Path) -> Result<()> {
    let kind = target.engine;
    let _alone = alone(kind)?;
    let mut engines = connect(target)?;
    let known = best::read(kind)?;
    let mut rows = Vec::new();
    let mut version = String::new();
    for query in query::all(kind, &target.datasets(), only)? {
        let Some(engine) = engines.get_mut(query.dataset.name()) else {
            continue;
        };
        if version.is_empty() {
            version = engine.version()?;
        }
        let row = run::run(
            kind,
            &target.url,
            engine.as_mut(),
            &query,
            known.get(&query.name),
            binary,
        )?;
        let share = row
            .share(&row.largest)
            .map_or_else(|| "-".to_owned(), |share| format!("{share:.2}"));
        println!(
            "{} {share} {:.1} s {:?} {}",
            row.name,
            row.took.as_secs_f64(),
            row.largest.indexes,
            row.failed.as_deref().unwrap_or_default()
        );
        rows.push(row);
    }
    let name = kind.name();
    let command = format!(
        "cargo run --release -- run --engine {name} --binary ../../target/release/database-ops"
    );
    let section = report::section(kind, &version, &command, &rows);
    println!("{section}");
    if only.is_empty() && target.dataset.is_none() {
        report::write(kind, &section)?;
    }
    Ok(())
}

fn load(target: &Target, dataset: Dataset, scale: f64) -> Result<()> {
    let mut engine = target.engine.create(&target.url, dataset)?;
    let schema = engine.schema(dataset.schema());
    let lines = schema.lines().filter(|line| !line.starts_with("--"));
    let (tables, indexes): (Vec<_>, Vec<_>) =
        lines.partition(|line| line.starts_with("CREATE TABLE"));
    for sql in tables {
        engine.execute(sql.trim_end_matches(';'))?;
    }
    for table in dataset.tables() {
        let start = std::time::Instant::now();
        engine.load(dataset, table, scale)?;
        println!(
            "{} {} {table} {:.1} s",
            target.engine.name(),
            dataset.name(),
            start.elapsed().as_secs_f64()
        );
    }
    for sql in indexes {
        engine.execute(sql.trim_end_matches(';'))?;
    }
    engine.analyze(dataset.tables())
}
