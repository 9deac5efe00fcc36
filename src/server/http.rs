//! Streamable HTTP: stateless, on the loopback only, Host and Origin checked.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::error::{Error, Result};

/// A request is a few kilobytes of SQL; more is a mistake.
const BODY_BYTES: usize = 1024 * 1024;

/// Serves at `/mcp` until the token is cancelled. `listening` is told the address, with the port that was had.
pub async fn serve(
    server: Server,
    address: SocketAddr,
    stop: CancellationToken,
    listening: impl FnOnce(SocketAddr),
) -> Result<()> {
    if !address.ip().is_loopback() {
        return Err(Error::Config {
            reason: format!(
                "{address} is not a loopback address; without authentication only 127.0.0.1 and [::1] are served"
            ),
        });
    }
    let failed = |error: std::io::Error| Error::Config {
        reason: format!("{address} cannot be listened on: {}", error.kind()),
    };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let port = address.port();
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts([
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
        ])
        .with_allowed_origins([
            format!("http://localhost:{port}"),
            format!("http://127.0.0.1:{port}"),
            format!("http://[::1]:{port}"),
        ])
        .with_max_request_body_bytes(BODY_BYTES)
        .with_cancellation_token(stop.clone());
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    listening(address);
    axum::serve(listener, Router::new().nest_service("/mcp", service))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .map_err(failed)
}
