//! Exports: `ListExports`, `ListImports`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::status::Status;
use super::super::store::Store;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `ListExports`.
#[derive(Deserialize)]
pub(super) struct ListExports {}

impl Operation for ListExports {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ListExports";

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let exports = call.cloud.part::<Store>().exports();
        let shown: Vec<_> = exports
            .into_iter()
            .map(|(name, value, id)| json!({"ExportingStackId": id, "Name": name, "Value": value}))
            .collect();
        Ok(json!({"Exports": shown}))
    }
}

/// `ListImports`: the stacks whose template names the export literally.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListImports {
    export_name: String,
}

impl Operation for ListImports {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ListImports";

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let store = call.cloud.part::<Store>();
        let imports = |template: &str| {
            let text = store.template(template).unwrap_or_default();
            text.contains("ImportValue") && text.contains(&self.export_name)
        };
        let mut stacks = store.stacks.values();
        stacks.retain(|stack| stack.status != Status::DeleteComplete && imports(&stack.current.template));
        if stacks.is_empty() {
            let text = format!("Export '{}' is not imported by any stack.", self.export_name);
            return Err(ServiceError::validation(text));
        }
        Ok(json!({"Imports": stacks.into_iter().map(|stack| stack.name).collect::<Vec<_>>()}))
    }
}
