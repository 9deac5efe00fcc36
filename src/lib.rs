//! The house, room by room. The binary is one call into `cli`; everything else is here so that tests reach it.
//!
//! Three kinds of thing make the product: **words** for the model (`persona.md`, `prompts/`, `tools/`), the
//! **machine** (this crate), the **proof** (`tests/`). A word has a namesake in the machine.
//!
//! ```text
//! main → cli → server → tools → engine → { catalog plan migration locks … } → finding
//!              server → persona  tools → { plan advice migration locks erd }
//! ```
//!
//! Speaking to the outside:
//! - `cli`: the command line. `config`: which databases there are; secrets that do not print themselves.
//! - `server`: the protocol over stdio and HTTP, in both eras. Only here is it named.
//! - `persona`: the persona and its modes, Markdown with front matter.
//! - `tools`: one list of tools, one file each: parameters → engine → thinking → `answer`.
//! - `statement`: the one door for SQL from outside: kinds of node, functions by list, how deep and how large it may
//!   grow, a second reading of what is sent; and values hidden in what comes back.
//! - `error`: what can go wrong, said to the one who can act.
//!
//! Speaking to databases:
//! - `engine`: the contract, told once, and a folder of equal file names for each engine. Only here is SQL
//!   sent. `MariaDB` is a flavour of `MySQL`. Throwaway copies and the servers that are started for them are here too.
//!
//! Thinking, which is synchronous, does no I/O and names no engine, tool or protocol:
//! - `catalog`: tables, columns, keys, indexes. `query`: what a statement asks for, resolved against it.
//! - `plan`: an execution plan, its rules (one file each) and its drawing.
//! - `advice`: how a statement uses its tables, index candidates, the search that asks which of them pay; other ways to
//!   say a statement.
//! - `workload`: fingerprints, logs, repetitions, needless indexes.
//! - `migration`: changes, steps, the proof that they can be taken back, files.
//! - `locks`: the wait-for graph, its roots, and what they mean.
//! - `erd`: the entity-relationship diagram, as text and Mermaid.
//! - `finding`: what any rule says. `glob`: patterns over names.
//!
//! What must hold is tested by `tests/it/tidy.rs`, which reads this source:
//! 1. Only `server` names rmcp or axum.
//! 2. Only `engine` and `error` name sqlx.
//! 3. Thinking is as told above.
//! 4. No tool asks which engine it has: what an engine cannot show comes back as a finding or as skipped.
//! 5. No engine names another.
//! 6. SQL made at run time enters at known places only.
//! 7. A tool has words, code and a place in the list.
//! 8. A rule is one file, a value in one slice, an id, with its cases.

pub mod advice;
pub mod answer;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod engine;
pub mod erd;
pub mod error;
pub mod finding;
pub mod glob;
pub mod locks;
pub mod migration;
pub mod persona;
pub mod plan;
pub mod query;
pub mod server;
pub mod statement;
pub mod tools;
pub mod workload;
