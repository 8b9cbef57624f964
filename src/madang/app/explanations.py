"""What counters mean: the docstring below a field in its room is its help text on the metrics page."""

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator


@functools.cache
def explanations(kind: type) -> dict[str, str]:
    """Explained fields of a counters class: `name` → one line; fields without a docstring are left out.

    Fields stand in the class, or are given to `self` in its `__init__`. Empty without the source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):
        return {}
    return {name: " ".join(text.split()) for body in _bodies(tree) for name, text in _explained(body)}


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.name == "__init__"):
            yield node.body


def _explained(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, below in zip(body, body[1:], strict=False):
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and (name := _name(field)):
            yield name, str(below.value.value)


def _name(node: ast.stmt) -> str:
    """The field that a statement sets, or nothing."""
    target: ast.expr | None = None
    if isinstance(node, ast.AnnAssign):
        target = node.target
    elif isinstance(node, ast.Assign):
        target = node.targets[0]
    if isinstance(target, ast.Name):
        return target.id
    return target.attr if isinstance(target, ast.Attribute) else ""
