"""What many tests share: the browser, a page with one moving picture on it, warm sandboxes, experiments run small."""

import functools
import gc
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from autograder.checking.topic import topics
from layercake import figures

FEW_STEPS = {  # of labs at their smallest scale, which is to show a person something; here it only has to run
    "language": {"steps": 24, "n_documents": 12},
    "networks": {"steps": 24},
    "pretraining": {"steps": 24, "warm_up": 4},
    "reasoning": {"tampered": 4, "steps": 2, "examined": 2, "replies": 4, "courses": 10},
    "reward": {"comparisons": 12, "steps": 3, "preferred": 2, "questions": 4},
    "sft": {"demonstrations": 12, "steps": 3, "questions": 2},
}
LONGEST_REPLY = {  # in the same labs: of what a model writes, eight tokens do, which it does one after another
    "playscript": "N_TOKENS",
    "reward.rollouts": "LONGEST",
    "sft": "N_TOKENS",
}
os.environ["LAYERCAKE_MINE"] = tempfile.mkdtemp(prefix="layercake-mine-")  # not beside the notebooks that tests run
WIDE = {"width": 1280, "height": 900}
sys.modules.setdefault("rfc3987_syntax", None)  # as the command line does: jsonschema would build a grammar in seconds
gc.set_threshold(100_000, 20, 20)  # as the command line does: most of what is made are modules and tests, which stay


TOPICS = frozenset(topics())
BANKS = {"test_checks", "test_mistakes", "test_mutations", "test_promises", "test_strangers"}


class FileByFile(LoadScopeScheduling):
    """The tests of a file run in one process, but those of the banks of checks, which do topic by topic.

    xdist's own groups would say so too, but pytest 9.2 has no place for them: each test then is a group of its own, and
    each process builds what a file's tests share.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, parameters = Path(nodeid.split("::")[0]).stem, nodeid.partition("[")[2]
        topic = re.split(r"[-\]]", parameters)[0]
        return f"the bank of {topic}" if file in BANKS and topic in TOPICS else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileByFile:
    return FileByFile(config, log)


def pytest_collection_finish() -> None:
    """No collection of garbage goes through what is loaded by now."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_alembic() -> None:
    """nbgrader starts a program for each new gradebook, to ask it for what is always the same: here it asks once."""
    import nbgrader.api

    nbgrader.api.get_alembic_version = functools.cache(nbgrader.api.get_alembic_version)


@pytest.fixture(scope="module")
def kept_sandboxes() -> Iterator[None]:
    """Each sandbox outlives the run of grading that started it, for the next run of the file: it takes seconds."""
    from autograder.grading import check_file, cluster
    from autograder.sandbox import walls
    from autograder.sandbox.host import Sandbox
    from autograder.sandbox.limits import Limits

    kept: dict[tuple[str, str, int], Sandbox] = {}
    starter = ThreadPoolExecutor(1)  # a sandbox ends with the thread that started it

    class Kept(Sandbox):
        def start(self) -> None:
            starter.submit(super().start).result()

        def close(self, for_good: bool = False) -> None:
            if not for_good:
                super().close()

        def __exit__(self, *error) -> None: ...

    def one(topic: str, walls: str, number: int = 0, limits: Limits = Limits()) -> Sandbox:
        for other in [key for key in kept if key[0] != topic]:
            kept.pop(other).close()
        room = kept.setdefault((topic, walls, number), Kept(topic, walls, number))
        room.limits = limits
        return room

    with pytest.MonkeyPatch.context() as patch:
        for module in (check_file, cluster):
            patch.setattr(module, "Sandbox", one)
        patch.setattr(walls, "launched_ahead", lambda topic, walls: nullcontext())
        yield
    for room in kept.values():
        room.close()
    starter.shutdown()


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


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Page:
    """A page that tests use one after another: a new one starts a process."""
    return browser.new_page()


class Pages:
    """Pages for one test: the shared one where it is free and can be set up as asked, else one with its own context."""

    def __init__(self, browser: Browser, shared: Page):
        self.browser, self.shared = browser, shared
        self.opened: dict[Page, list[tuple[str, Callable]]] = {}  # and who listens to its events

    def open(self, alone: bool = False, **settings) -> Page:
        """An empty page, set up as a browser's context is; with a context of its own if `alone`."""
        settings = {"viewport": WIDE, **settings}
        if alone or self.shared in self.opened or settings.keys() - {"viewport", "color_scheme", "reduced_motion"}:
            page = self.browser.new_context(**settings).new_page()
        else:
            page = self.shared
            page.set_viewport_size(settings.pop("viewport"))
            page.emulate_media(**{"media": "null", "color_scheme": "null", "reduced_motion": "null", **settings})
        self.opened[page] = []
        return page

    def listen(self, page: Page, event: str, handler: Callable) -> None:
        """Call the handler at every such event, until the page is closed."""
        page.on(event, handler)
        self.opened[page].append((event, handler))

    def close(self, page: Page) -> None:
        """Close a page; the shared one is emptied for the next."""
        for listener in self.opened.pop(page):
            page.remove_listener(*listener)
        if page is not self.shared:
            return page.context.close()
        page.evaluate("try { localStorage.clear() } catch {}")
        page.mouse.move(0, 0)
        page.goto("about:blank")


@pytest.fixture
def browser_pages(browser: Browser, shared_page: Page) -> Iterator[Pages]:
    """The pages of one test, closed at its end."""
    pages = Pages(browser, shared_page)
    yield pages
    for page in list(pages.opened):
        pages.close(page)


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
    request: pytest.FixtureRequest, browser_pages: Pages, tmp_path: Path, base_state: dict
) -> Callable[..., Page]:
    """`opened(state, **context)` is a bare page with the module's PICTURE, as the book's directive writes it."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "book" / "_ext"))
    from moving_pictures import page_markup

    troubles = []

    def open_page(state: dict | None = None, **context) -> Page:
        source = figures.source(request.module.PICTURE)
        markup = page_markup("one", source, "What it shows.", base_state | (state or {}))
        page_file = tmp_path / f"page{len(browser_pages.opened)}.html"
        look = "<meta charset=utf-8><meta name=color-scheme content='light dark'>"
        look += "<meta name=viewport content='width=device-width'>"
        page_file.write_text(look + markup, encoding="utf-8")
        page = browser_pages.open(**context)
        browser_pages.listen(page, "pageerror", lambda error: troubles.append(str(error)))
        page.goto(page_file.as_uri())
        return page

    open_page.troubles = troubles
    return open_page


@pytest.fixture
def run_small(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, one_thread: None
) -> Iterator[Callable[..., str]]:
    """`run_small(script, folder)` runs an experiment's script at "--smoke" into a folder; returns what it printed.

    In this process, and with few steps where a lab trains at its smallest scale.
    """
    import torch  # here: most tests do without

    from experiments import record

    for name, few in FEW_STEPS.items():
        lab = import_module(f"layercake.labs.{name}")
        monkeypatch.setitem(lab.SCALES, "smoke", replace(lab.SCALES["smoke"], **few))
    for name, longest in LONGEST_REPLY.items():
        monkeypatch.setattr(f"layercake.labs.{name}.{longest}", 8)
    monkeypatch.setattr(record, "side_by_side", lambda run, each, *more: {one: run(one, *more) for one in each})
    monkeypatch.setenv("TQDM_DISABLE", "1")

    def run(script: ModuleType, folder: Path, *more: str) -> str:
        script.main(["--smoke", "--folder", str(folder), *more])
        return capsys.readouterr().out

    yield run
    torch.set_flush_denormal(False)  # which the scripts turn on


@pytest.fixture
def check_refusal(capsys: pytest.CaptureFixture) -> Callable[[ModuleType], None]:
    """`check_refusal(script)` proves that "--smoke" without a folder of its own ends before anything is written."""

    def check(script: ModuleType) -> None:
        with pytest.raises(SystemExit) as ended:
            script.main(["--smoke"])
        assert ended.value.code == 2 and "--folder" in capsys.readouterr().err

    return check
