"""Examples by rule: an entry's own sentences turned into questions, statements and gaps, without any model.

Every answer is a stretch of the entry or the name of one, so nothing can be made up. Recitation and continuations work
in any language; questions are English, and are asked about English entries only.
"""

from .entry import drafts_of


__all__ = ["drafts_of"]
