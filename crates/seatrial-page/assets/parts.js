"use strict";
// Small parts that every panel is made of.

// An element with a class and a text, or with children.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const byId = (id) => document.getElementById(id);

// Sets a text only where it differs: whoever reads aloud is not told twice.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Brings the children of `parent` in step with `items`: those whose item and sign are the same stay as they are, with
// whatever has the focus in them.
function keep(parent, items, key, render, sign = () => "", byItem = true) {
  const before = parent.kept || new Map();
  const now = new Map();
  let at = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    const mark = sign(item);
    let entry = before.get(name);
    if (!entry || (byItem && entry.item !== item) || entry.mark !== mark) {
      const node = render(item, entry && entry.node);
      if (entry && entry.node !== node) {
        const focused = entry.node.contains(document.activeElement) && document.activeElement.dataset.focus;
        if (at === entry.node) at = entry.node.nextSibling;
        entry.node.remove();
        if (focused) queueMicrotask(() => node.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus());
      }
      entry = { item, mark, node };
    }
    now.set(name, entry);
    if (entry.node === at) at = at.nextSibling;
    else parent.insertBefore(entry.node, at);
  }
  for (const [name, { node }] of before) {
    if (!now.has(name)) node.remove();
  }
  parent.kept = now;
}

const two = (number) => String(number).padStart(2, "0");

// `07:12:45`, UTC as everywhere.
function clock(seconds) {
  const time = new Date(seconds * 1000);
  return `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
}

function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

// `0.4 s`, `4:12`, `1:04:12`.
function took(seconds) {
  if (!(seconds >= 0)) return "";
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return whole < 3600 ? rest.replace(/^0/, "") : `${Math.floor(whole / 3600)}:${rest}`;
}

const count = (number) => Number(number).toLocaleString("en-US");
const milliseconds = (number) => (number === null || number === undefined ? "–" : `${Number(number.toPrecision(3))} ms`);

// What a status means, in one of five words: a class, beside which the status itself always stands.
function tone(status) {
  const word = String(status).toUpperCase();
  if (/FAIL|STOPPED|ROLLBACK|UNHEALTHY|ABANDONED|CANCELLED|DENIED|FAULT|TIMED_OUT/.test(word)) return "bad";
  if (/SUCCE|COMPLETE|HEALTHY|^RUNNING$|PRIMARY|PASS/.test(word)) return "good";
  if (/PROGRESS|PENDING|INITIAL|READY|CREATED|QUEUED|STOPPING|PROVISIONING|DRAINING|ACTIVAT|BUSY/.test(word)) return "busy";
  return "plain";
}

const SIGNS = { good: "✓", bad: "✕", busy: "…", plain: "·" };

function status(text, kind = tone(text)) {
  return make("span", { class: `status ${kind}` }, make("span", { "aria-hidden": "true" }, SIGNS[kind]), ` ${text}`);
}

const short = (revision) => (revision ? revision.slice(0, 12) : "no commit");

// A moment that can be gone to: the chart, the log and the tasks follow.
function moment(seconds, text, focus) {
  return make(
    "button",
    {
      type: "button",
      class: "moment",
      "data-focus": focus,
      title: `Show ${clock(seconds)} in the chart, the logs and the tasks`,
      onclick: () => Chosen.choose({ second: seconds, task: null }),
    },
    text,
  );
}

let sorted = { of: null, all: [] };

// The newest first. Sorted once for all that ask while nothing changes.
function releases() {
  if (sorted.of !== Store.version("release")) {
    sorted = { of: Store.version("release"), all: Store.values("release").sort((a, b) => b.began - a.began) };
  }
  return sorted.all;
}

// The one that is looked at.
function chosenRelease() {
  return (Chosen.release && Store.get("release", Chosen.release)) || releases()[0] || null;
}

const verdict = () => Store.get("verdict", "") || null;

// What the tool told of a release, once it was over.
function toldOf(release) {
  const told = verdict()?.releases || [];
  return told.find((one) => one.pipeline_execution_id === release.id) || null;
}
