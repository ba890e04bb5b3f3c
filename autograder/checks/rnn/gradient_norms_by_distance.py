"""`gradient_norms_by_distance`: cells whose factor is known, distances counted from the last state, and a measurement
that leaves nothing behind.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal
from autograder.checks.rnn.shared import seeded

exercise = Exercise("gradient_norms_by_distance")


def rotation(rng: torch.Generator, size: int) -> Tensor:
    """A random orthogonal matrix: it turns a vector and keeps its length."""
    return torch.linalg.qr(normal(rng, size, size)).Q


def weighted_sum(rng: torch.Generator, *shape: int) -> Callable[[Tensor], Tensor]:
    weights = normal(rng, *shape)
    return lambda h: (weights * h).sum()


class Measure:
    """The measurement, with its parts to override, so that one of them can be wrong."""

    def first(self, state: Tensor) -> Tensor:
        return state.detach().clone().requires_grad_()

    def carry(self, h: Tensor) -> Tensor:
        return h

    def loss(self, loss_fn: Callable, states: list[Tensor]) -> Tensor:
        return loss_fn(states[-1])

    def gradients(self, cell: Callable, loss: Tensor, states: list[Tensor]) -> tuple[Tensor, ...]:
        """Of each state, the last one first."""
        return torch.autograd.grad(loss, states[::-1], allow_unused=True, materialize_grads=True)

    def size(self, gradients: Tensor) -> Tensor:
        """(B, T + 1, d_state) -> (B, T + 1)"""
        return gradients.norm(dim=-1)

    def __call__(self, cell: Callable, x: Tensor, state: Tensor, loss_fn: Callable) -> Tensor:
        states = [self.first(state)]
        for x_t in x.unbind(1):
            states.append(cell(x_t, self.carry(states[-1])))
        return self.size(torch.stack(self.gradients(cell, self.loss(loss_fn, states), states), dim=1))


@exercise.promise("How strongly a loss at the end of a text pulls", broken_by="divides_by_the_last")
@exercise.promise("the Euclidean norm of its gradient", broken_by="adds_up_absolute_values")
@exercise.promise("k = 0 is the last state", broken_by="counts_from_the_beginning")
@exercise.promise("The norms are of the type of `state`.", broken_by="gives_norms_in_float32")
@exercise.check(points=0.25, atol=1e-10)
def known_factors(gradient_norms_by_distance, rng):
    """A cell that turns the state and multiplies its length by a half, by one or by two does so to the gradient."""
    turn, x, h = rotation(rng, 5), normal(rng, 3, 20, 5), normal(rng, 3, 5)
    seen = {
        f"the norms at factor {factor:g}": gradient_norms_by_distance(
            lambda x, h, factor=factor: factor * h @ turn + x, x, h, weighted_sum(rng, 3, 5)
        )
        for factor in (0.5, 1.0, 2.0)
    }
    in_float64 = gradient_norms_by_distance(
        lambda x, h: 1e-7 * h @ turn.double() + x, x.double(), h.double(), weighted_sum(rng, 3, 5)
    )
    seen["a factor of 1e-7 in float64, undone"] = in_float64 * 10.0 ** (7 * torch.arange(21).double())
    seen["the type in float64"] = str(in_float64.dtype)
    of_both = gradient_norms_by_distance(lambda x, h: 0.5 * h + x, x, h.double(), lambda h: h.square().sum())
    seen["the type of a state in float64, of a text in float32"] = str(of_both.dtype)
    far, begin = normal(rng, 300, 2, 5).transpose(0, 1), normal(rng, 5).expand(2, 5)
    far = gradient_norms_by_distance(lambda x, h: 0.999 * h + x, far, begin, weighted_sum(rng, 2, 5))
    return seen | {"a factor of 0.999, over 300 words": far}


@exercise.promise("k = T is `state`, with which the text begins", broken_by="leaves_out_the_first_state")
@exercise.check(points=0.25, invariant=True)
def what_was_read_before_does_not_count(gradient_norms_by_distance, rng):
    """One more word at the beginning adds one distance, and leaves the norms at all others as they were."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    loss_fn = weighted_sum(rng, 3, 5)
    whole = gradient_norms_by_distance(cell, x, h, loss_fn)
    rest = gradient_norms_by_distance(cell, x[:, 1:], cell(x[:, 0], h), loss_fn)
    return {
        "before": rest,
        "after": whole[:, :6],
        "must differ": [whole[:, 5], whole[:, 6]],
        "change": "one more word was read at the beginning",
    }


@exercise.promise("is the loss of the states (B, d_state) after the last position", broken_by="adds_up_all_losses")
@exercise.promise("one number for all texts", broken_by="asks_for_the_loss_of_each_text")
@exercise.promise("with respect to the state of text b", broken_by="one_norm_for_all_texts")
@exercise.promise("k steps before that", broken_by="cuts_the_chain")
@exercise.promise("state (B, d_state) -> (B, T + 1).", broken_by="loses_dimensions_of_one")
@exercise.check(points=0.25)
def norms_of_a_gated_cell(gradient_norms_by_distance, rng):
    """Each text has its own norms, from distance 0 to T; the loss, of any form, is that of the last state alone."""

    def measured(B: int, T: int, d_state: int, loss_fn: Callable) -> Tensor:
        cell = seeded(nn.GRUCell(4, d_state), rng)
        return gradient_norms_by_distance(cell, normal(rng, B, T, 4), normal(rng, B, d_state), loss_fn)

    targets = torch.randint(5, (3,), generator=rng)
    return {
        "of a cross-entropy": measured(3, 6, 5, lambda h: F.cross_entropy(3 * h, targets)),
        "of a mean over the texts": measured(4, 5, 3, lambda h: h.square().sum(-1).mean()),
        "of the first text alone": measured(3, 4, 2, lambda h: h[0].sum()),
        "of one text of one word": measured(1, 1, 3, lambda h: h.sum()),
        "of a state of one number": measured(2, 3, 1, lambda h: h.sum()),
    }


@exercise.promise("it changes no `.grad`", broken_by="clears_the_gradients_afterwards")
@exercise.promise("it must not leave a gradient in any weight", broken_by="leaves_gradients_behind")
@exercise.promise("and no `requires_grad` of anything", broken_by="freezes_the_weights")
@exercise.promise(
    "A function of yours leaves what it is given as it was", broken_by="asks_the_given_state_for_gradients"
)
@exercise.check(points=0.25)
def it_only_measures(gradient_norms_by_distance, rng):
    """Afterwards all gradients are what they were, of weights, input and state, and the same ones ask for some."""
    module, loss_fn = seeded(nn.GRUCell(4, 5), rng), weighted_sum(rng, 3, 5)
    module.bias_hh.requires_grad_(False)
    module.weight_ih.grad = torch.ones_like(module.weight_ih)
    w_input, w_state = normal(rng, 4, 5).requires_grad_(), normal(rng, 5, 5).requires_grad_()
    w_state.grad = torch.ones(5, 5)
    plain, leaf, start = normal(rng, 3, 5), normal(rng, 3, 5).requires_grad_(), normal(rng, 3, 5).requires_grad_()
    x, read = normal(rng, 3, 6, 4), normal(rng, 3, 6, 4).requires_grad_()
    leaf.grad, read.grad = torch.ones(3, 5), torch.ones(3, 6, 4)

    def simple(x: Tensor, h: Tensor) -> Tensor:
        return torch.tanh(x @ w_input + h @ w_state)

    asked = [(module, x, plain), (module, read, leaf), (simple, x, 2 * start), (simple, read, plain)]
    seen = [gradient_norms_by_distance(cell, text, state, loss_fn) for cell, text, state in asked]
    learned = normal(rng, 5).requires_grad_()
    learned.grad = torch.ones(5)
    seen.append(gradient_norms_by_distance(module.eval(), read, leaf, lambda h: (h.square() @ learned).sum()))
    parts = nn.ModuleDict({"cell": seeded(nn.GRUCell(4, 5), rng), "rest": nn.Dropout(0.5).eval()})
    parts.forward = lambda x, h: parts["rest"](parts["cell"](x, h))
    seen.append(gradient_norms_by_distance(parts, x, plain, loss_fn))
    seen.append([part.training for part in parts.modules()])
    made = 2 * read  # whose graph the caller may still need
    seen.append(gradient_norms_by_distance(simple, made, start * 3, loss_fn))
    seen.append(torch.autograd.grad(made.sum(), read)[0])
    ended = ending(lambda: gradient_norms_by_distance(module, x, plain, lambda h: int("no number")))
    watched = {
        "a weight of the loss": learned,
        "w_input": w_input,
        "w_state": w_state,
        "x": x,
        "x that learns": read,
        **dict(module.named_parameters()),
    }
    watched |= {"a state": plain, "a state that learns": leaf, "what a state was made of": start}
    return {
        "the norms": seen,
        "how a loss that fails ends it": ended,
        "whether gradients are on": torch.is_grad_enabled(),
        "gradients": {name: tensor.grad for name, tensor in watched.items()},
        "whether it asks for a gradient": {name: tensor.requires_grad for name, tensor in watched.items()},
    }


mistakes(
    exercise,
    Measure,
    counts_from_the_beginning=mistake(
        "Your first column belongs to the state at the beginning. Which state is at distance 0 from the loss?",
        size=lambda self, gradients: gradients.norm(dim=-1).flip(1),
    ),
    adds_up_all_losses=mistake(
        "You add up a loss for every state. Which one state does `loss_fn` get?",
        loss=lambda self, loss_fn, states: sum(map(loss_fn, states[1:])),
    ),
    one_norm_for_all_texts=mistake(
        "You take one norm over the whole batch. Over which axis of a gradient (B, d_state) do you sum the squares?",
        size=lambda self, gradients: gradients.norm(dim=(0, 2)).expand(len(gradients), -1),
    ),
    gives_norms_in_float32=mistake(
        "In float64 your norms are in float32, and the small ones become zero. Of which type is `state`?",
        size=lambda self, gradients: gradients.norm(dim=-1).float(),
    ),
    squares=mistake(
        "Your norms are squared. What is missing after the sum of squares?",
        size=lambda self, gradients: gradients.square().sum(-1),
    ),
    takes_the_root_of_the_mean=mistake(
        "You take the mean of the squares, so a vector of five equal numbers is as long as one of them. How long is "
        "the vector (3, 4)?",
        size=lambda self, gradients: gradients.square().mean(-1).sqrt(),
    ),
    adds_up_absolute_values=mistake(
        "You add up absolute values. How long is the vector (3, 4)?",
        size=lambda self, gradients: gradients.abs().sum(-1),
    ),
    divides_by_the_last=mistake(
        "Your first column is always 1. Does the question ask how strong the pull is, or what share of it is left?",
        size=lambda self, gradients: gradients.norm(dim=-1) / gradients[:, :1].norm(dim=-1),
    ),
    cuts_the_chain=mistake(
        "Beyond the last state your norms are zero. Do you cut the state off from its history as you hand it on?",
        carry=lambda self, h: h.detach().requires_grad_(),
    ),
    leaves_out_the_first_state=mistake(
        "One distance is missing. Is the state with which the text begins among those that you ask about?",
        size=lambda self, gradients: gradients.norm(dim=-1)[:, :-1],
    ),
    loses_dimensions_of_one=mistake(
        "With one text your result has a dimension less. Which call takes it away?",
        size=lambda self, gradients: gradients.norm(dim=-1).squeeze(),
    ),
    leaves_gradients_behind=mistake(
        "`backward` leaves a gradient in every weight, where the next training step finds it. Which function of "
        "`torch.autograd` hands the gradients to you instead?",
        gradients=lambda self, cell, loss, states: after_backward(loss, states),
    ),
    clears_the_gradients_afterwards=mistake(
        "A gradient that a weight had before your measurement is gone. May a training step still need it?",
        gradients=lambda self, cell, loss, states: (after_backward(loss, states), cleared(cell))[0],
    ),
    freezes_the_weights=mistake(
        "After your measurement the weights ask for no gradients, and do not learn any more. Do you have to freeze "
        "them to measure the states?",
        gradients=lambda self, cell, loss, states: (Measure.gradients(self, cell, loss, states), frozen(cell))[0],
    ),
    asks_the_given_state_for_gradients=mistake(
        "After your measurement the caller's state asks for a gradient. How do you get a leaf of your own?",
        first=lambda self, state: state.requires_grad_(),
    ),
)


def after_backward(loss: Tensor, states: list[Tensor]) -> tuple[Tensor, ...]:
    for state in states:
        state.retain_grad()
    loss.backward()
    return tuple(state.grad for state in states[::-1])


def cleared(cell: Callable) -> None:
    if isinstance(cell, nn.Module):
        cell.zero_grad()


def frozen(cell: Callable) -> None:
    if isinstance(cell, nn.Module):
        cell.requires_grad_(False)


@exercise.mistake(
    hint="You read each text by itself and ask for its loss. Of how many texts does `loss_fn` get the state?"
)
def asks_for_the_loss_of_each_text(cell, x, state, loss_fn):
    return torch.cat([Measure()(cell, x[b : b + 1], state[b : b + 1], loss_fn) for b in range(len(x))])


exercise.aside(
    "Gradients are on when it is called, and the loss hangs on h.", "Says what a caller does, who is not the learner."
)
exercise.edges(
    empty="A text has a word at least: T >= 1.",
    one="norms_of_a_gated_cell",
    equal="Nothing is compared or divided by a spread.",
    zero="norms_of_a_gated_cell",
    ties="Nothing is chosen.",
    large="known_factors",
    small="known_factors",
    limit="There is no limit.",
    shapes="norms_of_a_gated_cell",
    modes="A function has no mode, and that of a cell stays.",
    gradients="it_only_measures",
    inputs="it_only_measures",
)
