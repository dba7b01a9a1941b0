
"use strict";
// Everything the model wrote arrives as JSON and leaves as text: no markup is ever made from it.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const LITTLE = 0.5; // nats of reliance below which a span rests on almost no visual evidence
const RELIES = 0.25; // nats from which a token counts as relying on a region
const count = data.tokens.length;
const regionCount = data.regions.length;
const effects = decode(data.effects);
const state = { token: 0, whole: false, lit: -1, pinned: -1, timer: 0 };
const tokens = [], paths = [], rows = [], chosen = [], marked = [];
const curves = new Map();

function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true) * data.quantum);
}
function make(parent, tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  parent.append(element);
  return element;
}
function nats(value) {
  const size = Math.abs(value), text = size.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
  return Number(text) === 0 ? "0" : (value > 0 ? "+" : "−") + text;
}
function stepOf(token) {
  let low = 0, high = data.steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (data.steps[middle].start <= token) low = middle; else high = middle - 1;
  }
  return low;
}
function span() {
  if (!count) return [0, 0];
  if (!state.whole) return [state.token, state.token + 1];
  const step = data.steps[stepOf(state.token)];
  return [step.start, step.end];
}
function sums(start, end) {
  const total = new Float32Array(regionCount);
  for (let t = start; t < end; t++)
    for (let r = 0; r < regionCount; r++) total[r] += effects[t * regionCount + r];
  return total;
}
function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), data.floor);
}
function colourOf(effect, scale) {
  const part = Math.max(data.signed ? -1 : 0, Math.min(1, effect / scale));
  const place = Math.round(data.signed ? (part + 1) * 127.5 : part * 255) * 6;
  return ["#" + data.colours.slice(place, place + 6), Math.abs(part) ** 0.6];
}
function measuredOf(start, end) {
  return data.measured.findLast((one) => one.start === start && one.end === end);
}

function build() {
  $("prompt").textContent = data.prompt || "(no prompt)";
  $("about").textContent = data.about;
  $("legend").textContent = data.signed
    ? "Estimated effects in nats: orange or green supports the words, blue or purple speaks against them."
    : "Estimated effects in nats: what supports the words.";
  if (data.kind === "uncalibrated") {
    $("legend").textContent = "Uncalibrated attention: where the model looks beyond its habits, not effects.";
    $("unit").textContent = "uncalibrated";
  }
  $("regions").setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  $("regions").setAttribute("preserveAspectRatio", "none");
  data.regions.forEach((region, i) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", region.path);
    path.setAttribute("fill", "#ffffff");
    path.setAttribute("fill-opacity", "0");
    path.setAttribute("pointer-events", "all");
    const title = document.createElementNS(SVG, "title");
    title.textContent = region.name;
    path.append(title);
    listen(path, i);
    $("regions").append(path);
    paths.push(path);
    const row = make($("table"), "button");
    row.type = "button";
    make(row, "span", region.name);
    make(make(row, "span", undefined, "bar"), "i");
    make(row, "span", "", "number");
    make(row, "span", "", "number");
    listen(row, i);
    rows.push(row);
  });
  const scale = Math.max(data.floor, [...data.reliance].map(Math.abs).sort((a, b) => a - b)[Math.floor(0.98 * count)] || 0);
  let phase = "", box = $("reasoning");
  data.steps.forEach((step) => {
    if (step.phase !== phase) {
      phase = step.phase;
      make($("reasoning"), "h2", phase, phase);
      box = make($("reasoning"), "div");
    }
    const line = make(box, "div", undefined, "step"); // a block of its own: off the screen it costs nothing
    let begun = false;
    for (let t = step.start; t < step.end; t++) {
      const text = begun ? data.tokens[t] : data.tokens[t].trimStart(); // a line begins at its first word
      const token = make(line, "span", text, "token");
      begun = begun || text !== "";
      const reliance = t < data.estimated ? data.reliance[t] : 0;
      const what = data.kind === "uncalibrated" ? "attention" : "reliance";
      token.title = t < data.estimated ? `token ${t + data.first + 1}: ${what} ${nats(reliance)} ${data.unit}, ${data.kind}` : "not estimated";
      if (Math.abs(reliance) >= 0.1) {
        const strength = 0.45 * Math.min(1, Math.abs(reliance) / scale) ** 0.8;
        token.style.backgroundColor = `rgba(${reliance > 0 ? data.supports : data.opposes}, ${strength.toFixed(3)})`;
      }
      token.dataset.token = t;
      tokens.push(token);
    }
  });
  document.body.classList.toggle("unmeasured", !data.measured.length);
  $("playhead").max = Math.max(0, count - 1);
}
function listen(element, region) {
  element.addEventListener("mouseenter", () => light(region));
  element.addEventListener("mouseleave", () => light(state.pinned));
  element.addEventListener("focus", () => light(region));
  element.addEventListener("blur", () => light(state.pinned));
  element.addEventListener("click", () => {
    state.pinned = state.pinned === region ? -1 : region;
    light(region);
  });
}

function move(token) {
  if (!count) return say("Nothing was generated.");
  tokens[state.token].removeAttribute("aria-current");
  state.token = Math.max(0, Math.min(count - 1, token));
  tokens[state.token].setAttribute("aria-current", "true");
  const [start, end] = span();
  chosen.splice(0).forEach((one) => one.classList.remove("chosen"));
  for (let t = start; t < end; t++) chosen.push(tokens[t]);
  chosen.forEach((one) => one.classList.add("chosen"));
  reveal(tokens[state.token].parentNode);
  $("playhead").value = state.token;
  const step = stepOf(state.token);
  const place = `token ${state.token + data.first + 1} of ${data.total}, step ${step + data.firstStep + 1}`;
  $("playhead").setAttribute("aria-valuetext", place);
  $("place").textContent = place;
  draw(start, end);
  drawCurve();
}
function reveal(line) {
  const box = $("reasoning"), seen = box.getBoundingClientRect(), at = line.getBoundingClientRect();
  if (at.top < seen.top || at.bottom > seen.bottom) box.scrollTop += at.top - seen.top - seen.height / 3;
}
function draw(start, end) {
  const known = end <= data.estimated, measured = measuredOf(start, end);
  const values = known ? sums(start, end) : new Float32Array(regionCount);
  const scale = largest(values);
  const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  paths.forEach((path, i) => {
    const [colour, opacity] = colourOf(values[i], scale);
    path.setAttribute("fill", colour);
    path.setAttribute("fill-opacity", (opacity * data.opacity).toFixed(3));
  });
  sort(order);
  rows.forEach((row, i) => {
    const bar = row.children[1].firstChild, half = 50 * Math.min(1, Math.abs(values[i]) / scale);
    bar.style.left = values[i] >= 0 ? "50%" : `${50 - half}%`;
    bar.style.width = `${half}%`;
    bar.style.background = colourOf(data.signed ? Math.sign(values[i]) * scale * 0.8 : scale * 0.5, scale)[0];
    row.children[2].textContent = known ? nats(values[i]) : "–";
    row.children[2].title = `${data.kind}, ${data.unit}`;
    row.children[3].textContent = measured ? nats(measured.effects[i]) : "";
    row.children[3].title = measured ? `measured (${measured.operator}), in nats` : "not measured";
  });
  say(finding(start, end, known, values, order, measured));
}
function sort(order) {
  const still = order.findIndex((i) => rows[i] === document.activeElement); // moved, it would lose the focus
  order.forEach((i, place) => {
    if (place < still) rows[order[still]].before(rows[i]);
    else if (place > still) $("table").append(rows[i]);
  });
}
function finding(start, end, known, values, order, measured) {
  const subject = state.whole ? `Step ${stepOf(start) + data.firstStep + 1}` : `“${data.tokens[start].trim() || "(space)"}”`;
  if (!known) return `${subject}: effects were not estimated.`;
  const reliance = data.reliance.slice(start, end).reduce((a, b) => a + b, 0);
  const first = order.find((i) => values[i] > 0);
  if (data.kind === "uncalibrated")
    return first === undefined ? `${subject}: uncalibrated attention, on no region.`
      : `${subject} attends most of all to “${data.regions[first].name}”: uncalibrated attention, not an effect.`;
  const checked = measured ? ` Measured (${measured.operator}): ${nats(measured.reliance)} nats.` : "";
  if (reliance < LITTLE && reliance > -LITTLE) return `${subject} rests on almost no visual evidence: ${nats(reliance)} nats, estimated.${checked}`;
  if (reliance < 0) return `${subject} would be likelier without the screenshot: ${nats(reliance)} nats, estimated.${checked}`;
  const best = order.find((i) => values[i] > 0);
  const where = best === undefined ? "" : `, most of all on “${data.regions[best].name}”`;
  return `${subject} depends on the screenshot: ${nats(reliance)} nats, estimated${where}.${checked}`;
}
function say(text) {
  $("finding").textContent = text;
}
function least(token) {
  if (data.kind !== "uncalibrated") return RELIES;
  let most = 1e-6; // no unit, and so no threshold: half of the strongest region's attention counts
  for (let i = token * regionCount; i < (token + 1) * regionCount; i++) most = Math.max(most, effects[i]);
  return most / 2;
}
function relying(region) {
  const found = [];
  if (region >= 0)
    for (let t = 0; t < data.estimated; t++) if (effects[t * regionCount + region] >= least(t)) found.push(t);
  return found;
}
function light(region) {
  state.lit = region;
  paths.forEach((path, i) => path.classList.toggle("lit", i === region));
  rows.forEach((row, i) => {
    row.classList.toggle("lit", i === region);
    row.setAttribute("aria-pressed", String(i === state.pinned));
  });
  marked.splice(0).forEach((t) => tokens[t].classList.remove("relies"));
  marked.push(...relying(region));
  marked.forEach((t) => tokens[t].classList.add("relies"));
  if (region >= 0) paths[region].parentNode.append(paths[region]); // its outline above its neighbours'
  drawCurve();
}
function drawCurve() {
  const canvas = $("curve"), ratio = window.devicePixelRatio || 1, style = getComputedStyle(document.documentElement);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio)), height = Math.round(56 * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  if (!count) return;
  const bars = Math.min(count, width), tall = curve(bars), top = largest(tall), room = height - 8 * ratio;
  for (let x = 0; x < bars; x++) {
    const phase = data.steps[stepOf(Math.floor((x * count) / bars))].phase;
    const high = (room * tall[x]) / top, left = (x * width) / bars;
    pen.fillStyle = style.getPropertyValue(phase === "answer" ? "--answer" : "--thinking");
    pen.fillRect(left, height - high, Math.max(1, width / bars - (bars < width / 4 ? ratio : 0)), high);
  }
  pen.fillStyle = style.getPropertyValue("--accent");
  marked.forEach((t) => pen.fillRect((t * width) / count, 0, Math.max(2, width / count), 5 * ratio));
  const [start, end] = span();
  pen.lineWidth = 2 * ratio;
  pen.strokeStyle = style.getPropertyValue("--text");
  pen.strokeRect((start * width) / count, ratio, Math.max(2 * ratio, ((end - start) * width) / count), height - 2 * ratio);
}
function curve(bars) {
  if (curves.has(bars)) return curves.get(bars);
  const tall = new Float32Array(bars);
  for (let t = 0; t < count; t++) {
    const x = Math.floor((t * bars) / count);
    tall[x] = Math.max(tall[x], t < data.estimated ? data.reliance[t] : 0);
  }
  curves.set(bars, tall);
  return tall;
}

const go = {
  first: () => move(0),
  last: () => move(count - 1),
  back: () => move(state.token - 1),
  forward: () => move(state.token + 1),
  "step-back": () => {
    const step = stepOf(state.token), start = data.steps[step]?.start ?? 0;
    move(state.token > start ? start : data.steps[Math.max(0, step - 1)]?.start ?? 0);
  },
  "step-forward": () => move(data.steps[stepOf(state.token) + 1]?.start ?? count - 1),
  play: () => (state.timer ? hold() : play()),
};
function play() {
  if (state.token >= count - 1) move(0);
  $("play").textContent = "Hold";
  state.timer = setInterval(() => {
    if (state.whole) go["step-forward"](); else move(state.token + 1);
    if (state.token >= count - 1) hold();
  }, 1000 / (state.whole ? 1 : Number($("speed").value)));
}
function hold() {
  clearInterval(state.timer);
  state.timer = 0;
  $("play").textContent = "Play";
}
function jump(direction) {
  const next = marked.filter((t) => (t - state.token) * direction > 0);
  if (next.length) move(direction > 0 ? next[0] : next[next.length - 1]);
}
function hear() {
  for (const [id, act] of Object.entries(go)) $(id).addEventListener("click", act);
  $("playhead").addEventListener("input", (event) => move(Number(event.target.value)));
  $("whole").addEventListener("change", (event) => { state.whole = event.target.checked; move(state.token); });
  $("speed").addEventListener("change", () => { if (state.timer) { hold(); play(); } });
  $("reasoning").addEventListener("click", (event) => {
    const token = event.target.closest(".token");
    if (token) move(Number(token.dataset.token));
  });
  const scrub = (event) => {
    const box = $("curve").getBoundingClientRect();
    if (event.buttons & 1) move(Math.floor(((event.clientX - box.left) * count) / box.width));
  };
  $("curve").addEventListener("pointerdown", scrub);
  $("curve").addEventListener("pointermove", scrub);
  $("theme").addEventListener("click", () => { document.documentElement.classList.toggle("dark"); drawCurve(); });
  window.addEventListener("resize", drawCurve);
  window.addEventListener("hashchange", follow);
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.altKey || event.metaKey || target.tagName === "SELECT") return;
    const act = {
      ArrowLeft: event.ctrlKey ? go["step-back"] : go.back,
      ArrowRight: event.ctrlKey ? go["step-forward"] : go.forward,
      Home: go.first,
      End: go.last,
      " ": target.tagName === "BUTTON" || target.type === "checkbox" ? undefined : go.play,
      n: () => jump(1),
      N: () => jump(-1),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
}
function follow() {
  const found = /^#(token|step)=(\d+)$/.exec(location.hash);
  if (!found) return false;
  state.whole = $("whole").checked = found[1] === "step";
  const number = Number(found[2]) - 1;
  move(found[1] === "token" ? number - data.first : data.steps[number - data.firstStep]?.start ?? 0);
  return true;
}

document.documentElement.classList.toggle("dark", window.matchMedia("(prefers-color-scheme: dark)").matches);
build();
hear();
if (!follow()) move(0);
