"""The moving picture `tampered`: what stands below an altered carry is what was recorded for it, and no more.

Proves, in a real browser, that each carry of each column shows its own words and the verdict that its answer deserves;
that the steps above stay; that the keyboard works and a screen reader is told; that wrong settings are named; that it
fits a phone.
"""

import pytest

PICTURE = "tampered"
PHONE = {"width": 390, "height": 844}
STEPS = ["4 times 3 and 0 is 1 2 : write 2 , carry 1 .", "2 times 3 and 1 is 7 : write 7 , carry 0 ."]
FIRST = [
    {"carry": 0, "step": STEPS[0].replace("carry 1", "carry 0"), "after": ["2 times 3 and 0 is 6", "answer : 6 2"],
     "answer": 62, "leads": 62},
    {"carry": 1, "step": STEPS[0], "after": ["2 times 3 and 1 is 7", "answer : 7 2"], "answer": 72, "leads": 72},
    {"carry": 2, "step": STEPS[0].replace("carry 1", "carry 2"), "after": ["2 times 3 and 1 is 7", "answer : 7 2"],
     "answer": 72, "leads": 82},
]  # fmt: skip
SECOND = [
    {"carry": 0, "step": STEPS[1], "after": ["answer : 7 2"], "answer": 72, "leads": 72},
    {"carry": 1, "step": STEPS[1].replace("carry 0", "carry 1"), "after": ["answer : 9"], "answer": 9, "leads": 172},
    {"carry": 2, "step": STEPS[1].replace("carry 0", "carry 2"), "after": ["nothing"], "answer": None, "leads": 272},
]
STATE = {
    "sums": [
        {"question": "24 times 3", "result": 72, "steps": STEPS, "columns": [FIRST, SECOND]},
        {"question": "4 times 3", "result": 12, "steps": STEPS[:1], "columns": [FIRST[1:2]]},
    ],
    "reader": "the village model",
}
VERDICTS = {  # what is said of each answer: as it was, right all the same, as the carry leads, neither
    (0, 0): "62: what the altered carry leads to. Right would be 72.",
    (0, 1): "As it was: 72, which is right.",
    (0, 2): "72: right, as if nothing had been altered.",
    (1, 1): "9: neither right (72) nor what the altered carry leads to (172).",
    (1, 2): "no number: neither right (72) nor what the altered carry leads to (272).",
}


@pytest.fixture
def base_state() -> dict:
    return STATE


@pytest.mark.parametrize(("column", "carry"), VERDICTS)
def test_each_carry_shows_its_own_words_and_what_came_of_them(opened, column, carry):
    page = opened({"column": column, "carry": carry})
    page.wait_for_selector(".lc-tampered li")
    its = STATE["sums"][0]["columns"][column][carry]
    lines = page.locator(".lc-tampered li").all_inner_texts()
    assert lines[:column] == STEPS[:column]
    assert its["step"] in lines[column] and ("you altered" in lines[column]) is (its["step"] != STEPS[column])
    assert "the village model goes on" in lines[column + 1]
    assert [line.splitlines()[-1] for line in lines[column + 1 :]] == its["after"]
    assert page.locator(".verdict").inner_text() == VERDICTS[column, carry]
    assert opened.troubles == []


def test_without_a_choice_nothing_is_altered(opened):
    page = opened()
    page.wait_for_selector(".lc-tampered li")
    assert page.locator(".altered").count() == 0 and "As it was" in page.locator(".verdict").inner_text()


def test_a_click_and_the_keyboard_alter_the_carry_and_it_is_told(opened):
    page = opened()
    carries = page.locator("fieldset[name=carry] button")
    carries.nth(0).click()
    assert page.locator(".altered b").inner_text() == "0"
    page.keyboard.press("Tab")  # the focus stays where it was, so the next button is the next carry
    page.keyboard.press("Enter")
    assert page.locator(".altered").count() == 0
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"
    page.locator("fieldset[name=column] button").nth(1).click()
    assert [each.get_attribute("aria-pressed") for each in carries.all()] == ["true", "false", "false"]


def test_another_sum_begins_at_its_first_column_unaltered(opened):
    page = opened({"column": 1, "carry": 2})
    page.locator("select").select_option("1")
    assert page.locator("fieldset[name=column] button").count() == 1 and page.locator(".altered").count() == 0


def test_all_of_it_fits_a_phone(opened):
    page = opened({"column": 0, "carry": 0}, viewport=PHONE)
    page.wait_for_selector(".lc-tampered li")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert min(box.bounding_box()["height"] for box in page.locator("button").all()) >= 36


@pytest.mark.parametrize(
    ("state", "said"), [({"sum_": 1}, "unknown setting sum_"), ({"column": 5}, "tampered: column 5 of 2")]
)
def test_wrong_settings_are_named(opened, state, said):
    opened(state).wait_for_timeout(100)
    assert any(said in trouble for trouble in opened.troubles)
