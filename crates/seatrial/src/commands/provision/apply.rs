//! Deploys the graph: every node as soon as what it needs is there, several at a time. A node that fails stops
//! what depends on it; its siblings finish.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::bridge::bring_over;
use super::consent::{Consent, Shown};
use super::ended::{Applied, StackResult};
use super::found::Found;
use super::handshake::Handshake;
use super::judge::{Candidate, Judge};
use super::lock::{ReleaseLock, is_guarded};
use super::plan::{Plan, Planned};
use super::protect::Protection;
use super::queue::Queue;
use super::{first, recover};
use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{ChangeSet, Stack};
use crate::cli::ProvisionArgs;
use crate::commands::change::{self, Overtaken};
use crate::commands::deployed::find_stack;
use crate::context::Ctx;
use crate::exit::{DeadlinePassed, Failed, Interrupted};
use crate::plan::difference::Difference;
use crate::plan::graph::{Graph, NodeId, Outputs};
use crate::plan::node::{Action, Attempts, Inputs, next};
use crate::plan::owned::Owned;
use crate::rollout::Routes;

struct Deployment<'a> {
    ctx: &'a Ctx,
    graph: &'a Graph,
    plan: &'a Plan,
    args: &'a ProvisionArgs,
    consent: Consent,
    outputs: Mutex<Outputs>,
    image: first::FirstRevision,
    lock: ReleaseLock<'a>,
    handshake: Handshake,
}

pub(super) async fn apply(
    ctx: &Ctx,
    graph: &Graph,
    (plan, args, consent): (&Plan, &ProvisionArgs, Consent),
) -> Applied {
    let outputs = plan.deployed.outputs_by_stack();
    let image = match first::FirstRevision::look(ctx, &plan.deployed, args).await {
        Ok(image) => image,
        Err(error) => return Applied { errors: vec![error], ..Applied::default() },
    };
    let lock = ReleaseLock::of(ctx, &plan.deployed);
    let (outputs, handshake) = (Mutex::new(outputs), Handshake::default());
    let deployment = Deployment { ctx, graph, plan, args, consent, outputs, image, lock, handshake };
    let mut applied = Applied { orphans: plan.orphans.clone(), ..Applied::default() };
    let mut queue = Queue::of(graph);
    let mut running = FuturesUnordered::new();
    loop {
        while let Some(id) = queue.next() {
            let deployment = &deployment;
            running.push(async move { (id, deployment.node(id).await) });
        }
        let Some((id, end)) = running.next().await else { break };
        queue.end(id, end.is_ok());
        match end {
            Ok(result) => applied.stacks.extend(result),
            // Its siblings finish: what they do must not be torn off.
            Err(error) => applied.errors.push(error),
        }
    }
    if let Err(error) = deployment.lock.release().await {
        applied.errors.push(error.context("releases are still held: the next `provision` lets them go"));
    }
    let left: Vec<String> = queue.left().map(ToString::to_string).collect();
    if !left.is_empty() && !applied.errors.is_empty() && !ctx.session.cancel.is_cancelled() {
        let message = format!("not done, because they need what failed: {}", left.join(", "));
        applied.errors.push(Failed(message).into());
    }
    applied.handshake = deployment.handshake.left(ctx);
    applied
}

impl Deployment<'_> {
    /// Makes one node, and tells that it is in work and what has become of it.
    async fn node(&self, id: &NodeId) -> anyhow::Result<Option<StackResult>> {
        self.ctx.session.cancel.check()?;
        let subject = match id {
            NodeId::Stack(name) => self.ctx.environment.stack_name(name),
            other => other.to_string(),
        };
        let made = self.ctx.printer().one(&subject, self.make(id), |(_, changed)| *changed).await;
        made.map(|(result, _)| result)
    }

    /// The result of a stack, and whether anything was done.
    async fn make(&self, id: &NodeId) -> anyhow::Result<(Option<StackResult>, bool)> {
        if self.graph.waits_for_connection(id)
            && let Some(arn) = self.values(id)?.get("ConnectionArn")
        {
            self.handshake.wait(self.ctx, arn).await?;
        }
        let changed = match id {
            NodeId::Stack(name) => {
                let result = self.stack(id, name).await?;
                let changed = result.changed;
                return Ok((Some(result), changed));
            }
            NodeId::FirstImage => self.image.build(self.ctx, &self.values(id)?).await?,
            NodeId::TaskDefinition => self.image.register(self.ctx, &self.values(id)?).await?,
        };
        Ok((None, changed))
    }

    /// What leads to the application, as far as it is there by now.
    fn routes(&self) -> Option<Routes> {
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        self.plan.deployed.routes(&outputs)
    }

    fn judge<'a>(&'a self, routes: Option<&'a Routes>) -> Judge<'a> {
        Judge { graph: self.graph, args: self.args, routes }
    }

    fn protection(&self) -> Protection<'_> {
        Protection { ctx: self.ctx, graph: self.graph, allowed: &self.args.allow_replace }
    }

    fn values(&self, id: &NodeId) -> anyhow::Result<BTreeMap<String, String>> {
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.graph.complete_values(id, &outputs)?)
    }

    async fn stack(&self, id: &NodeId, short: &str) -> anyhow::Result<StackResult> {
        let began = Instant::now();
        let values = self.values(id)?;
        let template = self.graph.template(short);
        let template = template.ok_or_else(|| Failed(format!("stack `{short}` has no template")))?;
        let candidate = Candidate::of(template, &self.ctx.environment, values);
        let (stack, deployed) = match self.deploy(&candidate).await {
            Ok(deployed) => deployed,
            Err(error) => {
                self.close_left(short, &error).await;
                return Err(error);
            }
        };
        let protected = self.protection().close(template, &stack).await?;
        let changed = deployed || protected;
        if let Some(arn) =
            stack.outputs.get(Owned::ConnectionArn.name()).filter(|_| short == Owned::ConnectionArn.stack())
        {
            self.handshake.begin(self.ctx, arn).await;
        }
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        outputs.insert(short.to_owned(), stack.outputs);
        let duration_s = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        Ok(StackResult { name: candidate.name, status: stack.status, changed, duration_s })
    }

    /// Where another run's update was joined and has failed, what that run had opened is closed.
    async fn close_left(&self, short: &str, error: &anyhow::Error) {
        if error.is::<Interrupted>() || error.is::<DeadlinePassed>() {
            return;
        }
        let closed = async {
            match find_stack(self.ctx, short).await? {
                Some(stack) => self.protection().close_left(short, &stack).await,
                None => Ok(()),
            }
        };
        if let Err(error) = closed.await {
            self.ctx.printer().warning(format_args!("the stack policy may be open: {error:#}"));
        }
    }

    /// Brings one stack to where the template wants it, action by action; answers it, and whether anything changed.
    async fn deploy(&self, candidate: &Candidate<'_>) -> anyhow::Result<(Stack, bool)> {
        let (ctx, name, short) = (self.ctx, &candidate.name, &candidate.template.name);
        let mut attempts = Attempts::default();
        let (mut overtaken, mut why) = (false, String::new());
        loop {
            ctx.session.cancel.check()?;
            let stack = find_stack(ctx, short).await?.map(Found::new).unwrap_or_default();
            let differences = self.differences(candidate, &stack).await?;
            let inputs = match &differences {
                Some(differences) if differences.is_empty() => Inputs::Same,
                _ => Inputs::Different,
            };
            let action = next(stack_phase(&stack.status), inputs, &attempts);
            attempts.count(action);
            match action {
                Action::Nothing => {
                    self.discard_unused(candidate).await;
                    return Ok((stack.stack, false));
                }
                Action::Create | Action::Update => {
                    if self.prepare(candidate, (&stack, action)).await? {
                        continue;
                    }
                    let update =
                        (action == Action::Update).then(|| differences.as_deref().unwrap_or_default());
                    match self.change((candidate, &stack), update, overtaken).await {
                        Ok(Some(stack)) => return Ok((stack, true)),
                        Ok(None) => return Ok((stack.stack, false)),
                        Err(error) if error.is::<Overtaken>() => {
                            overtaken = true;
                            self.tell_overtaken(name);
                        }
                        Err(error) => return Err(error),
                    }
                }
                Action::Join => {
                    let text = format_args!("{}: joining the operation in flight", stack.status);
                    ctx.printer().event(name, text);
                    change::join(ctx, (name, &stack.id)).await?;
                }
                Action::RollBack => match recover::roll_back(ctx, &stack).await {
                    Err(error) if error.is::<Overtaken>() => self.tell_overtaken(name),
                    ended => ended?,
                },
                Action::ContinueRollback => {
                    match recover::continue_rollback(ctx, (short, &stack), self.args).await {
                        Err(error) if error.is::<Overtaken>() => self.tell_overtaken(name),
                        ended => why = ended?,
                    }
                }
                Action::Clear => match recover::clear(ctx, (short, &stack), self.args).await {
                    Err(error) if error.is::<Overtaken>() => self.tell_overtaken(name),
                    ended => ended?,
                },
                Action::Wait | Action::GiveUp => {
                    return Err(recover::explain(ctx, (short, &stack), &why).await);
                }
            }
        }
    }

    /// Holds releases where the stack asks for it, and makes traffic rules first; whether the stack was changed by that.
    async fn prepare(
        &self,
        candidate: &Candidate<'_>,
        (stack, action): (&Found, Action),
    ) -> anyhow::Result<bool> {
        if !is_guarded(&candidate.template.name) {
            return Ok(false);
        }
        self.lock.hold().await?;
        if action == Action::Create {
            return Ok(false);
        }
        let routes = self.routes();
        match bring_over(self.ctx, &self.judge(routes.as_ref()), (candidate, stack)).await {
            Err(error) if error.is::<Overtaken>() => Ok(true),
            brought => brought,
        }
    }

    /// How what is wanted differs from a stack that is at rest; of any other it is not asked: it is one call more.
    async fn differences(
        &self,
        candidate: &Candidate<'_>,
        stack: &Found,
    ) -> anyhow::Result<Option<Vec<Difference>>> {
        if !matches!(stack_phase(&stack.status), StackPhase::Stable | StackPhase::RolledBack) {
            return Ok(None);
        }
        candidate.differences(self.ctx, stack).await.map(Some)
    }

    /// Executes the change set that was shown if it still fits, else one that is made, judged and agreed to now.
    /// `overtaken`: the one that was shown has been tried. `None`: nothing is to be changed.
    async fn change(
        &self,
        (candidate, stack): (&Candidate<'_>, &Found),
        differences: Option<&[Difference]>,
        overtaken: bool,
    ) -> anyhow::Result<Option<Stack>> {
        let update = differences.map(|differences| (stack, differences));
        let planned = self.plan.of(&candidate.template.name).filter(|_| !overtaken);
        let fitting = match planned {
            Some(planned) if self.is_live(planned).await? => planned.change_set(stack, &candidate.values),
            _ => None,
        };
        let id = match fitting {
            Some(id) => id.to_owned(),
            None => match self.plan_again(candidate, update).await? {
                Some(set) => set.id,
                None => return Ok(None),
            },
        };
        let updated = differences.is_some().then_some(stack);
        self.execute(candidate, (updated, &id)).await.map(Some)
    }

    /// Whether what was live when a stack was planned is so now; where it does not matter, it is.
    async fn is_live(&self, planned: &Planned) -> anyhow::Result<bool> {
        let Some(was) = &planned.live else { return Ok(true) };
        let routes = self.routes();
        let traffic = self.judge(routes.as_ref()).traffic(self.ctx).await?;
        Ok(traffic.and_then(|traffic| traffic.live()) == Some(was.as_str()))
    }

    /// `updated`: the stack that is there.
    async fn execute(
        &self,
        candidate: &Candidate<'_>,
        (updated, change_set): (Option<&Found>, &str),
    ) -> anyhow::Result<Stack> {
        let (ctx, name) = (self.ctx, &candidate.name);
        if !is_guarded(&candidate.template.name) {
            return self.execute_opened(candidate, (updated, change_set)).await;
        }
        // A pipeline's update cancels what it runs and holds back.
        let is_pipeline = candidate.template.name == Owned::PipelineName.stack();
        let executions = if is_pipeline { self.lock.executions().await? } else { Vec::new() };
        self.lock.hold().await?;
        let executed = self.execute_opened(candidate, (updated, change_set)).await;
        if is_pipeline {
            self.lock.hold().await?;
            self.lock.start_again(executions).await?;
        } else if self.lock.is_broken().await? {
            ctx.printer().event(name, "a deployment began meanwhile, which the release lock does not bind");
        }
        executed
    }

    /// With the stack policy open for what may go, no longer than that takes.
    async fn execute_opened(
        &self,
        candidate: &Candidate<'_>,
        (updated, change_set): (Option<&Found>, &str),
    ) -> anyhow::Result<Stack> {
        let (ctx, name, protection) = (self.ctx, &candidate.name, self.protection());
        let Some(stack) = updated else { return change::execute(ctx, name, change_set).await };
        let opened = protection.open(candidate.template, &stack.id).await?;
        let executed = change::execute(ctx, name, change_set).await;
        protection.close_after(&stack.id, opened, executed.as_ref().err()).await;
        executed
    }

    async fn plan_again(
        &self,
        candidate: &Candidate<'_>,
        update: Option<(&Found, &[Difference])>,
    ) -> anyhow::Result<Option<ChangeSet>> {
        let ctx = self.ctx;
        self.discard_unused(candidate).await;
        let found = update.map(|(stack, _)| stack);
        let routes = self.routes();
        let set = self.judge(routes.as_ref()).change_set(ctx, candidate, found).await?;
        let set = set.map(|judged| judged.set);
        let (Some(set), Some((_, differences))) = (&set, update) else { return Ok(set) };
        let shown = self.plan.of(&candidate.template.name).map(Shown::of).unwrap_or_default();
        let wanted = Shown { changes: &set.changes, differences };
        if let Err(refused) = self.consent.covers(ctx, &candidate.name, (shown, wanted)).await {
            change::discard(ctx, &set.id).await;
            return Err(refused);
        }
        Ok(Some(set.clone()))
    }

    /// Deletes the change set that was shown and is not executed. One that is gone already is deleted, too.
    async fn discard_unused(&self, candidate: &Candidate<'_>) {
        let planned = self.plan.of(&candidate.template.name);
        if let Some(set) = planned.and_then(|planned| planned.shown_change_set()) {
            change::discard(self.ctx, set).await;
        }
    }

    fn tell_overtaken(&self, stack: &str) {
        self.ctx.printer().event(stack, "somebody else was first: looking again");
    }
}
