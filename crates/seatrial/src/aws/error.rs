//! Errors of AWS calls: what was tried on what, and AWS's code, message and request id unchanged.

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_cloudformation::config::http::HttpResponse;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::operation::RequestId;

use crate::hint::Hint;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {attempt}\n  caused by: {service}: {reason}{}", request(.request_id))]
pub(crate) struct AwsError {
    /// What was tried, on what: ``describe stack `myapp-local-network` ``.
    pub attempt: String,
    /// `CloudFormation`, `ECR`, …
    pub service: &'static str,
    /// AWS's error code; `None` where no answer came.
    pub code: Option<String>,
    /// `CODE: message`, or why no answer came.
    pub reason: String,
    pub request_id: Option<String>,
    /// It may well succeed when it is tried again: AWS was busy, or could not be reached.
    pub passing: bool,
}

fn request(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
}

impl AwsError {
    /// An error that was found on this side, before or after a call.
    pub(super) fn here(attempt: String, service: &'static str, reason: impl Into<String>) -> Self {
        Self { attempt, service, code: None, reason: reason.into(), request_id: None, passing: false }
    }

    /// What was looked for is not in an answer that is no error: nothing can be said of it.
    pub(super) fn missing(attempt: String, service: &'static str) -> Self {
        Self::here(attempt, service, "it is not there")
    }

    /// True if AWS's code is `code`.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl AwsError {
    /// True if there is no such change set any more, or none that could be executed or deleted. The codes are those of
    /// the API's model, the longer ones the names of its errors.
    pub(crate) fn is_change_set_gone(&self) -> bool {
        let codes = [
            "ChangeSetNotFound",
            "ChangeSetNotFoundException",
            "InvalidChangeSetStatus",
            "InvalidChangeSetStatusException",
        ];
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// True if no call was made, for there is nobody to make it as.
    pub(crate) fn is_missing_credentials(&self) -> bool {
        self.code.is_none() && self.reason.contains("credentials")
    }
}

impl Hint for AwsError {
    fn hints(&self) -> Vec<String> {
        let hint = match self.code.as_deref() {
            None if self.is_missing_credentials() => {
                "no usable credentials: set AWS_PROFILE, or run `aws sso login`"
            }
            Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => {
                "the credentials have expired: run `aws sso login` or renew them"
            }
            Some("SignatureDoesNotMatch" | "InvalidSignatureException" | "InvalidClientTokenId") => {
                "the access key is not of this account or endpoint: check AWS_PROFILE and AWS_ENDPOINT_URL"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// An error and its causes on one line. A cause that its error's text ends with already is told once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.ends_with(&text) {
            told = format!("{told}: {text}");
        }
        next = cause.source();
    }
    told
}

/// Names the attempt in the error of an SDK call.
pub(crate) trait Attempt<T> {
    fn attempt(self, service: &'static str, attempt: impl FnOnce() -> String) -> Result<T, AwsError>;
}

impl<T, E> Attempt<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn attempt(self, service: &'static str, attempt: impl FnOnce() -> String) -> Result<T, AwsError> {
        self.map_err(|error| {
            let code = error.as_service_error().and_then(|e| e.code()).map(str::to_owned);
            let message = error.as_service_error().and_then(|e| e.message()).unwrap_or_default();
            let reason = match &code {
                Some(code) => format!("{code}: {message}"),
                None => chain(&error),
            };
            let request_id = error.request_id().map(str::to_owned);
            let status = error.raw_response().map(|response| response.status().as_u16());
            // Services spell throttling in many ways: these are the codes that the SDK itself tries again.
            let busy = |code: &str| THROTTLING_ERRORS.contains(&code) || TRANSIENT_ERRORS.contains(&code);
            let throttled = code.as_deref().is_some_and(busy);
            let unanswered = matches!(error, SdkError::DispatchFailure(_) | SdkError::TimeoutError(_));
            let broken = status.is_some_and(|status| status >= 500 && status != 501);
            let passing = throttled || broken || (unanswered && !reason.contains("credentials"));
            AwsError { attempt: attempt(), service, code, reason, request_id, passing }
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::SdkBody;
    use aws_sdk_sts::error::ErrorMetadata;
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;

    use super::*;

    fn answered(status: u16, code: &str) -> AwsError {
        let error = GetCallerIdentityError::generic(ErrorMetadata::builder().code(code).build());
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let answer: Result<(), _> = Err(SdkError::service_error(error, response));
        answer.attempt("STS", || "ask".to_owned()).unwrap_err()
    }

    #[test]
    fn an_error_passes_where_aws_says_that_it_is_busy_however_that_is_spelled() {
        let busy = [
            "EC2ThrottledException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestTimeout",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ];
        for code in busy {
            assert!(answered(400, code).passing, "{code}");
        }
        for status in [500, 502, 503, 504] {
            assert!(answered(status, "InternalFailure").passing, "{status}");
        }
        for code in ["AccessDenied", "ValidationError", "ExpiredToken"] {
            assert!(!answered(400, code).passing, "{code}");
        }
        // What is not served will not be served in a minute.
        assert!(!answered(501, "NotImplemented").passing);
    }
}
