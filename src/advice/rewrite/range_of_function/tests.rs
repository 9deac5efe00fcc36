//! Each form of a function around a column, on each engine that has it.

use super::super::tests::{is_in, made, made_in, none_in};
use super::*;

fn condition(dialect: Dialect, from: &str, to: &str) {
    is_in(
        dialect,
        &RULE,
        &format!("SELECT id FROM t WHERE {from}"),
        &format!("SELECT id FROM t WHERE {to}"),
    );
}

#[test]
fn a_day_is_a_range_of_times() {
    use Dialect::{MySql, Postgres, Sqlite};
    for dialect in [Postgres, MySql, Sqlite] {
        condition(
            dialect,
            "date(at) = '2025-02-28'",
            "at >= '2025-02-28' AND at < '2025-03-01'",
        );
        condition(
            dialect,
            "date(t.at) >= '2025-02-28' AND a = 1",
            "t.at >= '2025-02-28' AND a = 1",
        );
        condition(dialect, "date(at) > '2025-02-28'", "at >= '2025-03-01'");
        condition(dialect, "date(at) <= '2025-02-28'", "at < '2025-03-01'");
        condition(dialect, "'2025-02-28' > date(at)", "at < '2025-02-28'");
        condition(
            dialect,
            "date(at) BETWEEN '2025-01-01' AND '2025-01-31'",
            "at >= '2025-01-01' AND at < '2025-02-01'",
        );
    }
    condition(
        Postgres,
        "at::date = '2025-02-28'",
        "at >= '2025-02-28' AND at < '2025-03-01'",
    );
    condition(
        Postgres,
        "CAST(at AS date) = DATE '2025-02-28'",
        "at >= '2025-02-28' AND at < '2025-03-01'",
    );
    condition(
        Postgres,
        "date_trunc('month', at) = '2025-12-01'",
        "at >= '2025-12-01' AND at < '2026-01-01'",
    );
    condition(
        Postgres,
        "at::date = $1",
        "at >= CAST($1 AS DATE) AND at < CAST($1 AS DATE) + 1",
    );
    condition(MySql, "DATE(at) = ?", "at >= ? AND at < ? + INTERVAL 1 DAY");
    condition(Sqlite, "date(at) = ?", "at >= ? AND at < date(?, '+1 day')");
    condition(
        Postgres,
        "at::date = CURRENT_DATE",
        "at >= CURRENT_DATE AND at < CURRENT_DATE + 1",
    );
    condition(
        MySql,
        "DATE(at) = CURDATE()",
        "at >= CURDATE() AND at < CURDATE() + INTERVAL 1 DAY",
    );
    condition(
        Sqlite,
        "strftime('%Y-%m-%d', at) = '2025-02-28'",
        "at >= '2025-02-28' AND at < '2025-03-01'",
    );
}

#[test]
fn a_year_is_a_range_of_times() {
    use Dialect::{MySql, Postgres, Sqlite};
    let range = "at >= '2025-01-01' AND at < '2026-01-01'";
    condition(Postgres, "EXTRACT(YEAR FROM at) = 2025", range);
    condition(Postgres, "date_part('year', at) = 2025", range);
    condition(MySql, "YEAR(at) = 2025", range);
    condition(Sqlite, "strftime('%Y', at) = '2025'", range);
    condition(Sqlite, "CAST(strftime('%Y', at) AS INTEGER) = 2025", range);
    condition(MySql, "YEAR(at) > 2024", "at >= '2025-01-01'");
}

#[test]
fn a_beginning_is_a_pattern() {
    use Dialect::{MySql, Postgres, Sqlite};
    condition(Postgres, "left(name, 3) = 'abc'", "name LIKE 'abc%'");
    condition(
        Postgres,
        "substring(name FROM 1 FOR 3) = 'abc'",
        "name LIKE 'abc%'",
    );
    condition(MySql, "SUBSTRING(name, 1, 3) = 'abc'", "name LIKE 'abc%'");
    condition(Sqlite, "substr(name, 1, 3) = 'abc'", "name GLOB 'abc*'");
}

#[test]
fn arithmetic_moves_to_the_other_side() {
    for (from, to) in [
        ("a + 1 = 5", "a = 4"),
        ("1 + a > 5", "a > 4"),
        ("a - 10 <= 5", "a <= 15"),
        ("5 < (a + 1)", "a > 4"),
        ("a + 1 = $1", "a = $1 - 1"),
        ("a - 2 = $1", "a = $1 + 2"),
        ("coalesce(b, 0) = 5", "b = 5"),
        ("coalesce(b, 5) = 5", "(b = 5 OR b IS NULL)"),
        ("coalesce(a, 5) = 7", "a = 7"),
    ] {
        condition(Dialect::Postgres, from, to);
    }
}

#[test]
fn what_is_no_range_stays() {
    use Dialect::{MySql, Postgres, Sqlite};
    for (dialect, text) in [
        (Postgres, "lower(name) = 'abc'"),
        (Postgres, "date(at) = '2025-02-28 10:00'"),
        (Postgres, "date(at) = '2025-02-30'"),
        (Postgres, "date(at) <> '2025-02-28'"),
        (Postgres, "NOT date(at) = '2025-02-28'"),
        (Postgres, "date(at) = '2025-02-28' OR a = 1"),
        (Postgres, "date(name) = '2025-02-28'"),
        (Postgres, "date_trunc('month', at) = '2025-12-05'"),
        (Postgres, "date_trunc('week', at) = '2025-12-01'"),
        (Postgres, "date_trunc('day', at, 'UTC') = '2025-12-01'"),
        (Postgres, "EXTRACT(MONTH FROM at) = 5"),
        (Postgres, "EXTRACT(YEAR FROM at) = a"),
        (Postgres, "(at AT TIME ZONE 'UTC')::date = '2025-12-01'"),
        (Postgres, "at = '2025-02-28'"),
        (Postgres, "left(name, 2) = 'abc'"),
        (Postgres, "left(name, 4) = 'abc'"),
        (Postgres, "left(name, 3) = 'a_c'"),
        (Postgres, "left(name, 3) > 'abc'"),
        (Postgres, "substring(name FROM 2 FOR 3) = 'abc'"),
        (Postgres, "a * 2 = 10"),
        (Postgres, "5 - a = 1"),
        (Postgres, "a + id = 1"),
        (Postgres, "a + 9223372036854775807 = -9"),
        (Postgres, "coalesce(b, a) = 5"),
        (Postgres, "coalesce(b, 0) > 5"),
        (Postgres, "coalesce(name, 'x') = 'X'"),
        (Postgres, "abs(a) = 1"),
        (MySql, "LEFT(name, 4) = 'abc '"),
        (Sqlite, "substr(name, 1, 3) = 'a*c'"),
        (Sqlite, "CAST(at AS date) = '2025-02-28'"),
    ] {
        none_in(dialect, &RULE, &format!("SELECT id FROM t WHERE {text}"));
    }
}

#[test]
fn what_it_rests_on_is_said() {
    let rests = |dialect, sql| made_in(dialect, &RULE, sql).unwrap();
    let texts = rests(
        Dialect::Sqlite,
        "SELECT id FROM t WHERE date(at) = '2025-02-28'",
    );
    assert!(texts.reason.contains("YYYY-MM-DD"), "{}", texts.reason);
    let day = rests(Dialect::MySql, "SELECT id FROM t WHERE date(at) = ?");
    assert!(day.reason.contains("must be a day"), "{}", day.reason);
    assert!(day.reason.contains("in this order, 1, 1"), "{}", day.reason);
    let firm = made(&RULE, "SELECT id FROM t WHERE date(at) = '2025-02-28'").unwrap();
    assert_eq!(firm.same, Same::Always);
}
