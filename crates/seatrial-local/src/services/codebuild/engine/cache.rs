//! The build cache: folders that the next build of the project finds again.
//!
//! Copying a compiler's output takes longer than what it saves, so folders of the source are moved: into the
//! cache when the build ends, back when the next one starts. Folders outside the source need nothing: the
//! build runs on this machine, and they are still there.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The folder a cache path of a buildspec is about, from the source's root: `target` of `target/**/*`.
/// `None`: outside the source, or the whole of it.
fn folder_of(pattern: &str) -> Option<PathBuf> {
    let fixed: PathBuf = Path::new(pattern).components().take_while(|part| !is_pattern(part)).collect();
    let inside = fixed.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let named = fixed.components().any(|part| matches!(part, Component::Normal(_)));
    (inside && named).then_some(fixed)
}

fn is_pattern(part: &Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains(['*', '?', '['])
}

/// Moves what the cache holds into the source, except where the source has that path itself. Answers how many
/// paths were restored.
pub(super) fn restore(cache: &Path, source: &Path, patterns: &[String]) -> usize {
    move_all(cache, source, patterns, false)
}

/// Moves the paths into the cache, in place of what it held. Answers how many paths were saved.
pub(super) fn save(cache: &Path, source: &Path, patterns: &[String]) -> usize {
    move_all(source, cache, patterns, true)
}

fn move_all(from: &Path, to: &Path, patterns: &[String], replace: bool) -> usize {
    let mut moved = 0;
    for folder in patterns.iter().filter_map(|pattern| folder_of(pattern)) {
        match move_one(&from.join(&folder), &to.join(&folder), replace) {
            Ok(true) => moved += 1,
            Ok(false) => {}
            Err(error) => tracing::warn!(folder = %folder.display(), %error, "a cache path was not moved"),
        }
    }
    moved
}

fn move_one(from: &Path, to: &Path, replace: bool) -> std::io::Result<bool> {
    if !from.exists() || (to.exists() && !replace) {
        return Ok(false);
    }
    if to.is_dir() {
        fs::remove_dir_all(to)?;
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(from, to)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_folder_comes_back_and_the_source_wins() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, first, second) = (dir.path().join("cache"), dir.path().join("1"), dir.path().join("2"));
        let patterns = ["target/**/*".to_owned(), "own/**/*".to_owned(), "/var/**/*".to_owned()];
        for folder in ["target", "own"] {
            fs::create_dir_all(first.join(folder)).unwrap();
            fs::write(first.join(folder).join("file"), "first").unwrap();
        }
        fs::create_dir_all(second.join("own")).unwrap();

        assert_eq!(save(&cache, &first, &patterns), 2);
        assert_eq!(restore(&cache, &second, &patterns), 1);

        assert_eq!(fs::read_to_string(second.join("target/file")).unwrap(), "first");
        assert!(!second.join("own/file").exists());
    }
}
