//! Calls that AWS's handlers of resource types make and ours do not, as far as they are certain: judged with the rights of
//! whoever the handlers act for (decision 0034).

use serde_json::Value;

use seatrial_actions::{Handling, ResourceRule, actions_of, arns, certain};

use super::super::resources::Attributes;
use super::run::Run;
use crate::error::ServiceError;
use crate::principal::Principal;

/// What a handler made, changes or deletes.
pub(super) struct Handled<'a> {
    pub resource_type: &'a str,
    pub physical_id: &'a str,
    pub attributes: &'a Attributes,
    pub properties: &'a Value,
}

/// Refuses what AWS's handler could not do: of a record, behind which nothing is called here, the doing itself.
pub(super) fn doing(
    run: &Run,
    principal: &Principal,
    handling: Handling,
    handled: &Handled<'_>,
) -> Result<(), ServiceError> {
    let is_record = run.store.is_record(handled.resource_type);
    let does = certain(handled.resource_type, handling).does.filter(|_| is_record);
    does.map_or(Ok(()), |action| handled.require(run, principal, action))
}

/// Refuses what AWS's handler could not see: it looks whether what it did has come about.
pub(super) fn looking(
    run: &Run,
    principal: &Principal,
    handling: Handling,
    handled: &Handled<'_>,
) -> Result<(), ServiceError> {
    let looks = certain(handled.resource_type, handling).looks;
    looks.map_or(Ok(()), |action| handled.require(run, principal, action))
}

impl Handled<'_> {
    fn require(&self, run: &Run, principal: &Principal, action: &'static str) -> Result<(), ServiceError> {
        let Some((prefix, operation)) = action.split_once(':') else { return Ok(()) };
        let service = if prefix == "cloudwatch" { "monitoring" } else { prefix };
        let arn = self.arn(run, action);
        let needed = actions_of(service, operation, &Value::Null);
        if arn.is_none() && needed.iter().any(|needed| needed.resource == ResourceRule::Own) {
            // On which resource it would be judged is not certain.
            return Ok(());
        }
        run.cloud.permit(principal, (service, operation), (arn.as_deref().unwrap_or("*"), Vec::new()))
    }

    /// Its ARN: an attribute, the physical ID itself, or the form that the action's resource has, of which the properties
    /// and the physical ID fill the placeholders.
    fn arn(&self, run: &Run, action: &str) -> Option<String> {
        let own = self.attributes.get("Arn").and_then(Value::as_str).unwrap_or(self.physical_id);
        if own.starts_with("arn:") {
            return Some(own.to_owned());
        }
        let [form] = arns(action)[..] else { return None };
        let place = seatrial_actions::Place {
            partition: "aws",
            region: run.cloud.region(),
            account: run.cloud.account(),
        };
        let mut filled = place.fill(form);
        if let Some(properties) = self.properties.as_object() {
            let texts = properties.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
            for (name, text) in texts {
                filled = filled.replace(&format!("${{{name}}}"), text);
            }
        }
        let left = filled.matches("${").count();
        let (before, rest) = filled.split_once("${").unwrap_or((&filled, ""));
        match (left, rest.split_once('}')) {
            (0, _) => Some(filled),
            (1, Some((_, after))) => Some(format!("{before}{}{after}", self.physical_id)),
            _ => None,
        }
    }
}
