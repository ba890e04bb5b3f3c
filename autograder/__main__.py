"""The command `autograder`. Everything that it imports beyond the learner's install comes with `[instructor]`."""

import gc
import sys


def main() -> None:
    """Run the command line, or say what is missing for it."""
    gc.set_threshold(100_000, 20, 20)  # most of what is made are modules, which stay
    sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema would build a grammar for it in a second; unused here
    try:
        from autograder.cli import app
    except ModuleNotFoundError as error:
        sys.exit(f"autograder: {error.name} is not installed; run: pip install 'layercake-course[instructor]'")
    try:
        app()
    finally:
        gc.freeze()  # Python goes through all that is loaded once more when it ends, which takes a second


if __name__ == "__main__":
    main()
