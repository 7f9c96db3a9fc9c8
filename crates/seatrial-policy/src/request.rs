//! What is asked: who, what, on which resource, under which circumstances.

use crate::context::Context;
use crate::principal::{Principal, account_of};

/// One check of AWS's: a call makes one for each pair of action and resource that it touches.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub principal: &'a Principal,
    /// `s3:PutObject`; case does not count.
    pub action: &'a str,
    /// An ARN, or `*` for actions that know no resources; case counts.
    pub resource: &'a str,
    /// Whose resource it is, where the ARN does not tell (a bucket's has no account). Else the ARN's account, else
    /// the principal's own.
    pub resource_account: Option<&'a str>,
    pub context: &'a Context,
}

impl Request<'_> {
    /// Whether the resource is of another account than the principal: then both sides have to allow.
    pub(crate) fn crosses_accounts(&self) -> bool {
        let of_resource = self.resource_account.or_else(|| account_of(self.resource));
        match (self.principal.account(), of_resource) {
            (Some(own), Some(of_resource)) => own != of_resource,
            _ => false,
        }
    }
}
