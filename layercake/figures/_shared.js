// What all moving pictures use. `layercake.figures.source` writes it in the place of the line that imports it.

const SVG = "http://www.w3.org/2000/svg";

/** An element of the page, or of a drawing, with attributes and children. */
export function element(name, attributes = {}, ...children) {
  const made = ["svg", "g", "line", "path", "circle", "rect", "text"].includes(name)
    ? document.createElementNS(SVG, name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Light or dark, by the colour that text has here: right in the book, JupyterLab, Colab and VS Code. */
export function followShade(root) {
  const look = () => {
    const channels = getComputedStyle(root).color.match(/[\d.]+/g)?.map(Number); // none before root is on the page
    if (!channels) return;
    const [r, g, b] = channels;
    root.dataset.shade = 0.3 * r + 0.6 * g + 0.1 * b > 127 ? "dark" : "light";
  };
  const changed = new MutationObserver(look);
  for (const watched of [document.documentElement, document.body]) changed.observe(watched, { attributes: true });
  const sized = new ResizeObserver(look); // a notebook puts the picture on its page after it is made
  sized.observe(root);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", look);
  look();
  return () => {
    changed.disconnect();
    sized.disconnect();
    scheme.removeEventListener("change", look);
  };
}

/** Call `draw(width)` now and whenever the stage gets another width, at least 240; returns what ends it. */
export function followWidth(stage, draw) {
  let drawn = 0;
  const sized = new ResizeObserver(() => {
    const width = Math.round(Math.max(240, stage.clientWidth));
    if (width === drawn || !stage.clientWidth) return; // no width: not on its page yet
    drawn = width;
    draw(width);
  });
  sized.observe(stage);
  return () => sized.disconnect();
}

/** What a picture starts from: its defaults, and on top of them what is given. Throws where that is no setting of it,
 * and names those that there are, but for what the page itself gives. */
export function settingsOf(model, name, defaults, ofThePage = []) {
  const given = model.get("state") ?? {};
  const unknown = Object.keys(given).filter((key) => !(key in defaults));
  if (unknown.length) {
    const known = Object.keys(defaults).filter((key) => !ofThePage.includes(key));
    throw new Error(`${name}: unknown setting ${unknown}. Known: ${known.join(", ")}.`);
  }
  return { ...defaults, ...given };
}

/** Tell the page what the picture's state is now. */
export function keep(model, state) {
  model.set("state", { ...state });
  model.save_changes();
}

/** Keep a picture in the page's shade, and drawn as wide as its stage (`followWidth`); returns what takes it away. */
export function followPage(root, stage, draw) {
  const forget = [followWidth(stage, draw), followShade(root)];
  return () => {
    for (const one of forget) one();
    root.remove();
  };
}
