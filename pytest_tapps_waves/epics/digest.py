"""Short text that stands for longer text."""

from __future__ import annotations

from hashlib import blake2b


def digest_of_text(text: str) -> str:
    """Sixteen hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
