//! The values of project.yml that are more than text: each type holds only what its rule allows.
//!
//! The rule's text follows the key in the error: "`app.cpu` must be …, found …".

use std::fmt;

use seatrial_template::AS_WRITTEN;
use serde::{Deserialize, Deserializer, Serialize, de};

macro_rules! text_rule {
    ($(#[$doc:meta])* $name:ident, $check:expr, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err($rule) }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_rule!(
    /// The name of a project or an environment; it becomes part of every resource's name.
    Name,
    is_name,
    "must be lower-case words of letters and digits joined by single hyphens, starting with a letter"
);
text_rule!(
    /// An AWS account.
    AccountId,
    |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()),
    "must be an account of 12 digits, in quotes"
);
text_rule!(Region, is_region, "must be an AWS region such as `eu-central-1`");
text_rule!(
    /// `owner/name` at GitHub.
    RepositoryId,
    is_repository,
    "must be a repository as `owner/name`"
);
text_rule!(
    BranchName,
    |text| (1..=255).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_graphic() && !"~^:?*[\\".contains(c)),
    "must be a branch name"
);
text_rule!(
    ConnectionArn,
    |text| is_arn(text, &["codeconnections", "codestar-connections"]),
    "must be the ARN of a connection"
);
text_rule!(CertificateArn, |text| is_arn(text, &["acm"]), "must be the ARN of an ACM certificate");
text_rule!(
    /// A key itself: CloudWatch Logs takes no alias, and a statement of IAM means none.
    KmsKeyArn,
    |text| is_arn(text, &["kms"]) && text.splitn(6, ':').last().is_some_and(|it| it.starts_with("key/") && it.len() > 4),
    "must be the ARN of a key of KMS, and not of an alias"
);
text_rule!(
    /// A secret, or with `:json-key::` behind it one value of it; or a parameter of SSM.
    SecretArn,
    |text| {
        is_arn(text, &["secretsmanager"]) && text.split(':').count() >= 7
            || is_arn(text, &["ssm"])
                && text.splitn(6, ':').last().is_some_and(|it| it.len() > 10 && it.starts_with("parameter/"))
    },
    "must be the ARN of a Secrets Manager secret or of an SSM parameter"
);
text_rule!(DomainName, is_domain, "must be a domain name such as `www.example.com`");
text_rule!(
    /// Elastic Load Balancing takes at most 1,024 characters.
    HealthCheckPath,
    |text| text.starts_with('/') && text.len() <= 1024 && text.chars().all(|c| c.is_ascii_graphic()),
    "must be a path that starts with `/`, without spaces"
);
text_rule!(
    InstanceClass,
    |text| {
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() == 3 && parts[0] == "db" && parts.iter().all(|part| is_word(part))
    },
    "must be an instance class such as `db.t4g.micro`"
);
text_rule!(
    /// A snapshot of a database, by name or, where another account shares it, by ARN.
    SnapshotId,
    |text| {
        let name = text.rsplit(':').next().unwrap_or_default();
        let words = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && words(name) && name.len() <= 255;
        is_name && (text == name || is_arn(text, &["rds"]) && text.contains(":snapshot:"))
    },
    "must be the name or the ARN of a DB snapshot"
);
text_rule!(
    /// A package or one of its binaries, as cargo names them.
    CargoName,
    |text| {
        text.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    },
    "must be a name of letters, digits, `-` and `_` that does not start with a digit"
);
text_rule!(
    /// A file or folder, from the project's folder.
    FolderPath,
    |text| !text.is_empty() && !text.starts_with(['/', '~']) && text.chars().all(|c| !c.is_control()),
    "must be a path from the project's folder"
);
text_rule!(
    /// An output of a stack (CloudFormation: logical names are alphanumeric).
    OutputName,
    |text| !text.is_empty() && text.len() <= 255 && text.chars().all(|c| c.is_ascii_alphanumeric()),
    "must be the name of an output, of letters and digits"
);
text_rule!(
    /// A stage of a Dockerfile, by name or number.
    StageName,
    |text| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    },
    "must be the name of a stage"
);
text_rule!(
    /// A name in a process's environment.
    VariableName,
    |text| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    },
    "must be a variable name of letters, digits and underscores"
);
text_rule!(
    /// The name of a template in infra/stacks, without its ending.
    StackShortName,
    is_name,
    "must be the name of a stack such as `load-balancer`"
);

/// What AWS takes in a tag (CloudFormation API, Tag; tag restrictions of Resource Groups).
fn is_of_a_tag(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c))
}

text_rule!(
    /// The key of a tag of the user's own.
    TagKey,
    |text| {
        (1..=128).contains(&text.chars().count())
            && is_of_a_tag(text)
            && !text.starts_with("aws:")
            && !text.starts_with("seatrial:")
    },
    "must be at most 128 letters, digits, spaces and `_.:/=+-@`, and not begin with `aws:` or `seatrial:`"
);
text_rule!(
    TagValue,
    |text| text.chars().count() <= 256 && is_of_a_tag(text),
    "must be at most 256 letters, digits, spaces and `_.:/=+-@`"
);
text_rule!(
    /// A line for the shell.
    ShellCommand,
    |text| !text.trim().is_empty(),
    "must be a command"
);

/// What is put in the place of the image's command, word by word.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct CommandWords(Vec<String>);

/// It becomes a stack parameter and a variable of a build.
const LONGEST_COMMAND: usize = 1024;

impl TryFrom<Vec<String>> for CommandWords {
    type Error = &'static str;

    fn try_from(words: Vec<String>) -> Result<Self, Self::Error> {
        let length: usize = words.iter().map(String::len).sum();
        let readable =
            |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        match !words.is_empty() && length <= LONGEST_COMMAND && words.iter().all(readable) {
            true => Ok(Self(words)),
            false => Err(
                "must be a list of words of printable ASCII, such as `[migrate]`, at most 1,024 characters",
            ),
        }
    }
}

impl From<CommandWords> for Vec<String> {
    fn from(CommandWords(words): CommandWords) -> Self {
        words
    }
}

impl InstanceClass {
    /// The smallest that runs Postgres.
    pub fn smallest() -> Self {
        Self("db.t4g.micro".to_owned())
    }
}

impl SecretArn {
    /// Whether it is a parameter of SSM.
    pub fn is_parameter(&self) -> bool {
        self.0.split(':').nth(2) == Some("ssm")
    }

    /// The secret itself, without the json-key, stage and version that a container may select.
    pub fn secret(&self) -> String {
        self.0.split(':').take(7).collect::<Vec<_>>().join(":")
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// `[a-z][a-z0-9]*(-[a-z0-9]+)*`
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(is_word)
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let last =
        parts.last().is_some_and(|last| last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_digit()));
    (3..=4).contains(&parts.len()) && last && parts[0].len() == 2 && parts.iter().all(|part| is_word(part))
}

fn is_repository(text: &str) -> bool {
    let part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn is_arn(text: &str, services: &[&str]) -> bool {
    let mut parts = text.splitn(6, ':');
    parts.next() == Some("arn")
        && parts.next().is_some_and(|partition| partition.starts_with("aws"))
        && parts.next().is_some_and(|service| services.contains(&service))
        && parts.nth(2).is_some_and(|resource| !resource.is_empty())
        && text.chars().all(|c| c.is_ascii_graphic())
}

/// A duration of whole minutes, written `5m`, `2h` or `1d`; at most the two days that CodeDeploy waits
/// before it ends the original tasks (AWS: TerminationWaitTimeInMinutes, 2,880).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Minutes(pub u32);

impl TryFrom<String> for Minutes {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const RULE: &str = "must be a duration of whole minutes such as `5m` or `1h`, at most `2d`";
        let unit = match text.chars().last() {
            Some('m') => 1,
            Some('h') => 60,
            Some('d') => 24 * 60,
            _ => return Err(RULE),
        };
        let number = &text[..text.len() - 1];
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let minutes =
            number.parse::<u32>().ok().filter(|_| digits).and_then(|number| number.checked_mul(unit));
        minutes.filter(|minutes| *minutes <= 2880).map(Self).ok_or(RULE)
    }
}

/// The value of a stack parameter; a list becomes the comma-separated form CloudFormation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterValue(pub String);

/// AWS's limit for a parameter's value, in bytes.
const MAXIMUM_PARAMETER_BYTES: usize = 4096;

impl<'de> Deserialize<'de> for ParameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_newtype_struct(AS_WRITTEN, ParameterVisitor)?;
        if value.0.len() > MAXIMUM_PARAMETER_BYTES {
            return Err(de::Error::custom(format!("must have at most {MAXIMUM_PARAMETER_BYTES} bytes")));
        }
        Ok(value)
    }
}

struct ParameterVisitor;

impl<'de> de::Visitor<'de> for ParameterVisitor {
    type Value = ParameterValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<ParameterValue, E> {
        Ok(ParameterValue(value.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<ParameterValue, A::Error> {
        let mut values: Vec<String> = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(ParameterValue(values.join(",")))
    }
}
