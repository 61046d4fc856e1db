"""What results stand on is told apart where it differs, and only there."""

from __future__ import annotations

from pytest_tapps_waves.epics.inputs import digest_of
from pytest_tapps_waves.journal.digests import changed_keys, definition_of_file, upstream_of


def test_a_file_counts_as_a_whole() -> None:
    assert changed_keys(definition_of_file(b"a"), definition_of_file(b"b")) == ["file"]


def test_upstream_changes_with_each_attempt_at_each_dependency_and_not_with_their_order() -> None:
    marks = {"a": "run1.1", "b": "run1.1"}
    before = upstream_of(marks, ["a", "b"])
    assert before == upstream_of(marks, ["b", "a"])
    assert before != upstream_of({**marks, "b": "run1.2"}, ["a", "b"])
    assert before != upstream_of(marks, ["a"])
    assert upstream_of(marks, []) == ""


def test_what_a_story_builds_on_has_the_digest_that_is_in_journals() -> None:
    assert upstream_of({"a": "run1.1"}, ["a", "b"]) == digest_of("a=run1.1\nb=")
