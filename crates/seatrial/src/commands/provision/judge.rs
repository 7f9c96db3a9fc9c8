//! What would be sent for one stack, how it differs from what is there, and whether the guard lets it through.

use std::collections::{BTreeMap, BTreeSet};

use seatrial_project::Environment;

use super::found::Found;
use super::health_path;
use crate::aws::{ChangeSet, ChangeSetRequest, Parameter, ResourceChange, Stack};
use crate::cli::ProvisionArgs;
use crate::commands::change;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::difference::{
    Deployed, Difference, SentParameters, differences, sent_parameters, sent_tags,
};
use crate::plan::graph::Graph;
use crate::plan::guard::{Action, Change, Replacement, Rules, Traffic, code_deploy_services, refusals};
use crate::plan::owned::Owned;
use crate::plan::template::StackTemplate;
use crate::plan::traffic::{LIVE, Route, routes, rules_first};
use crate::rollout::{self, Routes};

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

    /// How this differs from a stack that is there, by its template.
    pub(super) async fn differences(&self, ctx: &Ctx, found: &Found) -> anyhow::Result<Vec<Difference>> {
        let deployed = Deployed {
            id: &found.id,
            template: found.template(ctx).await?,
            parameters: &found.parameters,
            capabilities: &found.capabilities,
        };
        let sent = sent_parameters(&self.values, Some(&found.parameters));
        Ok(differences(self.template, &sent, &deployed))
    }

    /// `reality`: what was changed beside CloudFormation since is compared, and put back by a rollback.
    async fn make(
        &self,
        ctx: &Ctx,
        (sent, found): (&SentParameters, Option<&Stack>),
        reality: bool,
    ) -> anyhow::Result<Option<ChangeSet>> {
        let parameter = |(name, value): (&String, &Option<String>)| Parameter {
            name: name.clone(),
            value: value.clone(),
        };
        let parameters: Vec<Parameter> = sent.iter().map(parameter).collect();
        let change_set_name = change::name();
        let request = ChangeSetRequest {
            stack_name: &self.name,
            change_set_name: &change_set_name,
            create: found.is_none(),
            revert_drift: reality,
            template: &self.template.text,
            parameters: &parameters,
            tags: &sent_tags(&ctx.environment, &self.template.name, found.map(|found| &found.tags)),
            capabilities: self.template.capabilities().into_iter().map(str::to_owned).collect(),
            imports: &[],
        };
        change::make(ctx, &request).await
    }
}

/// A change set that the guard lets through.
pub(super) struct Judged {
    pub set: ChangeSet,
    /// The live target group that it was made for; `None` where that does not matter.
    pub live: Option<String>,
}

/// What a stack is judged by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub graph: &'a Graph,
    pub args: &'a ProvisionArgs,
    /// What leads to the application, as far as it is there.
    pub routes: Option<&'a Routes>,
}

impl Judge<'_> {
    /// Makes the change set of a stack and has the guard judge it; `found` is the stack that would be updated. `None`:
    /// nothing would change. A refused change set is deleted again.
    pub(super) async fn change_set(
        &self,
        ctx: &Ctx,
        candidate: &Candidate<'_>,
        found: Option<&Found>,
    ) -> anyhow::Result<Option<Judged>> {
        let template = candidate.template;
        let wanted = routes(&template.json);
        let is_owner = template.name == Owned::ProductionListenerArn.stack();
        refuse_foreign_routes(template, is_owner, &wanted)?;
        let Some(found) = found else {
            return self.creation(ctx, candidate).await;
        };
        let sent = sent_parameters(&candidate.values, Some(&found.parameters));
        let Some(set) = candidate.make(ctx, (&sent, Some(&found.stack)), false).await? else {
            return Ok(None);
        };
        let judged = async {
            let deployed = found.template_json(ctx).await?;
            let mut services = code_deploy_services(&template.json);
            services.extend(code_deploy_services(&deployed));
            let mut rules = Rules {
                code_deploy_services: services,
                used: self.graph.used_resources(&template.name),
                stack: &template.name,
                allow_replace: &self.args.allow_replace,
                allow_interruption: self.args.allow_interruption,
                traffic: Traffic { is_owner, deployed: routes(&deployed), wanted, ..Traffic::default() },
            };
            if !is_owner && !changes_of(&set).iter().any(|change| is_new_service(change, &rules)) {
                return Ok(Judging::Plain(rules));
            }
            let Some(traffic) = self.traffic(ctx).await? else { return Ok(Judging::Plain(rules)) };
            if is_owner && traffic.live().is_some() {
                health_path::answers(ctx, found, (&set, candidate.values.get(health_path::PARAMETER)))
                    .await?;
            }
            if let Some(arn) = traffic.live_arn() {
                rules.traffic.carriers = carriers(found, arn);
            }
            rules.traffic.bridged =
                traffic.live().is_some_and(|live| rules_first(&deployed, &template.json, live).is_some());
            rules.traffic.live = traffic.live();
            Ok::<_, anyhow::Error>(Judging::Traffic(rules))
        };
        match judged.await {
            Ok(Judging::Plain(rules)) => judge(ctx, &candidate.name, (set, rules)).await.map(Some),
            Ok(Judging::Traffic(rules)) => {
                with_live(ctx, (candidate, &found.stack), (set, sent), rules).await
            }
            Err(error) => {
                change::discard(ctx, &set.id).await;
                Err(error)
            }
        }
    }

    /// A new stack that asks for the live group gets it: a service that is made anew stands behind it.
    async fn creation(&self, ctx: &Ctx, candidate: &Candidate<'_>) -> anyhow::Result<Option<Judged>> {
        let (mut sent, mut behind) = (sent_parameters(&candidate.values, None), None);
        if sent.contains_key(LIVE)
            && let Some(traffic) = self.traffic(ctx).await?
            && let Some(live) = traffic.live()
        {
            sent.insert(LIVE.to_owned(), Some(live.to_owned()));
            behind = Some(live.to_owned());
        }
        let made = candidate.make(ctx, (&sent, None), false).await?;
        Ok(made.map(|set| Judged { set, live: behind }))
    }

    /// The traffic as it is led now; `None` before there is a load balancer.
    pub(super) async fn traffic(&self, ctx: &Ctx) -> anyhow::Result<Option<rollout::Traffic>> {
        let Some(routes) = self.routes else { return Ok(None) };
        ctx.reading(rollout::Traffic::read(&ctx.aws, routes)).await.map(Some)
    }
}

enum Judging<'a> {
    Plain(Rules<'a>),
    /// What is live counts.
    Traffic(Rules<'a>),
}

/// Judges a change set by what is live. Where it touches what depends on that, it is made again with the live group; and
/// where a rule that is there would be sent again for it, once more against reality, so that a rollback puts back what was
/// really there.
async fn with_live(
    ctx: &Ctx,
    (candidate, found): (&Candidate<'_>, &Stack),
    (mut set, mut sent): (ChangeSet, SentParameters),
    mut rules: Rules<'_>,
) -> anyhow::Result<Option<Judged>> {
    let deployed = found.parameters.get(LIVE).map(String::as_str);
    rules.traffic.sent = deployed.filter(|_| sent.contains_key(LIVE)).and_then(known);
    let depends = |set: &ChangeSet, rules: &Rules<'_>| {
        let changes = changes_of(set);
        changes.iter().any(|change| rules.traffic.depends_on_live(change) || is_new_service(change, rules))
    };
    if let Some(live) = rules.traffic.live
        && sent.contains_key(LIVE)
        && rules.traffic.sent != Some(live)
        && depends(&set, &rules)
    {
        sent.insert(LIVE.to_owned(), Some(live.to_owned()));
        rules.traffic.sent = Some(live);
        for reality in [false, true] {
            change::discard(ctx, &set.id).await;
            let Some(again) = candidate.make(ctx, (&sent, Some(found)), reality).await? else {
                return Ok(None);
            };
            set = again;
            if !changes_of(&set).iter().any(|change| rules.traffic.sends_again(change)) {
                break;
            }
        }
    }
    judge(ctx, &candidate.name, (set, rules)).await.map(Some)
}

fn known(group: &str) -> Option<&'static str> {
    rollout::GROUPS.into_iter().find(|known| *known == group)
}

fn is_new_service(change: &Change, rules: &Rules<'_>) -> bool {
    change.action == Action::Add && rules.code_deploy_services.contains(&change.logical_id)
}

/// Physical IDs of what serves production while `live` is the live group.
fn carriers(found: &Stack, live: &str) -> BTreeSet<String> {
    let outputs = [Owned::LoadBalancerArn, Owned::ProductionListenerArn];
    let outputs = outputs.into_iter().filter_map(|owned| found.outputs.get(owned.name()).cloned());
    outputs.chain([live.to_owned()]).collect()
}

/// A user's own rule may not forward to the groups that deployments move: they would move it, or be refused for it.
fn refuse_foreign_routes(
    template: &StackTemplate,
    is_owner: bool,
    wanted: &BTreeSet<Route>,
) -> Result<(), Refused> {
    let Some(route) = wanted.iter().next().filter(|_| !is_owner) else { return Ok(()) };
    let message = format!(
        "`{}` of `{}` must not forward to the blue or green target group: deployments move what does",
        route.logical_id, template.path
    );
    Err(Refused::new(message).hint("forward to a target group of your own"))
}

/// The change set, if the guard lets it through; else it is deleted.
async fn judge(ctx: &Ctx, stack: &str, (set, rules): (ChangeSet, Rules<'_>)) -> anyhow::Result<Judged> {
    let refused = refusals(&changes_of(&set), &rules);
    if refused.is_empty() {
        return Ok(Judged { set, live: rules.traffic.live.map(str::to_owned) });
    }
    change::discard(ctx, &set.id).await;
    let lines: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let message = format!("refused for stack `{stack}`: {}", lines.join("; "));
    let refusal = refused.iter().fold(Refused::new(message), |error, one| error.hint(one.hint.clone()));
    Err(refusal.into())
}

fn changes_of(set: &ChangeSet) -> Vec<Change> {
    set.changes.iter().map(change_of).collect()
}

fn change_of(change: &ResourceChange) -> Change {
    Change {
        logical_id: change.logical_id.clone(),
        physical_id: change.physical_id.clone(),
        kind: change.resource_type.clone(),
        action: Action::from_aws(&change.action),
        replacement: Replacement::from_aws(change.replacement.as_deref()),
        properties: change.properties.clone(),
        scope: change.scope.clone(),
    }
}
