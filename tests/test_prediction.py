"""Proves that what is drawn by chance is judged soundly, and that the lab of counting says what it measured.

A right answer keeps far from the limit, a known mistake is named in another handwriting, an answer that ignores the
question earns next to nothing; the lab's bound is below every loss, its table and its figure agree, and writing stops
where nothing was ever seen.
"""

import math

import pytest
import torch
from matplotlib import pyplot as plt

from autograder.checking import soundness
from autograder.checking.chance import FALSE_ALARM, divergence
from autograder.checking.judge import observe_all
from autograder.checking.topic import load
from autograder.checks.common import DRAWS
from autograder.checks.prediction.shared import shares_agree
from layercake import village
from layercake.labs import ngram
from solutions import prediction

TOPIC = load("prediction")
STATISTICAL = [
    (name, check.name) for name, exercise in TOPIC.exercises.items() for check in exercise.checks if check.judge
]


@pytest.mark.parametrize(("name", "check"), STATISTICAL)
def test_right_draws_stay_far_below_the_limit(name, check):
    largest = 0.0
    for seed in range(30):
        seen = observe_all(TOPIC, TOPIC.exercises[name], TOPIC.reference(name), seed)[check].value
        n_shares = sum(right.numel() for right in seen["right"].values())
        allowed = math.log(2 * n_shares / FALSE_ALARM) / DRAWS
        largest = max(
            largest, *(divergence(seen["seen"][case], seen["right"][case]).max() / allowed for case in seen["right"])
        )
    assert 0 < largest < 0.7  # a thousand times less likely than the limit


def test_the_limit_is_chernoffs():
    right = torch.tensor([0.3, 0.7], dtype=torch.float64)
    allowed = math.log(2 * 2 / FALSE_ALARM) / DRAWS

    def verdict(share):
        seen = torch.tensor([share, 1 - share], dtype=torch.float64)
        return shares_agree({"seen": {"a": seen}}, {"seen": {}, "right": {"a": right}})

    edge = next(
        share
        for share in torch.linspace(0.3, 0.5, 2001).tolist()
        if divergence(torch.tensor(share).double(), right[0]) > allowed
    )
    assert verdict(edge - 2e-4) is None and "expected 30.0%" in verdict(edge + 2e-4)
    assert verdict(math.nan) is not None


def test_what_cannot_come_may_not_come_once():
    right = torch.tensor([1.0, 0.0], dtype=torch.float64)
    seen = torch.tensor([1 - 1 / DRAWS, 1 / DRAWS], dtype=torch.float64)
    assert shares_agree({"seen": {"a": seen}}, {"right": {"a": right}})
    assert shares_agree({"seen": {"a": right}}, {"right": {"a": right}}) is None


def gumbel(logits, temperature=1.0, top_k=None, top_p=None, generator=None, power=1.0):
    """Another handwriting: Gumbel noise on sorted logits; `power` below or above 1 is a wrong use of temperature."""
    if temperature == 0:
        return logits.argmax(-1)
    ranked, order = (logits * power / temperature).sort(-1, descending=True)
    if top_k:
        ranked[..., top_k:] = -torch.inf
    if top_p:
        ranked[ranked.softmax(-1).cumsum(-1) - ranked.softmax(-1) >= top_p] = -torch.inf
    noise = -torch.log(-torch.log(torch.rand(ranked.shape, generator=generator)))
    return order.gather(-1, (ranked + noise).argmax(-1, keepdim=True)).squeeze(-1)


@pytest.mark.parametrize(
    ("mistake", "power"),
    [("ignores_the_temperature", lambda t: t), ("multiplies_by_the_temperature", lambda t: t * t)],
)
def test_a_mistake_with_chance_is_named_in_another_handwriting(mistake, power):
    def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
        for name, value, wrong in (
            ("temperature", temperature, temperature < 0),
            ("k", top_k, top_k == 0),
            ("p", top_p, top_p in (0, 1.5)),
        ):
            if wrong:
                raise ValueError(f"{name} = {value}")
        return gumbel(logits, temperature, top_k, top_p, generator, power(temperature))

    assert soundness.judged(TOPIC, "sample", sample).mistake == mistake


@pytest.mark.parametrize(
    "answer",
    [
        lambda logits, *_, generator=None, **__: torch.randint(logits.size(-1), logits.shape[:-1], generator=generator),
        lambda logits, *_, **__: torch.zeros(logits.shape[:-1], dtype=torch.long),
    ],
)
def test_draws_that_ignore_the_logits_earn_next_to_nothing(answer):
    assert soundness.judged(TOPIC, "sample", answer).earned <= 0.25


def test_no_blanks_at_all_earn_nothing():
    def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
        return tokens.clone(), torch.full_like(tokens, -100)

    assert soundness.judged(TOPIC, "mask_tokens", mask_tokens).earned == 0


# --- the lab ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    texts = ngram.texts("smoke")
    return texts, ngram.run(prediction.count_ngrams, prediction.ngram_probabilities, prediction.cross_entropy, texts)


def test_more_text_helps_longer_contexts_longer_and_none_reaches_the_bound(measured):
    texts, losses = measured
    winners = ngram.best(losses)
    assert winners == sorted(winners) and winners[0] < winners[-1]
    assert all(loss > texts.bound for row in losses.values() for loss in row)
    assert all(row == sorted(row, reverse=True) for row in losses.values())


def test_the_loss_is_that_of_the_smoothed_counts(measured):
    texts, losses = measured
    counts = prediction.count_ngrams(texts.train[: texts.sizes[0]], 2)
    ids = texts.validation.tolist()
    charged = [
        -math.log(prediction.ngram_probabilities(counts, (before,), len(village.VOCABULARY), 0.01)[token])
        for before, token in zip(ids[ngram.SHARED - 1 :], ids[ngram.SHARED :])
    ]
    assert losses[2][0] == pytest.approx(sum(charged) / len(charged), rel=1e-4)
    assert len(charged) == texts.n_tokens


def test_table_words_and_figure_say_the_same(measured):
    texts, losses = measured
    table = ngram.table(losses, texts, prediction.perplexity, prediction.bits_per_byte)
    words = ngram.alt_text(losses, texts)
    figure = ngram.plot(losses, texts)
    (axes,) = figure.axes
    assert f"{losses[3][-1]:.3f}" in table and f"to {losses[3][-1]:.2f}" in words
    assert list(axes.lines[2].get_ydata()) == losses[3] and axes.get_title(loc="left") == ngram.finding(losses, texts)
    assert not plt.get_fignums()


def test_writing_stops_where_nothing_was_ever_seen(measured):
    texts, _ = measured
    assert ngram.write(
        lambda tokens, n: {}, prediction.ngram_probabilities, lambda logits: logits.argmax(), texts, 5
    ).endswith("[never seen]")


def test_an_unknown_scale_is_refused():
    with pytest.raises(ValueError, match="laptop"):
        ngram.texts("huge")


# --- the reference ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: prediction.next_token_pairs(torch.arange(4), 4), "4 tokens do not fill a window of 4"),
        (lambda: prediction.cross_entropy(torch.zeros(2, 3), torch.tensor([1])), "do not go together"),
        (lambda: prediction.cross_entropy(torch.zeros(1, 3), torch.tensor([-100])), "nothing to predict"),
        (lambda: prediction.bits_per_byte(1.0, 3, 0), "n_bytes=0"),
        (lambda: prediction.count_ngrams(torch.arange(4), 0), "n=0"),
        (lambda: prediction.ngram_probabilities({}, (1,), 4, k=0), "never seen"),
        (lambda: prediction.ngram_probabilities({}, (1,), 4, k=-1), "k=-1"),
        (lambda: prediction.sample(torch.zeros(3), temperature=-1), "temperature=-1"),
        (lambda: prediction.sample(torch.zeros(3), top_k=0), "top_k=0"),
        (lambda: prediction.sample(torch.zeros(3), top_p=0.0), "top_p=0.0"),
        (lambda: prediction.mask_tokens(torch.arange(3), 9, 9, probability=2), "probability=2"),
    ],
)
def test_wrong_input_to_the_reference_is_a_clear_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()
