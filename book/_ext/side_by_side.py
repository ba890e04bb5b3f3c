"""Chapters are executed side by side, one for each core, before the pages are read.

MyST-NB executes a page when it reads it, one after another. Here it finds each result in its cache. A chapter that
fails leaves no result: MyST-NB executes it once more, and reports what is wrong, and where.
"""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from myst_nb.core.execute import create_client
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import SphinxLoggerAdapter, getLogger

progress = getLogger(__name__)
silent = logging.getLogger(f"{__name__}.silent")
silent.disabled = True


def execute(env: BuildEnvironment, page: str) -> None:
    """Execute a page into the cache, unless it is no notebook, is excluded, or is there already."""
    path = env.doc2path(page)
    text = Path(path).read_text(encoding="utf-8")
    reader = create_nb_reader(path, env.myst_config, env.mystnb_config, text)
    if reader is None:
        return
    quiet = SphinxLoggerAdapter(silent, {})
    client = create_client(reader.read(text), path, env.mystnb_config, quiet, reader.read_fmt)
    with suppress(Exception), client:  # MyST-NB reports it
        if (result := client.exec_metadata) and result["succeeded"]:
            progress.info(f"{page}: executed in {result['runtime']:.0f} s")


def execute_all(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Execute the pages that are to be read."""
    if env.mystnb_config.execution_mode != "cache":
        return
    get_cache(env.mystnb_config.execution_cache_path)  # made by one, before many use it
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda page: execute(env, page), pages))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-before-read-docs", execute_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
