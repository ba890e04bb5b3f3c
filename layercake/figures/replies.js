// What models reply, as one dial is turned. Columns stand side by side, each a model; the dial (how many demonstrations,
// which cast) chooses what they were shown. Of each column a picture shows the replies to the questions of a list, word
// for word, and bars for what was counted over many. Nothing is computed here: the texts and numbers were recorded.

import { element, followShade, keep, settingsOf } from "./_shared.js";

const defaults = {
  dial: { name: "Place", places: [] }, // what is turned, and what stands at each of its places
  questions: [], // the words of each
  columns: [], // { title, places: [{ bars: [{ name, value, low?, high? }], replies: [{ text, mark? }] }] }
  at: 0, // the place of the dial
  note: "", // what was counted, said below the bars
};

const STYLE = `
.lc-replies { --bar: #0072b2; --odd: #c14f00; --line: color-mix(in srgb, currentColor 22%, transparent);
  --quiet: color-mix(in srgb, currentColor 76%, transparent); font-size: 0.95em; line-height: 1.4;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-replies[data-shade="dark"] { --bar: #56b4e9; --odd: #e69f00; }
.lc-replies * { box-sizing: border-box; }
.lc-replies p, .lc-replies dl, .lc-replies dd { margin: 0; }
.lc-replies .controls { display: flex; flex-wrap: wrap; gap: 0.4rem 1rem; align-items: center; margin: 0 0 0.7rem; }
.lc-replies label { display: flex; flex: 1 1 100%; max-width: 34rem; min-width: 0; align-items: center; gap: 0.6rem; min-height: 2.6rem; }
.lc-replies input { flex: 1 1 8rem; min-width: 0; margin: 0; accent-color: var(--bar); }
.lc-replies output { font-weight: 650; font-variant-numeric: tabular-nums; flex: 0 1 auto; min-width: 7.5rem; }
.lc-replies input:focus-visible { outline: 3px solid var(--odd); outline-offset: 2px; }
.lc-replies .columns { display: grid; gap: 0.9rem 1.4rem;
  grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); }
.lc-replies .title { font-weight: 650; padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); }
.lc-replies .bars { display: grid; grid-template-columns: max-content 1fr 3.2em; gap: 0.25rem 0.6rem; align-items: center;
  margin: 0.5rem 0; font-size: 0.9em; }
.lc-replies .bars dd { font-variant-numeric: tabular-nums; text-align: right; }
.lc-replies .bars dt { font-weight: 400; }
.lc-replies .track { position: relative; height: 0.75rem; border-radius: 3px; background: var(--line); overflow: hidden; }
.lc-replies .track i { position: absolute; inset: 0 auto 0 0; background: var(--bar); }
.lc-replies .track i.odd { background: var(--odd); }
.lc-replies .talk { display: grid; gap: 0.55rem; }
.lc-replies dt { color: var(--quiet); font-weight: 600; font-size: 0.88em; }
.lc-replies .talk dd { margin: 0.1rem 0 0; border-left: 3px solid var(--bar); padding: 0.1rem 0 0.1rem 0.6rem; white-space: pre-line;
  overflow-wrap: anywhere; }
.lc-replies .talk dd.odd { border-left: 3px dashed var(--odd); }
.lc-replies .outcome { display: block; font-size: 0.82em; color: var(--quiet); }
.lc-replies.moving .talk dd { animation: lc-replies-in 0.35s ease-out both; }
@keyframes lc-replies-in { from { opacity: 0.2; } }
.lc-replies .note { color: var(--quiet); font-size: 0.84em; padding-top: 0.5rem; margin-top: 0.7rem; border-top: 1px solid var(--line); }
@media (max-width: 600px) {
  .lc-replies label { flex-wrap: wrap; gap: 0 0.6rem; }
  .lc-replies input { order: 1; flex-basis: 100%; }
  .lc-replies .controls { position: sticky; top: var(--pst-header-height, 0); z-index: 1; padding: 0.4rem 0; margin: 0;
    background: var(--pst-color-on-background, var(--jp-layout-color0, Canvas)); }
}
@media (prefers-reduced-motion: reduce) { .lc-replies.moving * { animation: none !important; } }
`;

const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

/** Bars with their names and values: shares of 1. A bar marked `odd` counts what should not be. */
function drawBars(bars) {
  const list = element("div", { class: "bars" });
  for (const { name, value, low, high, odd } of bars) {
    const bar = element("i", { class: odd ? "odd" : "", style: `width: ${100 * value}%` });
    const title = low === undefined ? percent(value) : `${percent(value)}, from ${percent(low)} to ${percent(high)}`;
    list.append(
      element("span", {}, name), element("div", { class: "track", "aria-hidden": "true", title }, bar),
      element("span", { title }, percent(value)),
    );
  }
  return list;
}

/** Each question with what was replied to it. */
function drawTalk(questions, replies) {
  const list = element("dl", { class: "talk" });
  replies.forEach(({ text, mark, odd }, i) => {
    const said = element("dd", odd ? { class: "odd" } : {}, text || "(nothing)");
    if (mark) said.append(element("span", { class: "outcome" }, mark));
    list.append(element("div", {}, element("dt", {}, questions[i]), said));
  });
  return list;
}

function settings(model) {
  const state = settingsOf(model, "replies", defaults);
  const n = state.dial.places.length;
  for (const { title, places } of state.columns) {
    if (places.length !== n) throw new Error(`replies: ${title} has ${places.length} places; the dial has ${n}.`);
  }
  return { ...state, at: Math.max(0, Math.min(n - 1, Math.round(state.at))) };
}

function render({ model, el }) {
  let state = settings(model);
  const places = state.dial.places;
  const slider = element("input", { type: "range", min: 0, max: places.length - 1, value: state.at, name: "at" });
  const output = element("output", {}, places[state.at] ?? "");
  const controls = element("div", { class: "controls" }, element("label", {}, state.dial.name, slider, output));
  const columns = element("div", { class: "columns", role: "status", "aria-live": "polite" });
  const note = element("p", { class: "note" }, state.note);
  const root = element(
    "div", { class: "lc-replies", role: "group", "aria-label": `Replies, by ${state.dial.name.toLowerCase()}` },
    element("style", {}, STYLE), controls, columns, note,
  );
  el.append(root);
  const forgetShade = followShade(root);

  function show() {
    const here = places[state.at] ?? "";
    output.textContent = here;
    slider.setAttribute("aria-valuetext", here);
    columns.replaceChildren(...state.columns.map(({ title, places: each }) => {
      const { bars, replies } = each[state.at];
      return element(
        "section", { "aria-label": `${title}, ${here}` },
        element("p", { class: "title" }, title), drawBars(bars), drawTalk(state.questions, replies),
      );
    }));
  }

  slider.addEventListener("input", () => {
    state = { ...state, at: Number(slider.value) };
    root.classList.add("moving");
    show();
    keep(model, state);
  });

  if (places.length) show();
  return () => {
    forgetShade();
    root.remove();
  };
}

export default { render };
