"""Test files that use pytest-dependency's mark, each with the outcomes of its tests."""

from __future__ import annotations

HEADER = """\
import pytest
dep = pytest.mark.dependency
param = pytest.param
broken = pytest.mark.xfail(reason="known")
"""
"""What each file begins with."""

ONE_FILE: dict[str, tuple[str, str]] = {
    "a skip that nothing depends on": ("""
        @dep()
        def test_off(): pytest.skip("off")
        @dep()
        def test_on(): pass
        @dep(depends=["test_on"])
        def test_next(): pass
    """, "skipped: test_off; passed: test_on test_next"),
    "a skip travels": ("""
        @dep()
        def test_on(): pass
        @dep()
        def test_off(): pytest.skip("off")
        @dep(depends=["test_off"])
        def test_next(): pass
        @dep(depends=["test_next"])
        def test_last(): pass
    """, "passed: test_on; skipped: test_off test_next test_last"),
    "a failure travels": ("""
        @dep()
        def test_on(): pass
        @dep()
        def test_bad(): assert False
        @dep(depends=["test_bad"])
        def test_next(): pass
        @dep(depends=["test_next"])
        def test_last(): pass
    """, "passed: test_on; failed: test_bad; skipped: test_next test_last"),
    "a failure travels by names": ("""
        @dep(name="on")
        def test_on(): pass
        @dep(name="bad")
        def test_bad(): assert False
        @dep(name="next", depends=["bad"])
        def test_next(): pass
        @dep(name="last", depends=["next"])
        def test_last(): pass
        @dep(depends=["on"])
        def test_fine(): pass
    """, "passed: test_on test_fine; failed: test_bad; skipped: test_next test_last"),
    "an expected failure has not passed": ("""
        @dep()
        @broken
        def test_known(): assert False
        @dep()
        def test_on(): pass
        @dep(depends=["test_known"])
        def test_next(): pass
        @dep(depends=["test_on"])
        def test_fine(): pass
        @dep(depends=["test_on", "test_next"])
        def test_both(): pass
    """, "xfailed: test_known; passed: test_on test_fine; skipped: test_next test_both"),
    "a name that nothing has": ("""
        @dep()
        def test_on(): pass
        @dep(depends=["test_gone"])
        def test_next(): pass
    """, "passed: test_on; skipped: test_next"),
    "a test without the mark has no name": ("""
        def test_plain(): pass
        @dep(depends=["test_plain"])
        def test_next(): pass
    """, "passed: test_plain; skipped: test_next"),
    "each parameter on its own": ("""
        @pytest.mark.parametrize("n", [0, 1])
        @dep()
        def test_low(n): assert n == 0
        @pytest.mark.parametrize("n", [param(n, marks=dep(depends=[f"test_low[{n}]"])) for n in (0, 1)])
        def test_high(n): pass
    """, "passed: test_low[0] test_high[0]; failed: test_low[1]; skipped: test_high[1]"),
    "parameters with names, in three layers": ("""
        def named(*rows): return [param(*row[0], marks=dep(name=row[1], depends=list(row[2]))) for row in rows]
        @pytest.mark.parametrize("x, y", named(((0, 0), "a", ""), ((1, 1), "b", ""), ((1, 0), "c", "")))
        def test_low(x, y): assert not (x and y)
        @pytest.mark.parametrize("x, y", named(((1, 2), "d", "ab"), ((1, 3), "e", "ac"), ((3, 1), "f", "c")))
        def test_mid(x, y): pass
        @pytest.mark.parametrize("x, y", named(((0, 1), "g", "de"), ((0, 2), "h", "ef")))
        def test_top(x, y): pass
    """, (
        "passed: test_low[0-0] test_low[1-0] test_mid[1-3] test_mid[3-1] test_top[0-2]; failed: test_low[1-1];"
        "skipped: test_mid[1-2] test_top[0-1]"
    )),
    "all parameters at once": ("""
        @pytest.mark.parametrize("n", range(3))
        @dep()
        def test_known(n):
            if n == 1: pytest.xfail("known")
        @dep(depends=[f"test_known[{n}]" for n in range(3)])
        def test_all(): pass
        @pytest.mark.parametrize("x, y", [(0, 1), (2, 3)])
        @dep()
        def test_pair(x, y): pass
        @dep(depends=["test_pair[0-1]", "test_pair[2-3]"])
        def test_pairs(): pass
    """, (
        "passed: test_known[0] test_known[2] test_pair[0-1] test_pair[2-3] test_pairs; xfailed: test_known[1];"
        "skipped: test_all"
    )),
    "parents wait for their children": ("""
        tree = {"p": ["a", "b"], "q": ["c"], "r": []}
        leaves = [param(leaf, marks=dep(name=f"leaf-{leaf}")) for leaves in tree.values() for leaf in leaves]
        @pytest.mark.parametrize("leaf", leaves)
        def test_leaf(leaf): assert leaf != "b"
        roots = [param(root, marks=dep(depends=[f"leaf-{leaf}" for leaf in tree[root]])) for root in tree]
        @pytest.mark.parametrize("root", roots)
        def test_root(root): pass
    """, "passed: test_leaf[a] test_leaf[c] test_root[q] test_root[r]; failed: test_leaf[b]; skipped: test_root[p]"),
    "methods of a class": ("""
        class TestIt:
            @dep()
            def test_bad(self): assert False
            @dep()
            def test_on(self): pass
            @dep(depends=["TestIt::test_bad"])
            def test_next(self): pass
            @dep(depends=["TestIt::test_on"])
            def test_fine(self): pass
            @dep(depends=["TestIt::test_on", "TestIt::test_next"])
            def test_both(self): pass
    """, (
        "failed: TestIt::test_bad; passed: TestIt::test_on TestIt::test_fine;"
        "skipped: TestIt::test_next TestIt::test_both"
    )),
    "methods with names": ("""
        class TestIt:
            @dep(name="bad")
            @broken
            def test_bad(self): assert False
            @dep(name="on")
            def test_on(self): pass
            @dep(name="next", depends=["bad"])
            def test_next(self): pass
            @dep(depends=["on"])
            def test_fine(self): pass
            @dep(depends=["on", "next"])
            def test_both(self): pass
    """, (
        "xfailed: TestIt::test_bad; passed: TestIt::test_on TestIt::test_fine;"
        "skipped: TestIt::test_next TestIt::test_both"
    )),
    "a method does not hide a function of its name": ("""
        @dep()
        def test_one(): assert False
        class TestIt:
            @dep()
            def test_one(self): pass
        @dep(depends=["test_one"])
        def test_next(): pass
    """, "failed: test_one; passed: TestIt::test_one; skipped: test_next"),
    "the mark of a class counts where a method has none": ("""
        @dep()
        @broken
        def test_known(): assert False
        @dep(depends=["test_known"])
        class TestIt:
            def test_one(self): pass
            @dep()
            def test_two(self): pass
    """, "xfailed: test_known; skipped: TestIt::test_one; passed: TestIt::test_two"),
    "many names in many ways": ("""
        @dep(name="off")
        def test_off(): pytest.skip("off")
        @dep(name="bad")
        def test_bad(): assert False
        @dep(name="c")
        def test_c(): pass
        @dep(name="d")
        def test_d(): pass
        @dep(name="e", depends=["off", "c"])
        def test_e(): pass
        @dep(name="f", depends=["bad", "d"])
        def test_f(): pass
        @dep(name="g", depends=["c", "d"])
        def test_g(): pass
        @dep(name="h", depends=["e", "g"])
        def test_h(): pass
        @dep(name="i", depends=["d", "g"])
        def test_i(): pass
        @dep(depends=["f", "h", "i"])
        def test_all(): pass
    """, "skipped: test_off test_e test_f test_h test_all; failed: test_bad; passed: test_c test_d test_g test_i"),
    "mistakes that are easily made": ("""
        @dep()
        def test_bad(): assert False
        @dep()
        @pytest.mark.parametrize("n", [1, 2])
        def test_n(n): pass
        @dep(name="given")
        def test_given(): pass
        @dep(depends=["test_n"])
        def test_without_parameter(): pass
        @dep(depends=["test_n[one]"])
        def test_wrong_parameter(): pass
        @dep(depends=["test_given"])
        def test_not_by_its_name(): pass
        @dep(depends=["given"], scope="session")
        def test_in_a_wider_scope(): pass
        @dep(depends=["test_n[1]"], scope="session")
        def test_without_file(): pass
        @dep(depends=["test_bad"])
        @dep(name="nearest")
        def test_two_marks(): pass
    """, (
        "failed: test_bad; passed: test_n[1] test_n[2] test_given test_in_a_wider_scope test_two_marks;"
        "skipped: test_without_parameter test_wrong_parameter test_not_by_its_name test_without_file"
    )),
    "the module is the scope, said or not": ("""
        @dep()
        def test_bad(): assert False
        @dep()
        def test_on(): pass
        @dep(depends=["test_bad"], scope="module")
        def test_next(): pass
        @dep(depends=["test_on"], scope="module")
        def test_fine(): pass
    """, "failed: test_bad; passed: test_on test_fine; skipped: test_next"),
    "the class as the scope": ("""
        @dep()
        def test_one(): assert False
        @dep()
        def test_two(): pass
        class TestOther:
            @dep()
            def test_three(self): pass
        class TestIt:
            @dep()
            def test_one(self): pass
            @dep()
            def test_two(self): assert False
            @dep(depends=["test_one"])
            def test_a(self): pass
            @dep(depends=["test_two"])
            def test_b(self): pass
            @dep(depends=["test_one"], scope="class")
            def test_c(self): pass
            @dep(depends=["test_two"], scope="class")
            def test_d(self): pass
            @dep(depends=["test_three"], scope="class")
            def test_e(self): pass
    """, (
        "failed: test_one TestIt::test_two; skipped: TestIt::test_a TestIt::test_d TestIt::test_e;"
        "passed: test_two TestOther::test_three TestIt::test_one TestIt::test_b TestIt::test_c"
    )),
}  # fmt: skip
