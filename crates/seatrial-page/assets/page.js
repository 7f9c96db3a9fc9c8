"use strict";
// Starts the panels, then lets them be told: by the stream, or by the data of a report.

Panels.start();
Traffic.start();
Lines.start();

function connection(state, text) {
  const element = byId("connection");
  element.className = state;
  say(element, text);
}

if (document.body.dataset.mode === "live") {
  connection("lost", "connecting");
  Stream.start(connection);
} else {
  Store.snapshot(JSON.parse(byId("data").textContent));
  // A report of an account holds nothing of these.
  for (const [id, kind] of [["tasks", "task-set"], ["stacks", "operation"], ["journal", "role"]]) {
    byId(id).hidden = Store.items(kind).size === 0;
  }
}
