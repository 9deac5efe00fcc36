//! What the performance schema counted.
//! <https://dev.mysql.com/doc/refman/8.4/en/performance-schema-statement-summary-tables.html>

use sqlx::Row as _;

use super::{MySql, text};
use crate::answer::Skipped;
use crate::engine::Counted;
use crate::error::{Error, Result};
use crate::workload::Statistics;

const STATEMENTS: &str = include_str!("workload.sql");
const INDEXES: &str = include_str!("workload_indexes.sql");

impl MySql {
    pub(in crate::engine) async fn counted(&mut self) -> Result<Counted> {
        let mut counted = Counted {
            since: "the server's start, or since the counters were emptied".to_owned(),
            ..Counted::default()
        };
        let on: i64 = sqlx::query_scalar("SELECT CAST(@@performance_schema AS SIGNED)")
            .fetch_one(&mut self.connection)
            .await?;
        if on == 0 {
            counted.skipped.push(Skipped {
                what: "the statements that cost most, and the use of indexes".to_owned(),
                why: "the performance schema is off; or give a log as `log`".to_owned(),
                grant: "performance_schema = ON in the server's configuration, and a restart"
                    .to_owned(),
            });
            return Ok(counted);
        }
        match self.statements().await {
            Ok(statistics) => counted.statistics = statistics,
            Err(error) => counted
                .skipped
                .push(unseen("the statements that cost most", &error)),
        }
        match self.index_use().await {
            Ok(scans) => counted.scans = scans,
            Err(error) => counted.skipped.push(unseen("the use of indexes", &error)),
        }
        Ok(counted)
    }

    async fn statements(&mut self) -> Result<Vec<Statistics>> {
        let rows = sqlx::query(STATEMENTS)
            .bind(&self.default_schema)
            .fetch_all(&mut self.connection)
            .await?;
        let mut statistics = Vec::new();
        for row in rows {
            statistics.push(Statistics {
                fingerprint: String::new(),
                // A list is written as three dots, which is no SQL.
                sample: text(&row, 0)?.replace("(...)", "(?)").replace("...", "?"),
                calls: u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0),
                total_ms: row.try_get(2)?,
                rows: u64::try_from(row.try_get::<i64, _>(3)?).ok(),
            });
        }
        Ok(statistics)
    }

    async fn index_use(
        &mut self,
    ) -> Result<std::collections::BTreeMap<(String, String, String), i64>> {
        let rows = sqlx::query(INDEXES)
            .bind(&self.default_schema)
            .fetch_all(&mut self.connection)
            .await?;
        let mut scans = std::collections::BTreeMap::new();
        for row in rows {
            let key = (text(&row, 0)?, text(&row, 1)?, text(&row, 2)?);
            scans.insert(key, row.try_get(3)?);
        }
        Ok(scans)
    }
}

fn unseen(what: &str, error: &Error) -> Skipped {
    Skipped {
        what: what.to_owned(),
        why: error.to_string(),
        grant: "GRANT SELECT ON performance_schema.* TO <account>;".to_owned(),
    }
}
