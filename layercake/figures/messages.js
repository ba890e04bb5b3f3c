// Who waits for whom. One row of positions, layers above it, and the messages between them, step by step: in a
// recurrent network a message passes from position to position; in attention messages come diagonally from every
// earlier position at once. A unit is computed one step after the last of the units that it waits for, and that
// rule (layercake/labs/waiting.py) is the only thing that decides what happens at a step.

import { element, followShade, keep, settingsOf } from "./_shared.js";

const defaults = {
  designs: ["recurrent", "attention"], // which networks stand side by side; the keys of `networks`
  length: 12, // positions, 4 to 24
  layers: 3, // 1 to 6
  step: 0, // how many steps are done
  playing: false,
  milliseconds: 900, // a step's time while playing
};

const WORDS = (
  "Mara puts the lantern on the shelf above the mill door and nobody thinks of it again until the night of the great flood"
).split(" ");

// Each network: its name, how it passes messages, and the units that a unit (layer, position) waits for. Layer 0 is
// the input, which is there from the start. The same functions as in layercake/labs/waiting.py.
const upTo = (position, first = 0) => Array.from({ length: position - first + 1 }, (_, i) => first + i);
const recurrent = (layer, position) => [[layer - 1, position], ...(position ? [[layer, position - 1]] : [])];
const attentive = (layer, position) => upTo(position).map((p) => [layer - 1, p]);
const networks = {
  recurrent: {
    title: "Recurrent network",
    rule: "Each unit reads the unit below, and its own state one position back.",
    waitsFor: recurrent,
  },
  attention: {
    title: "Attention",
    rule: "Each unit reads every unit of the layer below, up to its own position.",
    waitsFor: attentive,
  },
  attention_on_recurrent: {
    title: "Recurrent with attention",
    rule: "Layer 1 passes its state along; the layers above read every state so far.",
    waitsFor: (layer, position) => (layer === 1 ? recurrent : attentive)(layer, position),
  },
  convolution: {
    title: "Convolution",
    rule: "Each unit reads three of the layer below: its own position and the two before.",
    waitsFor: (layer, position) => upTo(position, Math.max(0, position - 2)).map((p) => [layer - 1, p]),
  },
};

/** Every unit with what it waits for and the step at which it is computed, and how many steps that takes in all. */
function schedule(waitsFor, length, layers) {
  const doneAt = Array.from({ length: layers + 1 }, () => new Array(length).fill(0));
  const units = [];
  for (let layer = 1; layer <= layers; layer++) {
    for (let position = 0; position < length; position++) {
      const waits = waitsFor(layer, position);
      doneAt[layer][position] = 1 + Math.max(0, ...waits.map(([l, p]) => doneAt[l][p]));
      units.push({ layer, position, waits, step: doneAt[layer][position] });
    }
  }
  return { units, depth: Math.max(0, ...units.map((unit) => unit.step)) };
}

/** What a step computes, in words: for the reader and for a screen reader. */
function describe(plan, step) {
  const now = plan.units.filter((unit) => unit.step === step);
  if (step === 0) return "Only the words are there. Nothing is computed yet.";
  if (!now.length) return `Finished at step ${plan.depth}. Nothing left to wait for.`;
  if (now.length <= 3) {
    const each = now.map(({ layer, position }) => `layer ${layer} at position ${position + 1}`).join("; ");
    return `Computes ${now.length === 1 ? "1 unit" : `${now.length} units at once`}: ${each}.`;
  }
  const range = (numbers) => [...new Set([Math.min(...numbers), Math.max(...numbers)])].join(" to ");
  const layers = range(now.map((unit) => unit.layer));
  const positions = range(now.map((unit) => unit.position + 1));
  return `Computes ${now.length} units at once: layer ${layers}, positions ${positions}.`;
}

const STYLE = `
.lc-messages { --done: #0072b2; --now: #c14f00; --line: color-mix(in srgb, currentColor 20%, transparent);
  --quiet: color-mix(in srgb, currentColor 74%, transparent); font-size: 0.95em; line-height: 1.4;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-messages[data-shade="dark"] { --done: #56b4e9; --now: #e69f00; }
.lc-messages * { box-sizing: border-box; }
.lc-messages .networks { display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(min(17.5rem, 100%), 1fr)); }
.lc-messages .network { min-width: 0; }
.lc-messages .head { display: flex; justify-content: space-between; align-items: baseline; gap: 0.75rem; }
.lc-messages .title { font-weight: 650; }
.lc-messages .counter { font-variant-numeric: tabular-nums; white-space: nowrap; font-weight: 650; color: var(--now); }
.lc-messages .network[data-finished] .counter { color: var(--done); }
.lc-messages .rule { color: var(--quiet); font-size: 0.84em; min-height: 2.8em; margin: 0.1rem 0 0; }
.lc-messages svg { display: block; width: 100%; height: auto; overflow: visible; }
.lc-messages .clock { display: flex; gap: 2px; height: 0.7rem; margin: 0.35rem 0 0.5rem; }
.lc-messages .clock i { flex: 1 1 0; border-radius: 2px; max-width: 1.4rem; }
.lc-messages .clock i.part { border: 1px solid var(--quiet); }
.lc-messages .clock i.past { background: var(--done); border-color: var(--done); }
.lc-messages .clock i.current { background: var(--now); border-color: var(--now); }
.lc-messages .says { font-size: 0.88em; min-height: 2.8em; margin: 0; }
.lc-messages .message { stroke: var(--line); stroke-width: 0.6; fill: none; opacity: var(--faint); }
.lc-messages .message.past { stroke: var(--done); stroke-width: 0.8; opacity: calc(var(--faint) * 0.8); }
.lc-messages .message.current { stroke: var(--now); stroke-width: var(--thick); opacity: 0.9; }
.lc-messages .unit { fill: transparent; stroke: var(--quiet); stroke-width: 1.2; }
.lc-messages .unit.input { fill: var(--quiet); stroke: none; }
.lc-messages .unit.past { fill: var(--done); stroke: var(--done); }
.lc-messages .unit.current { fill: var(--now); stroke: var(--now); stroke-width: 3.4; }
.lc-messages text { fill: var(--quiet); font-size: 11px; }
.lc-messages.moving .message.current { stroke-dasharray: 1; animation: lc-send 0.45s ease-out both; }
.lc-messages.moving .unit.current { animation: lc-fill 0.3s 0.3s ease-out both; }
@keyframes lc-send { from { stroke-dashoffset: 1; } to { stroke-dashoffset: 0; } }
@keyframes lc-fill { from { fill: transparent; stroke-width: 1.2; } }
.lc-messages { display: flex; flex-wrap: wrap; gap: 0.5rem 1.1rem; align-items: center; }
.lc-messages .controls { display: contents; }
.lc-messages .live, .lc-messages .key { flex: 1 0 100%; min-width: 0; }
.lc-messages .buttons { display: flex; gap: 0.4rem; }
.lc-messages button { font: inherit; font-weight: 600; color: inherit; background: transparent; cursor: pointer;
  border: 1.5px solid var(--quiet); border-radius: 0.5rem; padding: 0.4rem 0.85rem; min-height: 2.6rem; min-width: 4.4rem; }
.lc-messages button:hover:not([aria-disabled="true"]) { background: color-mix(in srgb, currentColor 9%, transparent); }
.lc-messages button[aria-disabled="true"] { opacity: 0.5; cursor: default; }
.lc-messages :is(button, input):focus-visible { outline: 3px solid var(--now); outline-offset: 2px; }
.lc-messages label { display: inline-flex; align-items: center; gap: 0.45rem; min-height: 2.2rem; }
.lc-messages input { accent-color: var(--done); margin: 0; }
.lc-messages input[type="range"] { width: 7.5rem; }
.lc-messages input[type="checkbox"] { width: 1.1rem; height: 1.1rem; }
.lc-messages output { font-variant-numeric: tabular-nums; min-width: 1.4em; }
.lc-messages fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.1rem; flex-basis: 100%; }
.lc-messages legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.lc-messages .key { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0 0 0.3rem; padding-bottom: 0.8rem;
  border-bottom: 1px solid var(--line); color: var(--quiet); font-size: 0.84em; }
.lc-messages .key span { display: inline-flex; align-items: center; gap: 0.4rem; }
.lc-messages .key svg { width: 0.95rem; height: 0.95rem; flex: none; }
@media (max-width: 600px) { /* the drawings are taller than a phone: the buttons stay in sight beside them */
  .lc-messages .buttons { position: sticky; bottom: 0; flex: 1 0 100%; padding: 0.5rem 0; z-index: 1;
    background: var(--pst-color-on-background, var(--jp-layout-color0, Canvas)); }
  .lc-messages .buttons button { flex: 1; }
  .lc-messages .rule { min-height: 0; }
}
@media (prefers-reduced-motion: reduce) { .lc-messages.moving * { animation: none !important; } }
@media print { .lc-messages .controls { display: none; } }
`;

/** One network's drawing. `show(step, clock)` brings it to a step; `clock` is the longest depth on view. */
function drawPanel(name, length, layers) {
  const { title, rule, waitsFor } = networks[name];
  const plan = schedule(waitsFor, length, layers);
  const width = 360, left = 34, right = 12, top = 30, rise = layers > 4 ? 38 : 48, below = 68;
  const height = top + layers * rise + below;
  const gap = (width - left - right) / (length - 1);
  const radius = Math.min(7, gap * 0.33);
  const x = (position) => left + position * gap;
  const y = (layer) => top + (layers - layer) * rise;

  const messages = element("g"), circles = element("g"), labels = element("g");
  const drawn = plan.units.map((unit) => {
    const lines = unit.waits.map(([layer, position]) => {
      const path = layer === unit.layer ? between(x, y, unit, position) : straight(x, y, unit, layer, position);
      return messages.appendChild(element("path", { d: path, pathLength: 1 }));
    });
    const circle = circles.appendChild(element("circle", { cx: x(unit.position), cy: y(unit.layer), r: radius }));
    return { unit, lines, circle };
  });
  for (let position = 0; position < length; position++) {
    circles.append(element("circle", { cx: x(position), cy: y(0), r: radius * 0.55, class: "unit input" }));
    const turn = `translate(${x(position) + 4} ${y(0) + 15}) rotate(-58)`;
    labels.append(element("text", { transform: turn, "text-anchor": "end" }, WORDS[position]));
  }
  for (let layer = 1; layer <= layers; layer++) {
    labels.append(element("text", { x: left - 16, y: y(layer) + 4, "text-anchor": "end" }, String(layer)));
  }
  labels.append(element("text", { x: 0, y: y(layers) - 13 }, "layer"));

  const counter = element("span", { class: "counter" });
  const clockFace = element("div", { class: "clock", "aria-hidden": "true" });
  const says = element("p", { class: "says" });
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, messages, circles, labels);
  const panel = element(
    "section", { class: "network", "aria-label": title, "data-design": name },
    element("div", { class: "head" }, element("span", { class: "title" }, title), counter),
    clockFace, element("p", { class: "rule" }, rule), picture, says,
  );

  const crowd = plan.units.reduce((sum, { waits }) => sum + waits.length, 0) / layers; // messages in a layer
  picture.style.setProperty("--faint", Math.max(0.16, Math.min(0.6, 42 / crowd)));

  function show(step, clock) {
    const state = (at) => (at > step ? "" : at === step ? "current" : "past");
    for (const { unit, lines, circle } of drawn) {
      circle.setAttribute("class", `unit ${state(unit.step)}`);
      for (const line of lines) line.setAttribute("class", `message ${state(unit.step)}`);
      if (unit.step === step) messages.append(...lines);
    }
    const sent = drawn.reduce((sum, { unit, lines }) => sum + (unit.step === step ? lines.length : 0), 0);
    picture.style.setProperty("--thick", Math.max(0.7, 2 - sent / 50)); // many messages are drawn thinner
    counter.textContent = `step ${Math.min(step, plan.depth)} of ${plan.depth}`;
    panel.toggleAttribute("data-finished", step >= plan.depth);
    clockFace.replaceChildren(
      ...Array.from({ length: clock }, (_, i) =>
        element("i", { class: i >= plan.depth ? "" : `part ${state(i + 1)}` })),
    );
    const words = describe(plan, step);
    if (says.textContent !== words) says.textContent = words; // unchanged words are not read out again
  }
  return { panel, plan, show };
}

const straight = (x, y, unit, layer, position) =>
  `M${x(position)} ${y(layer)}L${x(unit.position)} ${y(unit.layer)}`;
const between = (x, y, unit, position) => `M${x(position)} ${y(unit.layer)}L${x(unit.position)} ${y(unit.layer)}`;

function settings(model) {
  const state = settingsOf(model, "messages", defaults);
  const strangers = state.designs.filter((name) => !(name in networks));
  if (strangers.length || !state.designs.length) {
    throw new Error(`messages: no such design: ${strangers}. Known: ${Object.keys(networks).join(", ")}.`);
  }
  const within = (value, least, most) => Math.max(least, Math.min(most, Math.round(value)));
  return { ...state, length: within(state.length, 4, 24), layers: within(state.layers, 1, 6) };
}

function render({ model, el }) {
  let state = settings(model);
  let panels = [];
  let timer = null;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const button = (label) => element("button", { type: "button" }, label);
  const [play, step, reset] = ["Play", "Step", "Reset"].map(button);
  const slider = (key, least, most) => {
    const input = element("input", { type: "range", min: least, max: most, value: state[key], name: key });
    const output = element("output", {}, String(state[key]));
    input.addEventListener("input", () => {
      output.textContent = input.value;
      change({ [key]: Number(input.value), step: 0, playing: false });
    });
    return element("label", {}, key[0].toUpperCase() + key.slice(1), input, output);
  };
  const choices = Object.entries(networks).map(([name, { title }]) => {
    const box = element("input", { type: "checkbox", value: name });
    box.checked = state.designs.includes(name);
    box.addEventListener("change", () => {
      const chosen = choices.map((label) => label.firstChild).filter((one) => one.checked).map((one) => one.value);
      if (!chosen.length) box.checked = true; // one always stays on view
      else change({ designs: chosen });
    });
    return element("label", {}, box, title);
  });
  const dot = (kind) =>
    element("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" },
      element("circle", { r: 5.5, class: `unit ${kind}` }));
  const key = element(
    "p", { class: "key" },
    element("span", {}, dot(""), "waiting"), element("span", {}, dot("current"), "computed at this step, with its messages"),
    element("span", {}, dot("past"), "computed before"),
  );
  const stage = element("div", { class: "networks" });
  const live = element("div", { role: "status", "aria-live": "polite", class: "live" });
  const controls = element(
    "div", { class: "controls" }, element("div", { class: "buttons" }, play, step, reset),
    slider("length", 4, 24), slider("layers", 1, 6),
    element("fieldset", {}, element("legend", {}, "Networks side by side"), ...choices),
  );
  live.append(stage);
  const root = element("div", { class: "lc-messages", role: "group", "aria-label": "Messages between positions, step by step" });
  root.append(element("style", {}, STYLE), live, key, controls);
  el.append(root);
  const forgetShade = followShade(root);

  const last = () => Math.max(...panels.map(({ plan }) => plan.depth));

  function build() {
    panels = state.designs.map((name) => drawPanel(name, state.length, state.layers));
    stage.replaceChildren(...panels.map(({ panel }) => panel));
  }

  function show() {
    state.step = Math.max(0, Math.min(state.step, last()));
    state.playing = state.playing && state.step < last();
    for (const one of panels) one.show(state.step, last());
    play.textContent = state.playing ? "Pause" : "Play";
    step.setAttribute("aria-disabled", state.step >= last()); // not `disabled`: the keyboard's focus stays here
    reset.setAttribute("aria-disabled", state.step === 0);
    live.setAttribute("aria-live", state.playing ? "off" : "polite"); // no stream of speech while it plays
    clearTimeout(timer);
    timer = state.playing ? setTimeout(() => change({ step: state.step + 1 }), state.milliseconds) : null;
  }

  function change(some) {
    const moved = "step" in some && some.step === state.step + 1;
    const rebuild = ["designs", "length", "layers"].some((name) => name in some);
    state = { ...state, ...some };
    root.classList.toggle("moving", moved && !still.matches);
    if (rebuild) build();
    show();
    keep(model, state);
  }

  play.addEventListener("click", () => {
    const again = !state.playing && state.step >= last();
    change({ playing: !state.playing, step: again ? 0 : state.step });
  });
  step.addEventListener("click", () => change({ playing: false, step: state.step + 1 }));
  reset.addEventListener("click", () => change({ playing: false, step: 0 }));

  state.playing = state.playing && !still.matches;
  build();
  show();
  return () => {
    clearTimeout(timer);
    forgetShade();
    root.remove();
  };
}

export default { render };
