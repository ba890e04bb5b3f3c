"""The book as a reader meets it: built with warnings as errors, opened in a real browser.

Proves that every page opens from a web server and from `file://` with no error and no request to another host,
fits a phone, and can be read in light and dark; that doors, cake and links lead somewhere; and that the moving
picture takes exactly as many steps as `solutions.attention.sequential_depth` says.
"""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import yaml
from playwright.sync_api import ConsoleMessage, Locator, Page

from layercake import figures
from layercake.labs import waiting
from solutions.attention import sequential_depth

ROOT = Path(__file__).parent.parent
LANDING, CHAPTER, EXERCISES = "book/index.html", "book/attention.html", "exercises/attention/attention.html"
FIRST, FIRST_EXERCISES = "book/prediction.html", "exercises/prediction/prediction.html"
READ = [
    LANDING,
    FIRST,
    FIRST_EXERCISES,
    "book/rnn.html",
    "exercises/rnn/rnn.html",
    CHAPTER,
    EXERCISES,
    "book/transformer.html",
    "exercises/transformer/transformer.html",
    "book/tokenizer.html",
    "exercises/tokenizer/tokenizer.html",
    "book/pretraining.html",
    "exercises/pretraining/pretraining.html",
    "book/playscript.html",
    "exercises/playscript/playscript.html",
    "book/sft.html",
    "exercises/sft/sft.html",
    "book/reward.html",
    "exercises/reward/reward.html",
    "book/reasoning.html",
    "exercises/reasoning/reasoning.html",
    "book/real.html",
    "exercises/real/real.html",
    "book/ledger.html",
]
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
DESIGNS = {
    "recurrent": waiting.recurrent,
    "attention": waiting.attentive,
    "attention_on_recurrent": waiting.attention_on_recurrent,
    "convolution": waiting.convolutional,
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built book: its folder of HTML."""
    out = tmp_path_factory.mktemp("book")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT), "-W", "-n", "--keep-going"]
    done = subprocess.run([*command, "--path-output", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"The book does not build without warnings:\n{done.stdout}\n{done.stderr}"
    return out / "_build" / "html"


@pytest.fixture(scope="module")
def served(book: Path) -> Iterator[str]:
    """The address of the book on a web server of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(book))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@dataclass
class Visit:
    """An open page, and everything that went wrong on it."""

    page: Page
    close: Callable[[], None]
    troubles: list[str] = field(default_factory=list)

    @property
    def picture(self) -> Locator:
        return self.page.locator(".moving-picture").first

    def button(self, name: str) -> Locator:
        return self.picture.get_by_role("button", name=name, exact=True)

    def counters(self) -> dict[str, str]:
        """What each panel's step counter says, by design."""
        return {
            panel.get_attribute("data-design") or "": panel.locator(".counter").inner_text()
            for panel in self.picture.locator(".network").all()
        }


def complaint(said: ConsoleMessage) -> str:
    """What the browser complains of, and where."""
    return f"{said.text} ({said.location.get('url', '')})"


@pytest.fixture
def visit(browser_pages, book: Path):
    """`visit(page, base, **context)` opens a page of the book, from `file://` unless told otherwise."""

    def open_page(address: str, base: str = "", fake_clock: bool = False, **context) -> Visit:
        base = base or book.as_uri() + "/"
        page = browser_pages.open(alone=fake_clock, **context)
        opened = Visit(page, lambda: browser_pages.close(page))
        troubles, own = opened.troubles, ("data:", "blob:", "file:" if base.startswith("file:") else base)
        for event, handler in {
            "console": lambda said: troubles.append(complaint(said)) if said.type in ("error", "warning") else None,
            "pageerror": lambda error: troubles.append(str(error)),
            "requestfailed": lambda request: troubles.append(f"failed: {request.url}"),
            "request": lambda r: None if r.url.startswith(own) else troubles.append(f"other host: {r.url}"),
        }.items():
            browser_pages.listen(page, event, handler)
        if fake_clock:
            page.clock.install()
        page.goto(urljoin(base, address))
        if address == "index.html":  # it sends on to the landing page
            page.wait_for_url(f"**/{LANDING}")
        if context.get("java_script_enabled", True):
            page.evaluate("window.MathJax?.startup?.promise")  # formulas may ask for more files, so wait for them
        return opened

    return open_page


def pages(book: Path) -> list[str]:
    return sorted(str(path.relative_to(book)) for path in book.rglob("*.html") if "_static" not in path.parts)


# --- the pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["file", "http"])
def test_pages_open_on_a_phone_with_no_error_and_no_other_host_and_none_is_wider(visit, book, served, how):
    assert {LANDING, CHAPTER, EXERCISES, "index.html"} <= set(pages(book))
    for name in pages(book) if how == "file" else ["index.html", CHAPTER, EXERCISES]:
        opened = visit(name, served if how == "http" else "", viewport=PHONE)
        assert opened.troubles == [], name
        assert opened.page.locator("mjx-merror").count() == 0, f"a formula of {name} has an error"
        opened.page.wait_for_timeout(300)
        widest = opened.page.evaluate(WIDEST)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], (name, widest)
        opened.close()


WIDEST = """() => [...document.querySelectorAll('main *')]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML.slice(0, 120)).slice(0, 3)"""


def test_formulas_and_type_come_from_the_book(visit, book):
    assert [path.name for path in (book / "_static" / "mathjax").iterdir()] == ["tex-svg-full.js"]
    opened = visit(CHAPTER)
    assert opened.page.locator("mjx-container svg").count() > 0
    opened.page.evaluate("document.fonts.ready")
    loaded = opened.page.evaluate("[...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)")
    assert any("Source Serif 4" in family for family in loaded)


CONTRASTS = """() => {
  const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    pixel.clearRect(0, 0, 1, 1); pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behind = (element) => {
    const body = element.closest('.cake-layer')?.querySelector('.cake-body');
    if (body && body.isPointInFill(middle(element))) return rgba(getComputedStyle(body).fill);
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const middle = (text) => { const b = text.getBBox(); return new DOMPoint(b.x + b.width / 2, b.y + b.height / 2); };
  const passive = 'mjx-assistive-mml, .headerlink, script, style, svg > title, desc, [aria-disabled="true"]';
  const seen = [];
  for (const element of document.querySelectorAll('main *, .bd-sidebar-primary *')) {
    const own = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join('');
    if (!own || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest(passive)) continue;
    const style = getComputedStyle(element);
    const ink = rgba(element instanceof SVGElement ? style.fill : style.color);
    const paper = behind(element);
    const mixed = ink.slice(0, 3).map((v, i) => (v * ink[3] + paper[i] * (255 - ink[3])) / 255);
    const name = element.className.baseVal ?? element.className;
    seen.push([Math.round(ratio(mixed, paper) * 100) / 100, own.slice(0, 40), name]);
  }
  return seen.sort((a, b) => a[0] - b[0]);
}"""


@pytest.mark.parametrize("name", READ)
def test_pages_open_with_no_error_and_text_has_contrast_in_light_and_dark(visit, name):
    opened = visit(name)
    for scheme in ("light", "dark"):
        opened.page.emulate_media(color_scheme=scheme)
        opened.page.wait_for_function(f"document.documentElement.dataset.theme == '{scheme}'")
        opened.page.evaluate("document.getAnimations().forEach((fading) => fading.finish())")
        measured = opened.page.evaluate(CONTRASTS)
        assert len(measured) > 30, "the page shows hardly any text"
        assert [found for found in measured if found[0] < 4.5] == []
    assert opened.troubles == []


# --- the face ------------------------------------------------------------------------------------------------


def test_three_doors_lead_to_pages_and_to_colab(visit, book):
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    address = settings["url"].removeprefix("https://github.com/")
    opened = visit(LANDING)
    doors = opened.page.locator(".doors li > p:first-child a")
    assert doors.all_inner_texts() == ["Start reading", "Open the first exercises", "Teach with it"]
    colab = opened.page.get_by_role("link", name="open them in Colab").get_attribute("href")
    assert colab == (
        f"https://colab.research.google.com/github/{address}/blob/{settings['branch']}/exercises/prediction/prediction.ipynb"
    )
    for index, expected in enumerate([FIRST, FIRST_EXERCISES, "book/teaching.html"]):
        opened.page.locator(".doors li").nth(index).click(position={"x": 12, "y": 8})
        opened.page.wait_for_url(f"**/{expected}")
        assert opened.page.locator("article h1").count()
        opened.page.go_back()


def test_the_face_fits_one_screen(visit):
    opened = visit(LANDING, viewport={"width": 1440, "height": 900})
    for part in ["article h1", ".face-words", "svg.cake"]:
        box = opened.page.locator(part).first.bounding_box()
        assert box and box["y"] + box["height"] <= 900, part


def test_baked_layers_are_links_and_the_others_say_so(visit):
    opened = visit(LANDING)
    layers = opened.page.locator("svg.cake .cake-layer")
    shown = {layer.get_attribute("data-topic"): layer for layer in layers.all()}
    assert len(shown) == 11
    for topic, layer in shown.items():
        baked = (ROOT / "book" / f"{topic}.md").exists()
        assert layer.evaluate("(e) => e.localName") == ("a" if baked else "g"), topic
        assert layer.locator(".cake-when").text_content() == ("read →" if baked else "coming"), topic
    shown["attention"].focus()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url(f"**/{CHAPTER}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_on_a_layer_have_contrast(visit, scheme):
    opened = visit(LANDING, color_scheme=scheme)
    fills = """(layer) => ['.cake-topic', '.cake-body'].map(
        (part) => getComputedStyle(layer.querySelector(part)).fill.match(/[\\d.]+/g).slice(0, 3).map(Number))"""
    for layer in opened.page.locator("a.cake-layer").all():
        if layer.get_attribute("data-topic") != "reward":  # its words stand beside it
            words, body = layer.evaluate(fills)
            assert contrast(words, body) >= 4.5, layer.get_attribute("data-topic")


def contrast(one: list[float], other: list[float]) -> float:
    """The contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class Links(HTMLParser):
    """The addresses that a page points to, and the anchors that it has."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given.get("id") or "", given.get("name") or ""}
        if tag == "a" and given.get("href"):
            self.links.add(given["href"] or "")


def test_every_internal_link_and_anchor_resolves(book):
    parsed = {name: Links(book / name) for name in pages(book)}
    broken = []
    for name, page in parsed.items():
        for link in page.links:
            address, anchor = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            target = unquote(urlsplit(urljoin(f"/{name}", address)).path.lstrip("/")) if address else name
            here = parsed.get(target)
            if not (book / target).is_file() or (here and unquote(anchor) not in here.anchors):
                broken.append(f"{name} -> {link}")
    assert sum(len(page.links) for page in parsed.values()) > 50
    assert broken == []


# --- the moving picture --------------------------------------------------------------------------------------


def ready_at(design: str, length: int, layers: int) -> Counter[int]:
    """How many units are computed at each step: asked of `sequential_depth`, one unit at a time."""

    def depth_of(layer: int, position: int) -> int:
        if layer == 0:
            return 0
        return 1 + max((known[unit] for unit in DESIGNS[design](layer, position)), default=0)

    known = {(0, position): 0 for position in range(length)}
    for layer in range(1, layers + 1):
        for position in range(length):
            known[layer, position] = depth_of(layer, position)
    return Counter(step for (layer, _), step in known.items() if layer)


def step_to_the_end(opened: Visit, length: int, layers: int) -> None:
    """Step through the picture, comparing the units that light up with those that the rule makes ready."""
    depth = {name: sequential_depth(waits_for, length, layers) for name, waits_for in DESIGNS.items()}
    ready = {name: ready_at(name, length, layers) for name in DESIGNS}
    assert opened.counters() == {name: f"step 0 of {depth[name]}" for name in DESIGNS}
    for step in range(1, max(depth.values()) + 1):
        opened.button("Step").click()
        now = opened.picture.evaluate(
            """(figure) => Object.fromEntries([...figure.querySelectorAll('.network')].map((panel) =>
                [panel.dataset.design, panel.querySelectorAll('svg > g > .unit.current').length]))"""
        )
        assert now == {name: ready[name][step] for name in DESIGNS}, f"step {step}"
    assert opened.counters() == {name: f"step {steps} of {steps}" for name, steps in depth.items()}
    assert opened.picture.locator(".network .unit:not(.past, .current, .input)").count() == 0
    assert opened.button("Step").get_attribute("aria-disabled") == "true"


def test_the_picture_takes_the_steps_that_the_rule_says(visit):
    opened = visit(CHAPTER, reduced_motion="reduce")
    for box in opened.picture.get_by_role("checkbox").all():
        box.check()
    sliders = [opened.picture.get_by_label(name) for name in ("Length", "Layers")]
    step_to_the_end(opened, *(int(slider.input_value()) for slider in sliders))
    for key, length, layers in [("Home", 4, 1), ("End", 24, 6)]:
        for slider in sliders:
            slider.focus()
            opened.page.keyboard.press(key)
        step_to_the_end(opened, length, layers)
    assert opened.troubles == []


def test_the_picture_is_driven_by_the_keyboard(visit):
    opened = visit(CHAPTER)
    opened.button("Play").focus()
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Step"
    assert opened.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("Space")
    assert opened.counters()["recurrent"].startswith("step 2 of")
    says = opened.picture.locator("[data-design=recurrent] .says")
    assert says.inner_text() == "Computes 2 units at once: layer 1 at position 2; layer 2 at position 1."
    assert says.evaluate("(e) => e.closest('[aria-live]').getAttribute('aria-live')") == "polite"
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")
    assert opened.counters()["recurrent"].startswith("step 0 of")


def test_the_picture_plays_and_pauses(visit):
    opened = visit(CHAPTER, fake_clock=True)
    opened.button("Play").click()
    opened.page.clock.run_for(3 * 900)
    opened.button("Pause").click()
    paused = opened.counters()
    assert 3 <= int(paused["recurrent"].split()[1]) < 14
    opened.page.clock.run_for(10_000)
    assert opened.counters() == paused
    opened.button("Play").click()
    opened.page.clock.run_for(60_000)
    assert opened.counters() == {"recurrent": "step 14 of 14", "attention": "step 3 of 3"}
    assert opened.button("Play").is_visible(), "at the end it stops by itself"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_reduced_motion_is_honoured(visit, motion):
    opened = visit(CHAPTER, reduced_motion=motion)
    opened.button("Step").click()
    moving = opened.picture.evaluate("(figure) => figure.getAnimations({ subtree: true }).length")
    assert (moving > 0) == (motion == "no-preference")


def written_out(folder: Path, state: dict) -> str:
    """A bare page with the moving picture, as the directive writes it: its address."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from moving_pictures import page_markup

    source = figures.source("messages")
    page = folder / "page.html"
    page.write_text(f"<meta charset=utf-8>{page_markup('one', source, 'What it shows.', state)}", encoding="utf-8")
    return page.as_uri()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_picture_that_starts_playing_stays_still_where_motion_is_unwanted(visit, tmp_path, motion):
    address = written_out(tmp_path, {"playing": True})
    opened = visit(address, fake_clock=True, reduced_motion=motion)
    opened.page.clock.run_for(2000)
    assert (opened.counters()["recurrent"] == "step 0 of 14") == (motion == "reduce")


def test_a_notebook_may_attach_the_picture_later_and_take_it_away(visit):
    """As JupyterLab does: it renders into an element that is not on the page yet."""
    opened = visit("book/references.html", fake_clock=True)
    source = figures.source("messages")
    ready = "\ndocument.documentElement.dataset.ready = 'yes';"  # a module runs when it likes
    opened.page.add_script_tag(
        type="module", content=source.replace("export default ", "globalThis.picture = ") + ready
    )
    opened.page.wait_for_selector("html[data-ready]")
    opened.page.evaluate("""() => {
        globalThis.values = { state: { playing: true } };
        const model = { get: (name) => values[name], set: (name, value) => (values[name] = value), save_changes() {} };
        globalThis.el = document.createElement('div');
        globalThis.leave = picture.render({ model, el });
        document.querySelector('article').append(el);
    }""")
    opened.page.clock.run_for(2000)
    opened.page.wait_for_selector(".lc-messages[data-shade=light]")
    assert opened.page.evaluate("values.state.step") >= 2, "Python sees the present state"
    opened.page.evaluate("leave()")
    left_at = opened.page.evaluate("values.state.step")
    opened.page.clock.run_for(5000)
    assert opened.page.evaluate("[values.state.step, el.children.length]") == [left_at, 0], (
        "a timer outlived the picture"
    )
    assert opened.troubles == []


def test_a_misspelt_setting_is_named(visit, tmp_path):
    opened = visit(written_out(tmp_path, {"lenght": 7}))
    opened.page.wait_for_timeout(100)
    assert any("unknown setting lenght. Known: designs, length" in trouble for trouble in opened.troubles)


def test_the_text_alternative_shows_without_scripts_and_in_print(visit):
    for context, media in [({"java_script_enabled": False}, "screen"), ({}, "print")]:
        opened = visit(CHAPTER, **context)
        opened.page.emulate_media(media=media)
        box = opened.picture.locator("figcaption").bounding_box()
        assert box and box["height"] > 10, media


def test_an_unknown_picture_or_a_missing_alternative_stops_the_build(tmp_path):
    from sphinx.application import Sphinx

    extensions = f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
    (tmp_path / "conf.py").write_text(extensions + 'extensions = ["myst_parser", "moving_pictures"]\n')
    (tmp_path / "index.md").write_text(
        "# Page\n\n```{moving-picture} mesages\n:alt: A\n```\n\n```{moving-picture} messages\n```\n"
    )
    said = StringIO()
    Sphinx(tmp_path, tmp_path, tmp_path / "out", tmp_path / "tree", "html", status=None, warning=said).build()
    there_are = "compute, guess, messages, replies, rotary, tampered, vanishing"
    assert f"There is no moving picture 'mesages'. There are: {there_are}." in said.getvalue()
    assert "A moving picture needs :alt:" in said.getvalue()


def test_in_a_notebook_the_same_module_runs(monkeypatch):
    widget = figures.show("messages", length=8)
    assert widget._esm == figures.source("messages")
    assert widget.state == {"length": 8}
    with pytest.raises(figures.UnknownFigure, match="There are: compute, guess, messages"):
        figures.show("massages")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match="pip install anywidget"):
        figures.show("messages")
