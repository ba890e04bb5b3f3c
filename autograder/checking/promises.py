"""What an exercise's text promises, and whether each promise has a check that asks for it.

A promise is quoted where a check asks for it (`Exercise.promise`). That the quotation stands in the text, and that no
sentence that binds is left without one, is found out here. The text of an exercise is its reference's docstring and
what its section of the notebook says before the exercise cell, and for all of a topic's exercises what its notebook
says before the first section.
"""

import inspect
import re
from dataclasses import dataclass

import nbformat

from autograder.checking.topic import ROOT, Exercise, Topic

# Words that bind, in the text of a section; of a docstring every sentence does.
BINDING = re.compile(
    r"\b(must|raises?|refuses?|refused|exactly|only|at least|at most|unchanged|stays? as|as it (?:was|is)|left as|once|"
    r"\w+Error)\b"
)
HEADING = re.compile(r"^## ", re.MULTILINE)
TALK = re.compile(r"\*\*(Why it matters|By hand|Your bet)|## |\||\*About ")  # paragraphs of a section that do not bind
SOURCE = re.compile(r"Source: .*?(?=\n\n|\Z)", re.DOTALL)  # of a docstring


@dataclass(frozen=True)
class Text:
    """What is said of an exercise: its docstring, its section down to its own cell, and what comes before all."""

    docstring: str
    section: str
    introduction: str

    @property
    def whole(self) -> str:
        return _joined(f"{self.docstring} {self.section} {self.introduction}")


def text_of(topic: Topic, name: str) -> Text:
    """The text of an exercise, as it is written in the reference and in the released notebook."""
    cells = nbformat.read(ROOT / "exercises" / topic.name / f"{topic.name}.ipynb", as_version=4).cells
    at = next(i for i, cell in enumerate(cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == name)
    headings = [i for i, cell in enumerate(cells) if cell.cell_type == "markdown" and HEADING.search(cell.source)]
    begin = max(i for i in headings if i < at)
    said = [cell.source for cell in cells[begin:at] if cell.cell_type == "markdown"]
    before = [cell.source for cell in cells[: headings[0]] if cell.cell_type == "markdown"]
    return Text(inspect.getdoc(topic.reference(name)) or "", "\n\n".join(said), "\n\n".join(before))


def _joined(text: str) -> str:
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """The sentences of a text, or their parts between semicolons, with single spaces; none goes over a blank line."""
    paragraphs = map(_joined, re.split(r"\n\s*\n", text))
    return [part for words in paragraphs for part in re.split(r"(?<=[.;?!])(?<!et al\.)\s+(?=\S)", words) if part]


def unguarded(topic: Topic, exercise: Exercise) -> list[str]:
    """The sentences that bind and that no promise and no aside of the exercise quotes, in whole or in part."""
    text = text_of(topic, exercise.name)
    section = "\n\n".join(part for part in re.split(r"\n\s*\n", text.section) if not TALK.match(part))
    binding = sentences(SOURCE.sub("", text.docstring))
    binding += [part for part in sentences(section) if BINDING.search(part)]
    quoted = [promise.words for promise in exercise.promises] + list(exercise.asides)
    return [part for part in binding if not any(words in part or part in words for words in quoted)]


def misquoted(topic: Topic, exercise: Exercise) -> list[str]:
    """The quotations that are not in the text."""
    text = text_of(topic, exercise.name).whole
    return [words for words in [*(p.words for p in exercise.promises), *exercise.asides] if words not in text]
