"""The claim `infrastructure` and its moving picture `compute`.

Proves that the arithmetic gives back what published runs reported, that the record says what its data give and holds
the claim against them, that every published figure has a source that the book cites, and that the picture shows, in a
real browser, the numbers that Python computes; that keys, buttons and settings work it; that it fits a phone, has
contrast in light and dark, and stays still where motion is unwanted.
"""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import works
from pictures import put_on, take_away
from playwright.sync_api import Page

from experiments import infrastructure, record, village_model
from layercake import results
from layercake.figures import compute

ROOT = Path(__file__).parent.parent
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PICTURE = "compute"


@pytest.fixture(scope="module")
def recorded() -> dict:
    return results.load("infrastructure")


@pytest.fixture(scope="module")
def state() -> dict:
    return json.loads(json.dumps(compute.state()))


@pytest.fixture
def base_state(state: dict) -> dict:
    return state


# --- the arithmetic ------------------------------------------------------------------------------------------


def test_two_numbers_worked_by_hand():
    """Two devices of 10 operations a second, half used: 6 · 5 · 600 operations are 1,800 seconds of each."""
    run = compute.estimate(5, 600, peak=10, watts=1000, devices=2, utilisation=0.5, price=3, pue=1.5)
    assert run["operations"] == 18_000
    assert run["device_hours"] == pytest.approx(1)
    assert run["days"] == pytest.approx(0.5 / 24)
    assert run["megawatts"] == pytest.approx(0.003)
    assert run["mwh"] == pytest.approx(0.0015)
    assert run["dollars"] == pytest.approx(3)


def test_without_watts_there_is_no_electricity():
    run = compute.estimate(5, 600, peak=10, watts=None, devices=2, utilisation=0.5, price=3, pue=1.5)
    assert run["megawatts"] is None and run["mwh"] is None and run["days"] > 0


def preset(state: dict, title: str) -> dict[str, float]:
    """What Python computes for a run of the picture."""
    run = next(run for run in state["presets"] if run["title"] == title)
    return python(state, run | {"device": run["hardware"]})


def python(state: dict, run: dict) -> dict[str, float]:
    device = next(device for device in state["hardware"] if device["key"] == run["device"])
    kept = {name: run[name] for name in ("devices", "utilisation", "price", "pue")}
    return compute.estimate(run["parameters"], run["tokens"], peak=device["peak"], watts=device["watts"], **kept)


def test_the_picture_s_runs_take_what_was_reported_of_them(state):
    """Device-hours, days, electricity and money as the papers have them, none of which the presets hold."""
    llama, gpt, largest = preset(state, "LLaMA 65B"), preset(state, "GPT-3"), preset(state, "Llama 3.1 405B")
    assert llama["days"] == pytest.approx(21, abs=0.5)
    assert llama["mwh"] == pytest.approx(449, abs=1)
    assert gpt["days"] == pytest.approx(14.8, abs=0.05)
    assert gpt["mwh"] == pytest.approx(1287, rel=0.1), "design power instead of measured power"
    assert largest["device_hours"] == pytest.approx(30.84e6, rel=1e-3)
    assert preset(state, "GPT-2, remade")["dollars"] == pytest.approx(672, abs=1)
    assert infrastructure.DOLLARS["hours"] * infrastructure.DOLLARS["price"] == infrastructure.DOLLARS["total"]


def test_an_independent_throughput_gives_the_same_utilisation(recorded):
    """LLaMA 65B: 380 tokens a second on each of its A100, by its paper's section 2.4."""
    run = next(run for run in recorded["data"]["runs"] if run["name"] == "LLaMA 65B")
    assert run["utilisation"] == pytest.approx(6 * 65.2e9 * 380 / 312e12, rel=0.01)


# --- the record ----------------------------------------------------------------------------------------------


def test_finding_figures_and_numbers_are_what_the_data_give(recorded):
    data = recorded["data"]
    assert recorded["finding"] == infrastructure.finding(data)
    assert recorded["measured"] == json.loads(json.dumps(infrastructure.measured(data)))
    assert recorded["numbers"] == json.loads(json.dumps(infrastructure.numbers(data)))


def holds(data: dict) -> bool:
    """Whether the claim holds of these data."""
    off = [abs(run["rule"] / run["operations"] - 1) for run in infrastructure.tested(data)]
    grown = [infrastructure.growth(data, since) for since in (infrastructure.FIRST, infrastructure.BETWEEN)]
    more_hours = all(growth["hours"] > growth["speed"] for growth in grown)
    return len(off) >= 5 and max(off) <= 0.15 and grown[0]["in_all"] > 100_000 and more_hours


def test_the_claim_holds_of_what_was_published_and_could_have_failed(recorded):
    assert holds(recorded["data"])
    for name, field, factor in (("Gopher", "operations", 1.1), ("Llama 3.1 405B", "device_hours", 0.01)):
        changed = copy.deepcopy(recorded["data"])
        run = next(run for run in changed["runs"] if run["name"] == name)
        run[field] *= factor
        assert not holds(changed)


def test_the_published_figures_are_those_of_the_script(recorded):
    """What stands in the record is what stands, with its source, in the script today; so is our own run."""
    assert recorded["data"]["runs"][:-1] == [
        json.loads(json.dumps(infrastructure.described(run))) for run in infrastructure.RUNS
    ]
    mine, stages = recorded["data"]["runs"][-1], village_model.STAGES
    assert mine == infrastructure.ours(stages, mine["date"])
    assert recorded["settings"]["village_model"] == json.loads(json.dumps([vars(stage) for stage in stages]))


def test_every_figure_has_a_source_that_the_book_cites(recorded):
    data = recorded["data"]
    named = [*data["runs"][:-1], *data["devices"][:-1], *data["sources"]["yardsticks"].values()]
    named += [value for key, value in data["sources"].items() if key != "yardsticks"]
    assert all(one["where"] for one in named)
    sources = {one["source"] for one in named} | {run["hours_from"] for run in data["runs"][:-1] if run["hours_from"]}
    assert sources - works() == set()


def test_runs_got_less_than_the_peak_and_about_what_their_makers_report(recorded):
    for run in infrastructure.timed_runs(recorded["data"]):
        assert 0.25 < run["utilisation"] < 0.5
        if run["reported"]:  # while the training was running, without what was lost
            assert run["utilisation"] < run["reported"][1]


def test_it_runs_small_as_a_program_and_refuses_to_overwrite_the_record(tmp_path, check_refusal):
    before = (results.FOLDER / "infrastructure.json").read_bytes()
    command = [sys.executable, "-m", "experiments.infrastructure", "--smoke"]
    ran = subprocess.run([*command, "--folder", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    written = results.load("infrastructure", tmp_path)
    record.Record.model_validate(written)
    assert "--smoke" in written["command"] and written["finding"] in ran.stdout
    check_refusal(infrastructure)
    assert (results.FOLDER / "infrastructure.json").read_bytes() == before


def test_every_run_is_drawn_and_told(recorded):
    axes = compute.plot(recorded).axes[0]
    assert axes.get_yscale() == "log"
    drawn = {line.get_label(): (line.get_marker(), sorted(line.get_ydata())) for line in axes.lines}
    told = compute.alt_text(recorded)
    for kind, (label, marker, _) in compute.KINDS.items():
        runs = [run for run in recorded["data"]["runs"] if run["kind"] == kind]
        assert drawn[label] == (marker, sorted(run["operations"] for run in runs)) and runs
        assert all(f"{run['name']}, {run['date'][:4]}: {compute.said(run['operations'])}" in told for run in runs)
    assert len({marker for marker, _ in drawn.values()}) == len(compute.KINDS), "a colour is never the only sign"
    assert {text.get_text() for text in axes.texts} == {run["name"] for run in recorded["data"]["runs"]}


# --- the picture: its numbers --------------------------------------------------------------------------------


def tiles(page: Page) -> dict[str, tuple[float | None, str]]:
    """What the four tiles hold, and what they say."""
    page.wait_for_selector(".pointer")
    shown = page.eval_on_selector_all(
        ".tile b", "(all) => all.map((b) => [b.dataset.name, b.dataset.value, b.innerText])"
    )
    return {name: (None if value == "null" else float(value), said) for name, value, said in shown}


SIZES = {"years": 365.25, "days": 1, "hours": 1 / 24, "minutes": 1 / 1440, "seconds": 1 / 86400}
SIZES |= {"MWh": 1, "kWh": 1e-3, "Wh": 1e-6, "million": 1e6, "billion": 1e9, "trillion": 1e12}


def number(words: str) -> float:
    """23,700 MWh, $61.7 million, 4.12 million years or 3.79 × 10²⁵ as a number, in days, MWh or dollars."""
    digits, *rest = words.lstrip("$").replace(",", "").split("\u00a0")
    value = float(digits)
    if rest and rest[0] == "×":
        power = rest[1].removeprefix("10").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
        value, rest = value * 10 ** int(power), rest[2:]
    for unit in rest:
        value *= SIZES.get(unit) or SIZES[unit + "s"]
    return value


def assert_same(page: Page, expected: dict[str, float]) -> None:
    """Every tile holds what Python computes, and says it in three digits."""
    shown = tiles(page)
    assert set(shown) == {"operations", "days", "mwh", "dollars"}
    for name, (value, words) in shown.items():
        if expected[name] is None:
            assert value is None and words == "unknown"
        else:
            assert value == pytest.approx(expected[name], rel=1e-9), name
            assert number(words) == pytest.approx(expected[name], rel=0.0051), name


@pytest.mark.parametrize("title", ["The village model", "GPT-2, remade", "GPT-3", "LLaMA 65B", "Llama 3.1 405B"])
def test_a_run_takes_what_python_computes(opened, state, title):
    page = opened({"preset": title})
    assert_same(page, preset(state, title))
    finding = page.locator(".finding").inner_text()
    assert finding.startswith(f"{title}, ") and tiles(page)["days"][1] in finding
    assert page.locator("button[aria-pressed=true]").inner_text() == title
    assert opened.troubles == []


OWN = [
    {"parameters": 1e5, "tokens": 1e6, "device": "t4", "devices": 1, "utilisation": 1, "price": 0.1, "pue": 1},
    {"parameters": 1e13, "tokens": 1e14, "device": "core", "devices": 1, "utilisation": 0.01, "price": 10, "pue": 2},
    {"parameters": 1e13, "tokens": 1e14, "device": "h100", "devices": 1e6, "utilisation": 0.4, "price": 2, "pue": 1.2},
    {"parameters": 124e6, "tokens": 10e9, "device": "a100", "devices": 8, "utilisation": 0.4, "price": 2, "pue": 1.1},
]


@pytest.mark.parametrize("own", OWN)
def test_any_numbers_give_what_python_computes(opened, state, own):
    assert_same(opened(own), python(state, own))
    assert opened.troubles == []


def test_every_published_run_is_marked_by_its_kind(opened, state):
    page = opened()
    tiles(page)
    marks = page.eval_on_selector_all(".mark", "(all) => all.map((mark) => mark.classList[1])")
    assert marks == [mark["kind"] for mark in state["marks"]]
    assert page.eval_on_selector_all(".mark", "(all) => new Set(all.map((mark) => mark.getAttribute('d'))).size") == 4


# --- working it ----------------------------------------------------------------------------------------------


def test_keyboard_and_buttons(opened, state):
    page = opened({"preset": "GPT-3"})
    page.get_by_role("button", name="Llama 3.1 405B").press("Enter")
    assert_same(page, preset(state, "Llama 3.1 405B"))
    now = next(run for run in state["presets"] if run["title"] == "Llama 3.1 405B")
    now = now | {"device": now["hardware"]}
    page.get_by_role("radio", name="H100").focus()
    page.keyboard.press("ArrowLeft")
    assert_same(page, python(state, now | {"device": "a100"}))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "parameters"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    moved = now | {"device": "a100", "parameters": 1e5, "tokens": 1e14}
    assert_same(page, python(state, moved))
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    page.get_by_role("slider", name="Utilisation").press("End")
    page.get_by_role("slider", name="Dollars an hour").press("Home")
    page.get_by_role("slider", name="Building").press("End")
    assert_same(page, python(state, moved | {"devices": 1, "utilisation": 1, "price": 0, "pue": 2}))
    assert page.locator(".finding").inner_text().startswith("Your run, 100,000 parameters and 100\u00a0trillion tokens")
    assert page.locator("button[aria-pressed=true]").count() == 0
    assert page.locator(".finding").get_attribute("aria-live") == "polite"


def test_a_slider_says_its_number_and_moves_by_equal_factors(opened):
    page = opened({"parameters": 1e9})
    parameters = page.get_by_role("slider", name="Parameters")
    assert parameters.get_attribute("aria-valuetext") == "1\u00a0billion"
    parameters.press("ArrowRight")
    assert parameters.get_attribute("aria-valuetext") == "1.12\u00a0billion"  # a twentieth of a factor of ten
    devices = page.get_by_role("slider", name="Devices")
    devices.press("Home")
    devices.press("PageUp")
    assert int(devices.get_attribute("aria-valuetext").replace(",", "")) >= 2


@pytest.mark.parametrize(
    ("some", "said"),
    [
        ({"flops": 1}, "unknown setting flops. Known: preset, parameters, tokens, device"),
        ({"preset": "GPT-5"}, "no such run: GPT-5. Known: The village model, GPT-2, remade, GPT-3"),
        ({"device": "tpu"}, "no such device: tpu. Known: t4, v100, a100, h100, core"),
        ({"utilisation": 1.5}, "utilisation is from 0.01 to 1, not 1.5"),
        ({"hardware": []}, "no hardware is given. layercake.figures.compute.state() makes it"),
    ],
)
def test_a_wrong_setting_is_named(opened, some, said):
    page = opened(some)
    page.wait_for_timeout(100)
    assert [said in trouble for trouble in opened.troubles] == [True]


def test_it_tells_python_its_state_and_can_be_taken_away(opened, state):
    page = opened()
    put_on(page, "compute", state | {"preset": "GPT-3"})
    page.wait_for_function("el.querySelector('.pointer')")  # rendered before it was on the page
    page.get_by_role("slider", name="Utilisation").last.fill("0.5")
    now = page.evaluate("values.state")
    assert (now["utilisation"], now["preset"], now["device"], now["devices"]) == (0.5, None, "v100", 10_000)
    take_away(page)
    assert opened.troubles == []


# --- how it looks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_reduced_motion_is_honoured(opened, motion):
    page = opened(reduced_motion=motion)
    tiles(page)
    page.get_by_role("slider", name="Tokens").press("Home")
    moving = page.evaluate("document.getAnimations().length")
    assert (moving > 0) == (motion == "no-preference")


@pytest.mark.parametrize("viewport", [PHONE, WIDE])
def test_it_fits_the_page(opened, viewport):
    page = opened({"preset": "Llama 3.1 405B"}, viewport=viewport)
    tiles(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    letters = page.evaluate("""() => {
        const svg = document.querySelector('.stage svg');
        return 11 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    }""")
    assert letters == pytest.approx(11, abs=0.2), "the letters of the drawing are as large on a phone"
    names = page.eval_on_selector_all(".stage text", """(all) => all.map((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        return { words: text.textContent, left, right, top, bottom };
    })""")  # fmt: skip
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            apart = one["right"] <= other["left"] or other["right"] <= one["left"]
            assert apart or one["bottom"] <= other["top"] + 2 or other["bottom"] <= one["top"] + 2, (one, other)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of an rgb(…) colour."""
    channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(opened, scheme):
    page = opened(color_scheme=scheme)
    page.wait_for_selector(f".lc-compute[data-shade={scheme}] .pointer")
    behind = {"light": 1.0, "dark": luminance("rgb(18, 18, 18)")}[scheme]  # Chromium's own page colours
    for part in (".tile b", ".mark.published"):
        style = "color" if part == ".tile b" else "stroke"
        seen = luminance(page.locator(part).first.evaluate(f"(e) => getComputedStyle(e).{style}"))
        contrast = (max(seen, behind) + 0.05) / (min(seen, behind) + 0.05)
        assert contrast >= 4.5, part
