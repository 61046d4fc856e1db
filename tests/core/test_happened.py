"""What can be seen in a run that is over: slots, barriers, the chain that took longest."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from pytest_tapps_waves.core.drawing import drawn
from pytest_tapps_waves.core.happened import Happened, RunHappened, in_tracks, longest_chain, merged, timeline_of

MODERATE = settings(max_examples=150, deadline=None, database=None)


def story(
    key: str, start: float | None = None, end: float = 0.0, *, wave: int = 1, needs: str = "", worker: str = ""
) -> Happened:
    """:param needs: the letters of what it depends on."""
    ran = start is not None
    state = "passed" if ran else "not started"
    times = (start, end if ran else None)
    return Happened(
        key, key, "", "a", 1, wave, state, "", tuple(needs), False, ran, *times, int(ran), "", "", 0, worker
    )


def test_a_slot_is_taken_by_the_next_story_when_it_is_free() -> None:
    timeline = timeline_of(RunHappened([story("a", 10, 12), story("b", 10, 14), story("c", 12, 13)]))
    assert [(bar.story.key, bar.slot, bar.start, bar.end) for bar in timeline.bars] == [
        ("a", 0, 0, 2),
        ("b", 1, 0, 4),
        ("c", 0, 2, 3),
    ]
    assert (timeline.began, timeline.length, list(timeline.slots)) == (10, 4, ["1", "2"])


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=25)


@MODERATE
@given(spans)
def test_no_two_stories_of_a_slot_overlap_and_there_are_no_more_slots_than_stories_at_once(
    given_spans: list[tuple[int, int]],
) -> None:
    stories = [story(str(number), begin, begin + took) for number, (begin, took) in enumerate(given_spans)]
    timeline = timeline_of(RunHappened(stories))
    assert {bar.story.key for bar in timeline.bars} == {one.key for one in stories}
    last: dict[int, float] = {}
    for bar in timeline.bars:
        assert bar.start >= last.get(bar.slot, 0)
        last[bar.slot] = bar.end
    # A story without length takes a slot for the moment of its beginning.
    at_once = [
        sum(begin <= at and (at < begin + took or at == begin) for begin, took in given_spans) for at, _ in given_spans
    ]
    assert len(timeline.slots) <= max(at_once, default=0)


def test_a_slot_is_idle_until_the_slowest_of_its_wave_has_ended() -> None:
    stories = [story("a", 0, 5), story("b", 0, 2), story("c", 5, 6, wave=2)]
    gaps = timeline_of(RunHappened(stories, schedule="waves")).gaps
    assert [tuple(gap) for gap in gaps] == [(1, 1, 2, 5)]
    assert not timeline_of(RunHappened(stories, schedule="eager")).gaps


def test_the_longest_chain_goes_by_what_stories_really_took() -> None:
    stories = [story("a", 0, 9), story("b", 0, 5), story("c", 5, 10, wave=2, needs="b"), story("d", wave=3, needs="c")]
    assert [one.key for one in longest_chain(stories)] == ["b", "c"]


def test_workers_are_the_slots_and_each_story_is_told_by_the_worker_that_ran_it() -> None:
    first = RunHappened([story("a", 0, 1, worker="gw0"), story("b", worker="gw0")], tripped=[("e", ("a",))])
    second = RunHappened([story("a", worker="gw1"), story("b", 0, 2, worker="gw1")], tripped=[("e", ("a",))])
    run = merged([first, second])
    assert [(one.key, one.worker, one.ran) for one in run.stories] == [("a", "gw0", True), ("b", "gw1", True)]
    assert run.tripped == [("e", ("a",))]
    timeline = timeline_of(run)
    assert list(timeline.slots) == ["gw0", "gw1"]
    assert [(bar.story.key, bar.slot) for bar in timeline.bars] == [("a", 0), ("b", 1)]


def test_what_depends_on_neighbours_is_drawn_between_them() -> None:
    stories = [story(key) for key in "abcd"]
    stories += [story("e", wave=2, needs="cd"), story("f", wave=2, needs="ab")]
    drawing = drawn(stories)
    rows = {node.story.key: node.row for node in drawing.nodes}
    assert rows["f"] < rows["e"]
    assert {node.column for node in drawing.nodes if node.story.key in "ef"} == {1}
    assert {one.story.key + other.story.key for one, other in drawing.edges} == {"ce", "de", "af", "bf"}


def test_stories_of_a_process_have_a_track_unless_they_overlap() -> None:
    one = story("one", 0.0, 2.0)._replace(worker="gw0")
    after = story("after", 2.0, 3.0)._replace(worker="gw0")
    beside = story("beside", 1.0, 2.0)._replace(worker="gw1")
    assert in_tracks([one, beside, after]) == [one, beside, after]
    overlapping = beside._replace(worker="gw0")
    assert {told.worker for told in in_tracks([one, overlapping, after])} == {""}
