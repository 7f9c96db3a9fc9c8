//! The words of the portal.

pub const PAGE: &str = "the first page\n";

pub fn settings() {
    // All there are.
}

#[test]
fn the_page_is_a_page() {
    assert!(PAGE.ends_with("page\n"));
}
