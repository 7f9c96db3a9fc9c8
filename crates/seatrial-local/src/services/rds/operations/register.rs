//! The table of RDS's operations.

use super::super::store::RdsStore;
use super::{
    CreateDbInstance, CreateDbParameterGroup, CreateDbSubnetGroup, DeleteDbInstance, DeleteDbParameterGroup,
    DeleteDbSubnetGroup, DescribeDbInstances, DescribeDbParameterGroups, DescribeDbParameters,
    DescribeDbSubnetGroups, ListTagsForResource, ModifyDbInstance, ModifyDbParameterGroup,
    ModifyDbSubnetGroup, RestoreDbInstanceFromDbSnapshot, snapshots, tags,
};
use crate::operation::Operations;

/// Serves them all.
pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateDbInstance>();
    operations.add::<RestoreDbInstanceFromDbSnapshot>();
    operations.add::<DescribeDbInstances>();
    operations.add::<ModifyDbInstance>();
    operations.add::<DeleteDbInstance>();
    operations.add::<CreateDbSubnetGroup>();
    operations.add::<DescribeDbSubnetGroups>();
    operations.add::<ModifyDbSubnetGroup>();
    operations.add::<DeleteDbSubnetGroup>();
    operations.add::<CreateDbParameterGroup>();
    operations.add::<ModifyDbParameterGroup>();
    operations.add::<DeleteDbParameterGroup>();
    operations.add::<DescribeDbParameterGroups>();
    operations.add::<DescribeDbParameters>();
    operations.add::<snapshots::DescribeDbSnapshots>();
    operations.add::<snapshots::DeleteDbSnapshot>();
    operations.add::<tags::AddTagsToResource>();
    operations.add::<tags::RemoveTagsFromResource>();
    operations.add::<ListTagsForResource>();
    operations.add_groups_in_use(|cloud| {
        let rows = cloud.part::<RdsStore>().instances.values();
        let groups = rows.into_iter().flat_map(|row| row.instance.vpc_security_groups);
        groups.map(|group| group.vpc_security_group_id).collect()
    });
}
