//! Secrets Manager: secrets with versions and stages. Values are neither logged nor in the journal.

mod operations;
mod random;
mod store;

pub(crate) use operations::*;
pub(crate) use random::Password;

use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateSecret>();
    operations.add::<PutSecretValue>();
    operations.add::<UpdateSecret>();
    operations.add::<GetSecretValue>();
    operations.add::<DescribeSecret>();
    operations.add::<ListSecrets>();
    operations.add::<DeleteSecret>();
    operations.add::<GetRandomPassword>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
}
