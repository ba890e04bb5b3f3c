"""Proves that the pretraining lab trains what it says.

A run that was killed goes on with the same losses, bit for bit; two processes take the steps of one; a checkpoint of
either is continued by the other; what cannot work is refused before training, and what diverges at once, with the last
good checkpoint kept; the stated memory is what PyTorch keeps.
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from experiments import pretraining as experiment
from experiments import record
from layercake import corpus, results, training, village
from layercake.device import Device
from layercake.figures import pretraining as chart
from layercake.labs import judging, pretraining
from layercake.labs.pretraining import Settings
from layercake.training import CheckpointError, TrainingError, count_parameters
from solutions import pretraining as reference
from solutions.prediction import bits_per_byte
from solutions.transformer import GPT, generate

ROOT = Path(__file__).parents[1]
TINY = Settings(16, 1, 1, 1024, 32, 4, 14, 1e-2, 30, 300, 2000, warm_up=4)
CPU = Device(torch.device("cpu"), torch.float32, "as in these tests")
# Two processes add up the same terms in another order, and AdamW, which divides each gradient by its own size, makes a
# whole step of one that is all rounding: so their losses are the same to this much, and not bit for bit.
ROUNDING = 2e-5


pytestmark = pytest.mark.usefixtures("one_thread")


def tiny_run(folder, settings=TINY, device=CPU, model=GPT, **keywords):
    return pretraining.run(model, "smoke", device, settings=settings, folder=folder, **keywords)


def saved(folder: Path) -> dict[str, torch.Tensor]:
    """What the one checkpoint in a folder holds."""
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def curve(folder):
    torch.set_num_threads(1)
    return tiny_run(folder)


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    """A text of a few thousand words that every Python carries."""
    path = tmp_path_factory.mktemp("text") / "manual.txt"
    path.write_text("\n\n".join(topics[name] for name in sorted(topics))[:60_000], encoding="utf-8")
    return path


def start(script: str, folder: Path, *launcher: str) -> subprocess.Popen:
    """A tiny run in processes of its own; `script` can use TINY, run and folder."""
    file = folder.parent / "script.py"
    file.write_text(
        "import sys, time, torch\n"
        "from pathlib import Path\n"
        "from layercake import training\nfrom layercake.labs import pretraining\n"
        "from layercake.device import Device\nfrom layercake.processes import processes\n"
        "from layercake.labs.pretraining import Settings\n"
        "from solutions import pretraining as reference\n"
        "from solutions.transformer import GPT\n"
        "torch.set_num_threads(1)\n"
        "training.SAVE_EVERY = 0\n"
        f"TINY, folder = {TINY!r}, Path({str(folder)!r})\n"
        "cpu = Device(torch.device('cpu'), torch.float32, 'as in these tests')\n"
        "def run(**keywords):\n"
        "    return pretraining.run(GPT, 'smoke', cpu, settings=TINY, folder=folder, **keywords)\n" + script,
        encoding="utf-8",
    )
    command = [sys.executable, *launcher, str(file)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder.parent
    )


# Stopped and resumed


WAITS_AT_STEP_8 = """
taken = []
def train_step(*arguments, **keywords):
    if len(taken) == 8:
        print("eight steps", flush=True)
        time.sleep(600)
    taken.append(0)
    return reference.train_step(*arguments, **keywords)
run(train_step=train_step)
"""


def test_a_killed_run_goes_on_with_the_same_losses_bit_for_bit(curve, folder, tmp_path):
    process = start(WAITS_AT_STEP_8, tmp_path / "runs")
    said = ""
    while "eight steps" not in said:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said += line
    process.kill()  # SIGKILL
    assert process.wait() == -9
    assert len(saved(tmp_path / "runs")["history.loss"]) == 8
    resumed = tiny_run(tmp_path / "runs")
    assert (resumed.tokens, resumed.loss) == (curve.tokens, curve.loss)
    whole, parts = saved(folder), saved(tmp_path / "runs")
    assert whole.keys() == parts.keys() and len(whole["history.loss"]) == TINY.steps
    assert all(torch.equal(whole[name], parts[name]) for name in whole if not name.startswith("rng.torch"))


def test_a_run_in_float16_goes_on_with_its_scale(tmp_path):
    half = Device(torch.device("cpu"), torch.float16, "as on a T4")
    tiny_run(tmp_path / "whole", device=half)
    tiny_run(tmp_path / "parts", device=half, stop_after=6)
    tiny_run(tmp_path / "parts", device=half)
    whole, parts = saved(tmp_path / "whole"), saved(tmp_path / "parts")
    assert torch.equal(whole["history.loss"], parts["history.loss"])
    assert torch.equal(whole["carried.scaler.scale"], parts["carried.scaler.scale"])
    assert whole["carried.scaler._growth_tracker"] > 6  # counted on, not from the start again


def test_a_run_in_float16_is_continued_in_float32(tmp_path):
    tiny_run(tmp_path, device=Device(torch.device("cpu"), torch.float16, "as on a T4"), stop_after=6)
    assert tiny_run(tmp_path).tokens[-1] == TINY.steps * TINY.tokens_per_step


def test_a_finished_run_is_read_and_not_trained_again(curve, folder):
    again = tiny_run(folder)
    assert again.loss == curve.loss and again.seconds == curve.seconds


# Several processes


TWO_TAKE_EIGHT_STEPS = """
with processes():
    run(stop_after=8)
"""


def test_two_processes_take_the_steps_of_one_and_one_goes_on_from_there(curve, folder, tmp_path):
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    process = start(TWO_TAKE_EIGHT_STEPS, tmp_path / "runs", *launcher)
    said, complaints = process.communicate()
    assert process.returncode == 0, complaints
    assert said.count("shared by 2 processes") == 1  # one of the two speaks
    one = saved(folder)
    two = saved(tmp_path / "runs")
    assert len(two["history.loss"]) == 8
    torch.testing.assert_close(two["history.loss"], one["history.loss"][:8], atol=ROUNDING, rtol=0)
    torch.testing.assert_close(two["history.second"], one["history.second"][:8], atol=0, rtol=1e-3)
    assert two["history.loss"].std() > 0.1  # far from a constant: a tolerance that means something
    on_alone = tiny_run(tmp_path / "runs")
    torch.testing.assert_close(saved(tmp_path / "runs")["history.loss"], one["history.loss"], atol=ROUNDING, rtol=0)
    assert on_alone.loss["all"] == pytest.approx(curve.loss["all"], abs=ROUNDING)


def test_a_batch_in_parts_takes_the_same_steps_and_either_continues_the_other(folder, curve, tmp_path):
    tiny_run(tmp_path, replace(TINY, accumulate=4), stop_after=8)
    tiny_run(tmp_path)
    torch.testing.assert_close(saved(tmp_path)["history.loss"], saved(folder)["history.loss"], atol=ROUNDING, rtol=0)


def test_a_compiled_run_is_continued_by_one_that_is_not(folder, curve, tmp_path, monkeypatch):
    compiled = []

    def compile(model):
        compiled.append(model)
        return torch_compile(model, backend="eager")  # traced, and not translated to C++, which takes a minute

    torch_compile = torch.compile
    monkeypatch.setattr(torch, "compile", compile)
    tiny_run(tmp_path, stop_after=4, compiled=True)
    assert len(compiled) == 1 and saved(tmp_path).keys() == saved(folder).keys()
    tiny_run(tmp_path)
    torch.testing.assert_close(saved(tmp_path)["history.loss"], saved(folder)["history.loss"], atol=ROUNDING, rtol=0)


# What is refused


def given(tokens=(0, 1, 2, 3) * 20, longest=20, vocab_size=4) -> pretraining.Text:
    nothing = partial(pytest.fail, "nothing is encoded, decoded or judged before the check")
    tokens = torch.tensor(tokens, dtype=torch.long)
    return pretraining.Text("given", tokens, vocab_size, nothing, nothing, nothing, longest, "")


REFUSED = {
    "empty": (given(()), TINY, 1, '"given" is empty'),
    "short": (given((0,) * 32), TINY, 1, "has 32 tokens; one window needs 33"),
    "too large": (given((*(0,) * 37, 4, 5, 0)), TINY, 1, r"token 37 of \"given\" is 4, .* 0 to 3"),
    "negative": (given((*(0,) * 40, -1)), TINY, 1, "token 40 .* is -1"),
    "window": (given(), replace(TINY, context=31), 1, "window of 32 tokens is longer than the model's context of 31"),
    "document": (given(longest=1025), TINY, 1, "up to 1025 tokens, and the model's context is 1024"),
    "processes": (given(), TINY, 3, "batch of 4 windows cannot be shared equally by 3 processes"),
    "parts": (given(), replace(TINY, accumulate=3), 2, "accumulate = 3, and a process has 2 windows"),
    "no part": (given(), replace(TINY, accumulate=0), 1, "accumulate = 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_fail_later_is_refused_before_training(name, tmp_path, monkeypatch):
    text, settings, n_processes, match = REFUSED[name]
    with pytest.raises(ValueError, match=match):
        pretraining.check(settings, text, n_processes)
    if n_processes == 1:
        monkeypatch.setattr("layercake.labs.pretraining.lab.open_text", lambda *arguments: text)
        with pytest.raises(ValueError, match=match):
            tiny_run(tmp_path, settings)
        assert not list(tmp_path.iterdir())


def test_what_is_right_is_not_refused():
    pretraining.check(TINY, given(), 4)
    pretraining.check(replace(TINY, context=32, accumulate=2), given(), 2)


def test_an_unknown_scale_or_text_and_an_empty_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match='"smoke", "laptop" or "colab"'):
        pretraining.run(GPT, "huge", CPU, folder=tmp_path)
    with pytest.raises(ValueError, match='No corpus is called "towns"'):
        tiny_run(tmp_path, corpus="towns")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        tiny_run(tmp_path, corpus=tmp_path / "empty.txt")
    (tmp_path / "short.txt").write_text("to be, or not to be\n" * 200)
    with pytest.raises(ValueError, match=r'short.txt" is too short, or too much alike, .*300 tokens .*hundred kB'):
        tiny_run(tmp_path, corpus=tmp_path / "short.txt")


def test_a_run_that_is_not_judged_meanwhile_takes_the_same_steps(curve, tmp_path):
    only = tiny_run(tmp_path, meanwhile=False)
    assert only.tokens == curve.tokens[-1:] and only.loss["all"] == curve.loss["all"][-1:]


def test_texts_of_one_name_do_not_share_a_checkpoint(manual, tmp_path):
    other = tmp_path / manual.name
    other.write_text(manual.read_text(encoding="utf-8").replace("Python", "Cobra"), encoding="utf-8")
    curves = [tiny_run(tmp_path, corpus=text, stop_after=1) for text in (manual, other)]
    assert curves[0].corpus == curves[1].corpus == "manual" and len(list(tmp_path.glob("*.safetensors"))) == 2


def test_a_loss_that_is_not_a_number_stops_the_run_at_once_and_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    taken = []

    def divides_by_zero_at_step_5(model, *arguments, **keywords):
        if len(taken) == 5:
            model.embedding.weight.data.fill_(math.nan)
        taken.append(0)
        return reference.train_step(model, *arguments, **keywords)

    rate = reference.warmup_cosine(5, TINY.steps, TINY.learning_rate, TINY.warm_up)
    with pytest.raises(TrainingError, match=f"loss of GPT is nan at step 5, with a learning rate of {rate:.3g}.*third"):
        tiny_run(tmp_path, train_step=divides_by_zero_at_step_5)
    kept = saved(tmp_path)
    assert len(taken) == 6 and len(kept["history.loss"]) == 5
    assert all(kept[name].isfinite().all() for name in kept if name.startswith("model."))


def test_a_gradient_that_overflows_stops_the_run_before_the_weights_it_ruined_are_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0)
    taken = []

    def overflows_at_step_3(model, optimiser, batches, **keywords):
        loss, norm = reference.train_step(model, optimiser, batches, **keywords)
        taken.append(0)
        if len(taken) == 4:
            norm = norm * math.inf
            model.embedding.weight.data.mul_(math.nan)
        return loss, norm

    with pytest.raises(TrainingError, match="gradient's length is inf at step 3, with a learning rate"):
        tiny_run(tmp_path, train_step=overflows_at_step_3)
    kept = saved(tmp_path)
    assert len(kept["history.loss"]) == 3
    assert all(kept[name].isfinite().all() for name in kept if name.startswith("model."))


def test_a_learning_rate_that_is_far_too_high_is_told_as_such(tmp_path):
    with pytest.raises(TrainingError, match=r"is (nan|inf) at step \d, with a learning rate of [\d.]+e\+\d\d"):
        tiny_run(tmp_path, replace(TINY, learning_rate=1e20, warm_up=1))


def test_checkpoints_of_other_runs_other_shapes_and_torn_ones_are_refused(tmp_path):
    class Larger(GPT):
        def __init__(self, vocab_size, context, d_model, *arguments):
            super().__init__(vocab_size, context, d_model + 2, *arguments)

    Larger.__name__ = "GPT"
    tiny_run(tmp_path, stop_after=2)
    (file,) = tmp_path.glob("*.safetensors")
    before = file.read_bytes()
    with pytest.raises(CheckpointError, match="d_model was 16, now 18"):
        tiny_run(tmp_path, replace(TINY, d_model=18))
    with pytest.raises(CheckpointError, match=r"another model: embedding.weight was \(717, 16\), now \(717, 18\)"):
        tiny_run(tmp_path, model=Larger)
    assert file.read_bytes() == before
    file.write_bytes(before[:-100])
    with pytest.raises(CheckpointError, match="cut short or damaged"):
        tiny_run(tmp_path)
    assert tiny_run(tmp_path, fresh=True, stop_after=1).tokens[-1] == TINY.tokens_per_step


# What is measured


def test_the_model_is_judged_on_whole_documents_against_the_exact_bound(curve):
    exam = judging.validation(TINY.n_documents)
    assert curve.bound == exam.bound and curve.text.bits is None and curve.bits_per_byte() is None
    assert [values[-1] for values in curve.loss.values()] == exam.judge(curve.model)
    assert curve.tokens == [step * TINY.tokens_per_step for step in judging.measuring_steps(TINY.steps)]
    assert curve.loss["all"][-1] < curve.loss["all"][0] - 0.3 and curve.gap() > 0
    assert curve.gap("sum") == curve.loss["sum"][-1] - exam.bound["sum"]


def test_the_caller_s_functions_are_those_that_train(tmp_path):
    seen = {"get_batch": 0, "train_step": 0, "warmup_cosine": []}

    def get_batch(tokens, batch_size, T, generator):
        seen["get_batch"] += 1
        return reference.get_batch(tokens, batch_size, T, generator)

    def train_step(model, optimiser, batches, **keywords):
        seen["train_step"] += 1
        assert optimiser.param_groups[0]["lr"] == seen["warmup_cosine"][-1]
        return reference.train_step(model, optimiser, batches, **keywords)

    def warmup_cosine(*arguments, **keywords):
        seen["warmup_cosine"].append(reference.warmup_cosine(*arguments, **keywords))
        return seen["warmup_cosine"][-1]

    tiny_run(tmp_path, get_batch=get_batch, train_step=train_step, warmup_cosine=warmup_cosine, stop_after=5)
    assert seen["get_batch"] == seen["train_step"] == len(seen["warmup_cosine"]) == 5
    assert max(seen["warmup_cosine"]) == TINY.learning_rate == seen["warmup_cosine"][TINY.warm_up - 1]


def test_the_bar_shows_tokens_a_second_the_loss_and_the_gap(tmp_path, capsys):
    curve = tiny_run(tmp_path, stop_after=12)
    shown = capsys.readouterr().err
    gap = curve.loss["all"][-2] - curve.bound["all"]
    assert "token/s" in shown and "loss=" in shown and f"gap to the bound={gap:.3f}" in shown


def test_a_text_of_ones_own_is_tokenized_and_judged_in_bits_per_byte(manual, tmp_path):
    curve = tiny_run(tmp_path, corpus=manual)
    held_out = corpus.load(manual, "validation").text[: TINY.n_characters]
    judged = torch.tensor(curve.text.encode(held_out))
    loss = reference.evaluate(curve.model, judged, TINY.window)
    assert curve.text.decode(judged.tolist()) == held_out
    assert curve.loss["all"][-1] == pytest.approx(loss) and loss < curve.loss["all"][0]
    assert curve.bits_per_byte() == pytest.approx(bits_per_byte(loss, len(judged), len(held_out.encode())))
    assert curve.text.vocab_size == TINY.vocab_size > int(curve.text.tokens.max())
    assert f"{curve.bits_per_byte():.2f} bits per byte" in pretraining.finding(curve)
    assert len(pretraining.plot(curve).axes) == 1 and "manual" in pretraining.alt_text(curve)
    assert pretraining.sample_story(curve, n_tokens=5).startswith(held_out[:40])


def test_short_runs_have_their_own_course_and_give_their_ends(tmp_path, monkeypatch):
    monkeypatch.setitem(pretraining.SCALES, "laptop", replace(TINY, steps=128))
    ends = pretraining.short_runs(GPT, "laptop", CPU, folder=tmp_path)
    assert ends.tokens.tolist() == [steps * TINY.tokens_per_step for steps in (2, 4, 8)]
    assert ends.long == 128 * TINY.tokens_per_step and ends.floor > 0
    assert len(list(tmp_path.glob("*-steps/*.safetensors"))) == 3
    alone = tiny_run(tmp_path / "alone", replace(TINY, steps=8), meanwhile=False)
    assert ends.losses[2] == pytest.approx(alone.loss["all"][-1])
    assert "your runs" in str(ends) and f"{ends.losses[0]:.3f}" in str(ends)
    assert ends.of_the_long_run(alone) == alone.loss["all"][-1]


def test_at_equal_budgets_the_two_recorded_laws_cross():
    *_, first, _, _, _, last = pretraining.equal_budgets().splitlines()
    small, large = ([float(word) for word in line.split() if "." in word][1:] for line in (first, last))
    laws = results.load("scaling")["data"]["laws"]
    assert list(laws) == ["LSTM", "transformer"] and small[0] < small[1] and large[0] > large[1]
    assert large[1] == pytest.approx(
        results.load("scaling")["data"]["laws"]["transformer"]["line"]["gap"][-2], abs=0.02
    )


def test_at_smoke_the_law_is_drawn_through_recorded_runs(tmp_path, monkeypatch, curve):
    """And the recorded long run ends above the line: the short ones spend their steps on what is learned fastest."""
    monkeypatch.setitem(pretraining.SCALES, "smoke", replace(TINY, steps=64))
    ends = pretraining.short_runs(GPT, "smoke", CPU, folder=tmp_path)
    recorded = results.load("pretraining")["data"]
    assert "recorded" in str(ends) and ends.long == recorded["laptop"]["tokens"][-1]
    assert ends.of_the_long_run(curve) == statistics.median(experiment.ends(recorded["laptop"]))
    scale, exponent = reference.fit_power_law(ends.tokens, ends.losses, ends.floor)
    law = ends.floor + scale * ends.long**-exponent
    assert 0.02 < ends.of_the_long_run(curve) - law < 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_stated_activations_are_what_pytorch_keeps(dtype):
    settings, vocab_size = Settings(128, 3, 2, 256, 256, 2, 1, 1e-3, 30, 512, 1), 512
    model, kept = GPT(vocab_size, 256, 128, 3, 2), {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    inputs, targets = torch.randint(vocab_size, (2, 2, 256))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
    said = pretraining.memory(settings, vocab_size, dtype)
    log_softmax = 4 * inputs.numel() * vocab_size
    found = sum(n for n, _ in kept.values()) - said["copies of the weights"]
    assert said["activations"] + log_softmax == pytest.approx(found, rel=0.05)
    assert said["weights"] == 4 * count_parameters(model)


def test_colab_s_sizes_fit_a_t4():
    colab = pretraining.SCALES["colab"]
    for vocab_size in (len(village.VOCABULARY), colab.vocab_size):
        assert sum(pretraining.memory(colab, vocab_size).values()) < 0.75 * 15 * 2**30  # of the 15 GiB that are free


# What is shown


def test_a_story_is_drawn_by_the_generate_that_is_handed_in(curve):
    seen = []

    def counted(*arguments):
        seen.append(arguments)
        return generate(*arguments)

    story = pretraining.sample_story(curve, counted, n_tokens=30)
    assert len(seen) == 1 and story.startswith("Chapter 1") and story == pretraining.sample_story(curve, n_tokens=30)
    assert pretraining.sample_story(curve, n_tokens=30, seed=1) != story

    def ends_at_once(model, tokens, n_tokens, choose):
        return torch.cat([tokens, torch.tensor([[village.END, 5, 5]])], dim=1)

    assert pretraining.sample_story(curve, ends_at_once, "Chapter 1\nMira") == "Chapter 1\nMira <end>"
    with pytest.raises(ValueError, match=f"has 1201 tokens: .* context of {TINY.context}"):
        pretraining.sample_story(curve, prompt="Mira " * 1200)


def test_the_figure_says_its_finding_its_bound_and_the_lstm(curve):
    figure = pretraining.plot(curve)
    assert figure.axes[0].get_title(loc="left") == pretraining.finding(curve)
    assert f"{curve.gap():.2f} nats above" in pretraining.finding(curve)
    said = pretraining.alt_text(curve)
    assert f"exact bound is {curve.bound['all']:.2f}" in said and "recorded LSTM ends at" in said
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "your run" in labels and any("LSTM" in label for label in labels)


# The command line


def command(*arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    line = [sys.executable, "-m", "layercake.labs.pretraining", *arguments]
    return subprocess.run(line, capture_output=True, text=True, env=environment, cwd=ROOT)


def test_the_command_s_help_names_its_options_and_a_wrong_word_is_one_line():
    helped = command("--help")
    assert helped.returncode == 0
    for option in ("--scale", "--corpus", "--steps", "--seed", "--folder", "--fresh", "--compile", "torchrun"):
        assert option in helped.stdout
    refused = command("--scale", "huge")
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert refused.stderr.strip().splitlines()[-1].startswith("layercake.labs.pretraining: SCALE = 'huge' is not known")


def test_the_command_trains_and_goes_on_where_it_was(tmp_path):
    first = command("--steps", "2", "--folder", str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert "tokens a second" in first.stdout and "nats above" in first.stdout
    again = command("--steps", "2", "--folder", str(tmp_path))
    assert again.stdout == first.stdout  # nothing was trained anew, the seconds included
    other = command("--steps", "3", "--folder", str(tmp_path))
    assert other.returncode == 1 and "steps was 2, now 3" in other.stderr and "pass --fresh" in other.stderr
    shutil.rmtree(tmp_path)


# What is recorded


def test_the_experiment_runs_small_and_records_everything(tmp_path, monkeypatch, run_small):
    monkeypatch.setitem(pretraining.SCALES, "smoke", TINY)
    run_small(experiment, tmp_path)
    result = results.load("pretraining", tmp_path)
    record.Record.model_validate(result)
    assert result["finding"] == experiment.finding(result["data"]) and "--smoke" in result["command"]
    assert f"{result['numbers']['gap']:.2f} nats" in result["finding"]
    chart.plot(result)
    assert chart.finding(result).splitlines()[0] in chart.alt_text(result)


def test_finding_figures_and_numbers_are_what_the_data_give():
    recorded = results.load("pretraining")
    data = recorded["data"]
    assert recorded["finding"] == experiment.finding(data)
    assert recorded["measured"] == json.loads(json.dumps(experiment.measured(data)))
    assert recorded["numbers"] == json.loads(json.dumps(experiment.numbers(data)))


@pytest.mark.parametrize("scale", experiment.SEEDS)
def test_the_recorded_band_is_that_of_its_seeds_and_of_todays_settings(scale):
    recorded = results.load("pretraining")
    curve, settings = recorded["data"][scale], experiment.settings_of(scale)
    assert recorded["settings"][scale] == json.loads(json.dumps(vars(settings)))
    assert recorded["settings"]["village"] == village.fingerprint()
    assert curve["seeds"] == len(recorded["settings"]["seeds"][scale])
    measured_at = [settings.steps] if scale in experiment.SHORT else judging.measuring_steps(settings.steps)
    assert curve["tokens"] == [step * settings.tokens_per_step for step in measured_at]
    for line in curve["loss"].values():
        for values, median, low, high in zip(
            zip(*line["seeds"]), line["median"], line["low"], line["high"], strict=True
        ):
            assert (median, low, high) == (statistics.median(values), min(values), max(values))


def test_the_record_carries_its_claim():
    """As many tokens as the recurrent networks, judged on the same documents, and nearer to the bound than each."""
    recorded = results.load("pretraining")
    scale, of = recorded["numbers"]["scale"], recorded["numbers"]["curve"]
    curve, beside = recorded["data"][of], results.load("language")["data"][scale]
    assert curve["bound"] == beside["bound"] and curve["documents"] == beside["documents"]
    for network in beside["networks"].values():
        assert network["tokens"][-1] == curve["tokens"][-1]
        assert min(network["loss"]["all"]["low"]) > max(experiment.ends(curve)) > curve["bound"]["all"]
    assert all(name in chart.finding(recorded) for name in ("transformer", *beside["networks"]))


def test_the_laptop_s_run_ends_within_a_tenth_of_a_nat_of_the_bound():
    recorded = results.load("pretraining")
    laptop = recorded["data"]["laptop"]
    assert statistics.median(experiment.ends(laptop)) - laptop["bound"]["all"] < 0.1
    assert recorded["numbers"]["longer_gap"] < recorded["numbers"]["gap"]
