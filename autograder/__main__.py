"""The command `autograder`. Everything that it imports beyond the learner's install comes with `[instructor]`."""

import sys


def main() -> None:
    """Run the command line, or say what is missing for it."""
    try:
        from autograder.cli import app
    except ModuleNotFoundError as error:
        sys.exit(f"autograder: {error.name} is not installed; run: pip install 'layercake-course[instructor]'")
    app()


if __name__ == "__main__":
    main()
