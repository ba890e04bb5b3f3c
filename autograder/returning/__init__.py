"""Handing back: the report, the grades, the feedback."""
