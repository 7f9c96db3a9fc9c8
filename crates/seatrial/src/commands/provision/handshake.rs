//! The connection's handshake: a person must complete it once, and only the pipeline waits for it.

use std::time::Duration;

use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::Pace;
use crate::local;

/// As long as a person may take without the command giving up.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Waits until the connection is AVAILABLE, with the link to complete it.
pub(super) async fn wait(ctx: &Ctx, connection_arn: &str) -> anyhow::Result<()> {
    let mut pace = Pace::new(ctx.aws.is_local(), PATIENCE);
    let mut told = false;
    loop {
        match ctx.aws.connection_status(connection_arn).await?.as_str() {
            "AVAILABLE" => return Ok(()),
            "PENDING" => {}
            other => {
                let broken = format!("connection `{connection_arn}` is {other}, expected AVAILABLE");
                return Err(Refused::new(broken).hint(link(ctx)).into());
            }
        }
        if let Some(connection) = &ctx.local {
            let id = connection_arn.rsplit('/').next().unwrap_or(connection_arn);
            let path = format!("/_local/connections/{id}/complete");
            local::post(connection, &path, &serde_json::json!({})).await?;
            ctx.printer
                .event("connection", "handshake completed by the local cloud; on AWS a person does it once");
        } else if !told {
            told = true;
            ctx.printer.event("connection", format_args!("PENDING: complete the handshake at {}", link(ctx)));
        }
        pace.pause(|| format!("the handshake ({})", link(ctx))).await?;
    }
}

fn link(ctx: &Ctx) -> String {
    let region = ctx.aws.region();
    format!("https://{region}.console.aws.amazon.com/codesuite/settings/connections?region={region}")
}
