"""The moving picture `replies`: what stands at each place of its dial is what it was given, and no more.

Proves, in a real browser, that the dial shows the replies and the numbers of its place, in each column; that the
keyboard turns it and a screen reader is told where it stands; that wrong settings are named; that it fits a phone.
"""

import pytest

PICTURE = "replies"
PHONE = {"width": 390, "height": 844}
STATE = {
    "dial": {"name": "Demonstrations", "places": ["0", "30", "3,000"]},
    "questions": ["Who made the bell?", "Where does Mira live?"],
    "columns": [
        {
            "title": title,
            "places": [
                {
                    "bars": [{"name": "right", "value": value, "low": value - 0.1, "high": value + 0.05},
                             {"name": "makes up", "value": 1 - value, "odd": True}],
                    "replies": [{"text": f"{title} {value} first"}, {"text": "", "mark": "left the play", "odd": True}],
                }
                for value in values
            ],
        }
        for title, values in (("Pretrained", (0.5, 0.75, 0.95)), ("From scratch", (0.1, 0.2, 0.3)))
    ],
    "note": "Counted over many.",
}  # fmt: skip


@pytest.fixture
def base_state() -> dict:
    return STATE


def column(page, title: str) -> str:
    return page.locator("section").filter(has_text=title).first.inner_text()


@pytest.mark.parametrize("at", [0, 1, 2])
def test_each_place_shows_its_replies_and_its_numbers(opened, at):
    page = opened({"at": at})
    page.wait_for_selector(".lc-replies section")
    for its in STATE["columns"]:
        said, place = column(page, its["title"]), its["places"][at]
        assert f"{100 * place['bars'][0]['value']:.0f}\u00a0%" in said and place["replies"][0]["text"] in said
        assert "(nothing)" in said and "left the play" in said
        widths = (
            page.locator("section")
            .filter(has_text=its["title"])
            .locator(".track i")
            .evaluate_all("(bars) => bars.map((bar) => parseFloat(bar.style.width) / 100)")
        )
        assert widths == pytest.approx([bar["value"] for bar in place["bars"]])
    assert page.locator("output").inner_text() == STATE["dial"]["places"][at]
    assert opened.troubles == []


def test_the_keyboard_turns_the_dial_and_it_is_told(opened):
    page = opened()
    dial = page.locator("input[name=at]")
    dial.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert dial.get_attribute("aria-valuetext") == "3,000"
    assert "Pretrained 0.95 first" in column(page, "Pretrained")
    assert page.locator(".columns").get_attribute("aria-live") == "polite"


def test_all_of_it_fits_a_phone_and_stands_below_one_another(opened):
    page = opened({"at": 1}, viewport=PHONE)
    page.wait_for_selector(".lc-replies section")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    first, second = (box.bounding_box() for box in page.locator("section").all())
    assert second["y"] >= first["y"] + first["height"]


@pytest.mark.parametrize(
    ("state", "said"),
    [({"questons": []}, "unknown setting questons"),
     ({"dial": {"name": "Cast", "places": ["one"]}}, "Pretrained has 3 places; the dial has 1")],
)  # fmt: skip
def test_wrong_settings_are_named(opened, state, said):
    opened(state).wait_for_timeout(100)
    assert any(said in trouble for trouble in opened.troubles)
