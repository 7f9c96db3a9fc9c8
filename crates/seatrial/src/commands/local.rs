//! `cargo xtask local`: the persistent local cloud of this checkout. Changes nothing in AWS.

use std::fmt;

use serde::Serialize;

use super::deployed::Deployed;
use crate::cli::{Globals, LocalCommand};
use crate::context::{Ctx, find_root, load_environment, serve_options};
use crate::exit::{ExitStatus, Refused};
use crate::local::{self, Connection};
use crate::output::Printer;
use crate::project::LOCAL_ENVIRONMENT;

pub(crate) async fn run(
    globals: Globals,
    printer: Printer,
    command: LocalCommand,
) -> anyhow::Result<ExitStatus> {
    let globals = Globals { environment: Some(LOCAL_ENVIRONMENT.to_owned()), ..globals };
    match command {
        LocalCommand::Serve(options) => local::serve(options).await?,
        LocalCommand::Start { port } => start(&globals, printer, port).await?,
        LocalCommand::Status => return status(&globals, printer).await,
        LocalCommand::Stop => {
            let data_dir = data_dir(&globals)?;
            let was_running = local::find(&data_dir).is_some();
            local::stop(&data_dir).await?;
            printer.note(if was_running { "the local cloud has ended" } else { "no local cloud is running" });
        }
        LocalCommand::Reset { yes } => reset(&globals, &printer, yes).await?,
    }
    Ok(ExitStatus::Done)
}

/// What `local start` and `local status` print: how to reach the local cloud with any AWS client.
#[derive(Debug, Serialize)]
struct LocalStatus {
    #[serde(flatten)]
    connection: Connection,
    /// The application's address, once the load balancer is there.
    url: Option<String>,
}

impl fmt::Display for LocalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.connection;
        writeln!(f, "local cloud, pid {}, data in {}", c.pid, c.data_dir.display())?;
        writeln!(f, "registry {}", c.registry)?;
        writeln!(f, "application {}", self.url.as_deref().unwrap_or("not provisioned yet"))?;
        writeln!(f, "for any AWS client:")?;
        writeln!(f, "  export AWS_ENDPOINT_URL={}", c.endpoint)?;
        writeln!(f, "  export AWS_REGION={} AWS_DEFAULT_REGION={}", c.region, c.region)?;
        writeln!(f, "  export AWS_ACCESS_KEY_ID={}", c.access_key_id)?;
        write!(f, "  export AWS_SECRET_ACCESS_KEY={}", c.secret_access_key)
    }
}

async fn start(globals: &Globals, printer: Printer, port: Option<u16>) -> anyhow::Result<()> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let options = serve_options(&root, &environment, port)?;
    if let Some(found) = local::find(&options.data_dir)
        && port.is_some_and(|port| !found.endpoint.ends_with(&format!(":{port}")))
    {
        let running = format!("the local cloud is running at {}", found.endpoint);
        return Err(Refused::new(running).hint("run `cargo xtask local stop` first").into());
    }
    let connection = local::ensure_running(&options).await?;
    let ctx = Ctx::with_connection(root, environment, printer, Some(connection.clone())).await?;
    show(&ctx, connection).await
}

async fn status(globals: &Globals, printer: Printer) -> anyhow::Result<ExitStatus> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let options = serve_options(&root, &environment, None)?;
    let Some(connection) = local::find(&options.data_dir) else {
        return Err(Refused::new("no local cloud is running")
            .hint("`cargo xtask local start` starts it")
            .into());
    };
    let ctx = Ctx::with_connection(root, environment, printer, Some(connection.clone())).await?;
    show(&ctx, connection).await?;
    Ok(ExitStatus::Done)
}

async fn show(ctx: &Ctx, connection: Connection) -> anyhow::Result<()> {
    let deployed = Deployed::read(&ctx.aws, &ctx.environment).await?;
    ctx.printer.result(&LocalStatus { connection, url: deployed.output("Url").map(str::to_owned) })
}

async fn reset(globals: &Globals, printer: &Printer, yes: bool) -> anyhow::Result<()> {
    let data_dir = data_dir(globals)?;
    if !yes {
        let question = format!("delete the local cloud's data under `{}`? (yes/no)", data_dir.display());
        if !printer.can_ask() {
            return Err(Refused::new("`local reset` deletes all data").hint("say so with --yes").into());
        }
        if printer.ask(&question)? != "yes" {
            return Err(Refused::new("nothing was deleted").into());
        }
    }
    let left = local::reset(&data_dir).await?;
    printer.note(format_args!("the local cloud and its data under `{}` are gone", data_dir.display()));
    name_left(printer, &left);
    Ok(())
}

/// Names what a reset left, for it is not the local cloud's.
pub(super) fn name_left(printer: &Printer, left: &[std::path::PathBuf]) {
    for path in left {
        printer.note(format_args!("left, as it is not the local cloud's: `{}`", path.display()));
    }
}

fn data_dir(globals: &Globals) -> anyhow::Result<std::path::PathBuf> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    Ok(serve_options(&root, &environment, None)?.data_dir)
}
