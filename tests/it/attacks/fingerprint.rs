//! Everything that an attack could change, and who looks at it.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::postgres::PgListener;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use super::{Ground, OUTPUT};
use crate::servers::{Place, block_on, connect};

/// Everything that an attack could change, by name.
pub(super) type Fingerprint = BTreeMap<String, String>;

pub(super) fn changed(before: &Fingerprint, after: &Fingerprint) -> Vec<String> {
    let names = before.keys().chain(after.keys());
    let mut changed: Vec<String> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect();
    changed.sort();
    changed.dedup();
    changed
}

pub(super) struct Watch<'a> {
    ground: &'a Ground,
    other: Other,
}

/// Another user's session, which attacks may want to end, and which holds the locks that they want.
enum Other {
    Postgres(PgListener),
    MySql(AnyConnection),
    None,
}

impl Other {
    async fn connect(place: &Place) -> Self {
        match place.engine {
            "postgresql" => {
                let mut listener = PgListener::connect(&place.url).await.unwrap();
                listener.listen("att_channel").await.unwrap();
                listener
                    .execute("SELECT pg_advisory_lock(7391)")
                    .await
                    .unwrap();
                Self::Postgres(listener)
            }
            "sqlite" => Self::None,
            _ => {
                let mut connection = connect(&place.url).await;
                connection
                    .execute("SELECT GET_LOCK('att_lock', 1)")
                    .await
                    .unwrap();
                Self::MySql(connection)
            }
        }
    }

    /// Whether it still lives, and what it was sent.
    async fn look(&mut self) -> String {
        match self {
            Self::Postgres(listener) => {
                let alive = listener.execute("SELECT 1").await.is_ok();
                let heard = std::iter::from_fn(|| listener.next_buffered()).count();
                format!("alive: {alive}, notifications: {heard}")
            }
            Self::MySql(connection) => format!("alive: {}", connection.ping().await.is_ok()),
            Self::None => String::new(),
        }
    }
}

impl Drop for Watch<'_> {
    /// A listener goes back to its pool, which takes a runtime.
    fn drop(&mut self) {
        let other = std::mem::replace(&mut self.other, Other::None);
        block_on(async move { drop(other) });
    }
}

impl<'a> Watch<'a> {
    pub(super) fn over(ground: &'a Ground) -> Self {
        Self {
            ground,
            other: block_on(Other::connect(&ground.place)),
        }
    }

    pub(super) fn look(&mut self) -> Fingerprint {
        let place = &self.ground.place;
        let mut seen = block_on(async {
            let other = self.other.look().await;
            if other.contains("false") {
                self.other = Other::connect(place).await;
            }
            let mut connection = connect(&place.url).await;
            let mut seen = match place.engine {
                "postgresql" => postgres(&mut connection).await,
                "sqlite" => Fingerprint::new(),
                engine => mysql(&mut connection, engine).await,
            };
            connection.close().await.unwrap();
            seen.insert("another session".to_owned(), other);
            seen
        });
        let beginning = match place.engine {
            "mariadb" => "att-out-mysql",
            engine => &format!("att-out-{engine}"),
        };
        let output = listing(Path::new(OUTPUT))
            .into_iter()
            .filter(|name| name.starts_with(beginning));
        seen.insert(
            "files in the output folder".to_owned(),
            output.collect::<Vec<_>>().join(" "),
        );
        if place.engine == "sqlite" {
            let bytes = std::fs::read(self.ground.file()).unwrap();
            seen.insert(
                "bytes of the file".to_owned(),
                format!("{:x}", hash(&bytes)),
            );
            let beside = listing(self.ground.folder.path())
                .into_iter()
                .filter(|name| !name.ends_with("-shm") && !name.ends_with("-wal"));
            seen.insert(
                "files beside it".to_owned(),
                beside.collect::<Vec<_>>().join(" "),
            );
        }
        seen
    }
}

fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Rows of a name and a value, both text.
async fn pairs(connection: &mut AnyConnection, query: &str) -> Vec<(String, String)> {
    let rows = sqlx::query(AssertSqlSafe(query.to_owned()))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {query}"));
    rows.iter()
        .map(|row| {
            let value: Option<String> = row.try_get(1).unwrap();
            (row.try_get(0).unwrap(), value.unwrap_or_default())
        })
        .collect()
}

/// Tables whose mere planning calls functions are left out of the rows: looking must not touch.
const POSTGRES_TABLES: &str = "
SELECT format('%I.%I', n.nspname, c.relname), ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname !~ '^(indexed|partitioned|ranged)'
ORDER BY 1";

const POSTGRES: &str = "
SELECT 'sequence ' || sequencename, last_value::text FROM pg_sequences
UNION ALL SELECT 'relations', md5(string_agg(concat_ws(' ', oid, relname, relkind, relowner, relacl, relhastriggers, relrowsecurity, reloptions, CASE WHEN relnamespace <> 'pg_catalog'::regnamespace THEN relfilenode END), '|' ORDER BY oid)) FROM pg_class
UNION ALL SELECT 'columns', md5(string_agg(concat_ws(' ', attrelid, attname, atttypid, attnotnull, attstattarget, attacl), '|' ORDER BY attrelid, attnum)) FROM pg_attribute
UNION ALL SELECT 'functions', md5(string_agg(concat_ws(' ', oid, proname, prosrc, provolatile, prosecdef, proacl), '|' ORDER BY oid)) FROM pg_proc
UNION ALL SELECT 'constraints', md5(string_agg(concat_ws(' ', oid, conname), '|' ORDER BY oid)) FROM pg_constraint
UNION ALL SELECT 'triggers and rules', md5(string_agg(concat_ws(' ', oid, name), '|' ORDER BY oid)) FROM (SELECT oid, tgname AS name FROM pg_trigger UNION ALL SELECT oid, rulename FROM pg_rewrite) o
UNION ALL SELECT 'policies, schemas, collations, extensions, publications, descriptions', concat_ws(' ', (SELECT count(*) FROM pg_policy), (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_t'), (SELECT count(*) FROM pg_collation), (SELECT count(*) FROM pg_extension), (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_description))
UNION ALL SELECT 'statistics of people', concat_ws(' ', (SELECT count(*) FROM pg_statistic WHERE starelid = 'people'::regclass), (SELECT relpages FROM pg_class WHERE oid = 'people'::regclass))
UNION ALL SELECT 'large objects', concat_ws(' ', (SELECT count(*) FROM pg_largeobject_metadata), (SELECT md5(string_agg(data::text, '|' ORDER BY loid, pageno)) FROM pg_largeobject))
UNION ALL SELECT 'roles', string_agg(concat_ws(' ', rolname, rolsuper, rolcanlogin), '|' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('att_user', 'att_role')
UNION ALL SELECT 'databases', string_agg(datname, '|') FROM pg_database WHERE datname = 'att_created'
UNION ALL SELECT 'settings of roles and databases', string_agg(setconfig::text, '|' ORDER BY setconfig::text) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) OR setrole <> 0
UNION ALL SELECT 'settings', md5(string_agg(concat_ws(' ', name, setting, source), '|' ORDER BY name)) FROM pg_settings WHERE source NOT IN ('client', 'session', 'override')
UNION ALL SELECT 'settings in files', md5(string_agg(concat_ws(' ', name, setting), '|' ORDER BY seqno)) FROM pg_file_settings
UNION ALL SELECT 'configuration loaded', pg_conf_load_time()::text
UNION ALL SELECT 'replication', concat_ws(' ', (SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'att%'), (SELECT count(*) FROM pg_replication_origin WHERE roname LIKE 'att%'))
UNION ALL SELECT 'prepared transactions', count(*)::text FROM pg_prepared_xacts WHERE database = current_database()
UNION ALL SELECT 'advisory locks', count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'counters reset', stats_reset::text FROM pg_stat_database WHERE datname = current_database()
UNION ALL SELECT 'counters of the archiver reset', stats_reset::text FROM pg_stat_archiver
UNION ALL SELECT 'maintenance by hand', md5(string_agg(concat_ws(' ', relid, last_vacuum, last_analyze), '|' ORDER BY relid)) FROM pg_stat_user_tables
UNION ALL SELECT 'calls of functions', coalesce(sum(calls), 0)::text FROM pg_stat_user_functions WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND funcname <> 'quiet_secret'";

async fn postgres(connection: &mut AnyConnection) -> Fingerprint {
    let tables = pairs(connection, POSTGRES_TABLES).await;
    let mut query = POSTGRES.to_owned();
    for (table, _) in tables {
        query.push_str(&format!(
            "\nUNION ALL SELECT 'rows of {table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
        ));
    }
    pairs(connection, &query).await.into_iter().collect()
}

const MYSQL: &str = "
SELECT 'tables', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, table_type, engine, COALESCE(auto_increment, 1), table_collation, create_options, table_comment) ORDER BY table_name), 256) FROM information_schema.tables WHERE table_schema = DATABASE()
UNION ALL SELECT 'columns', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, column_name, column_type, column_default, extra) ORDER BY table_name, ordinal_position), 256) FROM information_schema.columns WHERE table_schema = DATABASE()
UNION ALL SELECT 'indexes', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, index_name, column_name) ORDER BY table_name, index_name, seq_in_index), 256) FROM information_schema.statistics WHERE table_schema = DATABASE()
UNION ALL SELECT 'constraints', SHA2(GROUP_CONCAT(CONCAT_WS(' ', table_name, constraint_name) ORDER BY table_name, constraint_name), 256) FROM information_schema.table_constraints WHERE table_schema = DATABASE()
UNION ALL SELECT 'routines', SHA2(GROUP_CONCAT(CONCAT_WS(' ', routine_name, routine_definition) ORDER BY routine_name), 256) FROM information_schema.routines WHERE routine_schema = DATABASE()
UNION ALL SELECT 'triggers', SHA2(GROUP_CONCAT(trigger_name ORDER BY trigger_name), 256) FROM information_schema.triggers WHERE trigger_schema = DATABASE()
UNION ALL SELECT 'events', SHA2(GROUP_CONCAT(event_name ORDER BY event_name), 256) FROM information_schema.events WHERE event_schema = DATABASE()
UNION ALL SELECT 'plugins', CAST(COUNT(*) AS CHAR) FROM information_schema.plugins
UNION ALL SELECT 'databases', CAST(COUNT(*) AS CHAR) FROM information_schema.schemata WHERE schema_name = 'att_created'
UNION ALL SELECT 'foreign servers', CAST(COUNT(*) AS CHAR) FROM mysql.servers
UNION ALL SELECT 'users', SHA2(GROUP_CONCAT(CONCAT_WS(' ', user, host, select_priv, super_priv) ORDER BY user, host), 256) FROM mysql.user WHERE user LIKE 'att%' OR user = 'root'
UNION ALL SELECT 'user locks', CAST(IS_USED_LOCK('att_lock') IS NOT NULL AS CHAR)";

const ONLY_MYSQL: &str = "
UNION ALL SELECT 'global variables', SHA2(GROUP_CONCAT(CONCAT_WS(' ', variable_name, variable_value) ORDER BY variable_name), 256) FROM performance_schema.global_variables WHERE variable_name NOT LIKE 'gtid%' AND variable_name <> 'timestamp'
UNION ALL SELECT 'calls of functions', CAST(SUM(count_star) AS CHAR) FROM performance_schema.events_statements_summary_by_program WHERE object_schema = DATABASE() AND object_name NOT IN ('quiet_secret', 'quiet_variable')";

const ONLY_MARIADB: &str = "
UNION ALL SELECT 'global variables', SHA2(GROUP_CONCAT(CONCAT_WS(' ', variable_name, variable_value) ORDER BY variable_name), 256) FROM information_schema.global_variables WHERE variable_name NOT LIKE 'gtid%' AND variable_name <> 'timestamp'
UNION ALL SELECT 'sequence', CAST(next_not_cached_value AS CHAR) FROM tickets";

async fn mysql(connection: &mut AnyConnection, engine: &str) -> Fingerprint {
    let prepare = if engine == "mysql" {
        "SET SESSION group_concat_max_len = 10000000, SESSION information_schema_stats_expiry = 0"
    } else {
        "SET SESSION group_concat_max_len = 10000000"
    };
    connection.execute(prepare).await.unwrap();
    let tables = pairs(
        connection,
        "SELECT CAST(table_name AS CHAR), '' FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    )
    .await;
    let names: Vec<String> = tables
        .into_iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let checksums = format!("CHECKSUM TABLE {}", names.join(", "));
    let mut seen = Fingerprint::new();
    let rows = sqlx::query(AssertSqlSafe(checksums))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    for row in rows {
        let table: String = row.try_get(0).unwrap();
        let checksum: Option<i64> = row.try_get(1).unwrap();
        seen.insert(format!("rows of {table}"), format!("{checksum:?}"));
    }
    let of_the_flavour = if engine == "mysql" {
        ONLY_MYSQL
    } else {
        ONLY_MARIADB
    };
    let query = format!("{MYSQL}{of_the_flavour}");
    seen.extend(pairs(connection, &query).await);
    seen
}
