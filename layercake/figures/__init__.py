"""Moving pictures: `show("messages")` in a notebook, the `moving-picture` directive in the book.

Each is one ES module beside this file, in anywidget's front-end form, and both places run the same text: `source`. What
can be set is in the picture's `state`, a plain dictionary whose keys the module lists as `defaults`. The Python modules
beside them are the still pictures; `state()` of one is what a moving picture shows of the same data.
"""

import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


class UnknownFigure(LookupError):
    """There is no such moving picture."""


def names() -> list[str]:
    """The moving pictures that there are."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.js"))


def module(name: str) -> Path:
    """The file of a moving picture. Raises UnknownFigure, naming those that there are."""
    if name not in names():
        raise UnknownFigure(f"There is no moving picture {name!r}. There are: {', '.join(names())}.")
    return FOLDER / f"{name}.js"


def source(name: str) -> str:
    """The text of a moving picture as one module, with what it imports from `_shared.js` written in.

    One module, because a page on `file://` may import nothing. Raises UnknownFigure.
    """
    shared = re.sub(r"^export ", "", (FOLDER / "_shared.js").read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = module(name).read_text(encoding="utf-8")
    return re.sub(r'^import .* from "\./_shared\.js";\n', lambda _: shared, text, flags=re.MULTILINE)


def show(name: str, **state: Any) -> Any:
    """Show a moving picture in a notebook, `state` overriding how it starts: `show("messages", length=16)`.

    Its present state is in the result's `.state`. Raises UnknownFigure, and ImportError where anywidget is
    missing.
    """
    text = source(name)
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(
            "Moving pictures in notebooks need anywidget. Install it with `pip install anywidget`, restart the "
            "kernel, and run this cell again. The published book shows the same picture without it."
        ) from error

    class MovingPicture(anywidget.AnyWidget):
        _esm = text
        state = traitlets.Dict().tag(sync=True)

    return MovingPicture(state=state)
