//! Placeholder.

use tokio::net::TcpListener;

use crate::cloud::Cloud;

pub(crate) async fn serve(_cloud: Cloud, _listener: TcpListener) {}
