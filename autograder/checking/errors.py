"""The one base of errors that a user can do something about."""


class ClearError(Exception):
    """An error whose words say what is wrong, where, and what to do: commands show these and no traceback."""
