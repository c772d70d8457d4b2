"""The page at /: one file with all that belongs to it, so that no other server is ever asked for anything."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cached_property
from pathlib import Path


class Page:
    """``page.html``, read when it is first asked for."""

    @cached_property
    def html(self) -> str:
        """The page's text."""
        return Path(__file__).with_name("page.html").read_text(encoding="utf-8")

    @cached_property
    def policy(self) -> str:
        """The Content-Security-Policy that lets it run its own script, and nobody's else."""
        scripts = " ".join(_hash(found) for found in re.findall(r"<script>(.*?)</script>", self.html, re.DOTALL))
        styles = " ".join(_hash(found) for found in re.findall(r"<style>(.*?)</style>", self.html, re.DOTALL))
        return (
            f"default-src 'none'; script-src {scripts}; style-src {styles}; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


page = Page()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
