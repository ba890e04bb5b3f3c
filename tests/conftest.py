"""What many tests share: the browser, a page with one moving picture on it, and experiments' scripts run small."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from layercake import figures

sys.modules.setdefault("rfc3987_syntax", None)  # as the command line does: jsonschema would build a grammar in seconds


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


@pytest.fixture
def run_small(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, one_thread: None
) -> Callable[[ModuleType, Path], str]:
    """`run_small(script, folder)` runs an experiment's script at "--smoke" into a folder; returns what it printed.

    In this process, and with few steps where a lab trains at its smallest scale.
    """
    from experiments import record  # here: most tests do without
    from layercake.labs import language, networks, pretraining

    for lab, few in {
        language: {"steps": 24, "n_documents": 12},
        networks: {"steps": 24},
        pretraining: {"steps": 24, "warm_up": 4},
    }.items():
        monkeypatch.setitem(lab.SCALES, "smoke", replace(lab.SCALES["smoke"], **few))
    monkeypatch.setattr(record, "side_by_side", lambda run, each, *more: {one: run(one, *more) for one in each})
    monkeypatch.setenv("TQDM_DISABLE", "1")

    def run(script: ModuleType, folder: Path, *more: str) -> str:
        script.main(["--smoke", "--folder", str(folder), *more])
        return capsys.readouterr().out

    return run


@pytest.fixture
def check_refusal(capsys: pytest.CaptureFixture) -> Callable[[ModuleType], None]:
    """`check_refusal(script)` proves that "--smoke" without a folder of its own ends before anything is written."""

    def check(script: ModuleType) -> None:
        with pytest.raises(SystemExit) as ended:
            script.main(["--smoke"])
        assert ended.value.code == 2 and "--folder" in capsys.readouterr().err

    return check
