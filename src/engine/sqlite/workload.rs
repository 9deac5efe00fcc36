//! `SQLite` counts no statements.

use super::Sqlite;
use crate::answer::Skipped;
use crate::engine::Counted;
use crate::error::Result;

impl Sqlite {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn counted(&mut self) -> Result<Counted> {
        Ok(Counted {
            skipped: vec![Skipped {
                what: "the statements that cost most".to_owned(),
                why: "SQLite keeps no statistics of statements; give the program's log as `log`"
                    .to_owned(),
                grant: String::new(),
            }],
            ..Counted::default()
        })
    }
}
