//! What the role may do beyond reading, and the role to use instead.

use sqlx::Row as _;

use super::Postgres;
use crate::engine::Role;
use crate::error::Result;
use crate::statement::Dialect;

impl Postgres {
    pub(in crate::engine) async fn role(&mut self) -> Result<Role> {
        let row = sqlx::query(include_str!("role.sql"))
            .fetch_one(&mut self.connection)
            .await?;
        let database: String = row.try_get("database")?;
        let database = Dialect::Postgres.identifier(&database);
        let mut instead = vec![
            "CREATE ROLE dbops LOGIN PASSWORD '<password>';".to_owned(),
            format!("GRANT CONNECT ON DATABASE {database} TO dbops;"),
        ];
        if self.version.at_least(14, 0) {
            instead.push("GRANT pg_read_all_data, pg_monitor TO dbops;".to_owned());
        } else {
            let schema = Dialect::Postgres.identifier(&self.default_schema);
            instead.push(format!("GRANT USAGE ON SCHEMA {schema} TO dbops;"));
            instead.push(format!(
                "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO dbops;"
            ));
            instead.push("GRANT pg_monitor TO dbops;".to_owned());
        }
        instead.push("ALTER ROLE dbops SET default_transaction_read_only = on;".to_owned());
        Ok(Role {
            name: row.try_get("name")?,
            excess: row.try_get("excess")?,
            instead,
        })
    }
}
