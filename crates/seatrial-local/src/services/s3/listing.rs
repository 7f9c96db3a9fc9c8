//! Listing keys: by prefix, grouped by a delimiter, page by page.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `encoding-type=url` leaves as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// What to list.
#[derive(Default)]
pub(super) struct Query<'a> {
    pub prefix: &'a str,
    /// Keys that have it after the prefix are answered once, up to it.
    pub delimiter: Option<&'a str>,
    /// Only what comes after this key or common prefix.
    pub after: Option<&'a str>,
    pub most: usize,
}

pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page, if there is more after it.
    pub next: Option<String>,
}

/// A page of `items`, which are in key order.
pub(super) fn page<T>(items: Vec<(String, T)>, query: &Query<'_>) -> Page<T> {
    let mut page = Page { items: Vec::new(), common_prefixes: Vec::new(), next: None };
    let mut prefixes = BTreeSet::new();
    let mut last: Option<String> = None;
    for (key, item) in items {
        let Some(rest) = key.strip_prefix(query.prefix) else { continue };
        let group = query.delimiter.filter(|delimiter| !delimiter.is_empty()).and_then(|delimiter| {
            let end = rest.find(delimiter)? + delimiter.len();
            Some(format!("{}{}", query.prefix, rest.get(..end)?))
        });
        let name = group.clone().unwrap_or_else(|| key.clone());
        if query.after.is_some_and(|after| name.as_str() <= after) || prefixes.contains(&name) {
            continue;
        }
        if page.items.len() + page.common_prefixes.len() >= query.most {
            page.next = last;
            break;
        }
        match group {
            Some(group) => {
                prefixes.insert(group.clone());
                page.common_prefixes.push(group);
            }
            None => page.items.push(item),
        }
        last = Some(name);
    }
    page
}

/// A key as it is answered.
pub(super) fn encoded(text: &str, encoding_type: Option<&str>) -> String {
    match encoding_type {
        Some("url") => utf8_percent_encode(text, URL).to_string(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_grouped_by_the_delimiter_over_pages() {
        let keys = ["a/1", "a/2", "b", "c/1", "d"];
        let items = || keys.iter().map(|key| ((*key).to_owned(), *key)).collect();
        let query = Query { delimiter: Some("/"), most: 2, ..Query::default() };

        let first = page(items(), &query);
        let second = page(items(), &Query { after: first.next.as_deref(), ..query });

        assert_eq!((first.common_prefixes, first.items), (vec!["a/".to_owned()], vec!["b"]));
        assert_eq!((second.common_prefixes, second.items), (vec!["c/".to_owned()], vec!["d"]));
        assert_eq!((first.next, second.next), (Some("b".to_owned()), None));
    }
}
