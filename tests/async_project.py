"""A small project of async tests, all of which may run at once."""

from __future__ import annotations

from textwrap import dedent

from project import Project

INI = """
    [pytest]
    asyncio_mode = auto
    asyncio_default_fixture_loop_scope = session
    asyncio_default_test_loop_scope = session
    epic_async_tests = true
"""

HEAD = """
import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
import pytest

def record(text):
    with Path("log").open("a") as file:
        file.write(text + "\\n")

RUNNING = [0, 0]

@asynccontextmanager
async def counted():
    RUNNING[0] += 1
    RUNNING[1] = max(RUNNING)
    yield
    RUNNING[0] -= 1

_barriers = {}

async def met(number, name=""):
    'Wait until this many tests are here.'
    barrier = _barriers.setdefault(name, asyncio.Barrier(number))
    async with asyncio.timeout(5):
        await barrier.wait()
"""


def write(project: Project, text: str, name: str = "test_it.py") -> None:
    """Write a file of tests, which have the helpers above."""
    project.write(name, HEAD + dedent(text))
