//! The graph: what is made after what, inferred from the names of parameters and outputs.
//!
//! Its nodes are the stacks and, where a stack holds an ECS service, the first image and the task definition,
//! without which a service cannot start. An edge is an output that fills a parameter.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use seatrial_project::{Environment, Project};
use seatrial_template::{Diagnostic, Position};
use serde::{Serialize, Serializer};

pub(crate) use super::wiring::Source;
use super::{
    Faults, STACKS_FOLDER, StacksError,
    left_out::{TASK_DEFINITION_WISHES, unknown_skips, unnamed_database},
    limits,
    owned::Owned,
    template::StackTemplate,
    wiring::{Wiring, place},
};

const SERVICE: &str = "AWS::ECS::Service";
/// Two numbers, made anew whenever one of them changes: whoever uses its name takes the new one in the same run, after it
/// was made and before the old one goes.
const REPLACED_AT_WILL: &str = "AWS::CodeDeploy::DeploymentConfig";
const CONNECTIONS: [&str; 2] = ["AWS::CodeConnections::Connection", "AWS::CodeStarConnections::Connection"];

/// What building the first image needs: the CodeBuild project, where its source goes and where the image goes.
const FIRST_IMAGE_NEEDS: [&str; 3] = ["ArtifactBucketName", "BuildProjectName", "RepositoryUri"];
/// What the task definition cannot be without.
const TASK_DEFINITION_NEEDS: [&str; 4] =
    ["ApplicationLogGroupName", "ExecutionRoleArn", "RepositoryUri", "TaskRoleArn"];
/// A thing to be made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NodeId {
    /// By its own name, without project and environment.
    Stack(String),
    /// The image in the repository, where the family has no active revision yet.
    FirstImage,
    /// The first revision of the family.
    TaskDefinition,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack(name) => f.write_str(name),
            Self::FirstImage => f.write_str("first image"),
            Self::TaskDefinition => f.write_str("task definition"),
        }
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What one node takes, and from where.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Inputs {
    /// Parameter (or need) to source.
    pub(crate) sources: BTreeMap<String, Source>,
    /// What has to be there before.
    pub(crate) after: BTreeSet<NodeId>,
}

/// The outputs of the stacks that are there: stack, output, value.
pub(crate) type Outputs = BTreeMap<String, BTreeMap<String, String>>;

/// The values of a node's parameters, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Values {
    pub(crate) known: BTreeMap<String, String>,
    /// Parameter to the stack whose output is not there yet.
    pub(crate) pending: BTreeMap<String, String>,
}

/// All nodes of one environment.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    templates: BTreeMap<String, StackTemplate>,
    nodes: BTreeMap<NodeId, Inputs>,
    order: Vec<NodeId>,
}

impl Graph {
    /// Infers the graph of an environment; makes no call.
    ///
    /// # Errors
    /// Every parameter that is unfilled, ambiguous or of the wrong shape, every skipped stack or setting that
    /// does not exist; else the first cycle. All with the place in the template or in project.yml.
    pub(crate) fn infer(
        templates: Vec<StackTemplate>,
        project: &Project,
        environment: &Environment,
    ) -> Result<Self, StacksError> {
        let mut faults = unknown_skips(&templates, project, environment);
        faults.extend(limits::long_names(&templates, environment));
        let templates: Vec<StackTemplate> =
            templates.into_iter().filter(|template| !environment.leaves_out(&template.name)).collect();
        let wiring = Wiring::new(&templates, project, environment);
        let mut nodes = BTreeMap::new();
        for template in &templates {
            let mut inputs = Inputs::default();
            for parameter in &template.parameters {
                match wiring.source(template, parameter) {
                    Ok(source) => inputs.add(parameter.name.clone(), source),
                    Err(fault) => faults.push(fault),
                }
            }
            nodes.insert(NodeId::Stack(template.name.clone()), inputs);
        }
        let mut needs: BTreeSet<&str> = BTreeSet::new();
        if let Some(service) = templates.iter().find(|template| template.has_resource(SERVICE)) {
            needs.extend(
                FIRST_IMAGE_NEEDS.iter().chain(&TASK_DEFINITION_NEEDS).chain(&TASK_DEFINITION_WISHES),
            );
            needs.extend(environment.app.outputs.values().map(String::as_str));
            faults.extend(add_first_release(&mut nodes, &wiring, (service, environment)));
            faults.extend(unnamed_database(&wiring, environment, service));
            for template in templates.iter().filter(|template| template.has_resource(SERVICE)) {
                let inputs = nodes.entry(NodeId::Stack(template.name.clone())).or_default();
                inputs.after.insert(NodeId::TaskDefinition);
            }
        }
        let (makers, refused) = limits::bucket_makers(&wiring, &templates);
        for (large, maker) in makers {
            nodes.entry(NodeId::Stack(large)).or_default().after.insert(NodeId::Stack(maker));
        }
        faults.extend(refused);
        needs.extend(templates.iter().any(limits::is_large).then_some(limits::BUCKET));
        let skipped = Owned::ALL.into_iter().filter(|owned| environment.skip.contains(owned.stack()));
        needs.extend(skipped.map(|owned| -> &str { owned.name() }));
        faults.extend(wiring.unused_settings(&needs));
        if !faults.is_empty() {
            return Err(StacksError::Invalid(Faults(faults)));
        }
        let templates = templates.into_iter().map(|template| (template.name.clone(), template)).collect();
        let mut graph = Self { templates, nodes, order: Vec::new() };
        graph.order = graph.sort()?;
        Ok(graph)
    }

    /// Every node after all it needs; the order is the same each time.
    pub(crate) fn order(&self) -> &[NodeId] {
        &self.order
    }

    /// The stacks in the order of [`Self::order`].
    pub(crate) fn stacks(&self) -> impl Iterator<Item = &StackTemplate> {
        self.order.iter().filter_map(|id| match id {
            NodeId::Stack(name) => self.templates.get(name),
            _ => None,
        })
    }

    pub(crate) fn template(&self, stack: &str) -> Option<&StackTemplate> {
        self.templates.get(stack)
    }

    pub(crate) fn inputs(&self, id: &NodeId) -> Option<&Inputs> {
        self.nodes.get(id)
    }

    /// What must be there before `id`.
    pub(crate) fn after(&self, id: &NodeId) -> impl Iterator<Item = &NodeId> {
        self.nodes.get(id).into_iter().flat_map(|inputs| &inputs.after)
    }

    /// True if the node takes something from a stack that holds a GitHub connection: such an edge is satisfied
    /// by the connection's status AVAILABLE, not by the stack's completion.
    pub(crate) fn waits_for_connection(&self, id: &NodeId) -> bool {
        let holds = |other: &NodeId| match other {
            NodeId::Stack(name) => self.templates.get(name).is_some_and(holds_connection),
            _ => false,
        };
        self.after(id).any(holds)
    }

    /// The values of a node's parameters, given the outputs of the stacks that are there.
    pub(crate) fn values(&self, id: &NodeId, outputs: &Outputs) -> Values {
        let mut values = Values::default();
        for (name, source) in self.nodes.get(id).into_iter().flat_map(|inputs| &inputs.sources) {
            let value = match source {
                Source::Setting { value, .. } | Source::Fact { value } | Source::Default { value } => {
                    Ok(value)
                }
                Source::Output { stack, conditional, default } => {
                    let stack_outputs = outputs.get(stack);
                    let absent = default.as_ref().filter(|_| *conditional && stack_outputs.is_some());
                    stack_outputs.and_then(|outputs| outputs.get(name)).or(absent).ok_or(stack)
                }
            };
            match value {
                Ok(value) => drop(values.known.insert(name.clone(), value.clone())),
                Err(stack) => drop(values.pending.insert(name.clone(), stack.clone())),
            }
        }
        values
    }

    /// The values of a node whose predecessors are all there.
    ///
    /// # Errors
    /// An output that turned out absent (its condition is false) and a parameter without Default.
    pub(crate) fn complete_values(
        &self,
        id: &NodeId,
        outputs: &Outputs,
    ) -> Result<BTreeMap<String, String>, StacksError> {
        let values = self.values(id, outputs);
        let faults = values.pending.iter().map(|(name, stack)| {
            let message =
                format!("`{name}` of `{id}` has no value: stack `{stack}` has no output of that name now");
            let (path, position) = self.place_of_input(id, name);
            Diagnostic::new(&path, position, message)
        });
        let faults: Vec<Diagnostic> = faults.collect();
        if faults.is_empty() { Ok(values.known) } else { Err(StacksError::Invalid(Faults(faults))) }
    }

    /// The resources of a stack whose outputs other nodes take, and cannot be without: logical ID to `output (node)`.
    pub(crate) fn used_resources(&self, stack: &str) -> BTreeMap<String, Vec<String>> {
        let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let Some(template) = self.templates.get(stack) else { return used };
        for (id, inputs) in &self.nodes {
            for (name, source) in &inputs.sources {
                let from_here = matches!(source, Source::Output { stack: from, .. } if from == stack);
                let Some(output) = template.output(name).filter(|_| from_here) else { continue };
                for resource in template
                    .resources
                    .iter()
                    .filter(|resource| output.references.contains(&resource.logical_id))
                    .filter(|resource| resource.kind != REPLACED_AT_WILL)
                {
                    used.entry(resource.logical_id.clone()).or_default().push(format!("{name} ({id})"));
                }
            }
        }
        used
    }

    /// Kahn's algorithm, by name where several could be next.
    fn sort(&self) -> Result<Vec<NodeId>, StacksError> {
        let mut order: Vec<NodeId> = Vec::new();
        let mut left: BTreeSet<&NodeId> = self.nodes.keys().collect();
        while !left.is_empty() {
            let ready: Vec<&NodeId> =
                left.iter().copied().filter(|id| self.after(id).all(|other| !left.contains(other))).collect();
            if ready.is_empty() {
                return Err(self.cycle(&left).into());
            }
            for id in ready {
                left.remove(id);
                order.push(id.clone());
            }
        }
        Ok(order)
    }

    /// Walks backwards among the nodes that are left until one comes again.
    fn cycle(&self, left: &BTreeSet<&NodeId>) -> Diagnostic {
        let mut path: Vec<&NodeId> = Vec::new();
        let mut next = left.first().copied();
        while let Some(id) = next.filter(|id| !path.contains(id)) {
            path.push(id);
            next = self.after(id).find(|other| left.contains(other));
        }
        let start = path.iter().position(|id| Some(*id) == next).unwrap_or(0);
        let cycle = &path[start..];
        let steps: Vec<String> =
            (0..cycle.len()).map(|step| self.step(cycle[step], cycle[(step + 1) % cycle.len()])).collect();
        let first = cycle.first().copied();
        let input = first.and_then(|id| self.edge(id, cycle.get(1).copied().unwrap_or(id)));
        let (file, position) = match (first, input) {
            (Some(id), Some(input)) => self.place_of_input(id, input),
            _ => top_of(STACKS_FOLDER),
        };
        Diagnostic::new(&file, position, format!("stacks wait for each other: {}", steps.join(", ")))
    }

    fn step(&self, id: &NodeId, other: &NodeId) -> String {
        let Some(input) = self.edge(id, other) else { return format!("`{id}` needs `{other}`") };
        let output = match other {
            NodeId::Stack(name) => {
                self.templates.get(name).and_then(|stack| Some((stack, stack.output(input)?)))
            }
            _ => None,
        };
        let from = output.map(|(stack, output)| format!(" ({})", place(stack, output))).unwrap_or_default();
        format!("`{id}` takes `{input}` from `{other}`{from}")
    }

    /// The first input of `id` that `other` fills.
    fn edge(&self, id: &NodeId, other: &NodeId) -> Option<&str> {
        let filled = |source: &Source| matches!((source, other), (Source::Output { stack, .. }, NodeId::Stack(name)) if stack == name);
        let mut sources = self.nodes.get(id)?.sources.iter();
        sources.find(|(_, source)| filled(source)).map(|(name, _)| name.as_str())
    }

    fn place_of_input(&self, id: &NodeId, input: &str) -> (String, Position) {
        let template = match id {
            NodeId::Stack(name) => self.templates.get(name),
            _ => None,
        };
        let place = template.and_then(|stack| Some((stack.path.clone(), stack.parameter(input)?.position)));
        place.unwrap_or_else(|| top_of(STACKS_FOLDER))
    }
}

impl Inputs {
    fn add(&mut self, name: String, source: Source) {
        if let Source::Output { stack, .. } = &source {
            self.after.insert(NodeId::Stack(stack.clone()));
        }
        self.sources.insert(name, source);
    }
}

fn top_of(path: &str) -> (String, Position) {
    (path.to_owned(), Position { line: 1, column: 1 })
}

fn holds_connection(template: &StackTemplate) -> bool {
    CONNECTIONS.iter().any(|kind| template.has_resource(kind))
}

/// Adds the first image and the task definition, which no template holds.
fn add_first_release(
    nodes: &mut BTreeMap<NodeId, Inputs>,
    wiring: &Wiring<'_>,
    (service, environment): (&StackTemplate, &Environment),
) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let named: Vec<&str> = environment.app.outputs.values().map(String::as_str).collect();
    let of_definition = [&TASK_DEFINITION_NEEDS[..], &named].concat();
    let wants = [
        (NodeId::FirstImage, &FIRST_IMAGE_NEEDS[..], &[][..]),
        (NodeId::TaskDefinition, &of_definition, &TASK_DEFINITION_WISHES[..]),
    ];
    for (id, needs, wishes) in wants {
        let mut inputs = Inputs::default();
        for name in needs.iter().chain(wishes) {
            match wiring.source_of_need(&id.to_string(), name) {
                Ok(Some(source)) => inputs.add((*name).to_owned(), source),
                Ok(None) if wishes.contains(name) => {}
                Ok(None) => {
                    let message = format!(
                        "the {id} of this service needs `{name}`: no stack has an output of that name"
                    );
                    faults.push(service.fault(Position { line: 1, column: 1 }, message));
                }
                Err(fault) => faults.push(fault),
            }
        }
        if id == NodeId::TaskDefinition {
            inputs.after.insert(NodeId::FirstImage);
        }
        nodes.insert(id, inputs);
    }
    faults
}

#[cfg(test)]
mod tests;
