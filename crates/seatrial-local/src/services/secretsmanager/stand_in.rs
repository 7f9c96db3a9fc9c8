//! A secret that is there by its ARN alone: what is in it is made up.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::operations::{exists, version};
use super::store::{Secret, SecretStore};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// AWS adds so many characters to a name in an ARN, after a dash
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>).
const TAIL: usize = 6;

/// Makes a secret of this ARN: an object with `keys`, or a text.
///
/// # Errors
/// It is no ARN of a secret, or one of its name is there.
pub(crate) fn stand_in(cloud: &Cloud, arn: &str, keys: &[String]) -> Result<(), ServiceError> {
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let [_, _, "secretsmanager", _, _, "secret", id] = parts[..] else {
        let message = format!("`{arn}` is no ARN of a secret.");
        return Err(ServiceError::new("ValidationException", message));
    };
    let is_tail = |tail: &str| tail.len() == TAIL && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (name, arn) = match id.rsplit_once('-').filter(|(_, tail)| is_tail(tail)) {
        Some((name, _)) => (name, arn.to_owned()),
        None => (id, format!("{arn}-{}", crate::id::secret(TAIL))),
    };
    let value = |of: &str| Value::from(format!("stand-in for {of}"));
    let text = match keys {
        [] => format!("stand-in for {name}"),
        keys => {
            Value::from(keys.iter().map(|key| (key.clone(), value(key))).collect::<Map<_, _>>()).to_string()
        }
    };
    let now = cloud.clock().now();
    let mut secret = Secret {
        arn,
        name: name.to_owned(),
        description: Some("Stands in for one of an account".to_owned()),
        kms_key_id: None,
        created: now,
        changed: now,
        deleted: None,
        tags: BTreeMap::new(),
        policy: None,
        versions: Vec::new(),
    };
    if let Some(version) = version(None, (Some(text), None), now) {
        secret.push(version, None);
    }
    let store = cloud.part::<SecretStore>();
    match store.secrets.insert_new(&secret.name, &secret)? {
        true => Ok(()),
        false => Err(exists(&store, &secret.name)),
    }
}
