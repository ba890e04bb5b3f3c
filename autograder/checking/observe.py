"""Making observations: a check is run on a subject, and what it saw becomes plain data.

An observation is a tree of dicts, lists, strings, numbers, booleans, None and tensors, and nothing else, so it
travels as JSON and safetensors. What a check raises is an observation too.
"""

import functools
import hashlib
import inspect
import json
import linecache
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import CodeType
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from autograder.checking.cells import sound
from autograder.checking.topic import Check
from autograder.checking.watch import watched

MAX_ELEMENTS = 1_000_000  # of one observation: checks are small; more than this is an attack or an accident
MAX_DEPTH = 20
MAX_BITS = 64  # of a whole number


class BadObservation(ValueError):
    """What a check saw is no plain data, or too much of it."""


@dataclass(frozen=True)
class Raised:
    """An exception that a check met: its type, its message, and the learner's line that raised it."""

    type: str
    message: str
    line: str = ""


@dataclass(frozen=True)
class Observation:
    """What one check saw: a value, or what was raised."""

    value: Any = None
    raised: Raised | None = None
    changed: tuple[tuple[str, str], ...] = ()  # the arguments that a call changed, and what of them: see `watch`


def is_incomplete(observation: Observation) -> bool:
    """Whether it met a blank, or a name that is not defined yet: a later observation of the same check counts."""
    return observation.raised is not None and observation.raised.type in ("NotImplementedError", "NameError")


def seeded(seed: int, *labels: str) -> int:
    """A seed for one purpose, derived from another seed: 63 bits of a hash, the same on every machine."""
    digest = hashlib.sha256("/".join([str(seed), *labels]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def parameters(subject: Any) -> list[str]:
    """The names of the parameters of a function or class, without `*args` and `**more`; none where it does not tell."""
    try:
        own = inspect.signature(subject).parameters.values()
    except (TypeError, ValueError):
        return []
    return [one.name for one in own if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]


def code_of(subject: Any) -> Iterator[CodeType]:
    """The code of a function, or of a class's methods, with what is defined inside it."""
    for part in vars(subject).values() if isinstance(subject, type) else [subject]:
        todo = [code] if (code := getattr(inspect.unwrap(part), "__code__", None)) else []
        while todo:
            code = todo.pop()
            yield code
            todo += [inner for inner in code.co_consts if isinstance(inner, CodeType)]


def named(subject: Any, names: list[str]) -> Any:
    """A learner's function, to be called by the names of its parameters that the exercise gave; they may be renamed."""
    own = parameters(subject)
    if isinstance(subject, type) or len(own) != len(names) or set(names) <= set(own):
        return subject
    renamed = {name: mine for name, mine in zip(names, own) if name not in own}

    @functools.wraps(subject)
    def call(*args, **more):
        return subject(*args, **{renamed.get(name, name): value for name, value in more.items()})

    return call


def observe(check: Check, subject: Any, seed: int, rehearsed: bool = False) -> Observation:
    """Run a check on a subject, on inputs that depend on the seed and on nothing else.

    With `rehearsed` the check has been run once on other inputs of the same kind before, of which nothing is kept: what
    a subject remembers of an earlier call, shows. Not so a check of shares, which draws thousands of times as it is,
    and has a judge of its own. PyTorch's global settings are set for the check and put back after it, so that what a
    learner did with them earlier changes nothing.
    """
    seed = seeded(seed, check.name)
    if rehearsed and check.judge is None:
        observe(check, subject, seed)
    try:
        with _settings_of_a_check(seed), watched(subject) as (subject, changes):
            value = plain(check.observe(subject, torch.Generator().manual_seed(seed)))
            return Observation(value, changed=tuple(sorted(changes)))
    except Exception as error:
        return Observation(raised=Raised(type(error).__name__, str(error)[:500], _learners_line(error)))


@contextmanager
def _settings_of_a_check(seed: int) -> Iterator[None]:
    """A known generator, float32 on the CPU, gradients on, no warning an error, and all digits of a number.

    oneDNN multiplies in bfloat16 after `torch.set_float32_matmul_precision("medium")`, with errors of 0.05 in a small
    product; and `torch.set_flush_denormal(True)` makes zeros of the smallest numbers.
    """
    dtype, onednn = torch.get_default_dtype(), torch.backends.mkldnn.enabled
    flushes = not torch.tensor(1e-40, dtype=torch.float32, device="cpu").mul(1).item()  # no function tells
    is_on_cpu = torch.get_default_device() == torch.device("cpu")
    with (
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.enable_grad(),
        nullcontext() if is_on_cpu else torch.device("cpu"),  # which looks at each call to PyTorch
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            torch.default_generator.manual_seed(seed)
            torch.set_default_dtype(torch.float32)
            torch.backends.mkldnn.enabled = False
            torch.set_flush_denormal(False)
            yield
        finally:
            torch.set_flush_denormal(flushes)
            torch.set_default_dtype(dtype)
            torch.backends.mkldnn.enabled = onednn


def _learners_line(error: BaseException) -> str:
    """The last line of the traceback that a learner wrote: one in a notebook cell."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel" in frame.filename or frame.filename.startswith("<"):
            return (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return ""


def plain(value: Any, depth: int = 0) -> Any:
    """The same value as plain data: tensors detached, on the CPU, of the base class. Raises BadObservation."""
    if depth > MAX_DEPTH:
        raise BadObservation(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):  # NumPy's too
        return str(value)
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        tensor = torch.as_tensor(value).detach().cpu().as_subclass(torch.Tensor).contiguous().clone()
        if tensor.numel() > MAX_ELEMENTS:
            raise BadObservation(f"a tensor of {tensor.numel():,} elements")
        return tensor
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return _short(kind(value))
    return None if value is None else f"<{type(value).__name__}>"


def _short(value: Any) -> Any:
    """The same value. Raises BadObservation for a whole number with more digits than anybody would count."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise BadObservation(f"a whole number of {value.bit_length():,} bits")
    return value


def pack(observation: Observation) -> tuple[bytes, bytes]:
    """An observation as JSON and safetensors."""
    tensors: dict[str, torch.Tensor] = {}

    def encode(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            tensors[str(len(tensors))] = value
            return {"tensor": str(len(tensors) - 1)}
        if isinstance(value, dict):
            return {"dict": {key: encode(item) for key, item in value.items()}}
        if isinstance(value, list):
            return [encode(item) for item in value]
        return value

    tree = {
        "value": encode(observation.value),
        "raised": observation.raised and vars(observation.raised),
        "changed": observation.changed,
    }
    return json.dumps(tree).encode(), save_tensors(tensors)


def unpack(tree: bytes, blob: bytes) -> Observation:
    """The observation that `pack` packed. Raises BadObservation where the bytes say anything else."""
    try:
        tensors, tree = load_tensors(blob), json.loads(tree)

        def decode(value: Any, depth: int = 0) -> Any:
            if depth > MAX_DEPTH:
                raise BadObservation(f"nested deeper than {MAX_DEPTH}")
            if isinstance(value, list):
                return [decode(item, depth + 1) for item in value]
            if isinstance(value, dict):
                ((kind, content),) = value.items()
                if kind == "tensor":
                    return tensors[content]
                return {str(key): decode(item, depth + 1) for key, item in content.items()}
            return _short(value)

        said = tree["raised"]
        raised = said and Raised(*(sound(str(said[key])[:500]) for key in ("type", "message", "line")))
        changed = tuple((sound(str(place)[:100]), sound(str(what)[:100])) for place, what in tree["changed"][:100])
        return Observation(decode(tree["value"]), raised or None, changed)
    except BadObservation:
        raise
    except Exception as error:  # anything may come out of the room where a submission runs
        raise BadObservation(f"not an observation: {type(error).__name__}") from None
