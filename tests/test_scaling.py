"""Proves that the claim "scaling" counts compute as it says, fits laws and intervals that hold on data whose law is
known, predicts the last size without having seen it, and that its record says what its data give.
"""

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from experiments import record, scaling
from layercake import results, village
from layercake.figures import scaling as chart
from layercake.figures.style import one_line
from layercake.labs import judging
from layercake.training import count_parameters
from solutions.attention import causal_attention
from solutions.rnn import RecurrentLanguageModel
from solutions.transformer import GPT

ROOT = Path(__file__).parents[1]
V = len(village.VOCABULARY)


def counted(model, B: int, T: int) -> int:
    """The products of matrices of one step of training, as PyTorch counts them."""
    tokens = torch.randint(V, (B, T + 1), generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(tokens[:, :-1])[0].flatten(0, 1), tokens[:, 1:].flatten()).backward()
    return counter.get_total_flops()


def sizes_on(law, flops=(1e12, 4e12, 1e13, 5e13, 2e14), bound=0.6, noise=0.0, generator=None):
    """Sizes of one run each whose gaps follow `law(flops)`, times e to the noise."""
    wobble = noise * torch.randn(len(flops), generator=generator, dtype=torch.float64)
    losses = [bound + law(x) * math.exp(w) for x, w in zip(flops, wobble.tolist())]
    return [{"flops": x, "runs": [{"loss": {"all": loss}}]} for x, loss in zip(flops, losses)]


class TestCompute:
    def test_the_lstm_is_counted_as_pytorch_counts_its_cells(self):
        B, T, size = 2, 9, scaling.Size("LSTM", 16)
        model = RecurrentLanguageModel(V, 16, scaling.LAYERS["LSTM"], tied=True)
        before_the_text = 2 * B * 4 * 16 * 16  # the state of zeros needs no gradient
        assert counted(model, B, T) == size.flops_per_token * B * T - before_the_text

    def test_the_transformer_is_counted_over_rows_of_their_whole_length(self):
        B, T, size = 1, scaling.LONGEST, scaling.Size("transformer", 16)
        model = GPT(V, T, 16, scaling.LAYERS["transformer"], scaling.HEADS, causal_attention)
        assert counted(model, B, T) == size.flops_per_token * B * T

    @pytest.mark.parametrize("family", scaling.FAMILIES)
    def test_parameters_are_those_of_the_model_that_is_trained(self, family):
        for d_model in scaling.WIDTHS[family]:
            size = scaling.Size(family, d_model)
            assert count_parameters(scaling.model_and_text(size, 0)[0]) == size.n_parameters
            assert 0 <= size.tokens - scaling.TOKENS_EACH * size.n_parameters < 1024


class TestLaw:
    def test_an_exact_law_is_found_and_predicts_exactly(self):
        law = scaling.fitted(sizes_on(lambda x: 50 * x**-0.2), 0.6)
        assert [law[key] for key in ("exponent", "low", "high")] == pytest.approx([0.2] * 3, abs=1e-6)
        assert scaling.expected(law, 1e16) == pytest.approx([50 * 1e16**-0.2] * 3, rel=1e-6)

    def test_intervals_contain_the_truth_in_95_of_100_cases(self):
        generator, held = torch.Generator().manual_seed(0), {"exponent": 0, "next": 0}
        for _ in range(1000):
            *sizes, last = sizes_on(
                lambda x: 50 * x**-0.2, (1e12, 4e12, 1e13, 5e13, 2e14, 6e14), noise=0.1, generator=generator
            )
            law = scaling.fitted(sizes, 0.6)
            _, low, high = scaling.expected(law, last["flops"])
            held["exponent"] += law["low"] <= 0.2 <= law["high"]
            held["next"] += low <= scaling.mean_loss(last) - 0.6 <= high
        assert all(abs(share / 1000 - 0.95) < 0.025 for share in held.values()), held  # 3.6 standard errors

    def test_the_steeper_family_is_told_from_the_other_and_chance_is_not(self):
        def data(one, other):
            laws = {
                family: {"law": scaling.fitted(sizes_on(of), 0.6)} for family, of in zip(scaling.FAMILIES, (one, other))
            }
            return {"laws": laws}

        assert scaling.steeper(data(lambda x: x**-0.2, lambda x: x**-0.3))["value"] == pytest.approx(0.1)
        bent = scaling.steeper(data(lambda x: x**-0.2, lambda x: x**-0.25 * (1 + 0.3 * math.sin(x))))
        assert bent["low"] < 0 < bent["high"]

    def test_a_floor_that_nobody_told_is_found_where_the_law_is_exact(self):
        x = torch.logspace(10, 16, 5, dtype=torch.float64)
        floor, _, exponent = scaling.fit_with_floor(x, 0.6 + 200 * x**-0.25)
        assert floor == pytest.approx(0.6, abs=0.005) and exponent == pytest.approx(0.25, abs=0.01)

    def test_what_is_predicted_does_not_depend_on_the_last_size(self):
        family = results.load("scaling")["data"]["families"]["transformer"]
        other = copy.deepcopy(family)
        for run in other["sizes"][-1]["runs"]:
            run["loss"]["all"] += 1
        bound = results.load("scaling")["data"]["bound"]["all"]
        assert scaling.laws(other, bound) == scaling.laws(family, bound)


def test_documents_are_judged_up_to_the_longest_row():
    class Uniform(torch.nn.Linear):
        def forward(self, tokens, state=None):
            assert tokens.size(1) <= scaling.LONGEST
            return torch.zeros(*tokens.shape, V), None

    assert scaling.judged(Uniform(1, 1), 40) == pytest.approx([math.log(V)] * len(judging.GROUPS), rel=1e-5)
    exam = judging.validation(40)
    longest = max(range(40), key=lambda i: len(exam.documents[i].tokens))
    assert len(exam.documents[longest].tokens) > scaling.LONGEST, "no document is cut: nothing is tested here"
    n_tokens = sum(min(len(document.tokens), scaling.LONGEST) for document in exam.documents)
    total = sum(exact[: scaling.LONGEST].sum() for exact in exam.exact)
    assert scaling.bounds(40)["all"] == pytest.approx(total / n_tokens)


@pytest.mark.parametrize("family", scaling.FAMILIES)
def test_a_run_is_taken_from_its_checkpoint_and_goes_by_its_seed(family, tmp_path):
    size = scaling.Size(family, 8, tokens_each=1)
    run = scaling.trained(size, 8e-3, 0, tmp_path, 40)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert scaling.trained(size, 8e-3, 0, tmp_path, 40) == run
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert scaling.trained(size, 8e-3, 1, tmp_path, 40)["loss"] != run["loss"]


def test_the_experiment_runs_small_and_records_everything(tmp_path, run_small):
    before = {file: file.read_bytes() for file in results.FOLDER.glob("*.json")}
    said = run_small(scaling, tmp_path)
    result = results.load("scaling", tmp_path)
    record.Record.model_validate(result)
    assert "--smoke" in result["command"] and said.count("is expected") == 2
    assert {file: file.read_bytes() for file in results.FOLDER.glob("*.json")} == before


def test_a_smoke_run_refuses_to_overwrite_the_record(check_refusal):
    check_refusal(scaling)


class TestRecord:
    def test_every_sentence_and_number_is_computed_from_the_recorded_data(self):
        recorded = results.load("scaling")
        record.Record.model_validate(recorded)
        data = recorded["data"]
        assert recorded["claim"] == scaling.CLAIM and recorded["limits"] == scaling.LIMITS
        assert recorded["finding"] == scaling.finding(data)
        assert recorded["measured"] == json.loads(json.dumps(scaling.measured(data)))
        assert recorded["numbers"] == json.loads(json.dumps(scaling.numbers(data)))
        for family in scaling.FAMILIES:
            fitted = json.loads(json.dumps(scaling.laws(data["families"][family], data["bound"]["all"])))
            assert fitted["law"] == pytest.approx(data["laws"][family]["law"])
            assert fitted["expected"] == pytest.approx(data["laws"][family]["expected"])

    def test_it_is_of_todays_village_and_was_no_smoke_run(self):
        recorded = results.load("scaling")
        assert "--smoke" not in recorded["command"]
        assert recorded["settings"] == json.loads(json.dumps(scaling.settings()))
        for family in scaling.FAMILIES:
            sizes = recorded["data"]["families"][family]["sizes"]
            assert [size["d_model"] for size in sizes] == list(scaling.WIDTHS[family])
            assert [len(size["runs"]) for size in sizes] == list(scaling.SEEDS)
            assert recorded["numbers"][f"{family.lower()}_span"] > 10

    def test_the_rate_that_was_chosen_is_no_end_of_what_was_tried(self):
        """Where the best is the highest or the lowest, a better one may lie outside."""
        for family in results.load("scaling")["data"]["families"].values():
            tried = [row["coefficient"] for row in family["search"]["tried"]]
            assert min(tried) < family["search"]["chosen"] < max(tried)

    def test_the_figure_draws_every_run_and_its_title_is_the_finding(self):
        recorded = results.load("scaling")
        axes = chart.plot(recorded).axes[0]
        points = sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None")
        n_runs = sum(len(size["runs"]) for its in recorded["data"]["families"].values() for size in its["sizes"])
        assert points >= n_runs and axes.get_title(loc="left") == chart.finding(recorded)
        title = one_line(chart.finding(recorded))
        assert title in chart.alt_text(recorded)
