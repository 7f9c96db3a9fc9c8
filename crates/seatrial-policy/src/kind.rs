//! Words that all parts share: what a document is for, where it acts, and what a statement does.

/// What a document is for, which decides what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Attached to a role or user, set as their permissions boundary, or passed with a session.
    Identity,
    /// Attached to a bucket, repository, secret, queue or topic.
    Resource,
    /// A key's policy: an identity-based policy alone allows nothing with the key (AWS: Key policies in AWS KMS).
    Key,
    /// Says who may assume a role; an identity-based policy alone does not.
    Trust,
}

impl PolicyKind {
    /// Whether nothing is allowed that this document does not allow, even within one account (AWS: How AWS
    /// enforcement code logic evaluates requests to allow or deny access, "Resource-based policies").
    pub(crate) fn must_allow(self) -> bool {
        matches!(self, Self::Key | Self::Trust)
    }
}

/// Where a policy acts in a decision: what AWS calls the policy's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Identity,
    Boundary,
    Session,
    Resource,
    Trust,
}

/// What a statement does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}
