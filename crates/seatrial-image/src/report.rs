//! What a build tells its caller while it goes on.

/// Where progress goes: one line a call, without line end.
pub type Report<'a> = &'a (dyn Fn(&str) + Send + Sync);
