//! The health check's path, asked through the live listener before it is written: a path that nobody answers fails every
//! target at once, and a target group whose targets have all failed sends them whatever comes.

use crate::aws::{ChangeSet, Stack};
use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::{Address, status_of};
use crate::plan::owned::Owned;

const TARGET_GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";
/// The parameter of `load-balancer.yml`.
pub(super) const PARAMETER: &str = "HealthCheckPath";

/// Refuses a change of the health check to a path that the live application does not answer with 200, which is what
/// the health check takes for healthy.
pub(super) async fn answers(
    ctx: &Ctx,
    found: &Stack,
    (set, path): (&ChangeSet, Option<&String>),
) -> anyhow::Result<()> {
    let changes = |property: &String| property == PARAMETER || property == "Matcher";
    let touched = set.changes.iter().any(|change| {
        change.resource_type == TARGET_GROUP
            && change.action == "Modify"
            && change.properties.iter().any(changes)
    });
    let (Some(path), Some(url)) = (path.filter(|_| touched), found.outputs.get(Owned::Url.name())) else {
        return Ok(());
    };
    let load_balancer = found.outputs.get(Owned::LoadBalancerDnsName.name()).cloned().unwrap_or_default();
    let address = Address { url: url.clone(), load_balancer, trusted: ctx.trusted()? };
    let answered = ctx.session.cancel.unless_cancelled(status_of(&address, path)).await?;
    let url = format!("{url}{path}");
    let what = match answered {
        Ok(200) => return Ok(()),
        Ok(status) => format!("answers {status}, and only 200 is healthy"),
        Err(why) => format!("does not answer: {why}"),
    };
    let refused = Refused::new(format!("the health check would ask `{path}`, but {url} {what}"));
    let hint = match url.starts_with("https://") && ctx.environment.domain.is_none() {
        true => "set `domain` to the name that the certificate is for, so that the path can be asked",
        false => "first release a commit that answers this path; then the health check can ask it",
    };
    Err(refused.hint(hint).into())
}
