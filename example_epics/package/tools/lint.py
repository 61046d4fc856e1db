"""A small linter: lint.py FOLDER..."""

import ast
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

LONGEST = 120
Function = ast.FunctionDef | ast.AsyncFunctionDef


def findings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    if not ast.get_docstring(tree):
        yield 1, "the module has no docstring"
    imported: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                imported[(alias.asname or alias.name).split(".")[0]] = node.lineno
        elif isinstance(node, Function):
            yield from of_function(node)
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "a bare except"
        elif isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Eq | ast.NotEq) and isinstance(value, ast.Constant) and value.value is None
            for op, value in zip(node.ops, node.comparators, strict=True)
        ):
            yield node.lineno, "None is compared with == or !="
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name, line in imported.items():
        if name not in used:
            yield line, f"{name} is imported and not used"


def of_function(node: Function) -> Iterator[tuple[int, str]]:
    if node.returns is None:
        yield node.lineno, f"{node.name} does not say what it returns"
    defaults = [*node.args.defaults, *node.args.kw_defaults]
    if any(isinstance(default, ast.List | ast.Dict | ast.Set) for default in defaults):
        yield node.lineno, f"{node.name} has a mutable default"
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    for argument in arguments:
        if argument.annotation is None and argument.arg not in ("self", "cls"):
            yield node.lineno, f"{node.name}: {argument.arg} has no type"


def check(path: Path) -> list[str]:
    source = path.read_text(encoding="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what the compiler only warns of becomes a SyntaxError
            compile(source, str(path), "exec")
        found = list(findings(ast.parse(source)))
    except SyntaxError as error:
        found = [(error.lineno or 1, str(error.msg))]
    found += [(n, "a long line") for n, line in enumerate(source.splitlines(), 1) if len(line) > LONGEST]
    return [f"{path.as_posix()}:{line}: {text}" for line, text in sorted(found)]


def main(folders: list[str]) -> None:
    paths = [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    complaints = [complaint for path in paths for complaint in check(path)]
    if not paths or complaints:
        sys.exit("\n".join(complaints) or "nothing to lint")
    print(f"{len(paths)} files, nothing to complain of")


if __name__ == "__main__":
    main(sys.argv[1:])
