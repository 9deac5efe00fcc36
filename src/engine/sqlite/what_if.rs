//! Plans with indexes that are not there: built for real, on a copy in memory.

use super::Sqlite;
use super::scratch::Scratch;
use crate::answer::Skipped;
use crate::catalog::Catalog;
use crate::engine::{Rows, Wanted, WhatIf};
use crate::error::Result;
use crate::finding::Source;
use crate::statement::Statement;

/// Rows of each table that the plans are made on.
const ROWS: Rows = Rows::About(10_000);

impl Sqlite {
    pub(in crate::engine) async fn what_if(
        &mut self,
        statement: &Statement,
        indexes: &[String],
        catalog: &Catalog,
    ) -> Result<std::result::Result<WhatIf, Skipped>> {
        let mut scratch = match Scratch::copy(self, catalog, &Wanted::every_table(ROWS)).await {
            Ok(scratch) => scratch,
            Err(error) => {
                return Ok(Err(Skipped {
                    what: "the plan with the new index".to_owned(),
                    why: format!("no copy could be made to build it on ({error})"),
                    grant: String::new(),
                }));
            }
        };
        scratch.run("ANALYZE").await?;
        let before = scratch.plan(statement).await?;
        for sql in indexes {
            scratch.run(sql).await?;
        }
        scratch.run("ANALYZE").await?;
        let after = scratch.plan(statement).await?;
        let how = format!("indexes built on {}", scratch.description());
        Ok(Ok(WhatIf {
            before,
            after,
            source: Source::MeasuredOnScratch,
            how,
        }))
    }
}
