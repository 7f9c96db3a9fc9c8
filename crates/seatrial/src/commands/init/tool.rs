//! The project's `xtask`: where it goes, what it is made of, and how it is typed.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use seatrial_project::generate::{INSTALLED, Installed, Layout, Place};
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::ground::Ground;
use super::planned::{Edit, Planned};
use crate::cli::{Dependency, InitArgs};
use crate::commands::installed;
use crate::exit::Refused;

/// What the tool is usually called, its folder and its alias.
const USUAL: &str = "xtask";
const ROOT: &str = "Cargo.toml";
/// cargo reads the file without an ending first, where both are there.
const CONFIGS: [&str; 2] = [".cargo/config", ".cargo/config.toml"];
/// What the tool's crates are compiled by. cargo takes profiles from the root of a workspace alone.
const PROFILES: &str = include_str!("profiles.toml");

/// The tool of a project.
pub(super) struct Tool {
    pub place: Place,
    /// `init` makes its folder; else somebody has, and it stays as it is.
    pub is_made: bool,
}

impl Tool {
    /// The one of a new folder: a member of the application's workspace.
    ///
    /// # Errors
    /// Refused where it is to be the installed one and nobody knows where that is from.
    pub(super) fn of_new_folder(args: &InitArgs) -> anyhow::Result<Self> {
        if args.installed {
            return Ok(Self { place: installed_from(args)?.into(), is_made: false });
        }
        let folder = args.alias.clone().unwrap_or_else(|| USUAL.to_owned());
        Ok(Self { place: Place { folder, ..Layout::Member.into() }, is_made: true })
    }

    /// The one of a folder that has something: the tool that is there, else one that is a workspace of its own.
    ///
    /// # Errors
    /// Refused where a name is taken that was asked for.
    pub(super) fn of_folder(ground: &Ground, args: &InitArgs) -> anyhow::Result<Self> {
        let found = match ground.root.is_dir() {
            true => Place::find(&ground.root).context("failed to look for the project's xtask")?,
            false => Layout::Member.into(),
        };
        if found.installed.is_some() {
            return Ok(Self { place: found, is_made: false });
        }
        let has_folder = |name: &str| ground.root.join(name).exists();
        let manifest = ground.read(&format!("{}/{ROOT}", found.folder))?;
        if manifest.is_some_and(|manifest| is_tool(&manifest)) {
            if args.installed {
                let has = format!("the project has Seatrial in `{}` already", found.folder);
                return Err(Refused::new(has).hint("leave `--installed` out").into());
            }
            return Ok(Self { place: found, is_made: false });
        }
        if args.installed {
            return Ok(Self { place: installed_from(args)?.into(), is_made: false });
        }
        let folder = args.alias.clone().unwrap_or_else(|| USUAL.to_owned());
        if args.alias.is_some() && (has_folder(&folder) || alias(ground, &folder)?.is_some()) {
            let taken = format!("`{folder}` is taken: a folder or an alias of cargo's has that name already");
            return Err(Refused::new(taken).hint("take another: `--alias NAME`").into());
        }
        // An xtask of somebody's own is left alone.
        if has_folder(&folder) || alias(ground, &folder)?.is_some() {
            return Ok(Self { place: found, is_made: false });
        }
        let place = Place { folder, names_target: found.names_target, ..Layout::OwnWorkspace.into() };
        Ok(Self { place, is_made: true })
    }

    /// How commands begin.
    pub(super) fn program(&self) -> String {
        format!("cargo {}", self.place.folder)
    }

    /// The lock file by which the project compiles it.
    pub(super) fn lock(&self) -> Option<String> {
        match (&self.place.installed, self.place.layout) {
            (Some(_), _) => None,
            (None, Layout::Member) => Some("Cargo.lock".to_owned()),
            (None, Layout::OwnWorkspace) => Some(format!("{}/Cargo.lock", self.place.folder)),
        }
    }

    /// Adds its files, and what others must say of it.
    ///
    /// # Errors
    /// Refused where nobody said what the tool is made of, or where a file that is to be edited is no TOML.
    pub(super) fn plan(&self, ground: &Ground, args: &InitArgs, planned: &mut Planned) -> anyhow::Result<()> {
        if let Some(installed) = &self.place.installed {
            planned.file(INSTALLED, installed.text());
            return Ok(());
        }
        let folder = &self.place.folder;
        if self.is_made {
            let source = source(ground, args, folder)?;
            planned.file(format!("{folder}/{ROOT}"), self.manifest(&source));
            planned.file(format!("{folder}/src/main.rs"), self.main());
        }
        let is_tool = self.is_made
            || ground.read(&format!("{folder}/{ROOT}"))?.is_some_and(|manifest| is_tool(&manifest));
        if !is_tool {
            planned.by_hand.push(by_hand(ground, args, folder)?);
            return Ok(());
        }
        if self.place.layout == Layout::OwnWorkspace {
            planned.edits.extend(excluded(ground, folder)?);
        }
        self.plan_alias(ground, planned)
    }

    fn plan_alias(&self, ground: &Ground, planned: &mut Planned) -> anyhow::Result<()> {
        let folder = &self.place.folder;
        let target = if self.place.names_target { " --target host-tuple" } else { "" };
        let words = match self.place.layout {
            Layout::Member => format!("run --package {folder} --"),
            Layout::OwnWorkspace => {
                format!("run --manifest-path {folder}/{ROOT}{target} --target-dir target/{folder} --")
            }
        };
        let (file, config) = config(ground)?;
        let made = format!("[alias]\n{folder} = \"{words}\"\n");
        let Some(text) = config.filter(|text| *text != made) else {
            planned.file(file, made);
            return Ok(());
        };
        let mut config = parse(&file, &text)?;
        let aliases = config.entry("alias").or_insert(Item::Table(Table::new()));
        let aliases = aliases.as_table_like_mut().ok_or_else(|| no_table(&file, "alias"))?;
        if !aliases.contains_key(folder) {
            aliases.insert(folder, value(words));
            planned.edits.push(Edit {
                file,
                text: config.to_string(),
                what: format!("the alias `{folder}`"),
            });
        }
        Ok(())
    }

    fn manifest(&self, source: &str) -> String {
        let folder = &self.place.folder;
        let rust_version = env!("CARGO_PKG_RUST_VERSION");
        let package = format!(
            "[package]\nname = \"{folder}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"{rust_version}\"\n\
             publish = false\n\n[dependencies]\nseatrial = {{ {source} }}\n"
        );
        match self.place.layout {
            Layout::Member => package,
            Layout::OwnWorkspace => format!(
                "{package}\n# A workspace of its own: no version or feature of the application's changes for it.\n[workspace]\n\n\
                 {PROFILES}"
            ),
        }
    }

    fn main(&self) -> String {
        let folder = &self.place.folder;
        let tool = match folder.as_str() {
            USUAL => "seatrial::main()".to_owned(),
            _ => format!("seatrial::Tool::new().called(\"cargo {folder}\").main()"),
        };
        format!(
            "//! `cargo {folder}`: Seatrial. Commands and checks of your own are added to a `seatrial::Tool`.\n\n\
             fn main() -> std::process::ExitCode {{\n    {tool}\n}}\n"
        )
    }
}

/// The manifest of a new folder's workspace.
pub(super) fn workspace_of_new_folder(tool: &Tool) -> String {
    let (member, profiles) = match &tool.place.installed {
        Some(_) => (String::new(), String::new()),
        None => (format!(", \"{}\"", tool.place.folder), format!("{PROFILES}\n")),
    };
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"app\"{member}]\n\n{profiles}\
         # What goes into the image.\n[profile.image]\ninherits = \"release\"\nopt-level = 2\nstrip = true\n"
    )
}

/// Whether a manifest is that of a package with this tool.
fn is_tool(manifest: &str) -> bool {
    let parsed = manifest.parse::<DocumentMut>().ok();
    parsed
        .is_some_and(|manifest| manifest.get("dependencies").is_some_and(|all| all.get("seatrial").is_some()))
}

/// The file of cargo's configuration, and its text if it is there.
fn config(ground: &Ground) -> anyhow::Result<(String, Option<String>)> {
    for file in CONFIGS {
        if let Some(text) = ground.read(file)? {
            return Ok((file.to_owned(), Some(text)));
        }
    }
    Ok((CONFIGS[1].to_owned(), None))
}

/// What cargo runs under a name by this folder's configuration.
fn alias(ground: &Ground, name: &str) -> anyhow::Result<Option<String>> {
    let (file, text) = config(ground)?;
    let Some(text) = text else { return Ok(None) };
    let config = parse(&file, &text)?;
    Ok(config.get("alias").and_then(|all| all.get(name)).map(ToString::to_string))
}

/// Has the root's workspace, if there is one, leave the folder alone: a pattern of its members may take it in.
fn excluded(ground: &Ground, folder: &str) -> anyhow::Result<Option<Edit>> {
    let Some(text) = ground.read(ROOT)? else { return Ok(None) };
    let mut manifest = parse(ROOT, &text)?;
    let Some(workspace) = manifest.get_mut("workspace") else { return Ok(None) };
    let workspace = workspace.as_table_like_mut().ok_or_else(|| no_table(ROOT, "workspace"))?;
    let exclude = workspace.entry("exclude").or_insert(value(Array::new()));
    let exclude = exclude
        .as_array_mut()
        .ok_or_else(|| Refused::new(format!("`workspace.exclude` of `{ROOT}` must be a list")))?;
    if exclude.iter().any(|one| one.as_str() == Some(folder)) {
        return Ok(None);
    }
    exclude.push(folder);
    let what = format!("`{folder}` in `workspace.exclude`");
    Ok(Some(Edit { file: ROOT.to_owned(), text: manifest.to_string(), what }))
}

fn parse(file: &str, text: &str) -> anyhow::Result<DocumentMut> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        Refused::new(format!("`{file}` is no TOML: {}", error.to_string().trim_end())).into()
    })
}

fn no_table(file: &str, name: &str) -> Refused {
    Refused::new(format!("`{name}` of `{file}` must be a table"))
}

/// What the dependency on the tool says, inside its braces.
fn source(ground: &Ground, args: &InitArgs, folder: &str) -> anyhow::Result<String> {
    // As cargo keeps it, else as the package says.
    let own = || match (installed::of_this_program(), env!("CARGO_PKG_REPOSITORY")) {
        (Some(own), _) => Some(own.url),
        (None, "") => None,
        (None, url) => Some(url.to_owned()),
    };
    let published = || own().map(|url| Dependency::Git { url, revision: None });
    match args.dependency.clone().or_else(published) {
        None => {
            let unknown = "where Seatrial comes from is not known to this program";
            Err(Refused::new(unknown).hint("name its repository: `--dependency git:URL`").into())
        }
        Some(Dependency::Git { url, revision: None }) => Ok(format!("git = \"{url}\"")),
        Some(Dependency::Git { url, revision: Some(revision) }) => {
            Ok(format!("git = \"{url}\", rev = \"{revision}\""))
        }
        Some(Dependency::Path(path)) => {
            let path = inside(ground, &path)?;
            let up: PathBuf = Path::new(folder).components().map(|_| Component::ParentDir).collect();
            Ok(format!("path = \"{}\"", up.join(path).display()))
        }
    }
}

/// The repository and the commit of a tool that the project does not compile.
fn installed_from(args: &InitArgs) -> anyhow::Result<Installed> {
    let found = match &args.dependency {
        Some(Dependency::Git { url, revision: Some(revision) }) => Installed::new(url, revision),
        Some(Dependency::Git { url, revision: None }) => {
            installed::of_this_program().filter(|own| own.url == *url)
        }
        Some(Dependency::Path(_)) => None,
        None => installed::of_this_program(),
    };
    found.ok_or_else(|| {
        let unknown = "it is not known which commit the installed Seatrial is of";
        let hint = "install it by `cargo install --locked --git URL seatrial`, or name repository and commit: \
                    `--dependency git:URL#COMMIT`";
        Refused::new(unknown).hint(hint).into()
    })
}

/// The crate in a folder of the repository, from the project's folder.
fn inside(ground: &Ground, path: &Path) -> anyhow::Result<PathBuf> {
    let crates = [path.join("crates/seatrial"), path.to_owned()];
    let Some(found) = crates.into_iter().find(|path| ground.root.join(path).join(ROOT).exists()) else {
        let missing =
            format!("`{}` of `{}` is no folder of Seatrial's", path.display(), ground.root.display());
        return Err(Refused::new(missing)
            .hint("`--dependency path:FOLDER` is from the project's folder")
            .into());
    };
    let top = ground.git.as_ref().map_or(ground.root.as_path(), |git| git.top());
    let real =
        ground.root.join(&found).canonicalize().context("failed to follow the path of --dependency")?;
    match real.starts_with(top.canonicalize().unwrap_or_else(|_| top.to_owned())) && path.is_relative() {
        true => Ok(found),
        false => {
            let outside = format!(
                "`{}` is outside of the repository, which is all that a build on AWS gets",
                path.display()
            );
            Err(Refused::new(outside).hint("`--dependency git:URL` names a repository").into())
        }
    }
}

/// What the owner of an xtask does himself: his code is his.
fn by_hand(ground: &Ground, args: &InitArgs, folder: &str) -> anyhow::Result<String> {
    let source = source(ground, args, folder).unwrap_or_else(|_| "git = \"URL\"".to_owned());
    Ok(format!(
        "`{folder}` is the project's own and stays as it is. Add to `{folder}/{ROOT}`:\n\n    \
         [dependencies]\n    seatrial = {{ {source} }}\n\nand hand over in `main` what is not yours, as\n\n    \
         _ => seatrial::Tool::new().run(std::env::args_os()),\n\nor have Seatrial beside it: `--alias NAME`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_is_compiled_by_the_profiles_of_this_repository() {
        let own = include_str!("../../../../../Cargo.toml").parse::<DocumentMut>().unwrap();
        let brought = PROFILES.parse::<DocumentMut>().unwrap();
        let dev = |manifest: &DocumentMut| {
            let lines = manifest["profile"]["dev"].to_string();
            lines.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(dev(&brought), dev(&own));
    }
}
