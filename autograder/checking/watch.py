"""Whether a call leaves its arguments as they were: what a caller hands over stays the caller's.

A subject is wrapped, and each argument is compared before and after each call: tensors with their gradients, lists,
dicts and sets with all that is in them, modules with their weights, buffers, modes, hooks and attributes. What else
there is (functions, generators, iterators) is not looked into. What changes is told as the argument's place among the
arguments, or its keyword, and what of it changed.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes

Changes = set[tuple[str, str]]  # the argument, and what of it
TENSORS = (torch.Tensor, nn.Parameter)
PLAIN = {int, str, bytes, bool, type(None)}  # of which a long list is soon compared
MAX_DEPTH = 6


@contextmanager
def watched(subject: Any) -> Iterator[tuple[Any, Changes]]:
    """The same function or class, and what its calls change of their arguments, which is added as it happens.

    Of a class of modules, these are the calls of its constructor and of `forward`.
    """
    changes: Changes = set()
    if not isinstance(subject, type):
        yield _watched_call(subject, changes), changes
        return
    methods = ("__init__", "forward") if issubclass(subject, nn.Module) else ()
    own = {name: vars(subject)[name] for name in methods if name in vars(subject)}
    for name in methods:
        setattr(subject, name, _watched_call(getattr(subject, name), changes, skip=1))
    try:
        yield subject, changes
    finally:
        for name in methods:
            setattr(subject, name, own[name]) if name in own else delattr(subject, name)


def _watched_call(call: Callable, changes: Changes, skip: int = 0) -> Callable:
    """A function that calls another and compares its arguments, but for the first `skip` of them."""

    @functools.wraps(call)
    def watching(*args, **more):
        given = {str(place): value for place, value in enumerate(args[skip:])} | more
        before = {place: _state(value) for place, value in given.items()}

        def compare() -> None:
            for place, value in given.items():
                changes.update((place, what) for what in _changed(before[place], _state(value)))

        try:
            result = call(*args, **more)
        except BaseException:
            compare()
            raise
        if inspect.isgenerator(result):
            return _compared_at_the_end(result, compare)
        compare()
        return result

    return watching


def _compared_at_the_end(results: Iterator, compare: Callable[[], None]) -> Iterator:
    try:
        yield from results
    finally:
        compare()


def _state(value: Any, depth: int = 0) -> Any:
    """All of a value that a call could change, as data: what of it -> a copy."""
    if depth > MAX_DEPTH:
        return {}
    if type(value) in TENSORS:
        with _disable_current_modes(), torch.no_grad():
            own = {"its values": _copy(value), "its gradient": value.grad is not None and _copy(value.grad)}
        return own | {"whether it asks for a gradient": value.requires_grad}
    if isinstance(value, np.ndarray):
        return {"its values": torch.as_tensor(value.copy()) if value.dtype.kind in "biuf" else value.tolist()}
    if isinstance(value, nn.Module):
        return _state_of_module(value, depth)
    if isinstance(value, Mapping):
        return {"its entries": [(key, _state(item, depth + 1)) for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        if set(map(type, value)) <= PLAIN:
            return {"its entries": list(value)}
        return {"its entries": [(id(item), _state(item, depth + 1)) for item in value]}
    if isinstance(value, set):
        return {"its entries": sorted(map(repr, value))}
    return {"its value": value} if isinstance(value, (str, int, float, bytes, type(None))) else {}


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().as_subclass(torch.Tensor).clone()


def _state_of_module(module: nn.Module, depth: int) -> dict[str, Any]:
    parts = list(module.named_modules())
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    states = {name: _state(tensor, depth + 1) for name, tensor in tensors.items()}
    hooks = "_forward_hooks", "_forward_pre_hooks", "_backward_hooks"
    return {
        "its weights": [(name, state["its values"]) for name, state in states.items()],
        "its gradients": [(name, state["its gradient"]) for name, state in states.items()],
        "which weights ask for a gradient": [
            (name, state["whether it asks for a gradient"]) for name, state in states.items()
        ],
        "its mode": [(name, part.training) for name, part in parts],
        "its hooks": [(name, len(getattr(part, hook))) for name, part in parts for hook in hooks],
        "its attributes": [
            (name, key, _short(value))
            for name, part in parts
            for key, value in vars(part).items()
            if not key.startswith("_") and key != "training"
        ]
        + [(name, key, id(inner)) for name, part in parts for key, inner in part._modules.items()],
    }


def _short(value: Any) -> Any:
    """What stands for an attribute: its value where it is a simple one, or else which object it is."""
    return value if isinstance(value, (bool, int, float, str, type(None))) else id(value)


def _changed(before: Any, after: Any) -> list[str]:
    """What of an argument is other than before."""
    return [what for what in before if not _same(before[what], after.get(what))]


def plainly_same(first: Sequence, second: Sequence) -> bool:
    """Whether two lists hold the same whole numbers, texts and the like: soon known, also where they are long."""
    kinds = list(map(type, first))
    return set(kinds) <= PLAIN and list(map(type, second)) == kinds and first == second


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        if (first.shape, first.dtype, first.device) != (second.shape, second.dtype, second.device):
            return False
        if first.is_meta:  # without values
            return True
        with _disable_current_modes():
            return torch.equal(first, second) or bool(
                ((first == second) | ((first != first) & (second != second))).all()
            )
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        if plainly_same(first, second):
            return True
        return len(first) == len(second) and all(map(_same, first, second))
    return type(first) is type(second) and (first == second or first != first)
