//! Whatever stands where a plan should be, it is read or refused; what was read is drawn and judged.
#![no_main]

use std::sync::LazyLock;

use database_ops::catalog::{Catalog, Column, Table};
use database_ops::plan::{Plan, render, rules};
use database_ops::query::Query;
use database_ops::statement::{Dialect, Literals, Statement};
use libfuzzer_sys::fuzz_target;

/// The empty one is found out.
const ENGINES: [&str; 5] = ["postgresql", "mysql", "mariadb", "sqlite", ""];
const SQL: &str = "SELECT * FROM t JOIN u ON u.id = t.a WHERE t.b = 'x' AND t.a NOT IN (SELECT b FROM u) ORDER BY t.b";

static STATEMENT: LazyLock<Statement> =
    LazyLock::new(|| Statement::parse(SQL, Dialect::Postgres).expect("it parses"));
static CATALOGS: LazyLock<[Catalog; 2]> = LazyLock::new(|| {
    let column = |name: &str| Column {
        name: name.to_owned(),
        nullable: name == "b",
        ..Column::default()
    };
    let table = |name: &str| Table {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: ["id", "a", "b"].map(column).into(),
        rows: Some(1_000_000),
        ..Table::default()
    };
    let known = Catalog {
        default_schema: "public".to_owned(),
        tables: vec![table("t"), table("u")],
    };
    [Catalog::default(), known]
});

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let engine = ENGINES[usize::from(*first) % ENGINES.len()];
    let Ok(database_ops::engine::pasted::Pasted { mut plan, .. }) = database_ops::engine::pasted::read(text, engine) else {
        return;
    };
    is_a_tree(&plan);
    is_drawn(&plan);
    for catalog in CATALOGS.iter() {
        let query = Query::new(&STATEMENT.ast, catalog);
        let _ = rules::check(&rules::Subject::new(&plan, catalog, &query, Some(&STATEMENT)));
        let _ = database_ops::advice::candidates(&plan, &query, catalog);
    }
    // What an answer does before it shows a plan.
    let literals = Literals::of(&STATEMENT.ast, STATEMENT.dialect);
    for node in &mut plan.nodes {
        for text in [
            &mut node.condition,
            &mut node.filter,
            &mut node.keys,
            &mut node.operation,
        ] {
            *text = literals.hide_others(text);
        }
    }
    is_drawn(&plan);
    let _ = (plan.rows_read(), plan.cost());
});

/// Nodes stand in reading order, each after its parent, and shares are shares.
fn is_a_tree(plan: &Plan) {
    for (position, node) in plan.nodes.iter().enumerate() {
        assert_eq!(node.id, position);
        assert!(node.parent.is_none_or(|parent| parent < position));
        assert!(
            node.share
                .is_none_or(|share| (0.0..=1.0 + 1e-6).contains(&share)),
            "a share of {:?}",
            node.share
        );
        assert!(node.self_ms.is_none_or(|own| own >= 0.0));
    }
}

fn is_drawn(plan: &Plan) {
    let most = 40;
    let tree = render::tree(plan, most);
    assert!(tree.chars().all(|c| c == '\n' || !c.is_control()));
    // A node is at most its own line, three of conditions and one of what it spilled.
    assert!(tree.lines().count() <= plan.nodes.len().min(most) * 5 + 1);
}
