// How far back a mistake can be heard. A state of four numbers is passed along a village sentence; from the last word a
// gradient goes back through every step, and a bar for each word says how much of it is left there. The reader sets how
// strongly the state pulls on the next one (simple network), or how far the forget gate is open (LSTM). The formulas
// are exact: the bars are solutions.rnn.gradient_norms_by_distance of the same small weights, divided by distance 0.

import { element, followPage, keep, settingsOf } from "./_shared.js";

const defaults = {
  network: "simple", // "simple", "linear" (the same without its tanh), "lstm"
  pull: 0.7, // 0.5 to 1.5: the spectral radius of the state weights, in the two networks without gates
  forget: 0.97, // 0.5 to 0.99: the forget gate of the LSTM
  back: 18, // 0 to 24: the distance in words that is read off
};

const WORDS = (
  "Over her bed Wilma kept a bell . The fog lasted all evening . Teo fed the hens . Without warning , Wilma rang the"
).split(" "); // and the word to be predicted is the bell
const T = WORDS.length, LAST = T - 1, D = 4;

// The weights. A word is four made-up numbers, x[j] = 0.4 sin((j + 1) t) at position t = 1, 2 …; they go into the state
// as they are. The state weights turn the numbers one and two by 0.5 radians, three and four by 1.3, and multiply the
// length by the pull. In the LSTM the blocks i, g and o read word + state · 0.1 · TURN; the forget gate is held.
const range = (n) => Array.from({ length: n }, (_, i) => i);
const x = range(T).map((t) => range(D).map((j) => 0.4 * Math.sin((j + 1) * (t + 1))));
const TURN = range(D).map(() => new Array(D).fill(0));
[0.5, 1.3].forEach((angle, pair) => {
  const [a, b] = [2 * pair, 2 * pair + 1];
  TURN[a][a] = TURN[b][b] = Math.cos(angle);
  TURN[a][b] = Math.sin(angle);
  TURN[b][a] = -Math.sin(angle);
});
const LSTM_PULL = 0.1;

const forward = (row, factor) => range(D).map((j) => factor * row.reduce((sum, v, i) => sum + v * TURN[i][j], 0));
const backward = (row, factor) => range(D).map((i) => factor * row.reduce((sum, v, j) => sum + v * TURN[i][j], 0));
const plus = (...rows) => range(D).map((j) => rows.reduce((sum, row) => sum + row[j], 0));
const norm = (...rows) => Math.hypot(...rows.flat());
const sigmoid = (v) => 1 / (1 + Math.exp(-v));

/** The network without gates: what is passed on after each word, and the gradient's length at each distance. */
function simple(pull, slope, squash) {
  const states = [];
  for (const word of x) states.push(plus(word, forward(states.at(-1) ?? new Array(D).fill(0), pull)).map(squash));
  let gradient = new Array(D).fill(1); // the loss is the sum of the last state
  const norms = [norm(gradient)];
  for (const state of states.slice(1).reverse()) {
    gradient = backward(gradient.map((v, j) => v * slope(state[j])), pull);
    norms.push(norm(gradient));
  }
  return { states, norms };
}

/** The LSTM with its forget gate held at one value; its state is h and c, and so is the gradient. */
function lstm(forget) {
  let h = new Array(D).fill(0), c = new Array(D).fill(0);
  const steps = x.map((word) => {
    const block = plus(word, forward(h, LSTM_PULL)); // the same for i, g and o
    const [i, g, o] = [block.map(sigmoid), block.map(Math.tanh), block.map(sigmoid)];
    c = c.map((v, j) => forget * v + i[j] * g[j]);
    h = c.map((v, j) => o[j] * Math.tanh(v));
    return { h, c, i, g, o };
  });
  let [byH, byC] = [new Array(D).fill(1), new Array(D).fill(0)];
  const norms = [norm(byH, byC)];
  for (const { c, i, g, o } of steps.slice(1).reverse()) {
    byC = byC.map((v, j) => v + byH[j] * o[j] * (1 - Math.tanh(c[j]) ** 2));
    const block = byC.map(
      (v, j) => v * (g[j] * i[j] * (1 - i[j]) + i[j] * (1 - g[j] ** 2)) + byH[j] * Math.tanh(c[j]) * o[j] * (1 - o[j]),
    );
    byH = backward(block, LSTM_PULL);
    byC = byC.map((v) => v * forget);
    norms.push(norm(byH, byC));
  }
  return { states: steps.map((step) => step.h), norms };
}

const networks = {
  simple: {
    title: "Simple network", dial: "pull",
    run: (state) => simple(state.pull, (h) => 1 - h ** 2, Math.tanh),
  },
  linear: {
    title: "without its tanh", dial: "pull",
    run: (state) => simple(state.pull, () => 1, (v) => v),
  },
  lstm: { title: "LSTM", dial: "forget", run: (state) => lstm(state.forget) },
};
const dials = {
  pull: { title: "Pull of the state", least: 0.5, most: 1.5 },
  forget: { title: "Forget gate", least: 0.5, most: 0.99 },
};

const superscript = (n) => [...String(n)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
/** A share as a person reads it: 0.58, 12, 3.1 × 10⁻⁷. */
function said(share) {
  const exponent = Math.floor(Math.log10(share));
  if (exponent >= -3 && exponent <= 2) return String(Number(share.toPrecision(2)));
  const [digits, power] = share.toExponential(1).split("e");
  return `${digits}\u00a0×\u00a010${superscript(Number(power))}`;
}
const verdict = (share) => (share > 10 ? "It explodes" : share < 0.1 ? "It vanishes" : "It arrives");
const words = (n) => (n === 1 ? "1 word back" : `${n} words back`);

const STYLE = `
.lc-vanishing { --bar: #0072b2; --chosen: #c14f00; --line: color-mix(in srgb, currentColor 20%, transparent);
  --quiet: color-mix(in srgb, currentColor 76%, transparent); font-size: 0.95em; line-height: 1.4;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-vanishing[data-shade="dark"] { --bar: #56b4e9; --chosen: #e69f00; }
.lc-vanishing * { box-sizing: border-box; }
.lc-vanishing [hidden] { display: none !important; }
.lc-vanishing p { margin: 0; }
.lc-vanishing .finding { font-weight: 650; min-height: 2.8em; }
.lc-vanishing .finding b { color: var(--chosen); font-variant-numeric: tabular-nums; }
.lc-vanishing .others { color: var(--quiet); font-size: 0.86em; min-height: 1.4em; font-variant-numeric: tabular-nums; }
.lc-vanishing svg { display: block; width: 100%; height: auto; margin: 0.5rem 0; }
.lc-vanishing text { fill: var(--quiet); font-size: 11px; }
.lc-vanishing text.chosen { fill: var(--chosen); font-weight: 650; }
.lc-vanishing .tick { stroke: var(--line); }
.lc-vanishing .whole { stroke: currentColor; stroke-width: 1.2; }
.lc-vanishing .bar { fill: var(--bar); transition: y 0.15s, height 0.15s; }
.lc-vanishing .bar.chosen { fill: var(--chosen); }
.lc-vanishing .mark { fill: var(--chosen); }
.lc-vanishing .number { stroke: var(--bar); stroke-width: 1.2; fill: var(--bar); transition: r 0.15s; }
.lc-vanishing .number.negative { fill: transparent; }
.lc-vanishing .column { fill: transparent; cursor: pointer; }
.lc-vanishing .controls { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; align-items: center; }
.lc-vanishing label { display: inline-flex; align-items: center; gap: 0.45rem; min-height: 2.4rem; }
.lc-vanishing fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.1rem; flex-basis: 100%; }
.lc-vanishing legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.lc-vanishing input { accent-color: var(--bar); margin: 0; }
.lc-vanishing input[type="radio"] { width: 1.1rem; height: 1.1rem; }
.lc-vanishing input[type="range"] { width: 10.5rem; }
.lc-vanishing input:focus-visible { outline: 3px solid var(--chosen); outline-offset: 2px; }
.lc-vanishing output { font-variant-numeric: tabular-nums; min-width: 2.4em; }
.lc-vanishing .key { color: var(--quiet); font-size: 0.84em; padding-top: 0.4rem; margin-top: 0.3rem; border-top: 1px solid var(--line); }
@media (max-width: 600px) { .lc-vanishing .finding { min-height: 4.2em; } .lc-vanishing .others { min-height: 2.8em; } }
@media (prefers-reduced-motion: reduce) { .lc-vanishing * { transition: none !important; } }
@media print { .lc-vanishing .controls { display: none; } }
`;

const LOWEST = -10, HIGHEST = 5; // powers of ten on the axis

/** The drawing at one width in pixels. `show` fills in the message, the bars and the chosen distance. */
function draw(width, choose) {
  const left = 42, message = 14, row = 13, top = message + D * row + 26, tall = 176, below = 68;
  const gap = (width - left) / T;
  const at = (t) => left + (t + 0.5) * gap;
  const y = (power) => top + ((HIGHEST - power) / (HIGHEST - LOWEST)) * tall;
  const picture = element("svg", { viewBox: `0 0 ${width} ${top + tall + below}`, "aria-hidden": "true" });
  const write = (words, attributes) => picture.appendChild(element("text", attributes, words));

  write("message", { x: 0, y: 9 });
  write("how much of the gradient is left", { x: 0, y: top - 10 });
  for (let power = LOWEST; power <= HIGHEST; power += power % 2 ? 1 : 2) {
    const whole = power === 0;
    picture.append(element("line", { x1: left, x2: width, y1: y(power), y2: y(power), class: whole ? "whole" : "tick" }));
    if (power % 2 === 0) write(whole ? "1" : `10${superscript(power)}`, { x: left - 6, y: y(power) + 4, "text-anchor": "end" });
  }
  const columns = range(T).map((t) => {
    const numbers = range(D).map((j) => picture.appendChild(element("circle", { cx: at(t), cy: message + (j + 0.5) * row })));
    const bar = picture.appendChild(element("rect", { x: at(t) - gap * 0.36, width: gap * 0.72 }));
    const turn = `translate(${at(t) + 4} ${top + tall + 12}) rotate(-58)`;
    const word = write(WORDS[t], { transform: turn, "text-anchor": "end" });
    return { numbers, bar, word };
  });
  const mark = picture.appendChild(element("path", { class: "mark", d: "M-5 -9L5 -9L0 0Z" }));
  for (const t of range(T)) {
    const column = element("rect", { class: "column", x: left + t * gap, y: 0, width: gap, height: top + tall + below });
    column.addEventListener("click", () => choose(LAST - t));
    picture.append(column);
  }

  function show({ states, norms }, back) {
    columns.forEach(({ numbers, bar, word }, t) => {
      const share = norms[LAST - t] / norms[0];
      const chosen = LAST - t === back ? " chosen" : "";
      const end = y(Math.max(LOWEST, Math.min(HIGHEST, Math.log10(share))));
      bar.setAttribute("class", `bar${chosen}`);
      bar.dataset.back = LAST - t;
      bar.dataset.left = share;
      bar.style.y = `${Math.min(end, y(0))}px`;
      bar.style.height = `${Math.max(1.5, Math.abs(end - y(0)))}px`;
      word.setAttribute("class", chosen.trim());
      numbers.forEach((number, j) => {
        number.setAttribute("class", `number${states[t][j] < 0 ? " negative" : ""}`);
        number.style.r = `${Math.min(row * 0.46, gap * 0.46) * Math.sqrt(Math.min(1, Math.abs(states[t][j])))}px`;
      });
    });
    mark.setAttribute("transform", `translate(${at(LAST - back)} ${top + 1})`);
  }
  return { picture, show };
}

function settings(model) {
  const state = settingsOf(model, "vanishing", defaults);
  if (!(state.network in networks)) {
    throw new Error(`vanishing: no such network: ${state.network}. Known: ${Object.keys(networks).join(", ")}.`);
  }
  for (const [key, { least, most }] of Object.entries({ ...dials, back: { least: 0, most: LAST } })) {
    if (!(state[key] >= least && state[key] <= most)) {
      throw new Error(`vanishing: ${key} is from ${least} to ${most}, not ${state[key]}.`);
    }
  }
  return { ...state, back: Math.round(state.back) };
}

function render({ model, el }) {
  let state = settings(model);
  let drawing = null;

  const finding = element("p", { class: "finding" });
  const others = element("p", { class: "others" });
  const live = element("div", { role: "status", "aria-live": "polite" }, finding, others);
  const stage = element("div", { class: "stage" });
  const name = `lc-vanishing-${Math.random().toString(36).slice(2)}`; // radio buttons of one picture belong together
  const radios = Object.entries(networks).map(([key, { title }]) => {
    const radio = element("input", { type: "radio", name, value: key });
    radio.checked = key === state.network;
    radio.addEventListener("change", () => change({ network: key }));
    return element("label", {}, radio, title);
  });
  const slider = (key, title, least, most, step) => {
    const input = element("input", { type: "range", min: least, max: most, step, name: key });
    input.value = state[key]; // after the limits: a browser rounds what it is given to the step and into them
    const output = element("output");
    input.addEventListener("input", () => change({ [key]: Number(input.value) }));
    return { key, input, output, label: element("label", {}, title, input, output) };
  };
  const sliders = Object.entries(dials).map(([key, { title, least, most }]) => slider(key, title, least, most, 0.01));
  const back = slider("back", "Words back", 0, LAST, 1);
  const controls = element(
    "div", { class: "controls" }, element("fieldset", {}, element("legend", {}, "Network"), ...radios),
    ...sliders.map(({ label }) => label), back.label,
  );
  const key = element(
    "p", { class: "key" },
    "Message: the four numbers after each word, the larger the farther from 0, hollow where negative. ",
    "Bars: the gradient of the last state, each step down or up on the scale a factor of 10. ",
    "The word to be foretold is the bell, which came up 18 words back.",
  );
  const root = element(
    "div", { class: "lc-vanishing", role: "group", "aria-label": "How much of a gradient is left, word by word" },
    element("style", {}, STYLE), live, stage, controls, key,
  );
  el.append(root);

  function show() {
    const { dial, run } = networks[state.network];
    const result = run(state);
    const left = (distance) => result.norms[distance] / result.norms[0];
    for (const { key, output, label } of sliders) {
      label.hidden = key !== dial;
      output.textContent = state[key].toFixed(2);
    }
    back.input.value = state.back; // a click on a word moves it as well
    back.output.textContent = state.back;
    back.input.setAttribute("aria-valuetext", `${words(state.back)}, “${WORDS[LAST - state.back]}”`);
    finding.replaceChildren(
      `${verdict(left(state.back))}: ${words(state.back)}, at “${WORDS[LAST - state.back]}”, `,
      element("b", {}, said(left(state.back))), " of the gradient is left.",
    );
    others.textContent = [6, 12, 18, 24].map((k) => `${k}\u00a0back:\u00a0${said(left(k))}`).join(" · ");
    drawing?.show(result, state.back);
  }

  function change(some) {
    state = { ...state, ...some };
    show();
    keep(model, state);
  }

  const leave = followPage(root, stage, (width) => {
    drawing = draw(width, (distance) => change({ back: distance }));
    stage.replaceChildren(drawing.picture);
    show();
  });
  show();
  return leave;
}

export default { render };
