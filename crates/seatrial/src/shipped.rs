//! What the program brings for a project that is to use it: the templates, and the versions that it was tested with.

/// The templates of the stacks by their files' names, in `infra/stacks/` and in `infra/.seatrial/stacks/`.
pub(crate) const STACKS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/stacks.rs"));

/// The lock file that the program's own tests ran with. cargo keeps of it what a project needs.
pub(crate) const LOCK: &str = include_str!("../lock");

/// Where a project keeps the templates as they were brought, so that its own edits can be told from what is new.
pub(crate) const ORIGINALS: &str = "infra/.seatrial";

/// The folder of original templates, from the project's folder.
pub(crate) fn original(name: &str) -> String {
    format!("{ORIGINALS}/stacks/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_brings_the_stacks_of_this_repository() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/stacks");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(STACKS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), files);
        for (name, text) in STACKS {
            assert_eq!(*text, std::fs::read_to_string(format!("{folder}/{name}")).unwrap(), "{name}");
        }
    }
}
