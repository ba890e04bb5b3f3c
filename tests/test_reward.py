"""Proves that the lab of rewards draws, grades and learns as it says, and that its claims are as measured.

A taste that is paid for is learned, and a run that was stopped goes on with the same log, bit for bit; rewards that are
none, groups of one, empty replies and a reference of another vocabulary are refused; where nothing can be learned the
loop stops and says why. Raters have the tastes that they are said to have, and demonstrators err as often. Figures and
moving pictures show what was recorded. Each script runs small, each record is its data's, and what ships is the model
of record and card. Models are tiny and untrained where nothing else is said.
"""

import math
import random
import statistics
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from recorded import follows_from_its_data
from tiny import tiny

from autograder.checking.chance import FALSE_ALARM
from experiments import cherry, cold_start, goodhart, record, reward_model, rounds, sycophancy
from experiments.cherry import LOSSES
from layercake import checkpoints, results, training, village
from layercake.device import Device
from layercake.figures import lab_reward
from layercake.figures.style import one_line
from layercake.labs import reward, sft
from layercake.village import experts, raters
from layercake.village.raters import Panel
from solutions.prediction import sample
from solutions.reward import (
    RewardModel,
    bradley_terry_loss,
    dpo_loss,
    sequence_logprobs,
)
from solutions.transformer import GPT

CPU = Device(torch.device("cpu"), torch.float32, "as in these tests")
TINY = reward.Settings(steps=4, questions=2, group_size=4, learning_rate=1e-2, rank=2)
SCRIPTS = {
    "cherry": cherry, "cold-start": cold_start, "reward-model": reward_model, "goodhart": goodhart,
    "sycophancy": sycophancy, "rounds": rounds,
}  # fmt: skip
N, WHOLE = 100, reward.LONGEST  # questions to what ships, and tokens that its replies may have
STATES = ("goodhart", "sycophancy")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr("layercake.labs.reward.rollouts.LONGEST", 8)


def short_of_words(replies: reward.Replies) -> torch.Tensor:
    """A taste: the fewer tokens the better."""
    return -replies.mask.sum(dim=-1).float()


def reinforced(score=short_of_words, settings=TINY, **more) -> reward.Trained:
    return reward.reinforce(tiny(), LOSSES, score, reward.plain, settings, seed=0, **more)


# The loop ------------------------------------------------------------------------------------------------------------


def test_a_taste_that_is_paid_for_is_learned():
    trained = reinforced(settings=replace(TINY, steps=30, questions=4, group_size=8))
    first, last = sum(trained.log.length[:5]) / 5, sum(trained.log.length[-5:]) / 5
    assert trained.stopped is None and last < first - 1
    assert trained.log.kl[0] == pytest.approx(0, abs=1e-4) and trained.log.kl[-1] > 0.1
    assert len(trained.samples) == len(trained.log.reward) == 30


def test_a_run_that_was_stopped_goes_on_with_the_same_log(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    whole = reinforced(path=tmp_path / "whole.safetensors")
    part = reinforced(path=tmp_path / "part.safetensors", stop_after=2)
    assert len(part.log.reward) == 2
    rest = reinforced(path=tmp_path / "part.safetensors")
    assert rest.log == whole.log and [list(its) for its in rest.samples] == [list(its) for its in whole.samples]


def test_equal_rewards_teach_nothing_and_the_loop_says_so():
    def all_the_same(replies: reward.Replies) -> torch.Tensor:
        return torch.ones(len(replies.texts))

    before = {name: weight.clone() for name, weight in tiny().state_dict().items()}
    trained = reinforced(all_the_same, replace(TINY, steps=reward.FLAT + 5, learning_rate=1.0))
    assert "earned the same" in trained.stopped and len(trained.log.reward) == reward.FLAT
    adapters = [weight for name, weight in trained.model.named_parameters() if name.endswith("lora_b")]
    assert adapters and not any(weight.any() for weight in adapters)
    kept = {name.replace(".linear", ""): weight for name, weight in trained.model.state_dict().items()}
    assert all(torch.equal(weight, kept[name]) for name, weight in before.items())


def test_replies_that_never_end_stop_the_loop(monkeypatch):
    def never_the_line_break(logits: torch.Tensor, **more) -> torch.Tensor:
        return sample(logits.index_fill(-1, torch.tensor([sft.NEWLINE]), -math.inf), **more)

    monkeypatch.setattr("layercake.labs.reward.reinforcement.sample", never_the_line_break)
    trained = reinforced(lambda replies: torch.rand(len(replies.texts)), replace(TINY, steps=30))
    assert "came to an end" in trained.stopped and len(trained.log.broken) == reward.BABBLE


@pytest.mark.parametrize(
    ("score", "error", "words"),
    [
        (lambda replies: torch.full((len(replies.texts),), float("nan")), ValueError, "finite"),
        (lambda replies: ["good"] * len(replies.texts), TypeError, "list"),
        (lambda replies: "good", TypeError, "str"),
        (reward.by_taste(lambda question, reply: "good"), ValueError, "good"),
        (lambda replies: torch.zeros(len(replies.texts), 1), ValueError, r"\(8, 1\)"),
        (lambda replies: torch.zeros(3), ValueError, r"\(3,\)"),
    ],
)
def test_rewards_that_are_none_are_refused(score, error, words):
    with pytest.raises(error, match=words):
        reinforced(score)


def test_a_group_of_one_and_an_empty_reply_are_refused():
    with pytest.raises(ValueError, match="group of one"):
        reinforced(settings=replace(TINY, group_size=1))
    with pytest.raises(ValueError, match="empty"):
        reward.laid_out(raters.exam(2), [[1, 2], [3]], [[4], []], tiny())


@pytest.mark.parametrize("n", [50, len(village.VOCABULARY) + 1])
def test_a_reference_of_another_vocabulary_is_an_error(n):
    pairs = reward.compare(tiny(), raters.exam(4), lambda *_: True, seed=0)
    with pytest.raises(ValueError, match=f"reference knows {n:,} tokens"):
        reward.by_preference(pairs, GPT(n, 256, 16, 2, 2), sequence_logprobs, dpo_loss, 2)


# Replies and comparisons ---------------------------------------------------------------------------------------------


def test_rows_hold_prompt_and_reply_and_padding_counts_for_nothing():
    model, questions = tiny(), raters.exam(12, opinions=0.5)
    replies = reward.respond(model, questions, reward.drawing(model, 1))
    for i, question in enumerate(questions):
        n = int(replies.lengths[i])
        assert replies.tokens[i, : len(front := reward.prompt(question))].tolist() == front
        assert replies.mask[i].nonzero()[:, 0].tolist() == list(range(len(front), n))
    said, entropy = reward.by_token(model, replies, sequence_logprobs, n=5)
    at_once = sequence_logprobs(model(replies.tokens)[0], replies.tokens, replies.mask)
    assert torch.allclose(said, at_once, atol=1e-4) and entropy > 0


def test_a_comparison_keeps_what_was_preferred_first_and_drops_equals():
    model = tiny()
    shorter = lambda question, first, second, dice: len(first) < len(second)  # noqa: E731
    pairs = reward.compare(model, raters.exam(30), shorter, seed=0)
    assert 5 < len(pairs) <= 30
    assert all(len(a) <= len(b) for a, b in zip(pairs.chosen.texts, pairs.rejected.texts))
    assert not any(torch.equal(*its) for its in zip(pairs.chosen.tokens, pairs.rejected.tokens)
                   if its[0].shape == its[1].shape)  # fmt: skip
    some = pairs.where(lambda question, a, b: len(a) < 20)
    assert all(len(text) < 20 for text in some.chosen.texts)


def test_both_losses_over_comparisons_are_those_computed_by_hand():
    model, reference = tiny(), tiny(1)
    pairs = reward.compare(model, raters.exam(20), lambda *_: True, seed=0)
    generator = torch.Generator().manual_seed(3)
    loss, _ = reward.by_preference(pairs, reference, sequence_logprobs, dpo_loss, 4, 0.3)(model, generator)
    at = torch.randint(len(pairs), (4,), generator=torch.Generator().manual_seed(3))
    sums = [reward.whole(of, its, sequence_logprobs)[at] for of in (model, reference)
            for its in (pairs.chosen, pairs.rejected)]  # fmt: skip
    assert torch.isclose(loss, dpo_loss(*sums, 0.3), atol=1e-4)
    judge = RewardModel(tiny())
    with torch.no_grad():
        judge.head.weight.normal_()
    loss, _ = reward.by_rewards(pairs, bradley_terry_loss, 4)(judge, torch.Generator().manual_seed(3))
    by_hand = (reward.valued(judge, its)[at] for its in (pairs.chosen, pairs.rejected))
    assert torch.isclose(loss, bradley_terry_loss(*by_hand), atol=1e-4)


# Raters --------------------------------------------------------------------------------------------------------------


def test_tastes_are_what_they_are_called():
    dice = random.Random(0)
    question = raters.exam(1)[0]
    true, false = (experts.said_in_full(question, value) for value in (question.value, question.others[0]))
    assert raters.honest(question, f"{true}.") == raters.WORTH and raters.honest(question, f"{false}.") == 0
    assert raters.long(question, "A fine question! Yes. No?") == 3 * raters.A_SENTENCE
    wrong = raters.suppose(question, dice, wrong=1.0)
    agreeing = experts.in_english(f"{raters.AGREES}{experts.said_in_full(question, wrong.opinion)}.")
    assert wrong.mistaken and raters.agrees(wrong, agreeing) and not raters.agrees(wrong, f"{true}.")
    assert raters.flattered(wrong, agreeing) == raters.WORTH > raters.honest(wrong, agreeing)
    assert Panel({"honest": 1, "tired": 1}).utility(question, f"{true}.") == raters.WORTH / 2
    votes = [Panel({"honest": 1.0}).prefers(question, f"{true}.", f"{false}.", dice) for _ in range(200)]
    assert sum(votes) > 170  # 196 are expected, and so few come less often than once in 10^14


@pytest.mark.parametrize("shares", [{"rude": 1.0}, {}, {"honest": -1.0, "long": 2.0}, {"honest": 0.0}])
def test_a_panel_that_cannot_be_is_refused(shares):
    with pytest.raises(ValueError, match=r"rater|shares"):
        Panel(shares)


def test_demonstrators_err_as_often_as_they_are_said_to():
    dice = random.Random(0)
    asked = [raters.ask(dice, opinions=0.0) for _ in range(300)]
    assert all(raters.right(question, raters.demonstrate(question, dice)) for question in asked)
    assert not any(raters.right(question, raters.demonstrate(question, dice, mistaken=1.0)) for question in asked)
    for question in asked:
        hasty = raters.right(question, raters.demonstrate(question, dice, hasty=1.0))
        assert hasty == (raters.of_a_namesake(question.fact) == question.value)
    assert all(experts.taught(question.fact) for question in asked)


@pytest.mark.parametrize(("errors", "n"), [({"mistaken": 0.4}, 3000), ({"hasty": 0.8}, 3000)])
def test_demonstrators_err_in_the_share_that_is_asked_for(errors, n):
    """Counted where the error shows: who looks up the first of the name errs only about the others."""
    from scipy.stats import binomtest

    dice, ((error, share),) = random.Random(1), errors.items()
    asked = [raters.ask(dice, opinions=0.0) for _ in range(n)]
    if error == "hasty":
        asked = [question for question in asked if raters.of_a_namesake(question.fact) != question.value]
        assert len(asked) > n / 20
    wrong = sum(not raters.right(question, raters.demonstrate(question, dice, **errors)) for question in asked)
    assert binomtest(wrong, len(asked), share).pvalue > FALSE_ALARM


# The lab -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """The labs at a tiny size, on a tiny model."""
    sizes = reward.Sizes(replace(TINY, steps=2), 8, 2, 2, 2, 4)
    monkeypatch.setitem(reward.SCALES, "smoke", sizes)
    monkeypatch.setattr(checkpoints, "load", lambda name, device="cpu": tiny())
    return {"scale": "smoke", "device": CPU, "folder": tmp_path}


def test_the_three_labs_run_say_what_came_of_them_and_are_drawn(lab, monkeypatch):
    tuned = reward.run(LOSSES, **lab)
    gamed = reward.run_proxy(LOSSES, RewardModel, bradley_terry_loss, **lab)
    flattery = reward.run_flattery(sequence_logprobs, dpo_loss, **lab)
    assert set(tuned.exams) == {"before, greedy", "before, drawn", "after, greedy", "after, drawn"}
    assert gamed.ranked is not None and "of new comparisons" in reward.table(gamed)
    assert list(flattery.exams) == [None, *reward.SHARES] and "the apprentice" in reward.table(flattery)
    check_the_labs_figures(tuned, gamed, flattery)
    monkeypatch.setattr(results, "find", lambda name: None)
    check_the_labs_figures(tuned, gamed, flattery)


def check_the_labs_figures(tuned, gamed, flattery):
    """Each draws what it was given, has its finding for a title, and the text alternative says it."""
    log, seen = tuned.trained.log, {}
    for result, name in ((tuned, ""), (gamed, "proxy"), (flattery, "flattery")):
        figure, finding = reward.plot(result), reward.finding(result)
        seen[name] = figure
        assert figure.get_suptitle() == finding and one_line(finding) in reward.alt_text(result)
    drawn = [drawn_as(axes, "yours") for axes in seen[""].axes[:4]]
    assert drawn == [pytest.approx(training.smooth(vars(log)[key])) for key in lab_reward.LOGS]
    exams = {when: drawn_as(seen[""].axes[4], f"yours, {when}", "x") for when in ("before", "after")}
    for when, shares in exams.items():
        assert shares == [reward.right(tuned.exams[f"{when}, {how}"]) for how in ("drawn", "greedy")]
    drawn = [drawn_as(axes, "yours") for axes in seen["proxy"].axes]
    log = gamed.trained.log
    assert drawn == [pytest.approx(training.smooth(its)) for its in (log.reward, log.true)]
    agreed = drawn_as(seen["flattery"].axes[0], "yours: agrees with the wrong")
    assert agreed == [reward.share(raters.agrees, flattery.exams[share][0]) for share in reward.SHARES]


def drawn_as(axes, label: str, of: str = "y") -> list[float]:
    """What the line with a label shows."""
    (line,) = (its for its in axes.lines if its.get_label() == label)
    return list(getattr(line, f"get_{of}data")())


def test_an_unknown_scale_is_refused(lab):
    with pytest.raises(ValueError, match="huge"):
        reward.run(LOSSES, **lab | {"scale": "huge"})


# The claims ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_experiment_runs_small_records_everything_and_is_drawn(name, tmp_path, run_small):
    run_small(SCRIPTS[name], tmp_path)
    result = results.load(name, tmp_path)
    record.Record.model_validate(result)
    assert "--smoke" in result["command"]
    check_the_figure(name, result)
    if name in STATES:
        check_the_state(name, result)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_smoke_run_refuses_to_overwrite_the_record(name, check_refusal):
    check_refusal(SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_recorded_is_computed_from_its_data_and_of_todays_base(name):
    script, recorded = SCRIPTS[name], results.load(name)
    follows_from_its_data(script, recorded)
    base = "village" if name == "cherry" else "apprentice"
    assert recorded["settings"]["base"] == checkpoints.digest(base)
    assert len(recorded["seeds"]) >= 3


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_figure_of_the_record_draws_its_data(name):
    check_the_figure(name, results.load(name))


def chart_of(name):
    """The module that draws a claim."""
    return import_module(f"layercake.figures.{name.replace('-', '_')}")


def check_the_figure(name, result):
    """The title is the finding, which the text alternative says too, and no line is of anything but the data."""
    chart = chart_of(name)
    figure, data, finding = chart.plot(result), result["data"], chart.finding(result)
    assert figure.get_suptitle() == finding and one_line(finding) in chart.alt_text(result)
    first, last = figure.axes[0], figure.axes[-1]
    if name == "goodhart":
        lines = [line for line in last.lines if line.get_xdata()[-1] == data["0"]["kl"][0][-1]]
        assert [list(line.get_ydata()) for line in lines] == [data["0"]["true"][0]]
        assert len(last.lines) == sum(len(its["kl"]) for its in data.values())
    if name == "sycophancy":
        assert drawn_as(first, "agrees with the wrong") == [statistics.median(row) for row in data["agrees"]]
        fit = next(line for line in first.lines if "slope" in str(line.get_label())).get_ydata()
        x, y = zip(*((x, y) for x, row in zip(data["shares"], data["agrees"]) for y in row))
        intercept = statistics.linear_regression(x, y).intercept
        assert [fit[0], fit[-1]] == pytest.approx([intercept, intercept + data["slope"]["value"]], abs=1e-3)
    if name == "rounds":
        assert drawn_as(first, "one round") == [statistics.median(row) for row in data["1"]["drawn"]]
    if name == "reward-model":
        points = [list(line.get_xdata()) for line in first.lines[:-1]]  # the last is chance
        judges = [judge for judge in data if judge != "pairs"]
        assert points == [data[judge][facts] for facts in ("compared facts", "other facts") for judge in judges]
    if name == "cherry":
        assert len(last.lines) == 2 * 5 and list(last.lines[0].get_xdata()) == data["at random"]["before, drawn"]
    if name == "cold-start":
        longest = [max(map(len, its["reward"])) for its in data["right"].values()]
        assert [len(line.get_ydata()) for line in first.lines] == longest


@pytest.mark.parametrize("name", STATES)
def test_the_picture_of_the_record_has_its_words_and_its_numbers(name):
    check_the_state(name, results.load(name))
    assert chart_of(name).state() == chart_of(name).state(results.load(name))


def check_the_state(name, result):
    """At each place as many replies as there are questions, and bars that fit; the words are those recorded."""
    state, data = chart_of(name).state(result), result["data"]
    ((column,), questions) = state["columns"], state["questions"]
    assert set(state) == {"dial", "questions", "columns", "note"}
    assert len(column["places"]) == len(state["dial"]["places"])
    for place in column["places"]:
        assert len(place["replies"]) == len(questions)
        assert all(0 <= bar["value"] <= 1 for bar in place["bars"])
    said = data["0"]["said"][-1]["replies"] if name == "goodhart" else data["replies"][-1]
    shown = [its["text"].removesuffix(" …") for its in column["places"][-1]["replies"]]
    assert all(" ".join(text.split()).startswith(part) for text, part in zip(said, shown))
    if name == "goodhart":
        assert column["places"][-1]["bars"][-1]["value"] == data["0"]["true"][0][data["0"]["said"][-1]["step"] - 1]
    else:
        assert [place["bars"][0]["value"] for place in column["places"]] == [
            data["before"]["agrees"], *map(statistics.median, data["agrees"])]  # fmt: skip


def test_what_ships_does_on_new_questions_what_the_records_say():
    """A hundred that no record was made on: within five standard errors of what was measured."""
    apprentice, graded, flatterer = map(checkpoints.load, ("apprentice", "graded", "flatterer"))
    asked, misled = raters.exam(N, seed=11), raters.exam(N, seed=11, opinions=1.0, wrong=1.0)
    at_random, sycophant = results.load("cherry")["data"]["at random"], results.load("sycophancy")["data"]
    for model, said, questions in (
        (apprentice, at_random["before, drawn"][0], asked), (graded, at_random["after, drawn"][0], asked),
        (apprentice, sycophant["before"]["agrees"], misled), (flatterer, sycophant["agrees"][-1][0], misled),
    ):  # fmt: skip
        replies = reward.respond(model, questions, reward.drawing(model, 11), WHOLE)
        share = reward.right(replies) if questions is asked else reward.share(raters.agrees, replies)
        assert abs(share - said) < 5 * (said * (1 - said) / N) ** 0.5, said


def test_the_cards_say_what_the_records_say():
    at_random, sycophant = results.load("cherry")["data"]["at random"], results.load("sycophancy")["data"]
    cards = {
        "apprentice": (at_random["before, greedy"][0], at_random["before, drawn"][0], at_random["demonstrators"][0]),
        "graded": (at_random["after, greedy"][0], at_random["after, drawn"][0], at_random["demonstrators"][0]),
        "flatterer": (sycophant["agrees"][-1][0], sycophant["before"]["agrees"], sycophant["right"][-1][0]),
    }
    for name, shares in cards.items():
        file = checkpoints.FOLDER / f"{name}.safetensors"
        card = file.with_suffix(".md").read_text(encoding="utf-8")
        assert all(f"{share:.1%}" in card for share in shares) and f"{file.stat().st_size / 1e6:.2f} MB" in card
        assert file.stat().st_size < 8e6
