//! Settings from the environment. An empty variable counts as unset.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Several people behind one address, or a load test that sends two forms a second, are not held up.
const POSTS_PER_MINUTE: NonZeroU32 = match NonZeroU32::new(300) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

/// Everything the environment decides. Not `Debug`: the database options hold a password.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where `/metrics` is served, on 127.0.0.1 only: a collector runs beside the application, in the same task. 0 is
    /// any free port; without it nothing is collected.
    pub(crate) metrics_port: Option<u16>,
    /// How many forms one client address may send each task.
    pub(crate) posts_per_minute: NonZeroU32,
    /// The commit the image was built from; the image sets it.
    pub(crate) commit: Option<String>,
    /// Base address of the ECS task metadata endpoint, version 4.
    pub(crate) metadata_uri: Option<String>,
    /// The task's id where there is no metadata endpoint.
    pub(crate) task: Option<String>,
    pub(crate) database: Option<PgConnectOptions>,
    /// Whether each task brings the schema in step when it starts; not where `app migrate` does it before.
    pub(crate) migrates_at_start: bool,
    /// How long the listener waits for the first database connection, so that a healthy start serves no
    /// "not yet" page. It opens without the database after that.
    pub(crate) startup_grace: Duration,
    /// Time between turning unready and closing the listener.
    pub(crate) drain_delay: Duration,
    /// Longest wait for requests in flight; must stay below the task's `stopTimeout`.
    pub(crate) stop_timeout: Duration,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("environment variable `{name}` must be {expected}, found `{found}`")]
    Invalid { name: &'static str, expected: &'static str, found: String },
    // The value holds a password, and a parser's message may quote it: neither is repeated.
    #[error("environment variable `DATABASE_URL` must be a postgres:// address")]
    DatabaseUrl,
}

impl Config {
    /// Reads the process's environment.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name| lookup(name).filter(|value| !value.is_empty());
        Ok(Self {
            host: get("HOST").unwrap_or_else(|| "0.0.0.0".to_owned()),
            port: number(get, "PORT", 4000)?,
            metrics_port: get("METRICS_PORT").map(|_| number(get, "METRICS_PORT", 0)).transpose()?,
            posts_per_minute: number(get, "POSTS_PER_MINUTE", POSTS_PER_MINUTE)?,
            commit: get("APP_COMMIT"),
            metadata_uri: get("ECS_CONTAINER_METADATA_URI_V4"),
            task: get("TASK_ID").or_else(|| get("HOSTNAME")),
            database: database(get)?,
            migrates_at_start: flag(get, "MIGRATE_AT_START", true)?,
            startup_grace: Duration::from_millis(number(get, "STARTUP_GRACE_MS", 3_000)?),
            drain_delay: Duration::from_millis(number(get, "DRAIN_DELAY_MS", 500)?),
            stop_timeout: Duration::from_millis(number(get, "STOP_TIMEOUT_MS", 20_000)?),
        })
    }
}

fn number<T: FromStr>(
    get: impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    default: T,
) -> Result<T, ConfigError> {
    match get(name) {
        None => Ok(default),
        Some(found) => found.parse().map_err(|_| ConfigError::Invalid {
            name,
            expected: "a whole number in range",
            found,
        }),
    }
}

fn flag(
    get: impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    default: bool,
) -> Result<bool, ConfigError> {
    match get(name) {
        None => Ok(default),
        Some(found) => {
            found.parse().map_err(|_| ConfigError::Invalid { name, expected: "`true` or `false`", found })
        }
    }
}

/// `DATABASE_URL` wins over the `DB_*` variables; without `DATABASE_URL` and `DB_HOST` there is no database.
fn database(get: impl Fn(&'static str) -> Option<String>) -> Result<Option<PgConnectOptions>, ConfigError> {
    let options = if let Some(url) = get("DATABASE_URL") {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConfigError::DatabaseUrl);
        }
        PgConnectOptions::from_str(&url).map_err(|_| ConfigError::DatabaseUrl)?
    } else if let Some(host) = get("DB_HOST") {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&host)
            .port(number(&get, "DB_PORT", 5432)?)
            .database(&get("DB_NAME").unwrap_or_else(|| "app".to_owned()))
            .username(&get("DB_USER").unwrap_or_else(|| "app".to_owned()));
        match get("DB_PASSWORD") {
            Some(password) => options.password(&password),
            None => options,
        }
    } else {
        return Ok(None);
    };
    Ok(Some(with_tls(options, get("DB_CA_BUNDLE")).application_name("app")))
}

/// Plain on loopback, encrypted elsewhere, verified against `bundle` where one is given. A stricter mode asked
/// for in `DATABASE_URL` stays.
///
/// RDS certificates are signed by Amazon's own authority, so public roots would prove nothing: the image has none.
fn with_tls(options: PgConnectOptions, bundle: Option<String>) -> PgConnectOptions {
    if let Some(bundle) = bundle {
        return options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(bundle);
    }
    match options.get_ssl_mode() {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => options,
        _ if is_local(&options) => options.ssl_mode(PgSslMode::Disable),
        _ => options.ssl_mode(PgSslMode::Require),
    }
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn ssl_mode(variables: &[(&str, &str)]) -> PgSslMode {
        config(variables).ok().unwrap().database.unwrap().get_ssl_mode()
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let config = config(&[("PORT", ""), ("HOST", "")]).ok().unwrap();
        assert_eq!((config.host.as_str(), config.port), ("0.0.0.0", 4000));
        assert_eq!((config.metrics_port, config.posts_per_minute.get()), (None, 300));
        assert!(config.database.is_none());
    }

    #[test]
    fn a_number_out_of_range_is_refused_by_name() {
        for (name, found) in
            [("PORT", "70000"), ("METRICS_PORT", "70000"), ("METRICS_PORT", "off"), ("POSTS_PER_MINUTE", "0")]
        {
            let error = config(&[(name, found)]).err().unwrap();
            assert_eq!(
                error.to_string(),
                format!("environment variable `{name}` must be a whole number in range, found `{found}`")
            );
        }
    }

    #[test]
    fn a_bad_database_url_is_refused_without_repeating_it() {
        for url in ["mysql://u:hunter2@db/x", "postgres://u:hunter2@db:port/x"] {
            let error = anyhow::Error::from(config(&[("DATABASE_URL", url)]).err().unwrap());
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
    }

    #[test]
    fn single_variables_describe_the_database() {
        let config =
            config(&[("DB_HOST", "db.internal"), ("DB_PORT", "6000"), ("DB_NAME", "log"), ("DB_USER", "u")]);
        let options = config.ok().unwrap().database.unwrap();
        assert_eq!((options.get_host(), options.get_port()), ("db.internal", 6000));
        assert_eq!((options.get_database(), options.get_username()), (Some("log"), "u"));
    }

    #[test]
    fn tls_is_off_on_loopback_and_on_elsewhere() {
        assert!(matches!(ssl_mode(&[("DB_HOST", "127.0.0.1")]), PgSslMode::Disable));
        assert!(matches!(ssl_mode(&[("DATABASE_URL", "postgres://u@[::1]/x")]), PgSslMode::Disable));
        assert!(matches!(ssl_mode(&[("DB_HOST", "db.internal")]), PgSslMode::Require));
        assert!(matches!(
            ssl_mode(&[("DATABASE_URL", "postgres://u@db/x?sslmode=disable")]),
            PgSslMode::Require
        ));
    }

    #[test]
    fn a_bundle_turns_verification_on() {
        let mode = ssl_mode(&[("DB_HOST", "db.internal"), ("DB_CA_BUNDLE", "/etc/ca.pem")]);
        assert!(matches!(mode, PgSslMode::VerifyFull));
    }
}
