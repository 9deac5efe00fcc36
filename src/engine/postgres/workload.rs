//! What the extension `pg_stat_statements` counted. <https://www.postgresql.org/docs/current/pgstatstatements.html>

use sqlx::{AssertSqlSafe, Row as _};

use super::Postgres;
use crate::answer::Skipped;
use crate::engine::Counted;
use crate::error::Result;
use crate::statement::Dialect;
use crate::workload::Statistics;

const WHERE_IT_IS: &str = include_str!("workload.sql");

impl Postgres {
    pub(in crate::engine) async fn counted(&mut self) -> Result<Counted> {
        self.use_guarded_path().await?;
        let row = sqlx::query(WHERE_IT_IS)
            .fetch_one(&mut self.connection)
            .await?;
        let mut counted = Counted {
            since: row.try_get("since")?,
            ..Counted::default()
        };
        let schema: Option<String> = row.try_get("schema")?;
        match schema {
            Some(schema) => self.statements(&schema, &mut counted).await?,
            None => counted.skipped.push(Skipped {
                what: "the statements that cost most".to_owned(),
                why: "the extension pg_stat_statements is not installed in this database; or give a log as `log`".to_owned(),
                grant: "CREATE EXTENSION pg_stat_statements; (once, by the owner; with shared_preload_libraries = 'pg_stat_statements' and a restart, if it was never loaded)".to_owned(),
            }),
        }
        Ok(counted)
    }

    async fn statements(&mut self, schema: &str, counted: &mut Counted) -> Result<()> {
        let schema = Dialect::Postgres.identifier(schema);
        let top = if self.version.at_least(14, 0) {
            " AND s.toplevel"
        } else {
            ""
        };
        let sql = format!(
            "SELECT s.query, s.calls, s.total_exec_time AS ms, s.rows FROM {schema}.pg_stat_statements s \
             JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = pg_catalog.current_database() \
             WHERE s.calls > 0{top} ORDER BY s.total_exec_time DESC, s.queryid LIMIT 200"
        );
        sqlx::query("SAVEPOINT made")
            .execute(&mut self.connection)
            .await?;
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut self.connection)
            .await;
        let end = if rows.is_ok() {
            "RELEASE SAVEPOINT made"
        } else {
            "ROLLBACK TO SAVEPOINT made"
        };
        sqlx::query(end).execute(&mut self.connection).await?;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                counted.skipped.push(Skipped {
                    what: "the statements that cost most".to_owned(),
                    why: format!("pg_stat_statements does not answer ({})", crate::error::Error::from(error)),
                    grant: "GRANT pg_read_all_stats TO <role>; and shared_preload_libraries = 'pg_stat_statements'".to_owned(),
                });
                return Ok(());
            }
        };
        let mut hidden = 0;
        for row in rows {
            let query: String = row.try_get("query")?;
            if query.starts_with("<insufficient privilege>") {
                hidden += 1;
                continue;
            }
            counted.statistics.push(Statistics {
                fingerprint: String::new(),
                sample: query,
                calls: u64::try_from(row.try_get::<i64, _>("calls")?).unwrap_or(0),
                total_ms: row.try_get("ms")?,
                rows: u64::try_from(row.try_get::<i64, _>("rows")?).ok(),
            });
        }
        if hidden > 0 {
            counted.skipped.push(Skipped {
                what: format!("{hidden} statements of other roles"),
                why: "the role may not see their texts".to_owned(),
                grant: "GRANT pg_read_all_stats TO <role>;".to_owned(),
            });
        }
        Ok(())
    }
}
