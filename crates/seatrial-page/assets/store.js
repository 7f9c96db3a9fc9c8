"use strict";
// What is shown, by kind and key, and where it comes from: the stream of a live page, or the data inside a report.

const Store = (() => {
  const kinds = new Map();
  const watchers = [];
  const versions = new Map();
  const limits = new Map();
  const dirty = new Set();
  let scheduled = false;
  let last = 0;
  // A page that somebody looks at is drawn at most so often, however much is told.
  const BETWEEN = 500;

  function items(kind) {
    let found = kinds.get(kind);
    if (!found) kinds.set(kind, (found = new Map()));
    return found;
  }

  function changed(kind) {
    versions.set(kind, (versions.get(kind) || 0) + 1);
    dirty.add(kind);
  }

  function put([kind, key, value]) {
    if (value === null) items(kind).delete(key);
    else items(kind).set(key, value);
    changed(kind);
  }

  // Lines and seconds are many: the oldest go first, and a Map keeps the order in which they came.
  function forget(kind, most, part = () => "") {
    const all = items(kind);
    if (all.size <= (limits.get(kind) || most)) return;
    const counts = new Map();
    for (const value of all.values()) counts.set(part(value), (counts.get(part(value)) || 0) + 1);
    for (const [key, value] of all) {
      const count = counts.get(part(value));
      if (count > most) {
        counts.set(part(value), count - 1);
        all.delete(key);
      }
    }
    // Looked at again only when a good part has come.
    limits.set(kind, all.size + 500);
  }

  function draw() {
    scheduled = false;
    last = performance.now();
    const told = new Set(dirty);
    dirty.clear();
    for (const { wanted, render } of watchers) {
      if (wanted.some((kind) => told.has(kind))) render(told);
    }
  }

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    const wait = Math.max(0, BETWEEN - (performance.now() - last));
    if (wait === 0) requestAnimationFrame(draw);
    else setTimeout(() => requestAnimationFrame(draw), wait);
  }

  function take(changes) {
    changes.forEach(put);
    forget("line", 3500, (line) => line.source);
    forget("second", 4000);
    schedule();
  }

  function snapshot(document) {
    for (const [kind, all] of kinds) {
      all.clear();
      changed(kind);
    }
    take(document.items);
  }

  return {
    items,
    take,
    snapshot,
    values: (kind) => [...items(kind).values()],
    // In the order of their times, in which they come but after a break.
    seconds: () => {
      const all = [...items("second").values()];
      for (let at = 1; at < all.length; at++) {
        if (all[at].time < all[at - 1].time) return all.sort((a, b) => a.time - b.time);
      }
      return all;
    },
    // Another one whenever one of the kind has changed.
    version: (kind) => versions.get(kind) || 0,
    get: (kind, key) => items(kind).get(key),
    // Something that is chosen on the page itself.
    touch: (kind) => {
      dirty.add(kind);
      schedule();
    },
    watch: (wanted, render) => watchers.push({ wanted, render }),
  };
})();

// What was chosen on the page: a release, a second, a task. `null`: the newest, and all that comes.
const Chosen = {
  release: null,
  second: null,
  task: null,
  choose(what) {
    Object.assign(this, what);
    Store.touch("chosen");
  },
};

const Stream = {
  start(tell) {
    const source = new EventSource("/_local/page/stream");
    source.addEventListener("open", () => tell("live", "live"));
    source.addEventListener("snapshot", (event) => Store.snapshot(JSON.parse(event.data)));
    source.addEventListener("change", (event) => Store.take(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) {
        tell("closed", "This page has no key any more, or never had one: `local open` opens it with one.");
      } else {
        tell("lost", "The local cloud does not answer; what is shown is what it told last.");
      }
    });
    this.source = source;
  },
};
