//! `cargo xtask local`: the persistent local cloud of this checkout. Changes nothing in AWS.

use std::fmt;
use std::path::PathBuf;

use seatrial_project::LOCAL_ENVIRONMENT;
use serde::Serialize;

use super::deployed::Deployed;
use crate::ask::agrees;
use crate::cli::{Globals, LocalCommand, LocalStartArgs};
use crate::context::{Ctx, find_root, load_environment, serve_options};
use crate::exit::Refused;
use crate::local::{self, Connection, Gone, ServeOptions};
use crate::outcome::Report;
use crate::plan::owned::Owned;
use crate::session::Session;

/// What `local` prints.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Local {
    Status(Box<LocalStatus>),
    /// Its page is open, or can be opened.
    Opened {
        /// `http://127.0.0.1:PORT/`.
        page: String,
        /// What opens it, once and within a minute, where no browser was started.
        open: Option<String>,
    },
    /// Ended, or gone with its data.
    Ended {
        /// Whether one was running.
        was_running: bool,
        /// Where the data was that is deleted.
        deleted: Option<PathBuf>,
        /// What is left there, as somebody else's.
        left: Vec<PathBuf>,
        /// Where there was nothing to delete.
        #[serde(skip)]
        nothing: Option<PathBuf>,
    },
}

/// How to reach the local cloud with any AWS client.
#[derive(Debug, Serialize)]
pub(crate) struct LocalStatus {
    #[serde(flatten)]
    connection: Connection,
    /// The application's address, once the load balancer is there.
    url: Option<String>,
}

pub(crate) async fn run(
    session: &Session,
    globals: &Globals,
    command: LocalCommand,
) -> anyhow::Result<Report<Local>> {
    let globals = Globals { environment: Some(LOCAL_ENVIRONMENT.to_owned()), ..globals.clone() };
    let local = match command {
        LocalCommand::Start(args) => start(session, &globals, &args).await?,
        LocalCommand::Status => status(session, &globals).await?,
        LocalCommand::Open => open(session, &globals).await?,
        LocalCommand::Stop => {
            let data_dir = data_dir(&globals)?;
            let stop = local::stop(session, &data_dir);
            let was_running = session.cancel.unless_cancelled(stop).await??;
            Local::Ended { was_running, deleted: None, left: Vec::new(), nothing: None }
        }
        LocalCommand::Reset { yes } => reset(session, &globals, yes).await?,
        LocalCommand::Serve(options) => {
            local::serve(options).await?;
            Local::Ended { was_running: true, deleted: None, left: Vec::new(), nothing: None }
        }
    };
    Ok(Report::done(local))
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Opened { page, open: None } => write!(f, "the page is open in your browser: {page}"),
            Self::Opened { open: Some(open), .. } => {
                write!(f, "the page opens once at this address, within a minute:\n{open}")
            }
            Self::Ended { deleted: Some(path), left, .. } => {
                writeln!(f, "the local cloud and its data under `{}` are gone", path.display())?;
                left.iter().try_for_each(|path| writeln!(f, "{}", not_ours(path)))
            }
            Self::Ended { nothing: Some(path), .. } => write!(f, "nothing is there: `{}`", path.display()),
            Self::Ended { was_running: true, .. } => write!(f, "the local cloud has ended"),
            Self::Ended { .. } => write!(f, "no local cloud is running"),
        }
    }
}

impl fmt::Display for LocalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.connection;
        writeln!(f, "local cloud, pid {}, data in {}", c.pid, c.data_dir.display())?;
        writeln!(f, "registry {}", c.registry)?;
        writeln!(f, "application {}", self.url.as_deref().unwrap_or("not provisioned yet"))?;
        if !c.certificate_authority.as_os_str().is_empty() {
            writeln!(f, "certificate authority {}", c.certificate_authority.display())?;
        }
        writeln!(f, "for any AWS client:")?;
        writeln!(f, "  export AWS_ENDPOINT_URL={}", c.endpoint)?;
        writeln!(f, "  export AWS_REGION={} AWS_DEFAULT_REGION={}", c.region, c.region)?;
        writeln!(f, "  export AWS_ACCESS_KEY_ID={}", c.access_key_id)?;
        write!(f, "  export AWS_SECRET_ACCESS_KEY={}", c.secret_access_key)
    }
}

async fn start(session: &Session, globals: &Globals, args: &LocalStartArgs) -> anyhow::Result<Local> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let port = args.port;
    let mut options = serve_options(&root, &environment, port)?;
    keep_time(&mut options, args)?;
    let connection = local::ensure_running(session, &options).await?;
    // One that was there, or came up meanwhile. Where 0 was typed, any port will do.
    if port.is_some_and(|port| port != 0 && !connection.endpoint.ends_with(&format!(":{port}"))) {
        let running = format!("the local cloud is running at {}", connection.endpoint);
        return Err(Refused::new(running).hint("run `cargo xtask local stop` first").into());
    }
    let ctx = Ctx::with_connection(session, root, environment, Some(connection.clone())).await?;
    show(&ctx, connection).await
}

/// How fast time passes and how long resources take is told to a local cloud that starts; one that runs keeps its own.
fn keep_time(options: &mut ServeOptions, args: &LocalStartArgs) -> anyhow::Result<()> {
    if args.latencies.is_none() && args.time_scale.is_none() {
        return Ok(());
    }
    if let Some(path) = &args.latencies {
        seatrial_local::read_latencies(path).map_err(|error| Refused::new(error.to_string()))?;
        options.latencies = Some(std::path::absolute(path)?);
    }
    options.time_scale = args.time_scale.unwrap_or(options.time_scale);
    match local::find(&options.data_dir) {
        Some(running) => Err(Refused::new(format!("the local cloud is running at {}", running.endpoint))
            .hint("run `cargo xtask local stop` first: it keeps the time it was started with")
            .into()),
        None => Ok(()),
    }
}

async fn status(session: &Session, globals: &Globals) -> anyhow::Result<Local> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let options = serve_options(&root, &environment, None)?;
    let Some(connection) = local::find(&options.data_dir) else {
        return Err(Refused::new("no local cloud is running")
            .hint("`cargo xtask local start` starts it")
            .into());
    };
    // One that does not answer is told of, not waited for.
    session.cancel.unless_cancelled(local::in_flight(&connection)).await??;
    let ctx = Ctx::with_connection(session, root, environment, Some(connection.clone())).await?;
    show(&ctx, connection).await
}

async fn show(ctx: &Ctx, connection: Connection) -> anyhow::Result<Local> {
    let url = Deployed::read(ctx).await?.output(Owned::Url).map(str::to_owned);
    Ok(Local::Status(Box::new(LocalStatus { connection, url })))
}

async fn open(session: &Session, globals: &Globals) -> anyhow::Result<Local> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let options = serve_options(&root, &environment, None)?;
    let connection = local::ensure_running(session, &options).await?;
    let opened = session.cancel.unless_cancelled(local::open_page(&connection)).await??;
    let open = match opened {
        local::Opened::Browser => None,
        local::Opened::At(address) => Some(address),
    };
    Ok(Local::Opened { page: format!("{}/", connection.endpoint), open })
}

async fn reset(session: &Session, globals: &Globals, yes: bool) -> anyhow::Result<Local> {
    let data_dir = data_dir(globals)?;
    if !yes {
        if !session.printer.can_ask() {
            return Err(Refused::new("`local reset` deletes all data").hint("say so with --yes").into());
        }
        let question = format!("delete the local cloud's data under `{}`? (yes/no)", data_dir.display());
        if !agrees(session, &question).await? {
            return Err(Refused::new("nothing was deleted").into());
        }
    }
    let Gone { was_there, was_running, left } = local::reset(session, &data_dir).await?;
    let (deleted, nothing) = if was_there { (Some(data_dir), None) } else { (None, Some(data_dir)) };
    Ok(Local::Ended { was_running, deleted, left, nothing })
}

/// Names what a reset left, for it is not the local cloud's.
pub(super) fn not_ours(path: &std::path::Path) -> String {
    format!("left, as it is not the local cloud's: `{}`", path.display())
}

fn data_dir(globals: &Globals) -> anyhow::Result<PathBuf> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    Ok(serve_options(&root, &environment, None)?.data_dir)
}
