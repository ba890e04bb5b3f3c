"""What was seen in the sandbox becomes verdicts, and verdicts become nbgrader's grades."""
