"""Proves that the lab does what its notebook says.

The machine is described in one line and an unknown scale is refused; the recall task has the chance level and the bound
that it states; the three readers are built from the functions handed in and have the same number of parameters;
training that was stopped goes on with the same losses, bit for bit; a checkpoint that is damaged or another run's is
refused and left as it was; the figure says what its data say.
"""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import layercake
from layercake import results
from layercake.device import INSTALL_TORCH, pick, where
from layercake.figures import lab_gates, lab_reading, lab_recall
from layercake.labs import clock, recall
from layercake.training import CheckpointError, TrainingError, learning_rate_at, train
from solutions.attention import MultiHeadAttention, attention_over_states, causal_attention

SMOKE = recall.SCALES["smoke"]
TINY = replace(SMOKE, n_pairs=4, steps=30, batch_size=16, d_gru=12, d_gru_attention=12, d_attention=12)


pytestmark = pytest.mark.usefixtures("one_thread")


# The machine


def test_setup_prints_one_line_of_what_it_found(capsys):
    device = layercake.setup("attention", scale="smoke")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    for part in ("attention", "smoke", "Python 3.", torch.__version__, device.device.type, device.reason):
        assert part in lines[0]


def test_an_unknown_scale_is_refused_with_the_three():
    for refused in (lambda: layercake.setup("attention", scale="large"), lambda: recall.example("large")):
        with pytest.raises(ValueError, match='"smoke", "laptop" or "colab"'):
            refused()


def test_a_t4_gets_float16_and_an_h200_bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    assert pick().dtype == torch.float16 and "Tesla T4" in pick().reason
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    assert pick().dtype == torch.bfloat16


@pytest.mark.parametrize("variable, place", [("COLAB_RELEASE_TAG", "Colab"), ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle")])
def test_setup_says_where_it_runs(monkeypatch, capsys, variable, place):
    monkeypatch.setenv(variable, "1")
    layercake.setup("attention")
    assert capsys.readouterr().out.endswith(f"in {place}.\n")


@pytest.mark.parametrize("names, place", [({}, "Jupyter"), ({"__vsc_ipynb_file__": "a.ipynb"}, "VS Code")])
def test_setup_tells_a_notebook_from_a_terminal(monkeypatch, names, place):
    assert where() == "a terminal"
    shell = SimpleNamespace(kernel=object(), user_ns=names)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert where() == place


def test_missing_torch_is_met_with_the_remedy_and_nothing_else_is_imported():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import layercake\n"
        "try: layercake.setup('attention')\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == INSTALL_TORCH


def test_the_lab_imports_neither_nbgrader_nor_solutions():
    code = (
        "import sys, layercake\nfrom layercake import training, results\nfrom layercake.labs import recall\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'nbgrader', 'solutions', 'autograder'}))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


# The task


def draw(n: int, **keywords) -> recall.Texts:
    return recall.draw_texts(SMOKE, torch.Generator().manual_seed(1), n, **keywords)


def test_a_reader_of_the_text_can_always_answer():
    """The attainable bound: looking the key up is right every time, and the stated distance leads to the value."""
    texts = draw(500, n_questions=4)
    text, questions = texts.symbols[:, : 2 * SMOKE.n_pairs], texts.symbols[:, 2 * SMOKE.n_pairs :]
    keys, values = text[:, ::2], text[:, 1::2] - SMOKE.n_pairs
    matches = keys.unsqueeze(1) == questions.unsqueeze(2)  # (B, n_questions, n_pairs)
    assert (matches.sum(dim=2) == 1).all()
    assert torch.equal((matches * values.unsqueeze(1)).sum(dim=2), texts.answers)
    question_at = 2 * SMOKE.n_pairs + torch.arange(4)
    assert torch.equal(texts.symbols.gather(1, question_at - texts.distances) - SMOKE.n_pairs, texts.answers)


def test_chance_is_one_in_four():
    """20,000 answers: a share of .25 has a standard error of .003, and each of the four is within five of them."""
    answers = draw(20_000).answers
    for value in range(SMOKE.n_values):
        assert abs((answers == value).float().mean().item() - recall.chance("smoke")) < 0.0155


def test_knowing_which_value_came_last_helps_at_no_other_distance():
    texts = draw(20_000, pairs_back=3)
    last_value = texts.symbols[:, 2 * SMOKE.n_pairs - 1] - SMOKE.n_pairs
    assert abs((last_value == texts.answers[:, 0]).float().mean().item() - 0.25) < 0.0155


def test_texts_are_fixed_by_the_seed_and_new_with_every_draw():
    generator = torch.Generator().manual_seed(1)
    first, second = (recall.draw_texts(SMOKE, generator, 50).symbols for _ in range(2))
    assert torch.equal(first, draw(50).symbols) and not torch.equal(first, second)


def test_near_pairs_are_asked_for_more_often_and_far_ones_too():
    counts = draw(20_000).distances.flatten().bincount(minlength=16)[1::2]
    assert (counts > 500).all() and counts[0] > 3 * counts[-1]


# The readers


@pytest.mark.parametrize("scale", recall.SCALES)
def test_the_readers_have_the_same_number_of_parameters_within_five_per_cent(scale):
    models = recall.readers(attention_over_states, MultiHeadAttention, scale)
    counts = [recall.count_parameters(model) for model in models.values()]
    assert max(counts) / min(counts) < 1.05
    assert all(f"{count:,}" in recall.parameter_table(models) for count in counts)


def test_the_readers_run_on_the_functions_handed_in():
    calls = []

    def watched_states(query, *rest):
        calls.append("states")
        return attention_over_states(query, *rest)

    def watched_attend(query, key, value):
        calls.append("attend")
        return causal_attention(query, key, value)

    models = recall.readers(watched_states, MultiHeadAttention, SMOKE, attend=watched_attend)
    symbols = draw(3, n_questions=2).symbols
    assert {name: model(symbols, 2).shape for name, model in models.items()} == {
        name: (3, 2, SMOKE.n_values) for name in recall.READERS
    }
    assert calls == ["states"] + ["attend"] * SMOKE.n_layers


@pytest.mark.parametrize("name", recall.READERS)
def test_no_reader_sees_the_questions_that_come_later(name):
    model = recall.readers(attention_over_states, MultiHeadAttention, SMOKE)[name].eval()
    symbols = draw(5, n_questions=3).symbols
    changed = torch.cat([symbols[:, :-1], (symbols[:, -1:] + 1) % SMOKE.n_pairs], dim=1)
    with torch.no_grad():
        before, after = model(symbols, 3), model(changed, 3)
    assert torch.allclose(before[:, :2], after[:, :2], atol=1e-5) and not torch.allclose(before[:, 2], after[:, 2])


def test_attention_recalls_at_every_distance_and_a_gru_does_not(tmp_path, monkeypatch):
    """What the lab shows at its smallest scale, in fewer steps."""
    monkeypatch.setitem(recall.SCALES, "smoke", replace(SMOKE, steps=200))
    curves = recall.run(attention_over_states, MultiHeadAttention, "smoke", pick(), folder=tmp_path)
    assert min(curves["attention"]["accuracy"]) > 0.95 and min(curves["GRU + attention"]["accuracy"]) > 0.95
    gru = curves["GRU"]["accuracy"]
    assert gru[0] > 0.6 and sum(gru[4:]) / 4 < 0.45
    assert "forgets" in recall.finding(curves) and "not learned" not in recall.finding(curves)


# Training


def start(path: Path, settings: recall.Settings = TINY, name: str = "attention", **keywords):
    model = recall.readers(attention_over_states, MultiHeadAttention, settings)[name]
    loss = keywords.pop("loss", recall.step_loss(settings))
    options = {"steps": settings.steps, "learning_rate": settings.learning_rate, "seed": 0, "name": name, **keywords}
    return model, train(model, loss, path=path, settings=asdict(settings), **options)


@pytest.mark.parametrize("name", recall.READERS)
def test_a_resumed_run_has_the_same_losses_bit_for_bit(tmp_path, name):
    whole_model, whole = start(tmp_path / "whole", name=name)
    _, part = start(tmp_path / "parts", name=name, stop_after=11)
    resumed_model, resumed = start(tmp_path / "parts", name=name)
    assert len(part.loss) == 11 and resumed.loss == whole.loss and resumed.second == whole.second
    for ours, theirs in zip(resumed_model.state_dict().values(), whole_model.state_dict().values()):
        assert torch.equal(ours, theirs)


def test_a_run_that_was_killed_resumes_from_its_last_save(tmp_path, monkeypatch):
    """Killed in the middle of a step, with a checkpoint after every step: nothing before it is lost or half written."""
    monkeypatch.setattr("layercake.training.SAVE_EVERY", 0.0)
    usual, steps = recall.step_loss(TINY), []

    def killed_at_the_ninth(model, generator):
        steps.append(0)
        if len(steps) == 9:
            raise KeyboardInterrupt
        return usual(model, generator)

    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "run", loss=killed_at_the_ninth)
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
    _, resumed = start(tmp_path / "run")
    _, whole = start(tmp_path / "whole")
    assert resumed.loss == whole.loss


def test_a_finished_run_is_not_trained_again(tmp_path):
    first_model, first = start(tmp_path / "run")
    again_model, again = start(tmp_path / "run")
    assert again.loss == first.loss and again.seconds == first.seconds
    assert torch.equal(again_model.read_out.weight, first_model.read_out.weight)


def test_a_loss_that_is_not_a_number_is_refused_with_the_step_and_a_remedy(tmp_path):
    usual, steps = recall.step_loss(TINY), []

    def nan_at_step_5(model, generator):
        loss, accuracy = usual(model, generator)
        steps.append(0)
        return (loss * float("nan") if len(steps) == 6 else loss), accuracy

    with pytest.raises(TrainingError, match=r"(?s)attention is nan at step 5.*-inf.*learning rate"):
        start(tmp_path / "run", loss=nan_at_step_5)


def refused(path: Path, match: str, **keywords) -> None:
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=match):
        start(path, **keywords)
    assert path.read_bytes() == before


def test_checkpoints_of_other_runs_are_refused_and_left_alone(tmp_path):
    path = tmp_path / "run"
    start(path, stop_after=3)
    refused(path, "of another run: seed was 0, now 1.*fresh=True", seed=1)
    refused(path, "batch_size was 16, now 8", settings=replace(TINY, batch_size=8))
    refused(path, "name was 'attention', now 'GRU'", name="GRU")


def test_a_checkpoint_of_another_model_or_other_code_is_refused(tmp_path):
    path = tmp_path / "run"
    start(path, stop_after=3)

    def changed(change):
        model = recall.readers(attention_over_states, MultiHeadAttention, TINY)["attention"]
        change(model)
        with pytest.raises(CheckpointError) as error:
            train(
                model, recall.step_loss(TINY), TINY.steps, learning_rate=TINY.learning_rate, seed=0, path=path,
                settings=asdict(TINY), name="attention",
            )  # fmt: skip
        return str(error.value)

    wider = changed(lambda model: setattr(model, "read_out", nn.Linear(12, 5)))
    assert "another model: read_out.weight was (4, 12), now (5, 12)" in wider
    assert "Your functions have changed since" in changed(
        lambda model: setattr(model.layers[0], "attend", lambda query, key, value: value)
    )


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "run"
    start(path, stop_after=3)
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, "cut short or damaged")
    save_file({"weight": torch.zeros(2)}, path)
    refused(path, "not a checkpoint of this training loop")


def test_fresh_starts_again_over_another_runs_checkpoint(tmp_path):
    start(tmp_path / "run", stop_after=3, seed=1)
    _, fresh = start(tmp_path / "run", fresh=True)
    _, whole = start(tmp_path / "whole")
    assert fresh.loss == whole.loss


def test_the_learning_rate_rises_stays_and_falls_to_nearly_zero():
    rates = [learning_rate_at(step, 1000, 1.0) for step in range(1000)]
    assert rates[0] == pytest.approx(0.02) and rates[49] == rates[500] == 1.0 and 0 < rates[-1] <= 0.002


# Results and figures


def test_a_missing_result_is_refused_with_the_names_there_are(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"'recal'.*There are: other\..*experiments/ measures it"):
        results.load("recal", tmp_path)


def test_a_result_without_its_provenance_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="lacks claim, command"):
        results.save("recall", {"data": {}}, tmp_path)
    assert not list(tmp_path.iterdir())


def made_up(gru: list[float], attention: list[float]) -> dict:
    distance = [1, 3, 5, 7, 9, 11, 13, 15]
    curve = {"GRU": gru, "GRU + attention": attention, "attention": attention}
    return {"scale": "smoke"} | {name: {"distance": distance, "accuracy": values} for name, values in curve.items()}


def test_the_title_is_computed_from_the_data():
    falls, stays, low = [0.9, 0.6] + [0.3] * 6, [1.0] * 8, [0.5] * 8
    assert "forgets: 0.90 right at distance 1, 0.30 from 9 on" in recall.finding(made_up(falls, stays))
    assert "with attention 1.00 at every distance" in recall.finding(made_up(falls, stays))
    assert "recalls" in recall.finding(made_up(stays, stays))
    assert "0.50 at worst: not learned yet" in recall.finding(made_up(falls, low))


def test_the_figure_draws_the_curves_the_band_and_the_bounds():
    curves = made_up([0.9, 0.6] + [0.3] * 6, [1.0] * 8)
    figure = recall.plot(curves)
    axes = figure.axes[0]
    assert figure.get_facecolor()[3] == 1  # opaque: readable on a dark page
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert all(drawn[name] == curves[name]["accuracy"] for name in recall.READERS)
    horizontal = [list(line.get_ydata()) for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert [0.25, 0.25] in horizontal and [1, 1] in horizontal
    assert "symbols" in axes.get_xlabel() and axes.get_ylabel() and axes.get_title(loc="left") == recall.finding(curves)
    assert recall.finding(curves).replace("\n", " ") in recall.alt_text(curves)
    assert "of 8 points lie within 0.05 of the recorded band" in recall.alt_text(curves)


def test_the_recorded_curves_can_be_drawn_alone_and_an_unrecorded_scale_says_so():
    assert recall.plot(scale="laptop").axes[0].lines
    with pytest.raises(ValueError, match="Nothing has been recorded at scale 'colab' yet"):
        recall.plot(scale="colab")
    with pytest.raises(ValueError, match="Nothing to draw"):
        recall.plot()
    curves = made_up([0.3] * 8, [1.0] * 8) | {"scale": "colab"}
    assert lab_recall.NOT_RECORDED in recall.alt_text(curves) and recall.plot(curves).axes[0].lines


def test_where_attention_looks_is_what_the_callers_function_gave_and_needs_a_trained_reader(tmp_path):
    functions = attention_over_states, MultiHeadAttention
    with pytest.raises(CheckpointError, match="train the model first"):
        recall.reading(*functions, "smoke", folder=tmp_path, settings=TINY)
    recall.run(*functions, "smoke", folder=tmp_path, settings=TINY, only=("GRU + attention",))
    reading = recall.reading(*functions, "smoke", folder=tmp_path, settings=TINY)
    assert len(reading["weights"]) == 4 and [word[0] for word in reading["symbols"]] == ["k", "v"] * 4
    assert all(len(row) == 8 and sum(row) == pytest.approx(1) for row in reading["weights"])

    def looks_at_the_first(*given):
        context, weights = attention_over_states(*given)
        first = torch.eye(weights.size(1))[torch.zeros(len(weights), dtype=torch.long)]
        return context, first

    first = recall.reading(looks_at_the_first, MultiHeadAttention, "smoke", folder=tmp_path, settings=TINY)
    assert all(row == [1] + [0] * 7 for row in first["weights"])
    assert "0% of the weight lies on the value asked for" in lab_reading.alt_text(first)
    assert f"k{first['keys'][1][1:]} at {first['symbols'][0]}" in lab_reading.alt_text(first)
    (axes, *_) = lab_reading.plot(reading).axes
    assert len(axes.patches) == 4 and axes.get_title(loc="left") == lab_reading.finding(reading)


def test_gates_are_drawn_from_the_longest_memory_down_and_told_in_words():
    kept, words = [[0.2, 0.99, 0.9], [0.4, 0.98, 0.1], [0.3, 0.97, 0.2]], ["the", "inn", "."]
    assert lab_gates.finding(kept).split() == (
        "Of 3 units 1 keep half of what they know for 20 words or more, 2 lose half with each word".split()
    )
    assert "Most is forgotten at “.”" in lab_gates.alt_text(kept, words)
    (axes, *_) = lab_gates.plot(kept, words).axes
    drawn = axes.images[0].get_array()
    assert drawn[0].tolist() == [0.99, 0.98, 0.97] and [tick.get_text() for tick in axes.get_xticklabels()] == words


def test_the_clock_measures_every_reader_at_every_length():
    times = clock.time_per_step(attention_over_states, MultiHeadAttention, "smoke", repeats=2, lengths=(8, 64))
    for name in recall.READERS:
        low, median, high = (times[name][key] for key in ("low_ms", "median_ms", "high_ms"))
        assert len(median) == 2 and all(0 < a <= b <= c for a, b, c in zip(low, median, high))
    figure = clock.plot(times)
    assert "ms" in figure.axes[0].get_ylabel() and "64 symbols" in clock.alt_text(times)


def test_recorded_results_are_plain_json_in_the_package():
    for name in ("recall", "waiting"):
        assert json.loads((results.FOLDER / f"{name}.json").read_text(encoding="utf-8")) == results.load(name)
