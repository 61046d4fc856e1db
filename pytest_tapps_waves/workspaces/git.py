"""Git, run as a command: it asks nobody, runs nobody's hooks, and refreshes no index that it was only to read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import WorkspaceError
from ..inert import one_line

OLDEST = (2, 38)
"""The first version whose ``merge-tree`` merges without a checkout."""

NEEDS = "isolation: worktree needs"

_SETTINGS = {
    "core.hooksPath": os.devnull,
    # No daemon that watches a worktree which will be gone in a minute.
    "core.fsmonitor": "false",
    "core.longpaths": "true",
    # A line end that git would convert is no reason to refuse a story's work.
    "core.safecrlf": "false",
    "i18n.commitEncoding": "UTF-8",
    "merge.conflictStyle": "merge",
}
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_OF_ANY_REPOSITORY = frozenset({"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"})
"""What git lists as local and yet leads nowhere: settings such as ``safe.directory``, that CI gives by environment."""
_LONGEST_REASON = 400


class Answer(NamedTuple):
    status: int
    out: bytes
    err: bytes

    @property
    def line(self) -> str:
        return os.fsdecode(self.out.removesuffix(b"\n").removesuffix(b"\r"))

    @property
    def parts(self) -> list[str]:
        """What ends with NUL each."""
        return [os.fsdecode(part) for part in self.out.split(b"\0")[:-1]]

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        lines = self.err.decode("utf-8", "replace").splitlines()
        said = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines
        text = "; ".join(line.strip() for line in said if line.strip())
        return one_line(text[:_LONGEST_REASON]) or f"exit status {self.status}"


class Git:
    """The command, at work in one folder."""

    def __init__(self, program: str, folder: Path, environment: Mapping[str, str]) -> None:
        """:param environment: all of it; see :meth:`found`."""
        self._program = program
        self._environment = environment
        self.folder = folder

    @classmethod
    def found(cls, folder: Path) -> Git:
        """The one on PATH.

        :raises WorkspaceError: if there is none, or one that is too old.
        """
        wanted = ".".join(map(str, OLDEST))
        program = shutil.which("git")
        if program is None:
            raise WorkspaceError(f"{NEEDS} git {wanted} or newer, and there is none on PATH")
        git = cls(program, folder, {**os.environ, **_ENVIRONMENT})
        version = git._ask("--version").line
        number = re.search(r"(\d+)\.(\d+)", version)
        if number is None or (int(number[1]), int(number[2])) < OLDEST:
            raise WorkspaceError(f"{NEEDS} git {wanted} or newer, and {program} is {one_line(version) or 'no git'}")
        without = git.variables()
        return cls(program, folder, {name: text for name, text in git._environment.items() if name not in without})

    def variables(self) -> frozenset[str]:
        """Names of the environment variables that lead git to a certain repository, whatever folder it is run in."""
        return frozenset(self._ask("rev-parse", "--local-env-vars").line.split()) - _OF_ANY_REPOSITORY

    def at(self, folder: Path) -> Git:
        return Git(self._program, folder, self._environment)

    def with_variables(self, more: Mapping[str, str]) -> Git:
        return Git(self._program, self.folder, {**self._environment, **more})

    def ask(self, *arguments: str, given: bytes = b"") -> Answer:
        """Run it, whatever its exit status.

        :param given: on its standard input.
        """
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        return self._ask("-C", str(self.folder), *settings, *arguments, given=given)

    def run(self, *arguments: str, given: bytes = b"") -> Answer:
        """Run it.

        :raises WorkspaceError: if it fails, with git's own reason.
        """
        answer = self.ask(*arguments, given=given)
        if answer.status:
            raise self.failure(answer, *arguments)
        return answer

    def says(self, *arguments: str) -> bool:
        """Whether it is so, of commands that answer with their exit status.

        :raises WorkspaceError: if there is no answer.
        """
        answer = self.ask(*arguments)
        if answer.status not in (0, 1):
            raise self.failure(answer, *arguments)
        return answer.status == 0

    def failure(self, answer: Answer, *arguments: str) -> WorkspaceError:
        return WorkspaceError(f"git {arguments[0]} failed: {answer.reason} (in {one_line(str(self.folder))})")

    def _ask(self, *arguments: str, given: bytes = b"") -> Answer:
        done = subprocess.run(
            [self._program, *arguments],
            input=given,
            capture_output=True,
            env=self._environment,
            # Any folder that is sure to be there: the one that git is to work in may be gone, and then git says so.
            cwd=self.folder.anchor,
            check=False,
            # Ctrl-C is for stories. Git ends what it has begun.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    # What several parts of this room ask.

    def commit_of(self, name: str) -> str | None:
        """The id of the commit that a name stands for, if it stands for one."""
        answer = self.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return answer.line if answer.status == 0 else None

    def tree_of(self, commit: str) -> str:
        return self.run("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}").line

    def contains(self, commit: str, older: str) -> bool:
        """Whether ``older`` is ``commit``, or one that it stems from."""
        return commit == older or self.says("merge-base", "--is-ancestor", older, commit)

    def commit(self, tree: str, parents: list[str], message: str) -> str:
        """Make a commit that no branch holds yet, and answer with its id."""
        of = [word for parent in parents for word in ("-p", parent)]
        return self.run("commit-tree", tree, *of, "-F", "-", given=message.encode("utf-8", "backslashreplace")).line
