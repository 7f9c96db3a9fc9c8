//! CloudWatch Logs: groups, streams, and their events in files.

mod operations;
mod pattern;
mod store;

pub(crate) use operations::*;

use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateLogGroup>();
    operations.add::<DeleteLogGroup>();
    operations.add::<DescribeLogGroups>();
    operations.add::<PutRetentionPolicy>();
    operations.add::<DeleteRetentionPolicy>();
    operations.add::<ListTagsForResource>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
    operations.add::<CreateLogStream>();
    operations.add::<DeleteLogStream>();
    operations.add::<DescribeLogStreams>();
    operations.add::<PutLogEvents>();
    operations.add::<GetLogEvents>();
    operations.add::<FilterLogEvents>();
}
