"""Proves that the claim "beyond-the-base" measures what it says: who is paid for what, what is drawn, what is exact.

Replies that are drawn together come as often as their exact chances say; right replies are right, and sentences of the
village; problems of the exam are in no lesson; the counts that come of it are those made by hand. Models are tiny and
untrained. What is recorded follows from its data, and carries the claim.
"""

import copy
import math
import random
from collections import Counter
from dataclasses import replace
from statistics import median

import pytest
import torch
from recorded import follows_from_its_data
from tiny import tiny

from experiments import beyond_the_base as beyond
from experiments import record
from layercake import checkpoints, results, village
from layercake.figures import beyond_the_base as chart
from layercake.figures.style import one_line
from solutions.reasoning import monitor, read_step, sentences, verify

A, B = 4567, 8
WAYS = list(beyond.PROMPTS)
SMALL = replace(beyond.SMOKE, courses=(beyond.Course(3, 2, 4), beyond.Course(3, 2, 4)))
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def small(monkeypatch):
    """In the place of the village model, which takes its time."""
    monkeypatch.setattr(checkpoints, "load", lambda name, device="cpu": tiny())


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Problems ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_right_reply_is_right_and_has_room(way):
    problem = beyond.Problem(A, B, way)
    said = beyond.text(problem, problem.straight)
    assert said == "answer : 3 6 5 3 6 ." and verify([said], [problem.result]).tolist() == [1.0]
    most = beyond.Problem(9999, 9, way)
    assert len(most.straight if most.at_once else most.worked) < most.longest


def test_all_steps_are_those_of_the_village():
    for way in ("may work", "with its heading"):
        problem = beyond.Problem(A, B, way)
        said = beyond.text(problem, problem.worked)
        assert monitor(A, "times", B, said).kind == "sound" and len(sentences(said)) == 4
    asked = beyond.Problem(A, B, "with its heading")
    for reply in (asked.straight, asked.worked):
        village.read(asked.prompt[1:] + reply)  # a document, or it raises
    with pytest.raises(ValueError, match="cannot come here"):
        village.read(beyond.Problem(A, B, "may work").prompt[1:] + asked.straight)  # below an empty line there is none


def test_a_reply_is_read_up_to_its_end():
    problem = beyond.Problem(A, B, "at once")
    row = [*problem.straight, *village.encode("answer: 1."), village.END]
    assert beyond.text(problem, row) == beyond.text(problem, problem.straight)
    assert beyond.text(problem, problem.straight[:2]) == "answer : 3 6"


def test_the_exam_is_in_no_lesson_and_every_arm_has_the_same_of_both():
    settings = replace(SMALL, problems=4, further=4_000)
    for task in beyond.TASKS:
        exam = beyond.exam(task, 0, settings)
        assert len(set(exam)) == len(exam) == 4_004 and exam != beyond.exam(task, 1, settings)
        lessons = list(beyond.lessons(task, 0, settings))
        assert lessons == list(beyond.lessons(task, 0, settings)) and [len(its) for its in lessons] == [2, 2, 2]
        assert not set(exam) & {problem for its in lessons for problem in its}
        assert {problem.way for problem in exam} == {task}


# What is drawn, and what is exact ------------------------------------------------------------------------------------


def by_hand(model, problem: beyond.Problem, reply: list[int], manner: beyond.Manner) -> float:
    """The chance of a reply, token by token."""
    chance, read = 1.0, list(problem.prompt)
    for i, token in enumerate(reply):
        scores = model(torch.tensor([read]))[0][0, -1] / manner.temperature
        if not i and manner.made_to_work:
            scores[village.encode("answer")[0]] = -math.inf
        chance *= scores.double().softmax(dim=-1)[token].item()
        read.append(token)
    return chance


MANNERS = [beyond.Manner(), beyond.Manner(0.5), beyond.Manner(made_to_work=True)]


def sure() -> torch.nn.Module:
    """A tiny model that says the same things again and again, and ends at times."""
    model = tiny()
    with torch.no_grad():
        model.norm.weight.mul_(5)
        model.embedding.weight[village.END] = model.embedding.weight[beyond.THE_WORD_ANSWER + 1]
    return model


@pytest.mark.parametrize("manner", MANNERS)
def test_replies_are_drawn_as_often_as_their_chance_says(manner, monkeypatch):
    """Counted are the replies themselves and all that they begin with, which few of them share by chance."""
    longest, n = 3, 4_000
    monkeypatch.setattr(beyond.Problem, "longest", property(lambda its: longest))
    model, problem = sure(), beyond.Problem(A, B, "may work")
    seen = beyond.draw(model, problem, n, manner, dice())
    assert sum(seen.values()) == n and len(seen) > 100
    assert all(len(row) == longest or row[-1] == village.END for row in seen)
    assert not any(village.END in row[:-1] for row in seen)
    assert seen == beyond.draw(model, problem, n, manner, dice()) != beyond.draw(model, problem, n, manner, dice(1))
    begun: Counter[tuple[int, ...]] = Counter()
    for row, count in seen.items():
        begun.update({row[:i]: count for i in range(1, len(row) + 1)})
    often = [(row, count) for row, count in begun.items() if count > 20]
    assert len(often) > 8 and {len(row) for row, _ in often} >= {1, 2}
    for row, count in often:
        chance = by_hand(model, problem, list(row), manner)
        assert abs(count - n * chance) < 5 * math.sqrt(n * chance * (1 - chance))


def test_who_is_made_to_work_does_not_begin_with_the_answer():
    model, problem = tiny(), beyond.Problem(A, B, "may work")
    with torch.no_grad():
        model.embedding.weight[beyond.THE_WORD_ANSWER] = 5 * model(torch.tensor([problem.prompt]))[0].new_ones(16)
    seen = beyond.draw(model, problem, 500, beyond.Manner(made_to_work=True), dice())
    assert not any(row[0] == beyond.THE_WORD_ANSWER for row in seen)


@pytest.mark.parametrize("manner", MANNERS)
def test_the_exact_chance_is_that_of_the_two_right_ways(manner):
    model = tiny()
    for way in WAYS:
        problems = [beyond.Problem(a, b, way) for a, b in ((A, B), (1234, 2), (9999, 9))]
        ways = ("straight",) if way == "at once" else ("straight", "worked")
        expected = [sum(by_hand(model, its, getattr(its, one), manner) for one in ways) for its in problems]
        assert beyond.chances(model, problems, manner).tolist() == pytest.approx(expected, rel=1e-3, abs=0)


def test_what_a_reply_is_counted_as():
    problem = beyond.Problem(A, B, "may work")
    wrong = village.encode("7 times 8 and 0 is 56: write 6, carry 4.")
    replies = {
        tuple(problem.worked): 5, tuple(problem.straight): 4, tuple(wrong + problem.straight): 3,
        tuple(village.encode("answer: 1.")): 2, tuple(wrong): 1,
    }  # fmt: skip
    said = beyond.judged(problem, Counter(replies))
    assert said == {"right": 12, "worked": 9, "otherwise": 3, "different": 5}


# Training ------------------------------------------------------------------------------------------------------------


def test_form_is_steps_and_an_answer_right_or_wrong():
    step = "7 times 8 and 0 is 5 6 : write 6 , carry 4 ."
    assert read_step(step) and beyond.in_form(f"{step} answer : 1 .") and beyond.in_form(f"{step} {step} answer : 1 .")
    for said in ("answer : 1 .", step, f"{step} the end . answer : 1 .", f"{step} answer : .", ""):
        assert not beyond.in_form(said)


def test_each_arm_is_paid_for_what_it_says():
    problems = [beyond.Problem(a, B, "may work") for a in (A, 1234)]
    right, wrong = problems[0].worked, problems[1].worked

    def paid(arm: str, rate: float = 0.0) -> list[float]:
        truths, decode = beyond.judge(arm, problems, rate, random.Random(0))
        assert len(truths) == 2
        return verify([decode(right), decode(wrong), decode(problems[0].straight)], [truths[0]] * 3).tolist()

    assert paid(beyond.VERIFIED) == [1, 0, 1] and paid(beyond.FORM) == [1, 1, 0]
    assert paid(beyond.COIN, 0.0) == [0, 0, 0] and paid(beyond.COIN, 1.0) == [1, 1, 1]
    _, decode = beyond.judge(beyond.COIN, problems, 0.3, random.Random(0))
    assert abs(sum(map(bool, (decode(right) for _ in range(2_000)))) - 600) < 5 * math.sqrt(2_000 * 0.3 * 0.7)


def test_a_coin_pays_as_often_as_the_base_is_right(small, monkeypatch):
    asked, rates = [], []
    monkeypatch.setattr(beyond, "chances", lambda model, problems: torch.tensor([0.25, 0.75]))
    monkeypatch.setattr(beyond, "judge", lambda arm, problems, rate, dice: rates.append(rate) or ([1], str))
    monkeypatch.setattr(beyond, "rl_step", lambda *_, **more: asked.append(more["group_size"]) or torch.ones(2, 4))
    for arm in (beyond.COIN, beyond.VERIFIED):
        assert beyond.trained(arm, "at once", 0, SMALL)[1] == [1.0] * 3
    assert rates == [0.5] * 3 + [0.0] * 3 and asked == [4] * 6


def test_of_its_own_replies_a_model_learns_the_right_ones_alone(small, monkeypatch):
    problems = [beyond.Problem(A, B, "at once"), beyond.Problem(1234, 2, "at once")]
    right, wrong = problems[0].straight, [*village.encode("1 1 1 1."), village.END]
    monkeypatch.setattr(beyond, "lessons", lambda *_: [problems] * 20)

    def answers(model, prompts, n_tokens, choose):
        reply = [*right, *[village.END] * n_tokens][:n_tokens]
        other = [*wrong, *[village.END] * n_tokens][:n_tokens]
        assert prompts.size(0) == 8
        return torch.cat([prompts, torch.tensor([reply, other] * 4)], dim=1)

    monkeypatch.setattr(beyond, "generate", answers)
    model, kept = beyond.trained(beyond.OWN, "at once", 0, replace(SMALL, learning_rate=1e-2))
    assert kept == [0.25] * 20  # every second reply is right about the first problem, none about the second
    before, after = (beyond.chances(its, problems).tolist() for its in (tiny(), model))
    assert after[0] > 10 * before[0]
    row, mask = beyond.in_rows(problems[:1], [wrong])
    of_wrong = [beyond.sequence_logprobs(its(row)[0], row, mask).sum().item() for its in (tiny(), model)]
    assert math.log(after[0] / before[0]) > of_wrong[1] - of_wrong[0]


def test_where_no_reply_is_right_nothing_is_learned(small):
    model, kept = beyond.trained(beyond.OWN, "may work", 0, SMALL)
    tokens = torch.tensor([beyond.Problem(A, B, "may work").prompt])
    assert kept == [0.0] * 3 and torch.allclose(model(tokens)[0], tiny()(tokens)[0], atol=1e-5)


# What comes of it ----------------------------------------------------------------------------------------------------


def test_curves_in_doublings_drawn_and_exact():
    assert beyond.powers(1_024)[-1] == 1_024 and beyond.powers(6) == [1, 2, 4]
    assert beyond.drawn_curve([0, 2], 4) == [0.25, round((1 - 1 / 6) / 2, 4), 0.5]
    curve = beyond.exact_curve([0.0, 0.5, 1.0])
    assert curve[:2] == [0.5, round((0.75 + 1) / 3, 4)] and len(curve) == beyond.FURTHEST + 1
    assert curve[-1] == round(2 / 3, 4)


def test_what_is_ahead_has_the_interval_of_its_problems():
    assert beyond.tried([[4, 0], [2]], 4, 2).tolist() == pytest.approx([1, 0, 1 - 1 / 6])
    assert beyond.would_be([[1.0, 0.0], [0.5]], 2).tolist() == pytest.approx([1, 0, 0.75])
    assert beyond.interval(torch.ones(5)) == {"value": 1.0, "low": 1.0, "high": 1.0}
    mixed = beyond.interval(torch.tensor([0.0, 1.0]).repeat(50).double())
    assert mixed["value"] == 0.5 and 0.36 < mixed["low"] < 0.44 and 0.56 < mixed["high"] < 0.64


def test_curves_cross_where_the_base_is_level_and_not_where_both_solve_all():
    assert beyond.crossing([[0.5, 0.6, 0.7]], [[0.1, 0.6, 0.9]]) == 2
    assert beyond.crossing([[0.5, 0.9, 1.0]], [[0.1, 0.6, 1.0]]) is None
    assert beyond.crossing([[0.5, 0.5], [0.3, 0.3]], [[0.1, 0.5], [0.1, 0.5]]) == 2


def test_sets_beside_what_a_second_exam_of_the_base_would_give():
    base = {"right": [[0, 0, 3, 1]], "chances": [[0.0, 0.5, 0.9, 0.5, 0.7]]}  # the last is not drawn for
    said = beyond.sets({"right": [[2, 0, 4, 0]]}, base, draws=4)
    assert said == {
        "gained": 1, "lost": 1, "never by the base": 2, "of": 4,
        "gained by chance": round(1 - 0.5**4, 2), "lost by chance": round(0.1**4 + 0.5**4, 2),
    }  # fmt: skip


def test_beyond_means_in_every_seed_and_outside_both_intervals():
    good = {"last": {"low": 0.1}, "exact": {"low": 0.1}, "each": [0.2, 0.1]}
    assert beyond.beyond({"ahead": good})
    for worse in ({"last": {"low": 0.0}}, {"exact": {"low": -0.1}}, {"each": [0.2, 0.0]}):
        assert not beyond.beyond({"ahead": good | worse})


def test_every_arm_of_every_seed_is_a_job_the_long_ones_first():
    jobs = beyond.jobs(beyond.Settings())
    assert len(set(jobs)) == len(jobs) == 5 * sum(map(len, beyond.ARMS.values()))
    trains = [job.names[1] in beyond.TRAINED for job in jobs]
    assert trains == sorted(trains, reverse=True)


def test_the_experiment_runs_small_records_everything_and_is_drawn(small, run_small, check_refusal, tmp_path):
    run_small(beyond, tmp_path)
    made = results.load("beyond-the-base", tmp_path)
    record.Record.model_validate(made)
    assert "--smoke" in made["command"] and made["settings"]["base"] == checkpoints.digest("village")
    for task, arms in beyond.ARMS.items():
        assert tuple(made["data"]["tasks"][task]) == arms
    figure = chart.plot(made)
    assert figure.get_suptitle() == chart.finding(made) and one_line(chart.finding(made)) in chart.alt_text(made)
    for axes, arms in zip(figure.axes, made["data"]["tasks"].values()):
        drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        assert drawn == {arm: list(map(median, zip(*its["pass@k"]))) for arm, its in arms.items()}
    for axes, task in zip(figure.axes[2:], made["data"]["tasks"]):
        dots = axes.collections[0].get_offsets().tolist()
        shown = [[max(chance, chart.LEAST) for chance in pair] for pair in zip(*chart.points(made, task))]
        assert dots == shown and len(dots) == 4
    check_refusal(beyond)


# The record ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded() -> dict:
    return results.load("beyond-the-base")


def test_what_is_recorded_follows_from_its_data_and_from_todays_base(recorded):
    follows_from_its_data(beyond, recorded)
    assert recorded["settings"]["base"] == checkpoints.digest("village") and len(recorded["seeds"]) >= 5
    data, settings = recorded["data"], beyond.Settings()
    assert (data["draws"], data["problems"]) == (settings.draws, settings.problems)
    for arms in data["tasks"].values():
        for its in arms.values():
            assert all(0 <= right <= data["draws"] for row in its["right"] for right in row)
            assert its["pass@k"] == [beyond.drawn_curve(row, data["draws"]) for row in its["right"]]


def carries_the_claim(data: dict) -> bool:
    """Further in every seed where it may work, and at once sharper without being further; the rivals stay behind."""
    work, once = (data["tasks"][task] for task in beyond.TASKS)
    rivals, luck = (beyond.COOLER, beyond.MADE_TO_WORK), (beyond.COIN, beyond.FORM)
    return (
        all(beyond.beyond(work[arm]) and not work[arm]["crosses"] for arm in (beyond.VERIFIED, beyond.OWN))
        and not any(its["ahead"]["last"]["low"] > 0 for its in once.values() if "ahead" in its)
        and once[beyond.VERIFIED]["ahead"]["first"]["low"] > 0
        and all(max(work[arm]["ahead"]["each"]) < 0 for arm in rivals)
        and all(min(ahead := work[arm]["ahead"]["each"]) < 0 < max(ahead) for arm in luck)
        and all(median(work[arm]["ahead"]["each"]) < -0.2 for arm in luck)
    )


def test_the_claim_holds_of_the_record_and_could_have_failed(recorded):
    data = recorded["data"]
    assert carries_the_claim(data)
    for task, arm, key, end in (
        ("may work", beyond.VERIFIED, "each", [0.0] * 5), ("may work", beyond.COIN, "each", [0.1] * 5),
        ("at once", beyond.VERIFIED, "last", {"low": 0.01}), ("at once", beyond.VERIFIED, "first", {"low": 0.0}),
        ("may work", beyond.FORM, "each", [0.1] * 5),
    ):  # fmt: skip
        other = copy.deepcopy(data)
        other["tasks"][task][arm]["ahead"][key] = end
        assert not carries_the_claim(other), (task, arm, key)


def test_the_figure_draws_what_is_recorded(recorded):
    figure, finding = chart.plot(recorded), chart.finding(recorded)
    assert figure.get_suptitle() == finding and one_line(finding) in chart.alt_text(recorded)
