//! What a task that is run once is given in the place of its definition's (RunTask, `overrides`): commands and variables
//! of its containers. Everything else that AWS takes there is refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::definition::{ContainerDefinition, TaskDefinition, Variable};
use crate::error::ServiceError;

/// As AWS counts them (RunTask, `overrides`: "A total of 8192 characters are allowed for overrides").
const MOST_CHARACTERS: usize = 8192;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Overrides {
    pub container_overrides: Vec<ContainerOverride>,
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerOverride {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<Variable>,
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

impl Overrides {
    /// Refuses what is not of that definition, and what has no effect here.
    pub(super) fn check(&self, definition: &TaskDefinition) -> Result<(), ServiceError> {
        let containers = &definition.content.container_definitions;
        for given in &self.container_overrides {
            // AWS's words: azavea/django-ecsmanage#21.
            if !containers.iter().any(|container| container.name == given.name) {
                return Err(invalid(format!(
                    "Override for container named {} is not a container in the TaskDefinition.",
                    given.name
                )));
            }
        }
        let of_containers = self.container_overrides.iter().flat_map(|given| given.others.iter());
        let is_said = |value: &Value| !value.is_null() && value != &Value::Array(Vec::new());
        if let Some((name, _)) = self.others.iter().chain(of_containers).find(|(_, value)| is_said(value)) {
            return Err(invalid(format!(
                "The local cloud overrides command and environment only, not {name}."
            )));
        }
        let length = serde_json::to_string(&self.container_overrides).map_or(0, |text| text.chars().count());
        match length > MOST_CHARACTERS {
            true => Err(invalid("Container Overrides length must be at most 8192")),
            false => Ok(()),
        }
    }

    /// Puts it in the place of what the container has. Its variables are added to, one of the same name gives way.
    pub(super) fn apply(&self, container: &mut ContainerDefinition) {
        for given in self.container_overrides.iter().filter(|given| given.name == container.name) {
            if given.command.is_some() {
                container.command.clone_from(&given.command);
            }
            let named = |name: &str| given.environment.iter().any(|variable| variable.name == name);
            container.environment.retain(|variable| !named(&variable.name));
            container.environment.extend(given.environment.iter().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(overrides: Value) -> Result<(), String> {
        let definition = json!({ "containerDefinitions": [{ "name": "app", "image": "app:v1" }] });
        let definition: TaskDefinition = serde_json::from_value(definition).unwrap();
        let overrides: Overrides = serde_json::from_value(overrides).unwrap();
        overrides.check(&definition).map_err(|error| error.message)
    }

    #[test]
    fn what_is_no_container_of_the_definition_or_has_no_effect_here_is_refused() {
        let one = |given: Value| json!({ "containerOverrides": [given] });
        assert_eq!(checked(one(json!({ "name": "app", "command": ["migrate"] }))), Ok(()));
        assert_eq!(checked(json!({})), Ok(()));
        let cases = [
            (one(json!({ "name": "web" })), "Override for container named web is not a container in"),
            (one(json!({ "name": "app", "memory": 512 })), "command and environment only, not memory"),
            (json!({ "taskRoleArn": "arn" }), "command and environment only, not taskRoleArn"),
            (one(json!({ "name": "app", "command": ["x".repeat(9000)] })), "must be at most 8192"),
        ];
        for (given, expected) in cases {
            let refused = checked(given).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[test]
    fn a_command_is_replaced_and_variables_are_added_to() {
        let container = json!({
            "name": "app", "command": ["serve"],
            "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
        });
        let mut container: ContainerDefinition = serde_json::from_value(container).unwrap();
        let overrides = json!({ "containerOverrides": [
            { "name": "app", "command": ["migrate"], "environment": [{ "name": "B", "value": "3" }] },
            { "name": "other", "command": ["no"] },
        ] });
        let overrides: Overrides = serde_json::from_value(overrides).unwrap();

        overrides.apply(&mut container);

        assert_eq!(container.command, Some(vec!["migrate".to_owned()]));
        let variables: Vec<_> =
            container.environment.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect();
        assert_eq!(variables, [("A", "1"), ("B", "3")]);
    }
}
