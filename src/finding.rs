//! What any rule says: one fact, how bad it is, the numbers behind it and the SQL that mends it.

use schemars::JsonSchema;
use serde::Serialize;

/// How much a finding matters; the order is the order of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl Severity {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// Where a number came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Source {
    // Read from the live database: a count, a statistic, a clock.
    Measured,
    // Run on a throwaway copy.
    MeasuredOnScratch,
    // The planner's estimate.
    WhatIf,
    // Computed here from catalog facts.
    Formula,
}

impl Source {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::MeasuredOnScratch => "measured on scratch",
            Self::WhatIf => "planner's estimate",
            Self::Formula => "formula",
        }
    }
}

/// One number or fact that a finding stands on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Evidence {
    pub label: String,
    pub value: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    pub source: Source,
}

impl Evidence {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers and texts are given as they come"
    )]
    pub fn new(label: &str, value: impl ToString, unit: &str, source: Source) -> Self {
        Self {
            label: label.to_owned(),
            value: value.to_string(),
            unit: unit.to_owned(),
            source,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Finding {
    /// Kebab-case id of the rule.
    pub rule: &'static str,
    pub severity: Severity,
    pub title: String,
    /// Schema-qualified name of what it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// Statements that carry the remedy out; each is a migration step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<String>,
    /// Persona rule ids.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub persona: &'static [&'static str],
    /// Row ids of the hazard and plan-finding catalogues.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub catalogue: &'static [&'static str],
    /// The part of the whole work that goes into its object, in thousandths; for the order.
    #[serde(skip)]
    pub weight: u32,
}

impl Finding {
    pub fn new(rule: &'static str, severity: Severity, title: impl Into<String>) -> Self {
        Self {
            rule,
            severity,
            title: title.into(),
            object: String::new(),
            evidence: Vec::new(),
            effect: String::new(),
            remedy: String::new(),
            sql: Vec::new(),
            persona: &[],
            catalogue: &[],
            weight: 0,
        }
    }

    #[must_use]
    pub fn object(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    #[must_use]
    pub fn evidence(
        mut self,
        label: &str,
        value: impl ToString,
        unit: &str,
        source: Source,
    ) -> Self {
        self.evidence
            .push(Evidence::new(label, value, unit, source));
        self
    }

    #[must_use]
    pub fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = effect.into();
        self
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    #[must_use]
    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        self.sql.push(sql.into());
        self
    }

    /// Those that are known.
    #[must_use]
    pub fn all_sql(mut self, sql: impl IntoIterator<Item = String>) -> Self {
        self.sql.extend(sql);
        self
    }

    #[must_use]
    pub const fn keeps(mut self, persona: &'static [&'static str]) -> Self {
        self.persona = persona;
        self
    }

    #[must_use]
    pub const fn catalogued(mut self, catalogue: &'static [&'static str]) -> Self {
        self.catalogue = catalogue;
        self
    }
}

/// Worst first, then what most of the work goes into; equal ones by rule and object, so that the order never depends
/// on how they were found.
pub fn rank(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let weight = b.weight.cmp(&a.weight);
        a.severity
            .cmp(&b.severity)
            .then(weight)
            .then_with(|| (a.rule, &a.object, &a.title).cmp(&(b.rule, &b.object, &b.title)))
    });
}
