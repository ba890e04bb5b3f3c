"""What several topics share: random inputs, gradients, how a call ends, wrong ways made from a right one."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise

DRAWS = 4000  # of each distribution that is judged by its shares


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng)


def apart(tensor: Tensor) -> Tensor:
    """The same numbers, which do not lie in memory in one row: between any two of them is another."""
    return torch.stack([tensor, torch.zeros_like(tensor)], dim=-1)[..., 0]


def gradients(result: Tensor, inputs: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor | None]:
    """The gradient of a random sum of the results, for each input; None where it is cut off."""
    total = (result * normal(rng, *result.shape)).sum()
    if total.requires_grad:
        total.backward()
    return {f"the gradient of {name}": tensor.grad for name, tensor in inputs.items()}


def another_generator(rng: torch.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(torch.randint(2**40, (), generator=rng)))


def ending(call: Callable[[], object]) -> str:
    """How a call ends: the name of the exception, or of what it is a kind of, or "a result"."""
    try:
        call()
    except NotImplementedError:
        raise  # nothing is written yet
    except ValueError:
        return "ValueError"
    except Exception as error:
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
    return "a result"


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the name of the exception that ends it."""
    results: list[Any] = []
    end = ending(lambda: results.append(call()))
    return results[0] if results else end


def mistake(hint: str, **parts: Any) -> tuple[str, dict[str, Any]]:
    """A wrong way to work: the question that leads away from it, and the parts in which it is other than the right."""
    return hint, parts


def mistakes(exercise: Exercise, right: type, **ways: tuple[str, dict[str, Any]]) -> None:
    """Register the known mistakes of an exercise: each is the right way, a class, with some parts overridden."""
    for name, (hint, parts) in ways.items():
        wrong = type(name, (right,), parts)
        exercise.mistake(hint=hint)(wrong if issubclass(wrong, nn.Module) else called(wrong))


def called(way: type) -> Callable:
    """A function, of the name of the class, that calls a new object of it."""

    def function(*args, **more):
        return way()(*args, **more)

    function.__name__ = way.__name__
    return function


def weights_of(model: nn.Module) -> Tensor:
    """All weights in one row."""
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def as_tensors(values: Iterable[Any]) -> list[Tensor]:
    return [torch.as_tensor(value).detach() for value in values]


def likeliest(logits: Tensor) -> Tensor:
    return logits.argmax(dim=-1)


def tokens_of(rng: torch.Generator, vocab_size: int, B: int = 2, T: int = 7) -> Tensor:
    """A text in which each token stands at most once."""
    return torch.stack([torch.randperm(vocab_size, generator=rng)[:T] for _ in range(B)])
