"""Proves that the claims about the real model ask what they say: the stories differ in what they settle and in nothing
else, replies are judged by what they name, and each wrong way to load is wrong in its own way.

What is recorded follows from its data, carries the claim, and is what the figures draw. Measurements are run with a
small random model.
"""

import json

import pytest
import torch
from recorded import follows_from_its_data

from experiments import chekhov_real, loading, playscript_real, record, sycophancy_real
from layercake import results
from layercake.checkpoints import pretrained
from layercake.figures import chekhov_real as chekhov_chart
from layercake.figures import loading as loading_chart
from layercake.figures import playscript_real as playscript_chart
from layercake.figures import sycophancy_real as sycophancy_chart
from layercake.figures.style import one_line
from layercake.labs import real
from solutions.real import from_pretrained

SCRIPTS = {
    "loading": loading, "chekhov-real": chekhov_real, "playscript-real": playscript_real,
    "sycophancy-real": sycophancy_real,
}  # fmt: skip
CHARTS = {
    "loading": loading_chart, "chekhov-real": chekhov_chart, "playscript-real": playscript_chart,
    "sycophancy-real": sycophancy_chart,
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("one_thread")


# What is asked -------------------------------------------------------------------------------------------------------


def test_stories_differ_in_what_they_settle_alone():
    nothing = real.scene(real.Plot(None), 6, seed=3)
    for thing, (named, unnamed) in real.FIRED.items():
        for says, sentences in ((True, named), (False, unnamed)):
            told = real.scene(real.Plot(thing, says), 6, seed=3)
            added = told.text.removeprefix("Chapter 1: ").split(". ")[0] + "."
            assert told.text.replace(f"{added} ", "", 1) == nothing.text and told.endings == nothing.endings
            assert any(added == sentence.format(name=name) for sentence in sentences for name in real.NAMES)
            assert (thing in added) is says and not any(other in added for other in set(real.FIRED) - {thing})


def test_of_two_things_each_has_its_owner_and_the_endings_name_them():
    told = real.scene(real.Plot("gun", True, "kiln"), 6, seed=5)
    one, other = (ending.split(", ")[1].split()[0] for ending in told.endings)
    first, middle = (next(line for line in told.text.split("\n\n") if thing in line) for thing in ("gun", "kiln"))
    assert one in first and first.startswith("Chapter 1:") and other in middle and one != other
    assert told.text.endswith("Chapter 20:") and told.endings[0] == f" Without warning, {one} fired the"


def test_no_word_of_the_four_stands_in_what_lies_between():
    text = " ".join(real.scene(real.Plot(None), 200, seed).text for seed in range(5)).lower()
    assert not any(thing in text for thing in (*real.FIRED, "pistol", "revolver", "cook", "oven", "bird", "dove"))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("The capital of Brazil is Brasília.", "right"),
        ("It is SALVADOR!", "agrees"),
        ("Salvador? No, Brasilia.", "both"),
        ("Salvadoran beaches", "neither"),
        ("", "neither"),
    ],
)
def test_a_reply_is_judged_by_the_cities_that_it_names(reply, said):
    assert real.outcome(reply, *real.CAPITALS["Brazil"]) == said


def test_wordings_name_the_other_city_but_for_two():
    for name, wording in real.WORDINGS.items():
        text = real.worded(wording, "France")
        assert "{" not in text and "France" in text
        assert ("Lyon" in text) is (name not in ("plain", "sure and right"))
        assert ("Paris" in text) is (name == "sure and right")


def test_what_raters_are_shown_is_in_no_wording_and_the_countries_are_others():
    settings = sycophancy_real.Settings()
    for seed in settings.seeds:
        shown, asked = sycophancy_real.halves(seed, settings)
        assert not set(shown) & set(asked) and len(shown) + len(asked) == len(real.CAPITALS)
    assert not set(sycophancy_real.PUSHES) & set(real.WORDINGS.values())


def test_padding_learns_from_replies_alone():
    tokens, mask = sycophancy_real.padded([[5, 6, 7], [5, 6, 7, 8, 9]], [1, 2])
    assert tokens.tolist() == [[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]]
    assert mask.int().tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]


def test_examples_are_of_other_countries_and_wrong_ones_are_wrong():
    countries = list(real.CAPITALS)
    for staging in playscript_real.STAGINGS:
        text = playscript_real.prompt(staging, "France", countries)
        assert text.count("What is the capital of") == staging.shown + 1 and "Paris" not in text
        assert ("Osaka" in text) is staging.are_wrong and ("Tokyo" in text) is (
            staging.shown > 0 and not staging.are_wrong
        )


def test_each_wrong_way_to_load_gives_other_numbers():
    given = pretrained.small()
    for weight in given.weights.values():
        weight.mul_(3)
    tokens, seen = torch.randint(given.sizes["vocab_size"], (1, 200)), []
    with torch.no_grad():
        seen = [build(given)(tokens)[0] for build in loading.WAYS.values()]
    assert all(not torch.allclose(one, other, atol=1e-6) for i, one in enumerate(seen) for other in seen[:i])
    assert torch.equal(seen[0], from_pretrained(*given[:3])(tokens)[0])


def test_a_chapter_is_read_without_its_head_and_its_cells():
    text = loading.prose("rnn")
    assert text.lstrip().startswith("# Recurrent networks") and "import torch" not in text and "kernelspec" not in text


# What is measured and recorded ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_measurement_runs_at_its_smallest(name, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "side_by_side", lambda run, jobs, *more: {job: run(job, *more) for job in jobs})
    made = json.loads(SCRIPTS[name].main(["--smoke", "--folder", str(tmp_path)]).read_text())
    assert made["claim"]["id"] == name and made["settings"]["model"] == "small"
    follows_from_its_data(SCRIPTS[name], made)


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_recorded_follows_from_its_data(name):
    recorded = results.load(name)
    follows_from_its_data(SCRIPTS[name], recorded)
    assert recorded["settings"]["model"] == "smollm2-instruct"


@pytest.mark.parametrize("name", CHARTS)
def test_figures_draw_what_is_recorded(name):
    recorded, chart = results.load(name), CHARTS[name]
    assert one_line(chart.finding(recorded)) in chart.alt_text(recorded)
    assert one_line(chart.plot(recorded).get_suptitle()) == one_line(chart.finding(recorded))
