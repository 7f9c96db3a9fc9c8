//! What would be sent for one stack, how it differs from what is there, and whether the guard lets it through.

use std::collections::BTreeMap;

use seatrial_project::Environment;

use crate::aws::{ChangeSet, ChangeSetRequest, Parameter, ResourceChange, Stack};
use crate::cli::ProvisionArgs;
use crate::commands::change;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::difference::{
    Deployed, Difference, SentParameters, differences, sent_parameters, sent_tags,
};
use crate::plan::graph::Graph;
use crate::plan::guard::{
    Action, Change, Replacement, Rules, code_deploy_services, refusals, touches_listener,
};
use crate::plan::owned::Owned;
use crate::plan::template::StackTemplate;
use crate::rollout;

/// The parameter that says which target group has the traffic.
const LIVE: &str = "LiveTargetGroup";

/// What would be sent for one stack.
pub(super) struct Candidate<'a> {
    pub template: &'a StackTemplate,
    pub name: String,
    pub values: BTreeMap<String, String>,
}

impl<'a> Candidate<'a> {
    pub(super) fn of(
        template: &'a StackTemplate,
        environment: &Environment,
        values: BTreeMap<String, String>,
    ) -> Self {
        Self { template, name: environment.stack_name(&template.name), values }
    }

    /// How this differs from a stack that is there: one more call, GetTemplate.
    pub(super) async fn differences(&self, ctx: &Ctx, found: &Stack) -> anyhow::Result<Vec<Difference>> {
        let template = ctx.reading(ctx.aws.get_template(&found.id)).await?;
        let deployed = Deployed {
            template: &template,
            parameters: &found.parameters,
            capabilities: &found.capabilities,
        };
        let sent = sent_parameters(&self.values, Some(&found.parameters));
        Ok(differences(self.template, &sent, &deployed))
    }

    async fn make(
        &self,
        ctx: &Ctx,
        sent: &SentParameters,
        found: Option<&Stack>,
    ) -> anyhow::Result<Option<ChangeSet>> {
        let parameter = |(name, value): (&String, &Option<String>)| Parameter {
            name: name.clone(),
            value: value.clone(),
        };
        let parameters: Vec<Parameter> = sent.iter().map(parameter).collect();
        let change_set_name = change::name();
        let none = BTreeMap::new();
        let carried = found.map_or(&none, |found| &found.tags);
        let request = ChangeSetRequest {
            stack_name: &self.name,
            change_set_name: &change_set_name,
            create: found.is_none(),
            template: &self.template.text,
            parameters: &parameters,
            tags: &sent_tags(&ctx.environment, &self.template.name, carried),
            capabilities: self.template.capabilities().into_iter().map(str::to_owned).collect(),
        };
        change::make(ctx, &request).await
    }
}

/// Makes the change set of a stack and has the guard judge it; `found` is the stack that would be updated. `None`:
/// nothing would change. A refused change set is deleted again.
pub(super) async fn change_set(
    ctx: &Ctx,
    graph: &Graph,
    (candidate, found): (&Candidate<'_>, Option<&Stack>),
    args: &ProvisionArgs,
) -> anyhow::Result<Option<ChangeSet>> {
    let mut sent = sent_parameters(&candidate.values, found.map(|found| &found.parameters));
    let Some(set) = candidate.make(ctx, &sent, found).await? else { return Ok(None) };
    let Some(found) = found else { return Ok(Some(set)) };
    let mut rules = Rules {
        code_deploy_services: code_deploy_services(&candidate.template.json),
        used: graph.used_resources(&candidate.template.name),
        allow_replace: &args.allow_replace,
        sent_live: None,
        actual_live: None,
    };
    if !touches_listener(&changes_of(&set)) {
        return judge(ctx, &candidate.name, (set, &rules)).await.map(Some);
    }
    // No edit ever moves traffic: the change set is made again with the group that has it.
    let live = match live_group(ctx, &found.outputs).await {
        Ok(live) => live,
        Err(error) => {
            change::discard(ctx, &set.id).await;
            return Err(error);
        }
    };
    rules.actual_live = live;
    let Some(live) = live.filter(|_| sent.contains_key(LIVE)) else {
        return judge(ctx, &candidate.name, (set, &rules)).await.map(Some);
    };
    change::discard(ctx, &set.id).await;
    sent.insert(LIVE.to_owned(), Some(live.to_owned()));
    rules.sent_live = Some(live);
    match candidate.make(ctx, &sent, Some(found)).await? {
        Some(again) => judge(ctx, &candidate.name, (again, &rules)).await.map(Some),
        None => Ok(None),
    }
}

/// The change set, if the guard lets it through; else it is deleted.
async fn judge(ctx: &Ctx, stack: &str, (set, rules): (ChangeSet, &Rules<'_>)) -> anyhow::Result<ChangeSet> {
    let refused = refusals(&changes_of(&set), rules);
    if refused.is_empty() {
        return Ok(set);
    }
    change::discard(ctx, &set.id).await;
    let lines: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let message = format!("refused for stack `{stack}`: {}", lines.join("; "));
    let refusal = refused.iter().fold(Refused::new(message), |error, one| error.hint(one.hint.clone()));
    Err(refusal.into())
}

/// Which target group has the traffic now.
async fn live_group(ctx: &Ctx, outputs: &BTreeMap<String, String>) -> anyhow::Result<Option<&'static str>> {
    let output = |owned: Owned| outputs.get(owned.name());
    let (Some(listener), Some(blue), Some(green)) = (
        output(Owned::ProductionListenerArn),
        output(Owned::BlueTargetGroupArn),
        output(Owned::GreenTargetGroupArn),
    ) else {
        return Ok(None);
    };
    let weights = ctx.reading(rollout::weights_of(&ctx.aws, listener, [blue, green])).await?;
    Ok(rollout::live(&weights))
}

fn changes_of(set: &ChangeSet) -> Vec<Change> {
    set.changes.iter().map(change_of).collect()
}

fn change_of(change: &ResourceChange) -> Change {
    Change {
        logical_id: change.logical_id.clone(),
        kind: change.resource_type.clone(),
        action: Action::from_aws(&change.action),
        replacement: Replacement::from_aws(change.replacement.as_deref()),
        properties: change.properties.clone(),
        scope: change.scope.clone(),
    }
}
