//! `image.registry_secrets`: what opens private git hosts and cargo registries to a build. CodeBuild reads the secrets
//! with the build's role and gives them to its commands as variables; they are nowhere else.

use std::fmt;

use serde::Deserialize;

/// One secret, and what it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySecret {
    /// The key.
    pub opens: Opens,
    /// The value.
    pub kept: Kept,
}

/// What a secret opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Opens {
    /// A host of git repositories, with a port where it has one of its own. Asked by HTTPS only, on this machine by HTTP.
    GitHost(String),
    /// A registry by its name in `.cargo/config.toml`.
    Registry(String),
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Kept {
    /// In Secrets Manager: `NAME-OR-ARN[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]`, as a buildspec has it (CodeBuild,
    /// build-spec-ref, env/secrets-manager).
    Secret(String),
    /// In SSM's Parameter Store, by a name with a slash in front. CodeBuild takes no ARN.
    Parameter(String),
}

/// Before the name of a registry, as in cargo's configuration.
const REGISTRY: &str = "registries.";
/// Parts of a secret's ARN, and of a name.
const ARN_PARTS: usize = 7;
const NAME_PARTS: usize = 1;
/// JSON key, version stage, version id.
const FURTHER_PARTS: usize = 3;
/// How tokens begin, by their makers' documentation (GitHub, "About authentication"; GitLab, "Token overview").
const TOKENS: [&str; 8] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-"];
/// Secrets Manager's longest name (API reference, CreateSecret), and SSM's (API reference, PutParameter), in characters.
const LONGEST_SECRET: usize = 512;
const LONGEST_PARAMETER: usize = 1011;

impl RegistrySecret {
    /// The variable in which a build has it: for a registry the one that cargo looks for (The Cargo Book, Registry
    /// Authentication).
    pub fn variable(&self) -> String {
        self.opens.variable()
    }

    /// What the build's role has to be allowed to read in an account: an ARN, which for a secret's name leaves open the
    /// six characters that Secrets Manager adds.
    pub fn arn(&self, region: &str, account: &str) -> String {
        let partition = partition(region);
        match &self.kept {
            Kept::Parameter(name) => format!("arn:{partition}:ssm:{region}:{account}:parameter{name}"),
            Kept::Secret(text) => match split(text) {
                (arn, _) if arn.starts_with("arn:") => arn,
                (name, _) => {
                    format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-??????")
                }
            },
        }
    }

    /// The name or ARN of what is kept, without what is said of it behind that.
    pub fn id(&self) -> String {
        match &self.kept {
            Kept::Secret(text) => split(text).0,
            Kept::Parameter(name) => name.clone(),
        }
    }

    /// The value's name in the secret, where it is one of several.
    pub fn json_key(&self) -> Option<String> {
        match &self.kept {
            Kept::Secret(text) => split(text).1.into_iter().next().filter(|key| !key.is_empty()),
            Kept::Parameter(_) => None,
        }
    }
}

impl Opens {
    pub(super) fn variable(&self) -> String {
        let upper = |name: &str| -> String {
            name.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                .collect()
        };
        match self {
            Self::GitHost(host) => format!("GIT_TOKEN_{}", upper(host)),
            Self::Registry(name) => format!("CARGO_REGISTRIES_{}_TOKEN", upper(name)),
        }
    }
}

impl Kept {
    /// Whether it begins as tokens of GitHub and GitLab do.
    pub(super) fn looks_like_a_token(&self) -> bool {
        matches!(self, Self::Secret(text) if TOKENS.iter().any(|start| text.starts_with(start)))
    }
}

impl fmt::Display for Opens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHost(host) => f.write_str(host),
            Self::Registry(name) => write!(f, "{REGISTRY}{name}"),
        }
    }
}

impl TryFrom<String> for Opens {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(name) = text.strip_prefix(REGISTRY)
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(of_a_name)
        {
            return Ok(Self::Registry(name.to_owned()));
        }
        match is_host(&text) {
            true => Ok(Self::GitHost(text)),
            false => Err(
                "must be for a host of git repositories such as `github.com`, without `https://`, or for \
                 `registries.NAME` with a name of `.cargo/config.toml`",
            ),
        }
    }
}

impl TryFrom<String> for Kept {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with('/') && is_parameter(&text) {
            return Ok(Self::Parameter(text));
        }
        let (id, further) = split(&text);
        let of_a_key = |part: &String| part.chars().all(|c| c.is_ascii_graphic());
        match is_secret(&id) && further.len() <= FURTHER_PARTS && further.iter().all(of_a_key) {
            true => Ok(Self::Secret(text)),
            false => Err(
                "must be a Secrets Manager secret by name or ARN, with `:KEY` behind it for one value of \
                          several, or an SSM parameter by a name such as `/git/token`",
            ),
        }
    }
}

/// The secret itself, and what is said of it behind that.
fn split(text: &str) -> (String, Vec<String>) {
    let parts: Vec<&str> = text.split(':').collect();
    let length = if text.starts_with("arn:") { ARN_PARTS } else { NAME_PARTS };
    let (id, further) = parts.split_at(length.min(parts.len()));
    (id.join(":"), further.iter().map(|part| (*part).to_owned()).collect())
}

/// `HOST[:PORT]`, in small letters, as git compares it with a URL's.
fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let of_a_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label =
        |label: &str| !label.is_empty() && !label.starts_with('-') && label.chars().all(of_a_label);
    host.split('.').all(is_label) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_secret(id: &str) -> bool {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    let is_name =
        |name: &str| !name.is_empty() && name.len() <= LONGEST_SECRET && name.chars().all(of_a_name);
    let parts: Vec<&str> = id.split(':').collect();
    match parts[..] {
        [name] => !name.starts_with('/') && is_name(name),
        ["arn", partition, "secretsmanager", region, account, "secret", name] => {
            partition.starts_with("aws") && !region.is_empty() && account.len() == 12 && is_name(name)
        }
        _ => false,
    }
}

/// SSM keeps what begins with `aws` or `ssm` for itself.
fn is_parameter(name: &str) -> bool {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let mut parts = name.split('/').skip(1);
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    name.len() <= LONGEST_PARAMETER
        && parts.all(|part| !part.is_empty() && part.chars().all(of_a_name))
        && !first.starts_with("aws")
        && !first.starts_with("ssm")
}

/// In which a region is (General Reference, ARNs).
fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ci/git-AbCdEf";

    fn secret(opens: &str, kept: &str) -> RegistrySecret {
        let opens = Opens::try_from(opens.to_owned()).unwrap();
        RegistrySecret { opens, kept: Kept::try_from(kept.to_owned()).unwrap() }
    }

    #[test]
    fn a_registrys_variable_is_cargos_and_a_hosts_has_its_name() {
        for (opens, variable) in [
            ("github.com", "GIT_TOKEN_GITHUB_COM"),
            ("git.my-firm.example:8443", "GIT_TOKEN_GIT_MY_FIRM_EXAMPLE_8443"),
            ("registries.my-firm", "CARGO_REGISTRIES_MY_FIRM_TOKEN"),
        ] {
            assert_eq!(secret(opens, "git").variable(), variable);
            assert_eq!(secret(opens, "git").opens.to_string(), opens);
        }
    }

    #[test]
    fn a_role_is_allowed_the_secret_itself_in_the_environments_account_where_a_name_is_given() {
        let arn = |kept: &str, region: &str| secret("github.com", kept).arn(region, "210987654321");
        assert_eq!(arn(&format!("{ARN}:token::"), "eu-west-1"), ARN);
        let named = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:ci/git-??????";
        assert_eq!(arn("ci/git:token", "eu-west-1"), named);
        let parameter = "arn:aws-cn:ssm:cn-north-1:210987654321:parameter/ci/git";
        assert_eq!(arn("/ci/git", "cn-north-1"), parameter);
        assert!(arn("git", "us-gov-west-1").starts_with("arn:aws-us-gov:"));
        assert_eq!(secret("github.com", &format!("{ARN}:token")).json_key().as_deref(), Some("token"));
        assert_eq!(secret("github.com", "git::AWSPREVIOUS").json_key(), None);
    }

    #[test]
    fn what_is_no_host_no_registry_and_no_secret_is_refused() {
        for opens in [
            "",
            "https://github.com",
            "github.com/me",
            "me@github.com",
            "GitHub.com",
            "a:0",
            "a:b",
            "a..b",
            "registries.a b",
        ] {
            assert!(Opens::try_from(opens.to_owned()).is_err(), "{opens}");
        }
        for kept in [
            "",
            "a b",
            "/",
            "/a/",
            "/aws/git",
            "a:b:c:d:e",
            "ghp_token:with space",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret",
            "arn:aws:ssm:eu-central-1:123456789012:parameter/ci/git",
            "arn:aws:s3:::bucket",
        ] {
            assert!(Kept::try_from(kept.to_owned()).is_err(), "{kept}");
        }
    }
}
