//! stub
use super::MySql;
use crate::catalog::Table;
use crate::engine::Ground;
use crate::error::Result;
use crate::migration::change::{Change, NewIndex};
use crate::migration::{Item, Migration};
pub(super) fn offending(_change: &Change, _table: &Table) -> Option<String> {
    None
}
impl MySql {
    pub(in crate::engine) fn migrate(
        &self,
        _change: &Change,
        _ground: &Ground<'_>,
    ) -> Result<Migration> {
        Err(crate::error::Error::unexpected("ddl", self.patch()))
    }
    pub(in crate::engine) fn indexes_concurrently(&self, _m: &Migration) -> Item {
        Item::new(true, "")
    }
    pub(in crate::engine) fn create_index(&self, _t: &Table, _d: &str, _i: &NewIndex) -> String {
        String::new()
    }
}
