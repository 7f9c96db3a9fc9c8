//! The operations of RDS.

mod instances;
mod modify;
mod parameter_groups;
mod snapshots;
mod subnet_groups;
mod tags;

pub(crate) use instances::{CreateDbInstance, DeleteDbInstance, DescribeDbInstances};
pub(crate) use modify::ModifyDbInstance;
pub(crate) use parameter_groups::{CreateDbParameterGroup, DeleteDbParameterGroup, ModifyDbParameterGroup};
pub(crate) use subnet_groups::{CreateDbSubnetGroup, DeleteDbSubnetGroup, ModifyDbSubnetGroup};

use serde::Serialize;

use super::store::RdsStore;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateDbInstance>();
    operations.add::<DescribeDbInstances>();
    operations.add::<ModifyDbInstance>();
    operations.add::<DeleteDbInstance>();
    operations.add::<CreateDbSubnetGroup>();
    operations.add::<subnet_groups::DescribeDbSubnetGroups>();
    operations.add::<ModifyDbSubnetGroup>();
    operations.add::<DeleteDbSubnetGroup>();
    operations.add::<CreateDbParameterGroup>();
    operations.add::<ModifyDbParameterGroup>();
    operations.add::<DeleteDbParameterGroup>();
    operations.add::<snapshots::DescribeDbSnapshots>();
    operations.add::<snapshots::DeleteDbSnapshot>();
    operations.add::<tags::AddTagsToResource>();
    operations.add::<tags::RemoveTagsFromResource>();
    operations.add::<tags::ListTagsForResource>();
    operations.add_groups_in_use(|cloud| {
        let rows = cloud.part::<RdsStore>().instances.values();
        let groups = rows.into_iter().flat_map(|row| row.instance.vpc_security_groups);
        groups.map(|group| group.vpc_security_group_id).collect()
    });
}

/// The answer of operations that answer nothing.
#[derive(Serialize)]
pub(crate) struct Nothing {}
