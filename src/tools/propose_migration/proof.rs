//! The migration run on a scratch database: what is copied for it, and the prover's questions carried there.

use super::VALUE;
use crate::catalog::{Catalog, Table};
use crate::engine::{Engine, Rows, Scratch, Wanted};
use crate::error::Result;
use crate::migration::change::{Change, NewForeignKey};
use crate::migration::proof::{self, Proof, Prover};
use crate::migration::{Facts, Migration, Step};
use crate::statement::Dialect;

/// Rows of each table that a migration is proved on: enough to break what rows can break.
const ROWS: Rows = Rows::About(10_000);

/// So many tables are copied all together.
const WHOLE: usize = 40;

pub(super) fn not_proved(why: &str) -> Proof {
    Proof {
        why_not: why.to_owned(),
        ..Proof::default()
    }
}

/// Of a large database only what the change can touch: the table, and those that foreign keys tie to it.
fn to_copy(table: &Table, changes: &[Change], catalog: &Catalog) -> Wanted {
    let mut wanted = Wanted::every_table(ROWS);
    if catalog.tables.len() <= WHOLE {
        return wanted;
    }
    let refers = |from: &Table, to: &Table| {
        from.foreign_keys
            .iter()
            .any(|key| key.referenced_schema == to.schema && key.referenced_table == to.name)
    };
    wanted.tables = catalog
        .tables
        .iter()
        .filter(|other| {
            (&other.schema, &other.name) == (&table.schema, &table.name)
                || refers(table, other)
                || refers(other, table)
                || added_keys(changes).any(|key| {
                    key.table.schema.as_deref().unwrap_or_default() == other.schema
                        && key.table.name == other.name
                })
        })
        .map(|other| (other.schema.clone(), other.name.clone()))
        .collect();
    wanted
}

fn added_keys(changes: &[Change]) -> impl Iterator<Item = &NewForeignKey> {
    changes.iter().filter_map(|change| match change {
        Change::AddForeignKey(key) => Some(key),
        _ => None,
    })
}

/// Deletes from the copy the rows whose parents the sample lacks: on the live database each has its parent.
fn orphans_of_the_sample(
    changes: &[Change],
    table: &Table,
    catalog: &Catalog,
    dialect: Dialect,
    scratch: &Scratch,
) -> Vec<String> {
    let name_of =
        |table: &Table| dialect.table(&table.schema, &table.name, &catalog.default_schema);
    let mut deletions = Vec::new();
    for key in added_keys(changes) {
        let Some(parent) = catalog.find(key.table.schema.as_deref(), &key.table.name) else {
            continue;
        };
        if scratch.fraction(parent) >= 1.0 || parent == table {
            continue;
        }
        let own = dialect.identifier(&table.name);
        let pairs = key.columns.iter().zip(&key.referenced);
        let same: Vec<String> = pairs
            .map(|(column, referenced)| {
                format!(
                    "parent.{} = {own}.{}",
                    dialect.identifier(referenced),
                    dialect.identifier(column)
                )
            })
            .collect();
        deletions.push(format!(
            "DELETE FROM {} WHERE NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})",
            name_of(table),
            name_of(parent),
            same.join(" AND ")
        ));
    }
    deletions
}

/// Carries the prover's questions to a scratch database, and its answers back.
pub(super) async fn prove(
    engine: &mut Engine,
    migration: &Migration,
    changes: &[Change],
    facts: &Facts,
    table: &Table,
    catalog: &Catalog,
) -> Result<Proof> {
    let wanted = to_copy(table, changes, catalog);
    let mut scratch = match engine.scratch(catalog, &wanted).await {
        Ok(scratch) => scratch,
        Err(error) => return Ok(not_proved(&error.to_string())),
    };
    if facts.offending == Some(0) {
        for sql in orphans_of_the_sample(changes, table, catalog, engine.dialect(), &scratch) {
            // Where it fails, the proof will say why.
            let _ = scratch.run(&sql).await;
        }
    }
    let open = migration.steps().any(|step| step.up.contains(VALUE));
    let steps: Vec<Step> = migration
        .steps()
        .map(|step| Step {
            up: step.up.replace(VALUE, "'0'"),
            ..step.clone()
        })
        .collect();
    let description = format!(
        "{}{}",
        scratch.description(),
        if open { ", with 0 for <value>" } else { "" }
    );
    let mut prover = Prover::new(steps, &description);
    while let Some(question) = prover.next() {
        let told = match &question {
            proof::Question::Look => scratch.look().await.map(proof::Answer::Looked),
            proof::Question::Run(script) => scratch.run(script).await.map(|()| proof::Answer::Ran),
            proof::Question::Guard(query) => scratch.guard(query).await.map(proof::Answer::Guarded),
        };
        prover.tell(told.unwrap_or_else(|error| proof::Answer::Failed(error.to_string())));
    }
    let whole = scratch.is_whole();
    scratch.close().await;
    let proof = prover.proof();
    // What the copy lacks is no fault of the migration.
    if !whole && !proof.up_down_up && proof.why_not.contains("does not exist") {
        return Ok(not_proved(&format!(
            "the copy lacks what it needs: {} ({description})",
            proof.why_not.trim_end_matches('.')
        )));
    }
    Ok(proof)
}
