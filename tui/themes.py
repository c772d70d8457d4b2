"""Two themes of our own, ink on dark and on light paper, and the one colour we add to every theme.

All of Textual's themes work as well: screens use theme tokens only.
"""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme


def _scrollbars(track: str, thumb: str, held: str) -> dict[str, str]:
    """Return the colours of a track that is distinct from the page, and of a thumb distinct from the track."""
    tracks = (
        "scrollbar-background",
        "scrollbar-background-hover",
        "scrollbar-background-active",
        "scrollbar-corner-color",
    )
    return {**dict.fromkeys(tracks, track), "scrollbar": thumb, "scrollbar-hover": held, "scrollbar-active": held}


INK = Theme(
    name="ink",
    primary="#7fa99b",
    secondary="#6c8ebf",
    accent="#e0a458",
    warning="#e6b35a",
    error="#d8706a",
    success="#8fb573",
    foreground="#e4dfd3",
    background="#15171a",
    surface="#1c1f23",
    panel="#24282d",
    dark=True,
    variables={
        "block-cursor-background": "#3c5a52",
        "block-cursor-foreground": "#f4efe3",
        "border": "#7fa99b",
        "model-ink": "#E7CFAE",
    }
    | _scrollbars("#2e343a", "#6a747d", "#7fa99b"),
)
PAPER = Theme(
    name="paper",
    primary="#2f6f60",
    secondary="#4a6fa5",
    accent="#a8632a",
    warning="#93601a",
    error="#a83a32",
    success="#4b7a2e",
    foreground="#2b2a27",
    background="#f6f1e6",
    surface="#efe8d9",
    panel="#e6dcc8",
    dark=False,
    variables={
        "block-cursor-background": "#2f6f60",
        "block-cursor-foreground": "#fbf7ee",
        "border": "#2f6f60",
        "model-ink": "#7B4F28",
    }
    | _scrollbars("#d8ccb4", "#978a70", "#2f6f60"),
)
DEFAULT = INK.name


def extra_variables(theme: Theme) -> dict[str, str]:
    """Return ``$model-ink``, the colour of what the model wrote: half-way between the text's and the accent.

    A theme that has it keeps it. Ours do: working it out means making all colours of the theme a second time.
    """
    if "model-ink" in theme.variables:
        return {}
    if theme.ansi:
        return {"model-ink": theme.secondary or "ansi_cyan"}
    colors = theme.to_color_system().generate()
    # Dark themes take the accent as it is toned for text; on light ones that is nearly the text's own colour.
    accent, share = (colors["text-accent"], 0.55) if theme.dark else (colors["accent"], 0.65)
    ink = Color.parse(colors["foreground"]).blend(Color.parse(accent), share)
    return {"model-ink": ink.hex}
