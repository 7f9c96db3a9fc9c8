//! The account and its one user.

use serde::{Deserialize, Serialize};

use super::super::store::no_such_entity;
use crate::clock::Epoch;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::principal::Principal;

const OPERATOR: &str = "operator";

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetUser {
    pub user_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetUserOutput {
    pub user: User,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct User {
    pub path: &'static str,
    pub user_name: &'static str,
    pub user_id: String,
    pub arn: String,
    pub create_date: Epoch,
}

impl Operation for GetUser {
    type Output = GetUserOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "GetUser";

    async fn handle(self, call: &Call) -> Result<GetUserOutput, ServiceError> {
        if let Some(name) = self.user_name.filter(|name| name != OPERATOR) {
            return Err(no_such_entity(format!("The user with name {name} cannot be found.")));
        }
        let Principal { arn, user_id, .. } = Principal::operator(call.cloud.account());
        let user = User { path: "/", user_name: OPERATOR, user_id, arn, create_date: Epoch(0.0) };
        Ok(GetUserOutput { user })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct ListAccountAliases {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAccountAliasesOutput {
    pub account_aliases: Vec<String>,
    pub is_truncated: bool,
}

impl Operation for ListAccountAliases {
    type Output = ListAccountAliasesOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "ListAccountAliases";

    async fn handle(self, _call: &Call) -> Result<ListAccountAliasesOutput, ServiceError> {
        Ok(ListAccountAliasesOutput { account_aliases: Vec::new(), is_truncated: false })
    }
}
