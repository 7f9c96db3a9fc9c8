//! What can be read of a Dockerfile without following it.

use std::path::Path;

use parse_dockerfile::{Dockerfile, Flag, Instruction, Source};

/// The images that it begins from and that name no registry, or Docker Hub; those that only a build argument names are not
/// among them.
///
/// # Errors
/// The parser's words, where it is no Dockerfile.
pub(crate) fn images_of_docker_hub(text: &str) -> Result<Vec<String>, String> {
    let dockerfile = parse_dockerfile::parse(text).map_err(|error| error.to_string())?;
    let mut stages = vec!["scratch".to_owned()];
    let mut found = Vec::new();
    for instruction in &dockerfile.instructions {
        let Instruction::From(from) = instruction else { continue };
        let image = &*from.image.value;
        let registry = image.split_once('/').map_or("", |(first, _)| first);
        let is_named = registry.contains(['.', ':']) || registry == "localhost";
        let is_hub = !is_named || registry == "docker.io";
        if is_hub && !image.contains('$') && !stages.iter().any(|stage| stage.eq_ignore_ascii_case(image)) {
            found.push(image.to_owned());
        }
        stages.extend(from.as_.as_ref().map(|(_, name)| name.value.clone().into_owned()));
    }
    Ok(found)
}

/// The first port that its last stage exposes.
pub(crate) fn exposed_port(text: &str) -> Option<u16> {
    let dockerfile = parse_dockerfile::parse(text).ok()?;
    let last = dockerfile.instructions.iter().rposition(|one| matches!(one, Instruction::From(_)))?;
    let mut ports = dockerfile.instructions[last..].iter().filter_map(|one| match one {
        Instruction::Expose(expose) => expose.arguments.first()?.value.split('/').next()?.parse().ok(),
        _ => None,
    });
    ports.next()
}

/// The folder, from `root`, that the Dockerfile `file` copies from: its own, where everything it copies is there and not
/// all of it is in `root`.
pub(crate) fn context(root: &Path, file: &str, text: &str) -> String {
    const TOP: &str = ".";
    let folder = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty());
    let (Some(folder), Ok(dockerfile)) = (folder, parse_dockerfile::parse(text)) else {
        return TOP.to_owned();
    };
    let copied = copied(&dockerfile);
    let all_in = |folder: &Path| copied.iter().all(|path| folder.join(path).exists());
    match all_in(&root.join(folder)) && !all_in(root) {
        true => folder.display().to_string(),
        false => TOP.to_owned(),
    }
}

/// Paths of the context that it copies by name: no patterns, no addresses.
fn copied(dockerfile: &Dockerfile<'_>) -> Vec<String> {
    let from_elsewhere = |options: &[Flag<'_>]| options.iter().any(|option| option.name.value == "from");
    let copies = dockerfile.instructions.iter().filter_map(|one| match one {
        Instruction::Copy(copy) if !from_elsewhere(&copy.options) => Some(&copy.src),
        Instruction::Add(add) => Some(&add.src),
        _ => None,
    });
    let paths = copies.flatten().filter_map(|source| match source {
        Source::Path(path) => Some(path.value.trim_start_matches('/').to_owned()),
        _ => None,
    });
    paths.filter(|path| !path.contains(['*', '?', '[', '$', ':'])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_images_of_docker_hub_are_named_and_stages_and_other_registries_are_not() {
        let dockerfile = "# FROM comment\nARG V=1\nFROM --platform=linux/amd64 node:22 AS Build\nFROM build\nfrom scratch\n\
                          FROM public.ecr.aws/docker/library/python:3.13\nFROM localhost:5000/a\nFROM docker.io/b/c\n\
                          FROM ${BASE}\nFROM \\\n  team/base as last\nRUN <<END\nFROM here\nEND\n";
        assert_eq!(images_of_docker_hub(dockerfile).unwrap(), ["node:22", "docker.io/b/c", "team/base"]);
        assert!(images_of_docker_hub("no instruction\n").is_err());
    }

    #[test]
    fn the_port_is_the_first_one_of_the_last_stage() {
        let port = exposed_port("FROM a\nEXPOSE 1\nFROM b\nEXPOSE 8000/tcp 9000\nEXPOSE 3\n");
        assert_eq!(port, Some(8000));
        assert_eq!(exposed_port("FROM a\nEXPOSE $PORT\n"), None);
        assert_eq!(exposed_port("FROM a\n"), None);
    }

    #[test]
    fn the_context_is_where_what_is_copied_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("web/src")).unwrap();
        std::fs::write(dir.path().join("web/page.html"), "").unwrap();
        std::fs::write(dir.path().join("shared"), "").unwrap();
        let context = |text: &str| context(dir.path(), "web/Dockerfile", text);
        assert_eq!(context("FROM a\nCOPY src page.html /app/\n"), "web");
        assert_eq!(context("FROM a\nCOPY web/src shared /app/\n"), ".");
        // Both would do: as `docker build .` at the top.
        assert_eq!(context("FROM a\nCOPY . /app\n"), ".");
        assert_eq!(context("FROM a\nCOPY --from=b /x /app\n"), ".");
        assert_eq!(super::context(dir.path(), "Dockerfile", "FROM a\nCOPY web /app\n"), ".");
    }
}
