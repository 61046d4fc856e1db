"""A pytest plugin that says ``@pytest.mark.dependency(name=, depends=, scope=)`` in the words of ``depends``.

As in pytest-dependency only marked tests answer to a name, only the nearest mark counts, and a name is looked up in the
session, package, module or class of the test that says it. So that our own rules for short names have no part in it,
each name is spelled with its scope: ``module@test_x.py@test_a``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

_SCOPES: dict[str, type[pytest.Collector]] = {
    "session": pytest.Session,
    "package": pytest.Package,
    "module": pytest.Module,
    "class": pytest.Class,
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "dependency(name=None, depends=[], scope='module'): as in pytest-dependency")


def pytest_itemcollected(item: pytest.Item) -> None:
    mark = item.get_closest_marker("dependency")
    if mark is not None:
        scope = _scoped(item, mark.kwargs.get("scope", "module"))
        on = [f"{scope}{name}" for name in mark.kwargs.get("depends", ())]
        item.add_marker(pytest.mark.depends(on=on, name=list(_names(item, mark.kwargs.get("name")))))


def _names(item: pytest.Item, given: str | None) -> Iterator[str]:
    _, _, in_file = item.nodeid.partition("::")
    default = {"module": in_file, "class": in_file.partition("::")[2]}
    for scope, node_type in _SCOPES.items():
        if item.getparent(node_type) is not None:
            yield f"{_scoped(item, scope)}{given or default.get(scope, item.nodeid)}"


def _scoped(item: pytest.Item, scope: str) -> str:
    node = item.getparent(_SCOPES[scope])
    assert node is not None, f"{item.nodeid} is in no {scope}"
    return f"{scope}@{node.nodeid}@"
