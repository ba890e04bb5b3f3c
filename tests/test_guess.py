"""The picture `guess`: bits that are those of the village and of real counts, in a real browser, by mouse and by keys.

Proves that the passages say what the village says, that what is offered does not depend on the word that comes, that
the bits on the page are those that Python computes by itself from the village and from its own counts, and that the
picture can be played by keyboard alone, is still where motion is unwanted, has a text alternative, and can be read.
"""

import json
import math
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydata_sphinx_theme
import pytest
from playwright.sync_api import Locator, Page

from layercake import figures, village
from layercake.figures import guess

ROOT = Path(__file__).parent.parent
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WAYS = ["offered first", "the right word", "no bet", "another word"]


# --- what the picture is made of -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def state() -> dict:
    return json.loads(json.dumps(guess.state()))


@pytest.fixture(scope="module")
def trigrams() -> Counter:
    """Counted again, without the functions that the picture's data are made with."""
    tokens = village.stream(guess.N_TOKENS).tolist()
    return Counter(zip(tokens, tokens[1:], tokens[2:])) + Counter(
        pairwise(tokens[:-1])
    )  # contexts that have a next word


def ngram_bits(trigrams: Counter, tokens: tuple[int, ...], at: int) -> float:
    """What add-k smoothing charges for a word, from the definition."""
    times, context = trigrams[tokens[at - 2 : at + 1]], trigrams[tokens[at - 2 : at]]
    return -math.log2((times + guess.K) / (context + guess.K * len(village.VOCABULARY)))


def test_a_passage_is_a_story_with_all_its_words(state):
    for passage, story in zip(state["passages"], guess.stories(), strict=True):
        assert passage["opening"] + "".join(word["text"] for word in passage["words"]) + " <end>" == story.text
        assert all(name in passage["opening"] for name in passage["title"].split(" and "))
        assert 30 <= sum("offered" in word for word in passage["words"]) <= 60, "bets in a story"


def test_probabilities_are_those_of_the_village_and_of_the_counts(state, trigrams):
    for passage, story in zip(state["passages"], guess.stories(), strict=True):
        start = len(story.tokens) - len(passage["words"])
        exact = village.surprisal(story)
        for at, word in enumerate(passage["words"], start):
            assert -math.log2(word["ngram"]) == pytest.approx(ngram_bits(trigrams, story.tokens, at), abs=1e-4)
            assert -math.log(word["exact"]) == pytest.approx(exact[at], abs=1e-4)
            assert ("offered" in word) == (guess.ngram(story.tokens, at).max() < guess.SURE)


def test_the_stories_were_not_counted():
    counted = village.stream(guess.N_TOKENS).tobytes()
    for story in guess.stories():
        assert np.array(story.tokens[guess.first_charged(story) :], dtype=np.uint16).tobytes() not in counted


def test_what_is_offered_does_not_depend_on_the_word_that_comes(state):
    story = guess.stories()[0]
    start = guess.first_charged(story)
    for at in range(start, len(story.tokens), 5):
        cut = village.Document("story", (*story.tokens[:at], village.END), story.settings)
        here, there = state["passages"][0]["words"][at - start], guess.word(cut, at, 1.0)
        assert here.get("offered") == there.get("offered")
        assert here.get("likelyExact") == there.get("likelyExact")


def test_only_stories_can_be_played():
    with pytest.raises(ValueError, match="the document is a sum"):
        guess.passage(village.document(0, 0, kinds="sum"))


# --- the picture ---------------------------------------------------------------------------------------------


@dataclass
class Played:
    """An open page with the picture, and everything that went wrong on it."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    @property
    def picture(self) -> Locator:
        return self.page.locator(".lc-guess")

    @property
    def choices(self) -> Locator:
        return self.picture.locator(".choices button")

    def button(self, name: str) -> Locator:
        return self.picture.get_by_role("button", name=name, exact=True)

    def scores(self) -> dict[str, float]:
        """The table: bits so far, by player."""
        rows = self.picture.locator("tbody tr").all()
        return {row.get_attribute("data-player"): float(row.locator("td").first.inner_text()) for row in rows}

    def says(self) -> str:
        return self.picture.locator(".says").inner_text()


@pytest.fixture(scope="module")
def written(tmp_path_factory, state):
    """`written(shade, given)`: a page with nothing but the picture, as the directive writes it, in the book's looks."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from moving_pictures import page_markup

    folder = tmp_path_factory.mktemp("guess")
    source = figures.source("guess")
    theme = (
        Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles/pydata-sphinx-theme.css"
    )
    looks = "".join(
        f'<link rel="stylesheet" href="{sheet.as_uri()}">'
        for sheet in (theme, ROOT / "book" / "_static" / "layercake.css")
    )

    def write(shade: str = "light", given: dict | None = None) -> str:
        markup = page_markup("one", source, "What it shows.", state if given is None else given)
        page = folder / f"{shade}{'' if given is None else '-other'}.html"
        page.write_text(
            f'<!doctype html><html lang="en" data-theme="{shade}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width">{looks}'
            f'<body style="margin: 0; background: var(--pst-color-background)">{markup}',
            encoding="utf-8",
        )
        return page.as_uri()

    return write


@pytest.fixture
def play(browser, written):
    """`play(shade, given, **context)` opens the picture."""
    contexts = []

    def open_page(shade: str = "light", given: dict | None = None, **context) -> Played:
        contexts.append(browser.new_context(**{"viewport": WIDE, **context}))
        opened = Played(contexts[-1].new_page())
        page, troubles = opened.page, opened.troubles
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith("file:") else troubles.append(asked.url))
        page.goto(written(shade, given))
        return opened

    yield open_page
    for context in contexts:
        context.close()


def choice_of(way: str, word: dict) -> int | None:
    """Which of the offered words a scripted player takes; None where there is no bet."""
    right = word["offered"].index(word["says"]) if word["says"] in word["offered"] else None
    others = [index for index in range(len(word["offered"])) if index != right]
    another = others[-1] if others else 0
    return {"offered first": 0, "the right word": right, "no bet": None, "another word": another}[way]


@pytest.mark.parametrize("number", range(len(guess.STORIES)))
def test_the_bits_on_the_page_are_those_of_python(play, state, trigrams, number):
    """A whole story, with every way to bet and every stake; the expected bits come from the village and the counts."""
    opened, story, words = play(), guess.stories()[number], state["passages"][number]["words"]
    opened.picture.get_by_label("Story", exact=True).select_option(str(number))
    exact, start = village.surprisal(story) / math.log(2), len(story.tokens) - len(words)
    sums, asked = {"you": 0.0, "ngram": 0.0, "exact": 0.0}, 0
    for at, word in enumerate(words, start):
        counted = ngram_bits(trigrams, story.tokens, at)
        sums["ngram"] += counted
        sums["exact"] += exact[at]
        if "offered" not in word:
            sums["you"] += counted
            continue
        choice, stake = choice_of(WAYS[asked % len(WAYS)], word), (0.25, 0.5, 0.9)[asked % 3]
        if choice is None:
            opened.button("No bet").click()
            sums["you"] += counted
        else:
            opened.picture.get_by_label(f"{100 * stake:.0f} %").check()
            assert opened.choices.all_inner_texts() == word["offered"]
            opened.choices.nth(choice).click()
            right = stake if word["offered"][choice] == word["says"] else 0.0
            sums["you"] -= math.log2(right + (1 - stake) * 2**-counted)
        asked += 1
        waiting = next(iter(words[at - start + 1 :]), None)
        if waiting is None or "offered" in waiting:  # nothing that is told by itself lies in between
            assert opened.scores() == pytest.approx(sums, abs=0.051)
    assert opened.choices.count() == 0
    assert opened.scores() == pytest.approx(sums, abs=0.051)
    ended = [float(number) for number in re.findall(r"\d+\.\d", opened.says())[:3]]
    assert ended == pytest.approx([sums["you"], sums["ngram"], sums["exact"]], abs=0.051)
    assert opened.picture.locator(".story").inner_text().split() == story.text.removesuffix(" <end>").split()
    assert opened.troubles == []


def test_without_a_bet_you_are_level_with_the_ngram(play, state):
    opened = play()
    opened.button("Skip to the end").click()
    scores = opened.scores()
    assert scores["you"] == scores["ngram"] > scores["exact"] > 0
    assert "You are level with the n-gram." in opened.says()
    opened.button("Start again").click()
    assert opened.scores() == {"you": 0, "ngram": 0, "exact": 0}, "the first word of the first story is asked for"
    assert opened.choices.all_inner_texts() == state["passages"][0]["words"][0]["offered"]


def test_a_sentence_can_be_skipped(play):
    opened = play()
    for _ in range(3):
        opened.button("Skip the sentence").click()
        assert re.search(r"[.?!”]$|\n.+$", opened.picture.locator(".story").inner_text().rstrip())
    assert opened.scores()["you"] == opened.scores()["ngram"] > 0


def test_after_a_bet_both_expectations_are_shown(play, state):
    opened, word = play(), state["passages"][0]["words"][0]
    assert "n-gram expected" not in opened.says(), "not before the bet"
    opened.choices.first.click()
    for title, likely in (("The n-gram", word["likelyNgram"]), ("The best possible reader", word["likelyExact"])):
        first, p = likely[0]
        assert f"{title} expected: {first} {100 * p:.0f}" in opened.says()
    assert opened.picture.locator(".says").get_attribute("aria-live") == "polite"


def test_a_double_click_bets_once(play):
    opened = play()
    opened.choices.first.dblclick()
    assert opened.picture.locator(".so-far").inner_text().startswith("2 of ")


def test_it_is_played_by_keyboard_alone(play, state):
    opened, words = play(), state["passages"][1]["words"]
    keyboard = opened.page.keyboard
    focused = "document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label')"
    keyboard.press("Tab")
    keyboard.press("ArrowDown")  # the second story
    keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.className") == "story"
    keyboard.press("Tab")
    asked = [word for word in words if "offered" in word]
    assert opened.page.evaluate(focused) == asked[0]["offered"][0]
    assert opened.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowLeft")
    assert opened.page.evaluate(focused) == asked[0]["offered"][1]
    for number, word in enumerate(asked[1:], 1):
        keyboard.press("Enter" if number % 2 else "Space")
        assert opened.page.evaluate(focused) == word["offered"][0], "the focus is on the next word's first choice"
    keyboard.press("Enter")
    assert "The story has ended." in opened.says()
    assert opened.page.evaluate(focused) == "Start again"
    keyboard.press("Enter")
    assert opened.picture.locator(".so-far").inner_text() == f"1 of {len(asked)} bets"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_reduced_motion_is_honoured(play, motion):
    opened = play(reduced_motion=motion)
    opened.choices.first.click()
    moving = opened.picture.evaluate("(picture) => picture.getAnimations({ subtree: true }).length")
    assert (moving > 0) == (motion == "no-preference")


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(play, shade):
    from test_book import CONTRASTS

    opened = play(shade)
    for _ in range(4):
        opened.choices.first.click()
    opened.page.wait_for_selector(f".lc-guess[data-shade={shade}]")
    opened.page.evaluate("document.getAnimations().forEach((fading) => fading.finish())")
    measured = opened.page.evaluate(CONTRASTS.replace("main *, .bd-sidebar-primary *", ".moving-picture *"))
    assert len(measured) > 30
    assert [found for found in measured if found[0] < 4.5] == []


def test_it_fits_a_phone_and_stays_where_it_is(play):
    opened = play(viewport=PHONE)
    heights = set()
    for _ in range(8):
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        heights.add(opened.button("No bet").bounding_box()["y"])
        assert all(choice.bounding_box()["height"] >= 40 for choice in opened.choices.all())
        opened.choices.first.click()
    assert len(heights) == 1, "the buttons stay under the thumb, however many words are offered"


def test_wrong_settings_are_named(play):
    for given, trouble in [
        ({"pasages": []}, "unknown setting pasages. Known: passages, ngram"),
        ({"stake": 0.5}, "no passages. layercake.figures.guess.state() gives them."),
    ]:
        opened = play(given=given)
        opened.page.wait_for_timeout(100)
        assert any(trouble in said for said in opened.troubles), trouble


def test_the_text_alternative_shows_without_scripts_and_in_print(play):
    for context, media in [({"java_script_enabled": False}, "screen"), ({}, "print")]:
        opened = play(**context)
        opened.page.emulate_media(media=media)
        box = opened.page.locator("figcaption").bounding_box()
        assert box and box["height"] > 10, media
    figure = (ROOT / "book" / "prediction.md").read_text(encoding="utf-8")
    assert re.search(r"```\{moving-picture\} guess\n:alt: .{100,}\n:data: layercake\.figures\.guess\n", figure)


def test_the_directive_computes_its_data_and_names_a_module_that_is_missing(tmp_path):
    """In a process of its own, as a build does it: Sphinx keeps state."""
    path = f"import sys; sys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
    (tmp_path / "conf.py").write_text(path + "extensions = ['myst_parser', 'moving_pictures']\n")
    (tmp_path / "index.md").write_text(
        '# Page\n\n```{moving-picture} guess\n:alt: A\n:data: layercake.figures.guess\n:state: {"passage": 2}\n```\n\n'
        "```{moving-picture} guess\n:alt: B\n:data: layercake.gues\n```\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ":data: names a module that cannot be imported: No module named 'layercake.gues'" in done.stderr
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    values = json.JSONDecoder().raw_decode(page.split("const values = { state: ")[1])[0]
    assert values == {**guess.state(), "passage": 2}


def test_in_a_notebook_the_same_module_runs(state):
    widget = figures.show("guess", **state)
    assert widget._esm == figures.source("guess")
    assert widget.state["passages"] == state["passages"]
