//! Security Token Service: who am I, and roles assumed by engines and builds.

mod assume;
mod endpoint;
mod operations;
mod session;

pub(crate) use assume::assume_role;
pub(crate) use endpoint::{ADDRESS as CREDENTIALS, serve as serve_credentials};
pub(crate) use operations::AssumeRole;
pub(crate) use session::{Actor, RoleSession};

use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<AssumeRole>();
    operations.add::<operations::GetCallerIdentity>();
}
