//! Operators as the server reads them.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The server reads signs that stand together as one operator, where the parser may see several and write them
/// apart. <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-OPERATORS>
pub(super) fn whole(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    const SIGNS: &str = "+-*/<>=~!@#%^&|`?";
    const SPECIAL: &str = "~!@#%^&|`?";
    let signs = |token: &TokenWithSpan| -> Option<String> {
        if matches!(
            token.token,
            Token::Whitespace(_) | Token::Word(_) | Token::Placeholder(_)
        ) {
            return None;
        }
        let text = token.token.to_string();
        (!text.is_empty() && text.chars().all(|c| SIGNS.contains(c))).then_some(text)
    };
    let mut whole = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let Some(mut run) = signs(&token) else {
            whole.push(token);
            continue;
        };
        let mut parts = vec![token];
        while let Some(more) = rest.peek().and_then(&signs) {
            run.push_str(&more);
            parts.extend(rest.next());
        }
        match parts.as_slice() {
            [first, _, ..] if run.contains(|c| SPECIAL.contains(c)) => whole.push(
                TokenWithSpan::new(Token::CustomBinaryOperator(run), first.span),
            ),
            _ => whole.append(&mut parts),
        }
    }
    whole
}
