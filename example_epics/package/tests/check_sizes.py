"""Tests of handspan.sizes."""

import unittest

from handspan import sizes


class Sizes(unittest.TestCase):
    def test_parse(self) -> None:
        for text, size in {"0 B": 0, "512B": 512, "1.5 KiB": 1536, "2 GiB": 2 * 1024**3}.items():
            with self.subTest(text):
                self.assertEqual(sizes.parse(text), size)

    def test_text(self) -> None:
        known = {0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 2**20 - 1: "1 MiB", 2**50: "1024 TiB"}
        for size, text in known.items():
            with self.subTest(text):
                self.assertEqual(sizes.text(size), text)

    def test_error_of_the_text_is_small(self) -> None:
        for size in (3**power for power in range(1, 28)):
            self.assertAlmostEqual(sizes.parse(sizes.text(size)) / size, 1, delta=0.05)

    def test_refused(self) -> None:
        for text in ("", "12", "KiB", "1 kb", "-1 B", "1,5 KiB"):
            with self.subTest(text), self.assertRaises(ValueError):
                sizes.parse(text)
        with self.assertRaises(ValueError):
            sizes.text(-1)
