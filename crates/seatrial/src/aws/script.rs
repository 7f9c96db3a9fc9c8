//! What CodeBuild says of a failed command: it repeats the whole of it, and a command may be a script of many lines.

const BEGIN: &str = "Error while executing command: ";
const END: &str = ". Reason: ";

/// The same words with the script's first line for the script.
pub(super) fn shortened(words: String) -> String {
    let parts = words.split_once(BEGIN).and_then(|(before, rest)| {
        let (command, reason) = rest.rsplit_once(END)?;
        let (first, _) = command.trim().split_once('\n')?;
        Some(format!("{before}{BEGIN}{} …{END}{reason}", first.trim_end()))
    });
    parts.unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_script_the_first_line_is_told_and_the_reason() {
        let words = |command: &str| format!("COMMAND_EXECUTION_ERROR: {BEGIN}{command}{END}exit status 1");
        assert_eq!(shortened(words("set -e\ncargo build\nexit 1")), words("set -e …"));
        for whole in [words("cargo build"), "no such words".to_owned()] {
            assert_eq!(shortened(whole.clone()), whole);
        }
    }
}
