//! Calls to services of which an operation or two are needed. Their SDK crates are among the largest there are, and
//! would cost everybody's first build minutes. The SDK's own runtime sends these calls: they are signed, tried again,
//! ended in time and noted as all others are.

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sdk_sts::config::Region;
use aws_sdk_sts::config::http::HttpRequest;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::error::{DisplayErrorContext, ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::timeout::TimeoutConfig;

/// A service, and how it is spoken to.
pub struct Service {
    /// For people.
    pub name: &'static str,
    /// The name that calls are signed for; that of a regional endpoint, too.
    pub signing_name: &'static str,
    pub protocol: Protocol,
    pub place: Place,
}

/// How an API is asked, and answers.
#[derive(Clone, Copy)]
pub enum Protocol {
    /// By forms of this version, with XML (Smithy: awsQuery).
    Query { version: &'static str },
    /// By objects, with objects; operations are named with this before them, in a header (Smithy: awsJson1_1).
    Json { prefix: &'static str },
}

/// Where a service's endpoint is.
#[derive(Clone, Copy)]
pub enum Place {
    /// One in each region.
    Regional,
    /// IAM has one endpoint a partition (AWS: General Reference, IAM endpoints).
    Iam,
}

/// What a service says instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message().unwrap_or("no message"))]
pub struct Refusal(ErrorMetadata);

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// Calls an operation with a form ([`form`]), or with the text of an object, as the service's protocol has it; answers the
/// text of the answer. `noted` hears of the call as of those of the SDK's clients.
///
/// # Errors
/// As an SDK's client has them; a refusal with AWS's code and message.
pub async fn call(
    config: &SdkConfig,
    service: &'static Service,
    (operation, body): (&'static str, String),
    noted: Option<SharedInterceptor>,
) -> Result<String, SdkError<Refusal, HttpResponse>> {
    let (endpoint, region) = place_of(config, service);
    let signing = SigV4OperationSigningConfig {
        region: Some(Region::new(region).into()),
        name: Some(service.signing_name.into()),
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new("a rare call");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(signing);
    let resolver = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("a rare call");
    components.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(resolver)));
    components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
    components.set_identity_cache(Some(IdentityCache::no_cache()));
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    components.set_http_client(config.http_client());
    components.set_sleep_impl(config.sleep_impl());
    components.set_time_source(config.time_source());
    components.extend_interceptors(noted.into_iter());
    let retries = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
    let mut builder = Operation::builder()
        .service_name(service.name)
        .operation_name(operation)
        .endpoint_url(&endpoint)
        .standard_retry(&retries)
        .timeout_config(config.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled))
        .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
        .retry_classifier(TransientErrorClassifier::<Refusal>::new())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .runtime_plugin(
            StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components),
        );
    if let Some(version) = config.behavior_version() {
        builder = builder.behavior_version(version);
    }
    if let Some(protection) = config.stalled_stream_protection() {
        builder = builder.stalled_stream_protection(protection);
    }
    let protocol = service.protocol;
    let program = config.app_name().map(ToString::to_string);
    let call = builder
        .serializer(move |body: String| request(protocol, operation, (program.as_deref(), body)))
        .deserializer(move |response: &HttpResponse| answer(protocol, response))
        .build();
    call.invoke(body).await
}

/// The code of a failed call, empty where there is none, and what is to be said of it.
pub fn words(error: &SdkError<Refusal, HttpResponse>) -> (String, String) {
    match error.as_service_error().map(|refusal| (refusal.code(), refusal.message())) {
        Some((Some(code), message)) => (code.to_owned(), format!("{code}: {}", message.unwrap_or_default())),
        _ => (String::new(), DisplayErrorContext(error).to_string()),
    }
}

/// The endpoint, and the region that calls to it are signed for.
fn place_of(config: &SdkConfig, service: &Service) -> (String, String) {
    let region = config.region().map_or("", |region| region.as_ref());
    match config.endpoint_url() {
        Some(given) => (given.to_owned(), region.to_owned()),
        None => place(service.place, service.signing_name, region),
    }
}

fn place(place: Place, name: &str, region: &str) -> (String, String) {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    let (host, signed) = match place {
        Place::Regional => (format!("{name}.{region}.amazonaws.com{suffix}"), region),
        Place::Iam if region.starts_with("cn-") => {
            ("iam.cn-north-1.amazonaws.com.cn".to_owned(), "cn-north-1")
        }
        Place::Iam if region.starts_with("us-gov-") => {
            ("iam.us-gov.amazonaws.com".to_owned(), "us-gov-west-1")
        }
        Place::Iam => ("iam.amazonaws.com".to_owned(), "us-east-1"),
    };
    (format!("https://{host}"), signed.to_owned())
}

fn request(
    protocol: Protocol,
    operation: &str,
    (program, body): (Option<&str>, String),
) -> Result<HttpRequest, aws_smithy_runtime_api::box_error::BoxError> {
    let mut request = http::Request::builder().method("POST").uri("/");
    if let Some(program) = program {
        // As the SDK's own clients name it.
        request = request.header("user-agent", format!("app/{program}"));
    }
    let (request, body) = match protocol {
        Protocol::Query { version } => {
            let rest = if body.is_empty() { body } else { format!("&{body}") };
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            (request, format!("Action={operation}&Version={version}{rest}"))
        }
        Protocol::Json { prefix } => {
            let request = request.header("content-type", "application/x-amz-json-1.1");
            (request.header("x-amz-target", format!("{prefix}.{operation}")), body)
        }
    };
    Ok(request.header("content-length", body.len()).body(SdkBody::from(body))?.try_into()?)
}

fn answer(protocol: Protocol, response: &HttpResponse) -> Result<String, OrchestratorError<Refusal>> {
    let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
    if response.status().is_success() {
        return Ok(text);
    }
    let refusal = match protocol {
        Protocol::Query { .. } => refusal(&text),
        Protocol::Json { .. } => refusal_of_json(response.headers().get("x-amzn-errortype"), &text),
    };
    Err(OrchestratorError::operation(Refusal(refusal)))
}

fn refusal(text: &str) -> ErrorMetadata {
    let error = elements(text, "Error").into_iter().next().unwrap_or_default();
    let of = |name: &str| error.iter().find(|(it, _)| it == name).map(|(_, text)| text.as_str());
    ErrorMetadata::builder()
        .code(of("Code").unwrap_or_default())
        .message(of("Message").unwrap_or_default())
        .build()
}

/// The code stands in a header, or in the object's `__type` or `code`, where a name space may stand before it and a place
/// behind it (Smithy: awsJson1_1, operation error serialization). The message's name has a small letter, or a great one
/// where the service shows AWS's gates: `AccessDeniedException`.
fn refusal_of_json(header: Option<&str>, text: &str) -> ErrorMetadata {
    let object: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let of = |names: [&str; 2]| names.into_iter().find_map(|name| object[name].as_str());
    let code = header.or_else(|| of(["__type", "code"])).unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let message = of(["message", "Message"]).unwrap_or_default();
    ErrorMetadata::builder().code(code).message(message).build()
}

/// The members of an element that hold text: name and text, in their order.
pub type Members = Vec<(String, String)>;

/// Every element of that name, wherever it stands. What is no XML has none.
pub fn elements(xml: &str, name: &str) -> Vec<Members> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut found, mut path, mut text): (Vec<Members>, Vec<String>, String) = Default::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
                text.clear();
                if path.last().is_some_and(|last| last == name) {
                    found.push(Members::new());
                }
            }
            Ok(Event::Text(part)) => text.push_str(&part.xml10_content()),
            Ok(Event::GeneralRef(entity)) => {
                let character = entity.resolve_char_ref().ok().flatten();
                text.extend(character.or_else(|| predefined(&entity)));
            }
            Ok(Event::End(_)) => {
                let ended = path.pop().unwrap_or_default();
                if let (true, Some(members)) = (path.last().is_some_and(|it| it == name), found.last_mut()) {
                    members.push((ended, std::mem::take(&mut text)));
                }
                text.clear();
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn predefined(entity: &str) -> Option<char> {
    let named = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];
    named.into_iter().find(|(name, _)| *name == entity).map(|(_, character)| character)
}

/// The input of a query operation.
pub fn form(members: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_endpoints() {
        let of = |where_: Place, region: &str| place(where_, "rds", region);
        let expected = |host: &str, region: &str| (format!("https://{host}"), region.to_owned());
        let iam = Place::Iam;
        assert_eq!(of(iam, "eu-central-1"), expected("iam.amazonaws.com", "us-east-1"));
        assert_eq!(of(iam, "us-gov-east-1"), expected("iam.us-gov.amazonaws.com", "us-gov-west-1"));
        assert_eq!(of(iam, "cn-northwest-1"), expected("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"));
        let rds = Place::Regional;
        assert_eq!(of(rds, "eu-central-1"), expected("rds.eu-central-1.amazonaws.com", "eu-central-1"));
        assert_eq!(of(rds, "cn-north-1"), expected("rds.cn-north-1.amazonaws.com.cn", "cn-north-1"));
    }

    #[test]
    fn an_element_holds_the_texts_of_its_own_members() {
        let xml = "<R><L><S><A>1 &lt; 2</A><B><A>inner</A></B></S><S><A>3</A></S></L></R>";
        let of = |index: usize| elements(xml, "S")[index].clone();
        assert_eq!(elements(xml, "S").len(), 2);
        assert!(of(0).contains(&("A".to_owned(), "1 < 2".to_owned())), "{:?}", of(0));
        assert!(!of(0).iter().any(|(_, text)| text == "inner"));
        assert_eq!(of(1), [("A".to_owned(), "3".to_owned())]);
        assert!(elements("not <xml", "S").is_empty());
    }

    #[test]
    fn each_protocol_names_the_operation_where_its_services_look_for_it() {
        let of = |protocol, body: &str| {
            let request = request(protocol, "Describe", (Some("seatrial-status"), body.to_owned())).unwrap();
            assert_eq!(request.headers().get("user-agent"), Some("app/seatrial-status"));
            let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
            let headers = ["content-type", "x-amz-target", "content-length"].map(header);
            (headers, String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap())
        };
        let (headers, body) = of(Protocol::Query { version: "1" }, "A=b");
        assert_eq!(headers, ["application/x-www-form-urlencoded", "", "29"]);
        assert_eq!(body, "Action=Describe&Version=1&A=b");
        let (headers, body) = of(Protocol::Json { prefix: "Front" }, "{}");
        assert_eq!(headers, ["application/x-amz-json-1.1", "Front.Describe", "2"]);
        assert_eq!(body, "{}");
    }

    #[test]
    fn an_error_of_json_keeps_its_code_and_words_wherever_they_stand() {
        let cases = [
            (None, r#"{"__type": "ValidationException", "message": "no"}"#),
            (None, r#"{"__type": "com.amazonaws.autoscaling#ValidationException", "Message": "no"}"#),
            (None, r#"{"code": "ValidationException", "message": "no"}"#),
            (Some("ValidationException:http://internal/"), r#"{"message": "no"}"#),
        ];
        for (header, text) in cases {
            let refusal = refusal_of_json(header, text);
            assert_eq!(
                (refusal.code(), refusal.message()),
                (Some("ValidationException"), Some("no")),
                "{text}"
            );
        }
        assert_eq!(refusal_of_json(None, "<html>").code(), Some(""));
    }

    #[test]
    fn an_error_keeps_its_code_and_words() {
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidInput</Code><Message>taken</Message></Error>\
                   </ErrorResponse>";
        let refusal = refusal(xml);
        assert_eq!((refusal.code(), refusal.message()), (Some("InvalidInput"), Some("taken")));
    }
}
