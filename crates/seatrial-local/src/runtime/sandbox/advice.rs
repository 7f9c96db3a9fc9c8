//! Why this machine has no namespaces for tasks, and what to type where that can be changed.

use std::fs;

/// Settings of the kernel that keep a user from namespaces, the value that does, and what to type.
const SETTINGS: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
];

/// What to type, where one setting is in the way.
pub(super) fn command() -> Option<&'static str> {
    let found = SETTINGS
        .iter()
        .find(|(file, value, _)| fs::read_to_string(file).is_ok_and(|found| found.trim() == *value));
    found.map(|(_, _, command)| *command)
}
