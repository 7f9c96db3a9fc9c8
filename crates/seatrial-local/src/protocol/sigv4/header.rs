//! One header of a request.

use ::http::HeaderMap;

/// Its value; `None` where there is none, or none that is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
