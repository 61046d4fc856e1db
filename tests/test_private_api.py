"""Notices when a part of pytest changes that ``concurrent/`` uses although it is private."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import importlib
import inspect
from asyncio.tasks import _enter_task, _leave_task
from typing import Any

import pytest
from _pytest.config import apply_warning_filters
from _pytest.fixtures import FixtureDef
from _pytest.logging import caplog_handler_key, caplog_records_key, catching_logs
from _pytest.python import get_direct_param_fixture_func
from _pytest.runner import SetupState
from _pytest.subtests import Captured, SubtestContext, SubtestReport, failed_subtests_key
from pytest_asyncio import plugin as asyncio_plugin

from pytest_tapps_waves.concurrent.outcomes import _subtests_key


@pytest.fixture(autouse=True)
def strict_asyncio(pytester: pytest.Pytester) -> None:
    """Inner runs would else warn of an option of pytest-asyncio that is not set."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


def test_the_setup_state_has_the_methods_that_ours_replaces(request: pytest.FixtureRequest) -> None:
    assert isinstance(request.session._setupstate, SetupState)
    assert list(inspect.signature(SetupState.setup).parameters) == ["self", "item"]
    assert list(inspect.signature(SetupState.teardown_exact).parameters) == ["self", "nextitem"]
    assert list(inspect.signature(SetupState.addfinalizer).parameters) == ["self", "finalizer", "node"]
    assert request.node in request.session._setupstate.stack
    finalizers, failure = request.session._setupstate.stack[request.node]
    assert callable(finalizers[0])
    assert failure is None


def test_a_fixture_can_only_be_asked_for_where_its_node_is_active(request: pytest.FixtureRequest) -> None:
    assert list(inspect.signature(SetupState.is_node_active).parameters) == ["self", "node"]
    assert request.session._setupstate.is_node_active(request.node)


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
    plugin: Any = pytestconfig.pluginmanager.get_plugin("logging-plugin")
    assert hasattr(plugin, "formatter")
    assert hasattr(plugin, "log_level")
    assert hasattr(plugin, "log_cli_handler")
    assert plugin.log_cli_handler.formatter is not None
    assert plugin.log_file_handler.formatter is not None
    assert list(inspect.signature(catching_logs).parameters) == ["handler", "level"]


def test_the_logging_plugin_keeps_its_records_from_the_setup_on(request: pytest.FixtureRequest) -> None:
    assert set(request.node.stash[caplog_records_key]) <= {"setup", "call"}
    assert caplog_handler_key in request.node.stash


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


ITEMS = """
    import pytest

    @pytest.fixture
    def own(request): return object()

    @pytest.fixture(scope="module", params=[1])
    def wide(request):
        yield request.param

    @pytest.mark.asyncio
    async def test_it(request, own, wide):
        assert request.getfixturevalue("later") == "late"

    @pytest.fixture
    def later(): return "late"
"""


@pytest.fixture
def item(pytester: pytest.Pytester) -> Any:
    pytester.makepyfile(ITEMS)
    (found,), _ = pytester.inline_genitems("-p", "no:cacheprovider")
    return found


def test_a_fixture_definition_keeps_what_ours_resets_in_a_copy(item: Any) -> None:
    assert list(inspect.signature(FixtureDef.execute).parameters) == ["self", "request"]
    assert list(inspect.signature(FixtureDef.finish).parameters) == ["self", "request"]
    definition = item._fixtureinfo.name2fixturedefs["own"][-1]
    assert vars(definition)["_finalizers"] == []
    assert vars(definition)["cached_result"] is None
    definition.addfinalizer(print)
    assert vars(definition)["_finalizers"] == [print]
    assert vars(copy.copy(definition))["_finalizers"] is vars(definition)["_finalizers"]
    assert (definition.scope, item._fixtureinfo.name2fixturedefs["wide"][-1].scope) == ("function", "module")


def test_a_parameter_of_a_test_is_a_fixture_whose_function_only_takes_the_request(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('number', [7])\ndef test_it(number): pass")
    (found,), _ = pytester.inline_genitems("-p", "no:cacheprovider")
    function: Any = found
    (definition,) = function._fixtureinfo.name2fixturedefs["number"]
    assert definition.func is get_direct_param_fixture_func
    assert tuple(definition.argnames) == ("request",)
    assert function.callspec.params == {"number": 7}


def test_execute_and_finish_of_a_fixture_are_called_on_the_object(pytester: pytest.Pytester) -> None:
    """And a request looks definitions up by ``get``, those included that are asked for later."""
    pytester.makepyfile(ITEMS)
    log: list[str] = []
    items: list[Any] = []

    class Noted(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            log.append(f"get {name}")
            found = super().get(name, default)
            return found or items[0].session._fixturemanager.getfixturedefs(name, items[0])

    class Spy:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_setup(self, item: Any) -> None:
            items.append(item)
            info = item._fixtureinfo
            item._fixtureinfo = dataclasses.replace(info, name2fixturedefs=Noted(info.name2fixturedefs))
            item._initrequest()
            wide = info.name2fixturedefs["wide"][-1]
            for name in ("execute", "finish"):
                vars(wide)[name] = noted(name, getattr(wide, name))

    def noted(name: str, method: Any) -> Any:
        def call(request: Any) -> Any:
            log.append(name)
            return method(request)

        return call

    pytester.inline_run("-p", "no:cacheprovider", plugins=[Spy()]).assertoutcome(passed=1)
    assert {"get wide", "get later", "execute", "finish"} <= set(log)


def test_a_function_knows_its_fixtures_as_ours_takes_them(item: Any) -> None:
    assert {"names_closure", "name2fixturedefs"} <= {field.name for field in dataclasses.fields(item._fixtureinfo)}
    assert item.fixturenames is item._fixtureinfo.names_closure
    before = item._request
    item._initrequest()
    assert item._request is not before
    assert item.session._fixturemanager.getfixturedefs("nothing", item) is None
    assert {name: scope.value for name, scope in item.callspec._arg2scope.items()} == {"wide": "module"}


def test_a_request_knows_its_definition_and_those_it_has_asked_for(request: Any, item: Any) -> None:
    assert isinstance(request._get_active_fixturedef("item"), FixtureDef)


@pytest.fixture
def own_definition(request: Any) -> Any:
    return request._fixturedef


def test_the_request_of_a_fixture_holds_its_definition(own_definition: Any) -> None:
    assert isinstance(own_definition, FixtureDef)


@pytest.mark.parametrize("scope", ["function", "class", "module", "package", "session"])
def test_pytest_asyncio_has_a_runner_for_each_scope(item: Any, scope: str) -> None:
    (definition,) = item.session._fixturemanager.getfixturedefs(f"_{scope}_scoped_runner", item)
    assert definition.scope == scope


def test_pytest_asyncio_has_the_items_and_settings_that_ours_knows(item: Any) -> None:
    assert isinstance(item, asyncio_plugin.PytestAsyncioFunction)
    for kind in (asyncio_plugin.AsyncGenerator, asyncio_plugin.AsyncHypothesisTest):
        assert issubclass(kind, asyncio_plugin.PytestAsyncioFunction)
        assert not isinstance(item, kind)
    assert len(item._fixtureinfo.name2fixturedefs["event_loop_policy"]) == 1
    assert item.config.getoption("asyncio_debug") is None
    assert item.config.getini("asyncio_debug") in (False, "false")


def test_pytest_asyncio_gives_its_runner_the_coroutine_and_a_context(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio, pytest
        LOG = []

        class Runner(asyncio.Runner):
            def run(self, coroutine, *, context=None):
                LOG.append(context is not None)
                return super().run(coroutine, context=context)

        @pytest.fixture
        def _function_scoped_runner():
            with Runner() as runner:
                yield runner

        @pytest.mark.asyncio
        async def test_it(): pass

        def test_then(): assert LOG == [True]
        """
    )
    # In a process of its own: pytest-asyncio 1.3 leaves a loop behind.
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_a_task_can_leave_its_loop_and_come_back() -> None:
    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        _leave_task(loop, task)
        asyncio._set_running_loop(None)
        assert asyncio._get_running_loop() is None
        asyncio.run(asyncio.sleep(0))
        asyncio._set_running_loop(loop)
        _enter_task(loop, task)
        await asyncio.sleep(0)
        assert asyncio.current_task() is task

    asyncio.run(run())


def test_a_task_asks_the_loop_for_its_first_step_as_it_is_made() -> None:
    async def nothing() -> None:
        pass

    async def run() -> None:
        loop, coroutine = asyncio.get_running_loop(), nothing()
        asked: list[Any] = []
        loop.call_soon = lambda callback, *args, context=None: asked.append(callback)  # type: ignore[assignment,method-assign]
        try:
            task = loop.create_task(coroutine)
        finally:
            del loop.call_soon
        assert [step.__self__ for step in asked] == [task]
        assert task.get_coro() is coroutine
        loop.call_soon(*asked)
        await task

    asyncio.run(run())


def test_pytest_timeout_keeps_its_setting_on_the_config(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_timeout")
    config: Any = pytester.parseconfigure("--timeout=7")
    assert config._env_timeout == 7


class TestXdist:
    """What ``concurrent/xdist.py`` and ``workers/scheduling.py`` take from pytest-xdist."""

    def test_dist_takes_one_word_more(self, pytester: pytest.Pytester) -> None:
        config = pytester.parseconfig("--dist=waves")
        assert config.getoption("dist") == "waves"
        with pytest.raises(pytest.UsageError):
            pytester.parseconfig("--dist=wives")

    def test_a_distribution_is_no_before_that_of_n_is_known(self, pytester: pytest.Pytester) -> None:
        config = pytester.parseconfig("-n2")
        assert (config.getoption("dist"), config.getoption("distload")) == ("no", False)
        assert config.option.numprocesses == 2

    def test_the_controller_of_a_worker_has_a_line(self) -> None:
        controller = importlib.import_module("xdist.workermanage").WorkerController
        assert list(inspect.signature(controller.process_from_remote).parameters) == ["self", "eventcall"]
        assert list(inspect.signature(controller.sendcommand).parameters) == ["self", "name", "kwargs"]
        events = inspect.getsource(controller.process_from_remote)
        assert "runtest_protocol_complete" in events
        assert "unscheduled" in events
        # Ours replaces `process_from_remote` in the hook, before it is given away.
        setup = inspect.getsource(controller.setup)
        assert setup.index("pytest_configure_node") < setup.index("self.process_from_remote")
        assert "channel.send((name, kwargs))" in inspect.getsource(controller.sendcommand)

    def test_a_worker_has_a_line(self) -> None:
        worker = importlib.import_module("xdist.remote").WorkerInteractor
        assert list(inspect.signature(worker.sendevent).parameters) == ["self", "name", "kwargs"]
        assert "self.channel.send((name, kwargs))" in inspect.getsource(worker.sendevent)
        assert "self.item_index" in inspect.getsource(worker.pytest_runtest_logreport)
        assert "self.channel.setcallback(self.handle_command" in inspect.getsource(worker.pytest_runtestloop)
        commands = inspect.getsource(worker.handle_command)
        assert all(f'name == "{name}"' in commands for name in ("runtests", "steal", "shutdown"))

    def test_the_session_counts_failures_and_reports_crashes(self) -> None:
        session = importlib.import_module("xdist.dsession").DSession
        assert "if self.shouldstop:" in inspect.getsource(session.pytest_runtestloop)
        assert list(inspect.signature(session.handle_crashitem).parameters) == ["self", "nodeid", "worker"]
        assert 'when="???"' in inspect.getsource(session.handle_crashitem)

    def test_the_scheduler_has_what_ours_uses(self, pytester: pytest.Pytester) -> None:
        config = pytester.parseconfig("--tx=2*popen")
        scheduler = importlib.import_module("xdist.scheduler").LoadScheduling(config)
        assert scheduler.numnodes == 2
        assert (scheduler.node2collection, scheduler.node2pending) == ({}, {})
        assert (scheduler.pending, scheduler.collection, scheduler.maxschedchunk) == ([], None, None)
        for method in ("_send_tests", "_check_nodes_have_same_collection"):
            assert callable(getattr(scheduler, method))


def test_output_can_be_captured_for_an_item_that_has_ended(pytestconfig: pytest.Config) -> None:
    manager: Any = pytestconfig.pluginmanager.get_plugin("capturemanager")
    assert list(inspect.signature(manager.item_capture).parameters) == ["when", "item"]
