"""The one kind of error that is the user's to mend."""


class InputError(ValueError):
    """Bad input. The message names the thing, its value and the way out; it is shown without a traceback."""
