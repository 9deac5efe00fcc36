//! Cases of the diagram: which tables, relationships and many-to-many there are.

use super::sample::{catalog, refers, shop, table, unique};
use super::*;

fn all(catalog: &Catalog) -> Erd {
    Erd::new(catalog, &Selection::default())
}

fn names(erd: &Erd) -> Vec<&str> {
    erd.tables.iter().map(|table| table.name.as_str()).collect()
}

fn neighbourhood(focus: &str, parents: usize, children: usize) -> Selection {
    Selection {
        focus: focus.to_owned(),
        parents,
        children,
        ..Selection::default()
    }
}

#[test]
fn composite_key_is_one_relationship_and_unique_columns_make_it_one_to_one() {
    let parent = table(
        "plot",
        "country text, number bigint",
        &["country", "number"],
    );
    let child = table("house", "id bigint, country text, number? bigint", &["id"]);
    let child = unique(
        refers(
            child,
            &["country", "number"],
            "plot",
            &["country", "number"],
        ),
        &["number", "country"],
    );
    let erd = all(&catalog(vec![parent, child]));
    let [only] = erd.relationships.as_slice() else {
        panic!("{:?}", erd.relationships)
    };
    assert_eq!(only.from.columns, ["country", "number"]);
    assert_eq!(only.cardinality, Cardinality::OneToOne);
    assert!(only.optional && only.indexed && !only.is_self);
}

#[test]
fn self_references_and_keys_across_schemas_stay() {
    let person = refers(
        table("person", "id bigint, boss_id? bigint", &["id"]),
        &["boss_id"],
        "person",
        &["id"],
    );
    let mut badge = refers(
        table("badge", "person_id bigint", &["person_id"]),
        &["person_id"],
        "public.person",
        &[],
    );
    badge.schema = "access".to_owned();
    let erd = all(&catalog(vec![person, badge]));
    assert_eq!(erd.relationships[0].from.schema, "access");
    assert_eq!(erd.relationships[0].to.columns, ["id"]);
    assert_eq!(erd.relationships[0].cardinality, Cardinality::OneToOne);
    assert!(erd.relationships[1].is_self && !erd.relationships[1].indexed);
    assert_eq!(erd.tables[0].columns[0].key, Mark::PrimaryForeign);
}

#[test]
fn many_to_many_allows_payload_and_the_same_table_twice() {
    let user = table("user", "id bigint", &["id"]);
    let link = table(
        "follows",
        "who bigint, whom bigint, since timestamptz",
        &["who", "whom"],
    );
    let link = refers(
        refers(link, &["who"], "user", &["id"]),
        &["whom"],
        "user",
        &["id"],
    );
    let note = table("note", "id bigint, author bigint, reader bigint", &["id"]);
    let note = refers(
        refers(note, &["author"], "user", &["id"]),
        &["reader"],
        "user",
        &["id"],
    );
    let erd = all(&catalog(vec![user, link, note]));
    let between = ["user".to_owned(), "user".to_owned()];
    assert_eq!(
        erd.many_to_many,
        [ManyToMany {
            through: "follows".to_owned(),
            between
        }]
    );
}

#[test]
fn focus_goes_up_and_down_so_many_steps_and_counts_what_it_cuts() {
    let shop = shop();
    let erd = Erd::new(&shop, &neighbourhood("orders", 1, 1));
    assert_eq!(names(&erd), ["customers", "order_items", "orders"]);
    assert_eq!((erd.relationships.len(), erd.cut), (2, 1));
    let erd = Erd::new(&shop, &neighbourhood("public.order_items", 2, 0));
    assert_eq!(
        names(&erd),
        [
            "categories",
            "customers",
            "order_items",
            "orders",
            "products"
        ]
    );
    assert!(
        Erd::new(&shop, &neighbourhood("nothing", 1, 1))
            .tables
            .is_empty()
    );
}

#[test]
fn patterns_choose_by_name_or_by_qualified_name() {
    let shop = shop();
    let include = vec!["PUBLIC.*order*".to_owned(), "c?stomers".to_owned()];
    let exclude = vec!["order_*".to_owned()];
    let erd = Erd::new(
        &shop,
        &Selection {
            include,
            exclude,
            ..Selection::default()
        },
    );
    assert_eq!(names(&erd), ["customers", "orders"]);
    assert!(matches("*", "") && matches("a*b?", "aXXbc") && !matches("a?", "a"));
}

#[test]
fn serialized_names_are_those_of_the_contract() {
    let value = serde_json::to_value(all(&shop())).unwrap();
    let relationship = &value["relationships"][0];
    assert_eq!(relationship["cardinality"], "N:1");
    assert_eq!(relationship["self"], true);
    assert_eq!(value["tables"][0]["columns"][0]["key"], "PK");
    assert_eq!(value["tables"][0]["columns"][3].get("key"), None);
    assert_eq!(value["tables"][0]["columns"][0]["type"], "bigint");
    assert_eq!(value.get("cut"), None);
    let schema = serde_json::to_string(&schemars::schema_for!(Erd)).unwrap();
    assert!(!schema.contains("$ref"), "{schema}");
}
