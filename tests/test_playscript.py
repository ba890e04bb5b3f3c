"""Proves that the interviews of the topic playscript ask what they say, and that their figure shows what was counted.

Only what stands in front of a question differs between stagings; examples are right or wrong as announced and never
about the question; a speaker who knows all answers is counted right, one who knows the others is counted wrong; one
text is not taken for a list of its letters.
"""

import random

import pytest
import torch

from layercake import village
from layercake.figures import lab_playscript
from layercake.figures import playscript as chart
from layercake.figures.style import one_line
from layercake.labs import playscript
from layercake.village import experts
from solutions import playscript as reference
from solutions.playscript import LEFT, OUTCOMES, RIGHT, WRONG
from solutions.transformer import GPT

PARTS = (reference.render_playscript, reference.few_shot_prompt, reference.generate_until, reference.classify_failure)


@pytest.fixture(scope="module")
def asked():
    return playscript.questions(30)


@pytest.fixture
def few(monkeypatch):
    """A lab of three questions."""
    monkeypatch.setitem(playscript.SCALES, "smoke", 3)
    monkeypatch.setattr(playscript, "N_TOKENS", 8)


def interviewed(answers=None, **more):
    """The lab at the smallest scale; where there are `answers`, nobody but these writes."""
    render, few_shot, generate, classify = PARTS

    def known(model, tokens, stops, n_tokens, choose):
        text = village.decode(tokens[1:])
        (line,) = [line for question, line in answers.items() if text.rpartition("\n")[0].endswith(question)]
        return village.encode(line)

    return playscript.run(render, few_shot, known if answers else generate, classify, "smoke", **more)


def tiny():
    torch.manual_seed(0)
    return GPT(len(village.VOCABULARY), 1200, 16, 2, 2).eval()


# Stagings ------------------------------------------------------------------------------------------------------------


def test_every_staging_ends_with_the_question_and_an_open_label(asked):
    all_of_them = playscript.stagings(*PARTS[:2])
    assert len({staging.name for staging in all_of_them}) == 12
    for staging in all_of_them:
        prompts = [staging.prompt(question) for question in asked]
        for question, prompt in zip(asked, prompts):
            before, last = prompt.rsplit("\n", 1)
            assert before.endswith(f" {question.text}") and last[-1] in ":>" and " " not in last
            assert village.decode(village.encode(prompt)) == prompt  # words of the village, written as it writes them
        assert len({prompt.replace(its.text, "") for its, prompt in zip(asked, prompts)}) <= len(prompts) // 2


def test_the_stagings_are_told_apart_by_what_stands_in_front():
    question = playscript.questions(1)[0]
    prompts = {staging.name: staging.prompt(question) for staging in playscript.stagings(*PARTS[:2])}
    assert prompts["nobody introduced"].count("\n") == 1
    in_order, out_of_order = (prompts[playscript.TELEGRAPH.format(state)] for state in playscript.STATES)
    assert in_order.replace("in order", "out of order") == out_of_order
    guide, clerk = prompts["the guide"], prompts["the clerk"]
    assert guide.replace("guide", "clerk").replace("Guide", "Clerk") == clerk
    for n in (0, 1, 4, 16):
        prompt = prompts[playscript.SHOWN.format(n)]
        assert prompt.count("\nTeacher: ") == n and prompt.count("\nNell: ") == n + 1


def test_no_play_of_the_village_has_a_teacher_and_all_have_the_others():
    plays = village.documents(3, "validation", "play")
    texts = [next(plays).text for _ in range(200)]
    assert not any("\nTeacher:" in text for text in texts)
    for who in playscript.ANSWERERS:
        assert any(f"and {who}." in text and f"\n{reference.label(who)}:" in text for text in texts)
    assert all(any(f"which is {state}." in text for text in texts) for state in playscript.STATES)


@pytest.mark.parametrize("right", [True, False])
def test_examples_are_right_or_wrong_as_announced_and_never_about_a_question(asked, right):
    dice = random.Random(0)
    others = {its.text: its for its in (experts.ask(dice, kind="known", polite=False) for _ in range(4000))}
    shown = playscript.examples(16, right)
    assert len(shown) == 16
    for text, answer in shown:
        assert others[text].fact not in {question.fact for question in asked}
        assert reference.names(answer, " ".join(others[text].value)) == right
    assert all(map(experts.taught, (others[text].fact for text, _ in shown)))
    assert all(map(experts.examined, (question.fact for question in asked)))


# Interviews ----------------------------------------------------------------------------------------------------------


def test_whoever_knows_is_right_and_whoever_names_another_is_wrong(few):
    questions = playscript.questions(3)
    for outcome, line in ((RIGHT, lambda its: experts.in_short(its, its.value)), (WRONG, lambda its: its.rivals[0])):
        interviews = interviewed({question.text: line(question) for question in questions}, model=tiny())
        assert [interview.share(outcome) for interview in interviews] == [1.0] * 12
        assert [question for question, *_ in interviews[0].written] == [question.text for question in questions]


def test_it_is_stopped_where_the_next_question_begins(few):
    stops = []

    def notes(model, tokens, its_stops, n_tokens, choose):
        assert tokens[0] == village.END and n_tokens == playscript.N_TOKENS
        stops.append((tokens, its_stops))
        return village.encode("curtain.")

    render, few_shot, _, classify = PARTS
    playscript.run(render, few_shot, notes, classify, "smoke", model=tiny())
    wired = {its[-1] == village.VOCABULARY.index("<assistant>"): stop for its, stop in stops}
    assert wired == {True: [village.encode("\n<user>")], False: [village.encode(f"\n{playscript.ASKER}:")]}


def test_the_lab_runs_on_any_model_and_a_seed_gives_the_same(few):
    first, again, other = (interviewed(model=tiny(), seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert {outcome for interview in first for *_, outcome in interview.written} <= set(OUTCOMES)
    with pytest.raises(ValueError, match="SCALE = 'huge' is not known"):
        playscript.run(*PARTS, "huge")


def test_the_shipped_model_answers_as_the_guide_and_not_as_a_teacher(monkeypatch):
    every = playscript.stagings
    asked = ("the guide", playscript.SHOWN.format(0))
    monkeypatch.setattr(playscript, "stagings", lambda *parts: [its for its in every(*parts) if its.name in asked])
    guide, teacher = interviewed()
    assert guide.share(RIGHT) >= 0.5 and teacher.share(RIGHT) <= 0.2


# Bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: reference.render_playscript("inn", "Nell", [], "Nell"), "cast='Nell' is one text"),
        (lambda: reference.few_shot_prompt("inn", "the guide", [], "Why?"), "cast='the guide' is one text"),
        (lambda: reference.classify_failure("Ten.", "ten", "the guide"), "cast='the guide' is one text"),
        (lambda: reference.classify_failure("Two.", "ten", ["Nell"], "two"), "rivals='two' is one text"),
    ],
)
def test_one_text_is_not_taken_for_a_list_of_its_letters(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# The table and the figure --------------------------------------------------------------------------------------------


def test_the_table_has_a_line_for_each_staging_that_adds_up(few):
    interviews = interviewed(model=tiny())
    head, *lines = playscript.table(interviews).splitlines()
    assert all(outcome in head for outcome in OUTCOMES) and len(lines) == 12
    for line, interview in zip(lines, interviews):
        assert line.startswith(interview.staging) and abs(sum(map(int, line.split()[-5:])) - 100) <= 2


@pytest.fixture
def record(few):
    """As experiments/playscript.py writes it, of the tiny model."""
    data = {
        its.staging: {
            "outcomes": {
                outcome: {"value": its.share(outcome), "low": its.share(outcome) / 2, "high": 1.0}
                for outcome in OUTCOMES
            },
            "samples": [dict(zip(("question", "written", "outcome"), one)) for one in its.written],
        }
        for its in interviewed(model=tiny())
    }
    return {"settings": {"questions": 3}, "data": data}


def test_the_figure_shows_the_shares_and_says_its_finding(few, monkeypatch):
    monkeypatch.setattr(lab_playscript, "recorded", lambda: None)
    questions = playscript.questions(3)
    lines = {question.text: experts.in_short(question, question.value) for question in questions}
    interviews = interviewed(lines | {questions[0].text: "Curtain."}, model=tiny())
    figure = playscript.plot(interviews)
    (axes,) = figure.axes
    bars = [bar.get_width() for bar in axes.patches]
    assert bars == pytest.approx([its.share(outcome) for its in interviews for outcome in OUTCOMES])
    finding = playscript.finding(interviews)
    assert figure.get_suptitle() == finding and finding.count("67%") == 4
    said = playscript.alt_text(interviews)
    assert one_line(finding) in said and "the clerk: right 67%, no answer 33%" in said and "recorded" not in said


def test_where_it_was_recorded_the_right_answers_are_marked(record, monkeypatch):
    monkeypatch.setattr(lab_playscript, "recorded", lambda: record)
    for figure in (playscript.plot(interviewed(model=tiny())), chart.plot(record)):
        (axes,) = figure.axes
        marks = axes.containers[-1].lines[0].get_xdata()
        assert list(marks) == [its["outcomes"][RIGHT]["value"] for its in record["data"].values()]
        assert [text.get_text() for text in figure.legends[0].get_texts()][:-1] == list(OUTCOMES)
    assert "Right where 3 questions were recorded: " in playscript.alt_text(interviewed(model=tiny()))
    assert one_line(chart.finding(record)) in chart.alt_text(record)


def test_the_moving_picture_gets_what_was_written_and_counted(record):
    state = chart.state(record)
    (column,) = state["columns"]
    assert state["dial"]["places"] == list(record["data"]) and len(state["questions"]) == 3
    for place, its in zip(column["places"], record["data"].values()):
        assert [bar["value"] for bar in place["bars"]] == [share["value"] for share in its["outcomes"].values()]
        assert [reply["text"] for reply in place["replies"]] == [sample["written"] for sample in its["samples"]]
        assert all(reply["odd"] == (reply["mark"] != RIGHT) for reply in place["replies"])
    assert LEFT in {bar["name"] for bar in column["places"][0]["bars"]}
