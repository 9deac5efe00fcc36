//! Who waits for whom. <https://www.postgresql.org/docs/current/explicit-locking.html>

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::Postgres;
use crate::answer::Skipped;
use crate::engine::LocksSeen;
use crate::error::Result;
use crate::locks::{Lock, LockGraph, Relation, Session, SessionKind, Wait};
use crate::statement::{Dialect, mask_literals};

const WAITS: &str = include_str!("waits.sql");
const SESSIONS: &str = include_str!("sessions.sql");
const HIDDEN: &str = "<insufficient privilege>";

/// From this age on an open transaction is called long.
const LONG_S: f64 = 60.0;

impl Postgres {
    pub(in crate::engine) async fn locks(&mut self) -> Result<LocksSeen> {
        let rows = self.rows(WAITS).await?;
        let mut seen = LocksSeen::default();
        let mut sessions = Vec::new();
        let mut hidden = false;
        for row in self.rows(SESSIONS).await? {
            let session = self.session(&row)?;
            hidden |= session.query == HIDDEN;
            sessions.push(session);
        }
        let mut prepared: BTreeMap<String, Session> = BTreeMap::new();
        let mut waits = Vec::new();
        for row in rows {
            let wait = wait(&row)?;
            if let Some(gid) = row.try_get::<Option<String>, _>("prepared_gid")? {
                prepared.insert(
                    wait.blocker.clone(),
                    prepared_transaction(&wait.blocker, &gid, &row)?,
                );
            }
            waits.push(wait);
        }
        seen.long_transactions = sessions
            .iter()
            .filter(|session| session.transaction_age_s.is_some_and(|age| age >= LONG_S))
            .cloned()
            .collect();
        seen.long_transactions.sort_by(|a, b| {
            b.transaction_age_s
                .unwrap_or(0.0)
                .total_cmp(&a.transaction_age_s.unwrap_or(0.0))
        });
        sessions.extend(prepared.into_values());
        seen.graph = LockGraph::new(sessions, waits);
        if hidden {
            seen.skipped.push(Skipped {
                what: "state and queries of other roles' sessions".to_owned(),
                why: "this role may not see them".to_owned(),
                grant: "GRANT pg_monitor TO <this role>;".to_owned(),
            });
        }
        Ok(seen)
    }

    fn session(&self, row: &PgRow) -> Result<Session> {
        let id: String = row.try_get("id")?;
        let backend: String = row.try_get("backend_type")?;
        let query: String = row.try_get("query")?;
        let locks: Vec<String> = row.try_get("locks")?;
        let autovacuum = backend == "autovacuum worker";
        let state: String = row.try_get("state")?;
        let running = state == "active";
        let mut relief = Vec::new();
        if running {
            relief.push(format!("SELECT pg_cancel_backend({id});"));
        }
        if !autovacuum {
            relief.push(format!("SELECT pg_terminate_backend({id});"));
        }
        Ok(Session {
            kind: if autovacuum {
                SessionKind::Autovacuum
            } else {
                SessionKind::Session
            },
            user: row.try_get("user_name")?,
            application: row.try_get("application")?,
            client: row.try_get("client")?,
            state: if state.is_empty() { backend } else { state },
            transaction_age_s: row.try_get("transaction_age_s")?,
            state_age_s: row.try_get("state_age_s")?,
            query: if self.allow_literals || query == HIDDEN {
                query
            } else {
                mask_literals(&query, Dialect::Postgres)
            },
            query_took_lock: running,
            locks: locks.iter().map(|held| lock(held)).collect(),
            relief,
            id,
        })
    }
}

/// "`RowExclusiveLock` public.orders"
fn lock(held: &str) -> Lock {
    let (mode, object) = held.split_once(' ').unwrap_or((held, ""));
    Lock {
        mode: mode_words(mode),
        object: object.to_owned(),
    }
}

/// `AccessExclusiveLock` as the manual writes it: ACCESS EXCLUSIVE.
fn mode_words(mode: &str) -> String {
    mode.split(", ")
        .map(|mode| {
            let mut words = String::new();
            for character in mode.trim_end_matches("Lock").chars() {
                if character.is_uppercase() && !words.is_empty() {
                    words.push(' ');
                }
                words.push(character.to_ascii_uppercase());
            }
            words
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn wait(row: &PgRow) -> Result<Wait> {
    let lock: String = row.try_get("lock")?;
    Ok(Wait {
        waiter: row.try_get("waiter")?,
        blocker: row.try_get("blocker")?,
        relation: if row.try_get::<String, _>("relation_kind")? == "queued_ahead" {
            Relation::QueuedAhead
        } else {
            Relation::Holds
        },
        mode: mode_words(&row.try_get::<String, _>("wanted_mode")?),
        blocker_mode: mode_words(&row.try_get::<String, _>("blocker_mode")?),
        object: row.try_get("object")?,
        row: row.try_get("row_place")?,
        wait_s: row.try_get("wait_s")?,
        lock: if lock == "transactionid" || lock == "tuple" {
            "row".to_owned()
        } else {
            lock
        },
    })
}

fn prepared_transaction(id: &str, gid: &str, row: &PgRow) -> Result<Session> {
    let quoted = gid.replace('\'', "''");
    Ok(Session {
        id: id.to_owned(),
        kind: SessionKind::PreparedTransaction,
        user: row
            .try_get::<Option<String>, _>("prepared_owner")?
            .unwrap_or_default(),
        state: "prepared transaction, no session".to_owned(),
        transaction_age_s: row.try_get("prepared_age_s")?,
        relief: vec![
            format!("COMMIT PREPARED '{quoted}';"),
            format!("ROLLBACK PREPARED '{quoted}';"),
        ],
        ..Session::default()
    })
}
