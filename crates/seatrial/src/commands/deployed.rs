//! What is deployed of an environment: its stacks, found by their tags, and their outputs.

use std::collections::BTreeMap;

use crate::aws::{Aws, Stack};
use crate::exit::Refused;
use crate::project::Environment;
use crate::stacks::graph::Outputs;
use crate::stacks::plan::stack_tags;

/// The stacks of one environment by short name.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub stacks: BTreeMap<String, Stack>,
}

impl Deployed {
    pub(crate) async fn read(aws: &Aws, environment: &Environment) -> anyhow::Result<Self> {
        let ours = |stack: Stack| {
            let name = stack.tags.get("stack")?.clone();
            (stack.tags == stack_tags(environment, &name)).then_some((name, stack))
        };
        Ok(Self { stacks: aws.describe_stacks().await?.into_iter().filter_map(ours).collect() })
    }

    /// The value of an output, from whichever stack has it.
    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.stacks.values().find_map(|stack| stack.outputs.get(name)).map(String::as_str)
    }

    /// The same, refused if it is not there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.output(name).ok_or_else(|| {
            Refused::new(format!("no deployed stack has an output `{name}`"))
                .hint("run `cargo xtask provision` first")
        })
    }

    /// The outputs of the stacks that are at rest, by stack: what the graph fills parameters from.
    pub(crate) fn outputs_by_stack(&self) -> Outputs {
        self.stacks.iter().map(|(name, stack)| (name.clone(), stack.outputs.clone())).collect()
    }

    /// All outputs by name.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        self.stacks.values().flat_map(|stack| stack.outputs.clone()).collect()
    }
}
