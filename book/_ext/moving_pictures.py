"""The directive `moving-picture`: one of `layercake.figures`, alive on a page without a kernel.

    ```{moving-picture} messages
    :alt: What the picture shows, as a sentence that states the finding.
    :state: {"length": 12, "layers": 3}
    ```

A picture that is drawn from computed data names the Python module whose `state()` computes it, when the page is
built; what `:state:` says goes on top:

    ```{moving-picture} guess
    :alt: What the picture shows.
    :data: layercake.figures.guess
    ```

The figure's module is written into the page, with a few lines that stand in for anywidget's model. It is
written in, not loaded, because a browser refuses to load modules from `file://`.
"""

import html
import json
from importlib import import_module
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from layercake import figures

EXPORT = "export default "

HOST = """
const figure = document.getElementById(%(id)s);
const values = { state: %(state)s };
const listeners = new Map();
const model = {
  get: (name) => values[name],
  set(name, value) {
    values[name] = value;
    for (const listener of listeners.get(`change:${name}`) ?? []) listener();
  },
  on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
  off: (event, listener) => listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== listener)),
  save_changes() {},
};
await picture.render({ model, el: figure.querySelector(".moving-picture-stage") });
figure.classList.add("moving-picture-alive");
"""


class MovingPicture(SphinxDirective):
    """The figure, its text alternative, and its script. The alternative is what shows without JavaScript."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        "alt": directives.unchanged_required,
        "data": directives.unchanged_required,
        "state": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        try:
            path = figures.module(self.arguments[0])
        except figures.UnknownFigure as error:
            raise self.error(str(error)) from error
        if "alt" not in self.options:
            raise self.error("A moving picture needs :alt:, a sentence that states what the picture shows.")
        self.env.note_dependency(str(path))
        number = self.env.new_serialno("moving-picture")
        markup = page_markup(
            f"moving-picture-{number}",
            figures.source(self.arguments[0]),
            self.options["alt"],
            self.data_option() | self.state_option(),
        )
        return [nodes.raw("", markup, format="html")]

    def data_option(self) -> dict[str, Any]:
        if "data" not in self.options:
            return {}
        try:
            module = import_module(self.options["data"])
        except ImportError as error:
            raise self.error(f":data: names a module that cannot be imported: {error}") from error
        self.env.note_dependency(module.__file__)
        return module.state()

    def state_option(self) -> dict[str, Any]:
        try:
            state = json.loads(self.options.get("state", "{}"))
        except json.JSONDecodeError as error:
            raise self.error(f":state: is not JSON: {error}") from error
        if not isinstance(state, dict):
            raise self.error(f":state: must be a JSON object, not {state!r}.")
        return state


def page_markup(identity: str, source: str, alt: str, state: dict[str, Any]) -> str:
    """The HTML of one moving picture."""
    if source.count(EXPORT) != 1 or "</script" in source:
        raise ValueError(f"A figure's module has one `{EXPORT.strip()}`, and no closing script tag in its text.")
    host = HOST % {"id": json.dumps(identity), "state": json.dumps(state).replace("<", "\\u003c")}
    return (
        f'<figure class="moving-picture" id="{identity}" aria-describedby="{identity}-alt">\n'
        f'<div class="moving-picture-stage"></div>\n'
        f'<figcaption id="{identity}-alt">{html.escape(alt)}</figcaption>\n'
        f'<script type="module">\n{source.replace(EXPORT, "const picture = ")}{host}</script>\n'
        "</figure>"
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("moving-picture", MovingPicture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
