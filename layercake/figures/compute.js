// What training a language model takes. Six operations for each parameter and each token; divided by what the devices
// really compute, hours; times what they draw, electricity; times what they cost to rent, money. The reader starts from
// a published run, or from the course's own, and moves any of the seven numbers. Hardware, runs and comparisons come
// from layercake/figures/compute.py, which computes the same in `estimate`.

import { element, followPage, keep, settingsOf } from "./_shared.js";

const defaults = {
  hardware: [], // what can be computed on, as layercake.figures.compute.state() gives it
  presets: [], // the runs to start from
  marks: [], // published runs, for the axis
  yardsticks: {}, // what electricity and power are compared with
  preset: null, // the title of the run that is shown; null: the reader's own numbers
  parameters: 175e9, // that take part for each token
  tokens: 300e9,
  device: "h100", // a key of the hardware
  devices: 1000,
  utilisation: 0.4, // the share of the peak that becomes operations of the model
  price: 2, // dollars for a device and an hour
  pue: 1.1, // what the building draws for each watt of its computers
};
const GIVEN = ["hardware", "presets", "marks", "yardsticks"];
const NUMBERS = ["parameters", "tokens", "devices", "utilisation", "price", "pue"];

/** A number as a person reads it, in three digits. */
function said(value) {
  if (value === 0) return "0";
  const [name, size] = [["trillion", 1e12], ["billion", 1e9], ["million", 1e6]].find(([, size]) => value >= 0.9995 * size) ?? ["", 1];
  const digits = Number((value / size).toPrecision(3));
  if (digits >= 1e6 || digits < 1e-3) return scientific(value);
  return `${digits.toLocaleString("en", { maximumSignificantDigits: 3 })}${name && "\u00a0"}${name}`;
}
const superscript = (n) => [...String(n)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
function scientific(value) {
  const [digits, power] = value.toExponential(2).split("e");
  return `${Number(digits)}\u00a0×\u00a010${superscript(Number(power))}`;
}
/** Quantities choose their unit: [name, size], the largest of which the value has at least one. */
const inUnits = (value, units) => {
  const [name, size] = units.find(([, size]) => value >= 0.9995 * size) ?? units.at(-1);
  const digits = said(value / size);
  return `${digits}\u00a0${digits === "1" ? name.replace(/s$/, "") : name}`;
};
const DAYS = [["years", 365.25], ["days", 1], ["hours", 1 / 24], ["minutes", 1 / 1440], ["seconds", 1 / 86400]];
const duration = (days) => inUnits(days, DAYS);
const electricity = (mwh) => inUnits(mwh, [["MWh", 1], ["kWh", 1e-3], ["Wh", 1e-6]]);
const power = (megawatts) => inUnits(megawatts, [["MW", 1], ["kW", 1e-3], ["W", 1e-6]]);
const dollars = (amount) => `$${said(amount)}`;
const percent = (share) => `${Number((100 * share).toPrecision(3))}\u00a0%`;

// The sliders: how each moves, and how it is said. Those over many powers of ten move by equal factors.
const sliders = {
  parameters: { title: "Parameters", least: 1e5, most: 1e13, log: true, say: said },
  tokens: { title: "Tokens", least: 1e6, most: 1e14, log: true, say: said },
  devices: { title: "Devices", least: 1, most: 1e6, log: true, whole: true, say: (value) => value.toLocaleString("en") },
  utilisation: { title: "Utilisation", least: 0.01, most: 1, step: 0.01, say: percent },
  price: { title: "Dollars an hour, each", least: 0, most: 10, step: 0.1, say: (value) => value.toFixed(2) },
  pue: { title: "Building (PUE)", least: 1, most: 2, step: 0.01, say: (value) => value.toFixed(2) },
};
const position = ({ log }, value) => (log ? Math.log10(value) : value);
const valueAt = ({ log, whole }, at) => (!log ? at : whole ? Math.round(10 ** at) : Number((10 ** at).toPrecision(3)));

/** As `estimate` in layercake/figures/compute.py. */
function estimate({ parameters, tokens, devices, utilisation, price, pue }, { peak, watts }) {
  const operations = 6 * parameters * tokens;
  const deviceHours = operations / (peak * utilisation) / 3600;
  const megawatts = watts === null ? null : (devices * watts * pue) / 1e6;
  const hours = deviceHours / devices;
  return {
    operations, deviceHours, megawatts, days: hours / 24, dollars: deviceHours * price,
    mwh: megawatts === null ? null : megawatts * hours,
  };
}

const STYLE = `
.lc-compute { --chosen: #c14f00; --published: #0072b2; --calculated: #007a58; --estimated: #c14f00;
  --line: color-mix(in srgb, currentColor 22%, transparent); --quiet: color-mix(in srgb, currentColor 76%, transparent);
  font-size: 0.95em; line-height: 1.4;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-compute[data-shade="dark"] { --chosen: #e69f00; --published: #56b4e9; --calculated: #2fc79a; --estimated: #e69f00; }
.lc-compute * { box-sizing: border-box; }
.lc-compute p { margin: 0; }
.lc-compute .runs { display: flex; flex-wrap: wrap; gap: 0.35rem; }
.lc-compute button { font: inherit; font-size: 0.92em; font-weight: 600; color: inherit; background: transparent; cursor: pointer;
  border: 1.5px solid var(--quiet); border-radius: 0.5rem; padding: 0.25rem 0.6rem; min-height: 2.4rem; }
.lc-compute button:hover { background: color-mix(in srgb, currentColor 9%, transparent); }
.lc-compute button[aria-pressed="true"] { border-color: var(--chosen); box-shadow: inset 0 0 0 1px var(--chosen); }
.lc-compute .finding { font-weight: 650; margin: 0.7rem 0 0.4rem; min-height: 2.8em; }
.lc-compute .tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0.5rem; }
.lc-compute .tile { border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.45rem 0.6rem; min-height: 8.8em; }
.lc-compute .tile span { display: block; color: var(--quiet); font-size: 0.84em; }
.lc-compute .tile b { display: block; color: var(--chosen); font-size: 1.12em; font-variant-numeric: tabular-nums; }
.lc-compute svg { display: block; width: 100%; height: auto; margin: 0.6rem 0 0.2rem; }
.lc-compute text { fill: var(--quiet); font-size: 11px; }
.lc-compute .axis { stroke: var(--line); }
.lc-compute .mark { stroke-width: 1.5; }
.lc-compute .published { fill: var(--published); stroke: var(--published); }
.lc-compute .calculated { fill: none; stroke: var(--calculated); }
.lc-compute .estimated { fill: none; stroke: var(--estimated); }
.lc-compute .ours { fill: currentColor; stroke: currentColor; }
.lc-compute .pointer { fill: var(--chosen); transition: transform 0.2s; }
.lc-compute .controls { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.4rem; }
.lc-compute fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.1rem; grid-column: 1 / -1; }
.lc-compute legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.lc-compute fieldset label { display: inline-flex; align-items: center; gap: 0.45rem; min-height: 2.4rem; }
.lc-compute .controls > label { display: grid; grid-template-columns: 1fr auto; align-items: center; padding: 0.15rem 0; }
.lc-compute input { accent-color: var(--chosen); margin: 0; }
.lc-compute input[type="radio"] { width: 1.1rem; height: 1.1rem; }
.lc-compute input[type="range"] { grid-area: 2 / 1 / auto / -1; width: 100%; height: 1.7rem; }
.lc-compute input:focus-visible, .lc-compute button:focus-visible { outline: 3px solid var(--chosen); outline-offset: 2px; }
.lc-compute output { grid-area: 1 / 2; font-variant-numeric: tabular-nums; font-weight: 600; }
.lc-compute .key { color: var(--quiet); font-size: 0.84em; padding-top: 0.4rem; margin-top: 0.5rem; border-top: 1px solid var(--line); }
@media (max-width: 640px) { .lc-compute .tiles { grid-template-columns: 1fr 1fr; } .lc-compute .controls { grid-template-columns: 1fr; }
  .lc-compute .finding { min-height: 4.2em; } }
@media (prefers-reduced-motion: reduce) { .lc-compute * { transition: none !important; } }
@media print { .lc-compute .controls, .lc-compute .runs { display: none; } }
`;

const LOWEST = 11, HIGHEST = 28; // powers of ten on the axis
const NAMED = { "the village model": 10, GPT: 22, "GPT-3": 10, "Llama 3.1 405B": 22 }; // how far down its name stands
const SHAPES = {
  published: "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
  calculated: "M0 -5L5 4L-5 4Z",
  estimated: "M0 -5L5 0L0 5L-5 0Z",
  ours: "M-4 -4H4V4H-4Z",
};

/** The axis of operations with the published runs; `point` moves the pointer. */
function draw(width, marks) {
  const side = 12, line = 52;
  const x = (power) => side + ((power - LOWEST) / (HIGHEST - LOWEST)) * (width - 2 * side);
  const within = (operations) => Math.max(LOWEST, Math.min(HIGHEST, Math.log10(operations)));
  const picture = element("svg", { viewBox: `0 0 ${width} 92`, "aria-hidden": "true" });
  picture.append(element("line", { class: "axis", x1: side, x2: width - side, y1: line, y2: line }));
  for (let power = 12; power <= HIGHEST; power += 3) {
    picture.append(element("line", { class: "axis", x1: x(power), x2: x(power), y1: line, y2: line + 9 }));
    picture.append(element("text", { x: x(power), y: line + 21, "text-anchor": "middle" }, `10${superscript(power)}`));
  }
  picture.append(element("text", { x: width - side, y: line + 37, "text-anchor": "end" }, "operations to train one model"));
  for (const { name, kind, operations } of marks) {
    const at = x(within(operations));
    picture.append(element("path", { class: `mark ${kind}`, d: SHAPES[kind], transform: `translate(${at} ${line})` }));
    if (!NAMED[name]) continue;
    const anchor = at > width - 60 ? "end" : "middle";
    picture.append(element("text", { x: anchor === "end" ? width : at, y: NAMED[name], "text-anchor": anchor }, name));
  }
  const pointer = picture.appendChild(element("path", { class: "pointer", d: "M-7 -12L7 -12L0 0Z" }));
  const point = (operations) => {
    pointer.style.transform = `translate(${x(within(operations))}px, ${line - 8}px)`;
  };
  return { picture, point };
}

function settings(model) {
  let state = settingsOf(model, "compute", defaults, GIVEN);
  if (!state.hardware.length) throw new Error("compute: no hardware is given. layercake.figures.compute.state() makes it.");
  if (state.preset !== null) {
    const preset = state.presets.find(({ title }) => title === state.preset);
    const titles = state.presets.map(({ title }) => title).join(", ");
    if (!preset) throw new Error(`compute: no such run: ${state.preset}. Known: ${titles}.`);
    state = { ...state, ...started(preset) };
  }
  if (!state.hardware.some(({ key }) => key === state.device)) {
    const keys = state.hardware.map(({ key }) => key).join(", ");
    throw new Error(`compute: no such device: ${state.device}. Known: ${keys}.`);
  }
  for (const [key, { least, most }] of Object.entries(sliders)) {
    if (!(state[key] >= least && state[key] <= most)) {
      throw new Error(`compute: ${key} is from ${least} to ${most}, not ${state[key]}.`);
    }
  }
  return state;
}

/** The settings of a run to start from. */
const started = (preset) =>
  Object.fromEntries([["preset", preset.title], ["device", preset.hardware], ...NUMBERS.map((key) => [key, preset[key]])]);

/** The same amount against another, larger or smaller. */
const against = (value, other, name) =>
  Math.abs(value / other - 1) < 0.005 ? `as many as for ${name}`
    : value > other ? `${said(value / other)} times ${name}` : `${name} took ${said(other / value)} times as many`;

function render({ model, el }) {
  let state = settings(model);
  let drawing = null;
  const reference = state.marks.find(({ name }) => name === "GPT-3");

  const tile = (title) => {
    const [value, beside] = [element("b"), element("span")];
    return { value, beside, box: element("div", { class: "tile" }, element("span", {}, title), value, beside) };
  };
  const tiles = { operations: tile("Operations"), days: tile("Time"), mwh: tile("Electricity"), dollars: tile("Money") };
  const finding = element("p", { class: "finding", role: "status", "aria-live": "polite" });
  const stage = element("div", { class: "stage" });
  const runs = state.presets.map((preset) => {
    const button = element("button", { type: "button" }, preset.title);
    button.addEventListener("click", () => change(started(preset)));
    return { preset, button };
  });
  const group = `lc-compute-${Math.random().toString(36).slice(2)}`; // radio buttons of one picture belong together
  const radios = state.hardware.map(({ key, title }) => {
    const radio = element("input", { type: "radio", name: group, value: key });
    radio.addEventListener("change", () => change({ device: key, preset: null }));
    return { key, radio, label: element("label", {}, radio, title) };
  });
  const ranges = Object.entries(sliders).map(([key, slider]) => {
    const { least, most, log, step } = slider;
    const [min, max] = [position(slider, least), position(slider, most)];
    const input = element("input", { type: "range", min, max, step: log ? 0.05 : step, name: key });
    const output = element("output");
    input.addEventListener("input", () => change({ [key]: valueAt(slider, Number(input.value)), preset: null }));
    return { key, slider, input, output, label: element("label", {}, slider.title, input, output) }; // a label is that of the first;
  });
  const fieldset = element("fieldset", {}, element("legend", {}, "Hardware"), ...radios.map(({ label }) => label));
  const controls = element("div", { class: "controls" }, fieldset, ...ranges.map(({ label }) => label));
  const key = element("p", { class: "key" });
  const root = element(
    "div", { class: "lc-compute", role: "group", "aria-label": "What training a language model takes" },
    element("style", {}, STYLE),
    element("div", { class: "runs", role: "group", "aria-label": "Start from a run" }, ...runs.map(({ button }) => button)),
    finding, element("div", { class: "tiles" }, ...Object.values(tiles).map(({ box }) => box)), stage, controls, key,
  );
  el.append(root);

  /** What stands below each number. */
  function comparisons(result, device) {
    const { home_kwh: home, frontier_megawatts: frontier } = state.yardsticks;
    const alone = duration(result.days * state.devices);
    const homes = (1000 * result.mwh) / home, share = result.megawatts / frontier;
    return {
      operations: reference ? against(result.operations, reference.operations, "GPT-3") : "",
      days: state.devices === 1 ? `on one ${device.title}` : `one ${device.title} alone: ${alone}`,
      mwh: result.mwh === null
        ? "No data sheet gives the power of one core."
        : `${power(result.megawatts)}${share >= 0.1 ? `, ${said(share)} times the power of Frontier` : ""}; as much as ` +
          (homes >= 1 ? `${said(homes)} US homes in a year` : `a US home in ${duration(365.25 * homes)}`),
      dollars: state.price === 0 ? "on a machine of your own" : `${said(result.deviceHours)} device-hours, rented`,
    };
  }

  function show() {
    const device = state.hardware.find(({ key }) => key === state.device);
    const result = estimate(state, device);
    const shown = {
      operations: scientific(result.operations), days: duration(result.days), dollars: dollars(result.dollars),
      mwh: result.mwh === null ? "unknown" : electricity(result.mwh),
    };
    const beside = comparisons(result, device);
    for (const [name, { value, beside: below }] of Object.entries(tiles)) {
      value.textContent = shown[name];
      value.dataset.name = name;
      value.dataset.value = result[name];
      below.textContent = beside[name];
    }
    const what = state.preset ?? "Your run";
    const on = `${state.devices.toLocaleString("en")}\u00a0×\u00a0${device.title}`;
    const drawn = result.mwh === null ? "" : `, ${shown.mwh}`;
    finding.textContent = `${what}, ${said(state.parameters)} parameters and ${said(state.tokens)} tokens, on ${on}: ${shown.days}${drawn}, ${shown.dollars}.`;
    for (const { preset, button } of runs) button.setAttribute("aria-pressed", preset.title === state.preset);
    for (const { key, radio } of radios) radio.checked = key === state.device;
    for (const { key, slider, input, output } of ranges) {
      input.value = position(slider, state[key]);
      output.textContent = slider.say(state[key]);
      input.setAttribute("aria-valuetext", slider.say(state[key]));
    }
    key.textContent =
      `Operations = 6 × parameters × tokens; attention from position to position is left out. ${device.title}: ${said(device.peak / 1e12)} trillion operations a second ` +
      `(${device.peak_is})${device.watts === null ? "" : `, ${device.watts} W`}. On the axis: full circles published ` +
      "by the maker, triangles calculated from published sizes, diamonds estimated by others, the square ours. " +
      "Frontier was the fastest supercomputer of the TOP500 list of June 2024.";
    drawing?.point(result.operations);
  }

  function change(some) {
    state = { ...state, ...some };
    show();
    keep(model, state);
  }

  const leave = followPage(root, stage, (width) => {
    drawing = draw(width, state.marks);
    stage.replaceChildren(drawing.picture);
    show();
  });
  show();
  return leave;
}

export default { render };
