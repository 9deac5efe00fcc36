//! What a user sees: the built binary is started, spoken to over the protocol, and its answers looked at.
//!
//! Servers come from `*_TEST_URL`. Without them their cases are left out and said so;
//! `DATABASE_OPS_ALL_SERVERS=1`, which `tests/run` sets, makes a missing one a failure.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    reason = "a test says what went wrong by ending, and a table of cases is as long as it is"
)]

mod advice;
mod attacks;
mod bad_input;
mod catalogs;
mod client;
mod configuration;
mod data;
mod endings;
mod findings;
mod http;
mod locks;
mod migrations;
mod pasted;
mod persona;
mod plans;
mod planted;
mod promises;
mod protocol;
mod readme;
mod rewrites;
mod role;
mod scratch;
mod servers;
mod snapshots;
mod tidy;
mod workload;
