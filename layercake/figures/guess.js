// Bet on the next word. A village story is laid open word by word; before each word that is not obvious you bet on one,
// beside an n-gram and beside the best possible reader, and all three are charged -log2 of the probability that they
// gave to the word that came. The probabilities come from layercake/figures/guess.py, which also says how they are made.

import { element, followShade, keep, settingsOf } from "./_shared.js";

const defaults = {
  passages: [], // the stories, as layercake.figures.guess.state() gives them
  ngram: { n: 3, tokens: 0 }, // what the n-gram is
  passage: 0, // which story is on the table
  stake: 0.5, // how much of your probability goes on the word that you choose
  bets: [], // one for each word asked so far: [the choice's number, or null, and the stake]
};

const STAKES = [0.25, 0.5, 0.9];
const PLAYERS = [["you", "You"], ["ngram", "The n-gram"], ["exact", "The exact bound"]];

const bits = (probability) => -Math.log2(probability);
/** Your probability of the word that came: the stake if you bet on it, and your share of the n-gram's. */
const yours = (word, [choice, stake]) =>
  choice === null ? word.ngram : stake * (word.offered[choice] === word.says) + (1 - stake) * word.ngram;

/** The story as far as the bets reach: what each word cost each player, and the first word that waits for a bet. */
function replay(words, bets) {
  const costs = [];
  let used = 0;
  for (const word of words) {
    if (word.offered && used === bets.length) break;
    const bet = word.offered ? bets[used++] : [null, 0];
    costs.push({ you: bits(yours(word, bet)), ngram: bits(word.ngram), exact: bits(word.exact), bet });
  }
  return { costs, at: costs.length };
}

const total = (costs, player) => costs.reduce((sum, cost) => sum + cost[player], 0);
const percent = (p) => (p > 0 && p < 0.01 ? "under 1\u00a0%" : `${Math.round(100 * p)}\u00a0%`);
const tenths = (number) => number.toFixed(1).replace("-0.0", "0.0");

const STYLE = `
.lc-guess { --you: #0072b2; --ngram: #c14f00; --line: color-mix(in srgb, currentColor 22%, transparent);
  --quiet: color-mix(in srgb, currentColor 76%, transparent); font-size: 0.95em; line-height: 1.45;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.lc-guess[data-shade="dark"] { --you: #56b4e9; --ngram: #e69f00; }
.lc-guess * { box-sizing: border-box; }
.lc-guess [hidden] { display: none !important; }
.lc-guess p { margin: 0; }
.lc-guess .story { white-space: pre-line; height: 12.2em; overflow-y: auto; padding: 0.6rem 0.8rem; font-size: 1.04em;
  border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.6rem 0; position: relative; }
.lc-guess .given { color: var(--quiet); }
.lc-guess .story b { font-weight: 650; text-decoration: underline 2px var(--you); text-underline-offset: 0.2em; }
.lc-guess .story b.missed { text-decoration: underline wavy 1px var(--ngram); }
.lc-guess .blank { display: inline-block; width: 3.2em; border-bottom: 2px solid var(--you); margin-left: 0.3em; }
.lc-guess.moving .newest { animation: lc-guess-in 0.5s ease-out both; }
@keyframes lc-guess-in { from { background: color-mix(in srgb, var(--you) 40%, transparent); } to { background: transparent; } }
.lc-guess .choices { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: 0.35rem; margin: 0.4rem 0 0.6rem;
  align-content: start; min-height: 5.6rem; }
.lc-guess button, .lc-guess select { font: inherit; font-weight: 600; color: inherit; background: transparent; cursor: pointer;
  border: 1.5px solid var(--quiet); border-radius: 0.5rem; padding: 0.3rem 0.5rem; min-height: 2.6rem; overflow-wrap: anywhere; }
.lc-guess select option { color: #222; background: #fff; }
.lc-guess button:hover:not([aria-disabled="true"]) { background: color-mix(in srgb, currentColor 9%, transparent); }
.lc-guess button[aria-disabled="true"] { opacity: 0.5; cursor: default; }
.lc-guess :is(button, input, select, .story):focus-visible { outline: 3px solid var(--ngram); outline-offset: 2px; }
.lc-guess .controls { display: flex; flex-wrap: wrap; gap: 0.4rem 0.5rem; align-items: center; }
.lc-guess .controls button { padding: 0.3rem 0.75rem; }
.lc-guess fieldset { border: 0; padding: 0; margin: 0 0 0.6rem; display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: center; }
.lc-guess legend { float: left; padding: 0; margin-right: 1rem; font-size: inherit; width: auto; line-height: 2.2rem; }
.lc-guess label { display: inline-flex; align-items: center; gap: 0.4rem; min-height: 2.2rem; }
.lc-guess input { accent-color: var(--you); margin: 0; }
.lc-guess .score + .controls { margin-top: 0.8rem; }
.lc-guess .says { min-height: 5.6em; margin-top: 0.7rem; padding-top: 0.6rem; border-top: 1px solid var(--line); }
.lc-guess .says p + p { color: var(--quiet); font-size: 0.9em; margin-top: 0.2rem; }
.lc-guess .score { display: grid; grid-template-columns: minmax(15rem, 1fr) minmax(15rem, 1.4fr); gap: 0.4rem 1.4rem; align-items: center; margin-top: 0.4rem; }
.lc-guess table { border-collapse: collapse; width: 100%; margin: 0; font-variant-numeric: tabular-nums; font-size: 0.93em; }
.lc-guess :is(th, td) { padding: 0.18rem 0.3rem; text-align: right; border: 0; font-weight: 400; background: none; color: inherit; }
.lc-guess th:first-child { text-align: left; font-weight: 600; white-space: nowrap; }
.lc-guess td:nth-child(2) { font-weight: 650; }
.lc-guess thead th { color: var(--quiet); font-size: 0.9em; }
.lc-guess svg { display: block; overflow: visible; }
.lc-guess th svg { display: inline-block; width: 1.7rem; height: 0.7rem; margin-right: 0.4rem; }
.lc-guess .chart { width: 100%; height: auto; }
.lc-guess .chart text { fill: currentColor; font-size: 11px; }
.lc-guess :is(path, line).you { stroke: var(--you); stroke-width: 2.6; }
.lc-guess :is(path, line).ngram { stroke: var(--ngram); stroke-width: 2; stroke-dasharray: 6 3; }
.lc-guess :is(path, line).exact { stroke: currentColor; stroke-width: 1.8; stroke-dasharray: 1.5 3; }
.lc-guess path { fill: none; stroke-linejoin: round; }
.lc-guess .axis { stroke: var(--line); stroke-width: 1; }
@media (max-width: 600px) {
  .lc-guess .score { grid-template-columns: minmax(0, 1fr); }
  .lc-guess .choices { grid-template-columns: repeat(3, minmax(0, 1fr)); min-height: 12.4rem; }
  .lc-guess .controls button { flex: 1 1 auto; }
  .lc-guess .story { height: 9.4em; }
}
@media (prefers-reduced-motion: reduce) { .lc-guess.moving * { animation: none !important; } }
@media print { .lc-guess .ask { display: none; } .lc-guess .story { height: auto; } }
`;

function settings(model) {
  const state = settingsOf(model, "guess", defaults);
  if (!state.passages.length) throw new Error("guess: no passages. layercake.figures.guess.state() gives them.");
  if (!state.passages[state.passage]) throw new Error(`guess: there is no passage ${state.passage}.`);
  return state;
}

/** The bits so far of all three, as lines over the words. */
function drawChart(words, costs) {
  const width = 420, height = 190, left = 34, bottom = 24, top = 8, right = 6;
  const most = Math.max(total(words.map((word) => ({ ngram: bits(word.ngram) })), "ngram"), ...["you", "ngram"].map((p) => total(costs, p)));
  const rise = [10, 20, 50, 100].find((step) => most / step <= 6) ?? 200;
  const x = (index) => left + (index / words.length) * (width - left - right);
  const y = (sum) => height - bottom - (sum / most) * (height - bottom - top);
  const chart = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", "aria-hidden": "true" });
  for (let sum = 0; sum <= most; sum += rise) {
    chart.append(element("line", { class: "axis", x1: left, x2: width - right, y1: y(sum), y2: y(sum) }));
    chart.append(element("text", { x: left - 5, y: y(sum) + 4, "text-anchor": "end" }, String(sum)));
  }
  chart.append(element("text", { x: left, y: height - 6 }, "bits charged, word by word"));
  for (const [player] of [...PLAYERS].reverse()) {
    let sum = 0;
    const points = costs.map((cost, index) => `L${x(index + 1).toFixed(1)} ${y((sum += cost[player])).toFixed(1)}`);
    chart.append(element("path", { class: player, d: `M${x(0)} ${y(0)}${points.join("")}` }));
  }
  return chart;
}

/** The table of the three scores. */
function drawTable(costs) {
  const rows = PLAYERS.map(([player, name]) => {
    const sum = total(costs, player);
    const key = element("svg", { viewBox: "0 0 27 11", "aria-hidden": "true" },
      element("line", { class: player, x1: 0, x2: 27, y1: 6, y2: 6 }));
    return element("tr", { "data-player": player }, element("th", { scope: "row" }, key, name),
      element("td", {}, tenths(sum)), element("td", {}, costs.length ? (sum / costs.length).toFixed(2) : "–"));
  });
  const head = element("tr", {}, element("th", {}, ""), element("th", { scope: "col" }, "bits"), element("th", { scope: "col" }, "per word"));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}

const quoted = (word) => (/^(a new chapter|the end)$/.test(word) ? word : `“${word}”`);
const ranked = (likely) => likely.map(([word, p]) => `${word} ${percent(p)}`).join(" · ");

/** What just happened, in words: for the reader and for a screen reader. */
function describe(word, cost) {
  const [choice, stake] = cost.bet;
  const bet =
    choice === null ? "You did not bet: the n-gram bet for you."
    : word.offered[choice] === word.says ? `Right, with ${percent(stake)} on it.`
    : `Not ${quoted(word.offered[choice])}.`;
  return [
    `It was ${quoted(word.says)}. ${bet} Bits: you ${tenths(cost.you)}, the n-gram ${tenths(cost.ngram)}, the exact bound ${tenths(cost.exact)}.`,
    `The n-gram expected: ${ranked(word.likelyNgram)}.`,
    `The best possible reader expected: ${ranked(word.likelyExact)}.`,
  ];
}

/** How it ended. */
function sumUp(costs) {
  const [you, ngram, exact] = PLAYERS.map(([player]) => total(costs, player));
  const closed = Math.round((100 * (ngram - you)) / (ngram - exact));
  const verdict =
    Math.abs(ngram - you) < 0.05 ? "You are level with the n-gram."
    : you < ngram ? `You beat the n-gram by ${tenths(ngram - you)} bits, ${closed} % of what could be gained on it.`
    : `The n-gram beat you by ${tenths(you - ngram)} bits: some stakes were too high for what you knew.`;
  return `The story has ended. You ${tenths(you)} bits, the n-gram ${tenths(ngram)}, the exact bound ${tenths(exact)}. ${verdict}`;
}

function render({ model, el }) {
  let state = settings(model);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = (label) => element("button", { type: "button" }, label);

  const pick = element("select", { "aria-label": "Story" },
    ...state.passages.map(({ title }, index) => element("option", { value: index }, title)));
  const progress = element("span", { class: "so-far" });
  const story = element("div", { class: "story", tabindex: "0", role: "region", "aria-label": "The story so far" });
  const choices = element("div", { class: "choices", role: "group", "aria-label": "Which word comes next?" });
  const stakes = element("fieldset", {}, element("legend", {}, "You stake"),
    ...STAKES.map((stake) => {
      const input = element("input", { type: "radio", name: `stake-${Math.random().toString(36).slice(2)}`, value: stake });
      input.addEventListener("change", () => change({ stake }));
      return element("label", {}, input, percent(stake));
    }));
  const radios = [...stakes.querySelectorAll("input")];
  for (const radio of radios) radio.name = radios[0].name; // one group, of this picture alone
  const [pass, skip, finish, again] = ["No bet", "Skip the sentence", "Skip to the end", "Start again"].map(button);
  const ask = element("div", { class: "ask" }, choices, stakes, element("div", { class: "controls" }, pass, skip));
  const says = element("div", { class: "says", role: "status", "aria-live": "polite" });
  const score = element("div", { class: "score" });
  const top = element("div", { class: "controls" }, element("label", {}, "Story", pick), progress);
  const root = element("div", { class: "lc-guess", role: "group", "aria-label": "Bet on the next word of a story" },
    element("style", {}, STYLE), top, story, ask, says, score,
    element("div", { class: "controls ask" }, finish, again));
  el.append(root);
  const forgetShade = followShade(root);

  const words = () => state.passages[state.passage].words;
  const now = () => replay(words(), state.bets);

  function showStory({ costs, at }) {
    const pieces = words().slice(0, at).map((word, index) => {
      if (!word.offered) return word.text;
      const [, blank, text] = word.text.match(/^(\s*)([\s\S]*)$/);
      const [choice] = costs[index].bet;
      if (choice === null || !text) return word.text;
      const right = word.offered[choice] === word.says;
      const mark = element("b", { class: right ? "" : "missed" }, text);
      return element("span", {}, blank, mark);
    });
    const newest = element("span", { class: "newest" });
    const asked = words().slice(0, at).map((word) => Boolean(word.offered)).lastIndexOf(true);
    if (asked >= 0) newest.append(...pieces.splice(asked));
    const opening = element("span", { class: "given" }, state.passages[state.passage].opening);
    story.replaceChildren(opening, ...pieces, newest, ...(at < words().length ? [element("span", { class: "blank" })] : []));
    story.scrollTop = story.scrollHeight;
  }

  function showChoices({ at }) {
    const held = choices.contains(document.activeElement);
    const word = words()[at];
    choices.replaceChildren(...(word?.offered ?? []).map((choice, index) => {
      const made = button(choice);
      made.addEventListener("click", (event) => {
        if (event.detail < 2) bet(index); // the second click of a double click was meant for the word before
      });
      return made;
    }));
    if (held) (choices.firstChild ?? again).focus({ preventScroll: true });
    choices.hidden = stakes.hidden = !word;
    for (const one of [pass, skip, finish]) one.setAttribute("aria-disabled", !word);
    again.setAttribute("aria-disabled", !state.bets.length);
  }

  function showSays({ costs, at }) {
    const asked = words().slice(0, at).map((word) => Boolean(word.offered)).lastIndexOf(true);
    const { n, tokens } = state.ngram;
    const said = !state.bets.length
      ? [
          `Which word comes next? Tap it, or leave the bet to the n-gram, which knows the last ${n - 1} words and has counted ${tokens.toLocaleString("en-US")}.`,
          "Your stake goes on the word that you tap. The rest of your probability is spread as the n-gram has it. Low bits win.",
        ]
      : describe(words()[asked], costs[asked]);
    if (at === words().length) said.unshift(sumUp(costs));
    says.replaceChildren(...said.map((line) => element("p", {}, line)));
  }

  function show() {
    const played = now();
    const asked = words().filter((word) => word.offered).length;
    progress.textContent = `${Math.min(state.bets.length + 1, asked)} of ${asked} bets`;
    pick.value = state.passage;
    for (const radio of radios) radio.checked = Number(radio.value) === state.stake;
    showStory(played);
    showChoices(played);
    showSays(played);
    score.replaceChildren(drawTable(played.costs), drawChart(words(), played.costs));
  }

  function change(some) {
    root.classList.toggle("moving", some.bets?.length > state.bets.length && !still.matches);
    state = { ...state, ...some };
    show();
    keep(model, state);
  }

  const bet = (choice) => change({ bets: [...state.bets, [choice, choice === null ? 0 : state.stake]] });
  /** Leaves bets to the n-gram up to where `stop` holds for a word that has been told, or to the end. */
  function leave(stop) {
    let { at } = now();
    const bets = [...state.bets];
    for (let going = true; going && at < words().length; at++) {
      if (words()[at].offered) bets.push([null, 0]);
      going = !stop(words()[at]);
    }
    if (bets.length > state.bets.length) change({ bets });
  }

  pick.addEventListener("change", () => change({ passage: Number(pick.value), bets: [] }));
  const enabled = (one, act) => one.addEventListener("click", () => one.getAttribute("aria-disabled") === "true" || act());
  enabled(pass, () => bet(null));
  enabled(skip, () => leave((word) => word.last));
  enabled(finish, () => leave(() => false));
  enabled(again, () => change({ bets: [] }));
  choices.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const all = [...choices.children];
    if (!step || !all.length) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });

  show();
  return () => {
    forgetShade();
    root.remove();
  };
}

export default { render };
