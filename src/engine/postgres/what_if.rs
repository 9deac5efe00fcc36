//! Plans with indexes that are not there, by the `HypoPG` extension where it is installed. Its indexes live
//! in this session's memory and end with it. <https://hypopg.readthedocs.io>

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};

use super::Postgres;
use crate::answer::Skipped;
use crate::catalog::Catalog;
use crate::engine::WhatIf;
use crate::error::Result;
use crate::finding::Source;
use crate::statement::{Dialect, Statement};

const SCHEMA_OF_HYPOPG: &str = "SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg'";

impl Postgres {
    pub(in crate::engine) async fn what_if(
        &mut self,
        statement: &Statement,
        indexes: &[String],
        _catalog: &Catalog,
    ) -> Result<std::result::Result<WhatIf, Skipped>> {
        self.use_guarded_path().await?;
        let schema: Option<String> = sqlx::query_scalar(SCHEMA_OF_HYPOPG)
            .fetch_optional(&mut self.connection)
            .await?;
        let Some(schema) = schema else {
            return Ok(Err(Skipped {
                what: "the plan with the new index".to_owned(),
                why: "PostgreSQL plans with an index that is not there only with the extension HypoPG".to_owned(),
                grant: "CREATE EXTENSION hypopg; (once, by the owner of the database)".to_owned(),
            }));
        };
        self.use_search_path().await?;
        let explain = format!("EXPLAIN (VERBOSE, FORMAT JSON) {}", statement.sql());
        let before: Value = self.made(explain.clone()).await?.try_get(0)?;
        for sql in indexes {
            let create = format!(
                "SELECT indexrelid FROM {}.hypopg_create_index($1)",
                Dialect::Postgres.identifier(&schema)
            );
            // HypoPG reads CREATE INDEX and knows no CONCURRENTLY.
            sqlx::query(AssertSqlSafe(create))
                .bind(sql.replace("CONCURRENTLY ", ""))
                .fetch_one(&mut self.connection)
                .await?;
        }
        let after: Value = self.made(explain).await?.try_get(0)?;
        Ok(Ok(WhatIf {
            before: super::explain::read(&before)?,
            after: super::explain::read(&after)?,
            source: Source::WhatIf,
            how: "planned with hypothetical indexes (HypoPG)".to_owned(),
        }))
    }
}
