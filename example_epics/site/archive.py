"""Pack the site, the same bytes for the same files: archive.py pack|verify PUBLIC ZIP."""

import sys
import zipfile
from pathlib import Path


def files_of(public: Path) -> dict[str, bytes]:
    found = sorted(path for path in public.rglob("*") if path.is_file())
    return {path.relative_to(public).as_posix(): path.read_bytes() for path in found}


def pack(public: Path, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as target:
        for name, data in files_of(public).items():
            target.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    print(f"{archive.as_posix()}: {archive.stat().st_size} bytes")


def verify(public: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive) as source:
        unpacked = {name: source.read(name) for name in source.namelist()}
    if unpacked != files_of(public):
        sys.exit("the archive and the folder differ")
    print(f"{len(unpacked)} files, as in the folder")


if __name__ == "__main__":
    {"pack": pack, "verify": verify}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
