"""A writer's home as it is after years: a library of thousands of modules, and a novel on the bench."""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import replace


_WORDS = """
the a and of in to was it he she they rain lamp street window letter night door shadow voice sea stone hand silver cold
slow quiet turned waited answered watched opened never again behind before under while because almost
"""
WORDS = _WORDS.split()


def fill_library(count: int) -> None:
    """Write ``count`` modules, each with its own card, and the index of them all, as an earlier start would leave it.

    The zips are copies of one: listing does not open them.
    """
    import numpy as np

    from kobold_modules import paths
    from kobold_modules.library import index
    from kobold_modules.library.library import Library
    from kobold_modules.soft_prompt.module import Card, Module
    from kobold_modules.testing.fake_engine import fake_fingerprint

    rows = np.random.default_rng(7).standard_normal((24, 8)).astype(np.float32)
    card = Card(
        "NAME",
        "style",
        "What NAME does, in a sentence of its usual length.",
        model="starter",
        fingerprint=fake_fingerprint(1000, 8),
        created="2026-11-20T14:03:00",
        measured={"bits_per_byte_with": 2.2, "bits_per_byte_without": 2.3},
        curve=tuple((step, 3.0 - step / 400) for step in range(0, 401, 10)),
        samples={"opening": "The house stood", "with": " alone at the end.", "without": " and it was nice."},
    )
    entry = Library().add(Module(rows, card))
    first, listed = entry.path, index.brief(entry)
    zipped, card_json = first.read_bytes(), (first.parent / "card.json").read_text()
    changed = first.stat().st_mtime_ns
    draw, root = random.Random(7), paths.modules_dir()
    shutil.rmtree(first.parent)
    entries = []
    for number in range(count):
        name = f"module {number:05d} {draw.choice(WORDS)} {draw.choice(WORDS)}"
        slug = name.replace(" ", "-")
        folder = root / slug
        folder.mkdir()
        (folder / f"{slug}.zip").write_bytes(zipped)
        os.utime(folder / f"{slug}.zip", ns=(changed, changed))  # as card.json says
        (folder / "card.json").write_text(card_json.replace("NAME", name))
        own = replace(listed.card, name=name, description=listed.card.description.replace("NAME", name))
        entries.append(replace(listed, name=name, slug=slug, path=folder / f"{slug}.zip", card=own))
    index.write(root, entries)
    if Library().listing() != entries:
        raise RuntimeError("the index of the benchmark's library is not the one that reading it would have made")


def story(words: int) -> str:
    """Return paragraphs of about 60 words."""
    draw = random.Random(3)
    pages = [" ".join(draw.choice(WORDS) for _ in range(60)).capitalize() + "." for _ in range(words // 60)]
    return "\n\n".join(pages)


def fill_bench(words: int) -> None:
    """Put a story of ``words`` words on the bench, half of it by the model in takes of paragraphs, and one module."""
    from kobold_modules import paths
    from kobold_modules.stories.story import Story

    whole = Story("A long one")
    for number, part in enumerate(story(words).split("\n\n")):
        if number % 4 < 2:
            whole.edit(whole.text + part + "\n\n")
        else:
            whole.append_take(part + "\n\n", "noir ×0.8", number)
    first = next(folder.name for folder in sorted(paths.modules_dir().iterdir()) if folder.name.startswith("module"))
    bench = {
        "stack": [{"module": first, "strength": 1.0, "on": True}],
        "sampler": {"preset": "balanced", "seed": None, "length": 4096},
    }
    paths.made(paths.stories_dir())
    data = {**whole.to_dict(), "bench": bench}
    (paths.stories_dir() / "bench.json").write_text(json.dumps(data), encoding="utf-8")
