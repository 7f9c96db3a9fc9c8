//! What a change may cost.

use crate::aws::ResourceChange;

/// What runs while it is changed, and may have to stop for it. Change sets tell what is replaced, not what is interrupted,
/// and CloudFormation's reference says "some interruptions" of most that these have: here any change counts.
const MAY_STOP: [&str; 6] = [
    "AWS::EC2::Instance",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
];

/// Whether something is lost, or may be interrupted: what `--yes` does not cover unseen.
pub(super) fn loses(change: &ResourceChange) -> bool {
    let replaced = change.replacement.as_deref().is_some_and(|text| text != "False");
    let beyond_tags = change.properties.iter().any(|property| property != "Tags");
    let stops = MAY_STOP.contains(&change.resource_type.as_str()) && change.action == "Modify" && beyond_tags;
    change.action == "Remove" || change.action == "Dynamic" || replaced || stops
}
