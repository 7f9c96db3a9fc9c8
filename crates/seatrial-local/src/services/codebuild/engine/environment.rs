//! The variables a build's commands see: nothing of the local cloud's own environment but what is named here.

use std::net::Ipv4Addr;

use sha2::{Digest as _, Sha256};

use super::super::buildspec::Buildspec;
use super::super::store::{BuildRecord, PhaseContext, Variable};
use super::host::Host;
use super::secrets;
use crate::authority::certificate_authority;
use crate::cloud::Cloud;
use crate::services::sts::RoleSession;

/// Taken over from the local cloud's environment, for the build uses this machine's tools and its network.
const TAKEN_OVER: [&str; 29] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    // Of podman and buildah, and of docker where it is reached by ssh.
    "CONTAINER_HOST",
    "CONTAINERS_STORAGE_CONF",
    "STORAGE_DRIVER",
    "BUILDAH_ISOLATION",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "GIT_SSL_CAINFO",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// The build's variables, and which of their values are secrets.
#[derive(Default)]
pub(super) struct Variables {
    pub pairs: Vec<(String, String)>,
    pub secrets: Vec<String>,
    secret_names: Vec<String>,
}

impl Variables {
    fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.pairs.retain(|(existing, _)| *existing != name);
        self.secret_names.retain(|existing| *existing != name);
        self.pairs.push((name, value.into()));
    }

    fn set_secret(&mut self, name: String, value: String) {
        self.set(name.clone(), value.clone());
        self.secret_names.push(name);
        self.secrets.push(value);
    }

    /// Secrets and AWS's own variables are never exported to a pipeline.
    pub fn exportable(&self, name: &str) -> bool {
        !name.starts_with("AWS_") && !self.secret_names.iter().any(|secret| secret == name)
    }
}

/// In AWS's order of precedence: the buildspec's variables, then the project's and those of the start-build
/// override, which are one list already.
pub(super) async fn variables(
    host: &Host,
    record: &BuildRecord,
    spec: &Buildspec,
) -> Result<Variables, PhaseContext> {
    let mut variables = Variables::default();
    of_this_machine(|name| std::env::var(name).ok(), &mut variables);
    for (name, value) in &spec.env.variables {
        variables.set(name, value);
    }
    let typed = |kind: &'static str| {
        move |(name, value): &(String, String)| Variable {
            name: name.clone(),
            value: value.clone(),
            kind: kind.to_owned(),
        }
    };
    let of_spec = spec.env.parameter_store.iter().map(typed(secrets::PARAMETER_STORE));
    let of_spec = of_spec.chain(spec.env.secrets_manager.iter().map(typed(secrets::SECRETS_MANAGER)));
    for variable in of_spec.chain(record.build.environment.environment_variables.iter().cloned()) {
        match secrets::read(host, &variable).await? {
            Some(secret) => variables.set_secret(variable.name, secret),
            None => variables.set(variable.name, variable.value),
        }
    }
    of_codebuild(host, record, &mut variables);
    of_local_cloud(&host.cloud, &record.build.id, &mut variables);
    of_aws(&host.cloud, &host.role, &mut variables);
    Ok(variables)
}

/// HOME there always is in CodeBuild, also where a service manager started the local cloud without one: cargo, git and
/// most other tools rely on it.
fn of_this_machine(given: impl Fn(&str) -> Option<String>, variables: &mut Variables) {
    for name in TAKEN_OVER {
        if let Some(value) = given(name) {
            variables.set(name, value);
        }
    }
    if given("HOME").is_none_or(|home| home.is_empty()) {
        // By the user database, where the variable says nothing.
        let home = std::env::home_dir().unwrap_or_else(std::env::temp_dir);
        variables.set("HOME", home.display().to_string());
    }
}

fn of_codebuild(host: &Host, record: &BuildRecord, variables: &mut Variables) {
    let build = &record.build;
    variables.set("CODEBUILD_BUILD_ARN", &build.arn);
    variables.set("CODEBUILD_BUILD_ID", &build.id);
    variables.set("CODEBUILD_BUILD_IMAGE", &build.environment.image);
    variables.set("CODEBUILD_BUILD_NUMBER", build.build_number.to_string());
    variables.set("CODEBUILD_BUILD_SUCCEEDING", "1");
    variables.set("CODEBUILD_CI", "true");
    variables.set("CODEBUILD_INITIATOR", &build.initiator);
    variables.set("CODEBUILD_SOURCE_REPO_URL", build.source.location.clone().unwrap_or_default());
    variables.set("CODEBUILD_START_TIME", format!("{:.0}", build.start_time.0 * 1000.0));
    variables.set("CODEBUILD_SRC_DIR", host.folder.display().to_string());
    if let Some(stream) = &build.logs.stream_name {
        variables.set("CODEBUILD_LOG_PATH", stream);
    }
    if let Some(version) = &build.resolved_source_version {
        variables.set("CODEBUILD_RESOLVED_SOURCE_VERSION", version);
    }
    if let Some(version) = &build.source_version {
        variables.set("CODEBUILD_SOURCE_VERSION", version);
    }
    for (name, folder) in &host.extra_sources {
        variables.set(format!("CODEBUILD_SRC_DIR_{name}"), folder.display().to_string());
    }
}

/// What stands here for the public address from which AWS's builds call, one for each build, so that security groups can
/// tell it from the operator's; and the authority that signs certificates here.
fn of_local_cloud(cloud: &Cloud, build: &str, variables: &mut Variables) {
    variables.set("LOCAL_CLOUD_BUILD_ADDRESS", own_address(build).to_string());
    let authority = certificate_authority(cloud.data_dir());
    if authority.is_file() {
        variables.set("LOCAL_CLOUD_AUTHORITY", authority.display().to_string());
    }
}

/// In 127/8, beyond what others use of it.
fn own_address(build: &str) -> Ipv4Addr {
    let digest = Sha256::digest(build);
    Ipv4Addr::new(127, 128 | digest[0], digest[1], digest[2].clamp(1, 254))
}

/// The way to the role's credentials, which no variable holds, as in CodeBuild (User Guide, "Troubleshooting", "Unable to
/// locate credentials": it has AWS_CONTAINER_CREDENTIALS_RELATIVE_URI), and this cloud's address; the operator's files of settings and keys are hidden, and
/// no proxy stands between the build and the local cloud.
fn of_aws(cloud: &Cloud, role: &RoleSession, variables: &mut Variables) {
    variables.set("AWS_REGION", cloud.region());
    variables.set("AWS_DEFAULT_REGION", cloud.region());
    variables.set("AWS_ENDPOINT_URL", cloud.endpoint());
    let [(uri, address), (token, secret)] = role.full(cloud);
    variables.set(uri, address);
    variables.secrets.push(secret.clone());
    variables.set(token, secret);
    variables.set("AWS_CONFIG_FILE", "/dev/null");
    variables.set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    variables.set("AWS_EC2_METADATA_DISABLED", "true");
    let direct = match std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")) {
        Ok(names) if !names.is_empty() => format!("{names},127.0.0.1,localhost"),
        _ => "127.0.0.1,localhost".to_owned(),
    };
    variables.set("NO_PROXY", &direct);
    variables.set("no_proxy", direct);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_a_home_also_where_the_local_cloud_was_started_without_one() {
        for given in [None, Some(String::new())] {
            let mut variables = Variables::default();
            of_this_machine(|name| given.clone().filter(|_| name == "HOME"), &mut variables);
            let homes: Vec<_> = variables.pairs.iter().filter(|(name, _)| name == "HOME").collect();
            assert!(matches!(&homes[..], [(_, home)] if home.starts_with('/')), "{homes:?}");
        }
        let mut variables = Variables::default();
        of_this_machine(|name| (name == "HOME").then(|| "/mine".to_owned()), &mut variables);
        assert_eq!(variables.pairs, [("HOME".to_owned(), "/mine".to_owned())]);
    }

    #[test]
    fn a_build_finds_the_docker_engine_that_whoever_started_the_local_cloud_uses() {
        let given = |name: &str| name.starts_with("DOCKER_").then(|| "theirs".to_owned());
        let mut variables = Variables::default();

        of_this_machine(given, &mut variables);

        for name in ["HOST", "CONFIG", "CONTEXT", "TLS_VERIFY", "CERT_PATH"] {
            let variable = (format!("DOCKER_{name}"), "theirs".to_owned());
            assert!(variables.pairs.contains(&variable), "{variable:?}");
        }
    }

    #[test]
    fn of_the_operators_variables_of_aws_a_build_has_the_certificates_alone() {
        let mut variables = Variables::default();

        // Whatever is asked for is there.
        of_this_machine(|_| Some("theirs".to_owned()), &mut variables);

        let of_aws =
            variables.pairs.iter().map(|(name, _)| name.as_str()).filter(|name| name.contains("AWS"));
        assert_eq!(of_aws.collect::<Vec<_>>(), ["AWS_CA_BUNDLE"]);
    }

    #[test]
    fn every_build_calls_from_an_address_of_its_own() {
        let [one, other] = ["p:1", "p:2"].map(own_address);
        assert_ne!(one, other);
        assert!(one.is_loopback() && one.octets()[1] >= 128, "{one}");
        assert_eq!(own_address("p:1"), one);
    }
}
