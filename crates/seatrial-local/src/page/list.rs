//! What is to be known of a list to cut its answers into pages.

/// How a service asks for a page and answers one.
pub(super) struct Style {
    /// Its signing name.
    pub(super) service: &'static str,
    /// The input's member with the token, and the output's.
    pub(super) token: &'static str,
    pub(super) next: &'static str,
    /// The input's member with the size of a page.
    pub(super) size: &'static str,
    /// The output's member that tells whether there is more.
    pub(super) truncated: Option<&'static str>,
    /// Code and message for a token that is not ours.
    pub(super) unknown_token: (&'static str, &'static str),
    /// The code for a size out of bounds, where AWS's model has no bounds.
    pub(super) wrong_size: &'static str,
    /// The smallest size.
    pub(super) least: usize,
}

/// An operation whose handler answers a whole list.
pub(crate) struct List {
    pub(super) style: &'static Style,
    pub(super) operation: &'static str,
    /// The output's member that is the list.
    pub(super) items: &'static str,
    /// The size of a page if none is asked for, and the largest.
    pub(super) default: usize,
    pub(super) most: usize,
}
