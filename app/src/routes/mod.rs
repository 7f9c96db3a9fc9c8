//! One file a resource.

pub(crate) mod assets;
pub(crate) mod entries;
