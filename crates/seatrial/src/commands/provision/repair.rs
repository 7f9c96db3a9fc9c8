//! `provision --repair-traffic`: all traffic to the primary task set again, where rules disagree with it.

use super::consent::Consent;
use super::lock::ReleaseLock;
use super::report::Provisioned;
use crate::aws::ForwardingRule;
use crate::commands::deployed::Deployed;
use crate::context::Ctx;
use crate::exit::{Failed, Refused};
use crate::outcome::Report;
use crate::rollout::{Routes, Traffic};

pub(super) async fn run(ctx: &Ctx, consent: &crate::cli::Consent) -> anyhow::Result<Report<Provisioned>> {
    let deployed = Deployed::read(ctx).await?;
    let lock = ReleaseLock::of(ctx, &deployed);
    let repaired = repair(ctx, (&deployed, &lock), consent).await;
    let released = lock.release().await;
    let errors = repaired.err().into_iter().chain(released.err());
    Ok(Report { fields: Provisioned::repaired(&deployed), errors: errors.collect() })
}

async fn repair(
    ctx: &Ctx,
    (deployed, lock): (&Deployed, &ReleaseLock<'_>),
    flags: &crate::cli::Consent,
) -> anyhow::Result<()> {
    let nothing = "there is no load balancer yet: nothing leads to the application";
    let routes = deployed.routes(&deployed.outputs_by_stack()).ok_or_else(|| Refused::new(nothing))?;
    let traffic = look(ctx, &routes).await?;
    if traffic.astray().is_empty() {
        ctx.printer().note("every rule sends all traffic to the primary task set");
        return Ok(());
    }
    for line in described(&traffic) {
        ctx.printer().note(line);
    }
    if flags.dry_run {
        return Ok(());
    }
    Consent::ask_for(ctx, flags, "send all of it to the primary task set? (yes/no)").await?;
    lock.hold().await?;
    // A deployment that has ended meanwhile may have moved everything.
    let traffic = look(ctx, &routes).await?;
    let shares =
        traffic.settled().ok_or_else(|| Failed("the service has no primary task set now".to_owned()))?;
    for rule in traffic.astray() {
        ctx.session.cancel.check()?;
        ctx.aws.set_shares(rule, &shares).await?;
        ctx.printer().event("traffic", format_args!("{} leads to the primary task set", rule.arn));
    }
    Ok(())
}

/// The traffic now.
///
/// # Errors
/// Refused without a primary task set: then nothing says where the traffic belongs.
async fn look(ctx: &Ctx, routes: &Routes) -> anyhow::Result<Traffic> {
    let traffic = ctx.reading(Traffic::read(&ctx.aws, routes)).await?;
    if traffic.settled().is_none() {
        let refused =
            Refused::new("the service has no primary task set: nothing says where the traffic belongs");
        return Err(refused.hint(format!("run `{}`", ctx.session.command("provision"))).into());
    }
    Ok(traffic)
}

/// One line a rule: what it does, and what it should.
fn described(traffic: &Traffic) -> Vec<String> {
    let live = traffic.live().unwrap_or_default();
    traffic.astray().into_iter().map(|rule| astray(traffic, rule, live)).collect()
}

fn astray(traffic: &Traffic, rule: &ForwardingRule, live: &str) -> String {
    let share = |(arn, weight): &(String, i32)| {
        let group = traffic.name_of(arn).map_or_else(|| arn.clone(), str::to_owned);
        format!("{group} {weight}")
    };
    let shares: Vec<String> = rule.shares.iter().map(share).collect();
    format!("rule {} sends {}; the primary task set is behind {live}", rule.arn, shares.join(", "))
}
