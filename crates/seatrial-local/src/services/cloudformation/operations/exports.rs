//! Exports: `ListExports`, `ListImports`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::engine::Run;
use super::super::store::Store;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `ListExports`.
#[derive(Deserialize, Serialize)]
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

/// `ListImports`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListImports {
    export_name: String,
}

impl Operation for ListImports {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "ListImports";

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stacks = Run::new(&call.cloud, "").importers(&self.export_name);
        if stacks.is_empty() {
            let text = format!("Export '{}' is not imported by any stack.", self.export_name);
            return Err(ServiceError::validation(text));
        }
        Ok(json!({"Imports": stacks}))
    }
}
