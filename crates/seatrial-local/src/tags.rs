//! Tags: two spellings of one thing, and what all services do with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A tag of the services that write `Key` and `Value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

/// A tag of the services that write `key` and `value`: CodeBuild, CodePipeline and ECS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LowercaseTag {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

/// A tag in whichever spelling.
pub(crate) trait Tagged {
    fn key(&self) -> &str;
    fn value(&self) -> &str;
}

macro_rules! tagged {
    ($($tag:ty),*) => {
        $(
            impl crate::tags::Tagged for $tag {
                fn key(&self) -> &str {
                    &self.key
                }

                fn value(&self) -> &str {
                    &self.value
                }
            }

            impl From<(String, String)> for $tag {
                fn from((key, value): (String, String)) -> Self {
                    Self { key, value }
                }
            }
        )*
    };
}

pub(crate) use tagged;

tagged!(Tag, LowercaseTag);

/// Adds tags, or replaces those of the same key.
pub(crate) fn put<T: Tagged>(tags: &mut Vec<T>, new: Vec<T>) {
    for tag in new {
        tags.retain(|old| old.key() != tag.key());
        tags.push(tag);
    }
}

/// Takes away the tags of these keys.
pub(crate) fn remove<T: Tagged>(tags: &mut Vec<T>, keys: &[String]) {
    tags.retain(|tag| !keys.iter().any(|key| key == tag.key()));
}

/// The keys of `old` that `new` has not.
pub(crate) fn dropped(old: &[impl Tagged], new: &[impl Tagged]) -> Vec<String> {
    let is_kept = |tag: &&_| new.iter().any(|kept| kept.key() == Tagged::key(*tag));
    old.iter().filter(|tag| !is_kept(tag)).map(|tag| tag.key().to_owned()).collect()
}

/// Keys with their values.
pub(crate) fn pairs(tags: &[impl Tagged]) -> Vec<(String, String)> {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

pub(crate) fn map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(crate) fn list<T: From<(String, String)>>(tags: BTreeMap<String, String>) -> Vec<T> {
    tags.into_iter().map(T::from).collect()
}
