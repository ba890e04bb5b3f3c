// A sum that a model works, in which the reader alters one carry. Above the altered column stand the steps as they were;
// below it what the model wrote from there on, and where that led. Nothing is computed here: for each column and each
// carry that can be chosen the model's words were recorded.

import { element, followShade, keep, settingsOf } from "./_shared.js";

const defaults = {
  sums: [], // { question, result, steps: [words], columns: [[{ carry, step, after: [words], answer, leads }]] }
  sum: 0, // which of them
  column: 0, // whose carry is altered
  carry: null, // to what; null: as it was
  reader: "the model", // who wrote
};

const STYLE = `
.lc-tampered { --kept: #0072b2; --odd: #c14f00; --line: color-mix(in srgb, currentColor 22%, transparent);
  --quiet: color-mix(in srgb, currentColor 76%, transparent); font-size: 0.95em; line-height: 1.45;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-tampered[data-shade="dark"] { --kept: #56b4e9; --odd: #e69f00; }
.lc-tampered * { box-sizing: border-box; }
.lc-tampered p, .lc-tampered ol { margin: 0; }
.lc-tampered .controls { display: flex; flex-wrap: wrap; gap: 0.5rem 1.4rem; align-items: center; margin: 0 0 0.7rem; }
.lc-tampered label, .lc-tampered fieldset { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem; min-height: 2.6rem;
  margin: 0; padding: 0; border: 0; min-width: 0; }
.lc-tampered label { flex-direction: column; align-items: flex-start; }
.lc-tampered legend { float: left; padding: 0 0.2rem 0 0; margin: 0; font-size: 1em; }
.lc-tampered select, .lc-tampered button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
  border-radius: 4px; min-height: 2.3rem; min-width: 2.3rem; padding: 0 0.6rem; }
.lc-tampered select option { color: #000; background: #fff; }
.lc-tampered button { cursor: pointer; font-variant-numeric: tabular-nums; }
.lc-tampered button[aria-pressed="true"] { border: 2px solid var(--kept); font-weight: 650; }
.lc-tampered button.was { text-decoration: underline; text-underline-offset: 3px; }
.lc-tampered :focus-visible { outline: 3px solid var(--odd); outline-offset: 2px; }
.lc-tampered ol { list-style: none; padding: 0; display: grid; gap: 0.3rem; }
.lc-tampered li { border-left: 3px solid var(--line); padding: 0.1rem 0 0.1rem 0.7rem; overflow-wrap: anywhere; }
.lc-tampered li.altered { border-left: 3px dashed var(--odd); }
.lc-tampered li.after { border-left-color: var(--kept); }
.lc-tampered b { color: var(--odd); font-weight: 700; }
.lc-tampered .whose { display: block; font-size: 0.82em; color: var(--quiet); }
.lc-tampered .verdict { margin-top: 0.7rem; padding-top: 0.5rem; border-top: 1px solid var(--line); font-weight: 650; }
`;

function settings(model) {
  const state = settingsOf(model, "tampered", defaults);
  for (const [name, its] of [["sum", state.sums], ["column", state.sums[state.sum]?.columns ?? []]]) {
    if (its.length && !(state[name] in its)) throw new Error(`tampered: ${name} ${state[name]} of ${its.length}.`);
  }
  return state;
}

/** Digits as one number, with its thousands apart. */
const number = (value) => (value === null ? "no number" : value.toLocaleString("en"));

/** What came of it, in a sentence. */
function verdict({ answer, leads }, result, altered) {
  if (!altered) return answer === result ? `As it was: ${number(answer)}, which is right.` : `As it was: ${number(answer)}, and not ${number(result)}.`;
  if (answer === result) return `${number(answer)}: right, as if nothing had been altered.`;
  if (answer === leads) return `${number(answer)}: what the altered carry leads to. Right would be ${number(result)}.`;
  return `${number(answer)}: neither right (${number(result)}) nor what the altered carry leads to (${number(leads)}).`;
}

function render({ model, el }) {
  let state = settings(model);
  const choice = element("select", { name: "sum" });
  state.sums.forEach(({ question }, i) => choice.append(element("option", { value: i }, question)));
  const columns = element("fieldset", { name: "column" });
  const carries = element("fieldset", { name: "carry" });
  const controls = element("div", { class: "controls" }, element("label", {}, "Sum", choice), columns, carries);
  const work = element("div", { role: "status", "aria-live": "polite" });
  const root = element(
    "div", { class: "lc-tampered", role: "group", "aria-label": "A sum whose carry you alter" },
    element("style", {}, STYLE), controls, work,
  );
  el.append(root);
  const forgetShade = followShade(root);

  /** Buttons of which one is pressed; what is clicked goes into the state, and the picture is drawn again. */
  function buttons(box, name, each) {
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    box.replaceChildren(element("legend", {}, name), ...each.map(({ value, text, pressed, was, change }) => {
      const one = element("button", { type: "button", "aria-pressed": pressed, "data-value": value }, text);
      if (was) one.classList.add("was");
      if (was) one.setAttribute("title", "as the model had it");
      one.addEventListener("click", () => {
        state = { ...state, ...change };
        keep(model, state);
        show();
      });
      return one;
    }));
    if (focused !== null) box.querySelector(`[data-value="${focused}"]`)?.focus();
  }

  function show() {
    const { steps, columns: recorded, result } = state.sums[state.sum];
    const told = recorded[state.column];
    const was = told.findIndex(({ step }) => step === steps[state.column]);
    const at = Math.max(0, told.findIndex(({ carry }) => carry === (state.carry ?? told[was].carry)));
    choice.value = state.sum;
    buttons(columns, "Column", recorded.map((_, i) => ({
      value: i, text: i + 1, pressed: i === state.column, change: { column: i, carry: null },
    })));
    buttons(carries, "Its carry", told.map(({ carry }, i) => ({
      value: carry, text: carry, pressed: i === at, was: i === was, change: { carry },
    })));
    const { step, after } = told[at];
    const lines = steps.slice(0, state.column).map((words) => element("li", {}, words));
    const cut = step.lastIndexOf(String(told[at].carry));
    const here = at === was
      ? element("li", {}, step)
      : element("li", { class: "altered" }, element("span", { class: "whose" }, "you altered the carry"),
        step.slice(0, cut), element("b", {}, step.slice(cut, cut + 1)), step.slice(cut + 1));
    const then = after.map((words, i) => {
      const whose = i ? [] : [element("span", { class: "whose" }, `${state.reader} goes on`)];
      return element("li", { class: "after" }, ...whose, words);
    });
    work.replaceChildren(
      element("ol", {}, ...lines, here, ...then),
      element("p", { class: "verdict" }, verdict(told[at], result, at !== was)),
    );
  }

  choice.addEventListener("change", () => {
    state = { ...state, sum: Number(choice.value), column: 0, carry: null };
    keep(model, state);
    show();
  });

  if (state.sums.length) show();
  return () => {
    forgetShade();
    root.remove();
  };
}

export default { render };
