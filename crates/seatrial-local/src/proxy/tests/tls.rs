//! Gates that speak TLS, and clients that do or do not.

use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::tls::TlsError;
use super::*;
use crate::authority::{Authority, KeyKind};

const NAME: &str = "app.example.com";

/// A gate that answers `it is here`, and the authority that its clients may trust.
struct Secured {
    gate: Gate,
    authority: String,
}

impl Secured {
    fn new(versions: Versions, kind: KeyKind) -> Self {
        let fixed =
            Fixed { status: 200, content_type: "text/plain".to_owned(), body: "it is here".to_owned() };
        Self::with((versions, kind, false), Action::Fixed(fixed))
    }

    fn with((versions, kind, http2): (Versions, KeyKind, bool), action: Action) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path()).unwrap();
        let issued = authority.issue(&[NAME.to_owned()], kind).unwrap();
        let chain = format!("{}{}", issued.certificate, issued.chain);
        let gate = Gate::open(None, everybody()).unwrap();
        gate.set_rules(Some(Arc::new(Rules {
            port: 443,
            protocol: "https",
            tls: Some(Arc::new(Tls::new(&chain, &issued.key, versions).unwrap())),
            idle_timeout: Duration::from_millis(200),
            http2,
            client_keep_alive: Duration::from_secs(3600),
            late_fin: None,
            cases: Vec::new(),
            action,
        })));
        Self { gate, authority: issued.chain }
    }

    async fn connect(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        name: &'static str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", self.gate.port())).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
    }
}

/// What a request on `stream` is answered, until the other side closes.
async fn ask(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_gate_speaks_the_versions_of_its_policy_and_no_others() {
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    let (both, v12, v13) = ([tls13, tls12], ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3);
    for (versions, only12, only13, either) in [
        (Versions::Only12, Some(v12), None, v12),
        (Versions::Only13, None, Some(v13), v13),
        (Versions::Both, Some(v12), Some(v13), v13),
    ] {
        let secured = Secured::new(versions, KeyKind::P256);
        for (offered, spoken) in [(&[tls12][..], only12), (&[tls13][..], only13), (&both[..], Some(either))] {
            let stream = secured.connect(offered, NAME).await.ok();
            let found = stream.as_ref().and_then(|stream| stream.get_ref().1.protocol_version());
            assert_eq!(found, spoken, "{versions:?} with {offered:?}");
            if let Some(stream) = stream {
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                assert!(ask(stream).await.ends_with("it is here"), "{versions:?} with {offered:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_is_shown_whatever_name_is_asked_for_and_is_no_good_for_another() {
    let secured = Secured::new(Versions::Both, KeyKind::Rsa2048);

    let refused = secured.connect(&[&rustls::version::TLS12], "other.example.com").await.unwrap_err();

    assert!(refused.to_string().contains("not valid for name"), "{refused}");
    secured.connect(&[&rustls::version::TLS12], NAME).await.unwrap();
}

#[tokio::test]
async fn plain_http_at_a_port_of_tls_is_answered_400_and_the_connection_closed() {
    let secured = Secured::new(Versions::Both, KeyKind::P256);
    let mut stream = TcpStream::connect(("127.0.0.1", secured.gate.port())).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();

    stream.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("The plain HTTP request was sent to HTTPS port"), "{answer}");
    assert!(answer.to_lowercase().contains("server: awselb/2.0"), "{answer}");
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_a_hello_is_left() {
    let secured = Secured::new(Versions::Both, KeyKind::P256);
    for said in [&b""[..], b"\x16\x03\x01", b"\x80\x2e\x01\x00\x02"] {
        let mut stream = TcpStream::connect(("127.0.0.1", secured.gate.port())).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();

        let _ = stream.read_to_end(&mut answer).await;

        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
}

#[test]
fn a_key_of_another_certificate_is_no_use() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::open(dir.path()).unwrap();
    let issue = || authority.issue(&[NAME.to_owned()], KeyKind::P256).unwrap();

    let refused = Tls::new(&issue().certificate, &issue().key, Versions::Both);

    assert!(matches!(refused, Err(TlsError::Unusable(_))));
}

#[tokio::test]
async fn a_client_who_can_is_spoken_with_in_http2_and_its_target_in_http1() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Arc::new(Target::new(listener.local_addr().unwrap(), Default::default()));
    let app = Router::new().fallback(|request: Request| async move {
        format!("{:?} {:?} {}", request.version(), request.headers()[header::HOST], request.uri())
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let group = Arc::new(Group::default());
    group.add(target);
    let action = Action::Forward(Forward::new(vec![(group, 1)]));
    let secured = Secured::with((Versions::Both, KeyKind::P256, true), action);

    let stream = secured.connect(&[&rustls::version::TLS13], NAME).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request =
        Request::builder().uri("https://app.example/path?q=1").body(Full::<Bytes>::default()).unwrap();
    let response = sender.send_request(request).await.unwrap();

    assert_eq!((response.status(), response.version()), (StatusCode::OK, http::Version::HTTP_2));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "HTTP/1.1 \"app.example\" /path?q=1");
}
