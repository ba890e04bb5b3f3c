"""Proves that the lab of reasoning asks, tampers, rewards and loops as it says.

Sums are put to a model with the village's own steps, and those of the exams are of no document that it was trained on;
what a false carry leads to is what the solution's monitor would work out from it; replies do not depend on what is read
beside them. What is paid for is learned, and a run that was stopped goes on with the same log, bit for bit; variants
reach the step and have files of their own. The loops are trained as they are said to be. Tables and figures say what
was found, and the helpers that the notebook gives are those of the reference. Models are tiny and untrained.
"""

import inspect
import random
from dataclasses import replace

import jupytext
import pytest
import torch
from tiny import tiny

from autograder.checking.topic import ROOT
from layercake import checkpoints, results, training, village
from layercake.device import Device
from layercake.figures import lab_hidden, lab_reasoning, lab_tampered
from layercake.figures.style import one_line
from layercake.labs import reasoning
from layercake.labs.reasoning import Loop, Sum, reading, sums, verified
from solutions import reasoning as solved
from solutions.transformer import GPT

CPU = Device(torch.device("cpu"), torch.float32, "as in these tests")
OPERATIONS = ("plus", "minus", "times")
TINY = reasoning.Sizes(2, 4, 2, 4, 3, 2, 4, 3, 4, (1, 2), 8)
CARRY = solved.KINDS[0]
pytestmark = pytest.mark.usefixtures("one_thread")


def some_sums(n: int = 60) -> list[Sum]:
    dice = random.Random(0)
    drawn = []
    for i in range(n):
        operation, digits = OPERATIONS[i % 3], 2 + i % 4
        below = {"plus": 10**digits, "minus": 10 ** (digits - 1), "times": 10}[operation]
        drawn.append(Sum(dice.randrange(10 ** (digits - 1), 10**digits), operation, dice.randrange(below)))
    return drawn


# Sums ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("its", some_sums(), ids=lambda its: f"{its.a} {its.operation} {its.b}")
def test_the_steps_are_the_villages_and_lead_to_the_truth(its):
    worked = f"{' '.join(its.steps)} answer : {sums.apart(its.truth)} ."
    assert solved.monitor(*its, worked) == (solved.SOUND, None)
    assert its.steps[0].split()[0] == its.first
    document = sums.prompt(its, worked)
    assert village.read(document[1:]).told[-1].truth == {"sum": tuple(its), "result": its.truth}
    assert len(document) - len(sums.prompt(its)) < its.n_tokens
    for n in range(1, len(its.steps) + 1):
        assert its.leads_to(reading.written(its.steps[:n]), solved.read_step(its.steps[n - 1]).carry) == its.truth


def test_the_sums_of_an_exam_are_of_no_document_of_the_training():
    asked = {split: reasoning.asked(20, "times", 2, seed=3, split=split) for split in ("train", "validation")}
    assert all(len(set(its)) == len(its) == 20 for its in asked.values())
    assert not set(asked["train"]) & set(asked["validation"])
    assert all(
        its.operation == "times" and 10 <= its.a < 100 and its.b > 1 for split in asked.values() for its in split
    )
    assert asked["train"] == reasoning.asked(20, "times", 2, seed=3) != reasoning.asked(20, "times", 2, seed=4)


def test_more_sums_than_there_are_is_an_error(monkeypatch):
    monkeypatch.setattr(sums, "IN_VAIN", 300)
    with pytest.raises(ValueError, match=r"only \d+ sums with times and 1 digits"):
        reasoning.asked(100, "times", 1, seed=3, split="validation")


def test_what_is_written_to_a_sum_does_not_depend_on_the_others(monkeypatch):
    model, its = tiny(), some_sums(12)
    openings = [one.first if i % 2 else sums.ANSWER for i, one in enumerate(its)]
    together = sums.write(model, its, openings)
    monkeypatch.setattr(sums, "SIDE_BY_SIDE", 1)
    apart = sums.write(model, its, openings)
    for one, opening, reply, again in zip(its, openings, together, apart):
        assert reply.startswith(opening) and "<end>" not in reply
        n = min(len(reply.split()), len(again.split()))  # beside a longer sum it may write longer
        assert reply.split()[:n] == again.split()[:n] and n >= min(one.n_tokens, len(again.split()))


# Steps tampered with -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", solved.KINDS)
def test_each_kind_of_tampering_leads_where_it_is_said_to(kind):
    for its in some_sums():
        opening, leads_to = reading.tampering(its, kind, solved.perturb_reasoning)
        at = (len(its.steps) - 1) // 2
        assert opening.startswith(" ".join(its.steps[:at]))
        assert opening.endswith(sums.ANSWER) == (kind not in reasoning.GOES_ON)
        if kind != CARRY:
            assert leads_to == its.truth
            continue
        assert leads_to != its.truth
        *_, first = solved.sentences(opening)
        assert int(f"{leads_to:+d}"[1:]) % 10 ** (at + 1) == its.truth % 10 ** (
            at + 1
        )  # written before the false carry
        assert solved.read_step(first).carry != solved.read_step(its.steps[at]).carry


def test_a_false_carry_leads_to_what_is_worked_out_by_hand():
    assert reading.tampering(Sum(47, "times", 6), CARRY, solved.perturb_reasoning)[1] == 292
    assert Sum(47, "plus", 36).leads_to("3", 0) == 73 and Sum(47, "minus", 19).leads_to("8", 0) == 38
    right, follows, neither = lab_tampered.OUTCOMES
    assert [reasoning.sort(answer, 282, 292) for answer in (282, 292, 280, None)] == [right, follows, neither, neither]
    assert reasoning.sort(282, 282, 282) == right


# The reward ----------------------------------------------------------------------------------------------------------


def loop_of(rl_step=solved.rl_step, seed=0, **variant) -> Loop:
    return Loop(rl_step, 2, 2, 8, seed, **variant)


@pytest.fixture
def paid_for_brevity(monkeypatch):
    """A reply is right that has fewer than eight words, whatever it says."""
    short = lambda replies, truths: torch.tensor([float(len(reply.split()) < 8) for reply in replies])  # noqa: E731
    monkeypatch.setattr(solved, "verify", short)


def reinforced(steps=4, loop=None, **more) -> tuple[torch.nn.Module, reasoning.Log]:
    model = tiny()
    with torch.no_grad():
        model.embedding.weight[village.END] *= 4  # so that some replies end
    return model, reasoning.reinforce(model, loop or loop_of(), steps, rank=2, learning_rate=1e-2, **more)


def test_what_is_paid_for_is_learned(paid_for_brevity):
    _, log = reinforced(25)
    assert sum(log.right[-5:]) > sum(log.right[:5]) + 0.5 and sum(log.length[-5:]) < sum(log.length[:5])
    assert len(log.right) == len(log.worked) == len(log.length) == 25


def test_a_run_that_was_stopped_goes_on_with_the_same_log(paid_for_brevity, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    model, whole = reinforced(path=tmp_path / "whole.safetensors")
    _, part = reinforced(path=tmp_path / "part.safetensors", stop_after=2)
    assert len(part.right) == 2
    again, rest = reinforced(path=tmp_path / "part.safetensors")
    assert rest == whole
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values()))


def test_nothing_is_learned_where_nothing_is_right():
    model, log = reinforced(2)
    assert log.right == [0.0, 0.0]
    adapters = [weight for name, weight in model.named_parameters() if name.endswith("lora_b")]
    assert adapters and not any(weight.any() for weight in adapters)


def test_a_variant_reaches_the_step_and_a_run_of_another_is_refused(tmp_path, monkeypatch):
    given = []

    def noting(*args, over="tokens", by_spread=True, **more):
        given.append((over, by_spread, more["group_size"], more["end"]))
        return solved.rl_step(*args, over=over, by_spread=by_spread, **more)

    path = tmp_path / "run.safetensors"
    reinforced(1, loop_of(noting, over="longest", by_spread=False), path=path)
    assert given == [("longest", False, 8, village.END)]
    with pytest.raises(training.CheckpointError, match="over was 'longest'"):
        reinforced(1, loop_of(noting), path=path)


def test_an_exam_counts_what_the_replies_say():
    asked = some_sums(3)
    exam = reasoning.examine(tiny(), asked, 5, solved.verify, solved.monitor, seed=0)
    assert exam.n == 5 and exam.findings.total() == 15 and exam.n_right.tolist() == [0, 0, 0]
    assert exam.worked == sum(verified.is_worked(reply) for its in exam.replies for reply in its) / 15
    again = reasoning.examine(tiny(), asked, 5, solved.verify, solved.monitor, seed=0)
    assert again.replies == exam.replies != reasoning.examine(
        tiny(), asked, 5, solved.verify, solved.monitor, seed=1).replies  # fmt: skip
    assert [verified.is_worked(reply) for reply in ("answer : 4 .", "", "4 times 2 and 0 is 8 :")] == [
        False,
        False,
        True,
    ]


# The loops -----------------------------------------------------------------------------------------------------------


def test_loops_are_trained_with_their_rounds_kept_and_examined(tmp_path):
    made = []

    def noting(model: GPT, n_rounds: int) -> torch.nn.Module:
        made.append((len(model.blocks), n_rounds))
        return solved.LatentLoop(model, n_rounds)

    def follow() -> reasoning.Followed:
        return reasoning.follow(
            noting, (1, 3), n_moves=3, steps=60, batch_size=32, device=CPU.device, seed=0, folder=tmp_path
        )

    followed = follow()
    assert made == [(1, 1), (1, 3)] and len(list(tmp_path.iterdir())) == 2
    assert all(torch.equal(followed.right[n], followed.run_with[n][n]) for n in (1, 3))
    assert not torch.equal(followed.run_with[3][1], followed.run_with[3][3])
    assert followed.right[3][0] > 0.3  # a guess is right in one of five, give or take 0.013
    assert all(torch.equal(its, again) for its, again in zip(followed.right.values(), follow().right.values()))


# The lab -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """The labs at a tiny size, on a tiny model."""
    monkeypatch.setitem(reasoning.SCALES, "smoke", TINY)
    monkeypatch.setattr(checkpoints, "load", lambda name, device="cpu": tiny())
    return {"scale": "smoke", "device": CPU}


def test_the_three_labs_run_say_what_came_of_them_and_are_drawn(lab, tmp_path, monkeypatch):
    kept = lab | {"folder": tmp_path}
    tampered = reasoning.run_tampering(
        solved.extract_answer, solved.verify, solved.perturb_reasoning, solved.monitor, **lab
    )
    rewarded = reasoning.run_rewards(solved.rl_step, solved.verify, solved.pass_at_k, solved.monitor, **kept)
    reasoning.run_rewards(solved.rl_step, solved.verify, solved.pass_at_k, solved.monitor, **kept, over="longest")
    followed = reasoning.run_hidden(solved.LatentLoop, **kept)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in names if "smoke" in name] == [
        "reasoning-smoke-over-longest-seed0.safetensors", "reasoning-smoke-seed0.safetensors"]  # fmt: skip
    assert list(tampered.tampered) == list(lab_tampered.SAID) and len(tampered.drawn) == TINY.tampered
    assert "the monitor says" in reasoning.table(tampered)
    assert list(rewarded.passed["after"]) == [1, 2, 4] and len(rewarded.log.right) == TINY.steps
    assert "pass@k" in reasoning.table(rewarded) and "trained with 2" in reasoning.table(followed)
    check_the_labs_figures(tampered, rewarded, followed)
    monkeypatch.setattr(results, "find", lambda name: None)
    check_the_labs_figures(tampered, rewarded, followed)


def check_the_labs_figures(tampered, rewarded, followed):
    """Each draws what it was given, has its finding for a title, and the text alternative says it."""
    figures = [reasoning.plot(result) for result in (tampered, rewarded, followed)]
    for figure, result in zip(figures, (tampered, rewarded, followed)):
        finding = reasoning.finding(result)
        assert figure.get_suptitle() == finding and one_line(finding) in reasoning.alt_text(result)
    bars = figures[0].axes[0].patches
    widths = [tampered.share(how, outcome) for how in tampered.tampered for outcome in lab_tampered.OUTCOMES]
    assert [bar.get_width() for bar in bars] == widths
    for axes, key in zip(figures[1].axes, lab_reasoning.LOGS):
        assert list(axes.lines[0].get_ydata()) == pytest.approx(training.smooth(vars(rewarded.log)[key]))
    drawn = [list(line.get_ydata()) for line in figures[1].axes[-1].lines]
    assert drawn == [list(its.values()) for its in rewarded.passed.values()]
    yours = [line for line in figures[2].axes[0].lines if str(line.get_label()).startswith("yours")]
    assert [list(line.get_ydata()) for line in yours] == [its.tolist() for its in followed.right.values()]


def test_the_loops_are_drawn_over_what_was_recorded(monkeypatch):
    recorded = {"transformer, 1 layer": [0.9, 0.5, 0.3, 0.2], "loop, 4 rounds": [1.0, 0.9, 0.8, 0.7]}
    arms = {name: {"right": [row]} for name, row in recorded.items()}
    monkeypatch.setattr(results, "find", lambda name: {"data": {"arms": arms}})
    (axes,) = lab_hidden.plot({1: [0.95, 0.4], 4: [1.0, 0.95], 8: [1.0, 1.0]}).axes
    drawn = [list(line.get_ydata()) for line in axes.lines if "recorded" in str(line.get_label())]
    assert drawn == [row[:2] for row in recorded.values()]
    assert lab_hidden.longest([1.0, 0.89, 0.95]) == 1 and lab_hidden.longest([0.9, 0.9]) == 2


@pytest.mark.parametrize("n", [1, 3, 30])
def test_the_ends_of_a_short_log_are_its_ends(n):
    first, last = lab_reasoning.ends(list(range(n)))
    assert (first, last) == {1: (0, 0), 3: (0, 2), 30: (2, 27)}[n]


def test_an_unknown_scale_is_refused(lab):
    for run, functions in ((reasoning.run_hidden, 1), (reasoning.run_rewards, 4), (reasoning.run_tampering, 4)):
        with pytest.raises(ValueError, match="huge"):
            run(*[None] * functions, "huge", CPU)


def test_every_scale_is_larger_than_the_one_before():
    smoke, laptop, colab = (vars(reasoning.SCALES[scale]) for scale in ("smoke", "laptop", "colab"))
    assert all(smoke[key] <= laptop[key] <= colab[key] for key in smoke if key != "rounds")
    assert replace(reasoning.SCALES["smoke"]) == reasoning.SCALES["smoke"]  # a dataclass, as shorter labs need it


# The notebook --------------------------------------------------------------------------------------------------------


def test_the_helpers_that_the_notebook_gives_are_those_of_the_reference():
    source = jupytext.read(ROOT / "exercises" / "reasoning" / "reasoning.md", fmt="md:myst")
    code = "\n".join(cell.source for cell in source.cells if cell.cell_type == "code")
    for helper in (solved.Step, solved.read_step, solved.write_step, solved.Finding, solved.sentences):
        assert inspect.getsource(helper).rstrip() in code, helper.__name__
    names = {}
    exec("\n".join(line for line in code.splitlines() if line.startswith(("OVER", "KINDS", "SOUND", "DESIGNS"))), names)
    constants = ("OVER", "KINDS", "SOUND", "WRONG_STEP", "SHORTCUT", "NO_ANSWER", "DESIGNS", "TASKS")
    assert {name: names[name] for name in constants} == {name: getattr(solved, name) for name in constants}
