//! Pages of lists: cut by the handlers that must look at one page only, else, of whole answers, at the door that HTTP
//! comes in by ([`List`]). Engines, in process, are answered whole.

mod list;
mod lists;

use serde_json::{Value, json};

pub(crate) use self::list::List;
use self::list::Style;
use crate::error::ServiceError;

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

/// The page that a request asks for.
pub(crate) struct Asked {
    list: &'static List,
    token: Option<String>,
    size: usize,
}

impl List {
    /// `None`: the operation answers no list, or cuts its pages itself.
    pub(crate) fn of(service: &str, operation: &str) -> Option<&'static List> {
        lists::LISTS.iter().find(|list| list.style.service == service && list.operation == operation)
    }

    /// # Errors
    /// The token was not given out by a list, or AWS makes no pages of this size.
    pub(crate) fn asked(&'static self, input: &Value) -> Result<Asked, ServiceError> {
        let token = input[self.style.token].as_str().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.as_ref().is_some_and(|token| token.parse::<usize>().is_err()) {
            return Err(self.unknown_token());
        }
        let size = match &input[self.style.size] {
            Value::Null => self.default,
            size => self.checked(size)?,
        };
        Ok(Asked { list: self, token, size })
    }

    fn unknown_token(&self) -> ServiceError {
        let (code, message) = self.style.unknown_token;
        ServiceError::new(code, message)
    }

    fn checked(&self, size: &Value) -> Result<usize, ServiceError> {
        let Style { size: name, least, wrong_size, .. } = self.style;
        let found = size.as_u64().and_then(|size| usize::try_from(size).ok());
        found.filter(|size| (*least..=self.most).contains(size)).ok_or_else(|| {
            // RDS's words.
            let message =
                format!("Invalid value {size} for {name}. Must be between {least} and {}", self.most);
            ServiceError::new(*wrong_size, message)
        })
    }
}

impl Asked {
    /// Leaves this page of the list in `output`, and says where the next one begins.
    pub(crate) fn cut(self, mut output: Value) -> Result<Value, ServiceError> {
        let style = self.list.style;
        let Value::Array(items) = output[self.list.items].take() else { return Ok(output) };
        let cut = page(items, self.token.as_deref(), self.size);
        let (items, next) = cut.map_err(|_| self.list.unknown_token())?;
        output[self.list.items] = Value::Array(items);
        if let Some(truncated) = style.truncated {
            output[truncated] = json!(next.is_some());
        }
        if let Some(next) = next {
            output[style.next] = Value::String(next);
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests;
