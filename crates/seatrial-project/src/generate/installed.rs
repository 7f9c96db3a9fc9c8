//! A project without an `xtask`: its commands are those of the installed `cargo seatrial`, and its builds install what they
//! need of the same commit.

use std::fmt::Write as _;
use std::io;

/// The file that says so, from the project's folder.
pub const INSTALLED: &str = "infra/.seatrial/installed.toml";

/// Where the tool is installed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// A git repository, as cargo takes its URL.
    pub url: String,
    /// A commit of it.
    pub revision: String,
}

impl Installed {
    /// `None` where one of the two is no word that a command line can take as it is.
    pub fn new(url: &str, revision: &str) -> Option<Self> {
        let is_hex = |c: char| c.is_ascii_hexdigit();
        let is_commit = (7..=64).contains(&revision.len()) && revision.chars().all(is_hex);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?@%+=&,".contains(c);
        let is_url = !url.is_empty() && !url.starts_with('-') && url.chars().all(is_plain);
        (is_url && is_commit).then(|| Self { url: url.to_owned(), revision: revision.to_owned() })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# This project has no `xtask`: it uses the installed `cargo seatrial`, and its builds install this commit of\n\
             # Seatrial. `cargo seatrial update` sets it to that of the program that runs it.\n",
        );
        // Formatting a string never fails.
        let _ = write!(text, "git = \"{}\"\nrev = \"{}\"\n", self.url, self.revision);
        text
    }

    /// Of the file's text.
    ///
    /// # Errors
    /// One that says something else.
    pub(super) fn parse(text: &str) -> io::Result<Self> {
        let value = |key: &str| {
            text.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == key).then(|| value.trim().trim_matches('"'))
            })
        };
        let found = value("git").zip(value("rev")).and_then(|(url, revision)| Self::new(url, revision));
        found.ok_or_else(|| {
            let rule = "must say `git = \"URL\"` and `rev = \"COMMIT\"`, the commit in at least 7 hexadecimal digits";
            io::Error::new(io::ErrorKind::InvalidData, format!("`{INSTALLED}` {rule}"))
        })
    }

    /// What `cargo install` is told to find a package of it.
    pub(super) fn arguments(&self) -> String {
        format!("--locked --git '{}' --rev {}", self.url, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_back_and_takes_nothing_that_a_shell_would_read() {
        let installed = Installed::new("https://example.com/o/n.git", "0123456789abcdef").unwrap();
        assert_eq!(Installed::parse(&installed.text()).unwrap(), installed);
        for (url, revision) in [
            ("https://example.com/$(id)", "0123456"),
            ("https://example.com/'", "0123456"),
            ("-upload", "0123456"),
            ("https://example.com/o/n", "main"),
            ("https://example.com/o/n", "012345"),
            ("", "0123456"),
        ] {
            assert_eq!(Installed::new(url, revision), None, "{url} {revision}");
            let text = format!("git = \"{url}\"\nrev = \"{revision}\"\n");
            assert!(Installed::parse(&text).unwrap_err().to_string().contains(INSTALLED), "{text}");
        }
    }
}
