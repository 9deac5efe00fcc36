//! A statement whose planner passes over some indexes. <https://dev.mysql.com/doc/refman/8.4/en/index-hints.html>

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast;

use super::Statement;

impl Statement {
    /// The statement with indexes of its tables, by their names in lower case, that the planner is to pass over.
    #[must_use]
    pub fn ignoring(&self, indexes: &BTreeMap<String, Vec<String>>) -> Self {
        struct Ignore<'i>(&'i BTreeMap<String, Vec<String>>, char);
        impl ast::VisitorMut for Ignore<'_> {
            type Break = ();
            fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
                if let ast::TableFactor::Table {
                    name, index_hints, ..
                } = factor
                    && let Some(bare) = name.0.last().and_then(|part| part.as_ident())
                    && let Some(names) = self.0.get(&bare.value.to_lowercase())
                    && !names.is_empty()
                {
                    index_hints.push(ast::TableIndexHints {
                        hint_type: ast::TableIndexHintType::Ignore,
                        index_type: ast::TableIndexType::Index,
                        for_clause: None,
                        index_names: names
                            .iter()
                            .map(|name| ast::Ident::with_quote(self.1, name.clone()))
                            .collect(),
                    });
                }
                ControlFlow::Continue(())
            }
        }
        let mut statement = self.clone();
        let _ = ast::VisitMut::visit(
            &mut statement.ast,
            &mut Ignore(indexes, self.dialect.quote()),
        );
        statement
    }
}
