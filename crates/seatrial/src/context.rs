//! What commands work with: the project, one environment of it, and AWS as that environment's caller.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seatrial_project::{Environment, PROJECT_FILE, Project};

use crate::aws::{Aws, AwsError, Target, endpoint_is, endpoint_is_loopback};
use crate::cli::Globals;
use crate::exit::Refused;
use crate::follow::Watch;
use crate::local::{self, Connection, ServeOptions};
use crate::output::Printer;
use crate::session::Session;

/// Seconds of AWS's waits that pass in one second of the local cloud.
pub(crate) const TIME_SCALE: f64 = 60.0;

/// Built once, passed first.
pub(crate) struct Ctx {
    pub session: Session,
    /// The project's folder.
    pub root: PathBuf,
    pub environment: Environment,
    pub aws: Aws,
    /// The local cloud, in environment `local`.
    pub local: Option<Connection>,
}

impl Ctx {
    /// A call that only reads is left when the command is to end. One that writes is not: whether it was carried out
    /// must be known.
    pub(crate) async fn reading<T>(
        &self,
        call: impl Future<Output = Result<T, AwsError>>,
    ) -> anyhow::Result<T> {
        Ok(self.session.cancel.unless_cancelled(call).await??)
    }

    /// Reads the project, finds or starts the local cloud where it is meant, and makes sure that the caller is
    /// in the environment's account.
    pub(crate) async fn connect(session: &Session, globals: &Globals) -> anyhow::Result<Self> {
        let root = find_root()?;
        let environment = load_environment(&root, globals)?;
        Self::for_environment(session, root, environment).await
    }

    /// The same for an environment that was read already.
    pub(crate) async fn for_environment(
        session: &Session,
        root: PathBuf,
        environment: Environment,
    ) -> anyhow::Result<Self> {
        let local = match uses_local_cloud(&environment)? {
            true => {
                let options = serve_options(&root, &environment, None)?;
                Some(local::ensure_running(session, &options).await?)
            }
            false => None,
        };
        Self::with_connection(session, root, environment, local).await
    }

    /// The same with a local cloud that runs already.
    pub(crate) async fn with_connection(
        session: &Session,
        root: PathBuf,
        environment: Environment,
        local: Option<Connection>,
    ) -> anyhow::Result<Self> {
        let target = match &local {
            Some(local) => Target::Local {
                endpoint: local.endpoint.clone(),
                region: local.region.clone(),
                access_key_id: local.access_key_id.clone(),
                secret_access_key: local.secret_access_key.clone(),
                ended: local::ended(local.data_dir.clone()),
            },
            None => Target::Account { region: environment.region.clone() },
        };
        let aws = Aws::connect(target, &session.command_name, session.changes.clone()).await;
        let identity = session.cancel.unless_cancelled(aws.get_caller_identity()).await??;
        if identity.account != environment.account {
            let refused = format!(
                "environment `{}` is in account {}, but the caller `{}` is in account {}",
                environment.name, environment.account, identity.arn, identity.account
            );
            return Err(Refused::new(refused).hint("choose another AWS_PROFILE or environment").into());
        }
        Ok(Self { session: session.clone(), root, environment, aws, local })
    }

    /// This checkout's local cloud, also where the variables of an AWS client lead to it: those that `local status`
    /// prints.
    pub(crate) fn own_local_cloud(&self) -> Option<Connection> {
        if self.local.is_some() || !self.environment.is_local() {
            return self.local.clone();
        }
        let data_dir = local::data_dir(&self.root, &self.environment.project).ok()?;
        local::find(&data_dir).filter(|found| endpoint_is(&found.endpoint))
    }

    /// Certificate authorities that the application's own certificate may come from besides the system's, as PEM: that of
    /// the local cloud.
    pub(crate) fn trusted(&self) -> anyhow::Result<Vec<u8>> {
        let Some(local) = &self.local else { return Ok(Vec::new()) };
        match std::fs::read(&local.certificate_authority) {
            Ok(pem) => Ok(pem),
            // One of an earlier build has none.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => {
                let path = local.certificate_authority.display();
                Err(anyhow::Error::from(error).context(format!("failed to read `{path}`")))
            }
        }
    }

    pub(crate) fn printer(&self) -> &Printer {
        &self.session.printer
    }

    /// For those who follow what goes on in AWS.
    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch { aws: &self.aws, session: &self.session }
    }
}

/// How the local cloud of a checkout is started.
pub(crate) fn serve_options(
    root: &Path,
    environment: &Environment,
    port: Option<u16>,
) -> anyhow::Result<ServeOptions> {
    Ok(ServeOptions {
        data_dir: local::data_dir(root, &environment.project)?,
        source: root.to_owned(),
        region: environment.region.clone(),
        account: environment.account.clone(),
        port,
        time_scale: TIME_SCALE,
        latencies: None,
        owner: local::owner_of_tests(),
        throwaway: None,
    })
}

/// The environment that was asked for.
pub(crate) fn load_environment(root: &Path, globals: &Globals) -> anyhow::Result<Environment> {
    let project = Project::load(root)?;
    Ok(project.environment(globals.environment.as_deref())?.clone())
}

/// The project: the nearest directory upwards that has an `infra/project.yml`.
pub(crate) fn find_root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("failed to find the current directory")?;
    if let Some(root) = here.ancestors().find(|dir| dir.join(PROJECT_FILE).exists()) {
        return Ok(root.to_owned());
    }
    let missing =
        format!("failed to read `{PROJECT_FILE}`: neither `{}` nor a folder above it has it", here.display());
    let hint = match &projects_in_repository(&here)[..] {
        [] => "run it in the project's folder".to_owned(),
        folders => format!("run it in the project's folder: `{}`", folders.join("`, `")),
    };
    Err(Refused::new(missing).hint(hint).into())
}

/// The folders of the repository in which git knows a project, or would add one.
fn projects_in_repository(here: &Path) -> Vec<String> {
    let Ok(Some(git)) = seatrial_git::Git::find(here) else { return Vec::new() };
    let pattern = format!("*{PROJECT_FILE}");
    let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", &pattern];
    let listed = git.read(&listed).unwrap_or_default();
    let folders = listed.split('\0').filter_map(|file| file.strip_suffix(PROJECT_FILE)?.strip_suffix('/'));
    folders.map(|folder| git.top().join(folder).display().to_string()).collect()
}

/// Whether the environment's cloud is the embedded one.
pub(crate) fn uses_local_cloud(environment: &Environment) -> anyhow::Result<bool> {
    Ok(environment.is_local() && !foreign_endpoint()?)
}

/// Whether environment `local` is to use another emulator than the embedded one. Inside CodeBuild it must not
/// start one: the build's caller is the pipeline, and its cloud is there already.
fn foreign_endpoint() -> anyhow::Result<bool> {
    let loopback = endpoint_is_loopback();
    if std::env::var_os("CODEBUILD_BUILD_ID").is_some_and(|id| !id.is_empty()) && !loopback {
        return Err(Refused::new("environment `local` cannot be used inside CodeBuild")
            .hint("name the environment: --environment NAME")
            .into());
    }
    Ok(loopback)
}
