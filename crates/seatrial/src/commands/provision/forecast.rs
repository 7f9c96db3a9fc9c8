//! How long a plan will take: its critical path, by what earlier runs have learned.

use std::collections::BTreeMap;
use std::time::Duration;

use super::plan::{Plan, Planned, Step};
use crate::aws::ResourceChange;
use crate::commands::learned::Learned;
use crate::context::Ctx;
use crate::output::{After, Expected, Whole};
use crate::plan::critical_path::critical_path;
use crate::plan::graph::{Graph, NodeId};
use crate::plan::owned::Owned;
use crate::plan::template::StackTemplate;

/// What is to be done to one resource.
struct Task {
    logical_id: String,
    resource_type: String,
    operation: &'static str,
}

/// A time, and whether all that it is made of was known.
#[derive(Clone, Copy)]
struct Estimate {
    takes: Duration,
    is_complete: bool,
}

const NOTHING: Estimate = Estimate { takes: Duration::ZERO, is_complete: true };
const UNKNOWN: Estimate = Estimate { takes: Duration::ZERO, is_complete: false };

/// What waits for what, by the names that are shown.
pub(super) fn after(graph: &Graph) -> After {
    let names = |id: &NodeId| graph.after(id).map(ToString::to_string).collect();
    graph.order().iter().map(|id| (id.to_string(), names(id))).collect()
}

/// All that is done together, and how long that will take where it is known.
pub(super) fn whole(ctx: &Ctx, graph: &Graph, plan: &Plan) -> Whole {
    let expected = forecast(graph, plan, &Learned::of(ctx));
    Whole { prefix: ctx.environment.stack_name(""), count: graph.order().len(), expected }
}

fn forecast(graph: &Graph, plan: &Plan, learned: &Learned) -> Option<Expected> {
    let makes_service = plan.deployed.output(Owned::ServiceName).is_none();
    let estimate = |id: &NodeId| match id {
        NodeId::Stack(name) => {
            let stack = graph.template(name).zip(plan.of(name));
            stack.map_or(UNKNOWN, |(template, planned)| of_stack(template, planned, learned))
        }
        other if makes_service => Estimate::of(learned.node(&other.to_string())),
        _ => NOTHING,
    };
    let estimates: BTreeMap<NodeId, Estimate> =
        graph.order().iter().map(|id| (id.clone(), estimate(id))).collect();
    let takes = estimates.iter().map(|(id, estimate)| (id.clone(), estimate.takes)).collect();
    let after = graph.order().iter().map(|id| (id.clone(), graph.after(id).cloned().collect())).collect();
    let (duration, path) = critical_path(&takes, &after);
    let is_complete = estimates.values().all(|estimate| estimate.is_complete);
    let path = path.into_iter().filter(|id| takes.get(id).is_some_and(|takes| !takes.is_zero()));
    let path = path.map(|id| id.to_string()).collect();
    // Where nothing is known, nothing is said.
    (!duration.is_zero()).then_some(Expected { duration, is_complete, path })
}

/// The longest way through a stack's resources, and what CloudFormation takes beside them.
fn of_stack(template: &StackTemplate, planned: &Planned, learned: &Learned) -> Estimate {
    let (operation, tasks) = match &planned.step {
        Step::Unchanged => return NOTHING,
        Step::Create { changes, .. } if !changes.is_empty() => {
            ("CREATE", changes.iter().map(Task::of).collect())
        }
        Step::Create { .. } | Step::Recreate => ("CREATE", all(template)),
        Step::Update { changes, .. } => ("UPDATE", changes.iter().map(Task::of).collect()),
        // What is found then is not known.
        Step::Join | Step::RollBack | Step::Later | Step::GiveUp => return UNKNOWN,
    };
    through(template, (operation, tasks), learned)
}

fn through(template: &StackTemplate, (operation, tasks): (&str, Vec<Task>), learned: &Learned) -> Estimate {
    let resources: Vec<(String, Estimate)> = tasks.into_iter().map(|task| task.estimate(learned)).collect();
    let takes: BTreeMap<String, Duration> =
        resources.iter().map(|(id, estimate)| (id.clone(), estimate.takes)).collect();
    let around = Estimate::of(learned.around(operation));
    Estimate {
        takes: critical_path(&takes, &template.dependencies()).0 + around.takes,
        is_complete: around.is_complete && resources.iter().all(|(_, estimate)| estimate.is_complete),
    }
}

fn all(template: &StackTemplate) -> Vec<Task> {
    let task = |resource: &crate::plan::template::Resource| Task {
        logical_id: resource.logical_id.clone(),
        resource_type: resource.kind.clone(),
        operation: "CREATE",
    };
    template.resources.iter().map(task).collect()
}

impl Task {
    fn of(change: &ResourceChange) -> Self {
        let operation = match (change.action.as_str(), change.replacement.as_deref()) {
            ("Add", _) | (_, Some("True")) => "CREATE",
            ("Remove", _) => "DELETE",
            _ => "UPDATE",
        };
        let (logical_id, resource_type) = (change.logical_id.clone(), change.resource_type.clone());
        Self { logical_id, resource_type, operation }
    }

    fn estimate(self, learned: &Learned) -> (String, Estimate) {
        (self.logical_id, Estimate::of(learned.resource(&self.resource_type, self.operation)))
    }
}

impl Estimate {
    fn of(takes: Option<Duration>) -> Self {
        takes.map_or(UNKNOWN, |takes| Self { takes, is_complete: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> StackTemplate {
        let folder = tempfile::tempdir().unwrap();
        let stacks = folder.path().join("infra/stacks");
        std::fs::create_dir_all(&stacks).unwrap();
        let text = "Resources:
  Key: {Type: AWS::KMS::Key}
  Group: {Type: AWS::Logs::LogGroup, Properties: {KmsKeyId: !GetAtt Key.Arn}}
  Bucket: {Type: AWS::S3::Bucket}
";
        std::fs::write(stacks.join("logs.yml"), text).unwrap();
        crate::plan::load(folder.path()).unwrap().remove(0)
    }

    fn change(id: &str, kind: &str, action: &str, replacement: Option<&str>) -> ResourceChange {
        ResourceChange {
            action: action.to_owned(),
            logical_id: id.to_owned(),
            physical_id: None,
            resource_type: kind.to_owned(),
            replacement: replacement.map(str::to_owned),
            properties: Vec::new(),
            scope: Vec::new(),
            details: Vec::new(),
        }
    }

    #[test]
    fn a_stack_takes_as_long_as_the_longest_way_through_what_changes_of_it() {
        let learned: Learned = serde_json::from_value(serde_json::json!({ "format": 1, "durations": {
            "AWS::KMS::Key CREATE": [9.0, 10.0, 100.0],
            "AWS::Logs::LogGroup CREATE": [3.0],
            "AWS::Logs::LogGroup UPDATE": [2.0],
            "AWS::S3::Bucket CREATE": [12.0],
            "AWS::CloudFormation::Stack CREATE": [5.0],
            "AWS::CloudFormation::Stack UPDATE": [4.0],
        }}))
        .unwrap();
        let template = template();
        let takes = |operation, tasks| {
            let estimate = through(&template, (operation, tasks), &learned);
            (estimate.takes.as_secs(), estimate.is_complete)
        };

        // The group waits for the key; the bucket waits for nobody.
        assert_eq!(takes("CREATE", all(&template)), (10 + 3 + 5, true));
        let group =
            |action, replacement| Task::of(&change("Group", "AWS::Logs::LogGroup", action, replacement));
        assert_eq!(takes("UPDATE", vec![group("Modify", Some("False"))]), (2 + 4, true));
        assert_eq!(takes("UPDATE", vec![group("Modify", Some("True"))]), (3 + 4, true));
        // How long a deletion takes has not been seen.
        assert_eq!(takes("UPDATE", vec![group("Remove", None)]), (4, false));
    }
}
