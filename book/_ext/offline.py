"""Everything that a page needs, served from the book itself.

MathJax is one file: the build that draws formulas as SVG carries its glyphs with it, so it works from
`file://` too, where some browsers refuse to load fonts. It comes out of the package sphinx-mathjax-offline,
which as an extension would copy all of its 24 MB.
"""

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.fileutil import copy_asset

MATHJAX = "tex-svg-full.js"


def use_own_mathjax(app: Sphinx, config: Config) -> None:
    config.mathjax_path = f"mathjax/{MATHJAX}"
    settings = config.mathjax3_config or {}
    # Its menu would load files that are not here.
    config.mathjax3_config = {**settings, "options": {**settings.get("options", {}), "enableMenu": False}}


def copy_mathjax(app: Sphinx) -> list[Any]:
    """Copy the one file, once. Runs before pages are written; adds no pages."""
    source = Path(distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline/static/mathjax"))
    copy_asset(source / MATHJAX, Path(app.outdir) / "_static" / "mathjax")
    return []


def no_thebe(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Take Thebe's scripts off the page: it can only run from an outside host, and no page uses it."""
    context["script_files"] = [
        script for script in context["script_files"] if "thebe" not in str(script.filename or script.attributes)
    ]


def colab_for_notebooks_only(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take the launch button off chapters: Colab opens .ipynb files, and chapters are MyST text."""
    if not app.env.doc2path(pagename).endswith(".ipynb"):
        context["header_buttons"] = [
            button for button in context.get("header_buttons", []) if button.get("label") != "launch-buttons"
        ]


def own_badge(app: Sphinx, doctree: nodes.document) -> None:
    """Put words where a notebook shows Colab's badge, an image that would come from another host."""
    for image in list(doctree.findall(nodes.image)):
        if image["uri"].endswith("/colab-badge.svg"):
            image.replace_self(nodes.inline("", image.get("alt", "Open in Colab"), classes=["colab-badge"]))


def no_icon_for_redirect(app: Sphinx, exception: Exception | None) -> None:
    """Say on the bare page that leads to the first one that it has no icon: else browsers ask for /favicon.ico."""
    page = Path(app.outdir) / "index.html"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if text.startswith("<meta http-equiv="):
        page.write_text(f'<!doctype html>\n<link rel="icon" href="data:,">\n{text}', encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", use_own_mathjax)
    app.connect("doctree-read", own_badge)
    app.connect("html-collect-pages", copy_mathjax)
    app.connect("html-page-context", no_thebe, priority=900)
    app.connect("build-finished", no_icon_for_redirect, priority=900)
    app.connect("html-page-context", colab_for_notebooks_only, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
