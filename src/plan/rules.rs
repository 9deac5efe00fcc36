//! What can be wrong with a plan or with the statement behind it: one file a rule.

mod automatic_index;
mod bitmap_lossy;
mod bloom_filter;
mod brin_candidate;
mod buffers_per_row;
mod cache_useless;
mod cartesian_product;
mod cold_cache;
mod correlated_columns;
mod correlated_subquery;
mod count_for_existence;
mod cte_fence;
mod cte_large;
mod disabled_node;
mod distinct_join;
mod distinct_misestimate;
mod exact_count;
mod expression_guessed;
mod filter_discards_rows;
mod foreign_key_unindexed;
mod foreign_scan_local_filter;
mod full_index_scan;
mod full_scan_large_table;
mod function_in_filter;
mod function_on_column;
mod function_scan;
mod hash_batches_grew;
mod having_without_aggregate;
mod histogram_missing;
mod implicit_cast;
mod incremental_sort_large_groups;
mod index_invalid;
mod index_not_used;
mod index_only_heap_fetches;
mod index_only_missed;
mod index_prefix_skipped;
mod index_scattered;
mod indexes_intersected;
mod jit_overhead;
mod join_filter_discards;
mod join_type_mismatch;
mod large_in_list;
mod large_offset;
mod leading_wildcard;
mod left_join_negated;
mod like_prefix_unindexed;
mod limit_scanned_far;
mod limit_without_order;
mod many_joins;
mod materialize_rescanned;
mod merge_join_sorts;
mod mixed_order;
mod negative_predicate;
mod nested_loop_inner_scan;
mod nested_loop_many;
mod not_in_null;
mod or_across_columns;
mod order_by_random;
mod partitions_many;
mod partitions_never_run;
mod partitions_unpruned;
mod planner_settings;
mod planning_dominates;
mod random_primary_key;
mod range_checked;
mod read_dirties_pages;
mod row_misestimate;
mod row_security_scan;
mod rowid_filter_useless;
mod select_star;
mod serialization_time;
mod slow_reads;
mod sort_right_part;
mod sort_without_index;
mod spill_to_disk;
mod statistics_missing;
mod statistics_stale;
mod table_bloat;
mod temporary_files;
mod temporary_table;
mod trigger_time;
mod unbounded_result;
mod union_distinct;
mod update_not_hot;
mod virtual_table_scan;
mod wal_full_pages;
mod worker_skew;
mod workers_missing;
mod write_without_where;

use std::ops::ControlFlow;

use sqlparser::ast::{self, Visit, Visitor};

use super::{Plan, PlanNode};
use crate::catalog::{Catalog, Table};
use crate::finding::{Finding, rank};
use crate::query::{Predicate, Query};
use crate::statement::{Dialect, Statement};

/// What a rule may look at.
#[derive(Debug)]
pub struct Subject<'a> {
    pub plan: &'a Plan,
    pub catalog: &'a Catalog,
    pub query: &'a Query<'a>,
    /// The statement as written, for what `query` does not keep; a plan may come without it.
    pub statement: Option<&'a Statement>,
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
    bitmap_lossy::RULE,
    bloom_filter::RULE,
    brin_candidate::RULE,
    buffers_per_row::RULE,
    cache_useless::RULE,
    cartesian_product::RULE,
    cold_cache::RULE,
    correlated_columns::RULE,
    correlated_subquery::RULE,
    count_for_existence::RULE,
    cte_fence::RULE,
    cte_large::RULE,
    disabled_node::RULE,
    distinct_join::RULE,
    distinct_misestimate::RULE,
    exact_count::RULE,
    expression_guessed::RULE,
    filter_discards_rows::RULE,
    foreign_key_unindexed::RULE,
    foreign_scan_local_filter::RULE,
    full_index_scan::RULE,
    full_scan_large_table::RULE,
    function_in_filter::RULE,
    function_on_column::RULE,
    function_scan::RULE,
    hash_batches_grew::RULE,
    having_without_aggregate::RULE,
    histogram_missing::RULE,
    implicit_cast::RULE,
    incremental_sort_large_groups::RULE,
    index_invalid::RULE,
    index_not_used::RULE,
    index_only_heap_fetches::RULE,
    index_only_missed::RULE,
    index_prefix_skipped::RULE,
    index_scattered::RULE,
    indexes_intersected::RULE,
    jit_overhead::RULE,
    join_filter_discards::RULE,
    join_type_mismatch::RULE,
    large_in_list::RULE,
    large_offset::RULE,
    leading_wildcard::RULE,
    left_join_negated::RULE,
    like_prefix_unindexed::RULE,
    limit_scanned_far::RULE,
    limit_without_order::RULE,
    many_joins::RULE,
    materialize_rescanned::RULE,
    merge_join_sorts::RULE,
    mixed_order::RULE,
    negative_predicate::RULE,
    nested_loop_inner_scan::RULE,
    nested_loop_many::RULE,
    not_in_null::RULE,
    or_across_columns::RULE,
    order_by_random::RULE,
    partitions_many::RULE,
    partitions_never_run::RULE,
    partitions_unpruned::RULE,
    planner_settings::RULE,
    planning_dominates::RULE,
    random_primary_key::RULE,
    range_checked::RULE,
    read_dirties_pages::RULE,
    row_misestimate::RULE,
    row_security_scan::RULE,
    rowid_filter_useless::RULE,
    select_star::RULE,
    serialization_time::RULE,
    slow_reads::RULE,
    sort_right_part::RULE,
    sort_without_index::RULE,
    spill_to_disk::RULE,
    statistics_missing::RULE,
    statistics_stale::RULE,
    table_bloat::RULE,
    temporary_files::RULE,
    temporary_table::RULE,
    trigger_time::RULE,
    unbounded_result::RULE,
    union_distinct::RULE,
    update_not_hot::RULE,
    virtual_table_scan::RULE,
    wal_full_pages::RULE,
    worker_skew::RULE,
    workers_missing::RULE,
    write_without_where::RULE,
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
        statement: Option<&'a Statement>,
    ) -> Self {
        Self {
            plan,
            catalog,
            query,
            statement,
        }
    }

    fn dialect(&self) -> Option<Dialect> {
        self.statement.map(|statement| statement.dialect)
    }

    /// What builds an index on keys as SQL, under a name that ends so; nothing where the dialect is not known.
    fn create_index(&self, table: &Table, name: &str, keys: &[String]) -> Option<String> {
        let dialect = self.dialect()?;
        Some(format!(
            "{} {} ON {} ({})",
            dialect.create_index(),
            dialect.identifier(&format!("{}_{name}_idx", table.name)),
            dialect.table(&table.schema, &table.name, &self.catalog.default_schema),
            keys.join(", ")
        ))
    }

    /// A name as it stands in SQL.
    fn name(&self, name: &str) -> String {
        self.dialect()
            .map_or_else(|| name.to_owned(), |dialect| dialect.identifier(name))
    }

    fn nodes(&self) -> impl Iterator<Item = &'a PlanNode> + use<'a> {
        self.plan.nodes.iter()
    }

    /// What an answer calls the table or the operation of a node.
    fn object(&self, node: &PlanNode) -> String {
        match self.table(node) {
            Some(table) => table.qualified(),
            None if node.relation.is_empty() => node.operation.clone(),
            None => node.object(),
        }
    }

    /// Conditions of the statement that compare a column of this table with something known.
    fn predicates(&self, table: &'a Table) -> impl Iterator<Item = &'a Predicate<'a>> + use<'a> {
        let scopes = self.query.scopes.iter();
        scopes
            .flat_map(|scope| &scope.predicates)
            .filter(move |predicate| std::ptr::eq(predicate.column.table, table))
    }

    /// Calls a function with every query of the statement, those inside others as well.
    fn each_query(&self, look: impl FnMut(&ast::Query)) {
        struct Each<F>(F);
        impl<F: FnMut(&ast::Query)> Visitor for Each<F> {
            type Break = ();
            fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
                (self.0)(query);
                ControlFlow::Continue(())
            }
        }
        if let Some(statement) = self.statement {
            let _ = statement.ast.visit(&mut Each(look));
        }
    }

    /// Calls a function with every SELECT of the statement.
    fn each_select(&self, mut look: impl FnMut(&ast::Select)) {
        fn descend(body: &ast::SetExpr, look: &mut impl FnMut(&ast::Select)) {
            match body {
                ast::SetExpr::Select(select) => look(select),
                ast::SetExpr::SetOperation { left, right, .. } => {
                    descend(left, look);
                    descend(right, look);
                }
                // A query in brackets is a query of its own.
                _ => {}
            }
        }
        self.each_query(|query| descend(&query.body, &mut look));
    }

    /// Calls a function with every expression of the statement.
    fn each_expression(&self, mut look: impl FnMut(&ast::Expr)) {
        if let Some(statement) = self.statement {
            let _ = ast::visit_expressions(&statement.ast, |expr| {
                look(expr);
                ControlFlow::<()>::Continue(())
            });
        }
    }

    /// The table that a node reads.
    fn table(&self, node: &PlanNode) -> Option<&'a Table> {
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
        let found = (rule.check)(&Subject::new(plan, catalog, &query, Some(&statement)));
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
