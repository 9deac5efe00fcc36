//! Throwaway copies: where they are made, what they hold, what can be tried on them, and that nothing stays.

mod throwaway;

use std::time::Duration;

use database_ops::catalog::{Catalog, Table};
use database_ops::config::Config;
use database_ops::engine::{Engine, Rows, Sample, Scratch, Wanted};
use database_ops::plan::Plan;
use database_ops::statement::Statement;
use serde_json::json;

use crate::client::Client;
use crate::servers::{self, Place, block_on, number, run};

/// The place with its server named as scratch.
fn configured(place: &Place) -> Config {
    let mut config = Config::load(&[format!("shop={}", place.url)], None, None).unwrap();
    if place.engine != "sqlite" {
        config.add_scratch(&place.scratch()).unwrap();
    }
    config
}

async fn open(config: &Config) -> Engine {
    Engine::open(
        &config.databases[0],
        &Sample::default(),
        Duration::from_secs(20),
    )
    .await
    .unwrap()
}

fn orders(catalog: &Catalog) -> &Table {
    catalog.find(None, "orders").unwrap()
}

/// Scratch databases on the place's server.
fn left(place: &Place, like: &str) -> i64 {
    match place.engine {
        "postgresql" => number(
            &place.url,
            &format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{like}'"),
        ),
        "sqlite" => 0,
        _ => number(
            &place.url,
            &format!(
                "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '{like}'"
            ),
        ),
    }
}

/// Names of this process's.
fn own() -> String {
    format!("database\\_ops\\_scratch\\_{}\\_%", std::process::id())
}

/// What a change to the user's database would change.
fn fingerprint(place: &Place) -> Vec<i64> {
    let mut queries = vec![
        "SELECT count(*) FROM orders",
        "SELECT CAST(sum(total) AS DECIMAL(20, 0)) = 200010000 FROM orders",
        "SELECT count(*) FROM customers",
    ];
    match place.engine {
        "postgresql" => queries.extend([
            "SELECT count(*) FROM pg_class",
            "SELECT count(*) FROM pg_attribute",
            "SELECT count(*) FROM pg_constraint",
            "SELECT last_value FROM orders_id_seq",
            "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_all_tables WHERE relname = 'orders'",
        ]),
        "sqlite" => queries.push("SELECT count(*) FROM sqlite_schema"),
        _ => queries.extend([
            "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
            "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()",
        ]),
    }
    // The server tells booleans and decimals as it likes.
    queries
        .iter()
        .map(|query| {
            let query = if query.contains("= 200010000") && place.engine == "postgresql" {
                "SELECT (sum(total) = 200010000)::int::int8 FROM orders"
            } else {
                query
            };
            number(&place.url, query)
        })
        .collect()
}

fn uses(plan: &Plan, index: &str) -> bool {
    plan.nodes.iter().any(|node| node.index == index)
}

async fn try_index(place: &Place, engine: &mut Engine, catalog: &Catalog) {
    let wanted = Wanted::every_table(Rows::About(10_000));
    let mut scratch = engine.scratch(catalog, &wanted).await.unwrap();
    let at = format!("{}: {}", place.name, scratch.description());
    let table = orders(catalog);
    let fraction = scratch.fraction(table);
    assert!((0.4..0.6).contains(&fraction), "{at}: {fraction}");
    let customers = catalog.find(None, "customers").unwrap();
    assert!((scratch.fraction(customers) - 1.0).abs() < 1e-9, "{at}");
    let sql = format!(
        "SELECT id FROM {} WHERE total = 7",
        if table.schema.is_empty() {
            "orders".to_owned()
        } else {
            // The live name, qualified, is that of the copy.
            format!("{}.orders", table.schema)
        }
    );
    let statement = Statement::parse(&sql, engine.dialect()).unwrap();
    assert!(
        !uses(&scratch.plan(&statement).await.unwrap(), "orders_total_try"),
        "{at}"
    );
    let built = scratch
        .build("CREATE INDEX orders_total_try ON orders (total)")
        .await
        .unwrap();
    assert!(built.bytes > 10_000 && built.ms > 0.0, "{at}: {built:?}");
    let plan = scratch.plan(&statement).await.unwrap();
    assert!(uses(&plan, "orders_total_try"), "{at}: {plan:?}");
    assert!(
        !format!("{plan:?}").contains("database_ops_scratch"),
        "{at}: {plan:?}"
    );
    let measured = scratch.analyze(&statement).await.unwrap();
    assert!(uses(&measured, "orders_total_try"), "{at}: {measured:?}");
    assert!(measured.analyzed, "{at}: {measured:?}");
    scratch.drop_index(table, "orders_total_try").await.unwrap();
    assert!(
        !uses(&scratch.plan(&statement).await.unwrap(), "orders_total_try"),
        "{at}"
    );
    scratch.close().await;
}

#[test]
fn an_index_is_tried_on_a_sample_and_the_users_database_stays_as_it_is() {
    for place in servers::everywhere("scratch_index") {
        let before = fingerprint(&place);
        let shop = configured(&place);
        block_on(async {
            let mut engine = open(&shop).await;
            let catalog = engine.catalog().await.unwrap();
            try_index(&place, &mut engine, &catalog).await;
            engine.close().await;
        });
        assert_eq!(before, fingerprint(&place), "{}", place.name);
    }
}

#[test]
fn only_the_wanted_tables_are_copied_and_no_row_when_none_is_wanted() {
    for place in servers::everywhere("scratch_wanted") {
        let shop = configured(&place);
        block_on(async {
            let mut engine = open(&shop).await;
            let catalog = engine.catalog().await.unwrap();
            let table = orders(&catalog);
            let wanted = Wanted {
                tables: vec![(table.schema.clone(), table.name.clone())],
                rows: Rows::None,
            };
            let mut scratch = engine.scratch(&catalog, &wanted).await.unwrap();
            let seen = scratch.look().await.unwrap();
            assert_eq!(
                seen.rows.values().sum::<i64>(),
                0,
                "{}: {seen:?}",
                place.name
            );
            assert!(scratch.fraction(table).abs() < 1e-9, "{}", place.name);
            if place.engine != "sqlite" {
                assert_eq!(seen.rows.len(), 1, "{}: {seen:?}", place.name);
            }
            let line = format!("{}.id ", table.qualified());
            assert!(
                seen.schema.iter().any(|known| known.starts_with(&line)),
                "{}: {seen:?}",
                place.name
            );
            scratch.close().await;
            engine.close().await;
        });
    }
}

/// The copy tells the same of itself as the live database.
#[test]
fn the_copy_has_the_schema_of_the_live_database() {
    for place in servers::everywhere("scratch_schema") {
        let shop = configured(&place);
        block_on(async {
            let mut engine = open(&shop).await;
            let catalog = engine.catalog().await.unwrap();
            let mut scratch = engine
                .scratch(&catalog, &Wanted::every_table(Rows::About(100_000)))
                .await
                .unwrap();
            let seen = scratch.look().await.unwrap();
            let mut live = database_ops::migration::proof::Snapshot::default();
            for table in &catalog.tables {
                live.add(table);
            }
            live.schema.sort();
            let copied: Vec<&String> = seen
                .schema
                .iter()
                // SQLite's copy tells the text of its views too.
                .filter(|line| !line.contains(": CREATE "))
                .collect();
            let missing: Vec<&String> = live
                .schema
                .iter()
                .filter(|line| !copied.contains(line))
                .collect();
            let added: Vec<&&String> = copied
                .iter()
                .filter(|line| !live.schema.contains(line))
                .collect();
            assert!(
                missing.is_empty() && added.is_empty(),
                "{}: {}: missing {missing:?}, added {added:?}",
                place.name,
                scratch.description()
            );
            scratch.close().await;
            engine.close().await;
        });
    }
}

#[test]
fn nothing_stays_whenever_the_work_is_cut_off() {
    for place in servers::servers("scratch_cut") {
        let before = left(&place, &own());
        let shop = configured(&place);
        block_on(async {
            for wait in [5, 20, 40, 80, 160, 320, 640] {
                let mut engine = open(&shop).await;
                let catalog = engine.catalog().await.unwrap();
                let wanted = Wanted::every_table(Rows::Share);
                let copying = engine.scratch(&catalog, &wanted);
                // In the middle of it, or with the copy just made and never closed.
                let _ = tokio::time::timeout(Duration::from_millis(wait), copying).await;
            }
        });
        let mut now = left(&place, &own());
        for _ in 0..60 {
            if now <= before {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            now = left(&place, &own());
        }
        assert!(now <= before, "{}: {now} left", place.name);
    }
}

#[test]
fn leftovers_of_a_dead_process_are_removed_and_nothing_else() {
    for place in servers::servers("scratch_leftovers") {
        let server = place.scratch();
        let dead = "database_ops_scratch_4194305_1";
        let others = "database_ops_scratch_notes";
        for name in [dead, others] {
            run(&server, &format!("DROP DATABASE IF EXISTS {name}"));
            run(&server, &format!("CREATE DATABASE {name}"));
        }
        let shop = configured(&place);
        block_on(async {
            let mut engine = open(&shop).await;
            let catalog = engine.catalog().await.unwrap();
            let wanted = Wanted::every_table(Rows::None);
            let first = engine.scratch(&catalog, &wanted).await.unwrap();
            // One that is in use is not taken for a leftover.
            let mut second = engine.scratch(&catalog, &wanted).await.unwrap();
            let mut first: Scratch = first;
            first.look().await.unwrap();
            second.look().await.unwrap();
            first.close().await;
            second.close().await;
            engine.close().await;
        });
        assert_eq!(left(&place, dead), 0, "{}", place.name);
        assert_eq!(left(&place, others), 1, "{}", place.name);
        run(&server, &format!("DROP DATABASE {others}"));
    }
}

/// A script for the copy never reaches another database, though they lie on one server.
#[test]
fn a_script_that_names_another_database_is_not_run() {
    for place in servers::servers("scratch_other") {
        if place.engine == "postgresql" {
            continue;
        }
        let shop = configured(&place);
        block_on(async {
            let mut engine = open(&shop).await;
            let catalog = engine.catalog().await.unwrap();
            let mut scratch = engine
                .scratch(&catalog, &Wanted::every_table(Rows::None))
                .await
                .unwrap();
            // Its own name means the copy.
            scratch
                .run("ALTER TABLE scratch_other.orders ADD COLUMN seen int")
                .await
                .unwrap();
            let error = scratch
                .run("ALTER TABLE scratch_wanted.orders ADD COLUMN seen int")
                .await
                .unwrap_err();
            assert!(error.to_string().contains("not copied"), "{error}");
            scratch.close().await;
            engine.close().await;
        });
        assert_eq!(
            number(
                &place.url,
                "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'seen'"
            ),
            0,
            "{}",
            place.name
        );
    }
}

fn config(place: &Place, name: &str, more: &str) -> String {
    let path = servers::folder().join(format!("{name}_{}.toml", place.name));
    std::fs::write(
        &path,
        format!("[databases.shop]\nurl = \"{}\"\n{more}\n", place.url),
    )
    .unwrap();
    path.display().to_string()
}

const CHANGE: &str = "CREATE INDEX orders_status_idx ON orders (status)";

#[test]
fn without_a_server_the_answer_says_how_to_give_one() {
    for place in servers::servers("scratch_none") {
        let nowhere = servers::folder().join("no-programs-here");
        let none = format!("scratch_binaries = \"{}\"", nowhere.display());
        let mut client = Client::start(&["--config", &config(&place, "scratch_none", &none)]);
        let called = client.ok("propose_migration", json!({"change": CHANGE}));
        assert_eq!(called.structured["proof"]["up_down_up"], false);
        for word in [
            "Not proved",
            "--scratch NAME=",
            "scratch_url",
            "apt install",
        ] {
            assert!(
                called.text.contains(word),
                "{}: {}",
                place.name,
                called.text
            );
        }
        let mut client = Client::start(&[
            "--config",
            &config(&place, "scratch_off", "scratch = false"),
        ]);
        let called = client.ok("propose_migration", json!({"change": CHANGE}));
        assert!(
            called.text.contains("`scratch = false`"),
            "{}: {}",
            place.name,
            called.text
        );
    }
}

#[test]
fn a_scratch_server_of_another_kind_is_refused_and_its_password_never_shown() {
    let all = servers::servers("scratch_kind");
    let (Some(mysql), Some(mariadb)) = (
        all.iter().find(|place| place.engine == "mysql"),
        all.iter().find(|place| place.engine == "mariadb"),
    ) else {
        return;
    };
    let [flag, named] = mysql.arguments();
    let other = format!("shop={}", mariadb.scratch());
    let mut client = Client::start(&[&flag, &named, "--scratch", &other]);
    let called = client.ok("propose_migration", json!({"change": CHANGE}));
    assert!(
        called.text.contains("the scratch server is MariaDB"),
        "{}",
        called.text
    );
    let wrong = other
        .replace(":@", "")
        .replace("root:", "root:wrong-password-");
    let mut client = Client::start(&[&flag, &named, "--scratch", &wrong]);
    let called = client.ok("propose_migration", json!({"change": CHANGE}));
    assert!(
        called.text.contains("authentication failed"),
        "{}",
        called.text
    );
    assert!(!called.text.contains("wrong-password"), "{}", called.text);
}

/// A check or an index of the live schema runs on scratch: not with the rights of a superuser.
#[test]
fn a_superuser_is_not_let_near_a_copied_schema() {
    for place in servers::servers("scratch_super") {
        if place.engine != "postgresql" {
            continue;
        }
        let [flag, named] = place.arguments();
        let scratch = format!("shop={}", place.url);
        let mut client = Client::start(&[&flag, &named, "--scratch", &scratch]);
        let called = client.ok("propose_migration", json!({"change": CHANGE}));
        assert!(called.text.contains("is a superuser"), "{}", called.text);
        assert_eq!(called.structured["proof"]["up_down_up"], false);
    }
}
