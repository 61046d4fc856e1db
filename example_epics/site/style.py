"""The style sheet: style.py minify SOURCE TARGET, or style.py contrast SHEET (4.5 to 1, WCAG AA)."""

import re
import sys
from pathlib import Path

COLOUR = re.compile(r"--(\w+): ?#([0-9a-f]{6})")


def minify(source: Path, target: Path) -> None:
    text = re.sub(r"\s+", " ", source.read_text(encoding="utf-8"))
    small = re.sub(r" ?([{};,]) ?", r"\1", text).replace(": ", ":").replace(";}", "}").strip()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(small + "\n", encoding="utf-8", newline="\n")
    print(f"{len(text)} characters, now {len(small)}")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(sheet: Path) -> None:
    text = sheet.read_text(encoding="utf-8")
    colours = {name: luminance(colour) for name, colour in COLOUR.findall(text)}
    paper = colours.pop("paper")
    for name, light in colours.items():
        ratio = (max(paper, light) + 0.05) / (min(paper, light) + 0.05)
        print(f"{name}: {ratio:.1f} to 1")
        if ratio < 4.5:
            sys.exit(f"{name} is hard to read on the paper")


if __name__ == "__main__":
    if sys.argv[1] == "minify":
        minify(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        contrast(Path(sys.argv[2]))
