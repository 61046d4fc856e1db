"""Tests of handspan.durations (unittest; a name that the pytest run around them does not collect)."""

import unittest

from handspan import durations


class Durations(unittest.TestCase):
    def test_parse(self) -> None:
        for text, seconds in {"45s": 45, "1h 30m": 5400, "1d2h": 93600, " 2 m ": 120, "0s": 0}.items():
            with self.subTest(text):
                self.assertEqual(durations.parse(text), seconds)

    def test_text(self) -> None:
        for seconds, text in {0: "0s", 59: "59s", 5400: "1h 30m", 93784: "1d 2h 3m 4s"}.items():
            with self.subTest(text):
                self.assertEqual(durations.text(seconds), text)

    def test_round_trip(self) -> None:
        for seconds in range(0, 200_000, 37):
            self.assertEqual(durations.parse(durations.text(seconds)), seconds)

    def test_refused(self) -> None:
        for text in ("", "1", "h", "1h 2h", "1h x", "-1s", "1.5h"):
            with self.subTest(text), self.assertRaises(ValueError):
                durations.parse(text)
        with self.assertRaises(ValueError):
            durations.text(-1)
