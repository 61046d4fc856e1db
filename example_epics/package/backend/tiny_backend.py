"""A PEP 517 build backend: wheels and sdists of a pure Python package, the same bytes for the same sources.

The working directory is the project's folder, as PEP 517 says. SOURCE_DATE_EPOCH sets the files' time.
"""

import base64
import gzip
import hashlib
import io
import os
import sys
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Any

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "946684800"))
WHEEL = b"Wheel-Version: 1.0\nGenerator: tiny_backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SDIST_FOLDERS = ("backend", "src", "tests", "tools")
SDIST_FILES = ("CHANGELOG.md", "README.md", "pyproject.toml")


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def sources(folder: str) -> dict[str, bytes]:
    """Every file under a folder, by its path from there; caches left out."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    found = [path for path in files if "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def metadata() -> bytes:
    table = project()
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {table['name']}",
        f"Version: {table['version']}",
        f"Summary: {table['description']}",
        f"Requires-Python: {table['requires-python']}",
        f"License-Expression: {table['license']}",
        "Description-Content-Type: text/markdown",
        "",
        Path(table["readme"]).read_text(encoding="utf-8"),
    ]
    return "\n".join(lines).encode()


def record(files: dict[str, bytes], own_name: str) -> bytes:
    rows = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(data)}\n")
    return "".join([*rows, f"{own_name},,\n"]).encode()


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    table = project()
    info = f"{table['name']}-{table['version']}.dist-info"
    scripts = "".join(f"{name} = {target}\n" for name, target in table["scripts"].items())
    files = sources("src")
    files[f"{info}/METADATA"] = metadata()
    files[f"{info}/WHEEL"] = WHEEL
    files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}".encode()
    files[f"{info}/RECORD"] = record(files, f"{info}/RECORD")
    name = f"{table['name']}-{table['version']}-py3-none-any.whl"
    when = time.gmtime(EPOCH)[:6]
    with zipfile.ZipFile(Path(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)
    return name


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    table = project()
    top = f"{table['name']}-{table['version']}"
    files = {name: Path(name).read_bytes() for name in SDIST_FILES}
    for folder in SDIST_FOLDERS:
        files.update({f"{folder}/{name}": data for name, data in sources(folder).items()})
    files["PKG-INFO"] = metadata()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(f"{top}/{path}")
            entry.size, entry.mtime = len(data), EPOCH
            tar.addfile(entry, io.BytesIO(data))
    Path(sdist_directory, f"{top}.tar.gz").write_bytes(gzip.compress(archive.getvalue(), mtime=EPOCH))
    return f"{top}.tar.gz"


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    print(build_sdist(sys.argv[1]))
