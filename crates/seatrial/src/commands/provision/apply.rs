//! Deploys the graph: every node as soon as what it needs is there, several at a time. A node that fails stops
//! what depends on it; its siblings finish.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::judge::{self, Candidate};
use super::plan::{Plan, Step, shown};
use super::report::StackResult;
use super::{change, first, handshake};
use crate::aws::Stack;
use crate::aws::status::{StackPhase, stack_phase};
use crate::cli::ProvisionArgs;
use crate::context::Ctx;
use crate::exit::StackFailed;
use crate::stacks::graph::{Graph, NodeId, Outputs};

/// How all nodes ended.
#[derive(Default)]
pub(super) struct Applied {
    pub stacks: Vec<StackResult>,
    pub failures: Vec<String>,
}

impl Applied {
    /// A plan without a change.
    pub(super) fn nothing(plan: &Plan) -> Self {
        Self { stacks: plan.results(), failures: Vec::new() }
    }
}

struct Deployment<'a> {
    ctx: &'a Ctx,
    graph: &'a Graph,
    plan: &'a Plan,
    args: &'a ProvisionArgs,
    outputs: Mutex<Outputs>,
    image: first::FirstRevision,
}

/// What became of one node.
enum End {
    Stack(StackResult),
    Other,
}

pub(super) async fn apply(
    ctx: &Ctx,
    graph: &Graph,
    (plan, args): (&Plan, &ProvisionArgs),
) -> anyhow::Result<Applied> {
    let outputs = plan.deployed.outputs_by_stack();
    let image = first::FirstRevision::look(ctx, args).await?;
    let deployment = Deployment { ctx, graph, plan, args, outputs: Mutex::new(outputs), image };
    let mut applied = Applied::default();
    let mut waiting: BTreeSet<&NodeId> = graph.order().iter().collect();
    let mut done: BTreeSet<NodeId> = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    let mut refusal = None;
    loop {
        let ready: Vec<&NodeId> =
            waiting.iter().copied().filter(|id| graph.after(id).all(|other| done.contains(other))).collect();
        for id in ready {
            waiting.remove(id);
            let deployment = &deployment;
            running.push(async move { (id, deployment.node(id).await) });
        }
        let Some((id, end)) = running.next().await else { break };
        match end {
            Ok(End::Stack(result)) => {
                done.insert(id.clone());
                applied.stacks.push(result);
            }
            Ok(End::Other) => drop(done.insert(id.clone())),
            Err(error) if error.chain().any(|cause| cause.is::<StackFailed>()) => {
                applied.failures.push(format!("{error:#}"));
            }
            // Kept until the siblings have finished: what they do must not be torn off.
            Err(error) => drop(refusal.get_or_insert(error)),
        }
    }
    let left: Vec<String> = waiting.iter().map(ToString::to_string).collect();
    if !left.is_empty() && !applied.failures.is_empty() {
        applied.failures.push(format!("not done, because they need what failed: {}", left.join(", ")));
    }
    refusal.map_or(Ok(applied), Err)
}

impl Deployment<'_> {
    async fn node(&self, id: &NodeId) -> anyhow::Result<End> {
        if self.graph.waits_for_connection(id)
            && let Some(arn) = self.values(id)?.get("ConnectionArn")
        {
            handshake::wait(self.ctx, arn).await?;
        }
        match id {
            NodeId::Stack(name) => Ok(End::Stack(self.stack(id, name).await?)),
            NodeId::FirstImage => {
                self.image.build(self.ctx, &self.values(id)?).await?;
                Ok(End::Other)
            }
            NodeId::TaskDefinition => {
                self.image.register(self.ctx, &self.values(id)?).await?;
                Ok(End::Other)
            }
        }
    }

    fn values(&self, id: &NodeId) -> anyhow::Result<BTreeMap<String, String>> {
        let outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.graph.complete_values(id, &outputs)?)
    }

    async fn stack(&self, id: &NodeId, short: &str) -> anyhow::Result<StackResult> {
        let began = Instant::now();
        let values = self.values(id)?;
        let name = self.ctx.environment.stack_name(short);
        let (stack, changed) = self.deploy(short, &values).await?;
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        outputs.insert(short.to_owned(), stack.outputs);
        let duration_s = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        Ok(StackResult { name, status: stack.status, changed, duration_s })
    }

    /// Brings one stack to where the template wants it; answers it, and whether anything was changed.
    async fn deploy(&self, short: &str, values: &BTreeMap<String, String>) -> anyhow::Result<(Stack, bool)> {
        let ctx = self.ctx;
        let name = ctx.environment.stack_name(short);
        let found = self.make_ready(&name).await?;
        let Some(candidate) = Candidate::of(self.graph, &ctx.environment, short, values) else {
            return Err(StackFailed(format!("stack `{name}` has no template")).into());
        };
        if let Some(stack) = &found {
            let differences = candidate.differences(ctx, stack).await?;
            if differences.is_empty() {
                return Ok((stack.clone(), false));
            }
        }
        let planned = self.plan.of(short).map(|planned| &planned.step);
        let change_set = match planned {
            // What was shown is what is executed; it holds as long as the stack has not moved.
            Some(Step::Update { change_set, .. })
                if found.as_ref().is_some_and(|s| planned_on(self.plan, s)) =>
            {
                Some(change_set.clone())
            }
            _ => {
                let set = judge::change_set(ctx, self.graph, (&candidate, found.as_ref()), self.args).await?;
                if let (Some(set), Some(_)) = (&set, &found) {
                    set.changes.iter().for_each(|change| ctx.printer.event(&name, shown(change)));
                }
                set.map(|set| set.id)
            }
        };
        match change_set {
            Some(id) => Ok((change::execute(ctx, &name, &id).await?, true)),
            None => Ok((found.unwrap_or_default(), false)),
        }
    }

    /// Joins what is in flight and clears what cannot be updated; answers the stack if it can be updated.
    async fn make_ready(&self, name: &str) -> anyhow::Result<Option<Stack>> {
        let ctx = self.ctx;
        loop {
            let Some(stack) = ctx.aws.describe_stack(name).await? else { return Ok(None) };
            match stack_phase(&stack.status) {
                StackPhase::Stable | StackPhase::RolledBack => return Ok(Some(stack)),
                StackPhase::Absent => return Ok(None),
                StackPhase::InProgress => {
                    ctx.printer
                        .event(name, format_args!("{}: joining the operation in flight", stack.status));
                    // Its failure is this run's business only if it leaves the stack unusable: seen next.
                    let _ = change::settle(ctx, (name, &stack.id), None).await;
                }
                StackPhase::ContinueRollback => {
                    ctx.aws.continue_update_rollback(&stack.id).await?;
                }
                StackPhase::Review | StackPhase::DeleteOnly => {
                    ctx.printer.event(name, format_args!("{}: deleting what is left", stack.status));
                    let last = change::newest_event(&ctx.aws, &stack.id).await?;
                    ctx.aws.delete_stack(&stack.id).await?;
                    change::settle_deletion(ctx, (name, &stack.id), last).await?;
                }
                StackPhase::Failed => {
                    return Err(StackFailed(format!("stack `{name}` is {}", stack.status)).into());
                }
            }
        }
    }
}

/// True if the stack is still as it was when its change set was made.
fn planned_on(plan: &Plan, stack: &Stack) -> bool {
    plan.stacks.iter().any(|planned| planned.name == stack.name && planned.status == stack.status)
}
