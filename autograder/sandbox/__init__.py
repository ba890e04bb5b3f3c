"""Where a submission runs: behind walls, within limits, and without the answers."""
