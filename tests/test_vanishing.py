"""The moving picture `vanishing`: its bars are the gradients that `solutions.rnn` measures on the same weights.

Proves, in a real browser, that every bar and every number shown is what `gradient_norms_by_distance` gives, at both
ends of each slider and between them; that the keyboard, a click and the settings work it; that it fits a phone, has
contrast in light and dark, and stays still where motion is unwanted.
"""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pictures import put_on, take_away
from playwright.sync_api import Page
from torch import Tensor

from solutions.rnn import LSTMCell, gradient_norms_by_distance, rnn_step

ROOT = Path(__file__).parent.parent
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
T, D = 25, 4
PICTURE = "vanishing"


# --- the numbers ---------------------------------------------------------------------------------------------


def text() -> Tensor:
    """The made-up numbers of the words: (1, T, D)."""
    t, j = torch.arange(1.0, T + 1).double(), torch.arange(1.0, D + 1).double()
    return (0.4 * torch.sin(t[:, None] * j)).unsqueeze(0)


def turn() -> Tensor:
    """The state weights before they are multiplied: they turn (1, 2) by 0.5 and (3, 4) by 1.3 radians."""
    blocks = [
        torch.tensor([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]], dtype=torch.float64) for a in (0.5, 1.3)
    ]
    return torch.block_diag(*blocks)


def measured(network: str, dial: float) -> Tensor:
    """What is left of the gradient at each distance, by the reference: (T + 1), with 1 at distance 0."""
    nothing = torch.zeros(D).double()
    cells = {
        "simple": lambda x, h: rnn_step(x, h, torch.eye(D).double(), dial * turn(), nothing),
        "linear": lambda x, h: x + h @ (dial * turn()),
        "lstm": joined(dial) if network == "lstm" else None,
    }
    width = 2 * D if network == "lstm" else D
    norms = gradient_norms_by_distance(
        cells[network], text(), torch.zeros(1, width).double(), lambda state: state[:, :D].sum()
    )
    return norms[0] / norms[0, 0]


def joined(forget: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The LSTM, its forget gate held by its bias, with h and c in one tensor."""
    cell = LSTMCell(D, D).double()
    pull = 0.1 * turn().T  # PyTorch's cells multiply by the transposed weights
    with torch.no_grad():
        for weight in cell.parameters():
            weight.zero_()
        for block in (0, 2, 3):  # i, g, o
            cell.weight_ih[block * D : (block + 1) * D] = torch.eye(D)
            cell.weight_hh[block * D : (block + 1) * D] = pull
        cell.bias_ih[D : 2 * D] = math.log(forget / (1 - forget))
    return lambda x, state: torch.cat(cell(x, state.chunk(2, dim=-1)), dim=-1)


def bars(page: Page) -> list[float]:
    """What the bars say, from distance 0 on."""
    page.wait_for_selector(".bar")
    shown = page.eval_on_selector_all(".bar", "(bars) => bars.map((bar) => [+bar.dataset.back, +bar.dataset.left])")
    assert [back for back, _ in sorted(shown)] == list(range(T))
    return [left for _, left in sorted(shown)]


SETTINGS = [("simple", pull) for pull in (0.5, 0.7, 1.0, 1.1, 1.5)]
SETTINGS += [("linear", 0.5), ("linear", 1.0), ("linear", 1.5)]
SETTINGS += [("lstm", 0.5), ("lstm", 0.9), ("lstm", 0.99)]


@pytest.mark.parametrize(("network", "dial"), SETTINGS)
def test_the_bars_are_what_the_reference_measures(opened, network, dial):
    page = opened({"network": network, "forget" if network == "lstm" else "pull": dial})
    assert bars(page) == pytest.approx(measured(network, dial)[:T].tolist(), rel=1e-9)
    assert opened.troubles == []


def test_without_the_tanh_the_gradient_is_the_pull_to_the_power_of_the_distance(opened):
    page = opened({"network": "linear", "pull": 1.2})
    assert bars(page) == pytest.approx([1.2**k for k in range(T)], rel=1e-12)


def number(words: str) -> float:
    """0.58, or 3.1 × 10⁻⁷, as a number."""
    digits, _, power = words.partition("\u00a0×\u00a010")
    return float(digits) * 10 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)


@pytest.mark.parametrize(("network", "dial"), [("simple", 0.5), ("simple", 1.02), ("linear", 1.5), ("lstm", 0.97)])
def test_the_words_say_what_the_bars_show(opened, network, dial):
    page = opened({"network": network, "forget" if network == "lstm" else "pull": dial, "back": 18})
    left = measured(network, dial)
    finding = page.locator(".finding").inner_text()
    assert number(page.locator(".finding b").inner_text()) == pytest.approx(left[18].item(), rel=0.051)
    assert "18 words back, at “bell”" in finding
    verdict = "It explodes" if left[18] > 10 else "It vanishes" if left[18] < 0.1 else "It arrives"
    assert finding.startswith(verdict)
    others = page.locator(".others").inner_text().split(" · ")
    assert [number(other.split(":\u00a0")[1]) for other in others] == [
        pytest.approx(left[k].item(), rel=0.051) for k in (6, 12, 18, 24)
    ]


def test_a_bar_is_as_long_as_its_number(opened):
    """One power of ten is as long in every bar; what vanishes hangs below the line, what explodes stands on it."""
    page = opened({"network": "linear", "pull": 1.3})
    left = bars(page)
    boxes = page.eval_on_selector_all(
        ".bar", "(bars) => bars.map((bar) => [+bar.dataset.back, bar.getBBox().y, bar.getBBox().height])"
    )
    line = page.locator(".whole").evaluate("(line) => line.y1.baseVal.value")
    ten = {height / math.log10(left[back]) for back, y, height in boxes if back > 6}
    assert max(ten) == pytest.approx(min(ten), rel=1e-3)
    assert all(y + height == pytest.approx(line, abs=0.01) for back, y, height in boxes if back > 6)
    page.get_by_role("slider", name="Pull of the state").fill("0.6")
    page.wait_for_timeout(400)  # the bars move
    tops = page.eval_on_selector_all(".bar", "(bars) => bars.map((bar) => bar.getBBox().y)")
    assert tops == pytest.approx([line] * T, abs=0.01)


# --- working it ----------------------------------------------------------------------------------------------


def test_keyboard_and_click(opened):
    page = opened({"pull": 1.0})
    page.get_by_role("radio", name="Simple network").focus()
    page.keyboard.press("ArrowRight")
    assert bars(page) == pytest.approx([1.0] * T)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "pull"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Home")
    assert bars(page) == pytest.approx([0.5**k for k in range(T)])
    page.keyboard.press("End")
    assert bars(page) == pytest.approx([1.5**k for k in range(T)])
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert page.locator(".finding").inner_text() == "It arrives: 0 words back, at “the”, 1 of the gradient is left."
    page.locator(".column").nth(6).click(position={"x": 3, "y": 60})
    assert "18 words back, at “bell”" in page.locator(".finding").inner_text()
    back = page.get_by_role("slider", name="Words back")
    assert back.input_value() == "18"
    assert back.get_attribute("aria-valuetext") == "18 words back, “bell”"
    assert page.locator(".bar.chosen").get_attribute("data-back") == "18"


def test_the_lstm_has_a_slider_of_its_own(opened):
    page = opened({"pull": 0.6})
    assert page.get_by_role("slider").count() == 2
    page.get_by_role("radio", name="LSTM").check()
    assert not page.get_by_role("slider", name="Pull of the state").is_visible()
    page.get_by_role("slider", name="Forget gate").press("End")
    assert bars(page) == pytest.approx(measured("lstm", 0.99)[:T].tolist(), rel=1e-9)
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"pul": 1}, "unknown setting pul. Known: network, pull, forget, back"),
        ({"network": "gru"}, "no such network: gru. Known: simple, linear, lstm"),
        ({"forget": 1}, "forget is from 0.5 to 0.99, not 1"),
        ({"back": 25}, "back is from 0 to 24, not 25"),
    ],
)
def test_a_wrong_setting_is_named(opened, state, said):
    page = opened(state)
    page.wait_for_timeout(100)
    assert [said in trouble for trouble in opened.troubles] == [True]


def test_it_tells_python_its_state_and_can_be_taken_away(opened):
    page = opened({"pull": 0.8})
    put_on(page, "vanishing", {"network": "lstm"})
    page.wait_for_function("el.querySelectorAll('.bar').length === 25")  # rendered before it was on the page
    page.get_by_role("slider", name="Forget gate").last.fill("0.75")
    assert page.evaluate("values.state") == {"network": "lstm", "pull": 0.7, "forget": 0.75, "back": 18}
    take_away(page)
    assert opened.troubles == []


# --- how it looks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_reduced_motion_is_honoured(opened, motion):
    page = opened(reduced_motion=motion)
    bars(page)
    page.get_by_role("slider", name="Pull of the state").press("End")
    moving = page.evaluate("document.getAnimations().length")
    assert (moving > 0) == (motion == "no-preference")


@pytest.mark.parametrize("viewport", [PHONE, WIDE])
def test_it_fits_the_page(opened, viewport):
    page = opened(viewport=viewport)
    bars(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    letters = page.evaluate("""() => {
        const svg = document.querySelector('.stage svg');
        return 11 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    }""")
    assert letters == pytest.approx(11, abs=0.2), "the letters of the drawing are as large on a phone"


@pytest.mark.parametrize(("scheme", "bar"), [("light", "rgb(0, 114, 178)"), ("dark", "rgb(86, 180, 233)")])
def test_it_follows_light_and_dark(opened, scheme, bar):
    page = opened(color_scheme=scheme)
    page.wait_for_selector(f".lc-vanishing[data-shade={scheme}] .bar")
    assert page.locator(".bar:not(.chosen)").first.evaluate("(e) => getComputedStyle(e).fill") == bar
