"""The browser that the pages and the moving pictures are tested in, and a page with one picture on it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from layercake import figures


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


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch computes on one thread meanwhile: tensors are small, and threads would only wait for each other."""
    import torch  # here: most tests of pages do without

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def base_state() -> dict:
    """What a module's picture is given wherever a test names nothing else."""
    return {}


@pytest.fixture
def opened(
    request: pytest.FixtureRequest, browser: Browser, tmp_path: Path, base_state: dict
) -> Iterator[Callable[..., Page]]:
    """`opened(state, **context)` is a bare page with the module's PICTURE, as the book's directive writes it."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "book" / "_ext"))
    from moving_pictures import page_markup

    contexts, troubles = [], []

    def open_page(state: dict | None = None, **context) -> Page:
        source = figures.source(request.module.PICTURE)
        markup = page_markup("one", source, "What it shows.", base_state | (state or {}))
        page_file = tmp_path / f"page{len(contexts)}.html"
        look = "<meta charset=utf-8><meta name=color-scheme content='light dark'>"
        look += "<meta name=viewport content='width=device-width'>"
        page_file.write_text(look + markup, encoding="utf-8")
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(page_file.as_uri())
        return page

    open_page.troubles = troubles
    yield open_page
    for context in contexts:
        context.close()
