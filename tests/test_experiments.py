"""Proves that the experiments run from start to end, and that what is recorded says all that a reader must know.

Each experiment is run at its smallest size into a folder of the test; the recorded files are held against the same list
of fields, and the numbers that the book quotes are recomputed from the recorded data.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from layercake import recall, results

ROOT = Path(__file__).parents[1]


def in_full(result: dict) -> None:
    assert all(result[field] not in (None, "", [], {}) for field in results.FIELDS)
    assert all(result["claim"][key] for key in ("id", "sentence", "refuted_by"))
    assert all(result["hardware"][key] for key in ("processor", "cores", "threads", "memory_gib", "accelerator"))
    assert all(result["versions"][key] for key in ("python", "torch"))
    assert result["spread"] and result["seconds"] > 0 and result["command"].startswith("python -m experiments.")


@pytest.mark.parametrize("name", ["recall", "waiting"])
def test_the_experiment_runs_small_and_records_everything(name, tmp_path):
    command = [sys.executable, "-m", f"experiments.{name}", "--smoke", "--folder", str(tmp_path)]
    command += ["--seeds", "1"] if name == "recall" else []
    before = {file: file.read_bytes() for file in results.FOLDER.glob("*.json")}
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    result = results.load(name, tmp_path)
    in_full(result)
    assert "--smoke" in result["command"]
    assert {file: file.read_bytes() for file in results.FOLDER.glob("*.json")} == before


@pytest.mark.parametrize("name", ["recall", "waiting"])
def test_a_smoke_run_refuses_to_overwrite_the_record(name):
    ran = subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", "--smoke"], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 2 and "--folder" in ran.stderr


@pytest.mark.parametrize("name", ["recall", "waiting"])
def test_what_is_recorded_says_everything_and_was_no_smoke_run(name):
    in_full(results.load(name))
    assert "--smoke" not in results.load(name)["command"]


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_the_recorded_band_is_that_of_its_seeds_and_of_todays_settings(scale):
    record = results.load("recall")
    assert len(record["seeds"]) >= 3
    assert record["settings"][scale] == json.loads(json.dumps(vars(recall.SCALES[scale])))
    data, models = record["data"][scale], {}
    for name in recall.READERS:
        curve = data[name]
        assert curve["distance"] == [2 * back + 1 for back in range(recall.SCALES[scale].n_pairs)]
        assert len(curve["accuracy"]) == len(record["seeds"])
        for values, median, low, high in zip(
            zip(*curve["accuracy"]), curve["median"], curve["low"], curve["high"], strict=True
        ):
            assert (median, low, high) == (statistics.median(values), min(values), max(values))
        models[name] = curve["parameters"]
    assert max(models.values()) / min(models.values()) < 1.05


def test_the_record_carries_its_claim():
    """Every sentence of the claim, against the data: the GRU falls from its nearest to chance, attention does not."""
    data = results.load("recall")["data"]["laptop"]
    gru, far = data["GRU"], len(data["GRU"]["median"]) // 2
    assert min(gru["high"][0] - value for value in gru["high"][far:]) > 0.3
    assert statistics.mean(gru["median"][far:]) < data["chance"] + 0.1
    assert min(data["GRU + attention"]["low"]) > 0.95 and min(data["attention"]["low"]) > 0.95


def test_the_chain_of_waiting_is_exact():
    record = results.load("waiting")["data"]
    depth, lengths = record["sequential_depth"], record["length"]
    assert depth["GRU"] == lengths and depth["GRU + attention"] == [length + 1 for length in lengths]
    assert set(depth["attention"]) == {recall.SCALES["laptop"].n_layers}
