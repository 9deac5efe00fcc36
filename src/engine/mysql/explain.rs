//! Plans, from `EXPLAIN FORMAT=JSON`. <https://dev.mysql.com/doc/refman/8.4/en/explain.html>
//!
//! There are two shapes: the classic one, of query blocks, in which `MariaDB` also tells what it measured,
//! and that of `MySQL`'s iterators, which alone carries measurements there.

mod v1;
mod v2;

use serde_json::Value;

use super::{Flavor, MySql, READ_ONLY, READ_WRITE, text};
use crate::answer::Skipped;
use crate::engine::Explained;
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::plan::{Access, Plan};
use crate::statement::{Kind, Statement};

const OPTIMIZER_SWITCH: &str = include_str!("optimizer_switch.sql");
/// On in every version that has them, unless somebody changed it.
const USUAL: &[&str] = &[
    "block_nested_loop",
    "derived_merge",
    "index_condition_pushdown",
    "index_merge",
    "materialization",
    "semijoin",
];

impl MySql {
    /// It keeps no plan for all values of the parameters.
    #[expect(clippy::unused_async, reason = "one contract for all engines")]
    pub(in crate::engine) async fn generic_plan(&mut self, _: &Statement) -> Result<Option<Plan>> {
        Ok(None)
    }

    pub(in crate::engine) async fn explain(
        &mut self,
        statement: &Statement,
        analyze: bool,
    ) -> Result<Explained> {
        let permit = self.permit(statement).await?;
        self.runs_nothing = permit.only_plans();
        if analyze {
            permit.must_run()?;
        }
        let sql = statement.sql();
        let analyze = analyze && statement.only_reads();
        let settings = self.switched_off().await?;
        let mut explained = self.plan(statement, &sql, analyze).await?;
        explained.plan.run.settings = settings;
        Ok(explained)
    }

    /// Ways of running that are usual and that this server's settings forbid.
    async fn switched_off(&mut self) -> Result<Vec<(String, String)>> {
        let row = self.made(OPTIMIZER_SWITCH.to_owned()).await?;
        Ok(off(&text(&row, 0)?))
    }

    async fn plan(&mut self, statement: &Statement, sql: &str, analyze: bool) -> Result<Explained> {
        if analyze && self.flavor == Flavor::MariaDb {
            let json = self.json(format!("ANALYZE FORMAT=JSON {sql}")).await?;
            return Ok(Explained {
                plan: read(&json)?,
                ..Explained::default()
            });
        }
        let plan = if statement.kind == Kind::Read && (analyze || statement.only_reads()) {
            self.json(format!("EXPLAIN FORMAT=JSON {sql}")).await
        } else {
            self.plan_of_write(format!("EXPLAIN FORMAT=JSON {sql}"))
                .await
        };
        let mut explained = Explained {
            plan: read(&plan?)?,
            ..Explained::default()
        };
        if analyze {
            self.measure(sql, &mut explained).await?;
        }
        Ok(explained)
    }

    pub(super) async fn json(&mut self, sql: String) -> Result<Value> {
        let row = self.made(sql).await?;
        parse(&text(&row, 0)?)
    }

    /// The server plans a statement that writes only where it may write: so in a transaction of its own,
    /// which is rolled back; what planning may run was looked at before.
    async fn plan_of_write(&mut self, explain: String) -> Result<Value> {
        self.script(READ_WRITE).await?;
        let json = self.json(explain).await;
        let restored = self.script(READ_ONLY).await;
        let json = json?;
        restored?;
        Ok(json)
    }

    /// Runs the statement and puts what was measured in the place of the bare plan.
    pub(super) async fn measure(&mut self, sql: &str, explained: &mut Explained) -> Result<()> {
        if !self.version.at_least(8, 3) {
            explained.skipped.push(Skipped {
                what: "measured rows and times".to_owned(),
                why: format!(
                    "MySQL {} gives them only as text; from 8.3 on they are read here",
                    self.version.text
                ),
                grant: String::new(),
            });
            return Ok(());
        }
        sqlx::query("SET SESSION explain_json_format_version = 2")
            .execute(&mut self.connection)
            .await?;
        let json = self
            .json(format!("EXPLAIN ANALYZE FORMAT=JSON {sql}"))
            .await;
        // It ends such a run with success and half the numbers. The prepared protocol does not take SHOW WARNINGS (1295).
        let warnings = sqlx::raw_sql("SHOW WARNINGS")
            .fetch_all(&mut self.connection)
            .await;
        sqlx::query("SET SESSION explain_json_format_version = 1")
            .execute(&mut self.connection)
            .await?;
        let mut measured = read(&json?)?;
        for warning in warnings? {
            if text(&warning, 1)? == "1317" {
                explained.findings.push(
                    Finding::new("measurement-cut-off", Severity::Info, "the run was stopped at its time limit: rows and times are those up to then")
                        .effect("the statement takes longer than these numbers say")
                        .remedy("trust the estimates, or measure a narrower statement"),
                );
            }
        }
        complete(&mut measured, explained);
        explained.plan = measured;
        Ok(())
    }
}

/// Of `index_merge=on,mrr=off`, what is off and should not be.
fn off(switches: &str) -> Vec<(String, String)> {
    let off = switches
        .split(',')
        .filter_map(|one| one.strip_suffix("=off"));
    off.filter(|name| USUAL.contains(name))
        .map(|name| (name.to_owned(), "off".to_owned()))
        .collect()
}

/// `MariaDB` writes conditions into its JSON as they are: with `\'`, quotes and tabs that JSON does not know.
pub(in crate::engine) fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .or_else(|error| serde_json::from_str(&mended(text)).map_err(|_| error))
        .map_err(|error| Error::unexpected("EXPLAIN", error))
}

/// A JSON in which each text stands on a line of its own, behind its key.
fn mended(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    for line in json.lines() {
        let value = line.split_once("\": \"").and_then(|(key, rest)| {
            let value = rest.trim_end().trim_end_matches(',').strip_suffix('"')?;
            Some((key, value, rest.trim_end().ends_with(',')))
        });
        match value {
            Some((key, value, more))
                if serde_json::from_str::<String>(&format!("\"{value}\"")).is_err() =>
            {
                let more = if more { "," } else { "" };
                mended.push_str(&format!("{key}\": {}{more}", Value::from(value)));
            }
            _ => mended.push_str(line),
        }
        mended.push('\n');
    }
    mended
}

/// Either shape as one plan.
pub(in crate::engine) fn read(json: &Value) -> Result<Plan> {
    let mut plan = if json.get("query_block").is_some() {
        v1::read(json)?
    } else {
        v2::read(json)?
    };
    plan.settle();
    Ok(plan)
}

/// The measured plan leaves out tables that were read before it started; the bare plan knows them.
fn complete(measured: &mut Plan, explained: &mut Explained) {
    let missing: Vec<_> = explained
        .plan
        .nodes
        .iter()
        .filter(|node| {
            !node.relation.is_empty()
                && !measured
                    .nodes
                    .iter()
                    .any(|other| other.names(&node.relation))
        })
        .collect();
    let mut fetched: Vec<_> = measured
        .nodes
        .iter_mut()
        .filter(|node| node.relation.is_empty() && node.operation == v2::FETCHED)
        .collect();
    if let ([only], [place]) = (missing.as_slice(), fetched.as_mut_slice()) {
        place.operation.clone_from(&only.operation);
        place.access = Access::IndexSearch;
        place.relation.clone_from(&only.relation);
        place.alias.clone_from(&only.alias);
        place.index.clone_from(&only.index);
        place.condition.clone_from(&only.condition);
        return;
    }
    // One row that was read beforehand is no loss.
    let tables: Vec<&str> = missing
        .iter()
        .filter(|node| node.examined_rows.is_none_or(|rows| rows > 1.0))
        .map(|node| node.relation.as_str())
        .collect();
    if !tables.is_empty() {
        explained.skipped.push(Skipped {
            what: format!("what was done with {}", tables.join(", ")),
            why:
                "the server leaves it out of the measured plan; it is in the plan without `analyze`"
                    .to_owned(),
            grant: String::new(),
        });
    }
}

/// A condition as a person writes it: no backquotes, no database before `table.column`.
fn plain(condition: &str) -> String {
    let mut text = String::with_capacity(condition.len());
    let mut rest = condition;
    while let Some(start) = rest.find(['`', '\'']) {
        let (before, from) = rest.split_at(start);
        text.push_str(before);
        if let Some((names, after)) = quoted_names(from) {
            // The first of three is the database.
            let shown = if names.len() > 2 {
                names.get(1..).unwrap_or_default()
            } else {
                &names
            };
            text.push_str(&shown.join("."));
            rest = after;
        } else {
            let end = from
                .get(1..)
                .and_then(|inside| inside.find('\''))
                .map_or(from.len(), |end| end + 2);
            text.push_str(from.get(..end).unwrap_or(from));
            rest = from.get(end..).unwrap_or_default();
        }
    }
    text.push_str(rest);
    // It numbers the SELECTs in comments.
    while let Some((before, after)) = text
        .split_once("/* select#")
        .and_then(|(before, rest)| Some((before, rest.split_once("*/ ")?.1)))
    {
        text = format!("{before}{after}");
    }
    let outer = text
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'));
    match outer {
        Some(inner) if balanced(inner) => inner.to_owned(),
        _ => text,
    }
}

/// `` `a`.`b` `` at the start of a text, and what comes after it.
fn quoted_names(text: &str) -> Option<(Vec<&str>, &str)> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(inside) = rest.strip_prefix(if names.is_empty() { "`" } else { ".`" }) {
        let (name, after) = inside.split_once('`')?;
        names.push(name);
        rest = after;
    }
    (!names.is_empty()).then_some((names, rest))
}

/// Whether every bracket closes after it was opened.
fn balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Whether a condition names a column of this table.
fn mentions(condition: &str, table: &str) -> bool {
    condition.match_indices(table).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let before = condition
            .get(..at)
            .and_then(|text| text.chars().next_back());
        let after = condition.get(at + table.len()..).unwrap_or_default();
        !before.is_some_and(|c| word(c) || c == '.') && after.starts_with('.')
    })
}

fn string(json: &Value, key: &str) -> String {
    json.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A number, be it written as one or as a text.
fn number(json: &Value, key: &str) -> Option<f64> {
    let value = json.get(key)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn truth(json: &Value, key: &str) -> bool {
    json.get(key)
        .is_some_and(|value| value.as_bool().unwrap_or_else(|| value.as_i64() == Some(1)))
}

fn strings(json: &Value, key: &str) -> Vec<String> {
    let items = json.get(key).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_not_escaped_is_read() {
        let read = parse("{\n  \"a\": \"b = 'O\\'Hara'\",\n  \"c\": \"d = 'say \"hi\"'\",\n  \"e\": \"tab\there\",\n  \"f\": \"\\\"x\\\\\"\n}").unwrap();
        assert_eq!(read["a"], "b = 'O\\'Hara'");
        assert_eq!(read["c"], "d = 'say \"hi\"'");
        assert_eq!(read["e"], "tab\there");
        assert_eq!(read["f"], "\"x\\");
    }

    #[test]
    fn only_what_is_usual_and_off_is_told() {
        let told = off("index_merge=on,index_condition_pushdown=off,mrr=off,semijoin=on");
        assert_eq!(
            told,
            [("index_condition_pushdown".to_owned(), "off".to_owned())]
        );
    }

    #[test]
    fn conditions_lose_their_quotes_and_databases() {
        assert_eq!(plain("(`shop`.`u`.`country` = 'P`L')"), "u.country = 'P`L'");
        assert_eq!(
            plain("((`a`.`x` < 3) or (`a`.`y` is null))"),
            "(a.x < 3) or (a.y is null)"
        );
        assert_eq!(
            plain("(`d`.`t`.`a` = 1) and (`d`.`t`.`b` = 2)"),
            "(t.a = 1) and (t.b = 2)"
        );
        assert_eq!(plain("orders.`status` = 'x'"), "orders.status = 'x'");
    }

    #[test]
    fn a_table_is_mentioned_by_its_whole_name() {
        assert!(mentions("o.total > u.age", "u"));
        assert!(!mentions("o.total > menu.age", "u"));
        assert!(!mentions("o.u > 1", "u"));
    }
}
