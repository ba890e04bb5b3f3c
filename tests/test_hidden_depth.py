"""Proves that the claim "hidden-depth" asks what it says: the cups are where the moves put them, and a chain is one.

The game is held against plain lists, and the four ways of asking against readers that know the answer. What is recorded
follows from its data, carries the claim in every seed, and is what the figure draws.
"""

import json

import pytest
import torch
from recorded import follows_from_its_data

from experiments import hidden_depth, record
from layercake import results
from layercake.figures import hidden_depth as chart
from layercake.figures.style import one_line
from layercake.labs import cups

T = 6


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_hot(cup: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(cups.CUP + cup, cups.VOCAB_SIZE).float()


@pytest.mark.parametrize("kind", ["swaps", "turns"])
def test_the_pea_is_where_the_moves_put_it(kind):
    game = cups.play(50, T, kind, dice())
    for tokens, places in zip(game.tokens.tolist(), game.cups.tolist()):
        order = list(range(cups.N_CUPS))  # which cup each place holds
        assert tokens[0] == cups.CUP + places[0]
        for move, place in zip(tokens[1:], places[1:]):
            if kind == "swaps":
                one, other = cups.SWAPS[move]
                order[one], order[other] = order[other], order[one]
            else:
                order = [order[(place - move) % cups.N_CUPS] for place in range(cups.N_CUPS)]
            assert order[place] == places[0]


def test_the_order_of_swaps_matters_and_that_of_turns_does_not():
    for kind, matters in (("swaps", True), ("turns", False)):
        table = cups.table(kind)
        one_way, other_way = table[0][table[1]], table[1][table[0]]  # swaps of cups 0 and 1, and of 0 and 2
        assert torch.equal(one_way, other_way) is not matters
    with pytest.raises(ValueError, match="kind='flips': it is one of swaps, turns, counts"):
        cups.play(2, 3, "flips", dice())


def test_counts_ask_for_the_cup_that_was_named_most_often():
    game = cups.play(50, T, "counts", dice())
    for tokens, places in zip(game.tokens.tolist(), game.cups.tolist()):
        named = [tokens[0] - cups.CUP, *(move % cups.N_CUPS for move in tokens[1:])]
        for n, place in enumerate(places, start=1):
            assert place == max(range(cups.N_CUPS), key=lambda cup, n=n: (named[:n].count(cup), -cup))


def test_answers_are_asked_at_the_moves_or_behind_them():
    game = cups.play(3, T, "swaps", dice())
    direct, targets = cups.laid_out(game, "direct", dice())
    assert torch.equal(direct, game.tokens) and torch.equal(targets[:, 1:], cups.CUP + game.cups[:, 1:])
    assert (targets[:, 0] == cups.NOT_ASKED).all()
    for way in ("written", "dots", "scrambled"):
        inputs, targets = cups.laid_out(game, way, dice())
        assert torch.equal(inputs[:, : T + 1], game.tokens) and (targets[:, : T + 1] == cups.NOT_ASKED).all()
        assert torch.equal(targets[:, T + 1 :], cups.CUP + game.cups[:, 1:])
        between = inputs[:, T + 1 :]
        if way == "written":
            assert torch.equal(between, cups.CUP + game.cups[:, :-1])
        elif way == "dots":
            assert (between == cups.DOT).all()
        else:
            assert ((between >= cups.CUP) & (between < cups.DOT)).all() and len(between.unique()) > 1
    with pytest.raises(ValueError, match="way='aloud': it is one of direct, written, dots, scrambled"):
        cups.laid_out(game, "aloud", dice())


def from_the_moves(tokens, state=None):
    """A reader that follows the moves of a text itself, and answers at each, or at each place behind them."""
    first, moves = tokens[:, 0] - cups.CUP, tokens[:, 1 : T + 1]
    at = [first]
    for move in moves.unbind(dim=1):
        at.append(cups.table("swaps")[move, at[-1]])
    places = [*at, *at[1:]][: tokens.size(1)]
    return one_hot(torch.stack(places, dim=1)), None


def from_what_is_written(tokens, state=None):
    """A reader that takes one move from the cup that it reads, and knows nothing else: the state is all tokens."""
    seen = tokens if state is None else torch.cat([state, tokens], dim=1)
    move, before = seen[:, seen.size(1) - 1 - T], seen[:, -1] - cups.CUP
    after = cups.table("swaps")[move.clamp(max=len(cups.SWAPS) - 1), before.clamp(0, cups.N_CUPS - 1)]
    return one_hot(after).unsqueeze(1), seen


def test_a_reader_that_follows_the_moves_is_right_in_every_way_of_asking():
    game = cups.play(40, T, "swaps", dice())
    for way in ("direct", "dots", "scrambled"):
        assert cups.right(from_the_moves, game, way, dice()).tolist() == [1.0] * T
    assert cups.right(from_what_is_written, game, "written", dice()).tolist() == [1.0] * T


def test_a_reader_that_writes_goes_on_from_what_it_has_written():
    """One that is wrong once is wrong from there on, for it does not read the right answer."""

    def errs_once(tokens, state=None):
        logits, seen = from_what_is_written(tokens, state)
        return (logits.roll(1, dims=-1) if seen.size(1) == T + 4 else logits), seen  # after the third move

    seen = cups.right(errs_once, cups.play(200, T, "swaps", dice()), "written", dice())
    assert seen[:2].tolist() == [1.0, 1.0] and (seen[2:] < 0.7).all()


def test_how_far_a_reader_follows():
    assert cups.longest(torch.tensor([1.0, 0.95, 0.9, 0.2, 0.95])) == 3
    assert cups.longest(torch.tensor([0.89, 1.0])) == 0
    assert cups.longest(torch.ones(4)) == 4


def test_the_course_begins_with_two_moves_and_ends_with_all_and_goes_on_where_it_was():
    def asked(course) -> int:
        counted = []

        def reads(inputs):
            return torch.zeros(*inputs.shape, cups.VOCAB_SIZE, requires_grad=True), None

        real = torch.nn.functional.cross_entropy
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("torch.nn.functional.cross_entropy", lambda x, y: counted.append(len(y)) or real(x, y))
            course(reads, dice())
        return counted[0] // course.batch_size

    course = cups.Course(T, steps=20, batch_size=4)
    grown = [asked(course) for _ in range(8)]
    assert grown[0] == 2 and grown == sorted(grown) and grown[-1] == T
    again = cups.Course(T, steps=20, batch_size=4)
    again.load_state_dict({"taken": torch.tensor(3)})
    assert asked(again) == grown[3]


def test_a_loop_has_the_weights_of_one_layer_and_takes_as_many_rounds_as_it_is_told():
    one, loop = (hidden_depth.reader(hidden_depth.Arm(kind, n), 4) for kind, n in (("transformer", 1), ("loop", 3)))
    assert hidden_depth.count_parameters(loop) == hidden_depth.count_parameters(one)
    _, state = loop(cups.play(2, 4, "swaps", dice()).tokens)
    assert len(state) == 3


def test_the_experiment_runs_small_and_records_everything(run_small, check_refusal, tmp_path):
    run_small(hidden_depth, tmp_path)
    made = json.loads((tmp_path / "hidden-depth.json").read_text(encoding="utf-8"))
    record.Record.model_validate(made)
    assert set(made["data"]["arms"]) == {arm.name for arm in hidden_depth.ARMS}
    check_refusal(hidden_depth)


@pytest.fixture(scope="module")
def recorded():
    return results.load("hidden-depth")


def test_what_is_recorded_follows_from_its_data(recorded):
    follows_from_its_data(hidden_depth, recorded)
    assert len(recorded["seeds"]) >= 3 and set(recorded["data"]["arms"]) == {arm.name for arm in hidden_depth.ARMS}
    for its in recorded["data"]["arms"].values():
        far = [cups.longest(torch.tensor(right), hidden_depth.LEVEL) for right in its["right"]]
        assert far == its["longest"] and all(len(right) == recorded["data"]["moves"] for right in its["right"])


def test_the_claim_holds_in_every_seed(recorded):
    arms, n = recorded["data"]["arms"], recorded["data"]["moves"]
    far = {name: its["longest"] for name, its in arms.items()}
    at_once = {layers: far[hidden_depth.Arm("transformer", layers).name] for layers in hidden_depth.DEPTHS}
    assert max(map(max, at_once.values())) < n and max(at_once[8]) < 4 * min(at_once[1])
    written, loop = far["transformer, 2 layers, written"], far["loop, 8 rounds"]
    assert min(written) >= n - 1 and min(loop) > 2 * max(at_once[8]) and max(loop) < n
    for name in ("transformer, 2 layers, dots", "transformer, 2 layers, scrambled", "transformer, 2 layers, width 128"):
        assert max(far[name]) <= max(at_once[2]), name
    assert min(far["GRU, 1 layer"]) == min(far["transformer, 1 layer, counts"]) == n
    assert arms["loop, 8 rounds"]["parameters"] == arms["transformer, 1 layer"]["parameters"]


def test_the_figure_draws_what_is_recorded(recorded):
    figure, finding = chart.plot(recorded), chart.finding(recorded)
    assert figure.get_suptitle() == finding and one_line(finding) in chart.alt_text(recorded)
    curves, reach = figure.axes
    for name in chart.CURVES:
        line = next(line for line in curves.lines if line.get_label() == name)
        right = torch.tensor(recorded["data"]["arms"][name]["right"])
        assert line.get_ydata() == pytest.approx(right.median(dim=0).values.tolist())
    dots = [list(line.get_xdata()) for line in reach.lines if line.get_marker() == "o"]
    assert dots == [its["longest"] for its in recorded["data"]["arms"].values()]
