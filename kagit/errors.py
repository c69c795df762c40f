"""Errors, sorted by what the caller should do about them."""


class KagitError(Exception):
    """Base of every error that kagit raises on purpose."""


class Refused(KagitError):
    """The input is wrong: fix the files or the command line; trying again does not help."""


class NotFound(Refused):
    """The named thing does not exist."""


class Unavailable(KagitError):
    """The world does not answer (network, disk, lock): try again later."""


class Conflict(KagitError):
    """Somebody else was faster: look again and decide anew."""


class AlreadyExists(Conflict):
    """An object of this name is there already (HTTP 409, reason AlreadyExists)."""


class Expired(Conflict):
    """The asked-for version is too old to watch from (HTTP 410): list again."""


class Broken(KagitError):
    """A promise inside kagit does not hold: tell its authors."""
