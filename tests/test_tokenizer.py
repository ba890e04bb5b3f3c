"""Proves that the tokenizer's lab, experiment, record and chapter say what was counted.

The lab's first merges are the smaller tokenizer, no document is learned from and judged on, a text of your own is read
in all of its second half; the experiment compares the same held-out messages, and what it tells of languages follows
from its counts; the record bears out what its claim says, and the chart and the chapter read it.
"""

import re
from pathlib import Path
from statistics import median

import pytest

from experiments import record
from experiments import tokenizer as experiment
from layercake import results
from layercake.figures import tokenizer as chart
from layercake.labs import tokenizer as lab
from solutions.tokenizer import decode, encode, train_bpe

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def sample() -> lab.Texts:
    return lab.texts("smoke")


@pytest.fixture(scope="module")
def curves(sample) -> lab.Curves:
    return lab.run(train_bpe, encode, sample)


@pytest.fixture(scope="module")
def recorded() -> dict:
    return results.load("tokenizer")


# The lab


def test_no_document_is_learned_from_and_judged_on(sample):
    settings = lab.SCALES["smoke"]
    for name, its in lab.documents().items():
        assert len(sample.learned[name]) == settings.learned and len(sample.held_out[name]) == settings.held_out
        long = [one for one in its if len(one) > 500]
        assert not [one for one in long if one[:500] in sample.learned[name] and one[:500] in sample.held_out[name]]
    assert lab.texts("smoke") == sample != lab.texts("smoke", seed=1)


def test_the_first_merges_are_the_smaller_tokenizer(sample, curves):
    for name, text in sample.learned.items():
        for i, size in enumerate(sample.sizes):
            merges = train_bpe(text, size)
            assert merges == curves.merges[name][: size - 256]
            for read, held_out in sample.held_out.items():
                expected = len(held_out.encode()) / len(encode(held_out, merges))
                assert curves.bytes_per_token[name][read][i] == expected
    assert all(row[0] == 1 for rows in curves.bytes_per_token.values() for row in rows.values())


def test_a_text_costs_least_by_the_tokenizer_of_its_kind(curves):
    for name, rows in curves.bytes_per_token.items():
        other = next(other for other in curves.bytes_per_token if other != name)
        assert rows[name][-1] > curves.bytes_per_token[other][name][-1]


def test_the_table_says_what_each_doubling_bought(curves):
    row = curves.bytes_per_token["English"]["English"]
    lines = lab.table(curves).splitlines()
    assert len(lines) == 5 and "1,024" in lines[0]
    assert f"{row[-1]:.2f} (+{row[-1] - row[-2]:.2f})" in lines[1]


@pytest.mark.parametrize(
    "text", ["Über den Dächern des Dorfes steht der Mond. " * 90, "村の宿屋の壁には銃が掛かっていた。" * 90]
)
def test_a_text_of_yours_is_read_in_all_of_its_second_half(curves, text):
    read = []

    def watched(text: str, merges: list) -> list[int]:
        read.append(text)
        return encode(text, merges)

    said = lab.compare(text, train_bpe, watched, curves, 280)
    assert set(read) == {text[-len(read[0]) :]} and len(text) // 2 <= len(read[0]) < len(text) * 0.6
    rows = {line[:28].strip(): line[28:].split() for line in said.splitlines()[2:]}
    assert list(rows) == ["bytes", "learned from English", "learned from Python source", "learned from its first half"]
    counts = {name: int(row[0].replace(",", "")) for name, row in rows.items()}
    assert counts["bytes"] == len(read[0].encode()) and counts["learned from its first half"] == min(counts.values())


def test_a_text_that_is_too_short_is_told(curves):
    with pytest.raises(ValueError, match="no pair left"):
        lab.compare("too short", train_bpe, encode, curves)
    with pytest.raises(ValueError, match="empty"):
        lab.compare("", train_bpe, encode, curves)


def test_the_labs_picture_shows_the_curves_and_the_recorded_languages(curves, recorded):
    figure = lab.plot(curves)
    above, below = figure.axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in above.get_lines()}
    assert drawn["English, by the tokenizer of its kind"] == curves.bytes_per_token["English"]["English"]
    assert above.get_title(loc="left") == lab.finding(curves)
    assert [label.get_text() for label in below.get_yticklabels()] == chart.languages(recorded["data"])
    assert all(
        f"{rows[read][-1]:.2f}" in lab.alt_text(curves) for rows in curves.bytes_per_token.values() for read in rows
    )


def test_an_unknown_scale_is_told():
    with pytest.raises(ValueError, match="huge"):
        lab.texts("huge")


# The experiment


def test_the_experiment_runs_small_and_records_everything(tmp_path, run_small):
    said = run_small(experiment, tmp_path)
    written = results.load("tokenizer", tmp_path)
    record.Record.model_validate(written)
    assert "--smoke" in written["command"] and written["finding"] in said
    assert len(written["data"]["messages"]) == 4  # English and every fourth language


def test_a_smoke_run_refuses_to_overwrite_the_record(check_refusal):
    check_refusal(experiment)


@pytest.fixture(scope="module")
def toy() -> dict[str, dict[str, str]]:
    """English, the same in other letters, and a language that says all of it twice."""
    english = {text: text for text in (f"the {a} of the {b}" for a in "abcdef" for b in "uvwxyz")}
    return {
        "English": english,
        "twin": {text: text.upper() for text in english},
        "twice": {text: f"{text} {text}" for text in english},
    }


def test_a_language_that_is_english_in_other_letters_costs_the_same_by_its_own_tokenizer(toy):
    split = experiment.of_split(toy, seed=0, vocab_size=266, others=(262,))
    assert split["n"] == len(toy["English"]) // 4
    costs = split["costs"]
    assert costs["twin"]["own"] == costs["English"]["own"] == costs["English"]["English"]
    assert (
        costs["twin"]["English"] == costs["twin"]["bytes"] > 1.5 * costs["English"]["English"]
    )  # knows no such letter
    assert costs["twice"]["own"] > 1.8 * costs["English"]["English"]  # and this one is longer, by any tokenizer
    assert costs["twice"]["English"] > 1.8 * costs["English"]["English"]
    assert costs["English"]["characters"] == costs["English"]["bytes"] == costs["twin"]["bytes"]


def test_held_out_messages_are_in_no_training_text(toy, monkeypatch):
    learned, read = [], []
    monkeypatch.setattr(experiment, "train_bpe", lambda text, size: learned.append(text) or [])
    monkeypatch.setattr(experiment, "cost", lambda texts, merges: read.append(texts) or 1)
    experiment.of_split(toy, seed=3, vocab_size=266, others=(262,))
    held_out = {text for texts in read for text in texts}
    assert held_out and not held_out & {line for text in learned for line in text.split("\n")}


def test_all_languages_have_the_same_messages():
    texts, complete = experiment.messages({"French": "fr", "Korean": "ko"})
    assert texts["English"].keys() == texts["French"].keys() == texts["Korean"].keys() and len(texts["English"]) > 500
    assert all(message == text for message, text in texts["English"].items())
    assert min(complete.values()) >= 0.85
    assert sum(re.search("[가-힣]", text) is not None for text in texts["Korean"].values()) > 400


# The record, its chart, and the chapter


def test_what_is_recorded_bears_out_the_claim(recorded):
    data = recorded["data"]
    assert min(data["complete"].values()) >= 0.85 and data["complete"].keys() == experiment.LANGUAGES.keys()
    for language in chart.languages(data):
        by_english, own = (chart.ratio(data, language, arm) for arm in ("English", "own"))
        assert by_english["value"] >= 1.5 and experiment.kept(data, language) < 0.5
        assert own["high"] < by_english["low"]
    for name in ("English", "Python source"):
        gains = chart.gains(data, name)
        assert gains == sorted(gains, reverse=True)
    assert recorded["claim"] == experiment.CLAIM and recorded["limits"] == experiment.limits(data)
    assert recorded["finding"] == experiment.finding(data) and recorded["numbers"] == experiment.numbers(data)
    assert recorded["seeds"] == list(experiment.SEEDS)


def test_the_chart_draws_what_is_recorded(recorded):
    data = recorded["data"]
    above, below = chart.plot(data).axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in above.get_lines()}
    assert drawn["English, by the tokenizer of its kind"] == [
        median(splits) for splits in data["bytes_per_token"]["English"]["English"]
    ]
    marks = {line.get_label(): list(line.get_xdata()) for line in below.get_lines()}
    for arm, (_, _, label) in chart.ARMS.items():
        assert marks[label] == [chart.ratio(data, language, arm)["value"] for language in chart.languages(data)]
    assert below.get_title(loc="left") == chart.finding(data)
    assert all(language in chart.alt_text(data) for language in data["messages"])
    assert f"{chart.ratio(data, 'Persian', 'own')['value']:.1f}" in chart.alt_text(data)


def test_the_chapter_and_the_notebook_stand_where_the_tokens_come_from():
    order = re.findall(r"file: book/(\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert order.index("transformer") + 1 == order.index("tokenizer") == order.index("pretraining") - 1
    chapter = (ROOT / "book" / "tokenizer.md").read_text(encoding="utf-8")
    assert 'results.load("tokenizer")' in chapter and "bpe-bytes" in chapter
    assert "train_bpe" not in (ROOT / "book" / "pretraining.md").read_text(encoding="utf-8")


def test_no_alias_is_left_in_pretraining():
    from solutions import pretraining

    assert not {"train_bpe", "encode", "decode", "merge_pair", "split_words"} & vars(pretraining).keys()
    assert decode(encode("naïve 村", []), []) == "naïve 村"
