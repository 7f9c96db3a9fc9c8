//! The operations of RDS.

mod instances;
mod modify;
mod parameter_groups;
mod register;
mod restore;
mod snapshots;
mod subnet_groups;
mod tags;

pub(crate) use instances::{CreateDbInstance, DeleteDbInstance, DescribeDbInstances};
pub(crate) use modify::ModifyDbInstance;
pub(crate) use parameter_groups::{
    CreateDbParameterGroup, DeleteDbParameterGroup, DescribeDbParameterGroups, DescribeDbParameters,
    ModifyDbParameterGroup,
};
pub(crate) use register::register;
pub(crate) use restore::RestoreDbInstanceFromDbSnapshot;
pub(crate) use subnet_groups::{
    CreateDbSubnetGroup, DeleteDbSubnetGroup, DescribeDbSubnetGroups, ModifyDbSubnetGroup,
};
pub(crate) use tags::{AddTagsToResource, ListTagsForResource, RemoveTagsFromResource, tags_of};

use serde::Serialize;

/// The answer of operations that answer nothing.
#[derive(Serialize)]
pub(crate) struct Nothing {}
