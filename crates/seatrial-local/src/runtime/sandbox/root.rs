//! What a container sees as `/`: its image, which it may change for itself alone, with the file systems that every
//! container has.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::statvfs;
use nix::unistd::{chdir, pivot_root};

use super::message::Container;
use super::process::{failed_to, path_of};

/// Folders of the stage.
pub(super) const IMAGES: &str = "images";
pub(super) const TASK: &str = "task";
/// Folder of the task's, for what its containers share.
pub(super) const VOLUMES: &str = "volumes";

/// Files that each container has in `/etc`.
const FILES: [&str; 3] = ["hostname", "hosts", "resolv.conf"];
/// The devices of a container (OCI runtime specification, "Default Devices"); no user namespace can make one.
const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];
const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
];
/// What runc and Docker let be read only there.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

const PLAIN: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// Something to be mounted that is reached no more once the root has changed.
struct Kept {
    source: File,
    target: PathBuf,
    read_only: bool,
}

/// Changes the root of this process, whose mount namespace is its own, to that of the container with this number.
pub(super) fn enter((stage, number): (&Path, usize), container: &Container) -> io::Result<()> {
    let task = stage.join(TASK);
    let root = overlay(&stage.join(IMAGES).join(&container.image), &task.join(number.to_string()))?;
    let mut kept = Vec::new();
    for name in DEVICES {
        kept.push(Kept::new(&Path::new("/dev").join(name), Path::new("/dev").join(name), false)?);
    }
    for name in FILES {
        kept.push(Kept::new(&task.join(name), Path::new("/etc").join(name), false)?);
    }
    for wanted in &container.mounts {
        if let Some(volume) = &wanted.volume {
            let source = task.join(VOLUMES).join(volume);
            kept.push(Kept::new(&source, Path::new("/").join(&wanted.path), wanted.read_only)?);
        }
    }
    chdir(&root)?;
    // The old root now lies on the new one; paths lead to the new one (pivot_root(2), "pivot_root(".", ".")").
    pivot_root(".", ".").map_err(failed_to("change the root"))?;
    mount_on("proc", "/proc", PLAIN, "")?;
    file_systems()?;
    for one in &kept {
        one.mount()?;
    }
    for wanted in container.mounts.iter().filter(|wanted| wanted.volume.is_none()) {
        mount_on(
            "tmpfs",
            Path::new("/").join(&wanted.path),
            MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
            "mode=755",
        )?;
    }
    fs::create_dir_all(Path::new("/").join(&container.dir)).map_err(|error| {
        io::Error::new(error.kind(), format!("mkdir {}: {error}", container.dir.display()))
    })?;
    drop(kept);
    umount2(".", MntFlags::MNT_DETACH).map_err(failed_to("leave the old root"))?;
    if container.read_only {
        protect(Path::new("/"))?;
    }
    chdir(&Path::new("/").join(&container.dir)).map_err(failed_to("enter the working directory"))
}

/// Lays a layer of the container's own over its image.
fn overlay(image: &Path, own: &Path) -> io::Result<PathBuf> {
    let folders = ["upper", "work", "root"].map(|name| own.join(name));
    for folder in &folders {
        fs::create_dir_all(folder)?;
    }
    let [upper, work, root] = folders;
    // The root's own mode and owner are those of the upper layer.
    fs::set_permissions(&upper, fs::metadata(image)?.permissions())?;
    let (image, upper, work) = (image.display(), upper.display(), work.display());
    // `userxattr`: nobody but the host's root may have the other attributes.
    let options = format!("lowerdir={image},upperdir={upper},workdir={work},userxattr");
    mount(Some("overlay"), &root, Some("overlay"), MsFlags::MS_NODEV, Some(options.as_str()))
        .map_err(failed_to("lay a layer over the image"))?;
    Ok(root)
}

/// The file systems that every container has besides its root, and `/proc`, which is there.
fn file_systems() -> io::Result<()> {
    for path in READ_ONLY {
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        // A kernel need not have all of them.
        if mount(Some(path), path, None::<&str>, flags, None::<&str>).is_ok() {
            protect(Path::new(path))?;
        }
    }
    let devices = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount_on("tmpfs", "/dev", devices, "mode=755,size=64k")?;
    mount_on("devpts", "/dev/pts", devices, "newinstance,ptmxmode=0666,mode=0620")?;
    mount_on("tmpfs", "/dev/shm", PLAIN, "mode=1777,size=64m")?;
    for (target, path) in LINKS {
        symlink(target, path)?;
    }
    // Absent where the local cloud itself runs in a container that hides parts of it; programs do without.
    let _ = mount_on("sysfs", "/sys", PLAIN | MsFlags::MS_RDONLY, "");
    Ok(())
}

/// Mounts a new file system on a folder that is made if it is missing.
fn mount_on(kind: &str, path: impl AsRef<Path>, flags: MsFlags, options: &str) -> io::Result<()> {
    let path = path.as_ref();
    fs::create_dir_all(path)?;
    let mounted = mount(Some(kind), path, Some(kind), flags, Some(options));
    mounted.map_err(failed_to(&format!("mount {}", path.display())))
}

/// Lets a mount only be read. What its file system forbids must be said again, or nothing may be changed
/// (mount_namespaces(7), "Restrictions on mount namespaces").
fn protect(path: &Path) -> io::Result<()> {
    let fail = failed_to("let a mount only be read");
    let kept = statvfs(path).map_err(&fail)?.flags();
    let flags = MsFlags::from_bits_truncate(kept.bits())
        | MsFlags::MS_REMOUNT
        | MsFlags::MS_BIND
        | MsFlags::MS_RDONLY;
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>).map_err(&fail)
}

impl Kept {
    fn new(source: &Path, target: PathBuf, read_only: bool) -> io::Result<Self> {
        // Neither reads nor follows what is there: a device's file may do something when it is opened.
        let opened = File::options().read(true).custom_flags(OFlag::O_PATH.bits()).open(source);
        let source = opened.map_err(|error| {
            io::Error::new(error.kind(), format!("failed to open {}: {error}", source.display()))
        })?;
        Ok(Self { source, target, read_only })
    }

    fn mount(&self) -> io::Result<()> {
        let Self { source, target, read_only } = self;
        if source.metadata()?.is_dir() {
            fs::create_dir_all(target)?;
        } else if fs::metadata(target).is_err() {
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            File::create(target)?.set_permissions(Permissions::from_mode(0o644))?;
        }
        let fail = failed_to("mount a file");
        mount(Some(&path_of(source)), target, None::<&str>, MsFlags::MS_BIND, None::<&str>).map_err(&fail)?;
        if *read_only {
            protect(target)?;
        }
        Ok(())
    }
}
