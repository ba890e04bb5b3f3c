"""The measurements that the course reports: one JSON file for each claim, written by a script in experiments/.

The files live in `layercake/recorded/`, inside the package, so that the book, the labs and a learner who installed the
package all read the same ones.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"
FIELDS = ("claim", "command", "date", "seconds", "hardware", "versions", "seeds", "repeats", "settings")
FIELDS += ("limits", "numbers", "data")


def load(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """One measurement, as `experiments/<name>.py` wrote it. Raises FileNotFoundError with the names there are."""
    path = folder / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"No recorded result {name!r} in {folder}. There are: {there}. "
            "In the repository, a script in experiments/ measures it; book/ledger.md gives each one's command."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def find(name: str) -> dict[str, Any] | None:
    """One measurement, or None where nothing has been recorded."""
    try:
        return load(name)
    except FileNotFoundError:
        return None


def save(name: str, result: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write one measurement. Raises ValueError where a field is missing."""
    if missing := [field for field in FIELDS if field not in result]:
        raise ValueError(f"The result {name!r} lacks {', '.join(missing)}.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return path
