"""Proves that the experiments run from start to end, and that what is recorded says all that a reader must know.

Each experiment is run at its smallest size into a folder of the test; the recorded files are held against the one
schema, and the numbers that the book quotes are recomputed from the recorded data. Every recorded claim is held against
its data. The ledger is what the records give, byte for byte.
"""

import copy
import json
import math
import os
import re
import statistics
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from experiments import convolution, ledger, other_sequences, record, sensor_log
from experiments import recall as recall_experiment
from experiments import waiting as waiting_experiment
from layercake import results
from layercake.figures import convolution as convolution_chart
from layercake.figures import other_sequences as digits_chart
from layercake.figures import recall as recall_chart
from layercake.figures import waiting as waiting_chart
from layercake.figures.style import one_line
from layercake.labs import recall, waiting
from layercake.labs.networks import ALL_READERS, TRANSFORMER, Settings, readers
from solutions.attention import MultiHeadAttention, attention_over_states
from solutions.transformer import Block

ROOT = Path(__file__).parents[1]
WRITES = {  # experiment -> what it records
    "recall": ("recall",),
    "waiting": ("waiting", "backbone"),
    "convolution": ("convolution",),
    "other_sequences": ("other-sequences",),
}
EXPERIMENTS = (ROOT / "experiments").glob("*.py")
RECORDED = [name for names in WRITES.values() for name in names]
MODULES = {"recall": recall_experiment, "convolution": convolution, "other-sequences": other_sequences}
MODULES |= {"waiting": waiting_experiment, "backbone": waiting_experiment}


# Every script


@pytest.mark.parametrize("name", WRITES)
def test_the_experiment_runs_small_and_records_everything(name, tmp_path, run_small):
    before = {file: file.read_bytes() for file in results.FOLDER.glob("*.json")}
    said = run_small(import_module(f"experiments.{name}"), tmp_path, *(["--seeds", "1"] * (name == "recall")))
    assert sorted(file.stem for file in tmp_path.iterdir()) == sorted(WRITES[name])
    for written in WRITES[name]:
        result = results.load(written, tmp_path)
        record.Record.model_validate(result)
        assert "--smoke" in result["command"] and result["finding"] in said
    assert {file: file.read_bytes() for file in results.FOLDER.glob("*.json")} == before


@pytest.mark.parametrize("name", WRITES)
def test_a_smoke_run_refuses_to_overwrite_the_record(name, check_refusal):
    check_refusal(import_module(f"experiments.{name}"))


@pytest.mark.parametrize("path", sorted(path for path in EXPERIMENTS if "def main(" in path.read_text()))
def test_the_script_is_a_program(path):
    """One is run as such, in test_infrastructure.py."""
    assert re.search(r'^if __name__ == "__main__":\n    .*main\(', path.read_text(), re.MULTILINE)


def test_jobs_are_done_side_by_side_in_processes_of_their_own():
    done = record.side_by_side(os.getpgid, [0, os.getpid()])
    assert done == {0: os.getpgid(0), os.getpid(): os.getpgid(0)}
    with pytest.raises(ValueError, match="math domain error"):
        record.side_by_side(math.sqrt, [4, -1])


# Every record


@pytest.mark.parametrize("path", sorted(results.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_is_recorded_satisfies_the_schema_and_was_no_smoke_run(path):
    recorded = record.Record.model_validate_json(path.read_bytes())
    assert "--smoke" not in recorded.command


@pytest.mark.parametrize("name", RECORDED)
def test_finding_figures_and_numbers_are_what_the_data_give(name):
    """What a reader is told is computed from the data: by these functions, from this file."""
    recorded, module = results.load(name), MODULES[name]
    scale = (recorded["numbers"]["scale"],) if name == "recall" else ()
    data = recorded["data"]
    if name == "other-sequences":
        data = copy.deepcopy(data)
        for part in ("digits", "sensor log"):  # JSON has no whole numbers as keys
            data[part]["n-grams"] = {int(n): value for n, value in data[part]["n-grams"].items()}
    assert recorded["finding"] == module.finding(data, *scale)
    assert recorded["measured"] == json.loads(json.dumps(module.measured(data, *scale)))
    assert recorded["numbers"] == json.loads(json.dumps(module.numbers(data, *scale)))


def broken(change) -> str:
    """What the schema says to the recorded recall measurement after a change."""
    result = copy.deepcopy(results.load("recall"))
    change(result)
    with pytest.raises(ValidationError) as error:
        record.Record.model_validate(result)
    return str(error.value)


def test_a_record_that_leaves_something_out_is_refused_and_not_written(tmp_path):
    for field in record.Record.model_fields:
        assert field in broken(lambda result, field=field: result.pop(field))
        assert field in broken(lambda result, field=field: result.update({field: None}))
    assert "finding" in broken(lambda result: result.update(finding="It forgets."))  # without its number
    assert "refuted_by" in broken(lambda result: result["claim"].pop("refuted_by"))
    assert "torch" in broken(lambda result: result["versions"].pop("torch"))
    assert "does not lie between" in broken(lambda result: result["measured"][0].update(value=1000.0))
    assert "belong together" in broken(lambda result: result["measured"][0].update(bound=1.0, bound_is=None))
    assert "seeds" in broken(lambda result: result.update(seeds=[]))
    with pytest.raises(ValidationError):
        record.write("recall", {**results.load("recall"), "limits": []}, tmp_path)
    assert not list(tmp_path.iterdir())


# waiting and backbone


def test_the_chain_of_waiting_is_exact():
    data = results.load("waiting")["data"]
    depth, lengths = data["sequential_depth"], data["length"]
    assert depth["RNN"] == depth["LSTM"] == depth["GRU"] == lengths
    assert depth["GRU + attention"] == [length + 1 for length in lengths]
    assert set(depth["convolution"]) == {len(recall.SCALES["laptop"].dilations)}
    assert set(depth["attention"]) == {recall.SCALES["laptop"].n_layers}
    assert tuple(depth) == ALL_READERS


def test_backbone_is_the_same_run_as_waiting():
    whole, part = results.load("waiting")["data"], results.load("backbone")["data"]
    assert set(part["sequential_depth"]) == set(recall.READERS)
    assert all(part[name] == whole[name] for name in (*recall.READERS, "length", "clock", "repeats"))


@pytest.mark.parametrize("name", ["waiting", "backbone"])
def test_both_panels_are_drawn_and_told(name):
    data = results.load(name)["data"]
    chain, times = waiting_chart.plot(data).axes
    for axes, drawn in (
        (chain, data["sequential_depth"]),
        (times, {n: data[n]["median_ms"] for n in ALL_READERS[2:3]}),
    ):
        lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        assert all(lines[reader] == values for reader, values in drawn.items())
    said = waiting_chart.alt_text(data)
    assert f"{data['length'][-1]} symbols" in said and all(reader in said for reader in data["sequential_depth"])


# message


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_the_recorded_band_is_that_of_its_seeds_and_of_todays_settings(scale):
    recorded = results.load("recall")
    assert len(recorded["seeds"]) >= 3
    assert recorded["settings"][scale] == json.loads(json.dumps(vars(recall.SCALES[scale])))
    data = recorded["data"][scale]
    curves = {name: data[name] for name in (*recall.READERS, TRANSFORMER)}
    if scale == recorded["numbers"]["scale"]:
        curves |= {
            f"{name}, longer": curve for name, curve in recall_experiment.recurrent(recorded["data"], scale).items()
        }
    for curve in curves.values():
        assert curve["distance"] == [2 * back + 1 for back in range(recall.SCALES[scale].n_pairs)]
        for band in (curve, curve["first_pair"]):
            assert len(band["accuracy"]) == len(recorded["seeds"])
            for values, median, low, high in zip(
                zip(*band["accuracy"]), band["median"], band["low"], band["high"], strict=True
            ):
                assert (median, low, high) == (statistics.median(values), min(values), max(values))
    counts = [curve["parameters"] for curve in curves.values()]
    assert max(counts) / min(counts) < 1.05


def test_the_record_carries_its_claim():
    """The claim against the data: without attention recall falls with distance, and with attention it does not."""
    data = results.load("recall")["data"]
    gru, far = data["laptop"]["GRU"], len(data["laptop"]["GRU"]["median"]) // 2
    assert min(gru["high"][0] - value for value in gru["high"][far:]) > 0.3
    assert statistics.mean(gru["median"][far:]) < data["laptop"]["chance"] + 0.1
    for curve in recall_experiment.recurrent(data, "laptop").values():
        assert curve["low"][0] - max(curve["high"][far:]) > 0.1
        assert max(recall_experiment.falls_below(curve, curve["accuracy"])) < curve["distance"][-1]
    assert all(min(data["laptop"][name]["low"]) > 0.95 for name in recall_experiment.ATTENTIVE)


def test_a_reader_starts_alike_whoever_is_measured_beside_it():
    """Why the transformer may be put into the record without measuring the others again."""
    six = readers(attention_over_states, MultiHeadAttention, "smoke", seed=1, only=ALL_READERS)
    seven = readers(
        attention_over_states, MultiHeadAttention, "smoke", seed=1, block=Block, only=(*ALL_READERS, TRANSFORMER)
    )
    alone = readers(attention_over_states, MultiHeadAttention, "smoke", seed=1, block=Block, only=(TRANSFORMER,))
    for name, model in {**six, **alone}.items():
        assert all(
            torch.equal(one, other) for one, other in zip(model.parameters(), seven[name].parameters(), strict=True)
        )


def test_a_transformer_without_its_layer_is_refused_by_name():
    with pytest.raises(ValueError, match=r"transformer.*pass block="):
        readers(attention_over_states, MultiHeadAttention, "smoke", only=(TRANSFORMER,))


def test_a_record_of_other_settings_takes_no_further_reader(tmp_path):
    before = results.load("recall")
    for change in ({"steps": 1}, {"dilations": [1]}):
        older = copy.deepcopy(before)
        older["settings"]["laptop"] |= change
        with pytest.raises(ValueError, match=f"laptop.{next(iter(change))}.*measure all"):
            recall_experiment.with_the_transformer(older, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_was_added_says_when_and_on_what_it_was_measured():
    added = results.load("recall")["added"][TRANSFORMER]
    assert {"command", "date", "seconds", "hardware", "versions"} == set(added) and "--only" in added["command"]
    record.Hardware.model_validate(added["hardware"])


def test_where_recall_falls_below_a_level_is_read_off_each_seed():
    curve = {"distance": [1, 3, 5]}
    accuracy = [[0.95, 0.91, 0.4], [0.95, 0.89, 0.95], [0.95, 0.9, 0.9]]
    assert recall_experiment.falls_below(curve, accuracy) == [5, 3, 7]  # 7: nowhere


def test_the_figure_of_the_message_draws_its_lines_and_the_level():
    recorded = results.load("recall")
    axes = recall_chart.plot(recorded).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines]
    lines = recall_chart.lines_of(recorded)
    assert set(lines) == {"RNN", "LSTM", *recall.READERS, TRANSFORMER}
    assert all(line["median"] in drawn for line in lines.values())
    assert [0.9, 0.9] in drawn and [recorded["numbers"]["chance"]] * 2 in drawn and [1, 1] in drawn
    assert axes.get_title(loc="left") == recall_chart.finding(recorded)
    assert one_line(axes.get_title(loc="left")) in recall_chart.alt_text(recorded)


# convolution


@pytest.mark.parametrize("dilations", convolution.DESIGNS)
def test_nothing_from_beyond_its_reach_changes_what_a_convolution_answers_and_from_within_it_does(dilations):
    """The reach that follows from who waits for whom is that of the network itself, symbol by symbol."""
    settings = convolution.settings_of(dilations, "laptop", 1)
    model = readers(attention_over_states, MultiHeadAttention, settings, only=("convolution",))["convolution"].eval()
    symbols = recall.draw_texts(settings, torch.Generator().manual_seed(0), 4).symbols  # (B, T), the last one asks
    reach = convolution.reach_of(dilations)
    with torch.no_grad():
        answer = model(symbols, 1)
        for back in range(1, 2 * reach):
            changed = symbols.clone()
            changed[:, -1 - back] = (changed[:, -1 - back] + 1) % settings.n_pairs
            assert torch.equal(model(changed, 1), answer) == (back > reach)


def test_beyond_its_reach_a_convolution_is_at_chance_and_within_it_is_not():
    """Five standard errors: a false alarm once in 1.7 million."""
    data = results.load("convolution")["data"]
    for curve in data["recall"]:
        beyond = curve["beyond"]
        assert curve["reach"] == convolution.reach_of(tuple(curve["dilations"]))
        assert abs(beyond["share_right"] - data["chance"]) < 5 * beyond["standard_error_of_chance"]
        assert curve["low"][0] > 0.9
    for curve in data["recall"][:2]:  # the short ones learn to use all of their reach
        last = convolution.within(curve)
        assert curve["low"][last] > max(curve["high"][last + 1 :])


def test_the_layers_that_it_takes_to_hear_everything():
    layers = results.load("convolution")["data"]["layers_to_hear_all"]
    assert layers["width 3"] == [-(-(T - 1) // 2) for T in layers["length"]]
    assert layers["gaps that double"] == [(T - 1).bit_length() for T in layers["length"]]
    assert set(layers["attention"]) == {1}


def test_reach_is_counted_in_positions():
    assert waiting.reach(waiting.convolutional, 100, 2) == 5
    assert waiting.reach(partial(waiting.dilated, dilations=(1, 4)), 100, 2) == 6
    assert waiting.reach(waiting.recurrent, 100, 1) == waiting.reach(waiting.attentive, 100, 1) == 100
    assert waiting.reach(waiting.convolutional, 3, 2) == 3  # no more than there are


def test_the_figure_of_the_convolutions_draws_every_reach():
    recorded = results.load("convolution")
    axes = convolution_chart.plot(recorded).axes[0]
    upright = {line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]}
    assert upright >= {curve["reach"] for curve in recorded["data"]["recall"]}
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert all(curve["median"] in drawn for curve in recorded["data"]["recall"])
    assert one_line(axes.get_title(loc="left")) in convolution_chart.alt_text(recorded)


# other-sequences


def test_the_law_of_the_thermometer_is_a_law():
    first, next_state, reading = sensor_log.law()
    for distribution in (first, *next_state, *reading):
        assert distribution.min() >= 0 and abs(distribution.sum().item() - 1) < 1e-12


def test_the_exact_prediction_is_that_of_all_paths_added_up():
    """Two readings, by brute force over all pairs of states; and the drawn logs have the surprisal that it expects."""
    first, next_state, reading = sensor_log.law()
    log = torch.tensor([[7, 8, 6]])
    together = torch.einsum("i,i,ij,j,jk->k", first, reading[:, 7], next_state, reading[:, 8], next_state) @ reading
    assert torch.allclose(sensor_log.next_reading(log)[0, 2], together / together.sum())
    logs = sensor_log.draw(2000, 40, torch.Generator().manual_seed(0))
    predicted = sensor_log.next_reading(logs)
    entropy = -(predicted * predicted.clamp_min(1e-300).log()).sum(dim=-1)  # (B, T)
    surplus = (sensor_log.surprisal(logs) - entropy).mean(dim=1)  # a sum of martingale differences: mean 0
    assert abs(surplus.mean() / (surplus.std() / len(surplus) ** 0.5)) < 5


def test_a_censored_patch_stands_last_and_nothing_is_lost():
    images = torch.arange(64).view(1, 8, 8)
    for patch, (row, column) in enumerate(other_sequences.PATCHES):
        tokens = other_sequences.censored_last(images, patch)[0]
        assert tokens[0] == other_sequences.LEVELS + patch and sorted(tokens[1:].tolist()) == list(range(64))
        assert tokens[-16:].tolist() == images[0, row : row + 4, column : column + 4].flatten().tolist()


def test_ngrams_of_the_baseline_do_not_reach_into_the_sequence_before():
    training = torch.tensor([[17, 1, 2], [17, 1, 2], [17, 3, 4]])
    costs = other_sequences.ngram_surprisal(3, training, training)
    k, V = other_sequences.ADD_K, other_sequences.VOCAB_SIZE
    first, second = -torch.log(torch.tensor([(2 + k) / (3 + V * k), (2 + k) / (2 + V * k)]))
    assert torch.allclose(costs[0], torch.stack([first, second]))
    assert other_sequences.ngram_surprisal(1, training, training).shape == (3, 2)


def test_the_machine_beats_counting_and_not_the_law():
    data = results.load("other-sequences")["data"]
    picture, log = data["digits"], data["sensor log"]
    assert max(picture["model"]) < min(picture["each place by itself"], *picture["n-grams"].values())
    assert max(log["model"]) < min(log["n-grams"].values())
    for model, error in zip(log["model"], log["excess_standard_error"], strict=True):
        assert model > log["exact"] - 5 * error


def test_the_figure_of_the_other_sequences_draws_every_cost_and_every_digit():
    recorded = results.load("other-sequences")
    bars, *pictures = digits_chart.plot(recorded).axes
    widths = {round(patch.get_width(), 4) for patch in bars.patches}
    numbers = recorded["numbers"]
    assert widths == {round(numbers[key], 4) for key in numbers if key in (
        "digits_model", "digits_places", "digits_ngram", "log_model", "log_ngram", "log_exact")}  # fmt: skip
    assert len(pictures) == 3 * len(recorded["data"]["digits"]["examples"])
    assert f"{numbers['log_exact']:.3f}" in digits_chart.alt_text(recorded)


# The ledger


def test_the_ledger_is_what_the_records_give():
    assert ledger.page(ledger.records()) == ledger.PAGE.read_text(encoding="utf-8"), "python -m experiments.ledger"
    assert ledger.main(["--check"]) == 0


def test_every_claim_has_its_card_with_everything_in_it():
    page = ledger.page(ledger.records())
    for recorded in ledger.records():
        card = ledger.card(recorded)
        assert card in page
        for said in (recorded.claim.sentence, recorded.claim.refuted_by, recorded.finding, recorded.command):
            assert said in card
        assert all(limit in card for limit in recorded.limits) and recorded.hardware.processor in card
        assert (
            all(figure.what[1:] in card and figure.of in card for figure in recorded.measured) and recorded.date in card
        )


def test_an_outdated_ledger_is_found_and_a_broken_record_is_named(tmp_path, capsys):
    page, folder = tmp_path / "ledger.md", tmp_path / "records"
    folder.mkdir()
    (folder / "recall.json").write_text(json.dumps(results.load("recall")))
    options = ["--folder", str(folder), "--page", str(page)]
    assert ledger.main([*options, "--check"]) == 1
    assert ledger.main(options) == 0 and ledger.main([*options, "--check"]) == 0
    page.write_text(page.read_text().replace("forgets", "remembers"))
    assert ledger.main([*options, "--check"]) == 1
    (folder / "recall.json").write_text("{}")
    assert ledger.main(options) == 1 and "recall.json" in capsys.readouterr().err


def test_figures_are_shown_with_their_spread_and_bound_and_grouped_by_what_they_measure():
    loss = {"what": "loss", "unit": "nats", "bound": 1.0, "bound_is": "exact"}
    measured = [
        record.Measured(of="RNN", value=1.234, low=1.2, high=1.3, **loss),
        record.Measured(of="LSTM", value=1.1, **loss),
        record.Measured(what="falls", value=None),
    ]
    assert ledger.figures(measured).splitlines() == [
        "- Loss; exact: 1.00",
        "  - RNN: **1.23 nats (1.20 to 1.30)**",
        "  - LSTM: **1.10 nats**",
        "- Falls: **never**",
    ]


def test_todays_readers_are_those_of_the_record():
    assert set(results.load("recall")["settings"]["laptop"]) == set(Settings.__dataclass_fields__)
