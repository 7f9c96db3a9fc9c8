//! The connection's handshake: a person must complete it once. The link is told as soon as there is a connection, so
//! that it can be done while everything else is made; only the pipeline waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::Look;
use crate::local;

/// As long as a person may take without the command giving up.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// What AWS says of a connection whose handshake a person has still to complete.
const PENDING: &str = "PENDING";

/// The handshake of one run.
#[derive(Default)]
pub(super) struct Handshake {
    /// A person has been asked, and has not done it.
    pending: AtomicBool,
}

impl Handshake {
    /// Asks for the handshake as soon as the connection is there, and waits for nothing. What cannot be asked now is
    /// asked by whoever waits.
    pub(super) async fn begin(&self, ctx: &Ctx, connection_arn: &str) {
        let asked = async {
            if ctx.reading(ctx.aws.connection_status(connection_arn)).await? == PENDING {
                self.ask(ctx, connection_arn).await?;
            }
            anyhow::Ok(())
        };
        if let Err(error) = asked.await {
            ctx.printer()
                .warning(format_args!("the connection's handshake cannot be asked for yet: {error:#}"));
        }
    }

    /// Waits until the connection is AVAILABLE, with the link to complete it.
    pub(super) async fn wait(&self, ctx: &Ctx, connection_arn: &str) -> anyhow::Result<()> {
        let mut told = false;
        let mut poll = ctx.watch().poll(format!("the handshake ({})", link(ctx)), PATIENCE);
        poll.until(async || {
            match ctx.aws.connection_status(connection_arn).await?.as_str() {
                "AVAILABLE" => return Ok(Look::Ended(())),
                PENDING => {}
                other => {
                    let broken = format!("connection `{connection_arn}` is {other}, expected AVAILABLE");
                    return Err(Refused::new(broken).hint(link(ctx)).into());
                }
            }
            if told {
                return Ok(Look::Nothing);
            }
            told = true;
            self.ask(ctx, connection_arn).await?;
            Ok(Look::News)
        })
        .await?;
        self.pending.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Where it is to be completed, if a person was asked and has not done it.
    pub(super) fn left(&self, ctx: &Ctx) -> Option<String> {
        self.pending.load(Ordering::SeqCst).then(|| link(ctx))
    }

    /// Asks the person; in the local cloud nobody need be asked.
    async fn ask(&self, ctx: &Ctx, connection_arn: &str) -> anyhow::Result<()> {
        let text = match ctx.own_local_cloud() {
            None => {
                self.pending.store(true, Ordering::SeqCst);
                format!("PENDING: complete the handshake at {}", link(ctx))
            }
            Some(connection) => {
                let id = connection_arn.rsplit('/').next().unwrap_or(connection_arn);
                let path = format!("/_local/connections/{id}/complete");
                local::post(&connection, &path, &serde_json::json!({})).await?;
                "handshake completed by the local cloud; on AWS a person does it once".to_owned()
            }
        };
        ctx.printer().event("connection", text);
        Ok(())
    }
}

/// Where a person completes the handshake.
pub(in crate::commands) fn link(ctx: &Ctx) -> String {
    let region = ctx.aws.region();
    format!("https://{region}.console.aws.amazon.com/codesuite/settings/connections?region={region}")
}
