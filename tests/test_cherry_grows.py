"""Proves that the shares of the claim "cherry-grows" follow from their parts, that each part has a source that the book
cites, that the record is what the script gives today, and that the claim holds of it and could have failed.
"""

import copy
import json
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
from checkout import works

from experiments import cherry, cherry_grows, record
from layercake import results
from layercake.figures import cherry_grows as chart
from layercake.figures.style import one_line
from layercake.labs import reward


@pytest.fixture(scope="module")
def recorded() -> dict:
    return results.load("cherry-grows")


def in_json(said):
    return json.loads(json.dumps(said))


def test_a_share_is_of_both_together():
    assert cherry_grows.share(1, 3) == 0.25


def test_shares_worked_by_hand(recorded):
    """From the numbers as the sources print them."""
    said = cherry_grows.by_name(recorded["data"])
    assert said["InstructGPT 175B"] == pytest.approx(60 / 3700)
    assert said["DeepSeek-V3"] == pytest.approx(5 / 2788)  # thousand hours
    assert said["DeepSeek-R1"] == pytest.approx((101 + 41) / (101 + 41 + 2664 + 119), rel=0.01)  # its own Table 7
    assert said["DeepSeek-R1, as estimated"] == pytest.approx(6 / (6 + 6 * 3.7 * 1.48), rel=1e-6)  # 10^23
    assert said["DeepSeek-V3.2"] == pytest.approx(1 / 11)
    assert said["Llama-Nemotron Ultra"] == pytest.approx(0.14 / (0.14 + 30.84))  # million hours
    assert said["Olmo 3 Think 32B"] == pytest.approx(1120 / (1120 + 43_264))  # days of a GPU
    assert said["Olmo 3.1 Think 32B"] == pytest.approx(5824 / (5824 + 43_264))


def test_olmo_s_days_come_to_the_hours_that_its_makers_name():
    """1.05 million hours to pretrain the 32B model, they told a reader."""
    hours = 24 * cherry_grows.OLMO_DAYS
    assert hours == pytest.approx(1.05e6, rel=0.02)


def test_r1_zero_s_replies_at_full_length():
    """512 replies in each of 10,400 steps: 8,200 of them up to 32,768 tokens long, 2,200 up to 65,536."""
    assert cherry_grows.R1_ZERO_TOKENS == 512 * (8_200 + 2 * 2_200) * 32_768


def test_our_own_operations(recorded):
    """A reply is read once to write it, once by the reference and, at three times the cost, once to learn from it."""
    mine = recorded["data"]["ours"]
    for i, tokens in enumerate(mine["tokens"]):
        a_reply = tokens / (100 * 128)
        assert 20 < a_reply < 35
        forward = mine["generation"][i] / tokens
        assert forward == pytest.approx(cherry_grows.forward(round(a_reply)), rel=1e-4)
        assert 2 * 2.7e6 < forward < 2 * 2.9e6  # two for each of 2.8 million weights, and little attention
        assert mine["reference"][i] == mine["generation"][i] and mine["update"][i] == 3 * mine["generation"][i]
        assert mine["shares"][i] == pytest.approx(5 * forward * tokens / (5 * forward * tokens + mine["pretraining"]))
    assert all(seconds > share for seconds, share in zip(mine["core_seconds"], mine["shares"]))


def test_the_questions_are_those_that_the_loop_asked():
    questions = partial(cherry.asked, "at random")
    loop = SimpleNamespace(seed=1, questions=questions, settings=cherry.GRADED)
    asked = [sum(len(reward.prompt(question)) for question in reward.Loop.asked(loop, step)) for step in range(2)]
    assert cherry_grows.prompts(1, 2) == asked


def holds(data: dict) -> bool:
    """Whether the claim holds of these data."""
    said = cherry_grows.by_name(data)
    series = [[said[name] for name in names] for names in data["series"].values()]
    grew = all(one < other for its in series for one, other in pairwise(its))
    real = [run["share"] for run in data["runs"] if run["kind"] != "claimed"]  # oldest first
    steady = all(one <= other for one, other in pairwise(real))
    return len(series) >= 2 and grew and all(its[-1] >= 4 * its[0] for its in series) and not steady and max(real) < 0.5


def test_the_claim_holds_and_could_have_failed(recorded):
    assert holds(recorded["data"])
    for name, share in (("DeepSeek-R1", 0.001), ("Olmo 3.1 Think 32B", 0.06), ("InstructGPT 175B", 0.6)):
        changed = copy.deepcopy(recorded["data"])
        next(run for run in changed["runs"] if run["name"] == name)["share"] = share
        assert not holds(changed)


def test_every_source_is_in_the_references_and_every_run_says_what_is_uncertain(recorded):
    for run in recorded["data"]["runs"]:
        assert run["kind"] in cherry_grows.KINDS and run["hedge"].endswith(".") and run["sentence"].endswith(".")
        assert run["sources"] and all(place for _, place in run["sources"])
    named = [*recorded["data"]["runs"], *recorded["data"]["growth"]]
    assert {key for one in named for key, _ in one["sources"]} <= works()


def test_the_record_is_what_the_script_gives_today(recorded):
    data = cherry_grows.measure(smoke=False)
    assert recorded["data"] == in_json(data)
    assert recorded["claim"] == cherry_grows.CLAIM and recorded["limits"] == cherry_grows.LIMITS
    assert recorded["finding"] == cherry_grows.finding(data)
    assert recorded["measured"] == in_json(cherry_grows.measured(data))
    assert recorded["numbers"] == in_json(cherry_grows.numbers(data))


def test_it_runs_small_and_refuses_to_overwrite_the_record(tmp_path, run_small, check_refusal):
    before = (results.FOLDER / "cherry-grows.json").read_bytes()
    said = run_small(cherry_grows, tmp_path)
    written = results.load("cherry-grows", tmp_path)
    record.Record.model_validate(written)
    assert "--smoke" in written["command"] and written["finding"] in said
    check_refusal(cherry_grows)
    assert (results.FOLDER / "cherry-grows.json").read_bytes() == before


def test_the_figure_draws_every_share(recorded):
    figure, finding = chart.plot(recorded), chart.finding(recorded)
    assert figure.get_suptitle() == finding and one_line(finding) in chart.alt_text(recorded)
    looks = {label: kind for kind, (*_, label) in chart.LOOKS.items()}
    drawn = {
        looks[line.get_label()]: list(line.get_ydata()) for line in figure.axes[0].lines if line.get_label() in looks
    }
    runs = recorded["data"]["runs"]
    assert drawn == {kind: [run["share"] for run in runs if run["kind"] == kind] for kind in chart.LOOKS}
    named = {text.get_text().split(",")[0] for text in figure.axes[0].texts}
    assert {run["name"].split(",")[0] for run in runs} <= named
