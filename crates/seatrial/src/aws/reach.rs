//! The application itself, asked from here as its users would.

use std::time::Duration;

use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::Aws;

/// An answer that takes longer counts as none.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Aws {
    /// The status that a GET of `url` is answered with, redirects not followed; else why there is none. The local cloud
    /// speaks plain HTTP where AWS speaks HTTPS.
    pub(crate) async fn status_of(&self, url: &str) -> Result<u16, String> {
        let settings =
            HttpConnectorSettings::builder().connect_timeout(TIMEOUT).read_timeout(TIMEOUT).build();
        let builder: ConnectorBuilder<_> = Connector::builder().connector_settings(settings);
        let (connector, url) = match self.is_local() {
            true => (builder.build_http(), url.replacen("https://", "http://", 1)),
            false => (builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build(), url.to_owned()),
        };
        let request = HttpRequest::get(url).map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(TIMEOUT, connector.call(request)).await;
        let answer = answer.map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| chain(&error))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
