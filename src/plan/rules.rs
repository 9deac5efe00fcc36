//! What can be wrong with a plan or with the statement behind it: one file a rule.

mod automatic_index;
mod cartesian_product;
mod correlated_subquery;
mod filter_discards_rows;
mod full_scan_large_table;
mod function_on_column;
mod large_in_list;
mod large_offset;
mod leading_wildcard;
mod limit_without_order;
mod nested_loop_inner_scan;
mod not_in_null;
mod order_by_random;
mod row_misestimate;
mod select_star;
mod sort_without_index;
mod spill_to_disk;
mod statistics_missing;

use sqlparser::ast;

use super::{Plan, PlanNode};
use crate::catalog::{Catalog, Table};
use crate::finding::{Finding, rank};
use crate::query::Query;

/// What a rule may look at.
#[derive(Debug)]
pub struct Subject<'a> {
    pub plan: &'a Plan,
    pub catalog: &'a Catalog,
    pub query: &'a Query<'a>,
    /// The statement as written, for what `query` does not keep.
    pub statement: &'a ast::Statement,
}

#[derive(Debug)]
pub struct Rule {
    /// Kebab-case; the file's name with dashes.
    pub id: &'static str,
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

/// Every rule, by name.
pub const RULES: &[Rule] = &[
    automatic_index::RULE,
    cartesian_product::RULE,
    correlated_subquery::RULE,
    filter_discards_rows::RULE,
    full_scan_large_table::RULE,
    function_on_column::RULE,
    large_in_list::RULE,
    large_offset::RULE,
    leading_wildcard::RULE,
    limit_without_order::RULE,
    nested_loop_inner_scan::RULE,
    not_in_null::RULE,
    order_by_random::RULE,
    row_misestimate::RULE,
    select_star::RULE,
    sort_without_index::RULE,
    spill_to_disk::RULE,
    statistics_missing::RULE,
];

/// All that the rules have to say, worst first.
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES
        .iter()
        .flat_map(|rule| (rule.check)(subject))
        .collect();
    rank(&mut findings);
    findings.dedup();
    findings
}

impl<'a> Subject<'a> {
    pub const fn new(
        plan: &'a Plan,
        catalog: &'a Catalog,
        query: &'a Query<'a>,
        statement: &'a ast::Statement,
    ) -> Self {
        Self {
            plan,
            catalog,
            query,
            statement,
        }
    }

    /// The table that a node reads.
    fn table(&self, node: &PlanNode) -> Option<&Table> {
        if node.relation.is_empty() {
            return None;
        }
        let schema = (!node.schema.is_empty()).then_some(node.schema.as_str());
        self.query
            .called(&node.relation)
            .or_else(|| self.catalog.find(schema, &node.relation))
    }

    /// Rows of the table that a node reads, as far as anybody knows.
    fn table_rows(&self, node: &PlanNode) -> Option<i64> {
        let catalog = self.table(node).and_then(|table| table.rows);
        catalog.or_else(|| {
            node.examined_rows
                .or(node.estimated_rows)
                .map(|rows| rows as i64)
        })
    }
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::catalog::{Column, TableKind};
    use crate::statement::{Dialect, Statement};

    /// A table `t (id, a, b)` with this many rows; `b` may be NULL.
    pub(super) fn catalog(rows: i64) -> Catalog {
        let column = |name: &str, nullable| Column {
            name: name.to_owned(),
            data_type: "integer".to_owned(),
            nullable,
            ..Column::default()
        };
        let table = |name: &str| Table {
            schema: "public".to_owned(),
            name: name.to_owned(),
            kind: TableKind::Table,
            columns: vec![column("id", false), column("a", false), column("b", true)],
            rows: Some(rows),
            ..Table::default()
        };
        Catalog {
            default_schema: "public".to_owned(),
            tables: vec![table("t"), table("u")],
        }
    }

    /// What one rule says of a statement and its plan.
    pub(super) fn findings(rule: &Rule, sql: &str, catalog: &Catalog, plan: &Plan) -> usize {
        let statement = Statement::parse(sql, Dialect::Postgres).unwrap();
        let query = Query::new(&statement.ast, catalog);
        let found = (rule.check)(&Subject::new(plan, catalog, &query, &statement.ast));
        assert!(found.iter().all(|finding| finding.rule == rule.id));
        found.len()
    }

    /// A plan of these nodes, each under the one that its number names.
    pub(super) fn plan(nodes: Vec<(Option<usize>, PlanNode)>) -> Plan {
        let mut plan = Plan::default();
        for (parent, node) in nodes {
            plan.push(parent, node);
        }
        plan.analyzed = plan.nodes.iter().any(|node| node.actual_rows.is_some());
        plan
    }

    #[test]
    fn ids_are_the_names_of_the_files_in_order() {
        let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
        assert!(ids.is_sorted());
    }
}
