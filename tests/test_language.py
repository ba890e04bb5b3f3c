"""Proves that the lab on the village trains and judges what it says: text once and in order, the state carried and the
gradient cut, the bound beside the loss, a resumed run the same as an uninterrupted one; and that its experiments run.
"""

import json
import math
import statistics
from dataclasses import replace
from importlib import import_module
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from experiments import chekhov, every_position, record
from experiments import language as experiment
from layercake import results, village
from layercake.figures import chekhov as chekhov_chart
from layercake.figures.style import one_line
from layercake.labs import judging, language
from layercake.training import CheckpointError
from solutions.prediction import sample
from solutions.rnn import GRUCell, LSTMCell, RecurrentLanguageModel, truncated_bptt
from solutions.transformer import GPT

ROOT = Path(__file__).parents[1]
TINY = language.Settings(16, 1, 14, 4, 24, 30, 1e-2)
NAMES = ("language", "chekhov", "every_position")


def tiny_run(folder, **keywords):
    parts = RecurrentLanguageModel, LSTMCell, truncated_bptt
    return language.run(*parts, "smoke", folder=folder, **{"settings": TINY} | keywords)


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("runs"))


class TestStreams:
    def test_every_token_is_a_target_once_and_in_order(self):
        streams = language.Streams(TINY, 0, truncated_bptt)
        chunks = [streams.next_chunk() for _ in range(30)]
        assert all((one[:, -1] == other[:, 0]).all() for one, other in pairwise(chunks))
        for b in range(TINY.batch_size):
            row = torch.cat([chunk[b, 1:] for chunk in chunks]).tolist()
            texts = [[]]
            for token in row:
                texts[-1].append(token)
                if token == village.END:
                    texts.append([])
            known = {document.tokens for document in islice(language.numbered(0), streams.n_opened)}
            assert len(texts) > 1 and all(tuple(text) in known for text in texts[:-1])

    def test_no_document_is_read_twice_and_seeds_differ(self):
        documents = [document.tokens for document in islice(language.numbered(0), 60)]
        others = {document.tokens for document in islice(language.numbered(1), 60)}
        assert len(set(documents)) == 60 and not others & set(documents)

    def test_only_the_kinds_that_are_named_are_read(self):
        streams = language.Streams(replace(TINY, kinds=("sum",)), 0, truncated_bptt)
        tokens = streams.next_chunk()
        first = [document.tokens for document in islice(language.numbered(0, ("sum",)), TINY.batch_size)]
        assert [row[1:9] for row in tokens.tolist()] == [list(text[:8]) for text in first]

    def test_the_state_goes_on_and_the_gradient_ends_at_the_seam(self):
        model, seen = RecurrentLanguageModel(len(village.VOCABULARY), 16, 1), []

        class Watched(nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, tokens, state=None):
                seen.append(state)
                return self.model(tokens, state)

        streams, generator = language.Streams(TINY, 0, truncated_bptt), torch.Generator()
        for _ in range(2):
            loss, _ = streams(Watched(), generator)
            loss.backward()
        assert seen[0] is None
        ((h, c),) = seen[1]
        assert h.abs().sum() > 0 and c.abs().sum() > 0 and not h.requires_grad and not c.requires_grad

    @pytest.mark.parametrize("layer", [LSTMCell, GRUCell, nn.LSTM])
    def test_what_is_saved_gives_the_same_next_step(self, layer):
        torch.manual_seed(0)
        model = language.build(RecurrentLanguageModel, layer, TINY)[0]
        one, other = (language.Streams(TINY, 0, truncated_bptt) for _ in range(2))
        generator = torch.Generator()
        for _ in range(3):
            one(model, generator)
        other.load_state_dict(one.state_dict())
        assert one(model, generator)[0].item() == other(model, generator)[0].item()

    def test_what_is_saved_in_the_middle_of_a_text_gives_the_same_next_steps(self):
        torch.manual_seed(0)
        model = language.build(RecurrentLanguageModel, LSTMCell, TINY)[0]
        one, other = language.Streams(TINY, 0, truncated_bptt), language.Streams(TINY, 0, truncated_bptt)
        for step in range(language.CHUNKS + 3):
            loss = one(model, None)[0].item()
            if step == language.CHUNKS - 3:
                other.load_state_dict(one.state_dict())
            elif step > language.CHUNKS - 3:
                assert other(model, None)[0].item() == loss

    @pytest.mark.parametrize(
        ("read", "said"),
        [
            (lambda model, tokens, length: truncated_bptt(model, tokens, length + 1), "gave logits for"),
            (lambda model, tokens, length: [], "ended before"),
        ],
    )
    def test_a_loop_that_reads_other_chunks_is_refused(self, read, said):
        model = language.build(RecurrentLanguageModel, LSTMCell, TINY)[0]
        with pytest.raises(ValueError, match=f"{said}.*does your truncated_bptt pass its check"):
            language.Streams(TINY, 0, read)(model, None)

    def test_a_state_of_another_number_of_texts_is_refused(self):
        saved = language.Streams(replace(TINY, batch_size=3), 0, truncated_bptt).state_dict()
        with pytest.raises(ValueError, match="3 texts were being read; here there are 4"):
            language.Streams(TINY, 0, truncated_bptt).load_state_dict(saved)


class TestTheModel:
    @pytest.mark.parametrize(
        ("layer", "name"), [(LSTMCell, "LSTM"), (GRUCell, "GRU"), (nn.RNNCell, "RNN"), (nn.LSTM, "LSTM")]
    )
    @pytest.mark.parametrize("fused", [True, False])
    def test_layers_with_pytorchs_numbers_have_their_name_and_are_replaced_where_it_is_said(self, layer, name, fused):
        torch.manual_seed(0)
        settings = replace(TINY, n_layers=2)
        model, called, is_same = language.build(RecurrentLanguageModel, layer, settings, fused)
        assert (called, is_same) == (name, True)
        assert all(isinstance(part, language.FUSED[name] if fused else layer) for part in model.layers)

    def test_the_replacement_has_the_callers_weights(self):
        torch.manual_seed(0)
        own = RecurrentLanguageModel(len(village.VOCABULARY), TINY.d_model, 1, LSTMCell)
        torch.manual_seed(0)
        model, _, _ = language.build(RecurrentLanguageModel, LSTMCell, TINY, fused=True)
        tokens = torch.randint(len(village.VOCABULARY), (2, 9))
        torch.testing.assert_close(model(tokens)[0], own(tokens)[0], atol=1e-5, rtol=0)

    def test_a_cell_with_other_numbers_is_trained_as_it_is(self, tmp_path, capsys):
        class LeakyLSTMCell(LSTMCell):
            def forward(self, x, state=None):
                h, c = super().forward(x, state)
                return h, 0.5 * c

        curve = language.run(
            RecurrentLanguageModel, LeakyLSTMCell, truncated_bptt, "smoke", folder=tmp_path, settings=TINY
        )
        assert curve.layer == "LeakyLSTM" and isinstance(curve.model.layers[0], LeakyLSTMCell)
        assert "none of PyTorch's layers" in capsys.readouterr().out
        assert "Nothing has been recorded" in language.alt_text(curve)
        language.plot(curve)


class TestJudging:
    def test_a_text_is_charged_for_every_token_from_its_beginning(self):
        torch.manual_seed(0)
        model = RecurrentLanguageModel(len(village.VOCABULARY), 16, 1)
        texts = [document.tokens for document in islice(village.documents(3), 5)]
        for text, losses in zip(texts, judging.token_losses(model, texts, n_together=3), strict=True):
            logits = model(torch.tensor([[village.END, *text[:-1]]]))[0][0].double().log_softmax(dim=-1)
            expected = -logits[range(len(text)), list(text)].detach().numpy()
            np.testing.assert_allclose(losses, expected, atol=1e-4)

    def test_a_text_without_tokens_is_refused(self):
        with pytest.raises(ValueError, match="without tokens"):
            judging.token_losses(RecurrentLanguageModel(len(village.VOCABULARY), 4, 1), [[1, 2], []])

    def test_the_bound_is_that_of_the_best_possible_reader_on_the_same_tokens(self):
        exam = judging.validation(30)
        of_kind = [village.surprisal(d) for d in exam.documents if d.kind == "sum"]
        assert exam.bound["sum"] == pytest.approx(np.concatenate(of_kind).mean())
        assert exam.bound["all"] == pytest.approx(np.concatenate([village.surprisal(d) for d in exam.documents]).mean())
        assert exam.means(exam.exact) == list(exam.bound.values())

    def test_documents_that_lack_a_kind_are_refused(self):
        plays = list(islice(village.documents(0, "validation", "play"), 3))
        with pytest.raises(ValueError, match="among 3 documents there is no record, no story, no sum"):
            judging.Validation(plays)


class TestTheLab:
    def test_a_resumed_run_equals_an_uninterrupted_one(self, curve, tmp_path):
        half = tiny_run(tmp_path, stop_after=6)
        assert half.tokens[-1] == 6 * TINY.tokens_per_step
        whole = tiny_run(tmp_path)
        assert (whole.tokens, whole.loss) == (curve.tokens, curve.loss)
        weights = zip(whole.model.parameters(), curve.model.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in weights)

    def test_a_finished_run_is_read_and_not_trained_again(self, curve, tmp_path):
        first = tiny_run(tmp_path)
        again = tiny_run(tmp_path)
        assert again.loss == first.loss == curve.loss and again.seconds == first.seconds

    def test_a_checkpoint_of_other_sizes_is_refused(self, tmp_path):
        tiny_run(tmp_path, stop_after=2)
        with pytest.raises(CheckpointError, match="batch_size was 4, now 5"):
            tiny_run(tmp_path, settings=replace(TINY, batch_size=5))

    def test_an_unknown_scale_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match='"smoke", "laptop" or "colab"'):
            language.run(RecurrentLanguageModel, LSTMCell, truncated_bptt, "huge", folder=tmp_path)

    def test_the_loss_falls_and_stays_above_the_bound(self, curve):
        assert curve.tokens[-1] == TINY.steps * TINY.tokens_per_step
        assert curve.loss["all"][-1] < curve.loss["all"][0] - 0.3
        assert all(curve.gap(group) > 0 for group in judging.GROUPS)

    def test_the_laptops_lstm_has_at_most_a_million_parameters(self):
        laptop = language.SCALES["laptop"]
        assert experiment.n_parameters("LSTM", laptop.d_model, laptop.n_layers) <= 1_000_000

    def test_the_example_is_a_story_of_the_documents_that_are_judged(self):
        text = language.example("smoke")
        documents = judging.validation(language.SCALES["smoke"].n_documents).documents
        assert text in [document.text for document in documents if document.kind == "story"]

    def test_a_story_is_drawn_by_the_sampler_that_is_handed_in(self, curve):
        assert language.sample_story(curve, seed=1) == language.sample_story(curve, sample, seed=1)
        assert language.sample_story(curve, seed=1) != language.sample_story(curve, seed=2)

        def always_end(logits, temperature, generator):
            assert logits.shape == (1, len(village.VOCABULARY)) and temperature == 0.7
            return torch.tensor([village.END])

        prompt = "Chapter 1\nMira"
        assert language.sample(curve.model, always_end, prompt, temperature=0.7) == prompt + " <end>"

    def test_a_prompt_that_the_village_cannot_read_is_refused(self, curve):
        with pytest.raises(ValueError, match="no word 'zebra'"):
            language.sample(curve.model, sample, "the zebra")

    def test_the_figure_says_its_finding_and_its_bound(self, curve):
        figure = language.plot(curve)
        assert figure.axes[0].get_title(loc="left") == language.finding(curve)
        assert f"{curve.gap():.2f} nats above" in language.finding(curve)
        assert f"exact bound is {curve.bound['all']:.2f}" in language.alt_text(curve)


class TestCounting:
    documents = tuple(islice(village.documents(5), 30))

    def test_contexts_do_not_reach_into_the_document_before(self):
        counts = experiment.count_ngrams(experiment.padded(list(self.documents), 4), 4)
        expected = {}
        for document in self.documents:
            for context, token in experiment.pairs(document.tokens, 4):
                expected.setdefault(context, []).append(token)
        assert set(expected) <= set(counts)
        assert all(counts[context].total() == len(tokens) for context, tokens in expected.items())

    def test_interpolated_probabilities_sum_to_one(self):
        counted = experiment.Counted(list(self.documents), (1, 2, 3))
        for context in (experiment.pairs(self.documents[0].tokens, 3)[7][0], (3, 3)):
            total = math.fsum(counted.probability(context, token, 3) for token in range(len(village.VOCABULARY)))
            assert total == pytest.approx(1)


class TestEveryPosition:
    def test_a_question_is_where_a_value_comes_next(self):
        for one in every_position.pages(20, "validation"):
            told = [sentence for sentence in one.document.sentences if "value" in sentence.drawn]
            values = [village.encode(sentence.drawn["value"])[0] for sentence in told]
            assert [int(one.tokens[at + 1]) for at in one.questions] == values
            assert len(one.tokens) <= every_position.LONGEST + 1

    def test_all_positions_of_a_page_are_targets_and_none_of_the_padding(self):
        given = every_position.pages(3, "train")
        model = every_position.machine(0, every_position.SMOKE)
        tokens, asked = every_position.batch(given, every_position.labels(given), [0, 1, 2])
        losses = np.concatenate(judging.token_losses(model, [one.document.tokens for one in given]))
        assert every_position.loss_of(model, tokens, asked, True)[0].item() == pytest.approx(losses.mean(), abs=1e-4)

    def test_a_label_is_one_target_and_among_those_of_every_position(self):
        given = every_position.pages(3, "train")
        model = every_position.machine(0, every_position.SMOKE)
        tokens, asked = every_position.batch(given, every_position.labels(given), [0, 1, 2])
        losses = judging.token_losses(model, [one.document.tokens for one in given])
        expected = np.mean([of_page[at] for of_page, at in zip(losses, asked.tolist())])
        assert every_position.loss_of(model, tokens, asked, False)[0].item() == pytest.approx(expected, abs=1e-4)
        assert all(at in one.questions for one, at in zip(given, asked.tolist()))

    def test_the_best_reader_is_exact_where_everything_is_stated(self):
        right, loss = every_position.best_reader(every_position.pages(20, "validation"))
        assert right > 0.9 and 0 <= loss < 0.3


class TestChekhov:
    def test_a_story_is_cut_before_the_thing_that_is_used(self):
        for document in islice(village.documents(2, kinds="story", chapters=5), 20):
            one = chekhov.story(document)
            words = chekhov.words_of(one.thing)
            assert document.tokens[: len(one.prefix) + len(words)] == (*one.prefix, *words)
            who, thing = document.sentences[-1].truth["used"]
            assert thing == one.thing and village.VOCABULARY[one.prefix[-1]] in {who, "and", "she", "he"}
            assert one.exact == pytest.approx(0, abs=1e-9) and thing in one.rivals <= one.named

    def test_without_promises_everything_was_settled_in_chapter_1(self):
        for one in chekhov.stories(3, False, (3, 6)):
            assert one.settled == "keep" and one.before is None
            assert one.distance > len(one.prefix) / 2

    def test_a_network_scores_as_it_would_reading_each_story_by_itself(self):
        torch.manual_seed(0)
        told = chekhov.stories(3, True, (3, 4))
        for layer in (nn.LSTM, nn.GRU):
            model, _, _ = language.build(RecurrentLanguageModel, layer, TINY)
            scores = chekhov.network_scores(model, told, n_together=4)
            for i, one in enumerate(told):
                for thing in (0, chekhov.THINGS.index("mask")):
                    words = chekhov.words_of(chekhov.THINGS[thing])
                    losses = judging.token_losses(model, [[*one.prefix, *words]])[0][-len(words) :]
                    assert scores[i, thing] == pytest.approx(-losses.sum(), abs=1e-3)

    def test_a_transformer_scores_as_it_would_reading_each_story_or_the_end_of_a_longer_one(self):
        torch.manual_seed(0)
        told = chekhov.stories(3, True, (3, 4))
        lengths = sorted(len(one.prefix) for one in told)
        model = GPT(len(village.VOCABULARY), lengths[3], 16, 2, 2).eval()
        room = model.context - chekhov.LONGEST_USE
        assert room < lengths[-1]
        scores = chekhov.network_scores(model, told, n_together=4)
        longer = GPT(len(village.VOCABULARY), 2000, 16, 2, 2)
        longer.load_state_dict(model.state_dict())
        for i, one in enumerate(told):
            read = torch.tensor([village.END, *one.prefix])[-room:]
            for thing in (0, chekhov.THINGS.index("mask")):
                words = torch.tensor(chekhov.words_of(chekhov.THINGS[thing]))
                with torch.no_grad():
                    log_p = longer(torch.cat([read, words])[None, :-1])[0][0, len(read) - 1 :].log_softmax(dim=-1)
                assert scores[i, thing] == pytest.approx(log_p.gather(1, words[:, None]).sum().item(), abs=1e-3)

    def test_a_record_of_another_village_is_refused_and_a_view_has_the_models_that_it_names(self):
        recorded = results.load("chekhov")
        with pytest.raises(ValueError, match="another edition"):
            chekhov.with_the_transformers({**recorded, "settings": {**recorded["settings"], "village": "0"}}, Path("."))
        four = chekhov_chart.only(recorded, "LSTM", "GRU", "RNN", "n-gram")
        assert set(four["data"]["keep"]["by_distance"]["models"]) == {"LSTM", "GRU", "RNN", "n-gram"}

    def test_choices_tell_the_new_promise_from_the_old_one(self):
        rivals, names = frozenset({"gong", "flag"}), frozenset({"gong", "map"})
        one = chekhov.Story((), "gong", 9, "promise", "bell", rivals, names, 0.0)
        things = ("gong", "bell", "flag", "map", "axe")
        assert tuple(chekhov.choice(one, thing) for thing in things) == chekhov.CHOICES


@pytest.mark.parametrize("name", NAMES)
def test_the_experiment_runs_small_and_records_everything(name, tmp_path, run_small):
    before = {file: file.read_bytes() for file in results.FOLDER.glob("*.json")}
    run_small(import_module(f"experiments.{name}"), tmp_path)
    result = results.load(name.replace("_", "-"), tmp_path)
    record.Record.model_validate(result)
    assert "--smoke" in result["command"] and result["settings"]["village"] == village.fingerprint()
    assert {file: file.read_bytes() for file in results.FOLDER.glob("*.json")} == before
    chart = import_module(f"layercake.figures.{name}")
    figure = chart.plot(result)
    assert figure.axes[0].get_title(loc="left") == chart.finding(result)
    assert one_line(chart.finding(result)) in chart.alt_text(result)


@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_run_refuses_to_overwrite_the_record(name, check_refusal):
    check_refusal(import_module(f"experiments.{name}"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_recorded_is_of_todays_village_and_was_no_smoke_run(name):
    recorded = results.load(name.replace("_", "-"))
    record.Record.model_validate(recorded)
    assert "--smoke" not in recorded["command"] and len(recorded["seeds"]) >= 3
    assert recorded["settings"]["village"] == village.fingerprint()


@pytest.mark.parametrize("module", [experiment, chekhov, every_position])
def test_every_sentence_and_number_is_computed_from_the_recorded_data(module):
    recorded = results.load(module.CLAIM["id"])
    data = recorded["data"]["laptop"] if module is experiment else recorded["data"]
    assert recorded["claim"] == module.CLAIM and recorded["limits"] == module.LIMITS
    assert recorded["finding"] == module.finding(data)
    assert recorded["measured"] == json.loads(json.dumps(module.measured(data)))
    assert recorded["numbers"] == json.loads(json.dumps(module.numbers(data)))


def test_the_records_carry_their_claims():
    """Each claim, against the data: networks below counts and above the bound; every position above one label of each;
    and no recurrent network near the best reader on what was settled long ago."""
    data = results.load("language")["data"]["laptop"]
    counted = experiment.best_ngram(data)[2]
    for network in data["networks"].values():
        assert data["bound"]["all"] < min(experiment.ends(network)) and max(experiment.ends(network)) < counted
    data = results.load("every-position")["data"]
    for label, every in zip(data["one label"]["right"]["high"], data["every position"]["right"]["low"], strict=True):
        assert label < every < data["bound"]["right"]
    kept = results.load("chekhov")["data"]["keep"]["by_distance"]
    assert max(kept["exact"]) < 1e-6
    for name in ("LSTM", "GRU", "RNN"):
        for right, rivals in zip(kept["models"][name]["right"]["high"], kept["rivals"], strict=True):
            assert right < math.exp(-rivals)


def test_the_recorded_band_is_that_of_its_seeds_and_of_todays_settings():
    recorded = results.load("language")
    for scale in ("smoke", "laptop"):
        lstm = recorded["data"][scale]["networks"]["LSTM"]
        assert lstm["seeds"] >= 3
        for group in judging.GROUPS:
            band = lstm["loss"][group]
            points = zip(zip(*band["seeds"]), band["median"], band["low"], band["high"], strict=True)
            for values, median, low, high in points:
                assert (median, low, high) == (statistics.median(values), min(values), max(values))
    for name in ("LSTM", "GRU", "RNN"):
        assert recorded["settings"][name] == json.loads(json.dumps(vars(experiment.settings_of(name, "laptop"))))
    sizes = [network["parameters"] for network in recorded["data"]["laptop"]["networks"].values()]
    assert max(sizes) / min(sizes) < 1.02
