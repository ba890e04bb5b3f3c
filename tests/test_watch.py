"""Proves that a call that changes its arguments loses points, once, and is told which; and that others lose none."""

from collections import Counter, defaultdict
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from autograder.checking import soundness
from autograder.checking.judge import MEDDLES
from autograder.checking.topic import load, topics
from autograder.checking.watch import watched

torch.set_num_threads(1)


def changes_of(call, *arguments, **more):
    with watched(call) as (subject, changes):
        subject(*arguments, **more)
    return changes


def a_model():
    return nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))


@pytest.mark.parametrize(
    ("argument", "call", "what"),
    [
        (torch.ones(3), lambda x: x.add_(1), "its values"),
        (torch.ones(3), lambda x: x.data.mul_(2), "its values"),
        (torch.ones(3), lambda x: x.resize_(2), "its values"),
        (torch.ones(3), lambda x: x.requires_grad_(), "whether it asks for a gradient"),
        (torch.ones(3, requires_grad=True), lambda x: x.sum().backward(), "its gradient"),
        (np.ones(3), lambda x: np.add(x, 1, out=x), "its values"),
        ([1, [2, 3]], lambda x: x[1].append(4), "its entries"),
        ([torch.ones(2)], lambda x: x[0].zero_(), "its entries"),
        ([3, 1, 2], lambda x: x.sort(), "its entries"),
        ({"a": [1]}, lambda x: x.update(b=2), "its entries"),
        (defaultdict(Counter), lambda x: x["never seen"], "its entries"),
        ({1, 2}, lambda x: x.pop(), "its entries"),
        (a_model(), lambda x: x.eval(), "its mode"),
        (a_model(), lambda x: nn.init.zeros_(x[0].weight), "its weights"),
        (a_model(), lambda x: x(torch.ones(2)).sum().backward(), "its gradients"),
        (a_model(), lambda x: x.requires_grad_(False), "which weights ask for a gradient"),
        (a_model(), lambda x: x.register_forward_hook(print), "its hooks"),
        (a_model(), lambda x: setattr(x, "forward", None), "its attributes"),
        (a_model(), lambda x: x.append(nn.ReLU()), "its attributes"),
    ],
)
def test_each_change_is_seen(argument, call, what):
    assert ("0", what) in changes_of(call, argument)


@pytest.mark.parametrize(
    "argument", [torch.tensor([1.0, float("nan")]), [1, (2, 3)], {"a": {"b": {1}}}, a_model(), None, "text", iter([1])]
)
def test_what_is_only_read_is_unchanged(argument):
    assert changes_of(repr, argument) == set()


def test_an_argument_by_keyword_has_its_name_and_an_iterator_is_not_consumed():
    def call(x, *, others):
        others.append(list(x))

    assert changes_of(call, iter([1, 2]), others=(others := [])) == {("others", "its entries")}
    assert others == [[1, 2]]


def test_a_generator_is_compared_at_its_end():
    def call(x):
        yield 1
        x.append(2)

    with watched(call) as (subject, changes):
        results = subject([1])
        assert next(results) == 1 and not changes
        assert list(results) == [] and changes == {("0", "its entries")}


def test_a_class_is_watched_in_its_constructor_and_forward_and_is_itself_afterwards():
    class Doubles(nn.Module):
        def __init__(self, sizes):
            super().__init__()
            sizes.append(1)

        def forward(self, x):
            return x.mul_(2)

    before = Doubles.forward
    with watched(Doubles) as (subject, changes):
        assert subject is Doubles
        subject([1])(torch.ones(2))
    assert changes == {("0", "its entries"), ("0", "its values")} and Doubles.forward is before


def spoil(arguments, spoilt):
    """Change all that is a tensor, a list or a dict, and note it."""
    for argument in {id(argument): argument for argument in arguments}.values():
        if isinstance(argument, torch.Tensor) and argument.numel() and not argument.requires_grad:
            argument.neg_() if argument.dtype != torch.bool else argument.logical_not_()
        elif isinstance(argument, list) and argument:
            argument.append(argument[-1])
        elif isinstance(argument, dict):
            argument["spoilt"] = Counter()
        else:
            continue
        spoilt.append(argument)


def spoiling(reference, spoilt):
    """The reference, which spoils its arguments after it has answered."""

    def answer(call, *given, **more):
        result = call(*given, **more)
        spoil(given, spoilt)
        return result

    if not isinstance(reference, type):
        return partial(answer, reference)

    class Spoils(reference):
        def forward(self, *given, **more):
            return answer(super().forward, *given, **more)

    return Spoils


@pytest.mark.parametrize(("topic", "name"), [(topic, name) for topic in topics() for name in load(topic).order])
def test_a_right_answer_that_changes_what_it_is_given_loses_points_and_is_told_which(topic, name):
    bank, spoilt = load(topic), []
    seen = soundness.judged(bank, name, spoiling(bank.reference(name), spoilt))
    fined = [check for check in seen.checks if check.reason == MEDDLES]
    assert (seen.earned < seen.points) == bool(spoilt)
    assert len(fined) <= 1 and all("It changed its" in check.detail and "`" in check.detail for check in fined)
