"""Every limit that reading a stranger's file keeps to, in one place.

A book is a few megabytes; the limits leave room for the longest novels with pictures and stop what was made to fill a
memory: a zip that inflates for ever, a page of a million nested tags, a directory of a million names.
"""

from __future__ import annotations


MIB = 1 << 20
MOST_FILE = 200 * MIB  # bytes of a file on disk
MOST_JSON = 128 * MIB  # bytes of a save or a chat in one JSON document; one in lines may be as long as any file
MOST_MEMBER = 256 * MIB  # inflated bytes of one member of a zip
MOST_INFLATED = 512 * MIB  # inflated bytes of all members that one reading opens
MOST_RATIO = 120  # inflated to packed bytes: XML reaches 10 to 50, deflate's own end is near 1,030
RATIO_FROM = 64 * MIB  # a member smaller than this may pack as well as it likes
MOST_MEMBERS = 50_000  # files in a zip
MOST_DIRECTORY = 16 * MIB  # bytes of a zip's directory
MOST_DEPTH = 1_000  # elements inside one another
MOST_DOCUMENTS = 20_000  # pages of an EPUB's spine, documents of a Scrivener binder, pages of a PDF
CHUNK = 1 * MIB  # bytes inflated and parsed at a time
