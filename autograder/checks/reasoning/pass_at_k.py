"""`pass_at_k`: the share of choices with a right one in them, without bias, to nine digits, from counts that can be."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, ending, mistake, mistakes

exercise = Exercise("pass_at_k")

MILLION = 1_000_000


def chances(pass_at_k: Callable, n: int, k: int, *counts: int) -> Tensor:
    return pass_at_k(torch.tensor(counts), n, k)


def described(estimates: Any) -> dict[str, Any]:
    """The estimates, and what kind of tensor they are."""
    is_tensor = isinstance(estimates, Tensor)
    return {"estimates": estimates, "type": str(estimates.dtype) if is_tensor else type(estimates).__name__}


class Estimated:
    """Unbiased estimates with their parts to override, so that one of them can be wrong."""

    def __call__(self, n_right, n, k):
        self.refuse(n_right, n, k)
        return self.given(self.estimate(self.counts(n_right, n), n, k))

    def refuse(self, n_right, n, k):
        self.refuse_k(n, k)
        self.refuse_counts(n_right, n)

    def refuse_k(self, n, k):
        if not 1 <= k <= n:
            raise ValueError("k")

    def refuse_counts(self, n_right, n):
        if ((n_right < 0) | (n_right > n)).any():
            raise ValueError("counts")

    def counts(self, n_right, n):
        return n_right.double()

    def estimate(self, n_right, n, k):
        return -torch.expm1(self.log_all_wrong(n_right, n, k))

    def log_all_wrong(self, n_right, n, k):
        """One reply after another is chosen, and each is wrong."""
        return self.log_wrong(n_right.unsqueeze(-1), self.left(n, k).to(n_right)).sum(dim=-1)

    def left(self, n, k):
        return torch.arange(n, n - k, -1)

    def log_wrong(self, n_right, left):
        return torch.log1p((-n_right / left).clamp(min=-1.0))

    def given(self, estimates):
        return estimates


def from_factorials(self: Estimated, n_right: Tensor, n: int, k: int) -> Tensor:
    """From logarithms of factorials, which are large and differ by little."""
    n_wrong, whole = n - n_right, torch.tensor(float(n), dtype=torch.float64)

    def log_choices(of: Tensor) -> Tensor:
        return torch.lgamma(of + 1) - torch.lgamma(of - k + 1)

    return torch.where(n_wrong < k, 1.0, 1 - torch.exp(log_choices(n_wrong) - log_choices(whole)))


def from_large_numbers(self: Estimated, n_right: Tensor, n: int, k: int) -> Tensor:
    """From two numbers of choices, each of which may be too large for a floating-point number."""
    log_choices = self.left(n, k).double().log().sum() - math.lgamma(k + 1)
    return torch.where(log_choices < 709, Estimated.estimate(self, n_right, n, k), math.nan)


def all_right(self: Estimated, n_right: Tensor, n: int, k: int) -> Tensor:
    return torch.exp(self.log_all_wrong(n - n_right, n, k))


def in_float32(self: Estimated, n_right: Tensor, n: int, k: int) -> Tensor:
    return Estimated.estimate(self, n_right.float(), n, k).double()


def zero_where_all_is_certain(self: Estimated, n_right: Tensor, n: int, k: int) -> Tensor:
    return torch.where(n - n_right < k, 0.0, Estimated.estimate(self, n_right, n, k))


def undefined_where_all_is_certain(self: Estimated, n_right: Tensor, n: int, k: int) -> Tensor:
    return torch.where(n - n_right < k, math.nan, Estimated.estimate(self, n_right, n, k))


def turned_in_place(self: Estimated, n_right: Tensor, n: int) -> Tensor:
    return n - n_right.neg_().add_(n).double()


def asserted(self: Estimated, n_right: Tensor, n: int, k: int) -> None:
    assert 1 <= k <= n and n_right.min() >= 0 and n_right.max() <= n


def all_beyond(self: Estimated, n_right: Tensor, n: int) -> None:
    if ((n_right < 0) | (n_right > n)).all():
        raise ValueError("counts")


def too_many_alone(self: Estimated, n_right: Tensor, n: int) -> None:
    if n_right.max() > n:
        raise ValueError("counts")


def below_zero_alone(self: Estimated, n_right: Tensor, n: int) -> None:
    if n_right.min() < 0:
        raise ValueError("counts")


def not_all_right(self: Estimated, n_right: Tensor, n: int) -> None:
    if n_right.min() < 0 or n_right.max() >= n:
        raise ValueError("counts")


def not_all_of_them(self: Estimated, n: int, k: int) -> None:
    if not 1 <= k < n:
        raise ValueError("k")


def at_most_all(self: Estimated, n: int, k: int) -> None:
    if k > n:
        raise ValueError("k")


@exercise.promise("The chance that at least one of k replies is right", broken_by="asks_for_k_right_ones")
@exercise.promise("It is the share, among all choices of k of the n replies", broken_by="adds_up_the_shares")
@exercise.promise("of those with a right one in them", broken_by="gives_the_share_of_all_wrong")
@exercise.promise("1 - C(n - n_right, k) / C(n, k)", broken_by="chooses_one_fewer")
@exercise.check(points=0.25)
def the_share_of_choices_with_a_right_one(pass_at_k, rng):
    """Of all choices of k of the n replies, the share with a right one in it: from 0, with none right, to 1."""
    n = int(torch.randint(20, 40, (), generator=rng))
    counts = torch.randint(n + 1, (6,), generator=rng)
    seen = {f"n={n}, k={k}": pass_at_k(counts.clone(), n, k) for k in (1, 2, 3, n // 2, n - 1, n)}
    small = {
        f"n={n}, k={k}, all counts": pass_at_k(torch.arange(n + 1), n, k) for n in range(1, 7) for k in range(1, n + 1)
    }
    return small | seen


@exercise.promise("Its mean over draws of n replies is the chance itself", broken_by="takes_the_share_to_the_power")
@exercise.check(points=0.25)
def its_mean_is_the_chance(pass_at_k, rng):
    """The mean over all that n replies can show is the chance that one of k is right, however likely each one is."""
    seen = {}
    for n, k in ((4, 2), (9, 9), (16, 5), (30, 1)):
        counts = torch.arange(n + 1)
        choices = torch.tensor([math.comb(n, count) for count in counts.tolist()], dtype=torch.float64)
        right = torch.rand(5, 1, generator=rng, dtype=torch.float64)
        shown = choices * right**counts * (1 - right) ** (n - counts)  # (5, n + 1): how likely each count is
        seen[f"n={n}, k={k}"] = shown @ torch.as_tensor(pass_at_k(counts, n, k)).double()
    return seen


@exercise.promise("It is exact to nine digits", broken_by="counts_in_float32")
@exercise.promise("for n up to a million", broken_by="makes_numbers_that_are_too_large")
@exercise.promise("also where it is tiny", broken_by="subtracts_logarithms_of_factorials")
@exercise.check(points=0.25, rtol=2e-9, atol=2e-15)
def exact_to_nine_digits(pass_at_k, rng):
    """All nine digits are right, with n a million, with more choices than a number can hold, and where it is tiny."""
    few = 1 + torch.randint(90, (), generator=rng).item()
    some = torch.randint(200, 600, (), generator=rng).item()
    return {
        "a million, k=1": chances(pass_at_k, MILLION, 1, 0, 1, 2, few, 999 * some, MILLION - 1, MILLION),
        "a million, k=7": chances(pass_at_k, MILLION, 7, 1, few, 999 * some),
        "n=99999, k=1000": chances(pass_at_k, 99_999, 1000, 0, 1, few, some, 10 * some, 99_999 - some, 99_999),
        "n=80000, k=16, counts in float32": pass_at_k(torch.tensor([1.0, few, some, 20_000]), 80_000, 16),
        "n=2000, k=1000": chances(pass_at_k, 2000, 1000, 0, 1, 2, 10, some, 1000, 1001, 2000),
        "n=2000, k=1": chances(pass_at_k, 2000, 1, 1, some),
        "n=1500, k=1499": chances(pass_at_k, 1500, 1499, 0, 1, 2),
        "n=128, k=64": chances(pass_at_k, 128, 64, 1, 2, 5, 64, 65),
        "n=23, k=7": chances(pass_at_k, 23, 7, *range(24)),
    }


@exercise.promise("estimated for each problem", broken_by="takes_the_mean_over_problems")
@exercise.promise("n_right (P), whole numbers of any type", broken_by="takes_the_counts_for_places")
@exercise.promise("-> (P)", broken_by="gives_a_column")
@exercise.promise("in float64", broken_by="gives_float32")
@exercise.check(points=0.25)
def each_problem_by_itself(pass_at_k, rng):
    """There is an estimate for each problem, in float64, which the other problems do not change."""
    counts = torch.randint(1, 12, (7,), generator=rng)
    seen = {
        "seven problems": described(pass_at_k(counts.clone(), 12, 3)),
        "in another order": described(pass_at_k(counts.flip(0), 12, 3)),
        "a single problem": described(chances(pass_at_k, 12, 3, int(counts[0]))),
        "equal counts": described(chances(pass_at_k, 9, 2, 4, 4, 4, 4)),
        "none right, none right": described(chances(pass_at_k, 9, 2, 0, 0)),
        "as many problems as replies": described(pass_at_k(torch.arange(6).flip(0), 6, 4)),
        "as many problems as are chosen": described(pass_at_k(torch.tensor([0, 2, 1, 5]), 6, 4)),
        "counts that are a column of a table": described(pass_at_k(apart(counts), 12, 5)),
        "counts in 32 bits": described(pass_at_k(counts.int(), 12, 5)),
        "counts in 8 bits, of more replies than these can hold": described(pass_at_k(counts.byte(), 1000, 30)),
        "counts that are sums in float32": described(pass_at_k(counts.float(), 12, 5)),
        "many problems": described(pass_at_k(torch.randint(65, (500,), generator=rng), 64, 8)),
    }
    return seen | {"are the counts still there": counts}


@exercise.promise("Raises ValueError where k is not 1 to n", broken_by="takes_any_k")
@exercise.promise("or a count not 0 to n", broken_by="takes_any_count")
@exercise.check(points=0.25)
def what_cannot_be_is_refused(pass_at_k, rng):
    """A k that is not 1 to n, and a count that is not 0 to n, are a ValueError; the limits themselves are not."""
    n = int(torch.randint(5, 9, (), generator=rng))
    given = {(n, k): [0, 1, n] for k in (-1, 0, 1, n - 1, n, n + 1, 2 * n)}
    given |= {(1, 1): [0, 1], (1, 0): [0], (1, 2): [1], (0, 1): [0], (0, 0): [0]}
    seen = {f"k={k} of n={n}": ending(lambda n=n, k=k, its=its: chances(pass_at_k, n, k, *its))
            for (n, k), its in given.items()}  # fmt: skip
    for counts in ([-1], [0, -1, 2], [n + 1], [1, n, n + 1], [n + 1, 0], [-1, n + 1], [n - 1], [-n]):
        seen[f"counts {counts} of n={n}"] = ending(lambda its=counts: chances(pass_at_k, n, 2, *its))
    return seen


mistakes(
    exercise,
    Estimated,
    asks_for_k_right_ones=mistake("You ask for k right ones. How many are enough?", estimate=all_right),
    gives_the_share_of_all_wrong=mistake(
        "You give the share of choices that are all wrong. Which ones are asked for?",
        estimate=lambda self, n_right, n, k: torch.exp(self.log_all_wrong(n_right, n, k)),
    ),
    adds_up_the_shares=mistake(
        "You add up the shares of k replies. What if two of them are right?",
        estimate=lambda self, n_right, n, k: (k * n_right / n).clamp(max=1.0),
    ),
    forgets_k=mistake(
        "Your estimate does not change with k. Out of how many may one be right?",
        estimate=lambda self, n_right, n, k: n_right / n,
    ),
    takes_the_share_to_the_power=mistake(
        "You draw each of the k from all n again. What is left when one has been chosen?",
        left=lambda self, n, k: torch.full((k,), n),
    ),
    chooses_one_fewer=mistake(
        "Your product is one factor short. How many replies are chosen?",
        left=lambda self, n, k: torch.arange(n, n - k + 1, -1),
    ),
    chooses_one_more=mistake(
        "Your product has a factor too many. How many replies are chosen?",
        left=lambda self, n, k: torch.arange(n, max(n - k - 1, 0), -1),
    ),
    begins_one_lower=mistake(
        "Your product begins with n - 1. From how many is the first one chosen?",
        left=lambda self, n, k: torch.arange(n, n - k, -1).sub(1).clamp(min=1),
    ),
    gives_zero_where_it_is_certain=mistake(
        "Where fewer than k are wrong you give 0. Can all k be wrong then?", estimate=zero_where_all_is_certain
    ),
    gives_nan_where_it_is_certain=mistake(
        "Where fewer than k are wrong you give NaN. Can all k be wrong then?", estimate=undefined_where_all_is_certain
    ),
    says_yes_or_no=mistake(
        "You give 1 wherever one of the n is right. Is it among the k?",
        estimate=lambda self, n_right, n, k: (n_right > 0).double(),
    ),
    subtracts_logarithms_of_factorials=mistake(
        "Digits are lost where n is large. How many are left of the difference of two large logarithms?",
        estimate=from_factorials,
    ),
    makes_numbers_that_are_too_large=mistake(
        "With large n you divide infinity by infinity. What cancels before you multiply?", estimate=from_large_numbers
    ),
    takes_the_counts_for_places=mistake(
        "Counts that are sums of rewards stop you. Which type has such a sum?",
        counts=lambda self, n_right, n: torch.arange(n + 1, dtype=torch.float64)[n_right],
    ),
    counts_in_the_type_of_the_counts=mistake(
        "With counts in float32 your digits are those of float32. In which type do you count?",
        counts=lambda self, n_right, n: n_right if n_right.is_floating_point() else n_right.double(),
        given=lambda self, estimates: estimates.double(),
    ),
    counts_in_float32=mistake("You count in float32. How many digits does it have?", estimate=in_float32),
    adds_a_little=mistake(
        "You add something small in front of the logarithm. Which digit does it change?",
        log_wrong=lambda self, n_right, left: torch.log((1 - n_right / left).clamp(min=0.0) + 1e-8),
    ),
    rounds=mistake(
        "You round. How many digits are asked for?",
        given=lambda self, estimates: estimates.mul(1e4).round().div(1e4),
    ),
    gives_float32=mistake(
        "Your estimates are in another type. Which one is asked for?", given=lambda self, estimates: estimates.float()
    ),
    takes_the_mean_over_problems=mistake(
        "You give one number for all problems. How many estimates are asked for?",
        given=lambda self, estimates: estimates.mean(),
    ),
    gives_a_column=mistake(
        "Your estimates are a column. Which shape is asked for?", given=lambda self, estimates: estimates.unsqueeze(-1)
    ),
    loses_the_dimension_of_one=mistake(
        "A single problem loses its dimension. What does `squeeze` do?",
        given=lambda self, estimates: estimates.squeeze(),
    ),
    gives_a_list=mistake("You give a list. What is asked for?", given=lambda self, estimates: estimates.tolist()),
    sorts_the_problems=mistake(
        "Your estimates stand in another order than the problems. Which one belongs to which?",
        given=lambda self, estimates: estimates.sort().values,
    ),
    changes_the_counts=mistake("You change the counts that you were given. Whose are they?", counts=turned_in_place),
    takes_any_k=mistake("A k above n, or of 0, passes. What would it choose?", refuse_k=lambda self, n, k: None),
    takes_a_k_of_zero=mistake("A k of 0 passes. Which of no replies would be right?", refuse_k=at_most_all),
    refuses_all_of_them=mistake("A k of n is refused. May all be chosen?", refuse_k=not_all_of_them),
    takes_any_count=mistake(
        "Counts that cannot be pass. How many of n can be right?", refuse_counts=lambda self, n_right, n: None
    ),
    takes_more_right_ones_than_replies=mistake(
        "A count above n passes. How many of n can be right?", refuse_counts=below_zero_alone
    ),
    takes_counts_below_zero=mistake(
        "A count below zero passes. How many of n can be right?", refuse_counts=too_many_alone
    ),
    refuses_where_all_are_right=mistake("A count of n is refused. Can all be right?", refuse_counts=not_all_right),
    refuses_only_where_all_are_wrong=mistake(
        "One count that cannot be passes among others. What is the difference between `any` and `all`?",
        refuse_counts=all_beyond,
    ),
    raises_another_error=mistake("What cannot be ends in another error. Which one is asked for?", refuse=asserted),
)
exercise.edges(
    empty="No problem at all is not asked for.",
    one="each_problem_by_itself",
    equal="each_problem_by_itself",
    zero="the_share_of_choices_with_a_right_one",
    ties="Nothing is ranked.",
    large="exact_to_nine_digits",
    small="exact_to_nine_digits",
    limit="what_cannot_be_is_refused",
    shapes="each_problem_by_itself",
    modes="There is no module.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)
