//! A parameter that is there by its ARN alone: its value is made up.

use std::collections::BTreeMap;

use super::operations::{SECURE, exists};
use super::store::{ParameterRecord, ParameterStore};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// Makes a secure string of this ARN.
///
/// # Errors
/// It is no ARN of a parameter, or one of its name is there.
pub(crate) fn stand_in(cloud: &Cloud, arn: &str) -> Result<(), ServiceError> {
    let found = arn.split_once(":parameter/").filter(|(before, _)| before.starts_with("arn:aws:ssm:"));
    let Some((_, name)) = found else {
        let message = format!("`{arn}` is no ARN of a parameter.");
        return Err(ServiceError::new("ValidationException", message));
    };
    let record = ParameterRecord {
        name: format!("/{name}"),
        kind: SECURE.to_owned(),
        value: format!("stand-in for {name}"),
        version: 1,
        changed: cloud.clock().now(),
        description: Some("Stands in for one of an account".to_owned()),
        key_id: None,
        tags: BTreeMap::new(),
    };
    match cloud.part::<ParameterStore>().parameters.insert_new(&record.name, &record)? {
        true => Ok(()),
        false => Err(exists()),
    }
}
