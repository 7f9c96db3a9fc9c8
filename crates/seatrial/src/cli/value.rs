//! How values are read that have a form of their own.

use std::path::PathBuf;
use std::time::Duration;

pub(super) fn revision(typed: &str) -> Result<String, String> {
    // An option of git's must not come in by the name of a commit.
    let plain = !typed.is_empty() && !typed.starts_with('-') && !typed.contains(char::is_whitespace);
    if plain { Ok(typed.to_owned()) } else { Err("must be a commit, a branch or a tag".to_owned()) }
}

pub(super) fn duration(typed: &str) -> Result<Duration, String> {
    let rule = || "must be a duration such as `30m`, `2h` or `1h 30m`".to_owned();
    let parsed = typed.parse::<jiff::SignedDuration>().map_err(|_| rule())?;
    Duration::try_from(parsed).ok().filter(|duration| !duration.is_zero()).ok_or_else(rule)
}

pub(super) fn svg_file(typed: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(typed);
    match path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg")) {
        true => Ok(path),
        false => Err("the file's name must end in `.svg`".to_owned()),
    }
}

pub(super) fn at_least_one(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|error| error.to_string())?;
    if number.is_finite() && number >= 1.0 { Ok(number) } else { Err("must be at least 1".to_owned()) }
}

/// Goes into a name of AWS's: nothing else than letters, digits and hyphens.
pub(super) fn task(typed: &str) -> Result<String, String> {
    let id = typed.rsplit('/').next().unwrap_or_default();
    let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain {
        Ok(id.to_owned())
    } else {
        Err("must be a task's id, the beginning of one, or its ARN".to_owned())
    }
}

/// A name of cargo's: of a package, a folder, an alias.
pub(super) fn word(typed: &str) -> Result<String, String> {
    let plain = typed.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    match plain && typed.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => Ok(typed.to_owned()),
        false => Err("must be a word of letters, digits, `-` and `_`".to_owned()),
    }
}
