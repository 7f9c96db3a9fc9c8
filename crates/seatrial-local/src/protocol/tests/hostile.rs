//! Every operation that HTTP reaches, asked by somebody who may not, or in a way that is no request: each is refused with
//! AWS's code (Signature Version 4: troubleshooting; each service's common errors), and nothing is changed.

use std::collections::BTreeMap;
use std::path::Path;

use ::http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use sha2::{Digest as _, Sha256};

use super::super::model::{Model, Operation};
use super::*;

/// How a service is spoken to.
#[derive(Clone, Copy, PartialEq)]
enum Speech {
    Cbor,
    Json,
    Query,
    Rest,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hostility {
    Unsigned,
    UnknownKey,
    WrongSignature,
    OtherRegion,
    Old,
    /// It says another hash of its body than the body has.
    OtherBody,
    /// A body that is cut off in the middle; JSON and CBOR only.
    Broken,
    /// The operation under another service's name; JSON and CBOR only.
    OtherService,
}

const ALL: [Hostility; 8] = [
    Hostility::Unsigned,
    Hostility::UnknownKey,
    Hostility::WrongSignature,
    Hostility::OtherRegion,
    Hostility::Old,
    Hostility::OtherBody,
    Hostility::Broken,
    Hostility::OtherService,
];

impl Hostility {
    /// Status and code; `None`: not of this protocol.
    fn refusal(self, speech: Speech) -> Option<(u16, &'static str)> {
        Some(match (self, speech) {
            (Self::Unsigned, Speech::Cbor | Speech::Json) => (400, "MissingAuthenticationTokenException"),
            (Self::Unsigned, Speech::Query) => (403, "MissingAuthenticationToken"),
            (Self::Unsigned, Speech::Rest) => (403, "AccessDenied"),
            (Self::UnknownKey, Speech::Cbor | Speech::Json) => (400, "UnrecognizedClientException"),
            (Self::UnknownKey, Speech::Query) => (403, "InvalidClientTokenId"),
            (Self::UnknownKey, Speech::Rest) => (403, "InvalidAccessKeyId"),
            (
                Self::WrongSignature | Self::OtherRegion | Self::Old | Self::OtherBody,
                Speech::Cbor | Speech::Json,
            ) => (400, "InvalidSignatureException"),
            (Self::WrongSignature | Self::OtherRegion | Self::Old | Self::OtherBody, Speech::Query) => {
                (403, "SignatureDoesNotMatch")
            }
            (Self::WrongSignature, Speech::Rest) => (403, "SignatureDoesNotMatch"),
            (Self::OtherRegion, Speech::Rest) => (400, "AuthorizationHeaderMalformed"),
            (Self::Old, Speech::Rest) => (403, "RequestTimeTooSkewed"),
            (Self::OtherBody, Speech::Rest) => (400, "XAmzContentSHA256Mismatch"),
            (Self::Broken, Speech::Cbor | Speech::Json) => (400, "SerializationException"),
            (Self::OtherService, Speech::Cbor) => (404, "UnknownOperationException"),
            (Self::OtherService, Speech::Json) => (400, "UnknownOperationException"),
            (Self::Broken | Self::OtherService, _) => return None,
        })
    }
}

/// All that the service is spoken to in.
fn speeches(model: &Model) -> Vec<Speech> {
    let speaks = |name: &str| model.metadata.protocols.iter().any(|one| one == name);
    let named = [("smithy-rpc-v2-cbor", Speech::Cbor), ("json", Speech::Json), ("rest-xml", Speech::Rest)];
    let mut speeches: Vec<_> =
        named.into_iter().filter(|(name, _)| speaks(name)).map(|(_, speech)| speech).collect();
    if speaks("query") || speeches.is_empty() {
        speeches.push(Speech::Query);
    }
    speeches
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    use hmac::{KeyInit as _, Mac as _};
    let mac = hmac::Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text);
    mac.finalize().into_bytes().to_vec()
}

/// A request of the operation with that fault and no other.
fn request(
    started: &Started,
    (service, name, operation): (&str, &str, &Operation),
    (speech, hostility): (Speech, Hostility),
) -> Request<Full<Bytes>> {
    let target = operation.http.request_uri.replace("{Bucket}", "hostile").replace("{Key+}", "key");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let prefix = Model::of(service).unwrap().metadata.target_prefix.clone().unwrap_or_default();
    let prefix = if hostility == Hostility::OtherService { "Another_20200101".to_owned() } else { prefix };
    let in_cbor = format!("/service/{prefix}/operation/{name}");
    let (path, query, body) = match speech {
        // A map of one member whose name does not come; an empty map.
        Speech::Cbor if hostility == Hostility::Broken => (in_cbor.as_str(), String::new(), vec![0xa1, 0x65]),
        Speech::Cbor => (in_cbor.as_str(), String::new(), vec![0xa0]),
        Speech::Json if hostility == Hostility::Broken => ("/", String::new(), b"{\"a\": [".to_vec()),
        Speech::Json => ("/", String::new(), b"{}".to_vec()),
        Speech::Query => ("/", String::new(), format!("Action={name}").into_bytes()),
        Speech::Rest => {
            let pair = |pair: &str| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") };
            let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
            pairs.sort();
            (path, pairs.join("&"), Vec::new())
        }
    };
    let method = if speech == Speech::Rest { operation.http.method.as_str() } else { "POST" };
    let key = started.cloud.operator();
    let age = if hostility == Hostility::Old { 24 } else { 0 };
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(age);
    let (date, day) = (at.strftime("%Y%m%dT%H%M%SZ").to_string(), at.strftime("%Y%m%d").to_string());
    let region = if hostility == Hostility::OtherRegion { "eu-west-3" } else { "eu-central-1" };
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let payload = if hostility == Hostility::OtherBody { hash(b"another") } else { hash(&body) };
    let host = started.endpoint.trim_start_matches("http://");
    let mut headers = BTreeMap::from([
        ("host", host.to_owned()),
        ("x-amz-content-sha256", payload.clone()),
        ("x-amz-date", date.clone()),
    ]);
    if speech == Speech::Json {
        headers.insert("x-amz-target", format!("{prefix}.{name}"));
    }
    let names = headers.keys().copied().collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}");
    let secret = if hostility == Hostility::WrongSignature { "secret" } else { &key.secret_access_key };
    let first = format!("AWS4{secret}").into_bytes();
    let signing = scope.split('/').fold(first, |key, part| mac(&key, part));
    let signed = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(canonical.as_bytes()));
    let signature = hex::encode(mac(&signing, &signed));
    let id = if hostility == Hostility::UnknownKey { "AKIAIOSFODNN7EXAMPLE" } else { &key.access_key_id };
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let mut request = Request::builder().method(method).uri(format!("{}{path}{query}", started.endpoint));
    for (name, value) in &headers {
        request = request.header(*name, value);
    }
    request = match speech {
        Speech::Cbor => {
            request.header("content-type", "application/cbor").header("smithy-protocol", "rpc-v2-cbor")
        }
        Speech::Json => request.header("content-type", "application/x-amz-json-1.1"),
        Speech::Query => request.header("content-type", "application/x-www-form-urlencoded"),
        Speech::Rest => request,
    };
    if hostility != Hostility::Unsigned {
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        request = request.header("authorization", authorization);
    }
    request.body(Full::from(body)).unwrap()
}

/// The files of the data directory and what is in them.
fn state(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, path) in crate::archive::walk(dir, |_| true).unwrap() {
        found.insert(name, hash(&std::fs::read(path).unwrap()));
    }
    found
}

#[tokio::test]
async fn no_hostile_request_of_any_operation_changes_anything() {
    let started = start().await;
    let client: HttpClient<HttpConnector, Full<Bytes>> =
        HttpClient::builder(TokioExecutor::new()).build_http();
    let dir = started._data.path().join("data");
    let before = state(&dir);
    let (mut cases, mut wrong) = (0, Vec::new());
    for served in started.cloud.operations() {
        let (service, name) = served.split_once(':').unwrap();
        let model = Model::of(service).unwrap();
        let all = speeches(model).into_iter().flat_map(|speech| ALL.map(|hostility| (speech, hostility)));
        for (speech, hostility) in all {
            let Some((status, code)) = hostility.refusal(speech) else { continue };
            // One endpoint stands for theirs too.
            if hostility == Hostility::OtherRegion && matches!(service, "iam" | "sts") {
                continue;
            }
            cases += 1;
            let asked = request(&started, (service, name, &model.operations[name]), (speech, hostility));
            let head = asked.method() == ::http::Method::HEAD;
            let answer = client.request(asked).await.unwrap();
            let answered = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body);
            if answered != status || !(head || body.contains(code)) {
                wrong.push(format!("{served} {hostility:?}: {answered} {body}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 300, "{cases}");
    assert_eq!(state(&dir), before);
}
