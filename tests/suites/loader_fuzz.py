"""Fuzz the loader of epics: whatever the bytes, a file is read or refused in lines, within bounds, the same each time.

    python tests/suites/loader_fuzz.py --inputs 100000 --seed 1    # own mutations, led by answers not seen before
    python tests/suites/loader_fuzz.py --inputs 100000 --guided    # led by coverage: needs `pip install atheris`
    python tests/suites/loader_fuzz.py --smallest                  # what CI runs: some seconds

Inputs are made from tests/corpus/epics. One that breaks a promise of tests/loader_promises.py is saved there, under
bad/: once the loader is mended, write what it has to say into a .txt file beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from loader_mutations import mutated

CORPUS = Path(__file__).parents[1] / "corpus" / "epics"
SMALLEST = 1500
LARGEST = 64 * 1024
MOST_MEMORY = 1024**3
MOST_SECONDS = 20
"""CPU time for one input, after which its process is ended."""

_SHARED_BYTES = 8 * 1024 * 1024
_WORDS_OF_THE_FILE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|\d[\d,]*|story \S+|[*&!]\S+|env\.\S+")


class Fuzz:
    """Inputs of one process, and what became of them."""

    def __init__(self, folder: Path) -> None:
        """:param folder: keeps what chunks have found, for those that follow."""
        # Imported here: with --guided only when it can be instrumented.
        from loader_promises import check

        from pytest_tapps_waves.epics.spec import EpicDefinition

        self._check = check
        self._epic = EpicDefinition
        self._folder = folder
        self._kept = folder / "kept"
        self._kept.mkdir(exist_ok=True)
        self._start_memory = _peak()
        self._shared = _shared(folder)
        self.messages: set[str] = set(json.loads(_read(folder / "messages.json") or "[]"))
        self.signs: set[str] = set(json.loads(_read(folder / "signs.json") or "[]"))
        self.figures: dict[str, Any] = {"inputs": 0, "read": 0, "slowest": [0.0, 0], "memory": [0, 0], "broken": []}

    def one(self, data: bytes) -> str:
        """Try an input. If its answer is of a new kind, ``epic`` or ``refused``, else nothing."""
        self._shared.seek(0)
        self._shared.write(len(data).to_bytes(4, "little") + data)
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        start = time.process_time()
        try:
            found = self._check(data, self._kept)
        except Exception as error:  # all of them are what is looked for
            self.figures["broken"].append([save(data), _where(error)])
            return ""
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            took, memory = time.process_time() - start, _peak() - self._start_memory
            self.figures["inputs"] += 1
            self.figures["slowest"] = max(self.figures["slowest"], [took, len(data)])
            self.figures["memory"] = max(self.figures["memory"], [memory, len(data)])
        if isinstance(found, self._epic):
            self.figures["read"] += 1
            said = {name for part in (found.header, *found.stories) for name in _said(part)}
            verdict, sign = "epic", f"{min(len(found.stories), 3)} {sorted(said)}"
        else:
            kinds = {_WORDS_OF_THE_FILE.sub("#", problem.message) for problem in found}
            self.messages |= kinds
            verdict, sign = "refused", " ".join(sorted(kinds))
        new = sign not in self.signs
        self.signs.add(sign)
        return verdict if new else ""

    def write(self) -> None:
        """Leave the figures for the parent, and what was seen for the next chunk."""
        (self._folder / "messages.json").write_text(json.dumps(sorted(self.messages)))
        (self._folder / "signs.json").write_text(json.dumps(sorted(self.signs)))
        (self._folder / "figures.json").write_text(json.dumps(self.figures))


def _said(part: Any) -> list[str]:
    return [f"{type(part).__name__}.{name}" for name in part._fields if getattr(part, name)]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _shared(folder: Path) -> mmap.mmap:
    """Memory that outlives the process, for the input in hand."""
    path = folder / "input"
    if not path.exists():
        path.write_bytes(bytes(_SHARED_BYTES))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), _SHARED_BYTES)


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:200]} ({Path(frame.filename).name}:{frame.lineno})"


def save(data: bytes) -> str:
    """Put an input into the corpus; its name."""
    path = CORPUS / "bad" / f"found-{hashlib.blake2b(data, digest_size=4).hexdigest()}.yaml"
    path.write_bytes(data)
    return path.name


def seeds(folder: Path, kind: str) -> list[bytes]:
    """Files of the corpus, and those that led to something new: epics, or what was refused."""
    where = CORPUS / ("good" if kind == "epic" else "bad")
    paths = [*sorted(where.glob("*.yaml")), *sorted(folder.glob(f"{kind}-*"))]
    return [data for data in (path.read_bytes() for path in paths) if len(data) <= LARGEST]


def own_chunk(folder: Path, inputs: int, seed: str) -> None:
    """Mutations of seeds, of which those with an answer of a new kind become seeds."""
    fuzz, dice = Fuzz(folder), random.Random(seed)
    pools = {kind: seeds(folder, kind) for kind in ("epic", "refused")}
    for number in range(inputs):
        # What is refused already seldom gets further.
        pool = pools["refused" if pools["refused"] and dice.random() < 0.2 else "epic"]
        data = mutated(dice.choice(pool), pools["epic"] + pools["refused"], dice)[:LARGEST]
        if kind := fuzz.one(data):
            pools[kind].append(data)
            (folder / f"{kind}-{seed}-{number:07}").write_bytes(data)
    fuzz.write()


def guided_chunk(folder: Path, inputs: int, seed: str) -> None:
    """libFuzzer's choice of seeds, by coverage of our code and PyYAML's, with our mutations beside its own."""
    atheris = import_module("atheris")

    with atheris.instrument_imports(include=["pytest_tapps_waves", "yaml"]):
        fuzz = Fuzz(folder)
    epics = seeds(folder, "epic")
    pool = epics + seeds(folder, "refused")
    found = folder / "guided"
    if not found.exists():
        found.mkdir()
        for number, data in enumerate(pool):
            (found / f"seed-{number}").write_bytes(data)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        dice = random.Random(number)
        if dice.random() < 0.3:
            return bytes(atheris.Mutate(data, most))
        return mutated(dice.choice(epics) if dice.random() < 0.5 else data, pool, dice)[:most]

    def one(data: bytes) -> None:
        fuzz.one(data)
        if fuzz.figures["inputs"] == inputs:
            fuzz.write()

    number = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=3).digest())
    limits = [f"-runs={inputs}", f"-seed={number + 1}", f"-max_len={LARGEST}", "-verbosity=0", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *limits, str(found)], one, custom_mutator=mutate)
    atheris.Fuzz()


def chunk(words: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run one chunk in a process of its own, so that a crash or a hang costs no more than that."""
    (folder / "figures.json").unlink(missing_ok=True)
    done = subprocess.run([sys.executable, __file__, *words, "--in", str(folder)], check=False, capture_output=True)
    if text := _read(folder / "figures.json"):
        figures: dict[str, Any] = json.loads(text)
        return figures
    data = (folder / "input").read_bytes()
    data = data[4 : 4 + int.from_bytes(data[:4], "little")]
    end = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    why = f"the process ended with {done.returncode}, {end or 'nothing said'}"
    return {"inputs": 0, "read": 0, "slowest": [0, 0], "memory": [0, 0], "broken": [[save(data), why]]}


def limit() -> None:
    """Nothing that an input does may go beyond this process, or this much."""
    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000, metavar="N")
    parser.add_argument(
        "--seed", default="1", metavar="S", help="the same seed makes the same inputs, without --guided"
    )
    parser.add_argument("--chunk", type=int, default=10_000, metavar="N", help="inputs of one process")
    parser.add_argument("--guided", action="store_true", help="by coverage, with atheris")
    parser.add_argument("--smallest", action="store_true", help=f"{SMALLEST:,} inputs")
    parser.add_argument("--in", type=Path, dest="folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    inputs = SMALLEST if options.smallest else options.inputs
    if options.folder is not None:
        limit()
        run: Callable[[Path, int, str], None] = guided_chunk if options.guided else own_chunk
        if not options.guided:
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        run(options.folder, inputs, options.seed)
        return 0
    with tempfile.TemporaryDirectory() as name:
        return report(Path(name), inputs, options.seed, options.chunk, ["--guided"] if options.guided else [])


def report(folder: Path, inputs: int, seed: str, size: int, words: list[str]) -> int:
    """Run all chunks and print what came of them."""
    start, all_figures = time.monotonic(), []
    for number in range(0, inputs, size):
        count = min(size, inputs - number)
        all_figures.append(chunk([f"--inputs={count}", f"--seed={seed}.{number}", *words], folder))
        for file, why in all_figures[-1]["broken"]:
            print(f"BROKEN {file}: {why}", flush=True)
    took, tried = time.monotonic() - start, sum(figures["inputs"] for figures in all_figures)
    slowest, memory = (max(figures[name] for figures in all_figures) for name in ("slowest", "memory"))
    broken = sum(len(figures["broken"]) for figures in all_figures)
    messages = json.loads(_read(folder / "messages.json") or "[]")
    print(f"{tried:,} inputs in {took:,.0f} s, {tried / took:,.0f} a second; seed {seed}{', guided' if words else ''}")
    print(f"{sum(figures['read'] for figures in all_figures):,} were read, the others refused")
    print(
        f"{len(messages)} kinds of messages, {len(json.loads(_read(folder / 'signs.json') or '[]')):,} kinds of answers"
    )
    print(f"slowest: {slowest[0]:.2f} s of CPU for two readings and all checks, {slowest[1]:,} bytes")
    print(f"memory: at most {memory[0] / 1024**2:.0f} MiB more than at the start, since one of {memory[1]:,} bytes")
    print(f"{broken} broken promises")
    return 1 if broken or tried != inputs else 0


if __name__ == "__main__":
    sys.exit(main())
