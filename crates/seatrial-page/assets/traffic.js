"use strict";
// Traffic: requests a second, stacked by target group, weights as steps, failures in red; latency on the same axis.

const Traffic = (() => {
  let charts = null;
  let span = "release";
  let shown = { data: null, marks: [] };

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // What is looked at: the deployment of a release, for nothing is shifted before; or all there is.
  function range(seconds) {
    const release = chosenRelease();
    if (span === "all" || !release) {
      return seconds.length ? [seconds[0].time - 2, seconds[seconds.length - 1].time + 2] : null;
    }
    const { deployment } = release;
    const began = deployment ? deployment.began : release.began;
    const ended = deployment ? deployment.ended : release.ended;
    const newest = seconds.length ? seconds[seconds.length - 1].time : began;
    return [began - 8, Math.max(ended ? ended + 8 : newest + 2, began + 20)];
  }

  // Columns for the chart. A second of which nothing was told had no request.
  function columns(seconds, [from, to]) {
    const time = [], every = [], all = [], blue = [], failed = [], blueWeight = [], greenWeight = [], p50 = [], p99 = [];
    const push = (at, second, quiet) => {
      time.push(at);
      every.push(quiet || !second.unknown ? null : second.unknown);
      all.push(quiet ? 0 : second.blue + second.green);
      blue.push(quiet ? 0 : second.blue);
      failed.push(quiet || !second.failed ? null : second.failed);
      blueWeight.push(second.blue_weight);
      greenWeight.push(second.green_weight);
      p50.push(quiet ? null : second.p50);
      p99.push(quiet ? null : second.p99);
    };
    // What was so before the chart begins is so where it begins.
    let before = null;
    const earlier = seconds.filter((second) => second.time < from - 1).pop();
    if (earlier) push(from, (before = { ...earlier, time: from }), true);
    for (const second of seconds) {
      if (second.time < from - 1 || second.time > to + 1) continue;
      if (before && second.time <= before.time) continue;
      if (before && second.time > before.time + 1) {
        push(before.time + 1, before, true);
        if (second.time > before.time + 2) push(second.time - 1, before, true);
      }
      push(second.time, second, false);
      before = second;
    }
    return { requests: [time, every, all, blue, failed, blueWeight, greenWeight], latency: [time, p50, p99] };
  }

  function marks(seconds, [from, to]) {
    const release = chosenRelease();
    const found = [];
    const add = (time, text, state) => time && found.push({ time, text, state });
    if (!release) return found;
    if (span === "all") {
      for (const one of releases().slice(0, 40)) {
        add(one.deployment?.began || one.began, `release of ${short(one.revision)}`, one.status);
        if (one.deployment?.rolled_back_by) add(one.deployment.ended, "rolled back", "rollback");
      }
    } else {
      const { deployment } = release;
      if (deployment) {
        add(deployment.began, "deployment began", "");
        for (const event of deployment.events) {
          const end = event.status === "Succeeded" ? event.ended : event.ended || event.began;
          if (event.status !== "Pending" && event.status !== "Skipped") add(end, `${event.name} ${event.status}`, event.status);
        }
        if (deployment.rolled_back_by) add(deployment.ended, "rolled back", "rollback");
      }
      const sets = new Set(Store.values("task-set").filter((set) => deployment && set.deployment === deployment.id).map((set) => set.id));
      for (const task of Store.values("task")) {
        if (task.stopped && sets.has(task.set) && task.stop_code !== "ServiceSchedulerInitiated") {
          add(task.stopped, `task stopped: ${task.reason || task.stop_code || "no reason"}`, "stopped");
        }
      }
      let failing = false;
      for (const second of seconds) {
        if (second.time < from || second.time > to) continue;
        if (second.failed && !failing) add(second.time, `${count(second.failed)} requests failed`, "failed");
        failing = second.failed > 0;
      }
    }
    found.sort((a, b) => a.time - b.time);
    return found.slice(0, 60).map((mark, index) => ({ ...mark, number: index + 1 }));
  }

  // Vertical lines with their numbers, and the second that was chosen.
  const lines = {
    hooks: {
      draw: (chart) => {
        const { ctx, bbox } = chart;
        ctx.save();
        const ratio = uPlot.pxRatio;
        const at = (time, ink, dash, width) => {
          const x = Math.round(chart.valToPos(time, "x", true));
          if (x < bbox.left || x > bbox.left + bbox.width) return null;
          ctx.strokeStyle = ink;
          ctx.lineWidth = width * ratio;
          ctx.setLineDash(dash.map((part) => part * ratio));
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          return x;
        };
        let lastX = -Infinity;
        for (const mark of shown.marks) {
          const bad = tone(mark.state) === "bad";
          const x = at(mark.time, bad ? color("bad") : color("mark"), [3, 3], bad ? 1.5 : 1);
          if (x === null || chart.root.parentNode.id !== "requests-chart") continue;
          // Numbers that would lie on each other are left out: the list below has them all.
          if (x - lastX < 14 * ratio) continue;
          lastX = x;
          ctx.fillStyle = bad ? color("bad") : color("text");
          ctx.font = `${11 * ratio}px system-ui, sans-serif`;
          ctx.textAlign = "center";
          ctx.fillText(String(mark.number), x, bbox.top - 4 * ratio);
        }
        if (Chosen.second !== null) at(Chosen.second, color("accent"), [], 2);
        ctx.restore();
      },
      ready: (chart) => {
        chart.over.addEventListener("click", () => {
          const time = chart.posToVal(chart.cursor.left, "x");
          if (Number.isFinite(time)) Chosen.choose({ second: Math.round(time), task: null });
        });
      },
    },
  };

  function axes(unit) {
    const text = color("text");
    const grid = { stroke: color("line"), width: 1 };
    const base = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };
    return { x: { ...base, values: (chart, splits) => splits.map(clock), space: 74 }, y: { ...base, size: 48, label: unit, labelSize: 18, labelFont: "12px system-ui, sans-serif" } };
  }

  function options(element, height, scales, series, axis, padding) {
    return {
      width: Math.max(280, element.clientWidth),
      height,
      padding,
      scales: { x: { time: true }, ...scales },
      series: [{ label: "time", value: (chart, time) => (time ? `${clock(time)} UTC` : "–") }, ...series],
      axes: axis,
      cursor: { sync: { key: "traffic" }, drag: { x: false, y: false }, points: { show: false } },
      plugins: [lines],
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
    };
  }

  const whole = (value) => (value === null || value === undefined ? "–" : count(value));
  const percent = (value) => (value === null || value === undefined ? "–" : `${value} %`);

  function build() {
    const [top, bottom] = [byId("requests-chart"), byId("latency-chart")];
    const [first, second] = names();
    const steps = uPlot.paths.stepped({ align: 1 });
    const bars = uPlot.paths.bars({ size: [0.6, 8] });
    const green = (chart, value, series, index) => (index === null ? "–" : whole(shown.data.requests[2][index] - shown.data.requests[3][index]));
    const a = axes("requests/s");
    const weights = { ...a.y, scale: "%", side: 1, label: "weight %", grid: { show: false } };
    // Where nobody knows who answered there is one area for all.
    const unknown = shown.data.requests[1].some((one) => one);
    const upper = options(
      top,
      240,
      { y: { range: (chart, low, high) => [0, Math.max(5, high * 1.15)] }, "%": { range: [0, 105] } },
      [
        { label: "all", show: unknown, stroke: color("mark"), fill: color("line"), width: 1, points: { show: false }, value: (chart, value) => whole(value) },
        { label: second, show: !unknown, stroke: color("green"), fill: color("green-fill"), width: 1, points: { show: false }, value: green },
        { label: first, show: !unknown, stroke: color("blue"), fill: color("blue-fill"), width: 1, points: { show: false }, value: (chart, value) => whole(value) },
        { label: "failed", stroke: color("bad"), fill: color("bad"), paths: bars, points: { show: false }, value: (chart, value, series, index) => (index === null ? "–" : whole(value || 0)) },
        { label: `${first} weight`, scale: "%", stroke: color("blue"), width: 2, dash: [8, 4], paths: steps, points: { show: false }, value: (chart, value) => percent(value) },
        { label: `${second} weight`, scale: "%", stroke: color("green"), width: 2, dash: [2, 3], paths: steps, points: { show: false }, value: (chart, value) => percent(value) },
      ],
      [a.x, a.y, weights],
      [18, 0, 0, 0],
    );
    const b = axes("ms");
    const lower = options(
      bottom,
      150,
      { y: { range: (chart, low, high) => [0, Math.max(5, high * 1.15)] } },
      [
        { label: "p50", stroke: color("p50"), width: 2, points: { show: false }, value: (chart, value) => milliseconds(value) },
        { label: "p99", stroke: color("p99"), width: 2, dash: [6, 3], points: { show: false }, value: (chart, value) => milliseconds(value) },
      ],
      // As wide as the chart above: one cursor is at one time in both.
      [b.x, b.y, { ...b.y, scale: "y", side: 1, label: " ", values: () => [], grid: { show: false }, ticks: { show: false } }],
      [8, 0, 0, 0],
    );
    charts = [new uPlot(upper, shown.data.requests, top), new uPlot(lower, shown.data.latency, bottom)];
    for (const id of ["requests-chart", "latency-chart"]) byId(id).querySelector(".u-legend")?.setAttribute("aria-hidden", "true");
  }

  function rebuild() {
    charts?.forEach((chart) => chart.destroy());
    charts = null;
    render();
  }

  const names = () => Store.get("about", "")?.colors || ["blue", "green"];

  function weightsNow(seconds) {
    const last = seconds[seconds.length - 1];
    const element = byId("weights");
    if (!last) return say(element, "No weights yet.");
    element.dataset.blue = last.blue_weight;
    element.dataset.green = last.green_weight;
    const [first, second] = names();
    say(element, `Weights ${Store.get("about", "")?.written ? "in the end" : "now"}: ${first} ${last.blue_weight} %, ${second} ${last.green_weight} %`);
  }

  function markRow(mark) {
    const kind = tone(mark.state);
    return make("li", { class: kind }, moment(mark.time, `${mark.number}  ${clock(mark.time)}  ${mark.text}`, `mark-${mark.number}`));
  }

  function render() {
    const seconds = Store.seconds();
    weightsNow(seconds);
    const window = range(seconds);
    const some = window && seconds.some((second) => second.time >= window[0] && second.time <= window[1]);
    byId("no-traffic").hidden = Boolean(some);
    byId("requests-chart").hidden = byId("latency-chart").hidden = !some;
    shown.marks = window ? marks(seconds, window) : [];
    keep(byId("marks"), shown.marks, (mark) => `${mark.number}`, markRow, (mark) => `${mark.time}${mark.text}`, false);
    say(byId("second"), Chosen.second === null ? "" : `At ${clock(Chosen.second)} UTC`);
    byId("second-clear").hidden = Chosen.second === null;
    if (!some) return;
    shown.data = columns(seconds, window);
    if (!charts) build();
    charts[0].setData(shown.data.requests, false);
    charts[1].setData(shown.data.latency, false);
    for (const chart of charts) chart.setScale("x", { min: window[0], max: window[1] });
  }

  function press(what) {
    span = what;
    byId("span-release").setAttribute("aria-pressed", String(what === "release"));
    byId("span-all").setAttribute("aria-pressed", String(what === "all"));
    render();
  }

  function start() {
    byId("span-release").addEventListener("click", () => press("release"));
    byId("span-all").addEventListener("click", () => press("all"));
    byId("second-clear").addEventListener("click", () => Chosen.choose({ second: null, task: null }));
    const top = byId("requests-chart");
    top.tabIndex = 0;
    top.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || !charts) return;
      event.preventDefault();
      const { min, max } = charts[0].scales.x;
      const from = Chosen.second === null ? (step > 0 ? min : max) : Chosen.second;
      Chosen.choose({ second: Math.min(max, Math.max(min, Math.round(from) + step)), task: null });
    });
    new ResizeObserver(() => {
      charts?.forEach((chart) => {
        const width = Math.max(280, chart.root.parentNode.clientWidth);
        if (width !== chart.width) chart.setSize({ width, height: chart.height });
      });
    }).observe(byId("traffic"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
    Store.watch(["second", "release", "task", "task-set", "chosen"], render);
  }

  // What the chart's two lines of weights end at.
  const weights = () => [5, 6].map((column) => shown.data?.requests[column].at(-1) ?? null);

  return { start, weights };
})();
