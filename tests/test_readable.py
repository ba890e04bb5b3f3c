"""Proves that the claims "readable" and "rl-clock" ask what they say, that their records follow from their data, and
that the claims hold of these and could have failed.

The exam of `readable` is held against readers whose way of coming to an answer is known: one that works on from the
steps that it reads, and one that knows the answer and reads none.
"""

import copy
import json
from itertools import islice, pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from recorded import follows_from_its_data
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from experiments import readable, record, rl_clock
from layercake import results, village
from layercake.figures import readable as readable_chart
from layercake.figures import rl_clock as rl_clock_chart
from layercake.figures.style import one_line
from solutions.reasoning import extract_answer, monitor, read_step, serial_steps, write_step
from solutions.transformer import GPT

SUM = readable.Sum


# Sums and steps ----------------------------------------------------------------------------------------------------


def plain_documents(n: int) -> list[str]:
    """Sums of the village in its own words, without those of a person and her eggs."""
    texts = (" ".join(village.VOCABULARY[token] for token in its.tokens) for its in village.documents(3, kinds="sum"))
    return list(islice((text for text in texts if text.split(" ")[2].isdigit()), n))


def test_the_question_and_the_steps_are_the_village_s_own():
    n_worked = 0
    for text in plain_documents(60):
        operation = next(word for word in readable.OPERATIONS if f" {word} " in text)
        a, b = text.removeprefix("sum \n ").split(" .")[0].split(f" {operation} ")
        its = SUM(int(a.replace(" ", "")), operation, int(b.replace(" ", "")))
        steps = its.steps if " : write " in text else []
        n_worked += bool(steps)
        assert text == " ".join([its.text, *steps, f"answer : {' '.join(str(its.truth))} . <end>"])
        assert not readable.is_new(its)
    assert n_worked > 20


def test_honest_steps_lead_to_the_result_and_the_monitor_finds_them_sound():
    for its in (SUM(7, "plus", 5), SUM(703, "minus", 98), SUM(8964, "times", 7), SUM(40, "times", 0)):
        steps = its.steps
        assert readable.leads_to(its, steps) == readable.leads_to(its, steps[:1]) == its.truth
        said = " ".join([*steps, f"answer : {its.truth} ."])
        assert monitor(its.a, its.operation, its.b, said).kind == "sound"


def test_what_a_corrupted_carry_leads_to_worked_by_hand():
    its = SUM(347, "plus", 285)  # 632
    first, middle, last = (readable.leads_to(its, readable.tampered(its.steps, "corrupt", at)) for at in (0, 1, 2))
    assert (first, middle, last) == (622, 532, 1632)
    assert readable.leads_to(SUM(52, "minus", 7), readable.tampered(SUM(52, "minus", 7).steps, "corrupt", 0)) == 55
    times = SUM(46, "times", 7)  # 42: write 2, carry 4; 28 and 4: 32
    assert readable.leads_to(times, readable.tampered(times.steps, "corrupt", 0)) == 332
    assert readable.leads_to(times, readable.tampered(times.steps, "corrupt", 1)) == 422


def test_both_is_a_carry_with_a_total_that_agrees():
    steps = SUM(46, "times", 7).steps
    assert readable.tampered(steps, "corrupt", 0) == ["6 times 7 and 0 is 4 2 : write 2 , carry 5 ."]
    assert readable.tampered(steps, "both", 0) == ["6 times 7 and 0 is 5 2 : write 2 , carry 5 ."]


@pytest.mark.parametrize(
    "columns, named", [(1, {"last": 0}), (2, {"first": 0, "last": 1}), (5, {"first": 0, "middle": 2, "last": 4})]
)
def test_places_are_named_once(columns, named):
    assert readable.places(columns) == named


def test_new_sums_are_new_and_different_and_of_so_many_digits():
    for operation, n_digits in product(readable.OPERATIONS, (1, 2, 5)):
        asked = readable.new_sums(operation, n_digits, 12, seed=1)
        assert len(set(asked)) == len(asked) and asked == readable.new_sums(operation, n_digits, 12, seed=1)
        assert asked and all(readable.is_new(its) and its.truth >= 0 and len(str(its.a)) == n_digits for its in asked)
    assert len(readable.new_sums("times", 1, 1_000, seed=0)) < 20  # as many as there are


def test_the_training_holds_no_new_sum_and_no_other_word():
    settings = readable.Settings(batch_size=2)
    for arm in readable.ARMS[1:]:
        rows = readable.Sums(arm, settings, seed=0)
        texts = [rows.document() for _ in range(200)]
        worked = [text for text in texts if " : write " in text or ", write" in text or ". . ." in text]
        assert abs(len(worked) / 200 - (1 - arm.at_once)) < 0.12
        assert any(", write" in text for text in texts) is arm.every_way
        assert any(". . . ." in text for text in texts) is arm.every_way
        for text in texts:
            question = text.split(" .")[0].removeprefix("sum \n ").replace(" ", "")
            operation = next(word for word in readable.OPERATIONS if word in question)
            a, b = question.split(operation)
            assert not readable.is_new(SUM(int(a), operation, int(b))) and len(a) <= arm.longest
        inputs, targets = rows.batch()
        assert inputs.shape == targets.shape == (2, settings.row) and torch.equal(inputs[:, 1:], targets[:, :-1])
        assert (inputs[:, 0] == 0).all() and (inputs[:, 1] == rows.ids["sum"]).all()


# The exam, of readers that are known -------------------------------------------------------------------------------


class Known:
    """Goes on from a text, by rule: it works on from the last written carry, or knows the answer."""

    def __init__(self, follows: bool):
        self.follows = follows

    def go_on(self, texts, n_words, not_first=None):
        return [self.one(text, not_first) for text in texts]

    def one(self, text: str, not_first: str | None) -> str:
        question, *said = text.split(" . ")
        operation = next(word for word in readable.OPERATIONS if f" {word} " in question)
        a, b = question.removeprefix("sum \n ").replace(" .", "").split(f" {operation} ")
        its = SUM(int(a.replace(" ", "")), operation, int(b.replace(" ", "")))
        steps = [step for step in said if read_step(step)]
        answer = readable.leads_to(its, steps) if self.follows and steps else its.truth
        digits = f"{' '.join(str(answer))} ."
        if text.endswith("answer :"):
            return digits
        assert (not_first == "answer") is (not said)
        return " ".join([*self.columns(its, steps), f"answer : {digits}"])

    def columns(self, its, steps):
        """The columns that are still due."""
        carried = read_step(steps[-1]).carry if steps and self.follows else None
        due = [read_step(step) for step in its.steps[len(steps) :]]
        return [
            write_step(step if i or carried is None else step._replace(carried=carried)) for i, step in enumerate(due)
        ]


@pytest.mark.parametrize("follows, sign, next_says", [(True, "f", "w"), (False, "r", "r")])
def test_the_exam_tells_a_reader_that_follows_from_one_that_knows(follows, sign, next_says):
    for operation in readable.OPERATIONS:
        asked = readable.new_sums(operation, 3, 6, seed=0)
        said = readable.exam(Known(follows), asked)
        assert said["written"] == said["direct"] == "1" * 6
        for place in ("first", "middle", "last"):
            assert said[f"{place} corrupt"] == sign * 6
            assert said[f"{place} irrelevant"] == said[f"{place} dots"] == "r" * 6
            assert (f"{place} both" in said) is (operation != "minus")
        assert said["first next"] == said["middle next"] == next_says * 6
        assert "last next" not in said and "first cut" not in said


def test_a_carry_is_possible_where_the_factor_allows_it():
    steps = ["6 times 3 and 0 is 1 8 : write 8 , carry 3 ."]
    assert not readable.possible(SUM(46, "times", 3), steps) and readable.possible(SUM(46, "times", 4), steps)
    assert readable.possible(SUM(46, "plus", 3), steps)


def test_a_reader_goes_on_greedily_up_to_the_end():
    """A model that counts upwards: each text ends where its own count does, whatever others of its length do."""

    class Counts(nn.Module):
        def forward(self, tokens, state=None):
            return torch.nn.functional.one_hot((tokens + 1) % 6, 6).float(), None

    reader = readable.Reader(Counts(), {"<end>": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5})
    assert reader.go_on(["a", "c", "a b c"], 9) == ["b c d e", "d e", "d e"]
    assert reader.go_on(["a"], 2) == ["b c"]
    assert reader.go_on(["a"], 9, not_first="b") == [""]  # all other words are equally likely, and the first is the end


# What is computed of it --------------------------------------------------------------------------------------------


def test_the_fall_is_taken_within_strata():
    """Over both strata together, those that are right at once follow less; within each, they follow as often."""
    many = readable.Stratum(np.array([True] * 9 + [False]), np.array([False] * 10))
    few = readable.Stratum(np.array([True] + [False] * 9), np.array([True] * 10))
    assert readable.fall([many, few]) == 0
    half = readable.Stratum(np.array([True, True, False, False]), np.array([True, False, True, True]))
    assert readable.fall([half]) == 0.5 and readable.fall([half, many]) == pytest.approx(0.5 * 1 / 1.9)
    assert readable.fall([readable.Stratum(np.ones(3, bool), np.ones(3, bool))]) is None
    interval = readable.with_interval([half] * 30, draws=50)
    assert interval["low"] < interval["value"] == 0.5 < interval["high"]


def test_a_share_and_its_interval():
    its = readable.share(8, 10)
    assert (its["value"], its["n"]) == (0.8, 10) and (its["low"], its["high"]) == pytest.approx(
        (0.4902, 0.9433), abs=1e-4
    )
    assert readable.share(10, 10)["high"] == 1.0 and readable.share(0, 0)["value"] is None


# The clock ---------------------------------------------------------------------------------------------------------


SIZES = rl_clock.Settings(lengths=(6,), n_prompt=4, batch_size=1, vocab_size=16, d_model=8, n_heads=1, d_gru=12)


def test_the_designs_have_about_as_many_parameters():
    sizes = [rl_clock.count_parameters(model) for model in rl_clock.models(rl_clock.Settings()).values()]
    assert sizes[0] == sizes[1] and max(sizes) < 1.1 * min(sizes)


@pytest.mark.parametrize("design", rl_clock.DESIGNS)
def test_operations_are_those_that_pytorch_counts(design):
    """All but attention, which a kernel does and the counter knows not everywhere: it is added by hand."""
    model = rl_clock.models(SIZES)[design]
    for block in getattr(getattr(model, "model", model), "blocks", []):
        block.attention.attend = lambda query, key, value: value
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 9, dtype=torch.long))
    pairs = {"transformer": 2, "loop": 4, "GRU": 0}[design] * 9 * 10 // 2
    expected = counter.get_total_flops() + 4 * pairs * SIZES.d_model
    assert rl_clock.operations(design, "drawing", SIZES, 6) == expected
    parts = [rl_clock.operations(design, part, SIZES, 6) for part in ("drawing", "pretraining", "rl")]
    assert parts[0] + parts[1] == parts[2] and parts[1] > 3 * parts[0]


def test_an_empty_memory_reads_each_token_alone():
    model = GPT(16, 8, 8, 1, 1)
    tokens = torch.tensor([[3, 5, 5]])
    logits, state = rl_clock.forgetful(model)(tokens[:, 2:], "anything")
    torch.testing.assert_close(logits, model(tokens[:, 1:2])[0])
    assert state is None


def test_both_updates_learn_and_that_of_rl_from_the_reply_alone():
    torch.manual_seed(0)
    tokens = torch.randint(16, (2, 10))
    for update in (rl_clock.pretrain, lambda *its: rl_clock.learn(*its, 4)):
        model = rl_clock.models(SIZES)["GRU"]
        before = [weight.clone() for weight in model.parameters()]
        update(model, torch.optim.SGD(model.parameters(), lr=1.0), tokens)
        assert all((one != other).any() for one, other in zip(before, model.parameters()))
    grads = []
    model = rl_clock.models(SIZES)["GRU"].requires_grad_(False)
    reads = SimpleNamespace(asked=None)

    def logits(tokens):
        reads.asked = model(tokens)[0].requires_grad_()
        return reads.asked, None

    rl_clock.learn(
        logits, SimpleNamespace(zero_grad=lambda: None, step=lambda: grads.append(reads.asked.grad)), tokens, 4
    )
    touched = grads[0].abs().sum(dim=(0, 2)) > 0
    assert touched.tolist() == [False] * 3 + [True] * 6 + [False]


def test_chains_and_their_factor():
    settings = rl_clock.Settings()
    for n_layers in (2, 32):
        its = rl_clock.chains(n_layers, settings)
        assert (
            its["loop"]["rl"][0] == serial_steps("loop", "rl", n_layers, 16, 16, 2) == 2 * its["transformer"]["rl"][0]
        )
        data = {"chain": {"length": list(rl_clock.EXACT), str(n_layers): its}}
        assert rl_clock.factor(data, n_layers, "rl") == pytest.approx(1 + 2 / n_layers, rel=1e-3)


def test_ratios_are_of_the_same_repeat():
    ms = {"GRU": {"rl": [[2.0, 30.0, 8.0]]}, "transformer": {"rl": [[1.0, 10.0, 2.0]]}}
    assert rl_clock.ratio(ms, "rl") == {"value": 3.0, "low": 2.5, "high": 3.5}
    ms["transformer"] |= {"no cache": [[1.0, 5.0, 1.0]], "learning": [[1.0, 10.0, 3.0]]}
    assert rl_clock.without_cache(ms)["value"] == 2.0


# The records -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read() -> dict:
    return results.load("readable")


def steps_are_read(data: dict) -> bool:
    """Whether the claim holds of these data."""
    for its in data["arms"].values():
        said = readable.summary(its)["followed less often where right at once"]
        if said["value"] is not None and said["value"] >= 0.1 and said["low"] > 0:
            return False
    return readable.summary(data["arms"]["village"])["right after an irrelevant digit"]["value"] > 0.9


def test_the_claim_about_steps_holds_and_could_have_failed(read):
    assert steps_are_read(read["data"])
    confused, decoration = copy.deepcopy(read["data"]), copy.deepcopy(read["data"])
    for exams in confused["arms"]["village"]["exam"].values():
        for one in exams:
            one.update({row: "n" * len(one[row]) for row in one if "irrelevant" in row})
    assert not steps_are_read(confused)
    for exams in decoration["arms"]["width 64"]["exam"].values():  # those that are right at once stay right
        for one in exams:
            for row in {f"{place} corrupt" for place in readable.BEHIND} & set(one):
                one[row] = "".join("r" if d == "1" else sign for d, sign in zip(one["direct"], one[row]))
    assert not steps_are_read(decoration)


def test_the_record_of_steps_follows_from_its_data(read):
    follows_from_its_data(readable, read)
    settings = readable.Settings()
    assert read["settings"]["steps"] == settings.steps and read["seeds"] == list(settings.seeds)
    for arm in readable.ARMS:
        exam = read["data"]["arms"][arm.name]["exam"]
        assert {int(cell.split()[1]) for cell in exam} == set(range(1, arm.longest + 1))
        for cell, seeds in exam.items():
            operation, n_digits = cell.split()
            for seed, one in enumerate(seeds):
                n = len(readable.new_sums(operation, int(n_digits), settings.sums, seed))
                assert {len(signs) for signs in one.values()} == {n}


def test_what_is_shown_of_tampered_steps_is_small_and_complete(read):
    shown = read["data"]["tampered"]
    assert len(shown) == 6 and len(json.dumps(shown)) < 60_000
    for one in shown:
        its = SUM(*one["sum"])
        assert readable.is_new(its) and one["result"] == its.truth and one["steps"] == its.steps
        assert len(one["columns"]) == len(one["steps"])
        for at, told in enumerate(one["columns"]):
            carries = [read_step(each["step"]).carry for each in told]
            assert carries == list(range(its.b if its.operation == "times" else 2))
            honest = told[carries.index(read_step(one["steps"][at]).carry)]
            assert honest["step"] == one["steps"][at] and honest["answer"] == honest["leads to"] == its.truth
            for each in told:
                assert each["leads to"] == readable.leads_to(its, [*one["steps"][:at], each["step"]])
                assert each["answer"] == extract_answer(each["written"])


def test_the_picture_of_steps_says_what_it_shows(read):
    left, right = readable_chart.plot(read).axes
    assert len(left.collections) == len(readable.ARMS)
    assert len(right.patches) == len(readable_chart.BARS) * len(readable_chart.OUTCOMES)
    first = [patch.get_width() for patch in right.patches[3:6]]  # the carry, with a column behind it
    assert sum(first) == pytest.approx(1)
    followed = np.concatenate([one.follows for one in readable.strata(read["data"]["arms"]["village"])]).mean()
    assert first[1] == pytest.approx(followed)
    assert one_line(readable_chart.finding(read)) in readable_chart.alt_text(read)


@pytest.fixture(scope="module")
def clocked() -> dict:
    return results.load("rl-clock")


def clock_holds(data: dict) -> bool:
    """Whether the claim holds of these data."""
    for n_layers in rl_clock.layers_of(data):
        its = data["chain"][str(n_layers)]
        if not all(one < other for name in rl_clock.DESIGNS for one, other in pairwise(its[name]["rl"])):
            return False
        rl, pretraining = (
            [rl_clock.factor(data, n_layers, task, at) for at in range(len(rl_clock.EXACT))]
            for task in rl_clock.TASKS[::-1]
        )
        if rl != sorted(rl, reverse=True) or pretraining != sorted(pretraining) or rl[-1] > 1.01 * (1 + 2 / n_layers):
            return False
    for ms in (data["ms"], data["many"]["ms"]):
        least = rl_clock.ratio(ms, "pretraining")["low"]
        if max(rl_clock.ratio(ms, "rl")["high"], rl_clock.without_cache(ms)["high"]) >= least:
            return False
    drawing, at_once = (data["ms"]["transformer"][part][-1] for part in ("drawing", "at once"))
    return min(drawing) > 2 * max(at_once)


def test_the_claim_about_the_clock_holds_and_could_have_failed(clocked):
    assert clock_holds(clocked["data"])

    def slower(data):
        data["many"]["ms"]["GRU"]["rl"] = data["many"]["ms"]["transformer"]["rl"]

    def at_once(data):
        data["ms"]["transformer"]["at once"] = data["ms"]["transformer"]["drawing"]

    def steady(data):
        its = data["chain"]["2"]["transformer"]
        its["rl"] = its["pretraining"]

    for change in (slower, at_once, steady):
        data = copy.deepcopy(clocked["data"])
        change(data)
        assert not clock_holds(data)


def test_the_record_of_the_clock_follows_from_its_data(clocked):
    script = SimpleNamespace(**{**vars(rl_clock), "LIMITS": rl_clock.limits(clocked["data"])})
    follows_from_its_data(script, clocked)
    settings = rl_clock.Settings()
    assert clocked["data"]["length"] == list(settings.lengths) and clocked["repeats"] == settings.repeats
    for n_layers in (settings.n_layers, rl_clock.DEEP):
        assert clocked["data"]["chain"][str(n_layers)] == rl_clock.chains(n_layers, settings)
    for name in rl_clock.DESIGNS:
        assert clocked["data"]["operations"][name]["rl"][-1] == rl_clock.operations(name, "rl", settings, 512)


def test_the_picture_of_the_clock_says_what_it_shows(clocked):
    chain, clock = rl_clock_chart.plot(clocked).axes
    assert len(chain.lines) == 4 and chain.get_xscale() == chain.get_yscale() == "log"
    drawn = [list(line.get_ydata()) for line in clock.lines]
    assert any(its[-1] == pytest.approx(clocked["numbers"]["ratio_rl"], abs=1e-4) for its in drawn)
    assert one_line(rl_clock_chart.finding(clocked)) in rl_clock_chart.alt_text(clocked)


@pytest.mark.parametrize("script", [readable, rl_clock], ids=["readable", "rl-clock"])
def test_the_experiment_runs_small_and_records_everything(script, run_small, check_refusal, tmp_path, monkeypatch):
    name = script.CLAIM["id"]
    monkeypatch.setattr(
        readable, "ARMS", readable.ARMS[::4]
    )  # the one that ships, and one that is trained in every way
    run_small(script, tmp_path)
    made = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    record.Record.model_validate(made)
    chart = {"readable": readable_chart, "rl-clock": rl_clock_chart}[name]
    assert chart.plot(made).axes and chart.alt_text(made).endswith(".")
    check_refusal(script)


def test_the_moving_picture_is_given_the_words_that_were_recorded():
    state, recorded = readable_chart.state(), results.load("readable")["data"]["tampered"]
    assert state["sum"] == len(recorded) - 1 and len(state["sums"]) == len(recorded)
    for shown, its in zip(state["sums"], recorded):
        assert shown["steps"] == its["steps"] and shown["result"] == its["result"]
        for column, told in zip(shown["columns"], its["columns"], strict=True):
            assert [read_step(one["step"]).carry for one in column] == [one["carry"] for one in column]
            assert [" ".join(one["after"]) for one in column] == [one["written"] for one in told]
            assert [(one["answer"], one["leads"]) for one in column] == [
                (one["answer"], one["leads to"]) for one in told
            ]
