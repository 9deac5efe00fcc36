//! Patterns over names: `*` and `?`, whatever the case.

/// Whether any pattern fits the name, with or without its schema.
pub fn matches_any(patterns: &[String], schema: &str, name: &str) -> bool {
    let qualified = format!("{schema}.{name}");
    patterns
        .iter()
        .any(|pattern| matches(pattern, name) || matches(pattern, &qualified))
}

fn matches(pattern: &str, text: &str) -> bool {
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    // Runs of stars mean what one means; without this they would be tried in every combination.
    let mut pattern = lower(pattern);
    pattern.dedup_by(|a, b| *a == '*' && *b == '*');
    fits(&pattern, &lower(text))
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    // reached[i]: the pattern so far fits the first i characters.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for own in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut open = false;
        for (position, was) in reached.iter().enumerate() {
            open |= was;
            if *own == '*' {
                if let Some(slot) = next.get_mut(position) {
                    *slot = open;
                }
            } else if *was
                && text.get(position).is_some_and(|c| *own == '?' || own == c)
                && let Some(slot) = next.get_mut(position + 1)
            {
                *slot = true;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_with_and_without_a_schema() {
        let any = |pattern: &str, name| matches_any(&[pattern.to_owned()], "public", name);
        assert!(
            any("order*", "Order_Items")
                && any("public.o?ders", "orders")
                && any("*", "x")
                && any("a*b*c", "aXbYc")
        );
        assert!(!any("order", "orders") && !any("o?", "orders") && !any("", "x"));
    }
}
