//! Has the macro that embeds `migrations/` look again where a file was added: cargo sees changes of files that are there.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
