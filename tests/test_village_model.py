"""Proves that the model that ships is the one that its record and its card describe, and that its training resumes.

The file is held against new documents that the record does not know; the rows it learned from, and the two optimisers
that taught it, against what its script says of them.
"""

import json
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from experiments import record, village_model
from layercake import checkpoints, results, village
from layercake.labs import judging
from layercake.training import count_parameters
from solutions.transformer import GPT

ROOT = Path(__file__).parents[1]
SIZES = {"d_model": 32, "n_layers": 1, "n_heads": 1, "row": 96, "batch_size": 3, "steps": 8, "apart_until": 0.5}
TINY = replace(village_model.Settings(), **SIZES)
FILE = checkpoints.FOLDER / "village.safetensors"


@pytest.fixture(scope="module")
def recorded():
    return results.load("village-model")


@pytest.fixture(scope="module")
def model():
    return checkpoints.load("village")


# Learning


def documents_of(row: torch.Tensor) -> list[tuple[int, ...]]:
    """The whole documents of a row, without the one that is cut off."""
    ends = (row == village.END).nonzero().flatten().tolist()
    return [tuple(row[start + 1 : stop + 1].tolist()) for start, stop in pairwise(ends)]


def test_every_row_begins_with_a_document_and_no_document_comes_twice():
    rows, met = village_model.Rows(TINY, seed=5), []
    for _ in range(TINY.steps):
        inputs, targets = rows.batch()
        assert inputs.shape == targets.shape == (TINY.batch_size, TINY.row)
        assert torch.equal(inputs[:, 1:], targets[:, :-1]) and (inputs[:, 0] == village.END).all()
        met += [document for row in inputs for document in documents_of(row)]
    long = [document for document in met if len(document) > 40]  # small sums do come twice
    assert len(long) > 5 and len(set(long)) == len(long)


def headings(kinds: tuple[str, ...]) -> set[int]:
    """The tokens that documents of these kinds begin with."""
    return {document.tokens[0] for document in islice(village.documents(0, kinds=kinds), 50)}


@pytest.mark.parametrize(
    ("apart", "n_rows", "every"), [(("sum",), 1, 2), (("story", "play"), 2, 1)], ids=["first stage", "second stage"]
)
def test_in_the_first_part_some_rows_hold_nothing_but_what_is_practised(apart, n_rows, every):
    settings = replace(TINY, apart=apart, apart_rows=n_rows, apart_every=every)
    assert [stage.apart_every for stage in village_model.STAGES] == [2, 1]
    rows, practised = village_model.Rows(settings, seed=5), []
    for _ in range(settings.steps):
        inputs, _ = rows.batch()
        starts = [{row[i + 1].item() for i in (row[:-1] == village.END).nonzero()} for row in inputs]
        practised.append([begun <= headings(apart) for begun in starts])
    assert all(all(batch[:n_rows]) for batch in practised[:4:every])
    assert not all(all(batch) for batch in practised[4:])


def test_training_resumes_to_the_same_weights_with_the_state_of_both_optimisers(tmp_path):
    whole, stopped, resumed = (village_model.untrained(TINY, 0) for _ in range(3))
    history = village_model.learn(whole, TINY, 0, tmp_path / "whole", compiled=False)
    village_model.learn(stopped, TINY, 0, tmp_path / "parts", compiled=False, stop_after=5)
    again = village_model.learn(resumed, TINY, 0, tmp_path / "parts", compiled=False)
    assert again.loss == history.loss and again.second == history.second
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    with safe_open(tmp_path / "parts" / "village-model-seed0.safetensors", framework="pt") as file:
        kept = set(file.keys())
    assert "optimiser.momentum_buffer.blocks.0.attention.w_query.weight" in kept
    assert "optimiser.exp_avg.embedding.weight" in kept and "optimiser.exp_avg.norm.weight" in kept


def test_each_weight_is_learned_by_one_of_the_two_optimisers():
    model = GPT(len(village.VOCABULARY), 64, 32, 2, 1)
    both = village_model.MuonAndAdamW(model, TINY)
    of_muon, of_adamw = (
        {name for name, w in model.named_parameters() for group in part.param_groups for p in group["params"] if p is w}
        for part in both.parts
    )
    assert of_muon | of_adamw == dict(model.named_parameters()).keys() and not of_muon & of_adamw
    assert all(name.startswith("blocks.") and "norm" not in name for name in of_muon)


def test_the_script_runs_small_and_writes_model_card_and_record(tmp_path, run_small):
    before = FILE.read_bytes()
    run_small(village_model, tmp_path)
    result = record.Record.model_validate(results.load("village-model", tmp_path))
    assert "--smoke" in result.command
    assert count_parameters(checkpoints.load(tmp_path / "village.safetensors")) == result.numbers["parameters"]
    assert f"{result.numbers['parameters']:,} parameters" in (tmp_path / "village.md").read_text()
    assert FILE.read_bytes() == before


def test_a_smoke_run_refuses_to_overwrite_what_ships(check_refusal):
    check_refusal(village_model)


# What ships


def test_it_is_small(model):
    assert FILE.stat().st_size < 8e6 and count_parameters(model) <= 3e6
    assert sum(path.stat().st_size for path in checkpoints.FOLDER.iterdir()) < 20e6
    with safe_open(FILE, framework="pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}  # noqa: SIM118


def test_it_is_the_model_of_its_record(model, recorded):
    assert recorded["settings"]["village"] == village.fingerprint()
    for stage, said in zip(village_model.STAGES, village_model.stages(recorded), strict=True):
        assert json.loads(json.dumps(vars(stage))).items() <= said.items()
    assert recorded["numbers"]["parameters"] == count_parameters(model)
    assert recorded["numbers"]["bytes"] == FILE.stat().st_size
    assert recorded["numbers"]["tokens"] == village_model.tokens_of(village_model.STAGES)


def test_card_finding_and_figures_are_what_the_data_give(recorded):
    data = recorded["data"]
    assert recorded["claim"] == village_model.CLAIM and recorded["limits"] == village_model.LIMITS
    assert recorded["finding"] == village_model.finding(data)
    assert recorded["measured"] == json.loads(json.dumps(village_model.measured(data)))
    assert FILE.with_suffix(".md").read_text() == village_model.card(recorded, FILE.stat().st_size)


def test_new_documents_cost_it_what_the_record_says(model, recorded):
    """On documents that the record was not made on, the gap lies where the spread over documents allows."""
    documents = list(islice(village.documents(11, "validation"), 120))
    losses = judging.token_losses(model, [document.tokens for document in documents])
    above = np.array([(loss - village.surprisal(document)).sum() for loss, document in zip(losses, documents)])
    lengths = np.array([len(document.tokens) for document in documents])
    gap, said = above.sum() / lengths.sum(), recorded["data"]["gaps"]["all"]
    spread = np.std(above - gap * lengths) * len(documents) ** 0.5 / lengths.sum()
    assert abs(gap - said["gap"]) < 6 * spread + (said["high"] - said["low"])


def test_it_reads_and_writes_the_village(model):
    """What the later topics start from: the recorded share of facts, and new sums worked now."""
    able = results.load("village-model")["data"]
    assert able["abilities"]["knows the fact that is asked for"]["share"] > 0.9
    some = list(islice(village.documents(12, "validation", kinds="sum"), 20))
    right = village_model.sums_right(model, some)
    assert sum(its["share"] * its["of"] for its in right.values()) / len(some) > 0.75


def test_a_sum_is_right_where_its_number_is_whatever_the_steps():
    def tokens(words: str) -> list[int]:
        return [village.VOCABULARY.index(word) for word in words.split()]

    direct, column = "answer : 4 1 .", "7 plus 4 and 0 is 1 1 : write 1 , carry 1 ."
    assert village_model.answer(tokens(direct)) == village_model.answer(tokens(f"{column} {direct}")) == 41
    assert village_model.answer(tokens("answer : 4 1")) is None  # broken off
    assert village_model.answer(tokens(column)) is None
