//! No plan with an index that is not there: the server knows no hypothetical ones, and none is built on it.

use super::MySql;
use crate::answer::Skipped;
use crate::catalog::Catalog;
use crate::engine::WhatIf;
use crate::error::Result;
use crate::statement::Statement;

impl MySql {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn what_if(
        &mut self,
        _statement: &Statement,
        _indexes: &[String],
        _catalog: &Catalog,
    ) -> Result<std::result::Result<WhatIf, Skipped>> {
        Ok(Err(Skipped {
            what: "the plan with the new index".to_owned(),
            why: "this server knows no hypothetical indexes, and none is built on it".to_owned(),
            grant: String::new(),
        }))
    }
}
