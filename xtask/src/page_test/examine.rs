//! What is looked for on any page.

use std::path::Path;

use serde_json::Value;

use super::browser::Browser;

/// Ratios that WCAG 2 asks for at level AA: 4.5 for text, 3 for large one. Answers what has less.
const CONTRAST: &str = r"(() => {
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const part = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest('.skip, .hidden')) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(parse(style.color)), light(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.add(`${ratio.toFixed(2)} of <${element.localName} class=${element.className}> ${element.textContent.slice(0, 30)}`);
  }
  return [...found];
})()";

/// Things that a keyboard cannot reach, or that have no name.
const NAMELESS: &str = r"[...document.querySelectorAll('button, summary, input, [tabindex]')].filter((one) => one.checkVisibility() &&
  !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length || one.title)).map((one) => one.outerHTML.slice(0, 80))";

/// In light and dark, wide and narrow.
pub(super) fn all(browser: &mut Browser, name: &str, pictures: Option<&Path>) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for (width, scheme) in [(1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")] {
        browser.look(width, 900, scheme)?;
        browser.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")?;
        let here = format!("{name}, {width} px, {scheme}");
        let wide = browser.value("document.documentElement.scrollWidth - innerWidth")?;
        if wide.as_i64().is_none_or(|wide| wide > 0) {
            wrong.push(format!("{here}: {wide} px are out of sight"));
        }
        for expression in [CONTRAST, NAMELESS] {
            let found = browser.value(expression)?;
            let found = found.as_array().into_iter().flatten().filter_map(Value::as_str);
            wrong.extend(found.map(|found| format!("{here}: {found}")));
        }
        if let Some(pictures) = pictures {
            let file = format!("{}-{width}-{scheme}.png", name.replace([' ', '\''], "-"));
            browser.picture(&pictures.join(file))?;
        }
    }
    browser.look(1400, 900, "light")?;
    let paint =
        browser.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")?;
    if paint.as_f64().is_none_or(|paint| !(0.0..1_000.0).contains(&paint)) {
        wrong.push(format!("{name}: the first paint came after {paint} ms"));
    }
    Ok(wrong)
}

/// Ten times a second something is told, for five seconds: a page that is looked at must not be busy with it.
pub(super) fn busy(browser: &mut Browser) -> Result<Vec<String>, String> {
    let before = browser.scripting()?;
    browser.value(
        "new Promise((done) => { let n = 0; const tell = setInterval(() => { \
         const last = Store.values('second').at(-1); \
         Store.take([['second', String(last.time + 1), {...last, time: last.time + 1}], \
         ...[1, 2, 3, 4, 5].map((i) => ['line', `more-${n}-${i}`, {time: last.time + 1, source: 'application', stream: 's', text: `more ${n}`}])]); \
         if (++n === 50) { clearInterval(tell); done(); } }, 100); })",
    )?;
    let share = (browser.scripting()? - before) / 5.0;
    Ok(if share < 0.05 { Vec::new() } else { vec![format!("{:.0} ms of scripts a second", share * 1_000.0)] })
}

/// By keyboard alone: a release is chosen, and a second in the chart; the log goes there.
pub(super) fn choices(browser: &mut Browser) -> Result<Vec<String>, String> {
    browser.value("document.activeElement?.blur(); window.scrollTo(0, 0)")?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        browser.key("Tab")?;
        let at = browser.value(
            "(() => { const a = document.activeElement; const s = getComputedStyle(a); \
             return `${a.className || a.dataset.focus || a.id}: ${s.outlineStyle}`; })()",
        )?;
        seen.push(at.as_str().unwrap_or_default().to_owned());
    }
    let mut wrong: Vec<String> = seen
        .iter()
        .filter(|at| at.ends_with(": none"))
        .map(|at| format!("no focus is seen at {at}"))
        .collect();
    browser.value("document.querySelectorAll('#release-list button')[1].focus()")?;
    browser.key("Enter")?;
    browser.until(
        "document.querySelectorAll('#release-list button')[1].getAttribute('aria-pressed') === 'true'",
    )?;
    browser.value("document.getElementById('requests-chart').focus()")?;
    browser.key("ArrowRight")?;
    browser.key("ArrowRight")?;
    let chosen =
        browser.until("Chosen.second !== null && /^At /.test(document.getElementById('second').textContent)");
    wrong.extend(chosen.err());
    wrong.extend(browser.until("!document.getElementById('follow').checked").err());
    Ok(wrong)
}

/// A report asks for nothing but itself.
pub(super) fn requests(browser: &Browser) -> Vec<String> {
    let sent = browser.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
    let address = |event: &Value| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned();
    let foreign = sent.map(address).filter(|address| !address.starts_with("data:"));
    foreign.skip(1).map(|address| format!("a report asks for {address}")).collect()
}

/// What the browser complains of.
pub(super) fn errors(browser: &Browser) -> Vec<String> {
    let is_error = |event: &&Value| match event["method"].as_str().unwrap_or_default() {
        "Runtime.exceptionThrown" => true,
        "Log.entryAdded" => event["params"]["entry"]["level"] == "error",
        "Runtime.consoleAPICalled" => event["params"]["type"] == "error",
        _ => false,
    };
    browser
        .events
        .iter()
        .filter(is_error)
        .map(|event| format!("the browser complains: {}", event["params"]))
        .collect()
}

/// Leaves beside pictures what they must say.
pub(super) fn keep_verdict(pictures: Option<&Path>, name: &str, verdict: &Value) -> Result<(), String> {
    let Some(pictures) = pictures else { return Ok(()) };
    let path = pictures.join(format!("{}.json", name.replace([' ', '\''], "-")));
    let text = serde_json::to_string_pretty(verdict).map_err(|error| error.to_string())?;
    std::fs::write(&path, text).map_err(|error| format!("`{}`: {error}", path.display()))
}
