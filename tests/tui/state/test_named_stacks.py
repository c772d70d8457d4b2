"""Stacks kept by name, by real keys."""

from __future__ import annotations

from kobold_modules.library import stack_file
from kobold_modules.library.stack_file import ModuleId, StackFile
from kobold_modules.soft_prompt.layer import Layer
from tests.tui.conftest import Open, Stage, module


async def stack_up(on: Stage) -> None:
    """Stack two modules, one at half strength, one off; the cursor on the stack."""
    by_name = {entry.name: entry for entry in on.app.app_state.entries}
    stack = on.app.app_state.stack.add(by_name["gothic house"], 0.5).add(by_name["noir rain"], 1.0, False)
    on.app.app_state.stack = stack
    await on.press("f3")
    on.stack_list.focus()
    await on.settled()


async def keep(on: Stage, name: str) -> None:
    await on.press("s")
    await on.type(name)
    await on.press("enter")
    await on.says("saved as")


async def test_keep_and_bring_back(stage: Open) -> None:
    async with stage() as on:
        await stack_up(on)
        await keep(on, "wet houses")
        await on.says("Stack saved as wet houses: 2 modules.")
        (layer, _) = stack_file.read(stack_file.named("wet houses")).layers  # type: ignore[arg-type]
        assert layer.module.digest
        await on.press("delete", "delete")
        assert on.stack == []
        await on.command("load stack")
        await on.shows("wet houses")
        await on.press("down", "enter")
        await on.until(lambda: on.stack == [("gothic house", 0.5, True), ("noir rain", 1.0, False)])
        await on.says("Stack wet houses loaded.")


async def test_what_is_missing_or_another_is_named(stage: Open) -> None:
    async with stage() as on:
        await stack_up(on)
        stack_file.keep(StackFile("odd", (Layer(ModuleId("gothic house", "0" * 64)), Layer(ModuleId("sea of glass")))))
        await on.press("o")
        await on.shows("odd")
        await on.press("down", "enter")
        await on.says("sea of glass, not in your library")
        assert on.stack == [("gothic house", 1.0, True)]


async def test_forget(stage: Open) -> None:
    async with stage() as on:
        await stack_up(on)
        await keep(on, "wet houses")
        on.stack_list.focus()
        await on.press("S")
        await on.shows("wet houses")
        await on.press("down", "enter")
        await on.says("deleted")
        assert stack_file.names() == []
        await on.press("o")
        await on.says("No stack is saved yet")


async def test_a_module_of_that_name_that_is_another_is_told(stage: Open) -> None:
    async with stage() as on:
        await stack_up(on)
        await keep(on, "wet houses")
        on.app.app_state.library.add(module("gothic house", tokens=12), replace=True)
        on.app.app_state.refresh_shelf()
        await on.press("o")
        await on.shows("wet houses")
        await on.press("down", "enter")
        await on.says("a different version of gothic house")
