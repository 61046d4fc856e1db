"""Where the texts are, where the results go, and how they are read and written."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "corpus" / "texts"
BUILD = ROOT / "build" / "corpus"
SHARDS = 3

Counts = dict[str, int]


def shard_folder(shard: int) -> Path:
    return BUILD / f"shard-{shard}"


def tokens_file(shard: int, name: str) -> Path:
    return shard_folder(shard) / "tokens" / f"{name}.txt"


def names_of(shard: int) -> list[str]:
    """The texts that the manifest gives to one shard."""
    return [entry["name"] for entry in load(BUILD / "manifest.json") if entry["shard"] == shard]


def text_of(name: str) -> str:
    return (TEXTS / f"{name}.txt").read_text(encoding="utf-8")


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def save(path: Path, value: object) -> None:
    write(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
