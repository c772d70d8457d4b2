"""Why something could not be written, in words that say what helps: room on the disk, a right, another folder."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NamedTuple

from .phrases import place


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM}
NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.EISDIR}


class Reason(NamedTuple):
    """``text`` goes behind a colon, without a full stop; ``hint`` is a sentence."""

    text: str
    hint: str


def reason(error: OSError, path: Path) -> Reason:
    """Return why ``path`` could not be written."""
    folder = place(path.parent)
    if error.errno in FULL:
        return Reason("the disk is full", "Free some room.")
    if error.errno == errno.EROFS:
        return Reason(f"{folder} is on a disk that is read-only", "")
    if error.errno in FORBIDDEN:
        return Reason(f"you have no permission to write in {folder}", "")
    if error.errno in NO_FOLDER:
        return Reason(f"the folder {folder} is not there and cannot be made", "")
    return Reason((error.strerror or str(error)).rstrip("."), "")
