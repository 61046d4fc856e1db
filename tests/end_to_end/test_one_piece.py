"""One by one, a file whose test is needed sooner comes forward whole, so that its fixtures are set up once."""

from __future__ import annotations

from project import Project

CONFTEST = """
    import pytest
    def note(word):
        with open("ran", "a") as file:
            print(word, file=file)
    def pytest_runtest_call(item):
        note(item.name)
    @pytest.fixture(scope="module")
    def module(request):
        name = request.module.__name__.removeprefix("test_")
        note(f"{name}:up")
        yield []
        note(f"{name}:down")
    @pytest.fixture(scope="class")
    def group(request):
        note(f"{request.cls.__name__}:up")
        yield
        note(f"{request.cls.__name__}:down")
"""
DATABASE = """
    def test_other(module): pass
    def test_up(module): module.append("table")
    def test_last(module): assert module == ["table"]
"""


def test_a_module_whose_test_a_story_needs_is_set_up_once(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("test_db.py", DATABASE)
    project.epic("stories: [{id: '8', run: exit 0, dependencies: ['test_db.py::test_up']}]")
    project.run().assert_outcomes(passed=4)
    assert project.lines("ran") == ["db:up", "test_other", "test_up", "test_last", "db:down", "8"]


def test_a_module_that_needs_a_story_or_a_test_is_not_parted_by_it(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("test_a.py", """
        import pytest
        def test_one(module): module.append(1)
        @pytest.mark.depends(on=["test_db.py::test_up", "epic_shop.yaml::8"])
        def test_two(module): assert module == [1]
    """)  # fmt: skip
    project.write("test_db.py", DATABASE)
    project.epic("stories: [{id: '7', run: exit 0}, {id: '8', run: exit 0}]")
    project.run("test_a.py", "test_db.py", "epic_shop.yaml").assert_outcomes(passed=7)
    database = ["db:up", "test_other", "test_up", "test_last", "db:down"]
    assert project.lines("ran") == [*database, "8", "a:up", "test_one", "test_two", "a:down", "7"]


def test_a_class_whose_test_is_needed_is_set_up_once(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("test_a.py", """
        import pytest
        class TestFirst:
            def test_one(self, group): pass
            @pytest.mark.depends(on="TestThen::test_up")
            def test_two(self, group): pass
        class TestThen:
            def test_other(self, group): pass
            def test_up(self, group): pass
    """)  # fmt: skip
    project.run().assert_outcomes(passed=4)
    then = ["TestThen:up", "test_other", "test_up", "TestThen:down"]
    assert project.lines("ran") == [*then, "TestFirst:up", "test_one", "test_two", "TestFirst:down"]


def test_modules_that_need_one_another_run_in_the_order_of_their_tests(project: Project) -> None:
    project.write("conftest.py", CONFTEST)
    project.write("test_a.py", """
        import pytest
        @pytest.mark.depends(on="test_b.py::test_there")
        def test_back(): pass
        def test_here(): pass
    """)  # fmt: skip
    project.write("test_b.py", """
        import pytest
        def test_free(): pass
        @pytest.mark.depends(on="test_a.py::test_here")
        def test_there(): pass
    """)  # fmt: skip
    project.run().assert_outcomes(passed=4)
    assert project.lines("ran") == ["test_here", "test_there", "test_back", "test_free"]
