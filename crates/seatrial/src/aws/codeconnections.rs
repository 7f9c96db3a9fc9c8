//! CodeConnections: the handshake with the source's host.

use std::collections::BTreeMap;

use aws_sdk_codeconnections::types::ProviderType;

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "CodeConnections";

/// A connection of the account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    pub arn: String,
    /// Names are not unique.
    pub name: String,
    /// PENDING, AVAILABLE or ERROR.
    pub status: String,
}

impl Aws {
    /// Every connection to GitHub.
    pub(crate) async fn list_connections(&self) -> Result<Vec<Connection>, AwsError> {
        let request = self.codeconnections().list_connections().provider_type_filter(ProviderType::Github);
        let mut pages = request.into_paginator().send();
        let mut connections = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || "list the connections".to_owned())?;
            connections.extend(page.connections.unwrap_or_default().into_iter().map(|found| Connection {
                arn: found.connection_arn.unwrap_or_default(),
                name: found.connection_name.unwrap_or_default(),
                status: found.connection_status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            }));
        }
        Ok(connections)
    }

    /// The tags of a connection.
    pub(crate) async fn connection_tags(&self, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let answer = self.codeconnections().list_tags_for_resource().resource_arn(arn).send().await;
        let answer = answer.attempt(SERVICE, || format!("list the tags of connection `{arn}`"))?;
        let tags = answer.tags.unwrap_or_default().into_iter();
        Ok(tags.map(|tag| (tag.key, tag.value)).collect())
    }

    /// PENDING, AVAILABLE or ERROR.
    pub(crate) async fn connection_status(&self, arn: &str) -> Result<String, AwsError> {
        let answer = self.codeconnections().get_connection().connection_arn(arn).send().await;
        let answer = answer.attempt(SERVICE, || format!("get connection `{arn}`"))?;
        let status = answer.connection.and_then(|connection| connection.connection_status);
        Ok(status.map(|status| status.as_str().to_owned()).unwrap_or_default())
    }
}
