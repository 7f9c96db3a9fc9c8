//! A row of our tables: which operations need which action, on what, and when.

use serde_json::Value;

use crate::input::is_given;
use crate::needed::Needed;
use crate::on::On;

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The number in `rows.md`, where the evidence stands.
    pub number: u8,
    /// By signing name: `ecs:RunTask`.
    pub operations: &'static [&'static str],
    pub action: &'static str,
    pub on: On,
    pub when: When,
    /// Condition keys with the one value that the request has.
    pub context: &'static [(&'static str, &'static str)],
    pub source: &'static str,
}

/// What an input must say for a row to count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Always,
    /// One of these paths at least.
    Given(&'static [&'static str]),
    /// None of these paths.
    Absent(&'static [&'static str]),
    /// A path, with this text.
    Is(&'static str, &'static str),
}

pub(crate) const fn row(
    number: u8,
    operations: &'static [&'static str],
    action: &'static str,
    on: On,
    source: &'static str,
) -> Row {
    Row { number, operations, action, on, when: When::Always, context: &[], source }
}

impl Row {
    pub(crate) const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    pub(crate) const fn with(self, context: &'static [(&'static str, &'static str)]) -> Self {
        Self { context, ..self }
    }

    pub(crate) fn is_of(&self, called: &str) -> bool {
        self.operations.contains(&called)
    }

    /// What this row asks for, with `input`.
    pub(crate) fn needed(&self, input: &Value) -> Vec<Needed> {
        if !self.when.holds(input) {
            return Vec::new();
        }
        let context = self.context.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]));
        let context: Vec<_> = context.collect();
        let rules = self.on.rules(input).into_iter();
        rules
            .map(|resource| Needed {
                action: self.action.to_owned(),
                resource,
                context: context.clone(),
                source: self.source,
            })
            .collect()
    }
}

impl When {
    fn holds(self, input: &Value) -> bool {
        let any = |paths: &[&str]| paths.iter().any(|path| is_given(input, path));
        let says = |path: &str, text: &str| crate::input::texts(input, path).iter().any(|one| one == text);
        match self {
            Self::Always => true,
            Self::Given(paths) => any(paths),
            Self::Absent(paths) => !any(paths),
            Self::Is(path, text) => says(path, text),
        }
    }
}
