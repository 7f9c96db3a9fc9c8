//! Where the value of a parameter comes from.
//!
//! In this order: `parameters` of the environment (`stack.Name` before `Name`), a fact of project.yml, the one
//! other stack that has an output of the name, the parameter's Default.

use std::collections::{BTreeMap, BTreeSet};

use seatrial_project::{Environment, PROJECT_FILE, Project};
use seatrial_template::Diagnostic;
use serde::Serialize;

use super::{
    STACKS_FOLDER,
    owned::Owned,
    template::{Output, Parameter, StackTemplate},
};

/// The facts that hold several values, separated by commas.
const LIST_FACTS: [&str; 4] =
    ["RegistryParameterArns", "RegistrySecretArns", "SecretArns", "SecretParameterArns"];

/// Where one value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Source {
    /// `parameters` of the environment, under `key`.
    Setting { key: String, value: String },
    /// What project.yml says elsewhere.
    Fact { value: String },
    /// The output of the same name of another stack. A conditional one may be absent: then `default`.
    Output { stack: String, conditional: bool, default: Option<String> },
    /// The Default of the parameter, or that of project.yml.
    Default { value: String },
}

/// What the sources are looked up in.
pub(super) struct Wiring<'a> {
    templates: &'a [StackTemplate],
    project: &'a Project,
    environment: &'a Environment,
    facts: BTreeMap<String, String>,
}

/// A stack and its output.
type Offer<'a> = (&'a StackTemplate, &'a Output);

impl<'a> Wiring<'a> {
    /// `templates` without those that the environment skips.
    pub(super) fn new(
        templates: &'a [StackTemplate],
        project: &'a Project,
        environment: &'a Environment,
    ) -> Self {
        Self { templates, project, environment, facts: environment.facts() }
    }

    /// The source of a stack's parameter.
    pub(super) fn source(&self, stack: &StackTemplate, parameter: &Parameter) -> Result<Source, Diagnostic> {
        let name = &parameter.name;
        if let Some(setting) = self.setting(&stack.name, name) {
            return Ok(setting);
        }
        if parameter.is_wired() {
            if let Some(value) = self.facts.get(name) {
                self.check_shape(stack, parameter, LIST_FACTS.contains(&name.as_str()), PROJECT_FILE)?;
                let value = value.clone();
                return Ok(match self.project.says(&self.environment.name, name) {
                    true => Source::Fact { value },
                    false => Source::Default { value },
                });
            }
            let mut offers = self.offers(Some(&stack.name), name);
            if let Some(owned) = Owned::of_name(name)
                && offers.iter().any(|(other, _)| other.name == owned.stack())
            {
                // A stack of the user's own may offer an output of the same name.
                offers.retain(|(other, _)| other.name == owned.stack());
            }
            if offers.len() > 1 {
                return Err(stack.fault(parameter.position, ambiguous(&stack.name, name, &offers)));
            }
            if let Some((other, output)) = offers.first() {
                self.check_shape(stack, parameter, output.is_list, &place(other, output))?;
                let default = parameter.default.clone();
                return Ok(Source::Output {
                    stack: other.name.clone(),
                    conditional: output.conditional,
                    default,
                });
            }
        }
        match &parameter.default {
            Some(value) => Ok(Source::Default { value: value.clone() }),
            None => Err(stack.fault(parameter.position, unfilled(parameter, self.environment))),
        }
    }

    /// The source of something that is no stack's parameter but is needed all the same.
    pub(super) fn source_of_need(&self, node: &str, name: &str) -> Result<Option<Source>, Diagnostic> {
        if let Some(setting) = self.setting("", name) {
            return Ok(Some(setting));
        }
        let mut offers = self.offers(None, name);
        if let Some(owned) = Owned::of_name(name) {
            // A stack of the user's own may offer an output of the same name, also where ours is not there.
            offers.retain(|(stack, _)| stack.name == owned.stack());
        }
        match &offers[..] {
            [] => Ok(None),
            [(other, output)] => {
                let stack = other.name.clone();
                Ok(Some(Source::Output { stack, conditional: output.conditional, default: None }))
            }
            [.., (last, output)] => Err(last.fault(output.position, ambiguous(node, name, &offers))),
        }
    }

    /// The entries of `parameters` that nothing takes: a misspelt name must not be passed over. `needs` are the
    /// names that are taken outside of templates.
    pub(super) fn unused_settings(&self, needs: &BTreeSet<&str>) -> Vec<Diagnostic> {
        let taken = |key: &str| match key.split_once('.') {
            Some((stack, name)) => self
                .templates
                .iter()
                .any(|template| template.name == stack && template.parameter(name).is_some()),
            None => {
                needs.contains(key) || self.templates.iter().any(|template| template.parameter(key).is_some())
            }
        };
        let environment = self.environment.name.as_str();
        let unused = self.environment.parameters.keys().filter(|key| !taken(key));
        unused
            .map(|key| {
                let path = ["environments", environment, "parameters", key];
                let message = format!(
                    "`{}` must name a parameter of a stack in `{STACKS_FOLDER}`, found none",
                    path.join(".")
                );
                self.project.diagnostic(&path, message)
            })
            .collect()
    }

    fn setting(&self, stack: &str, name: &str) -> Option<Source> {
        let keys = [format!("{stack}.{name}"), name.to_owned()];
        let (key, value) = keys.iter().find_map(|key| self.environment.parameters.get_key_value(key))?;
        Some(Source::Setting { key: key.clone(), value: value.clone() })
    }

    fn offers(&self, except: Option<&str>, name: &str) -> Vec<Offer<'a>> {
        let others = self.templates.iter().filter(|template| Some(template.name.as_str()) != except);
        others.filter_map(|template| Some((template, template.output(name)?))).collect()
    }

    fn check_shape(
        &self,
        stack: &StackTemplate,
        parameter: &Parameter,
        list: bool,
        from: &str,
    ) -> Result<(), Diagnostic> {
        if list == parameter.is_list() {
            return Ok(());
        }
        let name = &parameter.name;
        let message = if list {
            format!(
                "parameter `{name}` is one value (`{}`), but what fills it is a list ({from})",
                parameter.kind
            )
        } else {
            format!(
                "parameter `{name}` is a list (`{}`), but what fills it is one value ({from}); \
                 an output that is a list is written `!Join [\",\", ...]`",
                parameter.kind
            )
        };
        Err(stack.fault(parameter.position, message))
    }
}

/// Where an output stands, for messages.
pub(super) fn place(stack: &StackTemplate, output: &Output) -> String {
    format!("{}:{}:{}", stack.path, output.position.line, output.position.column)
}

fn ambiguous(node: &str, name: &str, offers: &[Offer<'_>]) -> String {
    let places: Vec<String> = offers.iter().map(|(stack, output)| place(stack, output)).collect();
    format!(
        "`{name}` of `{node}` is ambiguous: more than one stack has an output of that name ({}); \
         set it under `parameters` in `{PROJECT_FILE}`, or rename one",
        places.join(", ")
    )
}

fn unfilled(parameter: &Parameter, environment: &Environment) -> String {
    let name = &parameter.name;
    let setting = format!("`environments.{}.parameters` in `{PROJECT_FILE}`", environment.name);
    if parameter.is_wired() {
        format!(
            "parameter `{name}` has no value: no other stack has an output of that name, and it is neither in {setting} nor has a Default"
        )
    } else {
        let what = if parameter.no_echo { "NoEcho" } else { "SSM" };
        format!(
            "parameter `{name}` has no value: {what} parameters are filled only by {setting} or their Default"
        )
    }
}
