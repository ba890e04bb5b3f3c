"""The models that ship: a file gives back what was saved, and one that is not right is refused with a reason."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from layercake import checkpoints, village
from layercake.training import CheckpointError
from solutions.sft import add_lora
from solutions.transformer import GPT

SIZES = {"vocab_size": len(village.VOCABULARY), "context": 40, "d_model": 32, "n_layers": 2, "n_heads": 2}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(**SIZES)


@pytest.fixture
def file(model, tmp_path):
    return checkpoints.save(model, tmp_path / "small.safetensors", note="a test")


def rewritten(file, weights=None, **metadata):
    """The file with other weights or metadata."""
    said = {"format": checkpoints.FORMAT, "village": village.fingerprint(), "sizes": json.dumps(SIZES)}
    save_file(weights or load_file(file), file, metadata=said | metadata)
    return file


def test_what_is_loaded_is_what_was_saved_rounded_to_16_bits(model, file):
    loaded = checkpoints.load(file)
    assert not loaded.training
    assert loaded.output.weight is loaded.embedding.weight
    for name, weight in model.named_parameters():
        got = loaded.get_parameter(name)
        assert got.dtype == torch.float32
        assert torch.equal(got, weight.half().float())
    assert [path.name for path in file.parent.iterdir()] == ["small.safetensors"]


@pytest.mark.parametrize("name", ["village", "unheard_of"])
def test_a_missing_file_is_named_with_those_that_ship(name, monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match=rf"no model .*{name}\.safetensors.*ship: none"):
        checkpoints.load(name)


def test_a_file_that_is_cut_short_is_refused(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cut short or damaged"):
        checkpoints.load(file)


def test_a_file_of_another_kind_is_refused(file):
    save_file({"weight": torch.ones(2)}, file)
    with pytest.raises(CheckpointError, match="no model of this course"):
        checkpoints.load(file)


def test_another_edition_of_the_village_is_refused(file):
    with pytest.raises(CheckpointError, match=f"0000.*{village.fingerprint()}"):
        checkpoints.load(rewritten(file, village="0000"))


def test_weights_of_other_shapes_than_the_sizes_say_are_refused(file):
    with pytest.raises(CheckpointError, match="size mismatch"):
        checkpoints.load(rewritten(file, sizes=json.dumps(SIZES | {"d_model": 64})))
    with pytest.raises(CheckpointError, match=r"embedding\.weight"):
        checkpoints.load(rewritten(file, weights={"norm.weight": torch.ones(32)}))


def test_a_weight_that_16_bits_cannot_hold_is_refused_and_no_file_is_left(model, tmp_path):
    with torch.no_grad():
        model.norm.weight[3] = 1e6
    with pytest.raises(ValueError, match=r"norm\.weight: not finite"):
        checkpoints.save(model, tmp_path / "large.safetensors")
    assert list(tmp_path.iterdir()) == []


# Adapters


@pytest.fixture
def adapters(model, file, tmp_path, monkeypatch):
    """A file of adapters, trained on a model that ships, and the tuned model."""
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    tuned = add_lora(checkpoints.load("small"), 4)
    for name, weight in tuned.named_parameters():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(weight, std=0.1)
    return checkpoints.save_adapters(tuned, tmp_path / "tuned.safetensors", "small"), tuned


def test_adapters_are_merged_into_the_model_that_they_were_trained_on(adapters):
    file, tuned = adapters
    tokens = torch.arange(2, 30).view(2, 14)
    loaded, base = checkpoints.load("tuned"), checkpoints.load("small")
    expected = tuned(tokens)[0]
    torch.testing.assert_close(loaded(tokens)[0], expected, rtol=1e-2, atol=1e-2)
    assert (base(tokens)[0] - expected).abs().max() > 0.1
    assert [name for name, _ in loaded.named_parameters()] == [name for name, _ in base.named_parameters()]
    assert not loaded.training and all(weight.requires_grad for weight in loaded.parameters())
    assert {weight.dtype for weight in load_file(file).values()} == {torch.float16}


def test_adapters_know_the_numbers_of_their_base_whatever_is_said_beside_them(adapters, model):
    base = adapters[0].with_name("small.safetensors")
    before, digest = base.read_bytes(), checkpoints.digest("small")
    checkpoints.save(model, base, note="the same numbers, other words")
    assert base.read_bytes() != before and checkpoints.digest("small") == digest
    assert checkpoints.load("tuned").context == SIZES["context"]


def test_adapters_of_another_base_are_refused(adapters, model):
    torch.nn.init.zeros_(model.norm.weight[:3])
    checkpoints.save(model, adapters[0].with_name("small.safetensors"), note="trained longer")
    with pytest.raises(CheckpointError, match="tuned on another model 'small'"):
        checkpoints.load("tuned")


@pytest.mark.parametrize(("change", "said"), [("drop", "is not there"), ("add", "has no place")])
def test_adapters_that_are_not_those_of_the_model_are_refused(adapters, change, said):
    file, _ = adapters
    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
    weights = load_file(file)
    if change == "drop":
        weights.popitem()
    else:
        weights["blocks.9.lora_a"] = torch.ones(2)
    save_file(weights, file, metadata=metadata)
    with pytest.raises(CheckpointError, match=said):
        checkpoints.load("tuned")


def test_a_model_without_adapters_is_not_written_as_if_it_had_some(model, tmp_path):
    with pytest.raises(ValueError, match="no adapters"):
        checkpoints.save_adapters(model, tmp_path / "none.safetensors")
