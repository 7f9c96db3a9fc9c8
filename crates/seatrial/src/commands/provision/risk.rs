//! What a change may cost.

use crate::aws::ResourceChange;
use crate::plan::guard::stopping;

/// What runs while it is changed, and may have to stop for it, beside databases. Change sets tell what is replaced, not
/// what is interrupted, and CloudFormation's reference says "some interruptions" of most that these have: any change
/// counts.
const MAY_STOP: [&str; 4] = [
    "AWS::EC2::Instance",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::OpenSearchService::Domain",
];

/// Whether something is lost, or may be interrupted: what `--yes` does not cover unseen.
pub(super) fn loses(change: &ResourceChange) -> bool {
    let replaced = change.replacement.as_deref().is_some_and(|text| text != "False");
    let kind = change.resource_type.as_str();
    let beyond_tags = change.properties.iter().any(|property| property != "Tags");
    let may_stop =
        (MAY_STOP.contains(&kind) && beyond_tags) || !stopping(kind, &change.properties).is_empty();
    let stops = change.action == "Modify" && may_stop;
    change.action == "Remove" || change.action == "Dynamic" || replaced || stops
}
