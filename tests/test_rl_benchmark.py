"""Proves that `benchmarks/rl.py` compares like with like: the same words, the same learning, the same questions.

Of the loop around `transformers`: greedy it writes what ours writes, of prompts padded on the left; it asks what ours
asks, and the same adapters learn to the same end. Of TRL: its prompts are our tokens, it waits its turn, and where it
is not installed the run says so and goes on. Models are tiny and untrained. What needs TRL itself is left out where it
is not installed.
"""

import sys
from types import SimpleNamespace

import pytest
import torch
import typer
from tiny import tiny
from typer.testing import CliRunner

from benchmarks import rl
from benchmarks.rivals import OURS, twin
from layercake import village
from layercake.labs import reward, sft
from layercake.labs.reward import Loop, Settings, rollouts

pytestmark = pytest.mark.usefixtures("one_thread")
QUESTIONS = Loop(torch.nn.Module(), rl.LOSSES, reward.truth, reward.plain, Settings(1, 12, 1), 0).asked(0)
PROMPTS = [reward.prompt(question) for question in QUESTIONS]
TINY = Settings(steps=2, questions=3, group_size=2, learning_rate=0.0, rank=2)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(rl, "LONGEST", 12)


# The same loop around transformers -----------------------------------------------------------------------------------


def test_greedy_both_write_the_same():
    ours = tiny()
    written = sft.replies(ours, PROMPTS, n_tokens=12)
    assert rl.generated(twin(ours), PROMPTS, 12, do_sample=False) == written
    assert len({len(prompt) for prompt in PROMPTS}) > 1  # some are padded
    assert {its[-1] == sft.NEWLINE for its in written} == {True, False}  # some end, some are broken off


def test_other_words_stop_the_run(capsys):
    rl.same_when_greedy(tiny(), twin(tiny()), TINY)
    with pytest.raises(typer.Exit) as stopped:
        rl.same_when_greedy(tiny(), twin(tiny(seed=1)), TINY)
    assert stopped.value.exit_code == 1 and "transformers" in capsys.readouterr().out


@pytest.mark.parametrize("rank", [0, 2])
def test_both_learn_the_same_from_the_same_replies(rank):
    ours, theirs = tiny(), twin(tiny())
    replies = reward.laid_out(QUESTIONS, PROMPTS, sft.replies(ours, PROMPTS, n_tokens=12), ours)
    advantages, norms = torch.linspace(-1, 1, len(QUESTIONS)), []
    for model in (ours, theirs):
        loop = Loop(model, rl.LOSSES, reward.truth, reward.plain, TINY, 0)
        if rank:
            torch.manual_seed(1)  # adapters begin with random numbers, layer by layer
            rl.with_adapters(model, rank)
        said, _ = reward.by_token(model, replies, rl.LOSSES.sequence_logprobs)
        loop.loss(said, said.detach(), said.detach(), advantages, replies).backward()
        learned = [weight for weight in model.parameters() if weight.requires_grad]
        norms.append((len(learned), sum(weight.numel() for weight in learned),
                      torch.stack([weight.grad.norm() for weight in learned]).norm().item()))  # fmt: skip
    assert norms[0][:2] == norms[1][:2] and norms[0][2] > 0.01
    assert norms[1][2] == pytest.approx(norms[0][2], rel=1e-3)


@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize(("make", "kind"), [(tiny, Loop), (lambda: twin(tiny()), rl.WithGenerate)])
def test_steps_are_taken_and_the_model_stays_as_it_was(make, kind, rank, monkeypatch):
    asked, model, lengths = [], make(), []
    laid_out = reward.laid_out
    for module in (reward, rollouts):  # where the loop of the benchmark and ours look for it
        monkeypatch.setattr(module, "laid_out", lambda questions, *rest: (
            asked.append(questions), laid_out(questions, *rest))[1])  # fmt: skip
    before = model.lm_head.weight.clone() if kind is rl.WithGenerate else model.output.weight.clone()
    step = rl.loop_around(model, kind, Settings(**{**vars(TINY), "rank": rank}), lengths)
    step(), step()
    after = model.lm_head.weight if kind is rl.WithGenerate else model.output.weight
    assert torch.equal(after, before)
    assert len(lengths) == 2 and all(1 <= its <= reward.LONGEST for its in lengths)
    loop = Loop(torch.nn.Module(), rl.LOSSES, reward.truth, reward.plain, TINY, rl.SEED)
    assert asked == [loop.asked(0), loop.asked(1)] and asked[0] != asked[1]


# TRL -----------------------------------------------------------------------------------------------------------------


def test_prompts_as_text_are_our_tokens():
    tokenizer = rl.numbers_as_words(len(village.VOCABULARY))
    texts = [" ".join(f"<{token}>" for token in prompt) for prompt in PROMPTS]
    assert tokenizer(text=texts)["input_ids"] == PROMPTS
    assert tokenizer.eos_token_id == tokenizer.pad_token_id == sft.NEWLINE


class Trainer:
    """A stranger's loop of three steps; the last breaks down where it is told to."""

    def __init__(self, breaks: bool):
        self.breaks, self.done, self.callbacks = breaks, [], []

    def add_callback(self, callback) -> None:
        self.callbacks.append(callback)

    def train(self) -> None:
        for number in range(3):
            for callback in self.callbacks:
                callback.on_step_begin(None, None, None)
            if self.breaks and number == 2:
                raise ArithmeticError("out of numbers")
            self.done.append(number)


def test_a_trainer_waits_its_turn_and_its_errors_are_ours():
    trainer = Trainer(breaks=False)
    step = rl.in_steps(trainer)
    for number in range(3):
        assert trainer.done == list(range(number))
        step()
    assert trainer.done == [0, 1, 2]
    step = rl.in_steps(Trainer(breaks=True))
    step(), step()
    with pytest.raises(ArithmeticError, match="out of numbers"):
        step()


def test_trl_itself_asks_our_questions_and_is_timed(tmp_path):
    pytest.importorskip("trl")
    lengths, model = [], twin(tiny())
    trainer = rl.trl_trainer(rl.with_adapters(model, 2), TINY, lengths, str(tmp_path))
    assert trainer.generation_config.use_cache  # or it would read each reply again for each of its tokens
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    step = rl.in_steps(trainer)
    step(), step()
    assert len(lengths) == 2 and all(1 <= its <= rl.LONGEST for its in lengths)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    loop = Loop(torch.nn.Module(), rl.LOSSES, reward.truth, reward.plain, TINY, rl.SEED)
    asked = [reward.prompt(question) for step in range(2) for question in loop.asked(step)[:: TINY.group_size]]
    tokenizer = trainer.processing_class
    assert tokenizer(text=trainer.train_dataset["prompt"][:])["input_ids"] == asked


# The whole -----------------------------------------------------------------------------------------------------------


def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(rl.main)
    return made


def test_a_smoke_run_without_trl_says_so_and_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "trl", None)
    monkeypatch.setattr(rl.checkpoints, "load", lambda name, device: tiny())
    monkeypatch.setattr(rl, "one_core", lambda: None)
    monkeypatch.setattr(rl, "console", SimpleNamespace(print=lambda its, **_: said.append(its)))
    said, runs = [], []
    monkeypatch.setattr(rl, "table", lambda its, settings, make=rl.table: (runs.extend(its), make(its, settings))[1])
    monkeypatch.setattr(rl, "finish", lambda *its: said.append(its[-1]))
    result = CliRunner().invoke(app(), ["--smoke"])
    assert result.exit_code == 0, result.output
    assert "left out" in said[0] and said[-1] is False  # nothing is recorded
    assert [run["learn"] for run in runs] == list(rl.LEARN)
    for run in runs:
        assert set(run["seconds"]) == {OURS, rl.GENERATE}
        assert all(len(its) == 1 and its[0] > 0 for its in [*run["seconds"].values(), *run["tokens"].values()])


def test_a_smoke_run_is_not_recorded():
    result = CliRunner().invoke(app(), ["--smoke", "--write"])
    assert result.exit_code == 2 and "too small" in result.output
