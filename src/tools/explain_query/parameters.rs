//! A statement with parameters and no values: planned with usual ones, and with those that hurt most.

use serde_json::Value;

use crate::advice::parameters::{Wanted, parameters};
use crate::advice::uses::Kind;
use crate::answer::Common;
use crate::catalog::Catalog;
use crate::engine::{Engine, Values};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity, Source};
use crate::plan::Plan;
use crate::statement::Statement;

/// Plans that differ by as much are worth telling of.
const DIFFER: f64 = 3.0;
/// Rows that a parameter in LIMIT asks for.
const PAGE: i64 = 10;

/// The statement with values in the place of its parameters.
#[derive(Debug)]
pub(in crate::tools) struct Bound {
    pub(in crate::tools) statement: Statement,
    /// What was put in, in the order of the parameters.
    pub(in crate::tools) values: Vec<Value>,
    /// With the values that find most rows, where no values were given.
    pub(in crate::tools) worst: Option<Statement>,
}

/// Binds what was given, else values that the statistics know.
pub(in crate::tools) async fn bind(
    engine: &mut Engine,
    written: &Statement,
    given: &[Value],
    catalog: &Catalog,
    common: &mut Common,
) -> Result<Bound> {
    let (count, wanted) = parameters(&written.ast, catalog, written.dialect);
    if count == 0 || !given.is_empty() {
        return Ok(Bound {
            statement: written.clone().bind(given)?,
            values: given.to_vec(),
            worst: None,
        });
    }
    let mut usual = Vec::new();
    let mut worst = Vec::new();
    let mut told = Vec::new();
    for position in 0..count {
        let one = match wanted.get(&position) {
            Some(Wanted::Limit) => Some((Value::from(PAGE), Value::from(PAGE))),
            Some(Wanted::Offset) => Some((Value::from(0), Value::from(0))),
            Some(Wanted::Value {
                table,
                column,
                kind,
                upper,
            }) => {
                told.push(format!("{}.{column}", catalog.display_name(table)));
                let values = engine.values(table, column).await?;
                values.map(|values| chosen(&values, *kind, *upper))
            }
            None => None,
        };
        let Some((own, most)) = one else {
            return Err(Error::Refused {
                reason: format!(
                    "parameter {} has no value, and statistics do not tell a usual one",
                    position + 1
                ),
                instead: "Give a typical value for each parameter in `binds`, in order.".to_owned(),
            });
        };
        usual.push(own);
        worst.push(most);
    }
    common.findings.push(
        Finding::new(
            "parameters-without-values",
            Severity::Info,
            "planned with usual values of the columns in the place of the parameters; give `binds` for others",
        )
        .evidence("values of", told.join(", "), "", Source::Measured),
    );
    Ok(Bound {
        statement: written.clone().bind(&usual)?,
        worst: Some(written.clone().bind(&worst)?),
        values: usual,
    })
}

/// A usual value, and one that finds most rows.
fn chosen(values: &Values, kind: Kind, upper: bool) -> (Value, Value) {
    let text = |text: &String| Value::from(text.clone());
    match (kind, upper) {
        (Kind::Range, true) => (text(&values.low), text(&values.high)),
        (Kind::Range, false) => (text(&values.high), text(&values.low)),
        _ => (text(&values.usual), text(&values.common)),
    }
}

/// Says when the plan that is kept for all values is another one than that of usual values.
pub(super) fn compare_generic(usual: &Plan, generic: &Plan, common: &mut Common) {
    let Some((usual, generic)) = usual.cost().zip(generic.cost()) else {
        return;
    };
    let ratio =
        (generic / usual.max(f64::MIN_POSITIVE)).max(usual / generic.max(f64::MIN_POSITIVE));
    if ratio < DIFFER {
        return;
    }
    common.findings.push(
        Finding::new(
            "generic-plan-differs",
            Severity::Medium,
            "a prepared statement may keep a plan for all values that is another than the one for usual values",
        )
        .evidence("cost, usual values", usual, "", Source::WhatIf)
        .evidence("cost, kept for all values", generic, "", Source::WhatIf)
        .effect("from the sixth run on the server takes the kept plan where it believes it no dearer")
        .remedy("SET plan_cache_mode = force_custom_plan for this statement, or write a value that never changes as a literal; a partial index needs that as well")
        .catalogued(&["PG-GENERIC-PLAN"]),
    );
}

/// Says when other values would be run in another way, or at another cost.
pub(super) fn compare(usual: &Plan, worst: &Plan, common: &mut Common) {
    let way = |plan: &Plan| -> Vec<(String, String)> {
        let nodes = plan.nodes.iter();
        nodes
            .map(|node| (node.operation.clone(), node.index.clone()))
            .collect()
    };
    let costs = usual.cost().zip(worst.cost());
    let ratio = costs.map(|(usual, worst)| worst / usual.max(f64::MIN_POSITIVE));
    let other_way = way(usual) != way(worst);
    if !other_way && ratio.is_none_or(|ratio| ratio < DIFFER) {
        return;
    }
    let mut finding = Finding::new(
        "plan-depends-on-values",
        Severity::Medium,
        if other_way {
            "the values that find most rows are run in another way than usual ones"
        } else {
            "the values that find most rows cost several times as much as usual ones"
        },
    )
    .effect("a plan that was cached for the one is slow for the other");
    if let Some((usual, worst)) = costs {
        finding = finding
            .evidence("cost, usual values", usual, "", Source::WhatIf)
            .evidence(
                "cost, values that find most rows",
                worst,
                "",
                Source::WhatIf,
            );
    }
    common.findings.push(finding.remedy(
        "explain both with `binds`; an index that serves the frequent value too, or a statement of its own for it",
    ));
}
