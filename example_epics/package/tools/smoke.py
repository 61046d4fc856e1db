"""Try what a wheel installed into a folder, and nothing but that: smoke.py FOLDER."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

CASES = {
    ("duration", "1h 30m"): "5400",
    ("duration", "5400"): "1h 30m",
    ("size", "1536"): "1.5 KiB",
    ("wrap", "--width", "6", "aaa bb cc ddddd"): "aaa\nbb cc\nddddd",
}


def main(folder: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(folder)}

    def python(*args: str) -> str:
        done = subprocess.run([sys.executable, *args], env=env, text=True, stdout=subprocess.PIPE, check=True)
        return done.stdout.strip()

    origin = Path(python("-c", "import handspan; print(handspan.__file__)"))
    if not origin.resolve().is_relative_to(folder):
        sys.exit(f"handspan came from {origin}")
    for args, wanted in CASES.items():
        if (got := python("-m", "handspan", *args)) != wanted:
            sys.exit(f"handspan {' '.join(args)}: {got!r}, not {wanted!r}")
    (installed,) = importlib.metadata.distributions(name="handspan", path=[str(folder)])
    print(f"handspan {installed.version} from {folder.name}: {len(CASES)} commands as expected")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
