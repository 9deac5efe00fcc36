//! `SQLite` has no roles: the file is opened for reading only, whoever runs this.

use super::Sqlite;
use crate::engine::Role;
use crate::error::Result;

impl Sqlite {
    #[expect(clippy::unused_async, reason = "the contract of all engines")]
    pub(in crate::engine) async fn role(&mut self) -> Result<Role> {
        Ok(Role::default())
    }
}
