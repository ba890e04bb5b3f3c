"""The directive `cake`: the drawn cake whose layers are the topics, and the role `colab`.

A layer is a link where the topic has a page, and marked as coming where it has none, so the drawing needs no
editing when a topic is added.
"""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

DRAWING = Path(__file__).with_name("cake.svg")
SVG = "http://www.w3.org/2000/svg"
PAGES = "book"  # the room of the chapters: topic `attention` is page `book/attention`


class Cake(nodes.General, nodes.Element):
    """Where the cake stands; it is drawn when the page is written, when all pages are known."""


class CakeDirective(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(DRAWING))
        self.env.note_reread()  # a page added elsewhere bakes a layer here
        return [Cake()]


def draw(address: dict[str, str | None]) -> str:
    """The SVG, with each topic's layer linked to its address, or marked as coming where that is None."""
    ElementTree.register_namespace("", SVG)
    drawing = ElementTree.parse(DRAWING).getroot()
    for layer in drawing.iter(f"{{{SVG}}}a"):
        page = address[layer.attrib["data-topic"]]
        if page is None:
            layer.tag = f"{{{SVG}}}g"
        else:
            layer.set("href", page)
        layer.set("class", "cake-layer cake-coming" if page is None else "cake-layer")
        when = next(text for text in layer.iter(f"{{{SVG}}}text") if "cake-when" in text.attrib["class"])
        when.text = "coming" if page is None else "read →"
    return ElementTree.tostring(drawing, encoding="unicode")


def topics() -> list[str]:
    """The topics that are drawn, from the bottom of the cake to the top."""
    return [layer.attrib["data-topic"] for layer in ElementTree.parse(DRAWING).getroot().iter(f"{{{SVG}}}a")]


def visit_cake(writer: Any, node: Cake) -> None:
    builder = writer.builder
    pages = {topic: f"{PAGES}/{topic}" for topic in topics()}
    address = {
        topic: builder.get_relative_uri(builder.current_docname, page) if page in builder.env.found_docs else None
        for topic, page in pages.items()
    }
    writer.body.append(draw(address))
    raise nodes.SkipNode


class Colab(SphinxRole):
    """{colab}`Text <path/of/notebook>`: a link that opens a notebook of the repository in Colab."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        title, _, page = self.text.rstrip(">").rpartition(" <")
        if page not in self.env.found_docs:
            return [], [self.inliner.reporter.error(f"There is no page {page!r} to open in Colab.", line=self.lineno)]
        theme = self.config.html_theme_options
        repository = theme["repository_url"].removeprefix("https://github.com/")
        address = f"{theme['launch_buttons']['colab_url']}/github/{repository}/blob/{theme['repository_branch']}"
        return [nodes.reference(self.rawtext, title, refuri=f"{address}/{page}.ipynb")], []


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(Cake, html=(visit_cake, None), text=(lambda writer, node: None, lambda writer, node: None))
    app.add_directive("cake", CakeDirective)
    app.add_role("colab", Colab())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
