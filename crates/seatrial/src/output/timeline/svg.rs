//! The timeline as a picture that stands by itself: it loads nothing, and follows the reader's choice of dark or light.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::super::event::took;
use super::super::width::cut;
use super::{Bar, Thin, Timeline};

const WIDTH: usize = 960;
/// Where the chart begins and how wide it is; behind it stands what each took.
const LEFT: f64 = 190.0;
const CHART: f64 = 660.0;
const TOP: usize = 64;
const BAR: usize = 16;
const THIN: usize = 5;
const GAP: usize = 8;
/// Lines that divide the time.
const TICKS: u32 = 6;
/// What is shown of a name, in characters.
const NAME: usize = 24;

const STYLE: &str = "
svg { color-scheme: light dark; background: #ffffff; font: 13px system-ui, sans-serif; }
text { fill: #1f2328; } .dim { fill: #59636e; } line { stroke: #d1d9e0; }
.bar { fill: #8fb5e6; } .critical { fill: #1f5fb4; } .thin { fill: #b6c2cf; } .failed { fill: #cf222e; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; } text { fill: #f0f6fc; } .dim { fill: #9198a1; } line { stroke: #3d444d; }
  .bar { fill: #3a5f91; } .critical { fill: #78aef5; } .thin { fill: #57606b; } .failed { fill: #f85149; }
}
";

impl Timeline {
    /// The chart as an SVG file: stacks with their resources below them as thin bars, all with what they are as a
    /// tooltip.
    pub(crate) fn svg(&self) -> String {
        let rows: usize = self.bars.iter().map(height).sum();
        let height = TOP + rows + GAP;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
             <title>timeline</title>\n<style>{STYLE}</style>\n"
        );
        let (began, ended) = (self.began.strftime("%Y-%m-%d %H:%M:%S"), self.ended.strftime("%H:%M:%S"));
        let head = format!("{began} to {ended} UTC, {}", took(self.took()));
        text(&mut svg, ("", GAP, 20), &head);
        text(&mut svg, ("dim", GAP, 40), "dark bars: critical path; red: failed; thin bars: resources");
        for tick in 0..=TICKS {
            let part = f64::from(tick) / f64::from(TICKS);
            let x = LEFT + part * CHART;
            let _ = writeln!(svg, "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{height}\"/>", TOP - GAP);
            let time = took(self.took().mul_f64(part));
            let _ = writeln!(
                svg,
                "<text class=\"dim\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{time}</text>",
                TOP - 12
            );
        }
        let mut y = TOP;
        for bar in &self.bars {
            self.bar(&mut svg, bar, y);
            y += self::height(bar);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn bar(&self, svg: &mut String, bar: &Bar, y: usize) {
        let critical = if bar.critical { ", on the critical path" } else { "" };
        let told = format!("{}: {} in {}{critical}", bar.name, bar.status, took(bar.took()));
        let class = match (bar.failed, bar.critical) {
            (true, _) => "failed",
            (_, true) => "critical",
            _ => "bar",
        };
        text(svg, ("", GAP, y + 13), &cut(&bar.name, NAME));
        let place = (self.place(bar.began), self.place(bar.ended));
        rectangle(svg, (class, BAR), (place, y), &told);
        let end = if bar.failed { "failed" } else { "" };
        let behind = format!("{} {end}", took(bar.took()));
        let _ = writeln!(
            svg,
            "<text class=\"dim\" x=\"{}\" y=\"{}\">{}</text>",
            LEFT + CHART + 8.0,
            y + 13,
            behind.trim_end()
        );
        for (at, resource) in bar.resources.iter().enumerate() {
            let class = if resource.failed { "failed" } else { "thin" };
            let place = (self.place(resource.began), self.place(resource.ended));
            rectangle(svg, (class, THIN - 1), (place, y + BAR + 1 + at * THIN), &told_of(resource));
        }
    }
}

fn told_of(resource: &Thin) -> String {
    let Thin { logical_id, resource_type, status, .. } = resource;
    let because = resource.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{logical_id} ({resource_type}): {status} in {}{because}", took(resource.took()))
}

fn height(bar: &Bar) -> usize {
    BAR + bar.resources.len() * THIN + GAP
}

/// Between two places of the whole, at least as wide as a pointer finds.
fn rectangle(svg: &mut String, (class, height): (&str, usize), (place, y): ((f64, f64), usize), told: &str) {
    let x = LEFT + place.0 * CHART;
    let width = ((place.1 - place.0) * CHART).max(2.0);
    let title = written(told);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{height}\" rx=\"1\"><title>{title}</title></rect>"
    );
}

fn text(svg: &mut String, (class, x, y): (&str, usize, usize), text: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", written(text));
}

/// As XML takes it: it has no control characters, escaped or not.
fn written(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    escape(&text).into_owned()
}
