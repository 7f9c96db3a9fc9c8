"use strict";
// The lines of logs: only those in view are in the document, for there may be thousands.

const Lines = (() => {
  const HEIGHT = 20;
  let source = "";
  let follow = true;
  let found = [];
  let gone = null;

  function wanted() {
    const term = byId("find").value.toLowerCase();
    const of = Chosen.task;
    const all = Store.values("line").filter(
      (line) =>
        (!source || line.source === source) &&
        (!of || line.stream.includes(of)) &&
        (!term || line.text.toLowerCase().includes(term)),
    );
    // They come in the order in which they were told, which is that of their times but for a moment.
    for (let index = 1; index < all.length; index++) {
      if (all[index].time < all[index - 1].time) return all.sort((a, b) => a.time - b.time);
    }
    return all;
  }

  function row(line) {
    const chosen = Chosen.second !== null && Math.floor(line.time) === Math.floor(Chosen.second);
    return make(
      "div",
      { class: `line ${line.source}${chosen ? " chosen" : ""}` },
      make("span", { class: "when" }, clock(line.time)),
      make("span", { class: "whose", title: line.stream }, line.source === "application" ? `task ${tail(line.stream)}` : line.source),
      make("span", { class: "text" }, line.text),
    );
  }

  const tail = (stream) => stream.split("/").pop().slice(0, 8);

  function show() {
    const box = byId("lines");
    const first = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 5);
    const last = Math.min(found.length, first + Math.ceil(box.clientHeight / HEIGHT) + 10);
    const shown = byId("lines-shown");
    shown.style.transform = `translateY(${first * HEIGHT}px)`;
    shown.replaceChildren(...found.slice(first, last).map(row));
  }

  function render(changed) {
    const box = byId("lines");
    found = wanted();
    byId("lines-all").style.height = `${found.length * HEIGHT}px`;
    const of = Chosen.task ? ` of task ${Chosen.task.slice(0, 8)}` : "";
    say(byId("line-count"), `${count(found.length)} lines${of}`);
    const place = `${Chosen.second}/${Chosen.task}`;
    if (Chosen.second !== null && gone !== place && changed?.has("chosen")) {
      gone = place;
      follow = byId("follow").checked = false;
      const at = found.findIndex((line) => line.time >= Math.floor(Chosen.second));
      box.scrollTop = Math.max(0, (at < 0 ? found.length : at) - 3) * HEIGHT;
    } else if (changed?.has("chosen") && Chosen.second === null && gone !== null) {
      gone = null;
      follow = byId("follow").checked = true;
    }
    if (follow) box.scrollTop = found.length * HEIGHT;
    show();
  }

  function start() {
    const buttons = document.querySelectorAll("[data-source]");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        source = button.dataset.source;
        buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        render();
      });
    }
    byId("find").addEventListener("input", () => render());
    byId("follow").addEventListener("change", (event) => {
      follow = event.target.checked;
      render();
    });
    let waiting = false;
    byId("lines").addEventListener(
      "scroll",
      () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          show();
        });
      },
      { passive: true },
    );
    byId("lines").addEventListener("wheel", (event) => {
      if (event.deltaY < 0) follow = byId("follow").checked = false;
    }, { passive: true });
    Store.watch(["line", "chosen"], render);
  }

  return { start };
})();
