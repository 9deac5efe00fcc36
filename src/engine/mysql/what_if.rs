//! No plan with an index that is not there: the server knows no hypothetical ones, and none is built on it.

use super::{Flavor, MySql};
use crate::advice::Abilities;
use crate::advice::uses::Use;
use crate::answer::Skipped;
use crate::catalog::Catalog;
use crate::engine::{Hypothetical, Trials, Tried};
use crate::error::{Error, Result};
use crate::statement::Statement;

impl MySql {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn abilities(&mut self) -> Result<Abilities> {
        Ok(Abilities {
            partial: false,
            expressions: self.flavor == Flavor::MySql,
            carries_primary_key: true,
            ..Abilities::default()
        })
    }

    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn prepare_trials(
        &mut self,
        _statement: &Statement,
        _catalog: &Catalog,
        _uses: &[Use<'_>],
    ) -> Result<std::result::Result<Trials, Skipped>> {
        Ok(Err(Skipped {
            what: "the plan with the new index".to_owned(),
            why: "this server knows no hypothetical indexes, and none is built on it".to_owned(),
            grant: String::new(),
        }))
    }

    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn try_indexes(
        &mut self,
        _statement: &Statement,
        _indexes: &[Hypothetical<'_>],
    ) -> Result<Tried> {
        Err(Error::unexpected("a trial", "there is no scratch server"))
    }
}
