//! What was planted in a database beforehand: code that planning would run, names that take the place of the
//! server's, files that say more than their schema. None of it is run, and the tools go on working.

use serde_json::json;

use crate::servers::{self, Place, number, run};

/// A function that shows that it ran, also where nothing may be written.
const CANARY: &str = "
CREATE FUNCTION canary(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_stat_reset(); RETURN n; END $$;
CREATE FUNCTION canary_volatile(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_stat_reset(); RETURN n; END $$;
";

/// What is planted, and the statement that would run it while it is planned or run.
const POSTGRES: &[(&str, &str)] = &[
    ("", "SELECT (1).canary"),
    ("", "SELECT id FROM tags ORDER BY (1).canary"),
    ("", "SELECT (array[1])[1].canary"),
    ("", "SELECT (SELECT 1).canary"),
    ("", "SELECT (0.1::float8).pg_sleep FROM tags WHERE canary(1) = 1"),
    (
        "CREATE FUNCTION by_default(a integer DEFAULT canary(1)) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$",
        "SELECT by_default()",
    ),
    (
        "CREATE FUNCTION both_ways(a integer DEFAULT canary(1)) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('a', 'b'); RETURN a; END $$",
        "SELECT both_ways()",
    ),
    (
        "CREATE DOMAIN checked AS integer CHECK (canary_volatile(VALUE) > 0)",
        "SELECT '{1}'::checked[]",
    ),
    (
        "CREATE DOMAIN filled AS integer DEFAULT canary(1); CREATE TABLE with_filled (id integer, n filled)",
        "INSERT INTO with_filled (id) VALUES (1)",
    ),
    (
        "CREATE FUNCTION eq_canary(a integer, b integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN canary(a) = b; END $$;
         CREATE OPERATOR ==== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = eq_canary, RESTRICT = eqsel)",
        "SELECT id FROM orders WHERE customer_id ==== 7",
    ),
    (
        "CREATE TYPE word AS ENUM ('a'); CREATE FUNCTION word_json(w word) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM canary(1); RETURN '1'; END $$;
         CREATE CAST (word AS json) WITH FUNCTION word_json(word)",
        "SELECT to_json('a'::word)",
    ),
    (
        "CREATE TYPE pair AS (a integer); CREATE FUNCTION pair_of(t text) RETURNS pair IMMUTABLE LANGUAGE sql AS 'SELECT ROW(1)::pair';
         CREATE CAST (text AS pair) WITH FUNCTION pair_of(text) AS IMPLICIT;
         CREATE FUNCTION pair_plus(a pair, b pair) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN canary(1); END $$;
         CREATE OPERATOR <+> (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_plus)",
        "SELECT 'a'::text <+> 'b'::text",
    ),
    (
        "CREATE FUNCTION try_lock(a bigint) RETURNS boolean LANGUAGE internal AS 'pg_try_advisory_lock_int8';
         CREATE OPERATOR !!! (RIGHTARG = bigint, FUNCTION = pg_try_advisory_lock)",
        "SELECT !!! 7::bigint FROM tags WHERE canary(1) = 1",
    ),
    (
        "CREATE STATISTICS by_canary ON (total + canary(1)), id FROM orders",
        "SELECT id FROM orders WHERE total > 5",
    ),
    (
        "CREATE TABLE parted (id integer) PARTITION BY RANGE ((id + canary(1))); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10)",
        "SELECT id FROM parted WHERE id = 5",
    ),
    (
        "CREATE FUNCTION \"\u{c9}vil\"(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN canary(n); END $$",
        "SELECT \u{c9}vil(1)",
    ),
    (
        "CREATE FUNCTION of_any(a anynonarray) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN canary(1); END $$",
        "SELECT t.of_any FROM tags t",
    ),
    (
        "CREATE FUNCTION \"ev,il\"(a integer, b integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN canary(1); END $$;
         CREATE AGGREGATE sly(integer) (SFUNC = \"ev,il\", STYPE = integer, INITCOND = '0')",
        "SELECT sly(id) FROM tags",
    ),
    (
        "CREATE FUNCTION hidden(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql SET standard_conforming_strings = off AS $$ DECLARE a text; BEGIN a := 'x\\''; PERFORM canary(1); a := 'y\\''; RETURN n; END $$",
        "SELECT hidden(1)",
    ),
];

fn resets(place: &Place) -> i64 {
    number(
        &place.url,
        "SELECT COALESCE((extract(epoch FROM stats_reset) * 1000000)::bigint, 0) FROM pg_stat_database WHERE datname = current_database()",
    )
}

fn on_postgres(name: &str) -> Vec<Place> {
    let mut places = servers::servers(name);
    places.retain(|place| place.engine == "postgresql");
    places
}

#[test]
fn planted_code_is_not_run_by_planning_or_by_reading() {
    for place in on_postgres("planted_code") {
        run(&place.url, CANARY);
        run(&place.url, "INSERT INTO tags VALUES (1, 'a'), (2, 'b')");
        run(
            &place.url,
            &format!(
                "ALTER DATABASE {} SET search_path = plant, public",
                place.database()
            ),
        );
        let mut client = place.client();
        let first = resets(&place);
        run(&place.url, "SELECT canary(1)");
        assert_ne!(first, resets(&place), "the canary does not sing");
        let mut sang = Vec::new();
        for (plant, sql) in POSTGRES {
            // Each in a schema of its own, so that none is refused for another's sake.
            run(
                &place.url,
                &format!("CREATE SCHEMA plant; SET search_path = plant, public; {plant}"),
            );
            for analyze in [false, true] {
                let before = resets(&place);
                client.call("explain_query", json!({"sql": sql, "analyze": analyze}));
                if resets(&place) != before {
                    sang.push(format!("{sql} (analyze {analyze})"));
                }
            }
            run(&place.url, "DROP SCHEMA plant CASCADE");
        }
        assert!(sang.is_empty(), "{}: {sang:#?}", place.name);
    }
}

#[test]
fn an_operator_in_the_roles_own_search_path_does_not_stand_in_for_the_servers() {
    for place in on_postgres("planted_path") {
        let database = place.database();
        run(
            &place.url,
            &format!(
                "CREATE TABLE public.log (t text); CREATE SCHEMA evil;
                 CREATE FUNCTION evil.f(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                   INSERT INTO public.log VALUES ('ran'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
                 CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.f);
                 CREATE FUNCTION evil.g(name, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                   INSERT INTO public.log VALUES ('ran'); RETURN $1::text OPERATOR(pg_catalog.=) $2; END $$;
                 CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.g);
                 ALTER DATABASE {database} SET search_path = evil, public, pg_catalog"
            ),
        );
        let mut client = place.client();
        for (tool, arguments) in [
            ("describe_schema", json!({})),
            ("draw_erd", json!({})),
            ("check_locks", json!({})),
            (
                "explain_query",
                json!({"sql": "SELECT name FROM tags", "analyze": true}),
            ),
            (
                "propose_migration",
                json!({"change": "CREATE INDEX x ON tags (name)"}),
            ),
        ] {
            client.call(tool, arguments);
        }
        let rows = number(&place.url, "SELECT pg_catalog.count(*) FROM public.log");
        assert_eq!(rows, 0, "{}", place.name);
    }
}

#[test]
fn stored_code_does_not_change_the_server() {
    const PLANTED: &str = "
CREATE FUNCTION at_global(a INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET @@global.max_connect_errors = 77; RETURN 1; END;
CREATE FUNCTION at_second(a INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET @x = 1, @@global.max_connect_errors = 77; RETURN 1; END;
CREATE FUNCTION by_keyword(a INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET GLOBAL max_connect_errors = 77; RETURN 1; END;
SET SESSION sql_mode = 'ANSI_QUOTES';
CREATE FUNCTION in_quotes(a INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET @x = \"by_keyword\"(1); RETURN 1; END;
CREATE FUNCTION locks(a INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET @x = \"get_lock\"('planted', 1); RETURN 1; END;
";
    for place in servers::servers("planted_settings") {
        if place.engine == "postgresql" {
            continue;
        }
        run(&place.url, PLANTED);
        let mut client = place.client();
        let setting = "SELECT CAST(@@global.max_connect_errors AS SIGNED)";
        let before = number(&place.url, setting);
        assert_ne!(before, 77);
        for name in ["at_global", "at_second", "by_keyword", "in_quotes", "locks"] {
            for analyze in [false, true] {
                let sql = format!("SELECT id FROM tags WHERE id = {name}(1)");
                let error =
                    client.refused("explain_query", json!({"sql": sql, "analyze": analyze}));
                assert!(
                    error.contains("not known to only read"),
                    "{}: {error}",
                    place.name
                );
            }
        }
        assert_eq!(number(&place.url, setting), before, "{}", place.name);
    }
}

#[test]
fn what_a_file_says_that_its_schema_is_reaches_no_other_file() {
    let place = servers::sqlite("planted_schema");
    let other = servers::folder().join("planted-other.sqlite");
    run(
        &place.url,
        &format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = sql || '; ATTACH ''file:{}?mode=rwc'' AS p; CREATE TABLE p.x (y)' WHERE name = 'tags';
             PRAGMA writable_schema = OFF;",
            other.display()
        ),
    );
    let mut client = place.client();
    for (tool, arguments) in [
        ("describe_schema", json!({})),
        (
            "explain_query",
            json!({"sql": "SELECT id FROM orders WHERE total > 19000 AND status = 'pending'"}),
        ),
        (
            "propose_migration",
            json!({"change": "ALTER TABLE orders ADD COLUMN channel TEXT"}),
        ),
    ] {
        client.call(tool, arguments);
        assert!(!other.exists(), "{tool} wrote another file");
    }
}

#[test]
fn an_r_tree_is_a_table_like_others() {
    let place = servers::sqlite("planted_rtree");
    run(
        &place.url,
        "CREATE VIRTUAL TABLE areas USING rtree(id, min_x, max_x); INSERT INTO areas VALUES (1, 0, 1)",
    );
    let mut client = place.client();
    client.ok("describe_schema", json!({}));
    client.ok(
        "explain_query",
        json!({"sql": "SELECT id FROM areas WHERE min_x > 0.5"}),
    );
    client.ok(
        "propose_migration",
        json!({"change": "ALTER TABLE orders ADD COLUMN channel TEXT"}),
    );
}
