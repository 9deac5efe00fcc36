//! How deep a statement's tree can become, told from its tokens before there is a tree: a parser guards itself
//! against brackets, and not against a thousand operators in a row.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// An upper bound of the depth. Lists, which commas make, are as wide as they like.
pub(super) fn of(tokens: &[TokenWithSpan]) -> usize {
    let mut levels = vec![Level::default()];
    let mut deepest = 0;
    let mut sum = 0;
    let mut last = &Token::EOF;
    for token in tokens {
        let open = levels.len();
        // A keyword behind a period is a name; an empty pair of brackets is a type within a type.
        let kind = match (last, &token.token) {
            (Token::Period, Token::Word(_)) => Kind::Other,
            (Token::LBracket, Token::RBracket) => Kind::ClosesType,
            (_, token) => kind(token),
        };
        if !matches!(token.token, Token::Whitespace(_)) {
            last = &token.token;
        }
        let Some(level) = levels.last_mut() else {
            break;
        };
        match kind {
            Kind::Opens => levels.push(Level::default()),
            Kind::Closes => {
                sum -= level.operators + level.sets + level.joins;
                // One more closes than opened: the parser will say so.
                if open > 1 {
                    levels.pop();
                } else {
                    *level = Level::default();
                }
            }
            Kind::ClosesType => {
                if open > 1 {
                    levels.pop();
                }
                if let Some(outer) = levels.last_mut() {
                    outer.operators += 1;
                    sum += 1;
                }
            }
            Kind::Separates => {
                sum -= level.operators;
                level.operators = 0;
            }
            Kind::Operator => {
                level.operators += 1;
                sum += 1;
            }
            Kind::SetOperation => {
                sum -= level.joins;
                level.joins = 0;
                level.sets += 1;
                sum += 1;
            }
            Kind::Join => {
                level.joins += JOIN;
                sum += JOIN;
            }
            Kind::Joined if level.joins > 0 => {
                level.joins -= JOIN;
                sum -= JOIN;
            }
            Kind::Joined | Kind::Other => {}
        }
        deepest = deepest.max(sum + open);
    }
    deepest
}

/// What stands in one pair of brackets, up to here.
#[derive(Default)]
struct Level {
    /// Since the last comma.
    operators: usize,
    sets: usize,
    /// Joins whose condition has not come yet.
    joins: usize,
}

/// Until its condition comes, a join is a call within a call of the parser, and a large one.
const JOIN: usize = 10;

enum Kind {
    Opens,
    Closes,
    ClosesType,
    Separates,
    Operator,
    SetOperation,
    Join,
    Joined,
    Other,
}

fn kind(token: &Token) -> Kind {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => Kind::Opens,
        Token::RParen | Token::RBracket | Token::RBrace => Kind::Closes,
        Token::Comma | Token::SemiColon => Kind::Separates,
        Token::Word(word)
            if word.quote_style.is_none()
                && ["ISNULL", "NOTNULL", "MOD"]
                    .iter()
                    .any(|operator| word.value.eq_ignore_ascii_case(operator)) =>
        {
            Kind::Operator
        }
        Token::Word(word) => match word.keyword {
            Keyword::CASE => Kind::Opens,
            Keyword::END => Kind::Closes,
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE => Kind::Separates,
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                Kind::SetOperation
            }
            Keyword::JOIN => Kind::Join,
            Keyword::ON | Keyword::USING => Kind::Joined,
            Keyword::AND
            | Keyword::AT
            | Keyword::BETWEEN
            | Keyword::COLLATE
            | Keyword::DIV
            | Keyword::GLOB
            | Keyword::ILIKE
            | Keyword::IN
            | Keyword::IS
            | Keyword::LIKE
            | Keyword::MATCH
            | Keyword::MEMBER
            | Keyword::NOT
            | Keyword::NOTNULL
            | Keyword::OPERATOR
            | Keyword::OR
            | Keyword::OVERLAPS
            | Keyword::REGEXP
            | Keyword::RLIKE
            | Keyword::SIMILAR
            | Keyword::XOR => Kind::Operator,
            _ => Kind::Other,
        },
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::Period
        | Token::Placeholder(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::EOF => Kind::Other,
        // Signs, and what a later version of the parser may make of them.
        _ => Kind::Operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::dialect::GenericDialect;
    use sqlparser::tokenizer::Tokenizer;

    fn depth(sql: &str) -> usize {
        of(&Tokenizer::new(&GenericDialect {}, sql)
            .tokenize_with_location()
            .unwrap())
    }

    #[test]
    fn rows_of_operators_are_deep_and_lists_are_not() {
        assert!(depth(&format!("SELECT 1{}", " + 1".repeat(500))) > 500);
        assert!(depth(&format!("SELECT 1, 2{}", " UNION SELECT 1, 2".repeat(500))) > 500);
        assert!(
            depth(&format!(
                "SELECT 1{}",
                " + CASE WHEN 1 THEN 1 END".repeat(500)
            )) > 500
        );
        assert!(depth(&format!("SELECT {}1{}", "(1 + ".repeat(50), ")".repeat(50))) > 100);
        assert!(depth(&format!("SELECT * FROM t{}", " JOIN t".repeat(500))) > 5000);
        assert!(
            depth(&format!(
                "SELECT * FROM t{}",
                " JOIN t USING (a)".repeat(500)
            )) < 20
        );
        assert!(
            depth(&format!(
                "SELECT 1{}",
                " UNION SELECT a FROM t CROSS JOIN u".repeat(100)
            )) < 150
        );
        assert!(depth(&format!("SELECT CAST(null AS int{})", "[]".repeat(500))) > 500);
        assert!(depth(&format!("SELECT 1{}", " MOD 1".repeat(500))) > 500);
        assert!(depth(&format!("SELECT 1{}", " ISNULL".repeat(500))) > 500);
        assert!(depth(&format!("SELECT 1{}", " + t.end".repeat(500))) > 500);
        assert!(depth(&format!("SELECT a IN (1{})", ", -1".repeat(5000))) < 10);
        assert!(
            depth(&format!(
                "VALUES ('2026-01-01', -1){}",
                ", ('2026-01-01', -1)".repeat(5000)
            )) < 10
        );
        assert!(
            depth(&format!(
                "SELECT CASE{} END",
                " WHEN a = 1 THEN -1".repeat(3000)
            )) < 10
        );
        assert!(depth(&format!("SELECT {}", "-1, 2) , ".repeat(10))) < 10);
    }
}
