"""Files of up to 5 MiB that try to take more time or memory than a file of that size may, each with what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MIB_5 = 5 * 1024 * 1024
STORY = b"stories:\n- id: a\n  "


class Attack(NamedTuple):
    """A file, and the first line of what the loader says of it: nothing, if it loads."""

    data: Callable[[], bytes]
    said: str | None


def fill(before: bytes, piece: bytes, after: bytes = b"", most: int = MIB_5) -> bytes:
    """A file of ``most`` bytes at most that repeats a piece."""
    return before + piece * ((most - len(before) - len(after)) // len(piece)) + after


def numbered(before: bytes, piece: bytes, count: int, after: bytes = b"") -> bytes:
    return before + b"".join(piece % number for number in range(count)) + after


LONG = b"a" * (MIB_5 // 2)
SHOWN = "a" * 57 + "..."
NODES = "more than 1,000,000 nodes once aliases are followed; split the epic"
CHARACTERS = "more than 50,000,000 characters once aliases are followed; split the epic"

ATTACKS = {
    "plain text of 5 MiB": Attack(lambda: fill(STORY + b"title: ", b"x"), None),
    "text of 5 MiB of escapes": Attack(lambda: fill(STORY + b'title: "', b"\\n", b'"'), None),
    "text of 5 MiB of line ends": Attack(lambda: fill(STORY + b"title: |\n    x", b"\n"), None),
    "a MiB of old line ends": Attack(lambda: fill(b"", b"\r", b"stories: []", 1024**2), None),
    "5 MiB of NUL": Attack(lambda: bytes(MIB_5), "1: not valid YAML: the character #x0000 may not stand in it"),
    "5 MiB and a byte": Attack(
        lambda: b"#" * (MIB_5 + 1), "1: the file has 5,242,881 bytes, more than 5,242,880; split the epic"
    ),
    "a comment of 5 MiB": Attack(lambda: fill(b"stories: []\n", b"#"), None),
    "a number of 5 MiB": Attack(
        lambda: fill(STORY + b"points: ", b"7"),
        "3: '7777777777777777777777777777777777777777'... is not a valid number",
    ),
    "an octal number of 5 MiB": Attack(
        lambda: fill(STORY + b"points: 0", b"7"),
        "3: '0777777777777777777777777777777777777777'... is not a valid number",
    ),
    "a key of 5 MiB": Attack(lambda: fill(STORY + b"? ", b"ab", b"\n  : 1\n"), None),
    "an id of 2.5 MiB with 10,000 mistakes": Attack(
        lambda: b"stories:\n- id: " + LONG + b"\n  tags: [" + b"'', " * 10_000 + b"]\n",
        f"3: story {SHOWN}: tags must be a word that can be a pytest mark: letters, digits, `_`, `.` and `-`, not ''",
    ),
    "an id of 2.5 MiB that depends on itself 10,000 times": Attack(
        lambda: b"stories:\n- id: &a " + LONG + b"\n  depends_on: [" + b"*a, " * 10_000 + b"]\n", f"3: {CHARACTERS}"
    ),
    "a text of 2.5 MiB at 10,000 places": Attack(
        lambda: b"x: &a " + LONG + b"\nstories:\n- id: a\n  tags: [" + b"*a, " * 10_000 + b"]\n", f"4: {CHARACTERS}"
    ),
    "a list that is merged 30,000 times": Attack(
        lambda: numbered(b"x: &a {", b"k%d: 1, ", 1000, b"}\nstories:\n") + b"- {<<: *a}\n" * 30_000, f"501: {NODES}"
    ),
    "a glob of 5 MiB": Attack(
        lambda: fill(STORY + b"files: '", b"?*", b"'\n"),
        f"3: story a: files_affected must not be longer than 4,096 characters, not '{'?*' * 28}...",
    ),
    "300,000 directives": Attack(
        lambda: numbered(b"", b"%%TAG !%d! x\n", 300_000, b"---\nstories: []\n"),
        "1: more than 100 lines begin with %, as YAML directives do; an epic needs none",
    ),
    "2,500,000 lists in one another": Attack(lambda: fill(b"stories:\n", b"- "), "2: nested more than 100 deep"),
    "5,000,000 open brackets": Attack(lambda: fill(b"stories: ", b"["), "1: nested more than 100 deep"),
    "2,500,000 keys of keys": Attack(
        lambda: fill(b"stories:\n", b"? "), "2: a key must be text, not a mapping or a list"
    ),
    "150,000 maps under an anchor": Attack(lambda: b"x: &a [" + b"{}," * 150_000 + b"]\nstories: []\n", None),
    "1,700,000 texts": Attack(lambda: fill(b"x: [", b"a, ", b"]\nstories: []\n"), f"1: {NODES}"),
    "50,000 mistakes": Attack(
        lambda: b"stories:\n" + b"- {}\n" * 50_000,
        "2: a story: id is missing",
    ),
    "30,000 stories of one id": Attack(
        lambda: b"stories:\n" + b"- {id: a}\n" * 30_000,
        "3: the id a is already taken by the story on line 2; rename one",
    ),
}
