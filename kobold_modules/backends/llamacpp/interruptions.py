"""What a call into llama.cpp may be broken off by, other than an error."""


class Cancelled(Exception):
    """The caller's ``cancelled`` said so while the model was computing. Never leaves this package."""


class Full(Exception):
    """No cells are left; nothing has changed. Never leaves this package."""
