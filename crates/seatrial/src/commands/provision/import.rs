//! `provision --import`: what exists is taken into the stack that is to hold it, before anything else is planned. It is
//! not changed by that; the update that follows makes of it what the template says.

use std::collections::{BTreeMap, BTreeSet};

use super::consent::Consent;
use super::found::Found;
use crate::aws::status::{StackPhase, resource_is_held, stack_phase};
use crate::aws::{ChangeSet, ChangeSetRequest, Parameter, ResourceImport};
use crate::cli::ProvisionArgs;
use crate::commands::change;
use crate::commands::deployed::{Deployed, find_stack};
use crate::context::Ctx;
use crate::exit::Refused;
use crate::plan::difference::sent_tags;
use crate::plan::graph::{Graph, NodeId, Outputs};
use crate::plan::import::{ImportTemplate, import_template};
use crate::plan::resource_name::Import;
use crate::plan::template::StackTemplate;

/// What is to be taken into one stack.
struct Taking<'a> {
    template: &'a StackTemplate,
    name: String,
    found: Option<Found>,
    imports: Vec<ResourceImport>,
}

/// Imports what was typed; `false` where it was only to be shown.
///
/// # Errors
/// Refused where a resource cannot be imported as it is typed, or the user does not agree: then nothing is left of it.
pub(super) async fn run(ctx: &Ctx, graph: &Graph, args: &ProvisionArgs) -> anyhow::Result<bool> {
    let outputs = Deployed::read(ctx).await?.outputs_by_stack();
    let stacks: BTreeSet<&str> = args.import.iter().map(|import| import.resource.stack.as_str()).collect();
    for stack in stacks {
        let Some(template) = graph.template(stack) else { continue };
        let named = args.import.iter().filter(|import| import.resource.stack == stack);
        let Some(taking) = Taking::of(ctx, template, named).await? else { continue };
        let set = taking.change_set(ctx, (graph, &outputs)).await?;
        taking.imports.iter().for_each(|import| {
            let names: Vec<&str> = import.identifier.values().map(String::as_str).collect();
            let text =
                format_args!("import {} ({}): {}", import.logical_id, import.resource_type, names.join(", "));
            ctx.printer().event(&taking.name, text);
        });
        if args.consent.dry_run {
            change::withdraw(ctx, &taking.name, &set.id).await;
            continue;
        }
        let question = format!("import into stack `{}`? (yes/no)", taking.name);
        if let Err(refused) = Consent::ask_for(ctx, &args.consent, &question).await {
            change::withdraw(ctx, &taking.name, &set.id).await;
            return Err(refused);
        }
        change::execute(ctx, &taking.name, &set.id).await?;
    }
    Ok(!args.consent.dry_run)
}

impl<'a> Taking<'a> {
    /// `None` where the stack holds them already: an earlier run has imported them.
    async fn of(
        ctx: &Ctx,
        template: &'a StackTemplate,
        named: impl Iterator<Item = &Import>,
    ) -> anyhow::Result<Option<Self>> {
        let found = find_stack(ctx, &template.name).await?.map(Found::new);
        let found = found
            .filter(|stack| !matches!(stack_phase(&stack.status), StackPhase::Absent | StackPhase::Review));
        if let Some(stack) = &found
            && !matches!(stack_phase(&stack.status), StackPhase::Stable | StackPhase::RolledBack)
        {
            let refused =
                format!("stack `{}` is {}: nothing can be imported into it", stack.name, stack.status);
            let first = ctx.session.command("provision");
            return Err(Refused::new(refused)
                .hint(format!("run `{first}` first, without `--import`"))
                .into());
        }
        let held = match &found {
            Some(stack) => ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?,
            None => Vec::new(),
        };
        let is_held = |id: &str| held.iter().any(|one| one.logical_id == id && resource_is_held(&one.status));
        let new: Vec<&Import> = named.filter(|import| !is_held(&import.resource.logical_id)).collect();
        if new.is_empty() {
            return Ok(None);
        }
        let ids = new.iter().map(|import| import.resource.logical_id.as_str()).collect();
        // A template of its own: the whole one may be too large to be sent as it is.
        let alone = import_template(template, None, &ids).map(|alone| alone.json.to_string());
        let identifiers = match alone {
            Ok(alone) => ctx.reading(ctx.aws.identifiers(&alone)).await?,
            Err(_) => ctx.reading(ctx.aws.identifiers(&template.text)).await?,
        };
        let imports = new.into_iter().map(|import| resource_import(import, template, &identifiers));
        let imports = imports.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self { template, name: ctx.environment.stack_name(&template.name), found, imports }))
    }

    async fn change_set(&self, ctx: &Ctx, (graph, outputs): (&Graph, &Outputs)) -> anyhow::Result<ChangeSet> {
        let deployed = match &self.found {
            Some(stack) => Some(stack.template_json(ctx).await?),
            None => None,
        };
        let ids = self.imports.iter().map(|import| import.logical_id.as_str()).collect();
        let sent = import_template(self.template, deployed.as_ref(), &ids).map_err(Refused::new)?;
        let request = ChangeSetRequest {
            stack_name: &self.name,
            change_set_name: &change::name(),
            create: self.found.is_none(),
            revert_drift: false,
            template: &sent.json.to_string(),
            parameters: &self.parameters(&sent, (graph, outputs))?,
            tags: &sent_tags(
                &ctx.environment,
                &self.template.name,
                self.found.as_ref().map(|found| &found.tags),
            ),
            capabilities: self.template.capabilities().into_iter().map(str::to_owned).collect(),
            imports: &self.imports,
        };
        let made = change::make(ctx, &request).await?;
        made.ok_or_else(|| {
            Refused::new(format!("there is nothing to import into stack `{}`", self.name)).into()
        })
    }

    /// The values of what the template that is sent declares: those that the stack has stay as they are.
    fn parameters(
        &self,
        sent: &ImportTemplate,
        (graph, outputs): (&Graph, &Outputs),
    ) -> Result<Vec<Parameter>, Refused> {
        let values = graph.values(&NodeId::Stack(self.template.name.clone()), outputs);
        let has =
            |name: &String| self.found.as_ref().is_some_and(|stack| stack.parameters.contains_key(name));
        let value = |name: &String| match values.known.get(name) {
            _ if has(name) => Ok(Parameter { name: name.clone(), value: None }),
            Some(value) => Ok(Parameter { name: name.clone(), value: Some(value.clone()) }),
            None => {
                let from = values
                    .pending
                    .get(name)
                    .map(|stack| format!(" from stack `{stack}`"))
                    .unwrap_or_default();
                Err(Refused::new(format!(
                    "what is to be imported into `{}` needs `{name}`{from}, which is not there yet",
                    self.name
                )))
            }
        };
        sent.parameters.iter().map(value).collect()
    }
}

fn resource_import(
    import: &Import,
    template: &StackTemplate,
    identifiers: &BTreeMap<String, Vec<String>>,
) -> Result<ResourceImport, Refused> {
    let id = &import.resource.logical_id;
    let declared = template.resources.iter().find(|resource| resource.logical_id == *id);
    let declared =
        declared.ok_or_else(|| Refused::new(format!("`{}` has no resource `{id}`", template.path)))?;
    let properties = identifiers.get(&declared.kind).map_or(&[][..], Vec::as_slice);
    let identifier = match properties {
        [] => {
            return Err(Refused::new(format!(
                "`{id}` cannot be imported: CloudFormation imports no {}",
                declared.kind
            )));
        }
        [one] => BTreeMap::from([(one.clone(), import.name.clone())]),
        several => {
            let pairs = import.name.split(',').filter_map(|pair| pair.split_once('='));
            let given: BTreeMap<String, String> =
                pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            if !given.keys().eq(several.iter().collect::<BTreeSet<_>>()) {
                let form: Vec<String> = several.iter().map(|name| format!("{name}=...")).collect();
                return Err(Refused::new(format!(
                    "`{id}` is known by several properties: type `--import {}={}`",
                    import.resource,
                    form.join(",")
                )));
            }
            given
        }
    };
    Ok(ResourceImport { logical_id: id.clone(), resource_type: declared.kind.clone(), identifier })
}
