//! How a registry knows us.

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::ImageError;

/// How the registry knows us.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A token from ECR's `GetAuthorizationToken`, valid for 12 hours.
    Ecr(Box<SdkConfig>),
    /// User and password.
    Basic { user: String, password: String },
    /// A registry that asks nobody.
    Anonymous,
}

impl Credentials {
    /// ECR, as the process's environment and profiles say.
    pub async fn ecr_from_env() -> Self {
        Self::Ecr(Box::new(aws_config::load_from_env().await))
    }

    /// The value of an `Authorization: Basic` header, undecorated.
    pub(crate) async fn token(&self) -> Result<Option<String>, ImageError> {
        match self {
            Self::Anonymous => Ok(None),
            Self::Basic { user, password } => Ok(Some(STANDARD.encode(format!("{user}:{password}")))),
            Self::Ecr(config) => {
                let action = "get an authorization token from ECR";
                let output = aws_sdk_ecr::Client::new(config).get_authorization_token().send().await;
                let output =
                    output.map_err(|error| ImageError::failed(action, aws_sdk_ecr::Error::from(error)))?;
                let token = output.authorization_data().first().and_then(|data| data.authorization_token());
                let token = token.ok_or_else(|| ImageError::failed(action, "the answer holds none"))?;
                Ok(Some(token.to_owned()))
            }
        }
    }
}
