// Where a word stands, as a turn. A query and a key stand at two words of a row; each of their pairs of numbers is an
// arrow that is turned by position × rate, so that the angle between the two arrows depends on the distance alone. The
// reader moves one of the words, or both together, and reads off the angles and the product of query and key. The
// numbers are those of solutions.transformer.rotary, on the vectors that `product` names.

import { element, followPage, keep, settingsOf } from "./_shared.js";

const defaults = {
  query: 9, // 1 to 24: the position of the word that reads
  key: 5, // 1 to query: the position of the word that is read
};

const WORDS = (
  "Mara cleaned the old lantern and then hung it above the mill door and thought no more of it until the flood came ."
).split(" ");
const T = WORDS.length;

const range = (n) => Array.from({ length: n }, (_, i) => i);
const PAIRS = 32; // of a query or key of d = 64 numbers
const rate = (pair) => 10000 ** (-pair / PAIRS); // radians for each position: 10000^(-2i / d)
const SHOWN = [0, 4, 8, 31]; // the fastest pair, two slower ones, the slowest

/** Query · key at a distance, where both are (1, 0) in each pair before they are turned; as a share of distance 0. */
const product = (distance) => range(PAIRS).reduce((sum, pair) => sum + Math.cos(distance * rate(pair)), 0) / PAIRS;

const said = (share) => share.toFixed(3); // three digits: with two, some neighbouring distances would read the same
/** An angle in degrees, once around at most, in about three digits. */
function degrees(radians) {
  const angle = ((radians * 180) / Math.PI) % 360;
  return `${angle.toFixed(angle < 1 ? 2 : angle < 100 ? 1 : 0)}°`;
}
/** A rate as it is written: 1, 0.32, 0.00013. */
const rateSaid = (pair) => String(Number(rate(pair).toPrecision(2)));
/** The words that one turn takes: 6.3, 20, 47,000. */
const turnSaid = (pair) => Number(((2 * Math.PI) / rate(pair)).toPrecision(2)).toLocaleString("en");

const STYLE = `
.lc-rotary { --query: #c14f00; --key: #0072b2; --line: color-mix(in srgb, currentColor 22%, transparent);
  --quiet: color-mix(in srgb, currentColor 76%, transparent); font-size: 0.95em; line-height: 1.4;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-rotary[data-shade="dark"] { --query: #e69f00; --key: #56b4e9; }
.lc-rotary * { box-sizing: border-box; }
.lc-rotary p { margin: 0; }
.lc-rotary .finding { font-weight: 650; }
.lc-rotary .finding b { color: var(--query); font-variant-numeric: tabular-nums; }
.lc-rotary .change { color: var(--quiet); font-size: 0.88em; min-height: 2.8em; font-variant-numeric: tabular-nums; }
.lc-rotary svg { display: block; width: 100%; height: auto; overflow: visible; }
.lc-rotary text { fill: var(--quiet); font-size: 11px; }
.lc-rotary text.query { fill: var(--query); font-weight: 650; }
.lc-rotary text.key { fill: var(--key); font-weight: 650; }
.lc-rotary .place { fill: var(--quiet); }
.lc-rotary .reads { fill: none; stroke: var(--quiet); stroke-width: 1.2; }
.lc-rotary circle.query { fill: none; stroke: var(--query); stroke-width: 2.4; }
.lc-rotary circle.key { fill: var(--key); }
.lc-rotary .column { fill: transparent; cursor: pointer; }
.lc-rotary .dials { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 0.8rem; margin: 0.3rem 0 0.8rem; }
.lc-rotary .dial { text-align: center; font-size: 0.86em; font-variant-numeric: tabular-nums; }
.lc-rotary .dial svg { max-width: 9rem; margin: 0.2rem auto; }
.lc-rotary .dial b { display: block; font-weight: 650; }
.lc-rotary .dial span { display: block; color: var(--quiet); }
.lc-rotary .rim { fill: none; stroke: var(--line); }
.lc-rotary .between { fill: color-mix(in srgb, currentColor 13%, transparent); }
.lc-rotary .arrow { fill: none; stroke-linecap: round; stroke-linejoin: round; }
.lc-rotary .arrow.key { stroke: var(--key); stroke-width: 7; }
.lc-rotary .arrow.query { stroke: var(--query); stroke-width: 2.2; }
.lc-rotary .axis { stroke: var(--line); }
.lc-rotary .curve { fill: none; stroke: var(--quiet); stroke-width: 1.2; }
.lc-rotary .point { fill: currentColor; }
.lc-rotary .now { fill: var(--query); }
.lc-rotary line.now { stroke: var(--query); stroke-width: 1.2; stroke-dasharray: 3 3; }
.lc-rotary text.now { font-weight: 650; font-variant-numeric: tabular-nums; }
.lc-rotary .controls { display: flex; flex-wrap: wrap; gap: 0.4rem 1.1rem; align-items: center; margin: 0.3rem 0 0.6rem; }
.lc-rotary .buttons { display: flex; gap: 0.4rem; }
.lc-rotary button { font: inherit; font-weight: 600; color: inherit; background: transparent; cursor: pointer;
  border: 1.5px solid var(--quiet); border-radius: 0.5rem; padding: 0.3rem 0.7rem; min-height: 2.6rem; }
.lc-rotary button:hover:not([aria-disabled="true"]) { background: color-mix(in srgb, currentColor 9%, transparent); }
.lc-rotary button[aria-disabled="true"] { opacity: 0.5; cursor: default; }
.lc-rotary .sliders { display: flex; flex-wrap: wrap; flex: 1 1 20rem; gap: 0.2rem 1.1rem; }
.lc-rotary label { display: flex; flex: 1 1 9rem; align-items: center; gap: 0.45rem; min-height: 2.4rem; }
.lc-rotary label span { min-width: 2.9em; }
.lc-rotary input { margin: 0; flex: 1 1 5rem; min-width: 0; }
.lc-rotary input[name="query"] { accent-color: var(--query); }
.lc-rotary input[name="key"] { accent-color: var(--key); }
.lc-rotary :is(button, input):focus-visible { outline: 3px solid var(--query); outline-offset: 2px; }
.lc-rotary output { font-variant-numeric: tabular-nums; min-width: 1.4em; }
.lc-rotary .legend { color: var(--quiet); font-size: 0.84em; padding-top: 0.4rem; margin-top: 0.5rem; border-top: 1px solid var(--line); }
@media (max-width: 600px) {
  .lc-rotary .dials { grid-template-columns: 1fr 1fr; }
  .lc-rotary .change { min-height: 4.2em; }
  .lc-rotary .dial { font-size: 0.8em; }
  .lc-rotary .dial svg { max-width: 7rem; }
  .lc-rotary label { flex-basis: 100%; }
  .lc-rotary .controls { display: contents; }
  .lc-rotary .buttons { position: sticky; bottom: 0; padding: 0.5rem 0; z-index: 1; /* in sight beside the dials */
    background: var(--pst-color-on-background, var(--jp-layout-color0, Canvas)); }
  .lc-rotary .buttons button { flex: 1; padding: 0.3rem 0.2rem; font-size: 0.92em; }
}
@media print { .lc-rotary .controls { display: none; } }
`;

/** The row of words at one width in pixels; a click on a word gives its position to `choose`. */
function drawRow(width, choose) {
  const left = 12, gap = (width - left) / T, line = 46, tall = 116; // the first words lean to the left
  const at = (position) => left + (position - 0.5) * gap;
  const picture = element("svg", { viewBox: `0 0 ${width} ${tall}`, "aria-hidden": "true" });
  const put = (name, attributes, ...children) => picture.appendChild(element(name, attributes, ...children));
  const reads = put("path", { class: "reads" });
  const marks = ["key", "query"].map((name) => ({
    name, label: put("text", { class: name }, name), circle: put("circle", { class: name, cy: line, r: name === "key" ? 4.6 : 7.2 }),
  }));
  const words = WORDS.map((word, i) => {
    put("circle", { class: "place", cx: at(i + 1), cy: line, r: 1.8 });
    return put("text", { transform: `translate(${at(i + 1) + 4} ${line + 20}) rotate(-58)`, "text-anchor": "end" }, word);
  });
  for (const i of range(T)) {
    const column = put("rect", { class: "column", x: left + i * gap, y: 0, width: gap, height: tall });
    column.addEventListener("click", () => choose(i + 1));
  }

  function show(state) {
    const [from, to] = [at(state.query), at(state.key)];
    const rise = Math.min(26, (from - to) / 2);
    reads.setAttribute("d", `M${from} ${line - 8}Q${(from + to) / 2} ${line - 8 - 2 * rise} ${to} ${line - 8}`);
    for (const { name, label, circle } of marks) {
      const x = at(state[name]);
      const end = name === "key"; // the key's name ends at its word and the query's begins there, unless the margin is near
      const anchor = (end ? x < 30 : x < width - 40) ? "start" : "end";
      label.setAttribute("x", anchor === "start" ? x - 4 : x + 4);
      label.setAttribute("y", state.query === state.key && end ? line - 29 : line - 15);
      label.setAttribute("text-anchor", anchor);
      circle.setAttribute("cx", x);
    }
    words.forEach((word, i) => {
      word.setAttribute("class", i + 1 === state.query ? "query" : i + 1 === state.key ? "key" : "");
    });
  }
  return { picture, show };
}

const from = ([x, y], turn, reach) => [x + reach * Math.cos(turn), y - reach * Math.sin(turn)];

/** One pair: the two arrows on a dial, and the cosine of their angle at every distance. */
function drawDial(pair) {
  const centre = [60, 60], length = 44, wedge = 30;
  const dial = element("svg", { viewBox: "0 0 120 120", "aria-hidden": "true" });
  const between = element("path", { class: "between" });
  const arrows = ["key", "query"].map((name) => ({ name, path: element("path", { class: `arrow ${name}` }) }));
  dial.append(element("circle", { class: "rim", cx: centre[0], cy: centre[1], r: 52 }), between, ...arrows.map(({ path }) => path));

  const high = 36, x = (distance) => 4 + (distance / (T - 1)) * 112, y = (cosine) => high / 2 - cosine * (high / 2 - 3);
  const wave = element("svg", { viewBox: `0 0 120 ${high}`, "aria-hidden": "true" });
  const samples = range(4 * (T - 1) + 1).map((i) => i / 4);
  const points = samples.map((distance) => `${x(distance).toFixed(1)} ${y(Math.cos(distance * rate(pair))).toFixed(1)}`);
  const dot = element("circle", { class: "now", r: 4 });
  wave.append(
    element("line", { class: "axis", x1: 4, x2: 116, y1: y(0), y2: y(0) }),
    element("path", { class: "curve", d: `M${points.join("L")}` }), dot,
  );
  const angle = element("span"), cosine = element("span");
  const box = element(
    "div", { class: "dial", "data-pair": pair }, element("b", {}, `Pair ${pair}`),
    element("span", {}, `θ = ${rateSaid(pair)}`), element("span", {}, `a turn: ${turnSaid(pair)} words`), dial, angle, cosine, wave,
  );

  function show(state) {
    const turns = { query: state.query * rate(pair), key: state.key * rate(pair) };
    const apart = turns.query - turns.key;
    for (const { name, path } of arrows) {
      const tip = from(centre, turns[name], length);
      const head = [2.7, -2.7].map((side) => from(tip, turns[name] + side, 9));
      path.setAttribute("d", `M${centre}L${tip}${name === "query" ? `M${head[0]}L${tip}L${head[1]}` : ""}`);
      path.dataset.turn = turns[name];
    }
    const [start, end] = [turns.key, turns.query].map((turn) => from(centre, turn, wedge));
    const large = apart % (2 * Math.PI) > Math.PI ? 1 : 0;
    between.setAttribute("d", `M${centre}L${start}A${wedge} ${wedge} 0 ${large} 0 ${end}Z`);
    angle.textContent = `angle ${degrees(apart)}`;
    cosine.textContent = `cosine ${Math.cos(apart).toFixed(2).replace("-", "−")}`;
    dot.setAttribute("cx", x(state.query - state.key));
    dot.setAttribute("cy", y(Math.cos(apart)));
  }
  return { box, show };
}

/** The product against the distance, at one width in pixels. */
function drawCurve(width) {
  const left = 30, right = 10, top = 24, tall = 110, below = 34;
  const x = (distance) => left + (distance / (T - 1)) * (width - left - right);
  const y = (share) => top + (1 - share) * tall;
  const picture = element("svg", { viewBox: `0 0 ${width} ${top + tall + below}`, "aria-hidden": "true" });
  const put = (name, attributes, ...children) => picture.appendChild(element(name, attributes, ...children));
  put("text", { x: 0, y: 10 }, `product, the mean of all ${PAIRS} cosines`);
  for (const share of [0, 0.5, 1]) {
    put("line", { class: "axis", x1: left, x2: width - right, y1: y(share), y2: y(share) });
    put("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, String(share));
  }
  for (const distance of [0, 5, 10, 15, 20]) {
    put("text", { x: x(distance), y: y(0) + 15, "text-anchor": "middle" }, String(distance));
  }
  put("text", { x: width - right, y: y(0) + 30, "text-anchor": "end" }, "distance in words");
  put("path", { class: "curve", d: `M${range(T).map((k) => `${x(k)} ${y(product(k))}`).join("L")}` });
  const guide = put("line", { class: "now", y2: y(0) });
  for (const k of range(T)) {
    put("circle", { class: "point", cx: x(k), cy: y(product(k)), r: 2.4, "data-distance": k, "data-product": product(k) });
  }
  const dot = put("circle", { class: "now", r: 5.5 }), label = put("text", { class: "now" });

  function show(distance) {
    const [atX, atY] = [x(distance), y(product(distance))];
    for (const [name, value] of Object.entries({ x1: atX, x2: atX, y1: atY })) guide.setAttribute(name, value);
    dot.setAttribute("cx", atX);
    dot.setAttribute("cy", atY);
    label.textContent = said(product(distance));
    label.setAttribute("x", Math.min(atX + 7, width - right));
    label.setAttribute("text-anchor", atX + 40 > width ? "end" : "start");
    label.setAttribute("y", atY - 8);
  }
  return { picture, show };
}

function settings(model) {
  const state = settingsOf(model, "rotary", defaults);
  for (const [name, position] of Object.entries(state)) {
    if (!(Number.isInteger(position) && position >= 1 && position <= T)) {
      throw new Error(`rotary: ${name} is a whole number from 1 to ${T}, not ${position}.`);
    }
  }
  if (state.key > state.query) {
    throw new Error(`rotary: the key, at ${state.key}, stands after the query, at ${state.query}.`);
  }
  return state;
}

/** What has happened, in words, where a word has been moved. */
function describe(before, after) {
  const distances = [before, after].map(({ query, key }) => query - key);
  const [was, is] = distances.map((distance) => said(product(distance)));
  if (distances[0] === distances[1]) return `Both words moved: the arrows turned, the angles stayed, and the product is still ${is}.`;
  const mover = before.query === after.query ? "key" : "query";
  return `Only the ${mover} moved: its arrows turned, so the angles changed, and the product went from ${was} to ${is}.`;
}

function render({ model, el }) {
  let state = settings(model);
  let row = null, curve = null;

  const finding = element("p", { class: "finding" });
  const changed = element("p", { class: "change" }, "Move one of the words, or both together.");
  const live = element("div", { role: "status", "aria-live": "polite" }, finding, changed);
  const [rowStage, curveStage] = [element("div", { class: "text" }), element("div", { class: "curve-stage" })];
  const dials = SHOWN.map(drawDial);
  const button = (label) => element("button", { type: "button" }, label);
  const [back, on] = [button("Move both back"), button("Move both on")];
  const sliders = ["query", "key"].map((name) => {
    const input = element("input", { type: "range", min: 1, max: T, step: 1, name });
    const output = element("output");
    input.addEventListener("input", () => move(name, Number(input.value)));
    const title = element("span", {}, name[0].toUpperCase() + name.slice(1));
    return { name, input, output, label: element("label", {}, title, input, output) };
  });
  const root = element(
    "div", { class: "lc-rotary", role: "group", "aria-label": "A query and a key, turned by their positions" },
    element("style", {}, STYLE), live, rowStage,
    element("div", { class: "dials" }, ...dials.map(({ box }) => box)),
    element("div", { class: "controls" }, element("div", { class: "buttons" }, back, on),
      element("div", { class: "sliders" }, ...sliders.map(({ label }) => label))),
    curveStage,
    element(
      "p", { class: "legend" },
      "Thin arrow: the query. Thick: the key. Both are the same vector of 64 numbers, in each of its 32 pairs an arrow ",
      "that points to the right and is then turned by position × θ. Below each dial: the cosine at every distance. ",
      "A key does not stand after its query, since a causal model never reads on.",
    ),
  );
  el.append(root);

  function show() {
    const distance = state.query - state.key;
    for (const { name, input, output } of sliders) {
      input.value = state[name];
      input.setAttribute("aria-valuetext", `position ${state[name]}, “${WORDS[state[name] - 1]}”`);
      output.textContent = state[name];
    }
    finding.replaceChildren(
      `Query at ${state.query}, “${WORDS[state.query - 1]}”; key at ${state.key}, “${WORDS[state.key - 1]}”. `,
      `Distance ${distance}: product `, element("b", {}, said(product(distance))), ".",
    );
    back.setAttribute("aria-disabled", state.key === 1); // not `disabled`: the keyboard's focus stays here
    on.setAttribute("aria-disabled", state.query === T);
    for (const dial of dials) dial.show(state);
    row?.show(state);
    curve?.show(distance);
  }

  function change(some) {
    const before = state;
    state = { ...state, ...some };
    if (before.query === state.query && before.key === state.key) return show(); // a slider goes back to its word
    changed.textContent = describe(before, state);
    show();
    keep(model, state);
  }

  /** One word goes to a position, as far as the other lets it. */
  function move(name, position) {
    change({ [name]: name === "key" ? Math.min(position, state.query) : Math.max(position, state.key) });
  }
  const nearer = (position) => (Math.abs(position - state.query) < Math.abs(position - state.key) || position > state.query ? "query" : "key");
  const together = (step) => change({ query: state.query + step, key: state.key + step });
  back.addEventListener("click", () => state.key > 1 && together(-1));
  on.addEventListener("click", () => state.query < T && together(1));

  const leave = followPage(root, rowStage, (width) => {
    row = drawRow(width, (position) => move(nearer(position), position));
    curve = drawCurve(width);
    rowStage.replaceChildren(row.picture);
    curveStage.replaceChildren(curve.picture);
    show();
  });
  show();
  return leave;
}

export default { render };
