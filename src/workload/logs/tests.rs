//! A few lines of each log, as the programs write them.

use super::*;

fn told(text: &str) -> (Format, Vec<String>) {
    let (format, events) = read(text);
    let lines = events.iter().map(|event| {
        let time = event.ms.map_or(String::new(), |ms| format!(" {ms:.1}"));
        format!(
            "{}|{}{time}|{}",
            event.session,
            event.sql.replace('\n', " "),
            event.values
        )
    });
    (format, lines.collect())
}

#[test]
fn servers() {
    assert_eq!(
        told(
            "2026-11-25 08:00:01.123 UTC [4711] LOG:  duration: 0.345 ms  execute s1: SELECT id FROM orders\n\tWHERE customer_id = $1\n2026-11-25 08:00:01.123 UTC [4711] DETAIL:  parameters: $1 = '7'\n2026-11-25 08:00:01 UTC [4712] LOG:  checkpoint starting: time\n2026-11-25 08:00:02 UTC [4711] LOG:  statement: UPDATE t SET a = 1\n"
        ),
        (
            Format::Postgres,
            vec![
                "4711|SELECT id FROM orders \tWHERE customer_id = $1 0.3|parameters: $1 = '7'"
                    .to_owned(),
                "4711|UPDATE t SET a = 1|".to_owned(),
            ]
        )
    );
    assert_eq!(
        told(
            "2026-11-25 08:00:01.123 UTC,\"app\",\"shop\",4711,\"127.0.0.1:5000\",6565.1267,1,\"SELECT\",2026-11-25 08:00:00 UTC,3/7,0,LOG,00000,\"duration: 12.500 ms  statement: SELECT \"\"id\"\"\nFROM orders\",,,,,,,,,\"psql\",\"client backend\",,0\n"
        ),
        (
            Format::PostgresCsv,
            vec!["6565.1267|SELECT \"id\" FROM orders 12.5|".to_owned()]
        )
    );
    assert_eq!(
        told(
            "{\"timestamp\":\"2026-11-25\",\"pid\":4711,\"session_id\":\"6565.1267\",\"message\":\"duration: 1.5 ms  statement: SELECT 1\"}\n{\"sql\":\"SELECT 2\",\"duration_ms\":3,\"trace_id\":\"a\"}\n"
        ),
        (
            Format::Json,
            vec![
                "6565.1267|SELECT 1 1.5|".to_owned(),
                "a|SELECT 2 3.0|".to_owned()
            ]
        )
    );
    assert_eq!(
        told(
            "2026-11-25T08:00:01.1Z\t    8 Query\tSELECT id FROM orders\nWHERE id = 7\n2026-11-25T08:00:01.2Z\t    9 Quit\t\n2026-11-25T08:00:01.2Z\t    9 Execute\tSELECT 2\n"
        ),
        (
            Format::MySqlGeneral,
            vec![
                "8|SELECT id FROM orders WHERE id = 7|".to_owned(),
                "9|SELECT 2|".to_owned()
            ]
        )
    );
    assert_eq!(
        told(
            "# Time: 2026-11-25T08:00:01.1Z\n# User@Host: app[app] @ localhost []  Id:     8\n# Query_time: 0.250000  Lock_time: 0.000001 Rows_sent: 1  Rows_examined: 900\nSET timestamp=1795593601;\nSELECT id FROM orders WHERE id = 7;\n"
        ),
        (
            Format::MySqlSlow,
            vec!["8|SELECT id FROM orders WHERE id = 7 250.0|".to_owned()]
        )
    );
}

#[test]
fn frameworks() {
    assert_eq!(
        told(
            "2026-11-25 08:00:01,123 INFO sqlalchemy.engine.Engine BEGIN (implicit)\n2026-11-25 08:00:01,124 INFO sqlalchemy.engine.Engine SELECT orders.id \nFROM orders \nWHERE ? = orders.customer_id\n2026-11-25 08:00:01,124 INFO sqlalchemy.engine.Engine [generated in 0.00012s] (7,)\n"
        ),
        (
            Format::SqlAlchemy,
            vec!["|SELECT orders.id  FROM orders  WHERE ? = orders.customer_id|(7,)".to_owned()]
        )
    );
    assert_eq!(
        told(
            "DEBUG django.db.backends: (0.002) SELECT \"a\".\"id\" FROM \"a\" WHERE \"a\".\"b_id\" = 7; args=(7,); alias=default"
        ),
        (
            Format::Django,
            vec!["|SELECT \"a\".\"id\" FROM \"a\" WHERE \"a\".\"b_id\" = 7 2.0|(7,)".to_owned()]
        )
    );
    assert_eq!(
        told("Started GET \"/\" for 127.0.0.1\n  User Load (0.5ms)  SELECT \"users\".* FROM \"users\" WHERE \"users\".\"id\" = $1 LIMIT $2  [[\"id\", 1], [\"LIMIT\", 1]]"),
        (Format::Rails, vec!["1|SELECT \"users\".* FROM \"users\" WHERE \"users\".\"id\" = $1 LIMIT $2 0.5|\"id\", 1], [\"LIMIT\", 1]]".to_owned()])
    );
    assert_eq!(
        told("prisma:query SELECT `a`.`id` FROM `a` WHERE `a`.`id` = ?"),
        (
            Format::Prisma,
            vec!["|SELECT `a`.`id` FROM `a` WHERE `a`.`id` = ?|".to_owned()]
        )
    );
    assert_eq!(
        told("query: SELECT * FROM a WHERE id = $1 -- PARAMETERS: [7]"),
        (
            Format::TypeOrm,
            vec!["|SELECT * FROM a WHERE id = $1|[7]".to_owned()]
        )
    );
    assert_eq!(
        told(
            "08:00 DEBUG org.hibernate.SQL - select o.id from orders o where o.id=?\n08:00 TRACE o.h.type - binding parameter [1] as [BIGINT] - [7]"
        ),
        (
            Format::Hibernate,
            vec!["|select o.id from orders o where o.id=?|[1] as [BIGINT] - [7]".to_owned()]
        )
    );
    assert_eq!(
        told("SELECT 1;\nSELECT\n 2;\nnothing"),
        (
            Format::Sql,
            vec!["|SELECT 1|".to_owned(), "|SELECT  2|".to_owned()]
        )
    );
    assert!(told("no log at all\n\u{0}\u{fffd}").1.is_empty());
}
