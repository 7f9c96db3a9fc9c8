"use strict";
// The panels that are lists: verdict, why, releases, pipeline, tasks, stacks, journal.

const Panels = (() => {
  // ---- the verdict

  const sum = (all, of) => all.reduce((total, one) => total + (of(one) || 0), 0);

  // How a release ended, in words.
  function ended(told) {
    if (told.rolled_back) return told.as_it_should ? "rolled back, as it should" : "rolled back";
    if (told.status === "Succeeded") return "released";
    if (told.status === "Failed" && !told.as_it_should) return "not released: it failed";
    return told.as_it_should ? "stopped before any traffic was moved, as it should" : told.status;
  }

  function figures(pairs) {
    keep(
      byId("verdict-figures"),
      pairs,
      ([name]) => name,
      ([name, value, kind]) => make("div", { class: kind || "" }, make("dt", {}, name), make("dd", {}, value)),
      ([, value, kind]) => `${value}${kind}`,
      false,
    );
  }

  function table(head, rows, caption) {
    return make(
      "table",
      {},
      make("caption", { class: "hidden" }, caption),
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows),
    );
  }

  function toldRow(one) {
    const { requests } = one;
    const asked = requests && requests.sent > 0;
    const cells = [
      ended(one),
      asked ? count(requests.sent) : "–",
      asked ? count(requests.failed) : "–",
      asked ? milliseconds(requests.p50_ms) : "–",
      asked ? milliseconds(requests.p99_ms) : "–",
      took(one.duration_s),
    ];
    const bad = (one.as_it_should ?? one.status === "Succeeded") === false || (requests && requests.failed > 0);
    return make("tr", { class: bad ? "bad" : "" }, make("th", { scope: "row" }, one.scenario || short(one.source_revision)), ...cells.map((text) => make("td", {}, text)));
  }

  function renderVerdict(changed) {
    const told = verdict();
    // What is counted meanwhile is shown only where no verdict is.
    if (told && !changed.has("verdict") && !changed.has("release")) return;
    const box = byId("verdict");
    const all = told?.releases || [];
    if (told) {
      const good = told.verdict === "pass";
      box.dataset.verdict = told.verdict;
      box.className = good ? "good" : told.verdict === "running" ? "busy" : "bad";
      const what = told.stacks ? "Rehearsal" : "Release";
      say(byId("verdict-title"), `${what}: ${told.verdict}`);
      const words = all.map((one) => `${one.scenario || short(one.source_revision)}: ${ended(one)}`);
      say(byId("verdict-words"), [...words, ...(told.faults || [])].join(" · "));
      const [sent, failed] = [sum(all, (one) => one.requests?.sent), sum(all, (one) => one.requests?.failed)];
      const worst = (of) => Math.max(0, ...all.map((one) => one.requests?.[of] || 0));
      figures([
        ["requests", count(sent)],
        ["failed", count(failed), failed > 0 ? "bad" : ""],
        ["p50, slowest release", sent ? milliseconds(worst("p50_ms")) : "–"],
        ["p99, slowest release", sent ? milliseconds(worst("p99_ms")) : "–"],
        ["took", took(told.duration_s)],
      ]);
    } else {
      renderUnderWay(box);
    }
    const head = ["release", "ended", "requests", "failed", "p50", "p99", "took"];
    const sign = JSON.stringify(all.map((one) => [one.pipeline_execution_id, one.status, one.requests]));
    const place = byId("verdict-releases");
    if (place.sign !== sign) {
      place.sign = sign;
      place.replaceChildren(...(all.length ? [table(head, all.map(toldRow), "Each release of the verdict")] : []));
    }
  }

  // Nobody has told a verdict: the newest release, and what the load balancer counted meanwhile.
  function renderUnderWay(box) {
    const release = releases()[0];
    delete box.dataset.verdict;
    box.className = release ? tone(release.status) : "";
    if (!release) return figures([]);
    const running = !release.ended;
    say(byId("verdict-title"), running ? "Release under way" : `Release: ${release.status}`);
    const stage = release.actions.find((action) => action.status === "InProgress");
    const back = release.deployment?.rolled_back_by ? "rolled back" : "";
    const at = running && stage ? `${stage.stage}, since ${clock(stage.began)}` : back;
    say(byId("verdict-words"), [`commit ${short(release.revision)}`, at].filter(Boolean).join(" · "));
    const began = release.deployment?.began || release.began;
    const seconds = Store.values("second").filter((one) => one.time >= began - 8 && (!release.ended || one.time <= release.ended + 8));
    const failed = sum(seconds, (one) => one.failed);
    const slowest = Math.max(0, ...seconds.map((one) => one.p99 || 0));
    figures([
      ["requests so far", count(sum(seconds, (one) => one.blue + one.green + one.unknown))],
      ["failed", count(failed), failed > 0 ? "bad" : ""],
      ["p99, slowest second", slowest ? milliseconds(slowest) : "–"],
    ]);
  }

  // ---- why

  function why(release) {
    const story = toldOf(release)?.explanation;
    return story ? { ...release.why, ...story } : release.why;
  }

  function renderWhy() {
    const release = chosenRelease();
    const told = release && why(release);
    byId("why").hidden = !told;
    if (!told) return;
    const one = toldOf(release);
    const wanted = Boolean(one?.as_it_should);
    byId("why").className = wanted ? "wanted" : "";
    say(byId("why-title"), one ? `Why ${one.scenario || "the release"} was ${ended(one)}` : `Why the release is ${release.status}`);
    const sign = JSON.stringify([told, release.id]);
    const body = byId("why-body");
    if (body.sign === sign) return;
    body.sign = sign;
    const place = [told.stage && `stage ${told.stage}`, told.event && `lifecycle event ${told.event}`, told.task && `task ${told.task.slice(0, 8)}`];
    const list = (items, of) => make("ul", { class: of }, ...items.map((text) => make("li", {}, text)));
    body.replaceChildren(
      make("p", { class: "what" }, told.what),
      make("p", { class: "quiet" }, place.filter(Boolean).join(" → ")),
      ...(told.evidence?.length ? [make("h3", {}, "Evidence"), list(told.evidence, "evidence")] : []),
      ...(told.users ? [make("p", {}, told.users)] : []),
      ...(told.next?.length ? [make("h3", {}, "What to do"), list(told.next, "next")] : []),
    );
  }

  // ---- releases and their pipeline

  function releaseRow(release) {
    const chosen = chosenRelease()?.id === release.id;
    const told = toldOf(release);
    const scenario = told?.scenario ? `${told.scenario}: ` : "";
    const end = release.deployment?.rolled_back_by ? " · rolled back" : "";
    return make(
      "li",
      {},
      make(
        "button",
        {
          type: "button",
          "data-focus": release.id,
          "aria-pressed": String(chosen),
          onclick: () => Chosen.choose({ release: release.id, second: null, task: null }),
        },
        status(release.status),
        make("span", { class: "grow" }, `${scenario}${short(release.revision)}${end}`),
        make("span", { class: "quiet" }, `${day(release.began)} ${clock(release.began)}`),
        make("span", { class: "quiet" }, release.ended ? took(release.ended - release.began) : "running"),
      ),
    );
  }

  function renderReleases() {
    const all = releases();
    const newest = chosenRelease()?.id;
    const sign = (release) => `${release.id === newest}${toldOf(release)?.scenario || ""}`;
    keep(byId("release-list"), all, (release) => release.id, releaseRow, sign);
    if (all.length === 0) say(byId("pipeline-release"), "No execution of the pipeline yet.");
  }

  // CodePipeline's summary of a GitHub revision is an object; its message is what says something.
  function message(summary) {
    try {
      return JSON.parse(summary).CommitMessage || summary;
    } catch {
      return summary;
    }
  }

  function step(name, state, began, ended, detail) {
    const time = began ? make("span", { class: "quiet" }, `${clock(began)}${ended ? `, ${took(ended - began)}` : ""}`) : "";
    const label = began ? moment(began, name, `step-${name}`) : make("span", {}, name);
    return make("li", { class: tone(state) }, make("div", { class: "step" }, status(state || "Pending"), label, time), detail ? make("p", { class: "detail" }, detail) : "");
  }

  function renderPipeline() {
    const release = chosenRelease();
    const list = byId("stages");
    if (!release) return;
    const { deployment } = release;
    say(byId("pipeline-release"), `commit ${short(release.revision)} ${message(release.summary)}`);
    const sign = JSON.stringify([release.id, release.status, release.actions, deployment]);
    if (list.sign === sign) return;
    const focused = list.contains(document.activeElement) && document.activeElement.dataset.focus;
    list.sign = sign;
    const stages = new Map();
    for (const action of release.actions) {
      if (!stages.has(action.stage)) stages.set(action.stage, []);
      stages.get(action.stage).push(action);
    }
    const rows = [...stages].map(([stage, actions]) => {
      const steps = actions.map((one) => step(one.name, one.status, one.began, one.ended, tone(one.status) === "bad" ? one.detail : null));
      const isLast = stage === [...stages.keys()].pop();
      const lifecycle = isLast && deployment ? deploymentSteps(deployment) : "";
      return make("li", { class: "stage" }, make("h3", {}, stage), make("ol", {}, ...steps), lifecycle);
    });
    list.replaceChildren(...rows);
    if (focused) list.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  function deploymentSteps(deployment) {
    const steps = deployment.events.map((event) => step(event.name, event.status, event.began, event.ended, event.detail));
    return make(
      "div",
      { class: "deployment" },
      make("p", {}, status(deployment.status), ` deployment ${deployment.id}`, deployment.rolled_back_by ? `, rolled back by ${deployment.rolled_back_by}` : ""),
      make("ol", {}, ...steps),
      deployment.error ? make("p", { class: "detail" }, deployment.error) : "",
    );
  }

  // ---- tasks

  const living = (task, second) => task.created <= second + 1 && (!task.stopped || task.stopped >= second);

  // A task that was ended because it was not wanted any more is no bad sign.
  function went(task) {
    if (task.status !== "STOPPED") return tone(task.status);
    const signs = /fail|unhealthy|error|cannot|exited|memory|denied|unable/i;
    return signs.test(task.reason || task.stop_code || "") || (task.exit_code && task.exit_code !== 143) ? "bad" : "plain";
  }

  function taskRow(task) {
    const there = Chosen.second === null || living(task, Chosen.second);
    const choose = () => Chosen.choose({ task: task.id, second: Math.floor(task.stopped || task.started || task.created) });
    const end = task.exit_code === null || task.exit_code === undefined ? "" : ` (exit code ${task.exit_code})`;
    const reason = task.reason || task.stop_code;
    return make(
      "li",
      { class: `${went(task)}${there ? "" : " away"}` },
      make("button", { type: "button", class: "moment", "data-focus": task.id, "aria-pressed": String(Chosen.task === task.id), onclick: choose }, task.id.slice(0, 8)),
      status(task.status, went(task)),
      task.health ? make("span", { class: tone(task.health) }, task.health) : "",
      make("span", { class: "quiet" }, `${clock(task.created)}–${task.stopped ? clock(task.stopped) : ""}`),
      reason ? make("p", { class: "detail" }, `${reason}${end}`) : task.health_reason ? make("p", { class: "detail" }, task.health_reason) : "",
    );
  }

  function setCard(set, before) {
    const weight = set.weight === null || set.weight === undefined ? "" : `, ${set.weight} % of the traffic`;
    const card = before || make("section", { class: "set" }, make("h3"), make("p", { class: "quiet" }), make("ul", { class: "task-list" }));
    const [head, counts, list] = card.children;
    head.replaceChildren(make("span", { class: `swatch ${set.color}`, "aria-hidden": "true" }), `${set.color || "task set"} `, status(set.status), make("span", { class: "quiet" }, weight));
    say(counts, `${set.definition} · ${set.running} running, ${set.pending} pending, ${set.desired} desired`);
    keep(list, set.tasks, (task) => task.id, taskRow, (task) => `${Chosen.second}${Chosen.task === task.id}`);
    return card;
  }

  function renderTasks() {
    const tasks = Store.values("task");
    const by = new Map();
    for (const task of tasks) {
      if (!by.has(task.set)) by.set(task.set, []);
      by.get(task.set).push(task);
    }
    const own = chosenRelease()?.deployment?.id;
    const rank = (set) => (set.status !== "gone" ? 0 : set.deployment === own ? 1 : 2);
    const sets = Store.values("task-set")
      .sort((a, b) => rank(a) - rank(b) || b.began - a.began)
      .slice(0, 6)
      .map((set) => ({ ...set, tasks: newest(by.get(set.id)) }));
    const alone = by.get(null) || [];
    if (alone.length) sets.push({ id: "alone", color: "", status: "started by themselves", definition: "tasks without a service", running: alone.filter((task) => !task.stopped).length, pending: 0, desired: alone.length, tasks: newest(alone) });
    keep(byId("task-sets"), sets, (set) => set.id, setCard, (set) => JSON.stringify([set, Chosen.second, Chosen.task]), false);
  }

  const newest = (tasks) => (tasks || []).sort((a, b) => b.created - a.created).slice(0, 12);

  // ---- stacks

  function bar(one, from, to) {
    const box = make("span", { class: "track", "aria-hidden": "true" });
    const inner = make("span", { class: `bar ${one.phase}${one.is_root_cause ? " root" : ""}` });
    const of = (time) => (100 * (time - from)) / Math.max(to - from, 0.001);
    inner.style.left = `${of(one.began)}%`;
    inner.style.width = `max(3px, ${of(one.ended) - of(one.began)}%)`;
    box.append(inner);
    return box;
  }

  function barRow(one, from, to, name) {
    return make(
      "div",
      { class: `bar-row ${one.phase}${one.is_root_cause ? " root" : ""}` },
      make("span", { class: "name", title: one.resource_type }, name),
      bar(one, from, to),
      make("span", { class: "quiet" }, took(one.ended - one.began)),
      status(one.status),
    );
  }

  function operationRow([operation, from, to], before) {
    const { own, resources } = operation;
    const wasOpen = before?.querySelector("details")?.open ?? own.phase === "failed";
    const inside = make("div", { class: "resources" });
    const details = make("details", { open: wasOpen }, make("summary", { "data-focus": operation.id }, barRow(own, from, to, own.name)), inside);
    const fill = () => inside.replaceChildren(...resources.map((one) => resourceRow(one, own)));
    if (wasOpen) fill();
    details.addEventListener("toggle", () => details.open && fill());
    const root = resources.find((one) => one.is_root_cause);
    return make("li", {}, details, root ? make("p", { class: "detail root" }, `root cause: ${root.name} (${root.resource_type}): ${root.reason || root.status}`) : "");
  }

  function resourceRow(one, own) {
    const row = barRow(one, own.began, own.ended, one.name);
    return one.reason ? make("div", {}, row, make("p", { class: `detail${one.is_root_cause ? " root" : ""}` }, one.reason)) : row;
  }

  function renderStacks() {
    const all = Store.values("operation").sort((a, b) => a.own.began - b.own.began);
    const shown = all.slice(-60);
    if (shown.length === 0) return say(byId("stacks-span"), "No stack yet.");
    // Those of one provision together: what lies an hour before would make dots of the bars.
    let first = shown.length - 1;
    while (first > 0 && shown[first].own.began - Math.max(...shown.slice(0, first).map((one) => one.own.ended)) < 600) first--;
    const together = shown.slice(first);
    const from = together[0].own.began;
    const to = Math.max(...together.map((one) => one.own.ended));
    say(byId("stacks-span"), `${day(from)} ${clock(from)} to ${clock(to)} UTC, ${took(to - from)}`);
    const rows = together.map((one) => [one, from, to]);
    const list = byId("operations");
    // A row's item is its operation: the axis alone is in the sign.
    keep(list, rows.map((row) => Object.assign(row, { id: row[0].id })), (row) => row.id, operationRow, ([one, a, b]) => `${a}${b}${JSON.stringify(one)}`, false);
  }

  // ---- the journal

  function roleRow(role, before) {
    const wasOpen = before?.open ?? role.denied > 0;
    const name = role.principal.split(":").pop();
    const body = make("div", { class: "scroll" });
    const fill = () => {
      const rows = role.uses.map((use) =>
        make("tr", { class: use.denied ? "bad" : "" }, make("td", {}, use.denied ? "denied" : "allowed"), make("td", {}, use.action), make("td", { class: "arn" }, use.resource), make("td", {}, count(use.denied || use.allowed))),
      );
      body.replaceChildren(table(["", "action", "resource", "times"], rows, `What ${name} asked for`));
    };
    const denied = make("span", { class: role.denied ? "status bad" : "quiet" }, `${count(role.denied)} denied`);
    const details = make("details", { open: wasOpen }, make("summary", { "data-focus": role.principal, title: role.principal }, make("span", { class: "grow" }, name), denied, make("span", { class: "quiet" }, `${count(role.allowed)} allowed`)), body);
    if (wasOpen) fill();
    details.addEventListener("toggle", () => details.open && fill());
    return details;
  }

  function renderJournal() {
    const roles = Store.values("role").sort((a, b) => b.denied - a.denied || a.principal.localeCompare(b.principal));
    keep(byId("roles"), roles, (role) => role.principal, roleRow);
  }

  function renderAbout() {
    const about = Store.get("about", "");
    if (!about) return;
    const written = about.written ? `report of ${day(about.written)} ${clock(about.written)} UTC` : "";
    const scale = about.time_scale > 1 ? `waits pass ${about.time_scale} times faster than on AWS` : "";
    say(byId("about"), [about.name, about.place, about.region, scale, written].filter(Boolean).join(" · "));
    document.title = `${about.name || "Seatrial"} · ${about.place}`;
  }

  function start() {
    Store.watch(["about"], renderAbout);
    Store.watch(["verdict", "release", "second"], renderVerdict);
    Store.watch(["verdict", "release", "chosen"], renderWhy);
    Store.watch(["verdict", "release", "chosen"], renderReleases);
    Store.watch(["release", "chosen"], renderPipeline);
    Store.watch(["task", "task-set", "release", "chosen"], renderTasks);
    Store.watch(["operation"], renderStacks);
    Store.watch(["role"], renderJournal);
  }

  return { start };
})();
