//! `provision --import`: what exists is taken into the stack that is to hold it, before anything else is planned.
//!
//! An import may change nothing else of a stack, its tags included, so a stack that is not there yet is made first, with a
//! handle that stands for nothing; the update that follows takes that away and makes the rest. What is taken in, AWS
//! updates as it finds fit: the stack's tags are applied by the type's update handler.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::consent::Consent;
use super::found::Found;
use super::lock::is_guarded;
use crate::aws::status::{StackPhase, resource_is_held, stack_phase};
use crate::aws::{ChangeSetRequest, Parameter, ResourceImport};
use crate::cli::ProvisionArgs;
use crate::commands::change;
use crate::commands::deployed::{Deployed, find_stack};
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::difference::sent_tags;
use crate::plan::graph::{Graph, NodeId, Values};
use crate::plan::guard::is_database;
use crate::plan::import::{ImportTemplate, import_template};
use crate::plan::resolved::{resolved, values};
use crate::plan::resource_name::Import;
use crate::plan::template::StackTemplate;

/// What resources can be named by, by type: any one of these sets of properties.
type Identifiers = BTreeMap<String, Vec<Vec<String>>>;

/// What is to be taken into one stack.
struct Taking<'a> {
    template: &'a StackTemplate,
    name: String,
    found: Option<Found>,
    values: Values,
    imports: Vec<ResourceImport>,
}

/// Imports what was typed; `false` where it was only to be shown.
///
/// # Errors
/// Refused where a resource cannot be imported as it is typed, or the user does not agree: then nothing was made.
pub(super) async fn run(ctx: &Ctx, graph: &Graph, args: &ProvisionArgs) -> anyhow::Result<bool> {
    let stacks: BTreeSet<&str> = args.import.iter().map(|import| import.resource.stack.as_str()).collect();
    let (Some(template), 1) = (stacks.first().and_then(|stack| graph.template(stack)), stacks.len()) else {
        let several = "`--import` takes resources of one stack at a time: stacks take each other's outputs";
        return Err(Refused::new(several).hint("import into the stack that others need first").into());
    };
    let outputs = Deployed::read(ctx).await?.outputs_by_stack();
    let values = graph.values(&NodeId::Stack(template.name.clone()), &outputs);
    let Some(taking) = Taking::of(ctx, (template, values), args).await? else { return Ok(true) };
    // What is wrong with it is told before anybody is asked.
    let shell = shell();
    let deployed = match &taking.found {
        Some(stack) => stack.template_json(ctx).await?,
        None => shell.clone(),
    };
    let sent = taking.template(&deployed)?;
    taking.parameters(&sent)?;
    for import in &taking.imports {
        let names: Vec<&str> = import.identifier.values().map(String::as_str).collect();
        let what = format!("import {} ({}): {}", import.logical_id, import.resource_type, names.join(", "));
        ctx.printer().event(&taking.name, what);
    }
    if args.consent.dry_run {
        return Ok(false);
    }
    let question = format!("import into stack `{}`, and let AWS apply its tags to it? (yes/no)", taking.name);
    Consent::ask_for(ctx, &args.consent, &question).await?;
    let taking = match taking.found {
        Some(_) => taking,
        None => taking.with_shell(ctx, &shell).await?,
    };
    taking.execute(ctx, &sent).await?;
    Ok(true)
}

/// A stack with nothing in it: AWS makes none without a resource.
fn shell() -> Value {
    json!({"Resources": {"BeforeImport": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
}

impl<'a> Taking<'a> {
    /// `None` where the stack holds them already: an earlier run has imported them.
    async fn of(
        ctx: &Ctx,
        (template, values): (&'a StackTemplate, Values),
        args: &ProvisionArgs,
    ) -> anyhow::Result<Option<Self>> {
        let name = ctx.environment.stack_name(&template.name);
        if is_guarded(&template.name) {
            let refused =
                format!("`{}` leads to the application: nothing is imported into it", template.name);
            return Err(Refused::new(refused).into());
        }
        let found = find_stack(ctx, &template.name).await?.map(Found::new);
        let found = found
            .filter(|stack| !matches!(stack_phase(&stack.status), StackPhase::Absent | StackPhase::Review));
        if let Some(stack) = &found {
            require_rest(stack)?;
        }
        let held = match &found {
            Some(stack) => ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?,
            None => Vec::new(),
        };
        let mut new: Vec<&Import> = Vec::new();
        for import in &args.import {
            let id = &import.resource.logical_id;
            let holds = held.iter().find(|one| one.logical_id == *id && resource_is_held(&one.status));
            match holds {
                Some(one) if import.is_of(&one.physical_id) => {}
                Some(one) => {
                    let refused = format!(
                        "`{}` is `{}` already, not `{}`",
                        import.resource, one.physical_id, import.name
                    );
                    let other = "give what is to be imported a logical ID of its own in the template";
                    return Err(Refused::new(refused).hint(other).into());
                }
                None => new.push(import),
            }
        }
        if new.is_empty() {
            return Ok(None);
        }
        let known = values.known.iter().collect();
        let whole = resolved(&template.json, &self::values(template, &known));
        let identifiers = ctx.reading(ctx.aws.identifiers(&summary(template, &new))).await?;
        let mut imports: Vec<ResourceImport> = Vec::new();
        for import in new {
            let import = resource_import(import, (template, &whole), &identifiers)?;
            if imports.iter().any(|other| {
                other.resource_type == import.resource_type && other.identifier == import.identifier
            }) {
                return Err(Refused::new(format!("`{}` is named twice", import.logical_id)).into());
            }
            if is_database(&import.resource_type) && !args.allow_interruption {
                let refused = format!(
                    "AWS updates `{}` as it takes it in, which may stop it for a while",
                    import.logical_id
                );
                return Err(Refused::new(refused)
                    .hint("choose a quiet hour, and allow it with `--allow-interruption`")
                    .into());
            }
            for physical_id in physical_ids(&import, &identifiers) {
                if let Some(owner) = ctx.reading(ctx.aws.stack_that_holds(&physical_id)).await? {
                    return Err(Refused::new(format!("`{physical_id}` belongs to stack `{owner}`")).into());
                }
            }
            imports.push(import);
        }
        Ok(Some(Self { template, name, found, values, imports }))
    }

    /// # Errors
    /// In words, where it cannot be imported so.
    fn template(&self, deployed: &Value) -> Result<ImportTemplate, Refused> {
        let ids = self.imports.iter().map(|import| import.logical_id.as_str()).collect();
        import_template(self.template, deployed, &ids).map_err(Refused::new)
    }

    async fn with_shell(self, ctx: &Ctx, shell: &Value) -> anyhow::Result<Self> {
        let request = ChangeSetRequest {
            stack_name: &self.name,
            change_set_name: &change::name(),
            create: true,
            revert_drift: false,
            template: &shell.to_string(),
            parameters: &[],
            tags: &sent_tags(&ctx.environment, &self.template.name, None),
            capabilities: BTreeSet::new(),
            imports: &[],
        };
        if let Some(set) = change::make(ctx, &request).await? {
            change::execute(ctx, &self.name, &set.id).await?;
        }
        let found = find_stack(ctx, &self.template.name).await?.map(Found::new);
        Ok(Self { found, ..self })
    }

    async fn execute(&self, ctx: &Ctx, sent: &ImportTemplate) -> anyhow::Result<()> {
        let request = ChangeSetRequest {
            stack_name: &self.name,
            change_set_name: &change::name(),
            create: false,
            revert_drift: false,
            template: &sent.json.to_string(),
            parameters: &self.parameters(sent)?,
            // An import may change none.
            tags: &self.found.as_ref().map(|found| found.tags.clone()).unwrap_or_default(),
            capabilities: self.template.capabilities().into_iter().map(str::to_owned).collect(),
            imports: &self.imports,
        };
        let Some(set) = change::make(ctx, &request).await? else {
            return Err(Refused::new(format!("there is nothing to import into stack `{}`", self.name)).into());
        };
        change::execute(ctx, &self.name, &set.id).await.map(drop)
    }

    /// The values of what the template that is sent declares: those that the stack has stay as they are.
    fn parameters(&self, sent: &ImportTemplate) -> Result<Vec<Parameter>, Refused> {
        let has =
            |name: &String| self.found.as_ref().is_some_and(|stack| stack.parameters.contains_key(name));
        let value = |name: &String| match self.values.known.get(name) {
            _ if has(name) => Ok(Parameter { name: name.clone(), value: None }),
            Some(value) => Ok(Parameter { name: name.clone(), value: Some(value.clone()) }),
            None => {
                let from = self
                    .values
                    .pending
                    .get(name)
                    .map(|stack| format!(" of stack `{stack}`"))
                    .unwrap_or_default();
                let refused = format!(
                    "what is to be imported into `{}` needs `{name}`{from}, which is not there yet",
                    self.name
                );
                Err(Refused::new(refused))
            }
        };
        sent.parameters.iter().map(value).collect()
    }
}

/// # Errors
/// Refused where AWS imports nothing into a stack in this state.
fn require_rest(stack: &Found) -> Result<(), Refused> {
    let hint = match stack_phase(&stack.status) {
        StackPhase::Stable | StackPhase::RolledBack => return Ok(()),
        StackPhase::InProgress => "run this again when that has ended".to_owned(),
        _ => format!(
            "if nothing in it is needed: `aws cloudformation delete-stack --stack-name {}`; then run this again",
            stack.name
        ),
    };
    let refused = format!("stack `{}` is {}: nothing can be imported into it", stack.name, stack.status);
    Err(Refused::new(refused).hint(hint))
}

/// A template that says no more than the types: the whole one may be too large to be sent as it is.
fn summary(template: &StackTemplate, imports: &[&Import]) -> String {
    let named = |id: &str| imports.iter().any(|import| import.resource.logical_id == id);
    let types = template.resources.iter().filter(|resource| named(&resource.logical_id));
    let types: BTreeMap<&String, Value> =
        types.map(|resource| (&resource.logical_id, json!({"Type": resource.kind}))).collect();
    let types = if types.is_empty() { shell()["Resources"].clone() } else { json!(types) };
    json!({"Resources": types}).to_string()
}

fn resource_import(
    import: &Import,
    (template, resolved): (&StackTemplate, &Value),
    identifiers: &Identifiers,
) -> Result<ResourceImport, Refused> {
    let id = &import.resource.logical_id;
    let declared = template.resources.iter().find(|resource| resource.logical_id == *id);
    let declared =
        declared.ok_or_else(|| Refused::new(format!("`{}` has no resource `{id}`", template.path)))?;
    let Some(resource) = resolved.pointer(&format!("/Resources/{id}")) else {
        return Err(Refused::new(format!("`{id}` cannot be imported: its condition leaves it out here")));
    };
    let identifier = identifier(import, &declared.kind, identifiers)?;
    for (property, name) in &identifier {
        // What is named otherwise would be replaced, or left as it is, by the next update.
        if let Some(named) = resource["Properties"][property].as_str().filter(|named| named != name) {
            let refused = format!("`{id}` is called `{named}` by the template, not `{name}`");
            return Err(Refused::new(refused).hint(format!("set `{property}` to the name of what exists")));
        }
    }
    Ok(ResourceImport { logical_id: id.clone(), resource_type: declared.kind.clone(), identifier })
}

/// By which properties a resource is named, as it was typed.
///
/// # Errors
/// Refused where its type cannot be imported, or is known by several properties of which not all were typed.
fn identifier(
    import: &Import,
    kind: &str,
    identifiers: &Identifiers,
) -> Result<BTreeMap<String, String>, Refused> {
    let sets = identifiers.get(kind).map_or(&[][..], Vec::as_slice);
    let pairs = import.pairs();
    if sets.iter().any(|set| pairs.keys().eq(set.iter().collect::<BTreeSet<_>>())) {
        return Ok(pairs);
    }
    let alone = sets.iter().find_map(|set| match &set[..] {
        [one] => Some(one.clone()),
        _ => None,
    });
    match (alone, sets.first()) {
        (Some(one), _) => Ok(BTreeMap::from([(one, import.name.clone())])),
        (None, Some(several)) => {
            let form: Vec<String> = several.iter().map(|name| format!("{name}=...")).collect();
            Err(Refused::new(format!(
                "`{}` is known by all of several properties: type `--import {}={}`",
                import.resource.logical_id,
                import.resource,
                form.join(",")
            )))
        }
        (None, None) => {
            let id = &import.resource.logical_id;
            Err(Refused::new(format!("`{id}` cannot be imported: CloudFormation imports no {kind}")))
        }
    }
}

/// What the physical ID of a resource may be: the one value that names it, an ARN among several, or all of them joined
/// in the order of its type. A part of them may well be another resource's, the route table's of a route.
fn physical_ids(import: &ResourceImport, identifiers: &Identifiers) -> Vec<String> {
    let values: Vec<&String> = import.identifier.values().collect();
    if let [one] = values[..] {
        return vec![one.clone()];
    }
    let sets = identifiers.get(&import.resource_type).into_iter().flatten();
    let joined = sets.filter_map(|set| {
        let values: Option<Vec<&str>> =
            set.iter().map(|name| import.identifier.get(name).map(String::as_str)).collect();
        values.map(|values| values.join("|"))
    });
    let arns = values.iter().filter(|value| value.starts_with("arn:")).map(|value| (*value).clone());
    joined.chain(arns).collect()
}
