//! Pages of lists.

/// A token that was not given out with an earlier page.
pub(crate) struct UnknownToken;

/// At most `size` of `items` and the token of the next page: the number of items answered before it.
pub(crate) fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), UnknownToken> {
    let from: usize = token.map_or(Ok(0), str::parse).map_err(|_| UnknownToken)?;
    let until = from.saturating_add(size);
    let next = (until < items.len()).then(|| until.to_string());
    Ok((items.into_iter().skip(from).take(size).collect(), next))
}
