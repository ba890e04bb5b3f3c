"""Proves that the lab of supervised fine-tuning shows, teaches and examines what it says, and that its checks are fair.

The experts have every manner that they are to teach, and no exam asks what a demonstration is about; replies that are
written side by side are those written one by one; a tuning that was stopped goes on with the same losses, bit for bit,
and refuses to go on with other code; what makes no sense is refused in its own terms; table and figure show what was
counted. Models are tiny and untrained.
"""

import ast
import math
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import tiny
from torch import nn

from autograder.checking import soundness
from autograder.checking.chance import FALSE_ALARM
from autograder.checking.topic import load
from autograder.checks.common import called
from autograder.checks.sft.LoRALinear import HIGH, LOW, RANK, WIDE, Adapter, begun_well
from autograder.checks.sft.pack import Packer
from autograder.checks.sft.sft_step import Tuning
from autograder.checks.sft.shared import MARKS, Loss, Scribe, Template
from layercake import checkpoints, training, village
from layercake.device import Device
from layercake.figures import lab_sft
from layercake.figures.style import one_line
from layercake.labs import sft
from layercake.training import CheckpointError
from layercake.village import experts
from solutions import sft as reference
from solutions.sft import LoRALinear, add_lora, merge_lora, pack, render_chat, sft_step, within
from solutions.transformer import GPT, generate

CPU = Device(torch.device("cpu"), torch.float32, "as in these tests")
TINY = sft.Settings(demonstrations=7, steps=6, questions=3, batch_size=3, T=160, rank=2)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def lab(monkeypatch, tmp_path):
    """The lab at a tiny size, on a tiny model, saving at every step; a function that runs it."""
    monkeypatch.setitem(sft.SCALES, "smoke", TINY)
    monkeypatch.setattr(sft, "N_TOKENS", 8)
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(checkpoints, "load", lambda name, device: tiny())

    def run(step=sft_step, folder=tmp_path, **more):
        return sft.run(render_chat, pack, step, "smoke", CPU, folder=folder, **more)

    return run


def test_the_lab_goes_on_with_a_model_of_the_learners_own(tmp_path, monkeypatch):
    """Another one is another run, which has its mark in the checkpoint's name."""
    monkeypatch.setitem(sft.SCALES, "smoke", TINY)
    monkeypatch.setattr(sft, "N_TOKENS", 8)
    runs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        own = checkpoints.save(GPT(len(village.VOCABULARY), 256, 16, 1, 1), tmp_path / f"own-{seed}.safetensors")
        tuned = sft.run(render_chat, pack, sft_step, "smoke", CPU, folder=tmp_path / "runs", start=own)
        runs.append(tuned.history.loss[0])
        again = sft.run(render_chat, pack, sft_step, "smoke", CPU, folder=tmp_path / "runs", start=own)
        assert again.history.loss == tuned.history.loss
    assert runs[0] != runs[1] and len(list((tmp_path / "runs").glob("*-from-*.safetensors"))) == 2
    assert checkpoints.mark("village", "village") == ""
    assert checkpoints.mark("apprentice", "village").startswith("-from-")
    with pytest.raises(training.CheckpointError, match="There is no model"):
        sft.run(render_chat, pack, sft_step, "smoke", CPU, folder=tmp_path, start=tmp_path / "missing.safetensors")


def test_the_template_is_of_the_villages_tokens():
    assert tuple(village.VOCABULARY[: len(reference.SPELT)]) == reference.SPELT
    assert (reference.END, reference.MASK) == (village.END, village.MASK)


# Experts -------------------------------------------------------------------------------------------------------------


def asked(n: int, kind: str, of=experts.taught) -> list[experts.Question]:
    dice = random.Random(f"test {kind}")
    return [experts.ask(dice, of, kind) for _ in range(n)]


@pytest.mark.parametrize("kind", experts.KINDS)
def test_a_demonstration_has_every_manner_that_it_should_have(kind):
    dice = random.Random(0)
    for question in asked(300, kind):
        messages = experts.demonstrate(question, dice)
        judged = experts.judge(question, messages[1]["content"])
        assert not judged.pop("makes up")
        assert set(judged) == {manner for manner, kinds in experts.MANNERS.items() if kind in kinds}
        assert all(judged.values()), (messages, judged)
        if kind == "ambiguous":  # once the visitor has said whom they mean, the answer is as good as any
            final = experts.judge(replace(question, kind="known"), messages[3]["content"])
            assert messages[2]["content"] == f"{question.fact.subject}." and not final.pop("makes up")
            assert all(final.values()), (messages, final)


def test_the_longest_reply_of_an_expert_is_shorter_than_what_a_model_may_write():
    replies = [messages[1]["content"] for messages in experts.demonstrations(2000, seed=3)]
    assert max(len(village.encode(reply)) for reply in replies) + 1 < sft.N_TOKENS


@pytest.mark.parametrize("kind", experts.KINDS)
def test_the_two_halves_of_the_facts_have_none_in_common(kind):
    taught, examined = (set(experts.facts(kind, half)) for half in (experts.taught, experts.examined))
    assert taught and examined and not taught & examined
    assert taught | examined == set(experts.facts(kind, lambda fact: True))
    assert {question.fact for question in asked(200, kind)} <= taught
    assert {question.fact for question in experts.exam(kind, 200)} <= examined


def test_what_is_wrong_with_a_reply_is_seen():
    question = next(its for its in asked(50, "known") if its.polite)
    value, (source, *_) = " ".join(question.value), experts.sources(question)
    other = next(rival for rival in question.rivals if not experts.names(rival, value))
    replies = {
        f"Gladly. It is {value}. I read: “{source}”": {"right", "cites", "first person", "as polite"},
        f"{value}. I read: “{source}”": {"right", "cites", "first person"},
        f"Gladly. It is {value}.": {"right", "as polite"},
        f"Gladly. It is {value} or {other}.": {"as polite", "makes up"},
        f"Gladly. It is {other}. I read: “{source}”": {"cites", "first person", "as polite", "makes up"},
        "Gladly.": {"as polite"},
    }
    for reply, manners in replies.items():
        assert {manner for manner, has in experts.judge(question, reply).items() if has} == manners, reply


# Replies and exams ---------------------------------------------------------------------------------------------------


def test_replies_side_by_side_are_those_written_one_by_one(monkeypatch):
    monkeypatch.setattr(sft, "N_TOKENS", 12)
    model = tiny()
    questions = [question for kind in experts.KINDS for question in experts.exam(kind, 12)]
    prompts = [
        render_chat([{"role": "user", "content": question.text}], village.encode, reply=True) for question in questions
    ]
    written = sft.replies(model, prompts)
    for prompt, reply in zip(prompts, written):
        alone = generate(model, torch.tensor([prompt]), 12)[0, len(prompt) :].tolist()
        end = alone.index(sft.NEWLINE) + 1 if sft.NEWLINE in alone else 12
        assert reply == alone[:end]
    lengths = {len(reply) for reply in written}
    assert len(lengths) > 2 and 12 in lengths and len(set(map(tuple, written))) > 10


def test_a_reply_leaves_the_play_where_it_does_not_end_or_speaks_for_others(monkeypatch):
    questions = experts.exam("known", 3)
    user, end = village.VOCABULARY.index("<user>"), village.END
    lines = [[*village.encode("a baker."), sft.NEWLINE], village.encode("a baker."), [user, end, sft.NEWLINE]]
    monkeypatch.setattr(sft, "replies", lambda model, prompts, choose: lines)
    exam = sft.put(questions, nn.Module(), render_chat)
    assert [its[experts.LEFT] for its in exam.judged] == [False, True, True]
    assert exam.replies[0] == "A baker." and exam.share(experts.LEFT) == 2 / 3


# The lab -------------------------------------------------------------------------------------------------------------


def test_every_conversation_is_seen_once_before_one_is_seen_again():
    talks = [[i] * 5 for i in range(1, 8)]
    batches = sft.Batches(talks, replace(TINY, batch_size=4, T=20), pack, sft_step, seed=0)
    seen = [int(token) for _ in range(7) for token in next(batches)[0].flatten()[::5]]
    rounds = [seen[i : i + 7] for i in range(0, 28, 7)]
    assert all(sorted(its) == list(range(1, 8)) for its in rounds) and len({tuple(its) for its in rounds}) == 4


def test_weights_learn_and_of_adapters_nothing_else(lab, tmp_path):
    whole, adapted = lab(), lab(adapt=LoRALinear)
    assert len(whole.history.loss) == TINY.steps and whole.history.loss[-1] < whole.history.loss[0]
    before = dict(tiny().named_parameters())
    assert all(not torch.equal(its, before[name]) for name, its in whole.model.named_parameters())
    after = {name.replace(".linear.", "."): its for name, its in adapted.model.named_parameters()}
    assert all(torch.equal(after[name], its) for name, its in before.items()) and len(after) > len(before)
    for tuned in (whole, adapted):
        for exam in (tuned.before, tuned.after, tuned.drawn):
            assert [question.kind for question in exam.questions] == [kind for kind in experts.KINDS for _ in range(3)]
            assert exam.questions == whole.before.questions
    assert whole.before.replies == adapted.before.replies != whole.after.replies
    assert {path.name for path in tmp_path.iterdir()} == {
        "sft-smoke-weights-seed0.safetensors",
        "sft-smoke-adapters-seed0.safetensors",
    }


@pytest.mark.parametrize("adapt", [None, LoRALinear], ids=["weights", "adapters"])
def test_a_tuning_that_was_stopped_goes_on_with_the_same_losses_bit_for_bit(lab, tmp_path, adapt):
    whole, taken = lab(folder=tmp_path / "whole", adapt=adapt), []

    def stops(*arguments):
        if len(taken) == 4:
            raise KeyboardInterrupt
        taken.append(0)
        return sft_step(*arguments)

    with pytest.raises(KeyboardInterrupt):
        lab(stops, tmp_path / "parts", adapt=adapt)
    taken.clear()
    again = lab(folder=tmp_path / "parts", adapt=adapt)
    assert again.history.loss == whole.history.loss and again.history.second == whole.history.second
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert again.drawn.replies == whole.drawn.replies


def test_what_does_not_belong_together_is_refused(lab, monkeypatch):
    lab()
    with monkeypatch.context() as patched:  # the user's words too
        patched.setattr(reference, "response_mask", lambda tokens: tokens != village.END)
        with pytest.raises(CheckpointError, match="Your functions have changed since"):
            lab()
    monkeypatch.setitem(sft.SCALES, "smoke", replace(TINY, batch_size=2))
    with pytest.raises(CheckpointError, match="batch_size was 3, now 2"):
        lab()
    with pytest.raises(ValueError, match="SCALE = 'huge' is not known"):
        sft.run(render_chat, pack, sft_step, "huge", CPU)


# Helpers that are given ----------------------------------------------------------------------------------------------


def test_within_holds_conversations_apart_and_is_over_afterwards():
    model, talks = tiny(), [[village.END, *range(10, 10 + n)] for n in (6, 3, 4)]
    tokens, segments = pack(talks, 16)
    plain = model(tokens)[0]
    with within(model, segments):
        apart = model(tokens)[0]
    assert torch.equal(model(tokens)[0], plain)
    for number, talk in enumerate(talks, 1):
        alone, mine = model(torch.tensor([talk]))[0][0], segments[0] == number
        assert torch.allclose(apart[0, mine], alone, atol=1e-4)
        assert torch.allclose(plain[0, mine], alone, atol=1e-4) == (number == 1)


def test_adapters_are_put_beside_all_layers_of_the_blocks_and_merged_again():
    model, tokens = tiny(), torch.tensor([[0, 20, 30, 40]])
    layers = [name for name, its in model.blocks.named_modules() if isinstance(its, nn.Linear)]
    base = model(tokens)[0]
    add_lora(model, 2)
    adapters = [its for its in model.modules() if isinstance(its, LoRALinear)]
    assert len(adapters) == len(layers) and torch.equal(model(tokens)[0], base)
    assert {name.rsplit(".", 1)[1] for name, its in model.named_parameters() if its.requires_grad} == {
        "lora_a",
        "lora_b",
    }
    with torch.no_grad():
        for adapter in adapters:
            adapter.lora_b.normal_()
    learned = model(tokens)[0]
    merged = merge_lora(model)(tokens)[0]
    assert torch.allclose(merged, learned, atol=1e-3) and not torch.allclose(merged, base, atol=1e-1)
    assert [name for name, its in model.blocks.named_modules() if type(its) is nn.Linear] == layers


def test_the_notebook_gives_the_helper_that_holds_conversations_apart_as_it_is_here():
    def code(source: str) -> str:
        function = next(node for node in ast.parse(source).body if getattr(node, "name", None) == "within")
        function.body.pop(0)  # the docstring, which is shorter there
        return ast.dump(function)

    notebook = (Path(reference.__file__).parents[1] / "exercises" / "sft" / "sft.md").read_text(encoding="utf-8")
    (given,) = (
        cell for cell in re.findall(r"```{code-cell} ipython3\n(.*?)```", notebook, re.DOTALL) if "def within" in cell
    )
    assert code(given) == code(Path(reference.__file__).read_text(encoding="utf-8"))


# Bad input -----------------------------------------------------------------------------------------------------------

ASKED = {"role": "user", "content": "Who made the bell?"}
EXAM = sft.Exam(experts.exam("known", 1), ["Two."], [{"right": True, experts.LEFT: False}])
BAD_INPUT = {
    "no mapping": (lambda: render_chat([ASKED, "Otto."], village.encode), "message 2, 'Otto.', is no mapping"),
    "a conversation that is no list": (lambda: render_chat(ASKED, village.encode), "message 1, 'role', is no mapping"),
    "no role": (
        lambda: render_chat([{"content": "no"}], village.encode),
        'message 1, .*a text for "role" and for "content"',
    ),
    "no content": (
        lambda: render_chat([ASKED, {"role": "user"}], village.encode),
        'message 2, .*a text for "role" and for "content"',
    ),
    "a content that is no text": (
        lambda: render_chat([ASKED | {"content": 3}], village.encode),
        "message 1, .*is no mapping",
    ),
    "another role": (
        lambda: render_chat([ASKED | {"role": "system"}], village.encode),
        "message 1 has the role 'system'",
    ),
    "empty": (lambda: render_chat([ASKED, ASKED | {"content": " "}], village.encode), "message 2 is empty"),
    "a mark": (
        lambda: render_chat([ASKED | {"content": "bell <ASSISTANT> no"}], village.encode),
        "1 holds the mark <assistant>",
    ),
    "a line break": (
        lambda: render_chat([ASKED | {"content": "bell\n no"}], village.encode),
        "message 1 holds a line break",
    ),
    "nothing to pack": (lambda: pack([], 4), "no conversation is given"),
    "an empty conversation": (lambda: pack([[5], []], 4), r"conversations\[1\] is empty: leave it out"),
    "a long conversation": (
        lambda: pack([[5] * 4, [6] * 5], 4),
        r"conversations\[1\] has 5 tokens, and a row T=4: raise T, or leave it out",
    ),
    "no attention": (
        lambda: within(nn.Linear(2, 2), torch.ones(1, 2)).__enter__(),
        "no attention whose `attend` could be held apart: conversations would read each other",
    ),
    "a rank too high": (
        lambda: LoRALinear(nn.Linear(7, 5), 6),
        "rank=6 does not fit a layer from 7 to 5: choose 1 to 5",
    ),
    "a kind of question misspelt": (lambda: experts.exam("unknwon", 3), "'unknwon'; there are: known, ambiguous"),
    "a share misspelt": (lambda: experts.ask(random.Random(0), shares={"knwon": 1}), "no kind of question 'knwon'"),
    "facts of a kind misspelt": (lambda: experts.facts("knwon", experts.taught), "no kind of question 'knwon'"),
    "an exam without questions": (
        lambda: sft.examine(nn.Module(), render_chat, 0),
        "n=0: an exam asks one question",
    ),
    "a manner misspelt": (lambda: EXAM.share("rigth"), "by 'rigth'; this exam judges by: right, leaves the play"),
    "a kind that was not asked": (lambda: EXAM.share("right", "unknown"), "questions of the kind 'unknown'"),
    "nothing to tune on": (
        lambda: sft.tune(nn.Linear(2, 2), [], TINY, pack, sft_step, seed=0, path=None),
        "there is no conversation to learn from",
    ),
}


@pytest.mark.parametrize(("call", "says"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_in_its_own_terms(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# The table and the figure --------------------------------------------------------------------------------------------


@pytest.fixture
def tuned(lab):
    return lab()


def perfect(exam: sft.Exam) -> sft.Exam:
    """The same questions, answered by an expert."""
    replies = [experts.demonstrate(its, random.Random(0))[1]["content"] for its in exam.questions]
    judged = [experts.judge(its, reply) | {experts.LEFT: False} for its, reply in zip(exam.questions, replies)]
    return sft.Exam(exam.questions, replies, judged)


def test_the_table_has_the_shares_of_all_three_exams(tuned):
    tuned = replace(tuned, after=perfect(tuned.before))
    head, *lines = sft.table(tuned).splitlines()
    assert head.split() == ["%", "of", "the", "replies", "before", "after", "at", "temperature", "1"]
    said = {line[:34].strip(): list(map(int, line[34:].split())) for line in lines}
    for manner, kinds in experts.MANNERS.items():
        row = said[f"{manner} ({'all' if len(kinds) > 1 else kinds[0]})"]
        shares = [exam.share(manner) for exam in (tuned.before, tuned.after, tuned.drawn)]
        assert row == [int(f"{100 * share:.0f}") for share in shares] and row[1] == 100
    assert said["makes up (unknown)"][1] == said["leaves the play (all)"][1] == 0
    assert len(lines) == len(experts.MANNERS) + 2


def test_the_figure_shows_the_shares_and_says_its_finding(tuned, monkeypatch):
    monkeypatch.setattr(lab_sft, "recorded", lambda: None)
    tuned = replace(tuned, after=perfect(tuned.before))
    figure = sft.plot(tuned)
    lines = {line.get_label(): line.get_xdata() for line in figure.axes[0].lines}
    for name, shares in sft.shares_of(tuned).items():
        assert list(lines[name]) == list(shares.values()) and list(shares) == list(lab_sft.ASKED)
    assert list(lines["the experts"]) == list(lines["after"])  # who is examined as an expert is one
    finding = sft.finding(tuned)
    assert figure.get_suptitle() == finding
    assert f"After {TINY.steps} steps the model is right in 100% (before 0%)" in finding
    said = sft.alt_text(tuned)
    assert one_line(finding) in said and "asks back, where it should 0% before, 100% after" in said
    assert "ships" not in said


def test_where_it_was_recorded_the_assistant_that_ships_is_marked(tuned, monkeypatch):
    manners = {name: {"value": 0.5, "low": 0.4, "high": 0.7} for name in lab_sft.ASKED}
    record = {"data": {"exams": {"assistant": {"manners": manners}}}}
    monkeypatch.setattr(lab_sft, "recorded", lambda: record)
    (marks,) = [its.lines[0] for its in sft.plot(tuned).axes[0].containers]
    assert list(marks.get_xdata()) == [0.5] * len(manners)
    assert "The assistant that ships: right 50%" in sft.alt_text(tuned)


# The checks ----------------------------------------------------------------------------------------------------------


def test_the_variance_of_an_adapter_is_judged_soundly():
    """Normal numbers are refused less often than the bound says; a variance that is off by half is refused."""
    from scipy.stats import chi2

    n = WIDE * RANK
    assert chi2.cdf(LOW * n, n) + chi2.sf(HIGH * n, n) < FALSE_ALARM
    for factor in (0.5, 1.5, math.sqrt(3)):
        wrong = {"lora_b": 0.0, "variance of lora_a, times d_in": factor, "two layers begin alike": False}
        assert begun_well(wrong, {})


@pytest.mark.parametrize(
    ("exercise", "way"),
    {
        "render_chat": Template, "response_mask": Scribe, "masked_cross_entropy": Loss,
        "pack": Packer, "sft_step": Tuning,
    }.items(),
)  # fmt: skip
def test_the_ways_that_mistakes_are_made_from_are_right(exercise, way):
    seen = soundness.judged(load("sft"), exercise, called(way))
    assert seen.earned == seen.points


def test_the_adapter_that_mistakes_are_made_from_is_right():
    seen = soundness.judged(load("sft"), "LoRALinear", Adapter)
    assert seen.earned == seen.points
    assert set(MARKS.values()) == reference.MARKS
