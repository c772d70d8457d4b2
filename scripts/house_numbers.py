"""Count what can be counted of a checkout's order, beside another's.

    git worktree add /tmp/before 73d9d7c
    python -m scripts.house_numbers /tmp/before .

prints the table of docs/house.md. It reads source text only; nothing of the checkouts is imported.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import networkx
import textual


# The arithmetic written by hand, wherever a checkout keeps it.
NUMERIC = ("fused_llama.py", "fused_layer.py", "prefix_attention.py", "head_loss.py", "ops.py", "pieces.py")


def sources(tree: Path) -> list[Path]:
    """Return the program's own files: the package and the interface, without tests and scripts."""
    return sorted(path for top in ("kobold_modules", "tui") for path in (tree / top).rglob("*.py"))


def files_a_room(tree: Path) -> str:
    """Return the three fullest folders and how many files each holds, ``__init__`` not counted."""
    rooms = Counter(path.parent.relative_to(tree).as_posix() for path in sources(tree) if path.stem != "__init__")
    return ", ".join(f"{room} {count}" for room, count in rooms.most_common(3))


def longest_file(tree: Path) -> str:
    """Return the file with most lines."""
    lines, path = max((len(path.read_text("utf-8").splitlines()), path) for path in sources(tree))
    return f"{path.relative_to(tree).as_posix()} {lines}"


def longest_function(tree: Path) -> str:
    """Return the function with most lines, docstring and signature included."""
    lines, name = max(
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{path.stem}.{node.name}")
        for path in sources(tree)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return f"{name} {lines}"


def circles(tree: Path) -> str:
    """Return how many groups of files import each other in a circle, and how many files stand in one."""
    graph = networkx.DiGraph(arrow for path in sources(tree) for arrow in _imports(tree, path))
    found = [group for group in networkx.strongly_connected_components(graph) if len(group) > 1]
    return f"{len(found)} ({sum(map(len, found))} files)"


def _imports(tree: Path, path: Path) -> Iterator[tuple[str, str]]:
    """Yield (importer, imported) for each file of the tree that ``path`` names, in functions as well."""
    here = _module(tree, path)
    package = here if path.stem == "__init__" else here.rpartition(".")[0]
    known = {_module(tree, other) for other in sources(tree)}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            target = f"{source}.{alias.name}"
            if target in known or source in known:
                yield here, target if target in known else source


def _module(tree: Path, path: Path) -> str:
    parts = path.relative_to(tree).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def comments_in_numeric_code(tree: Path) -> str:
    """Return comments per 100 lines of the training step's arithmetic."""
    comments = lines = 0
    for path in sources(tree):
        if path.name in NUMERIC:
            lines += len(path.read_text("utf-8").splitlines())
            with path.open("rb") as file:
                comments += sum(token.type == tokenize.COMMENT for token in tokenize.tokenize(file.readline))
    return f"{100 * comments / max(lines, 1):.0f}"


def not_imperative(tree: Path) -> str:
    """Return ruff's count of D401: docstrings that do not begin with a verb in the imperative."""
    convention = 'lint.pydocstyle.convention="google"'
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "D401", "--config", convention]
    done = subprocess.run(
        [*command, "--output-format", "json", "kobold_modules", "tui"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    return str(len(json.loads(done.stdout)))


def reaches_into_textual(tree: Path) -> str:
    """Return how many places outside tui/rendering take a private member of Textual's."""
    library = " ".join(path.read_text("utf-8") for path in Path(textual.__file__).parent.rglob("*.py"))
    outside = [path for path in (tree / "tui").rglob("*.py") if "rendering" not in path.parts]
    trees = [ast.parse(path.read_text("utf-8")) for path in outside]
    ours = {name for parsed in trees for name in _defined(parsed)} | {"_replace"}
    places = [
        node.attr
        for parsed in trees
        for node in ast.walk(parsed)
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr) and node.attr not in ours
    ]
    return str(sum(bool(re.search(rf"\b{name}\b", library)) for name in places))


def _defined(parsed: ast.Module) -> Iterator[str]:
    """Yield the names that a file gives to its own objects."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def stack_layers(tree: Path) -> str:
    """Return the classes that hold a strength beside what names or is a module: the types of a stack's layer."""
    return _classes(tree, lambda fields: "strength" in fields and bool(fields & {"module", "path", "name", "key"}))


def repeats(tree: Path) -> str:
    """Return what the tool ``duplicates`` counts: pairs of places of six lines and more with one shape."""
    try:
        done = subprocess.run(["duplicates", "--most", "1"], cwd=tree, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not counted: the tool is not here"
    found = re.search(r"\d+", done.stdout)
    return found.group() if found else done.stdout.strip()


def _classes(tree: Path, wanted: Callable[[set[str]], bool]) -> str:
    names = [
        node.name
        for path in sources(tree)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and wanted(
            {
                field.target.id
                for field in node.body
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            }
        )
    ]
    return f"{len(names)} ({', '.join(sorted(names))})"


ROWS: dict[str, Callable[[Path], str]] = {
    "files of the fullest rooms": files_a_room,
    "longest file, lines": longest_file,
    "longest function, lines": longest_function,
    "circles of imports between files": circles,
    "comments per 100 lines of hand-written arithmetic": comments_in_numeric_code,
    "docstrings that are not imperative (D401)": not_imperative,
    "private members of Textual taken outside tui/rendering": reaches_into_textual,
    "types for a layer of a stack": stack_layers,
    "pairs of places of one shape (`duplicates`)": repeats,
}


def main(trees: list[Path]) -> None:
    """Print a Markdown table: a row a count, a column a checkout."""
    print("| | " + " | ".join(_commit(tree) for tree in trees) + " |\n|---|" + "---|" * len(trees))
    for name, count in ROWS.items():
        print(f"| {name} | " + " | ".join(count(tree) for tree in trees) + " |")


def _commit(tree: Path) -> str:
    done = subprocess.run(
        ["git", "log", "-1", "--format=%h, %as"], cwd=tree, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main([Path(tree).resolve() for tree in sys.argv[1:] or ["."]])
