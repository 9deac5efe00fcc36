//! What each spelling is sent as.

use super::*;
use crate::statement::Statement;

fn sent(sql: &str, dialect: Dialect) -> String {
    Statement::parse(sql, dialect)
        .map_or_else(|error| error.to_string(), |statement| statement.sql())
}

#[test]
fn spellings_of_sqlite_are_sent_as_they_mean() {
    for (sql, means) in [
        (
            "SELECT a FROM t WHERE a IS 5 AND b IS NOT c",
            "SELECT a FROM t WHERE a IS NOT DISTINCT FROM 5 AND b IS DISTINCT FROM c",
        ),
        (
            "SELECT a FROM t WHERE a IS NULL AND b IS NOT NULL",
            "SELECT a FROM t WHERE a IS NULL AND b IS NOT NULL",
        ),
        (
            "SELECT a FROM t WHERE a ISNULL OR b NOTNULL",
            "SELECT a FROM t WHERE a IS NULL OR b IS NOT NULL",
        ),
        (
            "SELECT a << 1, a >> 2 FROM t",
            "SELECT a << 1, a >> 2 FROM t",
        ),
        (
            "SELECT a FROM t INDEXED BY i WHERE a = 1",
            "SELECT a FROM t INDEXED BY \"i\" WHERE a = 1",
        ),
        (
            "SELECT a FROM t AS x INDEXED BY \"i j\" JOIN u NOT INDEXED ON 1",
            "SELECT a FROM t AS x INDEXED BY \"i j\" JOIN u NOT INDEXED ON 1",
        ),
        (
            "SELECT a FROM t WHERE NOT indexed",
            "SELECT a FROM t WHERE NOT indexed",
        ),
        (
            "WITH c (a) AS MATERIALIZED (SELECT 1), d AS NOT MATERIALIZED (SELECT 2) SELECT * FROM c, d",
            "WITH c (a) AS MATERIALIZED (SELECT 1), d AS NOT MATERIALIZED (SELECT 2) SELECT * FROM c, d",
        ),
        ("SELECT /*+ x */ a FROM t -- y", "SELECT a FROM t"),
    ] {
        assert_eq!(sent(sql, Dialect::Sqlite), means);
    }
}

#[test]
fn spellings_of_the_others_too() {
    for (sql, dialect, means) in [
        (
            "SELECT a MOD 7, MOD(a, 7), a << 1 FROM t",
            Dialect::MySql,
            "SELECT a % 7, MOD(a, 7), a << 1 FROM t",
        ),
        ("TABLE t", Dialect::MySql, "SELECT * FROM t"),
        (
            "SELECT a @+@ b, a @@@ b, a=-1 FROM t",
            Dialect::Postgres,
            "SELECT a @+@ b, a @@@ b, a = -1 FROM t",
        ),
        ("TABLE t", Dialect::Postgres, "SELECT * FROM t"),
        (
            "SELECT a FROM t WHERE b > NOW() - INTERVAL '1:30' HOUR_MINUTE",
            Dialect::MySql,
            "SELECT a FROM t WHERE b > NOW() - INTERVAL '1:30' HOUR_MINUTE",
        ),
        (
            "SELECT sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t",
            Dialect::Postgres,
            "SELECT sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
        ),
    ] {
        assert_eq!(sent(sql, dialect), means);
    }
}

#[test]
fn a_spelling_in_the_wrong_place_opens_nothing() {
    for sql in [
        "SELECT a INDEXED BY i FROM t",
        "SELECT a FROM t WHERE a INDEXED BY i",
        "SELECT a AS MATERIALIZED (SELECT 1)",
    ] {
        assert!(Statement::parse(sql, Dialect::Sqlite).is_err(), "{sql}");
    }
}
