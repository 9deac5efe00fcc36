//! A value of another type than the column: the column is converted row by row, and its index is of no use.

use sqlparser::ast::{BinaryOperator, Expr, Value};

use super::{Rule, Subject};
use crate::catalog::{Column, Table};
use crate::finding::{Finding, Severity, Source};

pub(super) const RULE: Rule = Rule {
    id: "implicit-cast",
    check,
};

const ROWS: i64 = 1000;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in subject.query.tables() {
        if table.rows.is_some_and(|rows| rows < ROWS) {
            continue;
        }
        for column in &table.columns {
            if let Some(text) = compared_with_number(subject, table, column)
                .or_else(|| converted(subject, table, column))
            {
                findings.push(
                    Finding::new(RULE.id, Severity::High, format!("the column is {}, the value is not: each row is converted, and no plain index on it is used", column.data_type))
                        .object(format!("{}.{}", table.qualified(), column.name))
                        .evidence("condition", crate::answer::excerpt(&text, 100), "", Source::Measured)
                        .remedy("give the value in the column's own type (quote it for a text, no decimals for an integer), or CAST the value")
                        .keeps(&["O7"])
                        .catalogued(&["SQL-IMPLICIT-CAST", "MY-IMPLICIT", "LT-TYPE-AFFINITY"]),
                );
            }
        }
    }
    findings
}

pub(super) fn is_text(column: &Column) -> bool {
    let kind = column.data_type.to_lowercase();
    ["char", "text", "clob", "enum"]
        .iter()
        .any(|word| kind.contains(word))
}

/// A text compared with a number, where the engine takes that to be a comparison of numbers.
fn compared_with_number(subject: &Subject<'_>, table: &Table, column: &Column) -> Option<String> {
    if !is_text(column) || !subject.dialect()?.compares_texts_as_numbers() {
        return None;
    }
    let mut found = None;
    subject.each_expression(|expr| {
        let Expr::BinaryOp { left, op, right } = expr else { return };
        let compares = matches!(op, BinaryOperator::Eq | BinaryOperator::Lt | BinaryOperator::Gt | BinaryOperator::LtEq | BinaryOperator::GtEq);
        let number = |expr: &Expr| matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
        let own = |expr: &Expr| match expr {
            Expr::Identifier(name) => name.value.eq_ignore_ascii_case(&column.name),
            Expr::CompoundIdentifier(parts) => {
                let names: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                matches!(names.as_slice(), [.., of, name] if name.eq_ignore_ascii_case(&column.name) && subject.query.called(of).is_some_and(|called| std::ptr::eq(called, table)))
            }
            _ => false,
        };
        if compares && (own(left) && number(right) || own(right) && number(left)) {
            found.get_or_insert_with(|| expr.to_string());
        }
    });
    found
}

/// A cast around the column that the plan has and the statement has not.
fn converted(subject: &Subject<'_>, table: &Table, column: &Column) -> Option<String> {
    let own: Vec<_> = subject
        .nodes()
        .filter(|node| {
            subject
                .table(node)
                .is_some_and(|read| std::ptr::eq(read, table))
        })
        .collect();
    let written = subject
        .statement
        .map(|statement| statement.ast.to_string().to_lowercase())
        .unwrap_or_default();
    own.iter().find_map(|node| {
        let text = &node.filter;
        let at = [
            format!("({})::", column.name),
            format!(".{})::", column.name),
        ]
        .iter()
        .find_map(|start| Some(text.find(start.as_str())? + start.len()))?;
        let kind: String = text
            .get(at..)?
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        // A text of another kind is compared as it is.
        let harmless =
            is_text(column) && matches!(kind.as_str(), "text" | "bpchar" | "character" | "varchar");
        let asked = written.contains(&format!("::{kind}"))
            || written.contains(&format!("as {kind}"))
            || written.contains("cast(");
        (!harmless && !asked).then(|| text.clone())
    })
}
