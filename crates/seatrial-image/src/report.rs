//! What a build tells its caller while it goes on.

/// Where progress goes: one line a call, without line end.
pub type Report<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Called before the repository is written to, if it is: from then on something may have been changed.
pub type Pushing<'a> = &'a (dyn Fn() + Send + Sync);
