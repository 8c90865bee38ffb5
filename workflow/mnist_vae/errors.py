"""The error for what the user can correct."""


class InputError(ValueError):
    """Bad input. The message names the setting or file, its value and the remedy; no traceback is shown."""
