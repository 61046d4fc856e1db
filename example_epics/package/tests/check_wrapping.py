"""Tests of handspan.wrapping."""

import random
import textwrap
import unittest

from handspan import wrapping


def cost(lines: list[str], width: int) -> int:
    return sum(max(width - len(line), 0) ** 2 for line in lines)


class Balance(unittest.TestCase):
    def test_lines_are_even(self) -> None:
        self.assertEqual(wrapping.balance("aaa bb cc ddddd", 6), ["aaa", "bb cc", "ddddd"])
        self.assertEqual(textwrap.wrap("aaa bb cc ddddd", 6), ["aaa bb", "cc", "ddddd"])

    def test_nothing_and_long_words(self) -> None:
        self.assertEqual(wrapping.balance("  "), [])
        self.assertEqual(wrapping.balance("a verylongword b", 4), ["a", "verylongword", "b"])

    def test_width_is_checked(self) -> None:
        with self.assertRaises(ValueError):
            wrapping.balance("text", 0)

    def test_no_worse_than_textwrap(self) -> None:
        chance = random.Random(1)
        for _ in range(50):
            words = ["x" * chance.randint(1, 9) for _ in range(60)]
            width = chance.randint(10, 40)
            lines = wrapping.balance(" ".join(words), width)
            self.assertEqual(" ".join(lines).split(), words)
            self.assertLessEqual(max(map(len, lines)), width)
            self.assertLessEqual(cost(lines, width), cost(textwrap.wrap(" ".join(words), width), width))
