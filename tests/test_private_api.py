"""Notices when a part of pytest changes that ``concurrent/`` uses although it is private."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from _pytest.config import apply_warning_filters
from _pytest.logging import catching_logs
from _pytest.runner import SetupState
from _pytest.subtests import Captured, SubtestContext, SubtestReport, failed_subtests_key

from pytest_tapps_waves.concurrent.outcomes import _subtests_key


@pytest.fixture(autouse=True)
def strict_asyncio(pytester: pytest.Pytester) -> None:
    """Inner runs would else warn of an option of pytest-asyncio that is not set."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


def test_the_setup_state_has_the_methods_that_ours_replaces(request: pytest.FixtureRequest) -> None:
    assert isinstance(request.session._setupstate, SetupState)
    assert list(inspect.signature(SetupState.setup).parameters) == ["self", "item"]
    assert list(inspect.signature(SetupState.teardown_exact).parameters) == ["self", "nextitem"]
    assert request.node in request.session._setupstate.stack
    finalizers, failure = request.session._setupstate.stack[request.node]
    assert callable(finalizers[0])
    assert failure is None


@pytest.mark.parametrize("name", ["capturemanager", "logging-plugin", "terminalreporter", "warnings", "assertion"])
def test_the_plugins_that_are_left_out_are_known_by_these_names(pytestconfig: pytest.Config, name: str) -> None:
    assert pytestconfig.pluginmanager.has_plugin(name)


def test_the_faulthandler_and_the_last_failed_plugin_are_known_by_these_names(pytester: pytest.Pytester) -> None:
    names = pytester.parseconfigure().pluginmanager.list_name_plugin()
    assert {"faulthandler", "lfplugin"} <= {name for name, plugin in names if plugin is not None}


def test_the_capture_manager_can_be_switched(pytestconfig: pytest.Config) -> None:
    manager: Any = pytestconfig.pluginmanager.get_plugin("capturemanager")
    for method in ("resume_global_capture", "read_global_capture", "global_and_fixture_disabled"):
        assert callable(getattr(manager, method))
    assert list(inspect.signature(manager.suspend_global_capture).parameters) == ["in_"]


def test_the_logging_plugin_has_what_ours_takes_from_it(pytestconfig: pytest.Config) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin("logging-plugin")
    assert hasattr(plugin, "formatter")
    assert hasattr(plugin, "log_level")
    assert hasattr(plugin, "log_cli_handler")
    assert list(inspect.signature(catching_logs).parameters) == ["handler", "level"]


def test_the_terminal_writes_to_a_file_that_can_be_replaced(pytestconfig: pytest.Config) -> None:
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        pytest.skip("this run has no terminal reporter, as in a worker of pytest-xdist")
    assert reporter._tw._file.writable()


def test_items_get_their_hooks_from_the_session(request: pytest.FixtureRequest) -> None:
    assert "gethookproxy" not in vars(request.session)
    assert request.node.ihook is request.session.gethookproxy(request.node.path)


def test_conftests_that_do_not_see_an_item_are_named_by_its_hooks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        **{"a/conftest": "", "b/conftest": "", "a/test_a": "def test_a(): pass", "b/test_b": "def test_b(): pass"}
    )
    items, _ = pytester.inline_genitems("--import-mode=importlib")
    assert all(item.ihook.remove_mods for item in items)


def test_subtest_reports_are_made_as_pytest_makes_them() -> None:
    assert list(inspect.signature(SubtestReport._new).parameters) == [
        "test_report",
        "context",
        "captured_output",
        "captured_logs",
    ]
    assert SubtestContext(msg="a check", kwargs={}).msg == "a check"
    assert Captured("out", "err").err == "err"


def test_failed_subtests_are_counted_by_what_ours_counts_them_by(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(subtests):\n    with subtests.test('a'):\n        assert 0")
    counted: list[object] = []

    class Spy:
        def pytest_sessionfinish(self, session: pytest.Session) -> None:
            counts = session.config.stash[failed_subtests_key]
            counted.extend((list(counts), [_subtests_key(item) for item in session.items]))

    pytester.inline_run(plugins=[Spy()])
    assert counted[0] == counted[1]


def test_a_skip_can_be_shown_at_its_item() -> None:
    assert pytest.skip.Exception("why", _use_item_location=True)._use_item_location


def test_configured_warning_filters_can_be_applied() -> None:
    assert list(inspect.signature(apply_warning_filters).parameters) == ["config_filters", "cmdline_filters"]
