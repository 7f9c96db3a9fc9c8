//! Tags as most resource types have them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::resource::ResourceContext;
use crate::tags::{self, Tagged};

/// An entry of a `Tags` property, where the type asks for the value too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

tags::tagged!(Tag);

impl ResourceContext {
    /// The stack's tags under the resource's own, which win.
    pub(crate) fn tags_with(&self, own: &[impl Tagged]) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        tags.extend(own.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
        tags
    }

    /// The same as the service wants them.
    pub(crate) fn tag_list<T: From<(String, String)>>(&self, own: &[impl Tagged]) -> Vec<T> {
        tags::list(self.tags_with(own))
    }
}
