//! Making and executing change sets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::engine::Run;
use super::super::status::Status;
use super::super::store::{ChangeSet, OnFailure, Revision, Stack, StackOptions, Store, ValidationFault};
use super::begin::{
    Beginning, new_stack, require_name, require_rollback_stays_disabled, require_updatable, take_up,
};
use super::change_set_queries::find_change_set;
use super::imports::{self, Imports, ResourceToImport};
use super::request::{Changes, Prepared, RevisionRequest};
use super::role::require_assumable;
use super::{stack_arn, validation};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

const NO_CHANGES: &str = "The submitted information didn't contain changes. Submit different information to \
                          create a change set.";
const NO_UPDATES: &str = "No updates are to be performed.";
/// `CreateChangeSet`. The change set is complete, or has failed, when the call is answered.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateChangeSet {
    stack_name: String,
    change_set_name: String,
    change_set_type: Option<String>,
    description: Option<String>,
    #[serde(flatten)]
    revision: RevisionRequest,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    on_stack_failure: Option<OnFailure>,
    client_token: Option<String>,
    #[serde(default)]
    deployment_mode: Option<String>,
    #[serde(default)]
    disable_validation: bool,
    #[serde(default)]
    resources_to_import: Vec<ResourceToImport>,
    #[serde(default)]
    import_existing_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreatedChangeSet {
    id: String,
    stack_id: String,
}

impl Operation for CreateChangeSet {
    type Output = CreatedChangeSet;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "CreateChangeSet";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<CreatedChangeSet, ServiceError> {
        let store = call.cloud.part::<Store>();
        let creates = match self.change_set_type.as_deref() {
            Some("CREATE") => true,
            // The stack may be there or not.
            Some("IMPORT") => {
                store.stack(&self.stack_name).is_none_or(|stack| stack.status == Status::ReviewInProgress)
            }
            _ => false,
        };
        let (mut stack, is_new) = self.stack(call, creates)?;
        require_assumable(call, self.role_arn.as_deref(), stack.options.role_arn.as_deref()).await?;
        let same_name = |set: &ChangeSet| !set.is_executed() && set.name == self.change_set_name;
        let existing = store.change_sets_of(&stack.id).into_iter().find(same_name);
        if let Some(set) = existing {
            if self.client_token.is_some() && set.client_token == self.client_token {
                return Ok(CreatedChangeSet { id: set.id, stack_id: stack.id });
            }
            let text = format!("ChangeSet {} already exists", self.change_set_name);
            return Err(ServiceError::new("AlreadyExistsException", text));
        }
        let prepared = self.revision.prepare(call, &stack).await?;
        let mut changes = match self.deployment_mode.as_deref() {
            None => prepared.changes(call, &stack)?,
            // There is nothing yet that could have drifted.
            Some(_) if creates => {
                let text = "DeploymentMode REVERT_DRIFT is only supported for change sets of type UPDATE";
                return Err(ServiceError::validation(text));
            }
            Some(_) => prepared.changes_of_live(call, &stack).await?,
        };
        if is_new {
            match store.put_new(&stack)? {
                Some(meanwhile) => stack = meanwhile,
                None => {
                    Run::new(&call.cloud, &stack.id).stack_event(
                        &stack,
                        stack.status,
                        stack.reason.clone(),
                    )?;
                }
            }
        }
        let imports = self.imports(call, &stack, (&prepared, &mut changes)).await?;
        let found = validation::findings(call, &stack, (&prepared, &changes), self.disable_validation).await;
        let set = self.change_set(call, &stack, creates, (prepared, changes, found, imports));
        // Under the stack's lock: an execution either finds this change set and removes it, or came first.
        store.stacks.try_update(&stack.id, |stack| {
            self.require_state(stack, creates)?;
            store.change_sets.put(&set.id, &set).map_err(ServiceError::from)
        })?;
        Ok(CreatedChangeSet { id: set.id, stack_id: stack.id })
    }
}

impl CreateChangeSet {
    /// The stack it is for, and whether that is to be made first.
    fn stack(&self, call: &Call, creates: bool) -> Result<(Stack, bool), ServiceError> {
        // A name never means a deleted stack, an ID may.
        match (call.cloud.part::<Store>().stack(&self.stack_name), creates) {
            (None, true) => {
                require_name(&self.stack_name)?;
                Ok((new_stack(call, &self.stack_name), true))
            }
            (Some(stack), creates) => {
                self.require_state(&stack, creates)?;
                Ok((stack, false))
            }
            (None, false) => {
                Err(ServiceError::validation(format!("Stack [{}] does not exist", self.stack_name)))
            }
        }
    }

    fn is_import(&self) -> bool {
        self.change_set_type.as_deref() == Some("IMPORT")
    }

    async fn imports(
        &self,
        call: &Call,
        stack: &Stack,
        (prepared, changes): (&Prepared, &mut Changes),
    ) -> Result<Imports, ServiceError> {
        match (self.is_import(), self.import_existing_resources) {
            (true, _) => {
                imports::require_nothing_else(call, stack, (prepared, self.role_arn.as_deref()))?;
                imports::requested(call, &self.resources_to_import, (prepared, changes))
            }
            (false, true) => Ok(imports::existing(call, stack, (prepared, changes)).await),
            (false, false) if !self.resources_to_import.is_empty() => Err(ServiceError::validation(
                "ResourcesToImport can only be specified for change sets of type IMPORT",
            )),
            (false, false) => Ok(Imports::new()),
        }
    }

    /// Refuses a stack that this change set cannot be for.
    fn require_state(&self, stack: &Stack, creates: bool) -> Result<(), ServiceError> {
        match (creates, stack.status) {
            (true, Status::ReviewInProgress) => Ok(()),
            (true, _) => Err(ServiceError::validation(format!(
                "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
                self.stack_name, self.change_set_name
            ))),
            (false, _) => require_updatable(stack),
        }
    }

    fn change_set(
        &self,
        call: &Call,
        stack: &Stack,
        creates: bool,
        (prepared, changes, faults, imports): (Prepared, Changes, Vec<ValidationFault>, Imports),
    ) -> ChangeSet {
        let same = same_request(&stack.current, &prepared.revision);
        let reason = match changes.anything {
            false => Some(if same { NO_CHANGES } else { NO_UPDATES }.to_owned()),
            true => validation::reason(&faults),
        };
        let failed = reason.is_some();
        let uuid = crate::id::uuid();
        ChangeSet {
            id: call.cloud.arn("cloudformation", &format!("changeSet/{}/{uuid}", self.change_set_name)),
            name: self.change_set_name.clone(),
            stack_id: stack.id.clone(),
            stack_name: stack.name.clone(),
            creates,
            imports_only: self.is_import(),
            imports,
            import_existing: self.import_existing_resources,
            description: self.description.clone(),
            created: call.cloud.clock().now(),
            status: if failed { "FAILED" } else { "CREATE_COMPLETE" }.to_owned(),
            reason,
            execution_status: if failed { "UNAVAILABLE" } else { "AVAILABLE" }.to_owned(),
            revision: prepared.revision,
            options: StackOptions {
                role_arn: self.role_arn.clone().or_else(|| stack.options.role_arn.clone()),
                revert_drift: self.deployment_mode.is_some(),
                ..stack.options.clone()
            },
            on_stack_failure: self.on_stack_failure,
            client_token: self.client_token.clone(),
            operation_id: crate::id::uuid(),
            changes: if failed { Vec::new() } else { changes.plain },
            changes_with_values: if failed { Vec::new() } else { changes.with_values },
            faults,
            drift_status: changes.drift_status,
        }
    }
}

/// `ExecuteChangeSet`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExecuteChangeSet {
    change_set_name: String,
    stack_name: Option<String>,
    client_request_token: Option<String>,
    disable_rollback: Option<bool>,
    #[serde(default)]
    retain_except_on_create: bool,
}

impl Operation for ExecuteChangeSet {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ExecuteChangeSet";

    fn resource(&self, cloud: &Cloud) -> String {
        if let Some(name) = &self.stack_name {
            return stack_arn(cloud, name);
        }
        let set = cloud.part::<Store>().change_sets.get(&self.change_set_name);
        set.map_or_else(|| "*".to_owned(), |set| set.stack_id)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let store = call.cloud.part::<Store>();
        let set = find_change_set(call, &self.change_set_name, self.stack_name.as_deref())?;
        require_executable(&set)?;
        require_assumable(call, None, set.options.role_arn.as_deref()).await?;
        let on_failure = match (set.on_stack_failure, self.disable_rollback) {
            (Some(_), Some(true)) => {
                return Err(ServiceError::validation(
                    "DisableRollback cannot be specified for a change set that has OnStackFailure",
                ));
            }
            (Some(choice), _) => choice,
            (None, Some(true)) => OnFailure::DoNothing,
            (None, _) => OnFailure::Rollback,
        };
        let (status, kind) = match (set.imports_only, set.creates) {
            (true, _) => (Status::ImportInProgress, "IMPORT_STACK"),
            (false, true) => (Status::CreateInProgress, "CREATE_STACK"),
            (false, false) => (Status::UpdateInProgress, "UPDATE_STACK"),
        };
        let beginning =
            Beginning { stack_id: &set.stack_id, status, kind, client_token: self.client_request_token };
        let now = call.cloud.clock().now();
        // It is marked first: the engine may be done before this call is answered.
        store.change_sets.update(&set.id, |set| set.execution_status = "EXECUTE_IN_PROGRESS".to_owned())?;
        let begun = beginning.go(call, |stack| {
            match set.creates {
                true if stack.status != Status::ReviewInProgress => return Err(not_creatable(stack)),
                true => {
                    stack.current = set.revision.clone();
                    stack.created = now;
                    stack.updated = Some(now);
                }
                false => {
                    require_updatable(stack)?;
                    require_rollback_stays_disabled(stack, on_failure == OnFailure::DoNothing)?;
                    take_up(stack, set.revision.clone(), now);
                }
            }
            stack.options = set.options.clone();
            stack.options.on_failure = on_failure;
            stack.options.retain_except_on_create = self.retain_except_on_create;
            stack.change_set_id = Some(set.id.clone());
            stack.imports.clone_from(&set.imports);
            Ok(())
        });
        if let Err(error) = begun {
            store.change_sets.update(&set.id, |set| set.execution_status = "AVAILABLE".to_owned())?;
            return Err(error);
        }
        store.forget_unexecuted(&set.stack_id, Some(&set.id))?;
        Ok(json!({}))
    }
}

/// Whether nothing was submitted that could change a resource: capabilities change none.
fn same_request(old: &Revision, new: &Revision) -> bool {
    *old == Revision { capabilities: old.capabilities.clone(), ..new.clone() }
}

fn not_creatable(stack: &Stack) -> ServiceError {
    ServiceError::validation(format!(
        "Stack:{} is in {} state and can not be created again.",
        stack.id, stack.status
    ))
}

fn require_executable(set: &ChangeSet) -> Result<(), ServiceError> {
    let fault = if set.status != "CREATE_COMPLETE" {
        format!("status of [{}]", set.status)
    } else if set.execution_status != "AVAILABLE" {
        format!("execution status of [{}]", set.execution_status)
    } else {
        return Ok(());
    };
    Err(ServiceError::new(
        "InvalidChangeSetStatusException",
        format!("ChangeSet [{}] cannot be executed in its current {fault}", set.id),
    ))
}
