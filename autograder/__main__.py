"""The command `autograder`. Everything that it imports beyond the learner's install comes with `[instructor]`."""

import gc
import sys


def main() -> None:
    """Run the command line, or say what is missing for it."""
    gc.disable()  # while modules are loaded, which takes a quarter longer with it
    sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema would build a grammar for it in a second; unused here
    try:
        from autograder.cli import app
    except ModuleNotFoundError as error:
        sys.exit(f"autograder: {error.name} is not installed; run: pip install 'layercake-course[instructor]'")
    gc.enable()
    app()


if __name__ == "__main__":
    main()
