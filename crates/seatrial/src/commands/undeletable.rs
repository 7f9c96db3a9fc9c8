//! What keeps a stack from being deleted, and what leads on: no such state is a dead end.

use crate::aws::status::{deletion_failed, resource_is_held};
use crate::aws::{Stack, StackResource};
use crate::context::Ctx;
use crate::exit::{Refused, Stuck};
use crate::plan::resource_name::{ResourceName, named_of};

/// The error for a stack whose deletion failed as `why` says: for each resource that stays, what frees it, or leaves
/// it. `again` is the command that deletes.
pub(crate) async fn stuck(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    (status, why): (&str, &str),
    again: &str,
) -> anyhow::Result<Stuck> {
    let resources = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
    let failed: Vec<&StackResource> =
        resources.iter().filter(|resource| deletion_failed(&resource.status)).collect();
    let mut hints: Vec<String> = failed.iter().filter_map(|resource| unprotects(resource)).collect();
    if !failed.is_empty() {
        let flags: String = failed
            .iter()
            .map(|resource| format!(" --retain-resource {short}.{}", resource.logical_id))
            .collect();
        let leaves = ctx.session.command(&format!("{again}{flags}"));
        hints.push(format!("to leave what cannot be deleted, outside of any stack: `{leaves}`"));
    }
    Ok(Stuck { message: format!("stack `{}` is {status}{why}", stack.name), hints })
}

/// What lifts the protection of a resource whose stack can be updated no more.
fn unprotects(resource: &StackResource) -> Option<String> {
    let is_protected = |reason: &String| reason.to_lowercase().contains("protect");
    resource.reason.as_ref().filter(|reason| is_protected(reason))?;
    let name = &resource.physical_id;
    let typed = match resource.resource_type.as_str() {
        "AWS::RDS::DBInstance" => format!(
            "aws rds modify-db-instance --no-deletion-protection --apply-immediately --db-instance-identifier {name}"
        ),
        "AWS::ElasticLoadBalancingV2::LoadBalancer" => format!(
            "aws elbv2 modify-load-balancer-attributes --attributes Key=deletion_protection.enabled,Value=false \
             --load-balancer-arn {name}"
        ),
        _ => return None,
    };
    Some(format!("if it may be deleted: `{typed}`; then run this again"))
}

/// The logical IDs to be left when `stack` is deleted.
///
/// # Errors
/// Refused where AWS would not leave them: the stack's deletion has not failed, or it holds no such resource.
pub(crate) async fn retained(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    names: &[ResourceName],
) -> anyhow::Result<Vec<String>> {
    let named = named_of(names, short);
    if named.is_empty() {
        return Ok(named);
    }
    if !deletion_failed(&stack.status) {
        let refused = format!(
            "`--retain-resource {short}.{}` is for a stack that is DELETE_FAILED, and `{}` is {}",
            named.join(", "),
            stack.name,
            stack.status
        );
        let keeps = "to keep a resource of a stack that can still be deleted: set `DeletionPolicy: Retain` in its template and provision";
        return Err(Refused::new(refused).hint(keeps).into());
    }
    let resources = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
    let held = |id: &String| {
        resources.iter().any(|resource| resource.logical_id == *id && resource_is_held(&resource.status))
    };
    match named.iter().find(|id| !held(id)) {
        None => Ok(named),
        Some(id) => {
            let there = resources.iter().filter(|resource| resource_is_held(&resource.status));
            let there: Vec<String> =
                there.map(|resource| format!("{short}.{}", resource.logical_id)).collect();
            let refused = format!("stack `{}` holds no resource `{id}`", stack.name);
            Err(Refused::new(refused).hint(format!("it holds: {}", there.join(", "))).into())
        }
    }
}
