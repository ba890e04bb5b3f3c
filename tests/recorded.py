"""What holds for every record of a script in experiments/."""

import json
from typing import Any


def follows_from_its_data(script: Any, recorded: dict[str, Any]) -> None:
    """Claim, limits and finding, the figures and the numbers are those that the script gives of the data."""
    assert recorded["claim"] == script.CLAIM and recorded["limits"] == script.LIMITS
    assert recorded["finding"] == script.finding(recorded["data"])
    for part in ("measured", "numbers"):
        assert recorded[part] == json.loads(json.dumps(getattr(script, part)(recorded["data"])))
