"""The browser that the pages and the moving pictures are tested in."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    found = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
            )
        except Error as error:
            pytest.fail(
                f"Pages are tested in Chromium. `apt install chromium` or `playwright install chromium`: {error}"
            )
        yield chromium
        chromium.close()
