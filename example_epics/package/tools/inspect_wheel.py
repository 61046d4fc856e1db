"""Checks of a built wheel: inspect_wheel.py record|metadata|same PROJECT FOLDER [OTHER FOLDER]."""

import base64
import csv
import email
import hashlib
import io
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any


def wheel_in(folder: str, table: dict[str, Any]) -> Path:
    return Path(folder, f"{table['name']}-{table['version']}-py3-none-any.whl")


def record(wheel: zipfile.ZipFile, info: str) -> None:
    """Every file of the wheel is in RECORD with its own checksum and size."""
    rows = list(csv.reader(io.StringIO(wheel.read(f"{info}/RECORD").decode())))
    if sorted(row[0] for row in rows) != sorted(wheel.namelist()):
        sys.exit("RECORD does not name the wheel's files")
    for name, digest, size in rows:
        data = wheel.read(name)
        hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        if not name.endswith("/RECORD") and (digest, size) != (f"sha256={hashed}", str(len(data))):
            sys.exit(f"RECORD is wrong about {name}")
    print(f"{len(rows)} files, all as recorded")


def metadata(wheel: zipfile.ZipFile, info: str, table: dict[str, Any]) -> None:
    """METADATA says what pyproject.toml says."""
    message = email.message_from_bytes(wheel.read(f"{info}/METADATA"))
    wanted = {
        "Name": table["name"],
        "Version": table["version"],
        "Summary": table["description"],
        "Requires-Python": table["requires-python"],
        "License-Expression": table["license"],
    }
    for field, value in wanted.items():
        if message[field] != value:
            sys.exit(f"{field} is {message[field]!r}, pyproject.toml says {value!r}")
    print("\n".join(f"{field}: {value}" for field, value in wanted.items()))


def main(what: str, project: str, *folders: str) -> None:
    table = tomllib.loads(Path(project, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheels = [wheel_in(folder, table) for folder in folders]
    if what == "same":
        if len({wheel.read_bytes() for wheel in wheels}) != 1:
            sys.exit("the wheels differ")
        return
    with zipfile.ZipFile(wheels[0]) as wheel:
        info = f"{table['name']}-{table['version']}.dist-info"
        if what == "record":
            record(wheel, info)
        else:
            metadata(wheel, info, table)


if __name__ == "__main__":
    main(*sys.argv[1:])
