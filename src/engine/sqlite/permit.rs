//! What running a statement would run. `SQLite` has no stored functions, and plans without running anything; the
//! library itself refuses what the guard does not allow, in views and triggers too.

use super::{Sqlite, guard};
use crate::engine::Permit;
use crate::error::Result;
use crate::statement::Statement;

impl Sqlite {
    /// Whether the statement may be planned, and whether it may be run.
    pub(in crate::engine) async fn permit(&mut self, statement: &Statement) -> Result<Permit> {
        if statement.only_reads() {
            guard::set(&mut self.connection, guard::Purpose::Read).await?;
            return Ok(Permit::Run);
        }
        guard::set(&mut self.connection, guard::Purpose::PlanWrite).await?;
        Ok(Permit::Plan("the statement writes".to_owned()))
    }
}
