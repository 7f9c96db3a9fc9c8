//! How a build gets private sources: everything is fetched first, with the secrets, and compiled without them.

use std::collections::BTreeMap;

use crate::generate::layout::Place;
use crate::{ImageTarget, Kept, Opens, RegistrySecret, is_loopback};

/// The variables of a buildspec, by where their values are kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub secrets_manager: BTreeMap<String, String>,
    pub parameter_store: BTreeMap<String, String>,
}

pub(super) fn named(secrets: &[RegistrySecret]) -> Named {
    let mut named = Named::default();
    for secret in secrets {
        let (list, from) = match &secret.kept {
            Kept::Secret(from) => (&mut named.secrets_manager, from),
            Kept::Parameter(from) => (&mut named.parameter_store, from),
        };
        list.insert(secret.variable(), from.clone());
    }
    named
}

/// What fetches, in the project's folder; empty where nothing is private. The tool's manifest may be of a workspace of its
/// own, or there is none.
pub(super) fn fetch(secrets: &[RegistrySecret], target: ImageTarget, place: &Place) -> String {
    if secrets.is_empty() {
        return String::new();
    }
    let opened: Vec<String> = secrets.iter().map(open).collect();
    let names: Vec<String> = secrets.iter().map(|secret| secret.opens.to_string()).collect();
    let variables: Vec<String> = secrets.iter().map(RegistrySecret::variable).collect();
    let library = match target {
        ImageTarget::Gnu => "gnu",
        ImageTarget::Musl => "musl",
    };
    let arguments = place.cargo_arguments();
    let of_tool = format!("cargo fetch --locked{arguments} $targets");
    // The application's own lock file, where the tool has another, or none.
    let fetched = match (place.installed.is_some(), arguments.is_empty()) {
        (true, _) => OF_APPLICATION.to_owned(),
        (false, true) => of_tool,
        (false, false) => format!("{of_tool} && {OF_APPLICATION}"),
    };
    let values = [
        ("@OPENED@", opened.join("\n")),
        ("@FETCHED@", fetched),
        ("@LIBRARY@", library.to_owned()),
        ("@NAMES@", names.join(", ")),
        ("@VARIABLES@", variables.join(" ")),
    ];
    values.iter().fold(FETCH.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn open(secret: &RegistrySecret) -> String {
    let variable = secret.variable();
    match &secret.opens {
        Opens::Registry(name) => {
            // Without one that is named cargo asks no registry that wants a token (The Cargo Book, Registry
            // Authentication).
            let stem = variable.strip_suffix("TOKEN").unwrap_or(&variable);
            let provider = format!("{stem}CREDENTIAL_PROVIDER");
            format!(
                "  if is_real registries.{name} {variable}; then export {provider}=cargo:token; else unset {variable}; fi"
            )
        }
        Opens::GitHost(host) => {
            let name = host.split(':').next().unwrap_or(host);
            let scheme = if is_loopback(name) { "http" } else { "https" };
            format!("  ! is_real {host} {variable} || open_host {scheme}://{host} {variable}")
        }
    }
}

/// In a shell of its own, so that neither a build script nor a command of the project's sees what opens private sources.
/// git asks the helper, which finds the secret in the environment: it is in no argument and in no file.
const FETCH: &str = r#"
# Private sources are fetched first: whatever is compiled or run later has the sources, and not what opens them.
(
  export CARGO_NET_GIT_FETCH_WITH_CLI=true GIT_TERMINAL_PROMPT=0
  # A rehearsal's stand-in opens nothing: there this machine's own keys are used.
  is_real() {
    [ "${!2#stand-in for }" != "${!2}" ] || return 0
    echo "the secret of $1 is a stand-in: this machine's own keys are used"
    return 1
  }
  configure() {
    export "GIT_CONFIG_KEY_${GIT_CONFIG_COUNT:-0}=$1" "GIT_CONFIG_VALUE_${GIT_CONFIG_COUNT:-0}=$2"
    export GIT_CONFIG_COUNT=$((${GIT_CONFIG_COUNT:-0} + 1))
  }
  # The secret is `TOKEN` or `USER:TOKEN`. Other helpers are not asked, and so are not told what to keep.
  open_host() {
    configure "credential.$1.helper" ""
    configure "credential.$1.helper" '!answer() { [ "$1" = get ] || return 0; case "$'$2'" in *:*) user="${'$2'%%:*}" ;;
      *) user=x-access-token ;; esac; printf "username=%s\npassword=%s\n" "$user" "${'$2'#*:}"; }; answer'
    configure "url.$1/.insteadOf" "ssh://git@${1#*://}/"
  }
@OPENED@
  targets="--target $(uname -m)-unknown-linux-@LIBRARY@ --target $(rustc --version --verbose | sed -n 's/^host: //p')"
  @FETCHED@
) || {
  echo "error: the sources were not fetched; image.registry_secrets has what opens @NAMES@" >&2
  exit 1
}
unset @VARIABLES@

"#;

const OF_APPLICATION: &str = "{ [ ! -e Cargo.lock ] || cargo fetch --locked $targets; }";
