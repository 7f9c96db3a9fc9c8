//! From listeners that name blue and green themselves to traffic rules, without a failed request.

use super::found::Found;
use super::judge::{Candidate, Judge};
use crate::aws::Parameter;
use crate::commands::change;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::owned::Owned;
use crate::plan::traffic::{routes, rules_first};

/// Makes the rules of listeners that name blue or green themselves, where the template has rules instead; whether there
/// was anything to make.
///
/// # Errors
/// [`change::Overtaken`] among others.
pub(super) async fn bring_over(
    ctx: &Ctx,
    judge: &Judge<'_>,
    (candidate, found): (&Candidate<'_>, &Found),
) -> anyhow::Result<bool> {
    if candidate.template.name != Owned::ProductionListenerArn.stack() {
        return Ok(false);
    }
    let deployed = found.template_json(ctx).await?;
    if routes(&deployed).iter().all(|route| route.listener.is_some()) {
        return Ok(false);
    }
    let Some(traffic) = judge.traffic(ctx).await? else { return Ok(false) };
    let Some(live) = traffic.live() else { return Ok(false) };
    let Some(template) = rules_first(&deployed, &candidate.template.json, live) else { return Ok(false) };
    let text = "making the traffic rules first, beside listeners that name the target groups";
    ctx.printer().event(&candidate.name, text);
    let kept = found.parameters.keys().map(|name| Parameter { name: name.clone(), value: None });
    let parameters: Vec<Parameter> = kept.collect();
    let made = change::make_update(ctx, found, &template.to_string(), &parameters).await?;
    let Some(set) = made else { return Ok(false) };
    if set.changes.iter().any(|change| change.action != "Add") {
        change::discard(ctx, &set.id).await;
        let message = format!("stack `{}` would change more than its traffic rules", candidate.name);
        return Err(Refused::new(message).into());
    }
    change::execute(ctx, &candidate.name, &set.id).await?;
    Ok(true)
}
