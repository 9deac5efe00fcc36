//! COUNT(*) over a whole large table.

use sqlparser::ast::{Expr, GroupByExpr, SelectItem};

use super::{Rule, Subject};
use crate::answer::count;
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "exact-count",
    check,
};

const ROWS: i64 = 1_000_000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut whole = false;
    subject.each_select(|select| {
        let counts = |item: &SelectItem| {
            matches!(item, SelectItem::UnnamedExpr(Expr::Function(function)) | SelectItem::ExprWithAlias { expr: Expr::Function(function), .. }
                if function.name.to_string().eq_ignore_ascii_case("count") && !function.to_string().to_lowercase().contains("distinct"))
        };
        let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        let single = matches!(select.from.as_slice(), [one] if one.joins.is_empty());
        whole |= select.projection.iter().any(counts) && select.selection.is_none() && ungrouped && single;
    });
    let tables = subject.query.tables();
    let largest = tables
        .into_iter()
        .filter_map(|table| Some((table, table.rows?)))
        .max_by_key(|(_, rows)| *rows);
    let Some((table, rows)) = largest.filter(|(_, rows)| whole && *rows >= ROWS) else {
        return Vec::new();
    };
    vec![
        Finding::new(RULE.id, Severity::Low, "every row is visited to count them exactly")
            .object(table.qualified())
            .evidence("rows, about", count(rows), "", Source::Measured)
            .remedy("where about will do, read the estimate (pg_class.reltuples, information_schema.TABLES.TABLE_ROWS, sqlite_stat1); else keep a counter, or ask only whether there are more than n: SELECT count(*) FROM (SELECT 1 FROM … LIMIT n)")
            .keeps(&["O7"])
            .catalogued(&["SQL-COUNT-STAR"]),
    ]
}
