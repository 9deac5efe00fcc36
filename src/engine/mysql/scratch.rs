//! No scratch server is started for this engine yet: the answer says so, and what it means.

use super::MySql;
use crate::catalog::Catalog;
use crate::engine::{Scratch, Wanted};
use crate::error::{Error, Result};

impl MySql {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn scratch(
        &mut self,
        _catalog: &Catalog,
        _wanted: &Wanted,
    ) -> Result<Scratch> {
        Err(Error::Unsupported {
            what: "a proof on scratch".to_owned(),
            why: "no scratch server is configured, and the live one is never written to".to_owned(),
            instead: "Run the files up, down and up again on a restored backup before production."
                .to_owned(),
        })
    }
}
