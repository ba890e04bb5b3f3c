"""Proves how observations are made, carried and compared: what counts as the same, and what is refused.

A world of its own: a topic `sums` of one exercise, judged against a reference given by hand.
"""

import itertools
import json
import math

import pytest
import torch

from autograder.checking.judge import change, first_difference, judge, observe_all
from autograder.checking.observe import (
    MAX_ELEMENTS,
    BadObservation,
    Observation,
    Raised,
    observe,
    pack,
    plain,
    seeded,
    unpack,
)
from autograder.checking.topic import Check, Exercise, Topic, load, topics

nan, inf = float("nan"), float("inf")


class Sums(Topic):
    """A topic whose reference is the built-in sum, over a tensor."""

    def reference(self, exercise):
        return torch.sum


@pytest.fixture
def sums():
    total = Exercise("total")

    @total.check(points=1)
    def random_numbers(add, rng):
        """The sum of ten random numbers."""
        return {"the sum": add(torch.randn(10, generator=rng))}

    @total.check(points=0.5)
    def ones(add, rng):
        """The sum of seven ones."""
        return {"the sum": add(torch.ones(7))}

    @total.mistake(hint="Do you divide by the number of numbers?")
    def takes_the_mean(numbers):
        return numbers.mean()

    @total.mistake(hint="Is the last number left out?")
    def leaves_out_the_last(numbers):
        return numbers[:-1].sum()

    topic = Sums("sums", "total")
    topic.exercises = {"total": total}
    return topic


def verdict(topic, subject, seed=7):
    exercise = topic.exercises["total"]
    return judge(topic, exercise, observe_all(topic, exercise, subject, seed), seed)


def seen(observe_with, subject=None, seed=3):
    return observe(Check("a_check", 1.0, "Is it so?", observe_with), subject, seed)


# --- comparing ----------------------------------------------------------------------------------------------


def differs(got, expected):
    return first_difference(got, expected, 1e-4, 1e-5) is not None


TREES = [
    1,
    2.5,
    True,
    None,
    "text",
    [],
    {},
    [1, "a"],
    {"a": 1.0},
    {"b": 1.0},
    [[1], 2],
    torch.arange(6.0).view(2, 3),
    torch.arange(6.0).view(3, 2),
    torch.tensor([1, 2]),
    {"a": torch.tensor([1.0, nan, inf])},
]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_a_tree_is_itself(tree):
    assert not differs(tree, tree)


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(TREES, 2)), ids=str)
def test_different_trees_differ_both_ways(one, other):
    assert differs(one, other)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (torch.tensor(2.0), 2),
        (2, torch.tensor(2.0)),
        (torch.ones(3, dtype=torch.float64), torch.ones(3)),
        (1.0 + 1e-6, 1.0),
        (nan, nan),
        (-inf, -inf),
        (torch.tensor([nan, inf]), torch.tensor([nan, inf])),
        (1000.05, 1000.0),
    ],
)
def test_the_same_value_of_another_type_is_the_same(got, expected):
    assert not differs(got, expected)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (100_001, 100_000),  # whole numbers are exact
        (torch.tensor([100_001]), torch.tensor([100_000])),
        (5.0, inf),
        (inf, 5.0),
        (nan, 1.0),
        (1.0, nan),
        (torch.tensor([1.0, nan]), torch.tensor([1.0, 2.0])),
        (True, 1),
        ("1", 1),
        (None, 0),
        (torch.ones(3, 1), torch.ones(3)),
        (1.0 + 1j, 1.0),
        (torch.tensor([1.0 + 1j]), torch.tensor([1.0])),
        (float("1e308"), 1.0),
        (2**63, 1.0),
    ],
)
def test_these_are_not_the_same(got, expected):
    assert differs(got, expected)


def test_the_first_difference_says_where_and_what():
    expected = {"output": torch.zeros(2, 3), "weights": [torch.ones(2)]}
    got = {"output": torch.zeros(2, 3), "weights": [torch.tensor([1.0, 0.5])]}
    difference = first_difference(got, expected, 1e-4, 1e-5)
    assert (difference.where, difference.got, difference.expected) == ("weights[0][1]", "0.5", "1")
    got["output"][1, 2] = 4
    assert first_difference(got, expected, 1e-4, 1e-5).where == "output[1, 2]"
    assert first_difference(torch.ones(2), torch.ones(3), 0, 0).where == "the shape of the result"


def test_a_difference_does_not_show_a_whole_answer():
    difference = first_difference("?", torch.arange(5000.0), 1e-4, 1e-5)
    assert difference.expected == "a tensor of shape (5000,)"


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (3.94412, 3.94384, ("3.94412", "3.94384")),
        (3.9440001, 3.9439, ("3.944", "3.9439")),
        (1e9 + 1000, 1e9, ("1.000001e+09", "1e+09")),
        (0.5, -3.492e-10, ("0.5", "0")),
        (torch.tensor([1.0, 0.5]), torch.tensor([1.0, 1e-12]), ("0.5", "0")),
        ([1, 2, 3, 4], [1], ("a list of 4", "a list of 1")),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, ("also 'b'", "'c'")),
        ({"a": 1}, {"a": 1, "c": 2}, ("nothing of the kind", "'c'")),
        (True, 1, ("True", "1")),
        ("1", 1, ("'1'", "1")),
    ],
)
def test_what_differs_reads_differently(got, expected, words):
    difference = first_difference(got, expected, 1e-7, 1e-9)
    assert (difference.got, difference.expected) == words


@pytest.mark.parametrize("size", [0.01, 1.0, 1e4])
def test_noise_below_the_tolerance_passes_and_above_it_fails(size):
    numbers = size * torch.randn(50, generator=torch.Generator().manual_seed(1))
    allowed = 1e-5 + 1e-4 * numbers.abs()
    assert not differs(numbers + 0.9 * allowed, numbers)
    numbers_off = numbers.clone()
    numbers_off[17] += 1.2 * allowed[17]
    assert first_difference(numbers_off, numbers, 1e-4, 1e-5).where == "the result[17]"


# --- invariants ---------------------------------------------------------------------------------------------

EXPECTED = {"before": torch.tensor([1.0, 2.0]), "after": torch.tensor([1.0, 2.0])}


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ([5.0, 6.0], [5.0, 6.0], None),  # wrong, but unchanged
        ([5.0, 6.0], [5.0, 7.0], "the result[1]: 6 before, 7 after the change"),
        ([5.0, nan], [5.0, nan], "NaN"),
        ([0.0, 0.0], [0.0, 0.0], "the same everywhere"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "shape"),
    ],
)
def test_an_invariant_asks_for_no_change_and_for_a_real_result(before, after, complaint):
    words = change({"before": torch.tensor(before), "after": torch.tensor(after)}, EXPECTED)
    assert words is None if complaint is None else complaint in words


def test_an_invariant_of_what_never_changes_is_refused():
    pair = {"must differ": [torch.ones(2), torch.zeros(2)]}
    stuck = EXPECTED | {"must differ": [torch.ones(2), torch.ones(2)]}
    assert change(EXPECTED | pair, EXPECTED | pair) is None
    assert "stayed" in change(stuck, EXPECTED | pair)


def test_an_invariant_earns_nothing_until_the_values_are_right():
    """Results that agree with each other can be made up; those that agree with the reference's cannot."""
    topic, name = load("attention"), "scaled_dot_product"

    def made_up(query, key, value, mask=None):
        return 2 * torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    seen = judge(topic, topic.exercises[name], observe_all(topic, topic.exercises[name], made_up, 7), 7)
    outcomes = {check.name: check.outcome for check in seen.checks}
    assert outcomes["the_order_of_keys_does_not_matter"] == "holds"
    assert seen.earned == 0


# --- observing ----------------------------------------------------------------------------------------------


def test_what_a_check_raises_is_an_observation():
    def observe_with(subject, rng):
        raise KeyError("weights")

    assert seen(observe_with).raised == Raised("KeyError", "'weights'", "")


def test_the_learners_line_is_named():
    source = "def total(x):\n    return x.nothing_like_it\n"
    world = {}
    exec(compile(source, "<cell>", "exec"), world)
    import linecache

    linecache.cache["<cell>"] = (len(source), None, source.splitlines(True), "<cell>")
    raised = seen(lambda subject, rng: subject(torch.ones(1)), world["total"]).raised
    assert (raised.type, raised.line) == ("AttributeError", "return x.nothing_like_it")


def test_inputs_depend_on_the_seed_and_on_nothing_else():
    def observe_with(subject, rng):
        return [torch.randn(3, generator=rng), torch.rand(2)]

    first = seen(observe_with)
    torch.manual_seed(99)
    assert not differs(seen(observe_with).value, first.value)
    assert differs(seen(observe_with, seed=4).value, first.value)


@pytest.fixture
def changed_settings():
    """What a learner may have done to PyTorch, undone afterwards."""
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_default_device("meta")
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
    yield
    torch.set_flush_denormal(False)
    torch.set_float32_matmul_precision(precision)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)


def observe_settings(subject, rng):
    x = torch.randn(64, 64, generator=rng).requires_grad_()
    (x @ x).sum().backward()
    error = (x @ x - x.detach().double() @ x.detach().double()).abs().max()
    smallest = torch.tensor(1e-30) * 1e-10
    return {
        "dtype": str(x.dtype),
        "device": str(x.device),
        "gradient": x.grad,
        "exact to 1e-4": bool(error < 1e-4),
        "the smallest numbers": bool(smallest > 0),
    }


def test_global_settings_of_the_learner_change_nothing(changed_settings):
    changed = seen(observe_settings)
    state = torch.default_generator.get_state()
    seen(observe_settings)
    assert torch.get_default_dtype() == torch.float64 and not torch.is_grad_enabled()
    assert torch.get_float32_matmul_precision() == "medium" and torch.backends.mkldnn.enabled
    assert torch.equal(torch.default_generator.get_state(), state)
    assert not torch.tensor(1e-40, dtype=torch.float32, device="cpu").mul(1).item(), "put back"
    assert changed.raised is None and changed.value["exact to 1e-4"] and changed.value["the smallest numbers"]
    assert (changed.value["dtype"], changed.value["device"]) == ("torch.float32", "cpu")


def test_settings_come_back_after_an_exception(changed_settings):
    def observe_with(subject, rng):
        raise ValueError

    assert seen(observe_with).raised.type == "ValueError"
    assert torch.get_default_dtype() == torch.float64 and not torch.is_grad_enabled()


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(MAX_ELEMENTS + 1),
        torch.zeros(1).expand(MAX_ELEMENTS + 1),
        10**5000,
        [10**30],
        list(itertools.accumulate(range(30), lambda tree, _: [tree], initial=[]))[-1],
    ],
    ids=["too many", "too many in little memory", "huge number", "huge number within", "too deep"],
)
def test_too_much_is_refused(value):
    with pytest.raises(BadObservation):
        plain(value)
    assert seen(lambda subject, rng: value).raised.type == "BadObservation"


def test_a_list_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(BadObservation):
        plain(endless)


class Sly(torch.Tensor):
    """A tensor that claims to equal everything."""

    def __eq__(self, other):
        return True


class SlyFloat(float):
    def __eq__(self, other):
        return True

    __hash__ = None


def test_subclasses_become_what_they_stand_for():
    assert type(plain(torch.ones(2).as_subclass(Sly))) is torch.Tensor
    assert type(plain(SlyFloat(3))) is float
    assert plain(object()) == "<object>"
    assert plain((1, (2,))) == [1, [2]]
    assert not plain(torch.ones(2, requires_grad=True)).requires_grad


def test_an_observation_is_a_copy():
    tensor = torch.zeros(2)
    copy = plain({"a": tensor})
    tensor += 1
    assert copy["a"].tolist() == [0, 0]


# --- carrying -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_a_packed_tree_comes_back(tree):
    back = unpack(*pack(Observation(plain(tree))))
    assert back.raised is None and not differs(back.value, tree)
    assert type(back.value) is type(tree)


def test_a_packed_exception_comes_back():
    raised = Raised("ValueError", "no — √", "line()")
    assert unpack(*pack(Observation(raised=raised))) == Observation(raised=raised)


TREE, BLOB = pack(Observation({"a": torch.ones(2), "b": [1, "x"]}))
FORGED = {
    "no JSON": (b"\xff\xfe", BLOB),
    "no safetensors": (TREE, b"nonsense"),
    "cut short": (TREE, BLOB[:-3]),
    "a tensor that is not there": (b'{"value": {"tensor": "9"}, "raised": null, "changed": []}', BLOB),
    "no value": (b'{"raised": null, "changed": []}', BLOB),
    "no object": (b"[]", BLOB),
    "another kind": (b'{"value": {"tensor": "0", "dict": {}}, "raised": null, "changed": []}', BLOB),
    "half an exception": (b'{"value": null, "raised": {"type": "X"}, "changed": []}', BLOB),
    "too deep": (b'{"value": ' + b"[" * 40 + b"]" * 40 + b', "raised": null, "changed": []}', BLOB),
    "far too deep": (b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b', "raised": null, "changed": []}', BLOB),
    "no list of what was changed": (b'{"value": null, "raised": null}', BLOB),
    "a huge number": (json.dumps({"value": 10**40, "raised": None, "changed": []}).encode(), BLOB),
    "a pickle": (b"\x80\x04K\x01.", b"\x80\x04K\x01."),
}


@pytest.mark.parametrize(("tree", "blob"), FORGED.values(), ids=FORGED)
def test_forged_bytes_are_refused(tree, blob):
    with pytest.raises(BadObservation):
        unpack(tree, blob)


# --- verdicts -----------------------------------------------------------------------------------------------


def test_a_right_solution_earns_all(sums):
    right = verdict(sums, lambda numbers: sum(numbers.tolist()))
    assert (right.earned, right.points, right.mistake) == (1.5, 1.5, None)
    assert all(check.reason is None and check.difference is None for check in right.checks)


def test_a_known_mistake_is_named_with_its_hint(sums):
    wrong = verdict(sums, lambda numbers: numbers.sum() / len(numbers))
    assert (wrong.earned, wrong.mistake) == (0, "takes_the_mean")
    assert wrong.hint == "Do you divide by the number of numbers?"
    assert wrong.checks[1].difference.where == "the sum" and wrong.checks[1].difference.expected == "7"


def test_a_mistake_that_would_have_failed_more_is_not_named(sums):
    """The mean but for the ones, which are right: who takes the mean is wrong about these too."""
    assert verdict(sums, lambda numbers: 7.0 if numbers.std() == 0 else numbers.mean()).mistake is None


def test_a_mistake_that_shows_all_it_is_wrong_in_is_named_beside_another(sums):
    exercise = sums.exercises["total"]

    @exercise.mistake(hint="Are only ones counted?")
    def counts_ones_only(numbers):
        return numbers[numbers == 1].sum()

    seen = verdict(sums, lambda numbers: numbers[numbers == 1].sum() + (numbers == 1).all())
    assert (seen.earned, seen.mistake) == (0, "counts_ones_only")


def test_an_unknown_mistake_has_no_name(sums):
    assert verdict(sums, lambda numbers: numbers.sum() + 1).mistake is None


def test_two_candidates_that_explain_as_much_stay_unnamed(sums):
    exercise = sums.exercises["total"]
    mean, last = (observe_all(sums, exercise, mistake.implementation, 7) for mistake in exercise.mistakes)
    mixed = {"random_numbers": mean["random_numbers"], "ones": last["ones"]}
    assert judge(sums, exercise, mixed, 7).mistake is None
    assert judge(sums, exercise, mean, 7).mistake == "takes_the_mean"


def test_a_missing_observation_earns_nothing(sums):
    nothing = judge(sums, sums.exercises["total"], {}, 7)
    assert nothing.earned == 0 and nothing.mistake is None
    assert {check.outcome for check in nothing.checks} == {"missing"}


def test_an_observation_of_the_wrong_form_earns_nothing_and_breaks_nothing(sums):
    for value in (
        None,
        "1.5",
        [1],
        {"the sum": "7"},
        {"the sum": [7]},
        {"the sum": torch.ones(7)},
        {"sum": 7},
        nan,
        10**18,
    ):
        forged = dict.fromkeys(("random_numbers", "ones"), Observation(value))
        assert judge(sums, sums.exercises["total"], forged, 7).earned == 0


def test_a_judge_that_trips_over_the_data_says_so_and_gives_nothing(sums):
    total = sums.exercises["total"]

    @total.check(points=1, judge=lambda got, expected: None if got["the sum"] > 0 else "too small")
    def positive(add, rng):
        """The sum of three ones is above zero."""
        return {"the sum": add(torch.ones(3))}

    assert verdict(sums, torch.sum).earned == 2.5
    tripped = verdict(sums, lambda numbers: "many").checks[-1]
    assert (tripped.earned, tripped.reason) == (0, "The observation does not have the expected form.")
    assert verdict(sums, lambda numbers: -numbers.sum()).checks[-1].detail == "too small"


def test_another_seed_asks_other_questions(sums):
    exercise = sums.exercises["total"]
    observed = observe_all(sums, exercise, torch.sum, 7)
    assert judge(sums, exercise, observed, 7).earned == 1.5
    assert judge(sums, exercise, observed, 8).earned == 0.5  # the ones are the same under any seed


def test_seeds_are_apart_and_fixed():
    assert len({seeded(seed, *labels) for seed in range(20) for labels in ((), ("a",), ("a", "b"), ("b",))}) == 80
    assert seeded(2017, "attention") == seeded(2017, "attention") < 2**63


@pytest.mark.parametrize("topic", topics())
def test_the_observations_of_every_check_travel(topic):
    bank = load(topic)
    for name, exercise in bank.exercises.items():
        for label, observation in observe_all(bank, exercise, bank.reference(name), 11).items():
            back = unpack(*pack(observation))
            assert not differs(back.value, observation.value), (name, label)
            assert not math.isnan(exercise.points)
