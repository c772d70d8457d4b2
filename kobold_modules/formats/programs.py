"""Which form of a module each program reads, and what a person should know before they hand it over."""

from __future__ import annotations

from typing import Literal, get_args

from ..soft_prompt.deep_prefix import AnyModule
from . import kobold


Program = Literal["koboldai-client", "united", "text-generation-webui", "koboldcpp", "peft", "vllm"]
PROGRAMS: tuple[Program, ...] = get_args(Program)
FORMAT_OF: dict[Program, str] = {
    "koboldai-client": "kobold",
    "united": "kobold",
    "text-generation-webui": "kobold",
    "koboldcpp": "llama-lora",
    "peft": "peft",
    "vllm": "prompt-embeds",
}
CROWDED = 256  # of the 1,024 tokens that the Client has by default
_WITH_WTE = ("gpt2", "gpt-2", "gpt-neo-", "gpt-j")


def warnings_for(module: AnyModule, program: str) -> list[str]:
    """Return sentences on what ``program`` will not do with ``module``, though it loads it."""
    name, model = module.card.name, module.card.model.lower()
    found = []
    if program in ("koboldai-client", "united") and module.tokens > CROWDED:
        found.append(f"{name} takes {module.tokens} of the 1,024 tokens that KoboldAI Client reads by default.")
    if program == "koboldai-client" and any(kind in model for kind in ("llama", "mistral", "qwen", "gemma", "phi")):
        found.append(f"{name} was made for {module.card.model}, which KoboldAI Client does not run; United does.")
    if program == "text-generation-webui" and model and not any(kind in model for kind in _WITH_WTE):
        found.append(
            f"{name} was made for {module.card.model}: text-generation-webui read soft prompts for GPT-2, GPT-Neo and "
            "GPT-J only, and none since June 2023."
        )
    if program in ("koboldai-client", "united", "text-generation-webui") and kobold.plain_name(name) != name:
        found.append(
            f"It is listed there as {kobold.plain_name(name) or 'module'!r}, without signs its page shows wrong."
        )
    return found


HELP = "the program it is for, which decides the format: " + ", ".join(PROGRAMS)
