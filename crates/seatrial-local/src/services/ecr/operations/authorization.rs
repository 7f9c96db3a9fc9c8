//! Passwords for the registry.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::store::{Ecr, TokenRow, digest};
use crate::clock::Epoch;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// How long a password is good for, in real time.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// `GetAuthorizationToken`: whoever uses the password acts as the caller.
#[derive(Deserialize, Serialize)]
pub(crate) struct GetAuthorizationToken {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetAuthorizationTokenOutput {
    pub authorization_data: [AuthorizationData; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorizationData {
    /// `AWS:PASSWORD` in base64.
    pub authorization_token: String,
    pub expires_at: Epoch,
    pub proxy_endpoint: String,
}

impl Operation for GetAuthorizationToken {
    type Output = GetAuthorizationTokenOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "GetAuthorizationToken";

    async fn handle(self, call: &Call) -> Result<GetAuthorizationTokenOutput, ServiceError> {
        let ecr = call.cloud.part::<Ecr>();
        let now = call.cloud.clock().now();
        for (key, _) in ecr.tokens.entries().into_iter().filter(|(_, row)| row.expires_at < now) {
            ecr.tokens.remove(&key)?;
        }
        let password = crate::id::secret(64);
        let expires_at = now.plus(LIFETIME);
        let row = TokenRow { principal: call.principal.clone(), expires_at };
        ecr.tokens.put(&digest(password.as_bytes()), &row)?;
        let data = AuthorizationData {
            authorization_token: STANDARD.encode(format!("AWS:{password}")),
            expires_at,
            proxy_endpoint: call.cloud.endpoint().to_owned(),
        };
        Ok(GetAuthorizationTokenOutput { authorization_data: [data] })
    }
}
