//! The crate's README lists the operations that are served; the list is made from the code.

mod support;

use std::path::Path;

use support::start;

const START: &str = "<!-- operations: made by the test `the_readme_lists_every_operation` -->\n";
const END: &str = "<!-- end of operations -->";

#[tokio::test]
async fn the_readme_lists_every_operation() {
    let started = start().await;
    let names = started.cloud.operations();

    let mut list = String::new();
    let mut service = "";
    for name in &names {
        let (of, operation) = name.split_once(':').unwrap();
        if of == service {
            list.push_str(", ");
        } else {
            list.push_str(if service.is_empty() { "- **" } else { "\n- **" });
            list.push_str(of);
            list.push_str("**: ");
            service = of;
        }
        list.push_str(operation);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{START}{list}\n{END}{after}");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(
        readme == expected,
        "run `UPDATE_README=1 cargo test -p seatrial-local --test readme` and commit"
    );
}
