//! The connection's handshake: a person must complete it once, and only the pipeline waits for it.

use std::time::Duration;

use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::Look;
use crate::local;

/// As long as a person may take without the command giving up.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Waits until the connection is AVAILABLE, with the link to complete it.
pub(super) async fn wait(ctx: &Ctx, connection_arn: &str) -> anyhow::Result<()> {
    let mut told = false;
    let mut poll = ctx.watch().poll(format!("the handshake ({})", link(ctx)), PATIENCE);
    poll.until(async || {
        match ctx.aws.connection_status(connection_arn).await?.as_str() {
            "AVAILABLE" => return Ok(Look::Ended(())),
            "PENDING" => {}
            other => {
                let broken = format!("connection `{connection_arn}` is {other}, expected AVAILABLE");
                return Err(Refused::new(broken).hint(link(ctx)).into());
            }
        }
        if told {
            return Ok(Look::Nothing);
        }
        told = true;
        ask(ctx, connection_arn).await?;
        Ok(Look::News)
    })
    .await
}

/// Asks the person; in the local cloud nobody need be asked.
async fn ask(ctx: &Ctx, connection_arn: &str) -> anyhow::Result<()> {
    let text = match &ctx.local {
        None => format!("PENDING: complete the handshake at {}", link(ctx)),
        Some(connection) => {
            let id = connection_arn.rsplit('/').next().unwrap_or(connection_arn);
            let path = format!("/_local/connections/{id}/complete");
            local::post(connection, &path, &serde_json::json!({})).await?;
            "handshake completed by the local cloud; on AWS a person does it once".to_owned()
        }
    };
    ctx.printer().event("connection", text);
    Ok(())
}

/// Where a person completes the handshake.
pub(in crate::commands) fn link(ctx: &Ctx) -> String {
    let region = ctx.aws.region();
    format!("https://{region}.console.aws.amazon.com/codesuite/settings/connections?region={region}")
}
