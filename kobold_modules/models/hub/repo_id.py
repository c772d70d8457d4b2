"""Names of models on the hub: ``owner/name``, ``owner/name:Q4_K_M``, ``owner/name/file.gguf``, or a pasted address."""

from __future__ import annotations

import re
from dataclasses import dataclass


_ADDRESS = re.compile(r"^https?://(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_PAGE = re.compile(r"/(?:blob|resolve|tree)/[^/]+(?=/|$)|\?.*$")
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_ID = re.compile(rf"^(?P<repository>{_PART}/{_PART})(?::(?P<quant>[A-Za-z0-9_.-]+)|/(?P<file>[^:?]+\.gguf))?/?$")


@dataclass(frozen=True, slots=True)
class HubId:
    """A model repository, and which GGUF file of it: by its path in it, or by its quantisation; neither: any."""

    repository: str
    file: str = ""
    quant: str = ""

    def __str__(self) -> str:
        return self.repository + (f"/{self.file}" if self.file else f":{self.quant}" if self.quant else "")

    def picks(self, name: str) -> bool:
        """Return whether the file called ``name`` (with its folders) is the one that is meant."""
        if self.file:
            return name == self.file
        said = re.escape(self.quant)
        return bool(re.search(rf"(?:^|[^a-z0-9]){said}(?:[^a-z0-9]|$)", name, re.IGNORECASE)) if self.quant else True


def parse_hub_id(text: str) -> HubId | None:
    """Parse the id in ``text``, or None where it cannot be one. No path in it leads out of a folder."""
    said = _ADDRESS.sub("", text.strip())
    if said != text.strip():
        said = _PAGE.sub("", said)
    if said.startswith("hf.co/"):
        said = said.removeprefix("hf.co/")
    found = _ID.match(said)
    if found is None or ".." in said or "\\" in said or "--" in found["repository"]:
        return None
    file = found["file"] or ""
    if any(not part or part.startswith(".") for part in file.split("/")) and file:
        return None
    return HubId(found["repository"], file, found["quant"] or "")
