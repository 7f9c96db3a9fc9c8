//! The table of CloudFormation's operations.

use super::{
    change_set_queries, change_sets, describe, drift, events, exports, policies, recovery, resources, stacks,
    templates,
};
use crate::operation::Operations;

/// Serves them all.
pub(crate) fn register(operations: &mut Operations) {
    operations.add::<change_sets::CreateChangeSet>();
    operations.add::<change_sets::ExecuteChangeSet>();
    operations.add::<change_set_queries::DeleteChangeSet>();
    operations.add::<change_set_queries::DescribeChangeSet>();
    operations.add::<change_set_queries::ListChangeSets>();
    operations.add::<describe::DescribeStacks>();
    operations.add::<describe::ListStacks>();
    operations.add::<drift::DescribeStackDriftDetectionStatus>();
    operations.add::<drift::DescribeStackResourceDrifts>();
    operations.add::<drift::DetectStackDrift>();
    operations.add::<drift::DetectStackResourceDrift>();
    operations.add::<events::DescribeEvents>();
    operations.add::<events::DescribeStackEvents>();
    operations.add::<exports::ListExports>();
    operations.add::<exports::ListImports>();
    operations.add::<policies::GetStackPolicy>();
    operations.add::<policies::SetStackPolicy>();
    operations.add::<recovery::CancelUpdateStack>();
    operations.add::<recovery::ContinueUpdateRollback>();
    operations.add::<recovery::RollbackStack>();
    operations.add::<recovery::UpdateTerminationProtection>();
    operations.add::<resources::DescribeStackResource>();
    operations.add::<resources::DescribeStackResources>();
    operations.add::<resources::ListStackResources>();
    operations.add::<stacks::CreateStack>();
    operations.add::<stacks::DeleteStack>();
    operations.add::<stacks::UpdateStack>();
    operations.add::<templates::GetTemplate>();
    operations.add::<templates::GetTemplateSummary>();
    operations.add::<templates::ValidateTemplate>();
}
