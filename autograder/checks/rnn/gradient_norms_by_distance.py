"""`gradient_norms_by_distance`: cells whose factor is known, distances counted from the last state, and a measurement
that leaves nothing behind.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import normal
from autograder.checks.rnn.shared import seeded

exercise = Exercise("gradient_norms_by_distance")


def rotation(rng: torch.Generator, size: int) -> Tensor:
    """A random orthogonal matrix: it turns a vector and keeps its length."""
    return torch.linalg.qr(normal(rng, size, size)).Q


def weighted_sum(rng: torch.Generator, *shape: int) -> Callable[[Tensor], Tensor]:
    weights = normal(rng, *shape)
    return lambda h: (weights * h).sum()


def norms(
    cell: Callable,
    x: Tensor,
    state: Tensor,
    loss_fn: Callable[[Tensor], Tensor],
    total: Callable = lambda loss_fn, states: loss_fn(states[-1]),
    size: Callable[[Tensor], Tensor] = lambda gradients: gradients.norm(dim=-1),
    carry: Callable[[Tensor], Tensor] = lambda h: h,
) -> Tensor:
    """The norms with their parts to choose, so that one of them can be wrong."""
    states = [state.detach().clone().requires_grad_()]
    for x_t in x.unbind(1):
        states.append(cell(x_t, carry(states[-1])))
    found = torch.autograd.grad(total(loss_fn, states), states[::-1], allow_unused=True, materialize_grads=True)
    return size(torch.stack(found, dim=1))


@exercise.check(points=0.25)
def known_factors(gradient_norms_by_distance, rng):
    """A cell that turns the state and multiplies its length by a half, by one or by two does so to the gradient."""
    turn, x, h = rotation(rng, 5), normal(rng, 3, 6, 5), normal(rng, 3, 5)
    return {
        f"the norms at factor {factor:g}": gradient_norms_by_distance(
            lambda x, h, factor=factor: factor * h @ turn + x, x, h, weighted_sum(rng, 3, 5)
        )
        for factor in (0.5, 1.0, 2.0)
    }


@exercise.check(points=0.25, invariant=True)
def what_was_read_before_does_not_count(gradient_norms_by_distance, rng):
    """One more word at the beginning adds one distance, and leaves the norms at all others as they were."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    loss_fn = weighted_sum(rng, 3, 5)
    whole = gradient_norms_by_distance(cell, x, h, loss_fn)
    rest = gradient_norms_by_distance(cell, x[:, 1:], cell(x[:, 0], h), loss_fn)
    return {"before": rest, "after": whole[:, :6], "must differ": [whole[:, 5], whole[:, 6]]}


@exercise.check(points=0.25)
def norms_of_a_gated_cell(gradient_norms_by_distance, rng):
    """Each text has its own norms, from distance 0 to T; the loss, of any form, is that of the last state alone."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    targets = torch.randint(5, (3,), generator=rng)
    return gradient_norms_by_distance(cell, x, h, lambda h: F.cross_entropy(3 * h, targets))


@exercise.check(points=0.25)
def it_only_measures(gradient_norms_by_distance, rng):
    """Afterwards no weight has a gradient that it did not have before, and the first state is what it was."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    loss_fn, leaf = weighted_sum(rng, 3, 5), h.clone().requires_grad_()
    seen = [gradient_norms_by_distance(cell, x, state, loss_fn) for state in (h, leaf)]
    return {
        "the norms": seen,
        "weights with a gradient": [name for name, weight in cell.named_parameters() if weight.grad is not None],
        "the state's gradient": [h.grad, leaf.grad],
        "the state asks for a gradient": [h.requires_grad, leaf.requires_grad],
    }


@exercise.mistake(
    hint="Your first column belongs to the state at the beginning. Which state is at distance 0 from the loss?"
)
def counts_from_the_beginning(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn).flip(1)


@exercise.mistake(hint="You add up a loss for every state. Which one state does `loss_fn` get?")
def adds_up_the_losses_of_all_states(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, total=lambda loss_fn, states: sum(map(loss_fn, states[1:])))


@exercise.mistake(
    hint="You take one norm over the whole batch. Over which axis of a gradient (B, d_state) do you sum the squares?"
)
def one_norm_for_all_texts(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, size=lambda gradients: gradients.norm(dim=(0, 2)))


@exercise.mistake(hint="Your norms are squared. What is missing after the sum of squares?")
def squares(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, size=lambda gradients: gradients.square().sum(-1))


@exercise.mistake(hint="You add up absolute values. How long is the vector (3, 4)?")
def adds_up_absolute_values(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, size=lambda gradients: gradients.abs().sum(-1))


@exercise.mistake(
    hint="Beyond the last state your norms are zero. Do you cut the state off from its history as you hand it on?"
)
def cuts_the_chain(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, carry=lambda h: h.detach().requires_grad_())


@exercise.mistake(
    hint="One distance is missing. Is the state with which the text begins among those that you ask about?"
)
def leaves_out_the_first_state(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn)[:, :-1]


@exercise.mistake(
    hint="`backward` leaves a gradient in every weight, where the next training step finds it. Which function of "
    "`torch.autograd` hands the gradients to you instead?"
)
def leaves_gradients_behind(cell, x, state, loss_fn):
    states = [state.clone().requires_grad_()]
    states[0].retain_grad()
    for x_t in x.unbind(1):
        states.append(cell(x_t, states[-1]))
        states[-1].retain_grad()
    loss_fn(states[-1]).backward()
    return torch.stack([h.grad for h in states[::-1]], dim=1).norm(dim=-1)
