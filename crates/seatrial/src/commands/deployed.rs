//! What is deployed of an environment: its stacks, found by their tags, and their outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use seatrial_project::{Environment, PROJECT_FILE, is_name};

use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{Aws, Stack};
use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::{Releases, Scaling};
use crate::plan;
use crate::plan::difference::{ENVIRONMENT_TAG, PROJECT_TAG, STACK_TAG, has_our_tags};
use crate::plan::graph::Outputs;
use crate::plan::owned::Owned;
use crate::rollout::{CodeDeploy, Routes};

/// The actions of the pipeline that build, as its template calls them: behind the last of them a deployment begins.
const BUILD_ACTION: &str = "Build";
const MIGRATE_ACTION: &str = "Migrate";

/// The stacks of one environment by short name.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub stacks: BTreeMap<String, Stack>,
    /// Stacks that are named like ours, hold nothing yet and tell not whose they are: of a creation that was not
    /// executed only the change set carries the tags.
    pub unmade: Vec<Stack>,
    /// Another project of ours that is provisioned from the same repository as an environment of the same name.
    pub twin: Option<String>,
    /// What project.yml gives in the place of a skipped stack's outputs.
    given: BTreeMap<Owned, String>,
    skipped: BTreeSet<String>,
    /// What to type where something is missing.
    provision: String,
}

impl Deployed {
    /// Reads all stacks of the account; those are ours that have our name and carry our three tags, whatever others
    /// they carry.
    pub(crate) async fn read(ctx: &Ctx) -> anyhow::Result<Self> {
        let stacks = ctx.reading(ctx.aws.describe_stacks()).await?;
        Ok(Self::of(stacks, &ctx.environment, ctx.session.command("provision")))
    }

    fn of(stacks: Vec<Stack>, environment: &Environment, provision: String) -> Self {
        let prefix = environment.stack_name("");
        let is_unmade =
            |stack: &&Stack| holds_nothing(stack) && stack.name.strip_prefix(&prefix).is_some_and(is_name);
        let unmade = stacks.iter().filter(is_unmade).cloned().collect();
        let ours = |stack: Stack| {
            let name = stack.tags.get(STACK_TAG)?.clone();
            let ours = has_our_tags(&stack.tags, environment, &name);
            (ours && stack.name == environment.stack_name(&name)).then_some((name, stack))
        };
        let given = |output: Owned| {
            let value = environment.parameters.get(output.name())?;
            environment.skip.contains(output.stack()).then(|| (output, value.clone()))
        };
        let twin = stacks.iter().find_map(|stack| twin(stack, environment));
        Self {
            twin,
            stacks: stacks.into_iter().filter_map(ours).collect(),
            unmade,
            given: Owned::ALL.into_iter().filter_map(given).collect(),
            skipped: environment.skip.clone(),
            provision,
        }
    }

    /// The names of the stacks whose template is gone; none where the templates cannot be read, which others tell.
    pub(crate) fn without_template(&self, root: &Path) -> Vec<String> {
        let Ok(templates) = plan::load(root) else { return Vec::new() };
        let gone = |short: &&String| !templates.iter().any(|template| template.name == **short);
        self.stacks.iter().filter(|(short, _)| gone(short)).map(|(_, stack)| stack.name.clone()).collect()
    }

    /// The value of an output that this tool needs, from the stack that owns it.
    pub(crate) fn output(&self, output: Owned) -> Option<&str> {
        let deployed = self.stacks.get(output.stack()).and_then(|stack| stack.outputs.get(output.name()));
        deployed.or_else(|| self.given.get(&output)).map(String::as_str)
    }

    /// The same, refused if it is not there.
    pub(crate) fn required(&self, output: Owned) -> Result<&str, Refused> {
        self.output(output).ok_or_else(|| {
            let (stack, name) = (output.stack(), output.name());
            if self.skipped.contains(stack) {
                return Refused::new(format!("`{name}` is not known, as stack `{stack}` is left out"))
                    .hint(format!("set `{name}` under the environment's `parameters` in `{PROJECT_FILE}`"));
            }
            Refused::new(format!("stack `{stack}` has no output `{name}`, or is not deployed"))
                .hint(format!("run `{}` first", self.provision))
        })
    }

    /// The outputs of the stacks that are at rest, by stack: what the graph fills parameters from.
    pub(crate) fn outputs_by_stack(&self) -> Outputs {
        self.stacks.iter().map(|(name, stack)| (name.clone(), stack.outputs.clone())).collect()
    }

    /// What leads to the application, by outputs that may be newer than these; `None` before there is a load balancer.
    pub(crate) fn routes(&self, outputs: &Outputs) -> Option<Routes> {
        let output = |owned: Owned| {
            let newer = outputs.get(owned.stack()).and_then(|outputs| outputs.get(owned.name()));
            newer.or_else(|| self.given.get(&owned)).cloned()
        };
        let listeners =
            [output(Owned::ProductionListenerArn)?].into_iter().chain(output(Owned::TestListenerArn));
        Some(Routes {
            listeners: listeners.collect(),
            groups: [output(Owned::BlueTargetGroupArn)?, output(Owned::GreenTargetGroupArn)?],
            service: output(Owned::ClusterName).zip(output(Owned::ServiceName)),
        })
    }

    /// All outputs by name; one that this tool needs is that of the stack that owns it.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        let all = self.stacks.values().flat_map(|stack| stack.outputs.clone());
        let all = all.filter(|(name, _)| Owned::of_name(name).is_none());
        let owned = Owned::ALL
            .into_iter()
            .filter_map(|output| Some((output.name().to_owned(), self.output(output)?.to_owned())));
        all.chain(owned).collect()
    }
}

/// Host and port of a URL: where nobody knows the load balancer's own name, the users' has to lead there.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).to_owned()
}

/// The project of a stack that has our environment's name and releases our branch, and is another's.
fn twin(stack: &Stack, environment: &Environment) -> Option<String> {
    let project = stack.tags.get(PROJECT_TAG).filter(|project| **project != environment.project)?;
    let same = |name: &str, value: &str| stack.parameters.get(name).is_some_and(|found| found == value);
    let is_twin = stack.tags.get(ENVIRONMENT_TAG) == Some(&environment.name)
        && same("RepositoryId", &environment.source.repository)
        && same("BranchName", &environment.source.branch);
    is_twin.then(|| project.clone())
}

/// The stack of that short name, whatever state it is in; `None` if there is none.
///
/// # Errors
/// Refused where a stack has the name and not our tags: what somebody else made is never taken over.
pub(crate) async fn find_stack(ctx: &Ctx, short: &str) -> anyhow::Result<Option<Stack>> {
    let name = ctx.environment.stack_name(short);
    let found = ctx.reading(ctx.aws.describe_stack(&name)).await?;
    match found {
        Some(stack) if is_foreign(&stack, &ctx.environment, short) => {
            let refused =
                Refused::new(format!("stack `{name}` is there, and not Seatrial's: it lacks its tags"));
            Err(refused.hint(format!("choose another `project` in `{PROJECT_FILE}`")).into())
        }
        found => Ok(found),
    }
}

/// A stack that holds nothing yet may not show the tags that its first change set brings.
fn is_foreign(stack: &Stack, environment: &Environment, short: &str) -> bool {
    !holds_nothing(stack) && !has_our_tags(&stack.tags, environment, short)
}

fn holds_nothing(stack: &Stack) -> bool {
    stack_phase(&stack.status) == StackPhase::Review && stack.tags.is_empty()
}

/// Where releases go: names from the outputs of the stacks that own them.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Place {
    pub pipeline: String,
    pub cluster: String,
    pub service: String,
    pub url: String,
    /// The load balancer's own name.
    #[serde(skip)]
    pub load_balancer: String,
    #[serde(skip)]
    application: String,
    #[serde(skip)]
    deployment_group: String,
    #[serde(skip)]
    listener: String,
    #[serde(skip)]
    test_listener: Option<String>,
    #[serde(skip)]
    groups: [String; 2],
}

impl Place {
    /// # Errors
    /// Refused if a stack that must be there is not.
    pub(crate) fn of(deployed: &Deployed) -> Result<Self, Refused> {
        let output = |output| deployed.required(output).map(str::to_owned);
        Ok(Self {
            pipeline: output(Owned::PipelineName)?,
            cluster: output(Owned::ClusterName)?,
            service: output(Owned::ServiceName)?,
            url: output(Owned::Url)?,
            load_balancer: deployed
                .output(Owned::LoadBalancerDnsName)
                .map_or_else(|| host(&output(Owned::Url).unwrap_or_default()), str::to_owned),
            application: output(Owned::CodeDeployApplicationName)?,
            deployment_group: output(Owned::DeploymentGroupName)?,
            listener: output(Owned::ProductionListenerArn)?,
            test_listener: deployed.output(Owned::TestListenerArn).map(str::to_owned),
            groups: [output(Owned::BlueTargetGroupArn)?, output(Owned::GreenTargetGroupArn)?],
        })
    }

    /// CodeDeploy's application, and its deployment group.
    pub fn deployment_group(&self) -> (&str, &str) {
        (&self.application, &self.deployment_group)
    }

    /// ARNs of the target groups blue and green.
    pub fn groups(&self) -> [&str; 2] {
        let [blue, green] = &self.groups;
        [blue, green]
    }

    /// The scaling of the service, to be suspended while something rolls out.
    pub(crate) fn scaling<'a>(&'a self, ctx: &'a Ctx) -> Scaling<'a> {
        let last = if ctx.environment.migrate.is_some() { MIGRATE_ACTION } else { BUILD_ACTION };
        let releases = Releases { pipeline: &self.pipeline, last, deployments: self.deployment_group() };
        Scaling::new(ctx.watch(), (&self.cluster, &self.service), releases)
    }

    /// Who rolls out here.
    pub(crate) fn strategy<'a>(&'a self, aws: &'a Aws) -> CodeDeploy<'a> {
        CodeDeploy {
            aws,
            application: &self.application,
            deployment_group: &self.deployment_group,
            cluster: &self.cluster,
            service: &self.service,
            listener: &self.listener,
            test_listener: self.test_listener.as_deref(),
            groups: self.groups(),
        }
    }
}

#[cfg(test)]
impl Deployed {
    /// Every output that this tool needs, with its own name for its value.
    pub(crate) fn of_outputs(environment: &Environment) -> Self {
        let given = Owned::ALL.map(|output| (output, output.name().to_owned())).into();
        Self { given, ..Self::of(Vec::new(), environment, String::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seatrial_project::Project;

    fn stack(name: &str, tags: &[(&str, &str)], outputs: &[(&str, &str)]) -> Stack {
        let map = |entries: &[(&str, &str)]| {
            entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Stack { name: name.to_owned(), tags: map(tags), outputs: map(outputs), ..Stack::default() }
    }

    fn ours(short: &str, outputs: &[(&str, &str)]) -> Stack {
        let tags = [("seatrial:project", "web"), ("seatrial:environment", "local"), (STACK_TAG, short)];
        stack(&format!("web-local-{short}"), &tags, outputs)
    }

    fn deployed(stacks: Vec<Stack>) -> Deployed {
        let text = b"project: web\nsource: {repository: o/n}\nenvironments:\n  local:\n";
        let project = Project::parse(text).unwrap();
        Deployed::of(stacks, project.environment(None).unwrap(), String::new())
    }

    #[test]
    fn what_the_tool_needs_comes_from_the_stack_that_owns_it() {
        for output in Owned::ALL {
            let theirs = ours("a-users-own", &[(output.name(), "theirs")]);
            let owner = ours(output.stack(), &[(output.name(), "ours")]);

            assert_eq!(deployed(vec![theirs.clone(), owner]).output(output), Some("ours"));
            assert_eq!(deployed(vec![theirs]).output(output), None);
        }
    }

    #[test]
    fn another_project_of_the_same_repository_and_environment_is_a_twin() {
        let twin = |project: &str, environment: &str, branch: &str| {
            let tags = [("seatrial:project", project), ("seatrial:environment", environment)];
            let mut found = stack("old-local-pipeline", &tags, &[]);
            for (name, value) in [("RepositoryId", "o/n"), ("BranchName", branch)] {
                found.parameters.insert(name.to_owned(), value.to_owned());
            }
            deployed(vec![found]).twin
        };
        assert_eq!(twin("old", "local", "main").as_deref(), Some("old"));
        assert_eq!(twin("web", "local", "main"), None);
        assert_eq!(twin("old", "staging", "main"), None);
        assert_eq!(twin("old", "local", "other"), None);
    }

    #[test]
    fn a_stack_is_ours_by_its_three_tags_and_its_name_whatever_else_it_carries() {
        let mut tagged = ours("network", &[]);
        tagged.tags.insert("team".to_owned(), "platform".to_owned());
        assert_eq!(deployed(vec![tagged]).stacks.len(), 1);

        let mut foreign = ours("network", &[]);
        foreign.tags.insert("seatrial:environment".to_owned(), "production".to_owned());
        let mut renamed = ours("network", &[]);
        renamed.name = "somebody-elses".to_owned();
        assert!(deployed(vec![foreign, renamed, stack("web-local-network", &[], &[])]).stacks.is_empty());
    }

    #[test]
    fn a_stack_of_our_name_is_somebody_elses_unless_it_holds_nothing_or_has_our_tags() {
        let project = Project::parse(b"project: web\nsource: {repository: o/n}\nenvironments:\n  local:\n");
        let project = project.unwrap();
        let environment = project.environment(None).unwrap();
        let with = |status: &str, tags: &[(&str, &str)]| Stack {
            status: status.to_owned(),
            ..stack("web-local-network", tags, &[])
        };
        let before = [("project", "web"), ("environment", "local"), ("stack", "network")];
        for status in ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_FAILED"] {
            assert!(is_foreign(&with(status, &[]), environment, "network"), "{status}");
            assert!(is_foreign(&with(status, &before), environment, "network"), "{status}");
            let ours = Stack { status: status.to_owned(), ..ours("network", &[]) };
            assert!(!is_foreign(&ours, environment, "network"), "{status}");
            assert!(is_foreign(&ours, environment, "database"), "{status}");
        }
        assert!(!is_foreign(&with("REVIEW_IN_PROGRESS", &[]), environment, "network"));
        assert!(is_foreign(&with("REVIEW_IN_PROGRESS", &before), environment, "network"));
    }
}
