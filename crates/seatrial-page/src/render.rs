//! The document: one template, as the page that asks for its items or as the report that has them inside.

use askama::Template;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A file that the live page loads.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub text: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

const STYLES: [Asset; 2] = [
    Asset { name: "uplot.css", content_type: CSS, text: include_str!("../assets/uplot/uPlot.min.css") },
    Asset { name: "page.css", content_type: CSS, text: include_str!("../assets/page.css") },
];

/// In the order in which they are run.
const SCRIPTS: [Asset; 7] = [
    Asset { name: "uplot.js", content_type: JS, text: include_str!("../assets/uplot/uPlot.iife.min.js") },
    Asset { name: "store.js", content_type: JS, text: include_str!("../assets/store.js") },
    Asset { name: "parts.js", content_type: JS, text: include_str!("../assets/parts.js") },
    Asset { name: "traffic.js", content_type: JS, text: include_str!("../assets/traffic.js") },
    Asset { name: "lists.js", content_type: JS, text: include_str!("../assets/lists.js") },
    Asset { name: "lines.js", content_type: JS, text: include_str!("../assets/lines.js") },
    Asset { name: "page.js", content_type: JS, text: include_str!("../assets/page.js") },
];

/// The content security policy of the live page: what is its own, and nothing inline.
pub const LIVE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    /// Below which the live page finds its files; `None`: all is inside.
    base: Option<&'a str>,
    /// The policy of a report, whose document has no header.
    policy: String,
    styles: &'static [Asset],
    scripts: &'static [Asset],
    /// JSON without `<`; empty on the live page.
    data: String,
}

/// A file of the live page by its name.
pub fn asset(name: &str) -> Option<Asset> {
    STYLES.iter().chain(&SCRIPTS).find(|asset| asset.name == name).copied()
}

/// The live page: its files are below `base`, its items come from there.
///
/// # Errors
/// Never but for a fault of the template.
pub fn live(base: &str) -> Result<String, askama::Error> {
    let page = Page {
        title: "Seatrial",
        base: Some(base),
        policy: String::new(),
        styles: &STYLES,
        scripts: &SCRIPTS,
        data: String::new(),
    };
    page.render()
}

/// The report: one file with everything inside, which asks nobody for anything. `data`: a [`document`](crate::document).
///
/// # Errors
/// Never but for a fault of the template.
pub fn report(title: &str, data: &Value) -> Result<String, askama::Error> {
    let hashes = |assets: &[Asset]| assets.iter().map(|asset| hash(asset.text)).collect::<Vec<_>>().join(" ");
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hashes(&SCRIPTS),
        hashes(&STYLES)
    );
    // `<` stands in strings alone, where it may be written so; nothing in there then ends the element, or begins another.
    let data = data.to_string().replace('<', "\\u003c");
    Page { title, base: None, policy, styles: &STYLES, scripts: &SCRIPTS, data }.render()
}

/// As a policy names what is inline.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_names_each_of_its_scripts_and_styles_by_what_is_in_it() {
        let html = report("x", &json!({})).unwrap();
        // As a browser reads the attribute.
        let policy =
            html.split("content=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#39;", "'");

        for asset in STYLES.iter().chain(&SCRIPTS) {
            let element = if asset.content_type == JS { "script" } else { "style" };
            assert!(html.contains(&format!("<{element}>{}</{element}>", asset.text)), "{}", asset.name);
            assert!(policy.contains(&hash(asset.text)), "{}: {policy}", asset.name);
            // The policy hashes what a browser reads: carriage returns are made line feeds, and an end tag ends it.
            assert!(!asset.text.contains('\r') && !asset.text.contains("</"), "{}", asset.name);
        }
        assert!(!html.contains("src="), "a report asks for a file");
    }

    #[test]
    fn nothing_in_a_reports_data_ends_its_element() {
        let html = report("a <b>", &json!({"x": "</script><script>alert(1)"})).unwrap();

        assert_eq!(html.matches("alert(1)").count(), 1);
        assert!(html.contains(r"\u003c/script>\u003cscript>alert(1)"));
        assert!(html.contains("<title>a &#60;b&#62;"), "{}", &html[..300]);
    }

    #[test]
    fn the_live_page_has_nothing_inline() {
        let html = live("/_local/page/").unwrap();

        assert!(!html.contains("<style") && !html.contains("style="));
        let scripts = html.matches("<script").count();
        assert_eq!(html.matches("<script src=\"/_local/page/").count(), scripts);
        assert_eq!(scripts, SCRIPTS.len());
    }

    #[test]
    fn what_is_vendored_is_what_its_provenance_says() {
        let provenance: Value =
            serde_json::from_str(include_str!("../assets/uplot/PROVENANCE.json")).unwrap();
        let files = [
            ("uPlot.iife.min.js", SCRIPTS[0].text),
            ("uPlot.min.css", STYLES[0].text),
            ("LICENSE", include_str!("../assets/uplot/LICENSE")),
        ];
        for (name, text) in files {
            let digest: String =
                Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(provenance["sha256"][name], digest, "{name}");
        }
    }
}
