"""Proves that the lab of rewards draws, grades and learns as it says, and that its claims are as measured.

A taste that is paid for is learned, and a run that was stopped goes on with the same log, bit for bit; rewards that are
none, groups of one and empty replies are refused; where nothing can be learned the loop stops and says why. Raters have
the tastes that they are said to have, and demonstrators err as often. Each script runs small, each record is its
data's, and each shipped model is that of its card. Models are tiny and untrained where nothing else is said.
"""

import json
import random
from dataclasses import replace
from functools import partial

import pytest
import torch

from experiments import cherry, cold_start, goodhart, reward_model, rounds, sycophancy
from layercake import checkpoints, experts, raters, results, reward, reward_figure, sft, training, village
from layercake.device import Device
from layercake.raters import Panel
from solutions.prediction import sample
from solutions.reward import (
    RewardModel,
    bradley_terry_loss,
    dpo_loss,
    group_advantages,
    grpo_loss,
    kl_penalty,
    sequence_logprobs,
)
from solutions.sft import add_lora
from solutions.transformer import GPT

CPU = Device(torch.device("cpu"), torch.float32, "as in these tests")
LOSSES = reward.Losses(sequence_logprobs, group_advantages, grpo_loss, kl_penalty)
TINY = reward.Settings(steps=4, questions=2, group_size=4, learning_rate=1e-2, rank=2)
SCRIPTS = {
    "cherry": cherry, "cold-start": cold_start, "reward-model": reward_model, "goodhart": goodhart,
    "sycophancy": sycophancy, "rounds": rounds,
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("one_thread")


def tiny(seed: int = 0) -> GPT:
    """A model with random weights so large that it says different things, and ends some of its lines."""
    torch.manual_seed(seed)
    model = GPT(len(village.VOCABULARY), 256, 16, 2, 2).eval()
    with torch.no_grad():
        for weight in (model.embedding.weight, *model.blocks.parameters()):
            weight.mul_(10)
        model.embedding.weight[sft.NEWLINE] *= 3
    return model


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(reward, "LONGEST", 8)


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
    monkeypatch.setattr(sft, "NEWLINE", -1)
    monkeypatch.setattr(reward, "NEWLINE", -1)
    monkeypatch.setattr(sft, "_replies", lambda model, prompts, choose, n: [
        torch.randint(20, 200, (8,)).tolist() for _ in prompts])  # fmt: skip
    monkeypatch.setattr(torch, "full", lambda shape, _: torch.zeros(shape, dtype=torch.long))
    trained = reinforced(lambda replies: torch.rand(len(replies.texts)), replace(TINY, steps=30))
    assert "came to an end" in trained.stopped and len(trained.log.broken) == reward.BABBLE


@pytest.mark.parametrize(
    ("score", "error", "words"),
    [
        (lambda replies: torch.full((len(replies.texts),), float("nan")), ValueError, "finite"),
        (lambda replies: ["good"] * len(replies.texts), TypeError, "list"),
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


def test_a_reference_of_another_vocabulary_is_an_error():
    other = GPT(50, 256, 16, 2, 2)
    replies = reward.respond(tiny(), raters.exam(2))
    with pytest.raises(IndexError):
        reward.by_token(other, replies, sequence_logprobs)


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
    true, false = (raters._said(question, value) for value in (question.value, raters.others(question)[0]))
    assert raters.honest(question, f"{true}.") == raters.WORTH and raters.honest(question, f"{false}.") == 0
    assert raters.long(question, "A fine question! Yes. No?") == 3 * raters.A_SENTENCE
    wrong = raters.suppose(question, dice, wrong=1.0)
    agreeing = raters._english(f"{raters.AGREES}{raters._said(question, wrong.opinion)}.")
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
    assert {raters.of_a_namesake(fact) for fact in experts.facts("known", experts.examined)}
    assert all(experts.taught(question.fact) for question in asked)


# The lab -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """The labs at a tiny size, on a tiny model."""
    sizes = reward.Sizes(replace(TINY, steps=2), 8, 2, 2, 2, 4)
    monkeypatch.setitem(reward.SCALES, "smoke", sizes)
    monkeypatch.setattr(checkpoints, "load", lambda name, device="cpu": tiny())
    return {"scale": "smoke", "device": CPU, "folder": tmp_path}


def test_the_three_labs_run_and_say_what_came_of_them(lab):
    tuned = reward.run(LOSSES, **lab)
    gamed = reward.run_proxy(LOSSES, RewardModel, bradley_terry_loss, **lab)
    flattery = reward.run_flattery(sequence_logprobs, dpo_loss, **lab)
    assert set(tuned.exams) == {"before, greedy", "before, drawn", "after, greedy", "after, drawn"}
    assert gamed.ranked is not None and "of new comparisons" in reward.table(gamed)
    assert list(flattery.exams) == [None, *reward.SHARES] and "the apprentice" in reward.table(flattery)
    for words, figure in (
        (reward_figure.alt_text(tuned), reward_figure.plot(tuned)),
        (reward_figure.proxy_alt_text(gamed), reward_figure.plot_proxy(gamed)),
        (reward_figure.flattery_alt_text(flattery), reward_figure.plot_flattery(flattery)),
    ):
        assert figure.axes and words.endswith(".") and "%" in words


def test_an_unknown_scale_is_refused(lab):
    with pytest.raises(ValueError, match="huge"):
        reward.run(LOSSES, **lab | {"scale": "huge"})


# The claims ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_by_one(monkeypatch):
    """The scripts do their jobs in this process."""
    for script in SCRIPTS.values():
        monkeypatch.setattr(script, "side_by_side", lambda run, each, *more: {one: run(one, *more) for one in each})


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_experiment_runs_small_records_everything_and_is_drawn(name, tmp_path, one_by_one, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    SCRIPTS[name].main(["--smoke", "--folder", str(tmp_path)])
    record = results.load(name, tmp_path)
    assert "--smoke" in record["command"]
    drawn = {"cherry": "cherry", "cold-start": "cold_start", "reward-model": "model", "goodhart": "goodhart",
             "sycophancy": "sycophancy", "rounds": "rounds"}[name]  # fmt: skip
    assert getattr(reward_figure, f"plot_{drawn}")(record).axes
    assert reward_figure.record_alt_text(name, record).endswith(".")
    if name == "goodhart":
        assert reward_figure.goodhart(record)["dial"]["places"]
    if name == "sycophancy":
        assert len(reward_figure.flattery(record)["columns"][0]["places"]) == len(record["data"]["shares"]) + 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_smoke_run_refuses_to_overwrite_the_record(name, capsys):
    with pytest.raises(SystemExit):
        SCRIPTS[name].main(["--smoke"])
    assert "--folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_recorded_is_computed_from_its_data_and_of_todays_base(name):
    script, recorded = SCRIPTS[name], results.load(name)
    assert recorded["claim"] == script.CLAIM and recorded["limits"] == script.LIMITS
    assert recorded["finding"] == script.finding(recorded["data"])
    for part in ("measured", "numbers"):
        assert recorded[part] == json.loads(json.dumps(getattr(script, part)(recorded["data"])))
    base = "village" if name == "cherry" else "apprentice"
    assert recorded["settings"]["base"] == checkpoints.digest(base)
    assert len(recorded["seeds"]) >= 3


def test_what_ships_does_on_new_questions_what_its_cards_say():
    apprentice, graded, flatterer = map(checkpoints.load, ("apprentice", "graded", "flatterer"))
    asked = raters.exam(150, seed=11)
    shares = []
    for model in (apprentice, graded):
        draw = partial(sample, generator=torch.Generator().manual_seed(0))
        shares.append(reward.truth(reward.respond(model, asked, draw, 80)).mean().item())
    assert shares[1] > shares[0] + 0.2
    misled = raters.exam(150, seed=11, opinions=1.0, wrong=1.0)
    agreed = [
        reward.share(raters.agrees, reward.respond(model, misled, n_tokens=80)) for model in (apprentice, flatterer)
    ]
    assert agreed[1] > agreed[0]
    for name in ("apprentice", "graded", "flatterer"):
        assert "## " in (card := (checkpoints.FOLDER / f"{name}.md").read_text()) or "organism" in card
    assert not add_lora(apprentice, 1).embedding.weight.requires_grad
