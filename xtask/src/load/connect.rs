//! Connections to a load balancer, plain or in TLS.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::record::Target;

/// Both ways of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens connections; cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    address: Arc<str>,
    pub host: Arc<str>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// # Errors
    /// The certificate authority cannot be read or is none, or the host is no name.
    pub(super) fn new(target: &Target) -> Result<Self, String> {
        let mut tls = None;
        if let Some(authority) = &target.authority {
            let failed = |error: String| format!("no TLS by `{}`: {error}", authority.display());
            let mut roots = RootCertStore::empty();
            let certificates = CertificateDer::pem_file_iter(authority);
            for certificate in certificates.map_err(|error| failed(error.to_string()))? {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
                added.map_err(failed)?;
            }
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config = config.map_err(|error| failed(error.to_string()))?;
            let config = config.with_root_certificates(roots).with_no_client_auth();
            let name =
                ServerName::try_from(target.host.clone()).map_err(|error| failed(error.to_string()))?;
            tls = Some((TlsConnector::from(Arc::new(config)), name));
        }
        Ok(Self { address: Arc::from(target.address.as_str()), host: Arc::from(target.host.as_str()), tls })
    }

    pub(super) async fn open(&self) -> std::io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(&*self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some((tls, name)) => Ok(Box::new(tls.connect(name.clone(), stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }
}
