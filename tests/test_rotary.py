"""The moving picture `rotary`: its arrows and its product are those of `solutions.transformer.rotary`.

Proves, in a real browser, that every arrow, angle and product shown is what `rotary` gives for the same two vectors;
that moving both words turns the arrows and changes neither angle nor product, and moving one changes both; that the
keyboard, a click and the settings work it; that it fits a phone and has contrast in light and dark.
"""

import math
import re
from pathlib import Path

import pytest
import torch
from pictures import put_on, take_away
from playwright.sync_api import Page
from torch import Tensor

from solutions.transformer import rotary

ROOT = Path(__file__).parent.parent
PHONE, SMALL, WIDE = {"width": 390, "height": 844}, {"width": 360, "height": 740}, {"width": 1280, "height": 900}
T, D, HALF = 24, 64, 32
PAIRS = (0, 4, 8, 31)
PICTURE = "rotary"


# --- the numbers ---------------------------------------------------------------------------------------------


def turned(position: int) -> Tensor:
    """The vector of the picture at a position, (1, 0) in each pair before it is turned: (D)."""
    vector = torch.cat([torch.ones(HALF), torch.zeros(HALF)]).double()
    return rotary(vector.unsqueeze(0), torch.tensor([position]))[0]


def product(query: int, key: int) -> float:
    """Query · key, as a share of what it is at distance 0."""
    return (turned(query) @ turned(key)).item() / HALF


def arrows(page: Page, name: str) -> list[list[float]]:
    """Where each dial's arrow points as it is drawn, at length 1: [a, b] of each pair shown."""
    page.wait_for_selector(".text svg")
    drawn = page.eval_on_selector_all(f".arrow.{name}", "(paths) => paths.map((path) => path.getAttribute('d'))")
    ends = [[float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", path)[:4]] for path in drawn]
    return [[(x - left) / 44, (top - y) / 44] for left, top, x, y in ends]


def texts(page: Page, selector: str) -> list[str]:
    page.wait_for_selector(".text svg")
    return page.locator(selector).all_inner_texts()


def angles(page: Page) -> list[str]:
    return [line for box in texts(page, ".dial") for line in box.split("\n") if line.startswith(("angle", "cosine"))]


def shown(page: Page) -> str:
    """The product as the sentence above and the curve's label say it."""
    page.wait_for_selector(".text svg")
    above, beside = page.locator(".finding b").inner_text(), page.locator("text.now").text_content()
    assert above == beside
    return above


@pytest.mark.parametrize(("query", "key"), [(9, 5), (1, 1), (24, 1), (24, 24), (17, 2), (8, 7)])
def test_arrows_angles_and_product_are_those_of_the_reference(opened, query, key):
    page = opened({"query": query, "key": key})
    for name, position in (("query", query), ("key", key)):
        pairs = torch.stack([turned(position)[:HALF], turned(position)[HALF:]], dim=-1)  # (HALF, 2)
        assert arrows(page, name) == [pytest.approx(pairs[i].tolist(), abs=1e-5) for i in PAIRS]
    said = angles(page)
    for number, i in enumerate(PAIRS):
        (qa, qb), (ka, kb) = ((turned(p)[i].item(), turned(p)[HALF + i].item()) for p in (query, key))
        angle = math.degrees(math.atan2(qb * ka - qa * kb, qa * ka + qb * kb)) % 360
        assert float(said[2 * number].removeprefix("angle ").rstrip("°")) == pytest.approx(angle, abs=0.51, rel=0.01)
        cosine = float(said[2 * number + 1].removeprefix("cosine ").replace("−", "-"))
        assert cosine == pytest.approx(qa * ka + qb * kb, abs=0.0051)
    assert float(shown(page)) == pytest.approx(product(query, key), abs=0.00051)
    assert f"Distance {query - key}: product {product(query, key):.3f}." in page.locator(".finding").inner_text()
    assert opened.troubles == []


def test_the_curve_is_the_product_at_every_distance(opened):
    page = opened()
    page.wait_for_selector(".point")
    points = page.eval_on_selector_all(
        ".point", "(all) => all.map((p) => [+p.dataset.distance, +p.dataset.product, +p.getAttribute('cy')])"
    )
    assert [distance for distance, _, _ in points] == list(range(T))
    assert [value for _, value, _ in points] == pytest.approx([product(k, 0) for k in range(T)], abs=1e-5)
    heights = [(y - points[0][2]) / (1 - value) for _, value, y in points[1:]]
    assert min(heights) == pytest.approx(max(heights), rel=1e-6), "the height of a point is its product"
    ones = torch.ones(1, D).double()  # any vector whose pairs are all of one length has the same curve
    of_ones = [(rotary(ones, torch.tensor([k])) @ ones.T).item() / D for k in range(T)]
    assert [value for _, value, _ in points] == pytest.approx(of_ones, abs=1e-5)


def test_the_rates_are_those_of_the_reference(opened):
    page = opened()
    axis = torch.cat([torch.ones(HALF), torch.zeros(HALF)]).double().unsqueeze(0)
    after_one = rotary(axis, torch.tensor([1]))[0]
    for box, i in zip(texts(page, ".dial"), PAIRS, strict=True):
        rate = math.atan2(after_one[HALF + i].item(), after_one[i].item())
        lines = box.split("\n")
        assert lines[0] == f"Pair {i}"
        assert float(lines[1].removeprefix("θ = ")) == pytest.approx(rate, rel=0.06)
        words = float(lines[2].removeprefix("a turn: ").removesuffix(" words").replace(",", ""))
        assert words == pytest.approx(2 * math.pi / rate, rel=0.05)


# --- working it ----------------------------------------------------------------------------------------------


def test_moving_both_turns_the_arrows_and_changes_neither_angle_nor_product(opened):
    page = opened({"query": 9, "key": 5})
    before = angles(page), shown(page), arrows(page, "query"), arrows(page, "key")
    page.get_by_role("button", name="Move both on").click()
    assert (angles(page), shown(page)) == before[:2]
    assert arrows(page, "query")[0] != pytest.approx(before[2][0], abs=0.5)
    assert arrows(page, "key")[0] != pytest.approx(before[3][0], abs=0.5)
    assert page.locator(".finding").inner_text().startswith("Query at 10, “above”; key at 6, “and”.")
    assert "the angles stayed, and the product is still 0.748" in page.locator(".change").inner_text()
    page.get_by_role("button", name="Move both back").click()
    assert (angles(page), shown(page), arrows(page, "query"), arrows(page, "key")) == before


def test_moving_both_stops_at_the_ends_of_the_row(opened):
    page = opened({"query": 23, "key": 2})
    on, back = (page.get_by_role("button", name=name) for name in ("Move both on", "Move both back"))
    on.click()
    assert on.get_attribute("aria-disabled") == "true"
    on.focus()
    page.keyboard.press("Enter")
    assert page.locator(".finding").inner_text().startswith("Query at 24, “.”; key at 3, “the”.")
    assert page.evaluate("document.activeElement.textContent") == "Move both on", "the focus stays"
    back.click()
    back.click()
    assert back.get_attribute("aria-disabled") == "true"
    back.click(force=True)
    assert page.locator(".finding").inner_text().startswith("Query at 22, “flood”; key at 1, “Mara”.")


@pytest.mark.parametrize(("name", "where"), [("Query", (10, 5)), ("Key", (9, 6))])
def test_moving_one_changes_angles_and_product(opened, name, where):
    page = opened({"query": 9, "key": 5})
    before = angles(page), arrows(page, "query"), arrows(page, "key")
    page.get_by_role("slider", name=name).press("ArrowRight")
    assert all(new != old for new, old in zip(angles(page)[:6], before[0][:6], strict=True))
    assert shown(page) == f"{product(*where):.3f}" != "0.748"
    assert (arrows(page, "query") == before[1]) == (name == "Key")
    assert (arrows(page, "key") == before[2]) == (name == "Query")
    assert f"Only the {name.lower()} moved" in page.locator(".change").inner_text()
    assert f"from 0.748 to {product(*where):.3f}" in page.locator(".change").inner_text()


def test_the_keyboard_reaches_everything(opened):
    page = opened()
    page.wait_for_selector(".text svg")
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == ["Move both back", "Move both on", "query", "key"]
    page.keyboard.press("Home")
    assert shown(page) == f"{product(9, 1):.3f}"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    assert shown(page) == f"{product(24, 1):.3f}"


def test_the_key_does_not_stand_after_its_query(opened):
    page = opened({"query": 9, "key": 5})
    query, key = (page.get_by_role("slider", name=name) for name in ("Query", "Key"))
    key.press("End")
    assert (query.input_value(), key.input_value(), shown(page)) == ("9", "9", "1.000")
    query.press("Home")
    assert (query.input_value(), key.input_value(), shown(page)) == ("9", "9", "1.000")
    assert key.get_attribute("aria-valuetext") == "position 9, “it”"
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"


def test_a_click_on_a_word_moves_the_nearer_mark(opened):
    page = opened({"query": 9, "key": 5})
    page.wait_for_selector(".column")
    for position, where in ((3, (9, 3)), (20, (20, 3)), (14, (14, 3)), (14, (14, 3)), (6, (14, 6))):
        page.locator(".column").nth(position - 1).click()
        sliders = [page.get_by_role("slider", name=name).input_value() for name in ("Query", "Key")]
        assert sliders == [str(number) for number in where]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"quer": 1}, "unknown setting quer. Known: query, key"),
        ({"query": 25}, "query is a whole number from 1 to 24, not 25"),
        ({"key": 0}, "key is a whole number from 1 to 24, not 0"),
        ({"key": 2.5}, "key is a whole number from 1 to 24, not 2.5"),
        ({"query": 4, "key": 6}, "the key, at 6, stands after the query, at 4"),
    ],
)
def test_a_wrong_setting_is_named(opened, state, said):
    page = opened(state)
    page.wait_for_timeout(100)
    assert [said in trouble for trouble in opened.troubles] == [True]


def test_it_tells_python_its_state_and_can_be_taken_away(opened):
    page = opened()
    put_on(page, "rotary", {"query": 12})
    page.wait_for_function("el.querySelectorAll('.point').length === 24")  # rendered before it was on the page
    page.get_by_role("slider", name="Key").last.fill("7")
    assert page.evaluate("values.state") == {"query": 12, "key": 7}
    take_away(page)
    assert opened.troubles == []


# --- how it looks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [(9, 5), (1, 1), (24, 24), (24, 1)])
@pytest.mark.parametrize("viewport", [SMALL, PHONE, WIDE])
def test_it_fits_the_page(opened, viewport, where):
    page = opened(dict(zip(("query", "key"), where, strict=True)), viewport=viewport)
    page.wait_for_selector(".point")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for drawing in (".text svg", ".curve-stage svg"):
        scale = page.locator(drawing).evaluate("(svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
        assert scale == pytest.approx(1, abs=0.02), "the letters of the drawing are as large on a phone"
    labels = page.locator(".text text.query, .text text.key, text.now").evaluate_all(
        "(all) => all.map((one) => [one.getBoundingClientRect().left, one.getBoundingClientRect().right])"
    )
    assert all(left >= 0 and right <= viewport["width"] for left, right in labels)


def test_the_buttons_stay_in_sight_on_a_phone(opened):
    page = opened(viewport=SMALL)
    page.wait_for_selector(".point")
    box = page.get_by_role("button", name="Move both on").bounding_box()
    assert box["y"] + box["height"] <= SMALL["height"]
    assert page.locator(".dial").nth(1).bounding_box()["y"] < box["y"]


def luminance(color: str) -> float:
    channels = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("scheme", "ground"), [("light", 1.0), ("dark", luminance("rgb(18, 18, 18)"))])
def test_it_follows_light_and_dark(opened, scheme, ground):
    page = opened(color_scheme=scheme)
    page.wait_for_selector(f".lc-rotary[data-shade={scheme}] .point")
    for selector, kind, least in (
        (".finding b", "color", 4.5),
        ("text.key >> nth=0", "fill", 4.5),
        (".arrow.key >> nth=0", "stroke", 3),
        (".arrow.query >> nth=0", "stroke", 3),
    ):
        color = page.locator(selector).evaluate(f"(one) => getComputedStyle(one).{kind}")
        light, dark = sorted([luminance(color), ground], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, (selector, color)


def test_nothing_moves_by_itself(opened):
    page = opened()
    page.wait_for_selector(".point")
    before = page.locator(".lc-rotary").inner_html()
    page.get_by_role("button", name="Move both on").click()
    assert page.evaluate("document.getAnimations().length") == 0
    after = page.locator(".lc-rotary").inner_html()
    page.wait_for_timeout(300)
    assert before != after == page.locator(".lc-rotary").inner_html()
