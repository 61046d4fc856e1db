"""Text streams that stand for ``sys.stdout`` and ``sys.stderr`` where functions of many stories write to them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, TextIO

from .output import CURRENT_OUTPUT, Output, as_bytes

if TYPE_CHECKING:
    from .secrets import Masker


class RoutedText(io.TextIOBase):
    """A text stream that belongs to whichever story writes to it."""

    def __init__(self, name: str, beside: TextIO, masker: Masker | None = None, takes: type[Output] = Output) -> None:
        """
        :param beside: is written to by what belongs to no story, without what ``masker`` knows.
        :param takes: the kind of output that is written to; other stories go to ``beside`` too.
        """
        self._name, self._beside, self._masker, self._takes = name, beside, masker, takes

    def write(self, text: str) -> int:
        output = CURRENT_OUTPUT.get()
        if isinstance(output, self._takes):
            output.write(self._name, as_bytes(text))
        else:
            self._beside.write(text if self._masker is None else self._masker.text(text))
        return len(text)

    def flush(self) -> None:
        # It is flushed once more when it is deleted, after the end of the capture.
        if not self._beside.closed:
            self._beside.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._beside.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._beside.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._beside.errors

    @property
    def buffer(self) -> _RoutedBytes:
        return _RoutedBytes(self._name, self._beside, self._masker, self._takes)


class _RoutedBytes(io.RawIOBase):
    """The bytes below :class:`RoutedText`, for code that writes to ``sys.stdout.buffer``."""

    def __init__(self, name: str, beside: TextIO, masker: Masker | None, takes: type[Output]) -> None:
        self._name, self._beside, self._masker, self._takes = name, beside, masker, takes

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        output, written = CURRENT_OUTPUT.get(), bytes(data)
        if isinstance(output, self._takes):
            output.write(self._name, written)
        else:
            self._beside.buffer.write(written if self._masker is None else self._masker.data(written))
        return len(written)
