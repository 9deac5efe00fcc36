//! What may grow, and what may not.

use crate::statement::{Dialect, Statement};

fn passes(sql: &str) -> bool {
    Statement::parse(sql, Dialect::Postgres).is_ok()
}

/// `depth` queries inside each other, each of which names the column of the one inside twice.
fn nested(depth: usize) -> String {
    let mut sql = "SELECT 'x' AS a".to_owned();
    for level in 0..depth {
        sql = format!("SELECT a || a AS a FROM ({sql}) AS q{level}");
    }
    sql
}

#[test]
fn subqueries_may_repeat_columns_but_not_without_end() {
    assert!(passes(&nested(10)));
    assert!(!passes(&nested(25)));
    let chain: Vec<String> = (1..30)
        .map(|level| format!("c{level} AS (SELECT a || a AS a FROM c{})", level - 1))
        .collect();
    let sql = format!(
        "WITH c0 AS (SELECT 'x' AS a), {} SELECT a FROM c29",
        chain.join(", ")
    );
    assert!(!passes(&sql));
    assert!(passes(
        "WITH a AS (SELECT id, total FROM orders), b AS (SELECT a.id, x.total FROM a JOIN a AS x ON a.id = x.id) SELECT * FROM b JOIN a ON a.id = b.id"
    ));
}

#[test]
fn only_what_is_repeated_is_multiplied() {
    // Each step names three columns of the step before in a new one, and passes the others on.
    let mut steps = vec!["s0 AS (SELECT id, total, status FROM orders)".to_owned()];
    for step in 1..30 {
        steps.push(format!(
            "s{step} AS (SELECT s.*, CASE WHEN s.total > {step} AND s.status = 'paid' THEN s.total ELSE 0 END AS c{step} FROM s{} AS s)",
            step - 1
        ));
    }
    assert!(passes(&format!(
        "WITH {} SELECT * FROM s29",
        steps.join(", ")
    )));
    // A grouped step is computed for itself.
    let grouped: Vec<String> = (1..30)
        .map(|step| {
            format!(
                "g{step} AS (SELECT id, sum(n) + sum(n) AS n FROM g{} GROUP BY id)",
                step - 1
            )
        })
        .collect();
    assert!(passes(&format!(
        "WITH g0 AS (SELECT id, total AS n FROM orders), {} SELECT * FROM g29",
        grouped.join(", ")
    )));
    let mut quoted = "'it''s'".to_owned();
    for _ in 0..4 {
        quoted = format!("quote_literal({quoted})");
    }
    assert!(passes(&format!("SELECT {quoted}")));
    for _ in 0..24 {
        quoted = format!("quote_literal({quoted})");
    }
    assert!(!passes(&format!("SELECT {quoted}")));
}

#[test]
fn a_size_is_a_small_number() {
    assert!(passes("SELECT repeat('-', 40)"));
    assert!(passes(
        "SELECT replace(replace(a, '-', ''), ' ', '') FROM t"
    ));
    for sql in [
        "SELECT lpad(a, 200) || lpad(b, 300), rpad(c, 4000) || repeat(' ', 4000), replace(d, ' ', '&nbsp;') FROM t",
        "SELECT repeat('x', -1)",
        "SELECT lpad(a, greatest(length(a), 6), '0') FROM t",
        "SELECT crypt('x', gen_salt('bf', 8))",
        "SELECT regexp_replace(regexp_replace(lower(a), '[^a-z]+', '-', 'g'), '^-', '') FROM t",
    ] {
        assert!(passes(sql), "{sql}");
    }
    assert!(passes("SELECT crypt(a, b) FROM t"));
    assert!(passes("SELECT lpad(id::text, 8, '0') FROM orders"));
    for sql in [
        "SELECT repeat('x', 1000000000)",
        "SELECT repeat(repeat('x', 10000), 10000)",
        "SELECT repeat('x', 1000 * 1000 * 1000)",
        "SELECT lpad('x', n) FROM t",
        "SELECT lpad(b, length(b)) FROM (SELECT repeat(a, length(a)) AS b FROM (SELECT repeat('x', 100000) AS a) AS s) AS t",
        "SELECT crypt('x', '$2a$' || '31$abcdefghijklmnopqrstuv')",
        "SELECT crypt('x', s) FROM (SELECT '$2a$' || '31$abcdefghijklmnopqrstuv' AS s) AS t",
        "SELECT crypt('x', gen_salt('bf', 31))",
        "SELECT id FROM t ORDER BY repeat('x', 100000000)",
        "SELECT DISTINCT ON (repeat('x', 100000000)) id FROM t",
        "SELECT sum(id) OVER w FROM t WINDOW w AS (ORDER BY repeat('x', 100000000))",
        "SELECT crypt('x', '$2a$20$abcdefghijklmnopqrstuv')",
        "SELECT replace(replace(replace(replace('a', 'a', b), 'b', a), 'a', b), 'b', a) FROM t",
        "SELECT a @? '$.**.**' FROM t",
    ] {
        assert!(!passes(sql), "{sql}");
    }
}
