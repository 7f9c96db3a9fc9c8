//! Asks the application as its users do, over a connection to the load balancer itself: a domain need not lead there
//! yet, and one that leads elsewhere must not be asked instead.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

/// An answer that takes longer counts as none.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was idle for so long is not used again.
const IDLE: Duration = Duration::from_secs(30);

/// Where the application answers.
#[derive(Debug, Clone)]
pub struct Address {
    /// `https://DOMAIN`, or `http://HOST:PORT`: what users type.
    pub url: String,
    /// The load balancer's own name, with a port where it is not the scheme's.
    pub load_balancer: String,
    /// Certificate authorities besides the system's, as PEM.
    pub trusted: Vec<u8>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// A client with a pool of connections that are kept alive. Cheap to clone.
#[derive(Clone)]
pub struct Asker {
    client: Client<HttpsConnector<HttpConnector<LoadBalancer>>, Empty<Bytes>>,
}

impl Asker {
    /// # Errors
    /// Why nothing can be asked: the system has no certificate authorities, or those that are given are none.
    pub fn new(address: &Address) -> Result<Self, String> {
        Self::from(address, None)
    }

    /// Asks from an address of this machine's own.
    ///
    /// # Errors
    /// As [`Asker::new`].
    pub fn from(address: &Address, own: Option<IpAddr>) -> Result<Self, String> {
        let mut connector =
            HttpConnector::new_with_resolver(LoadBalancer(Arc::from(address.load_balancer.as_str())));
        connector.set_nodelay(true);
        connector.set_local_address(own);
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(TIMEOUT));
        // The name in the URL is the one in SNI, in the certificate and in Host.
        let builder =
            HttpsConnectorBuilder::new().with_tls_config(tls(address)?).https_or_http().enable_http1();
        let mut client = Client::builder(TokioExecutor::new());
        // A load balancer closes an idle connection after a minute (ALB: idle_timeout.timeout_seconds).
        client.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
        let client = client.build(builder.wrap_connector(connector));
        Ok(Self { client })
    }

    /// The status of a GET, redirects not followed, once its whole body is there; else why there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, url: &str) -> Result<u16, String> {
        Ok(self.answer(url).await?.status)
    }

    /// The answer to a GET, redirects not followed, once its whole body is there.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn answer(&self, url: &str) -> Result<Answer, String> {
        let request = Request::get(url).header("user-agent", "seatrial").body(Empty::new());
        let request = request.map_err(|error| error.to_string())?;
        let answered = async {
            let answer = self.client.request(request).await.map_err(|error| chain(&error))?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|error| chain(&error))?.to_bytes();
            Ok(Answer { status, body })
        };
        let no_answer = |_| Err(format!("no answer within {} s", TIMEOUT.as_secs()));
        tokio::time::timeout(TIMEOUT, answered).await.unwrap_or_else(no_answer)
    }
}

fn tls(address: &Address) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&address.trusted) {
        let certificate =
            certificate.map_err(|error| format!("the given certificate authority is none: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("the given certificate authority is none: {error}"))?;
    }
    // Reading the system's takes longer than the first request: not for an address that needs none.
    if address.url.starts_with("https:") {
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if let Some(error) = system.errors.first().filter(|_| roots.is_empty()) {
            return Err(format!("this system has no certificate authorities: {error}"));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
}

/// Every name leads to the load balancer, by the addresses that it has at that moment.
#[derive(Clone)]
struct LoadBalancer(Arc<str>);

impl Service<Name> for LoadBalancer {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        let name = Arc::clone(&self.0);
        Box::pin(async move {
            // A port of 0 is replaced by the scheme's.
            let name = if name.contains(':') { name.to_string() } else { format!("{name}:0") };
            Ok(tokio::net::lookup_host(name).await?.collect::<Vec<_>>().into_iter())
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    let mut words: Vec<String> = all.map(ToString::to_string).collect();
    words.dedup();
    words.join(": ")
}
