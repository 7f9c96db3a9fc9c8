//! Tags as most resource types have them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ResourceContext;

/// An entry of a `Tags` property.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

impl ResourceContext {
    /// The stack's tags under the resource's own, which win.
    pub(crate) fn tags_with(&self, own: &[Tag]) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        tags.extend(own.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        tags
    }
}
