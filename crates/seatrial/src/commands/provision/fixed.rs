//! What is fixed when an environment is made. A later difference is refused by its key, before anything is compared: what
//! CloudFormation would make of it is a second environment, another target group, or a refusal half-way.

use seatrial_project::PROJECT_FILE;

use crate::aws::status::{StackPhase, stack_phase};
use crate::commands::deployed::Deployed;
use crate::context::Ctx;
use crate::exit::Refused;

/// Parameter and key.
const FIXED: [(&str, &str); 3] =
    [("AppPort", "app.port"), ("KmsKeyArn", "kms_key"), ("NetworkMode", "network_mode")];

/// # Errors
/// Refused with the key, what it is and what it was when the environment was made.
pub(super) fn check(ctx: &Ctx, deployed: &Deployed) -> Result<(), Refused> {
    let environment = &ctx.environment;
    if deployed.stacks.is_empty()
        && let Some(twin) = &deployed.twin
    {
        let message = format!(
            "`project` is fixed at creation: `{}` of {} is provisioned as project `{twin}`, and not as `{}`",
            environment.name, environment.source.repository, environment.project
        );
        let hint = format!("set `project: {twin}` in `{PROJECT_FILE}`, or destroy that environment first");
        return Err(Refused::new(message).hint(hint));
    }
    // They reach the frozen service, which would have to change with them.
    for stack in deployed.stacks.values().filter(|stack| stack_phase(&stack.status) != StackPhase::Review) {
        let differs = |(key, value): &(&String, &String)| stack.tags.get(*key) != Some(*value);
        if let Some((key, value)) = environment.tags.iter().find(differs) {
            let was =
                stack.tags.get(key).map_or_else(|| "without it".to_owned(), |was| format!("with `{was}`"));
            let message = format!(
                "`tags` are fixed at creation: found `{key}: {value}`, stack `{}` is provisioned {was}",
                stack.name
            );
            let hint = format!("set it back in `{PROJECT_FILE}`, or make another environment with it");
            return Err(Refused::new(message).hint(hint));
        }
    }
    let facts = environment.facts();
    for (parameter, key) in FIXED {
        // What is not said is what the templates have without it: nothing.
        let wanted = facts.get(parameter).map(String::as_str).unwrap_or_default();
        let deployed = deployed.stacks.values().find_map(|stack| stack.parameters.get(parameter));
        let is_given = environment.parameters.keys().any(|key| key.rsplit('.').next() == Some(parameter));
        if let Some(was) = deployed.filter(|was| *was != wanted && !is_given) {
            let shown = |value: &str| if value.is_empty() { "none".to_owned() } else { format!("`{value}`") };
            let (found, was) = (shown(wanted), shown(was));
            let message = format!("`{key}` is fixed at creation: found {found}, provisioned with {was}");
            let hint = format!("set it back in `{PROJECT_FILE}`, or make another environment with it");
            return Err(Refused::new(message).hint(hint));
        }
    }
    Ok(())
}
