//! Tables for people.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

/// Rows under a header, columns aligned, without lines.
pub(crate) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}
