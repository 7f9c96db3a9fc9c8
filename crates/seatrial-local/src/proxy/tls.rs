//! The TLS side of a gate: handshakes by one certificate, whatever name a client asks for.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ServerConfig, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a listener shows its clients, and which of TLS's versions it speaks.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    with_http2: Arc<ServerConfig>,
}

/// HTTP/2 as TLS names it (RFC 9113, section 3.2).
const HTTP2: &[u8] = b"h2";

/// Whether the client and this side agreed on HTTP/2.
pub(super) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

/// The versions a listener speaks; what is older than TLS 1.2 is spoken by nobody here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    Only12,
    Only13,
    Both,
}

/// Why a certificate and its key cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the certificate or its key is not in PEM form: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error(transparent)]
    Unusable(#[from] rustls::Error),
}

/// A client's connection once it has said what it speaks.
pub(super) enum Opened {
    Secure(Box<TlsStream<TcpStream>>),
    /// It began to speak plain HTTP.
    Plain(TcpStream),
}

impl Versions {
    fn of_rustls(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Only12 => vec![&version::TLS12],
            Self::Only13 => vec![&version::TLS13],
            Self::Both => vec![&version::TLS13, &version::TLS12],
        }
    }
}

impl Tls {
    /// `chain` is the certificate, then what certifies it; both are PEM.
    ///
    /// # Errors
    /// What is no PEM, a key that is not the certificate's, or a kind of key that is not known here.
    pub(crate) fn new(chain: &str, key: &str, versions: Versions) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        let builder = ServerConfig::builder_with_provider(Arc::new(provider()));
        let builder = builder.with_protocol_versions(&versions.of_rustls())?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut with_http2 = config.clone();
        with_http2.alpn_protocols.insert(0, HTTP2.to_vec());
        Ok(Self { config: Arc::new(config), with_http2: Arc::new(with_http2) })
    }

    /// Waits for a client's hello. `None`: it said nothing or not enough within `patience`, or wants what is not spoken
    /// here.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        (patience, http2): (Duration, bool),
    ) -> Option<Opened> {
        let config = if http2 { &self.with_http2 } else { &self.config };
        let opened = async {
            let mut first = [0];
            if stream.peek(&mut first).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            // A record of a handshake; or of SSL 2, whose hello nobody answers. As nginx tells them apart.
            if first != [0x16] && first[0] & 0x80 == 0 {
                return Ok(Opened::Plain(stream));
            }
            let stream = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
            Ok::<_, std::io::Error>(Opened::Secure(Box::new(stream)))
        };
        match tokio::time::timeout(patience, opened).await {
            Ok(Ok(opened)) => Some(opened),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a client's handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

/// Of what the policies of Application Load Balancers name, all that is spoken here: none of them has ChaCha20 in
/// TLS 1.2.
fn provider() -> CryptoProvider {
    const NEVER: [CipherSuite; 2] = [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| !NEVER.contains(&suite.suite()));
    provider
}
