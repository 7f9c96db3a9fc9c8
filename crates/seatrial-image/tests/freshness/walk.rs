//! A random walk through edits, with wrong clocks, in which every build must equal one from nothing.

use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::fixture::{Clock, Fixture, domain, names, script};

const STEPS: u32 = 20;
pub const SEED: u64 = 1;
pub const CLOCKS: [Clock; 5] = [Clock::Now, Clock::Year2000, Clock::Year2000, Clock::Year2038, Clock::Kept];

pub fn setting<T: FromStr<Err: Debug>>(name: &str, default: T) -> T {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Regular files and links below a folder of the fixture.
fn files(fixture: &Fixture, folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![fixture.path(folder)];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() { pending.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// One edit; says what it was.
fn step(fixture: &Fixture, random: &mut StdRng, number: u32) -> String {
    let clock = *CLOCKS.choose(random).unwrap();
    // Equal sizes on purpose: `Kept` then leaves nothing for anybody to see but the content.
    let text = format!("{:03}", random.random_range(0..1000));
    let constant = random.random_range(100..1000);
    let folder = *["data", "data/folder", "texts"].choose(random).unwrap();
    let name = format!("{folder}/{}", ["a", "b", "c", "d"].choose(random).unwrap());
    let existing = files(fixture, folder).choose(random).cloned();
    let existing = existing.filter(|path| !path.ends_with("included.txt"));
    match random.random_range(0..10) {
        0 => fixture.write("crates/domain/src/lib.rs", &domain(constant), clock),
        1 => fixture.write("crates/names/src/lib.rs", &names(constant), clock),
        2 => fixture.write("shop/build.rs", &script(constant), clock),
        3 => fixture.write("texts/included.txt", &text, clock),
        4 | 5 => {
            if fixture.path(&name).is_symlink() {
                fs::remove_file(fixture.path(&name)).unwrap();
            }
            fixture.write(&name, &text, clock);
        }
        6 => drop(existing.map(|path| fs::remove_file(path).unwrap())),
        7 => drop(existing.map(|path| fs::rename(path, fixture.path(&name)).unwrap())),
        8 if folder != "texts" => {
            let _ = fs::remove_file(fixture.path(&name));
            symlink(format!("{text}.txt"), fixture.path(&name)).unwrap();
        }
        _ => drop(existing.filter(|path| path.is_file()).map(|path| {
            let mode = if number.is_multiple_of(2) { 0o755 } else { 0o644 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        })),
    }
    format!("step {number}: {clock:?}, `{name}` {text}")
}

#[tokio::test]
async fn a_random_walk_through_edits_never_gives_an_old_program() {
    let (steps, seed) = (setting("SOAK_STEPS", STEPS), setting("SOAK_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed);
    let fixture = Fixture::new();
    fixture.build().await;
    for number in 1..=steps {
        let mut said = step(&fixture, &mut random, number);
        while random.random_bool(0.3) {
            said += &step(&fixture, &mut random, number);
        }
        let cached = fixture.build().await;
        let expected = fixture.build_from_nothing().await;
        assert_eq!(cached, expected, "SOAK_SEED={seed}, {said}");
    }
}
