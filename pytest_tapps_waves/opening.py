"""What a run with stories opens before the first of them: its journal, and what keeps secrets out of its reports."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .collect.items import StoryItem
from .collect.library import cache_folder
from .core.graph import Graph
from .errors import JournalError
from .journal import Journal, Store
from .journal.digests import definition_of_file
from .journal.owners import this_process
from .records import Records
from .reports.words import counted
from .settings import Settings

if TYPE_CHECKING:
    from .actions.secrets import Secrets


def open_records(
    config: pytest.Config,
    settings: Settings,
    graph: Graph,
    definitions: Mapping[str, str],
    run: str,
    mask: Callable[[str], str],
    notes: list[str],
) -> Records | None:
    """The records of a run that begins; None without pytest's cache, or if there can be no journal.

    :param definitions: as of :func:`definitions_of`.
    :param run: its id, like no other anywhere.
    :param mask: takes secrets out of what is written.
    :param notes: is added why there can be no journal.
    :raises pytest.UsageError: if the run is to be resumed, and nobody knows what is done.
    """
    try:
        records = _opened(config, graph, definitions, run, mask, days=settings.journal_days, resumes=settings.resume)
    except JournalError as error:
        if settings.resume:
            raise pytest.UsageError(f"--epic-resume cannot know what is done: {error}") from None
        notes.append(f"warning: this run is in no journal, so it cannot be resumed: {error}")
        return None
    if records is None and settings.resume:
        raise pytest.UsageError("--epic-resume needs pytest's cache; drop -p no:cacheprovider")
    return records


def _opened(
    config: pytest.Config,
    graph: Graph,
    definitions: Mapping[str, str],
    run: str,
    mask: Callable[[str], str],
    *,
    days: int,
    resumes: bool,
) -> Records | None:
    """
    :param days: so long the journal keeps a run.
    :raises JournalError: if the journal cannot be opened.
    """
    if not config.pluginmanager.has_plugin("cacheprovider"):
        return None
    folder = cache_folder(config)
    if folder is None:
        raise JournalError("pytest's cache directory cannot be written to")
    arguments = mask(shlex.join(config.invocation_params.args))
    journal = Journal(Store(folder), this_process(), run, arguments, days)
    records = Records(journal, graph, definitions, mask, resumes=resumes)
    if dead := records.journal.dead:
        from .actions.sweeping import sweep, sweep_groups

        ended = [*sweep(dead), *sweep_groups(records.journal.left)]
        if ended:
            what = f"ended {counted(len(ended), 'process', 'processes')} that runs had left behind that were killed"
            records.notes.append(f"{what}: {', '.join(map(str, ended))}")
    return records


def definitions_of(items: Iterable[pytest.Item], graph: Graph) -> Mapping[str, str]:
    """What the results of the stories of the graph depend on, as digests that can be compared, by node id.

    Those that have nothing to run are left out. Looked up for all at once: one by one, in the midst of all that belongs
    to a story, each costs three times as much.
    """
    files: dict[Path, str] = {}
    stories: list[StoryItem] = []
    found: dict[str, str] = {}
    for item in items:
        if isinstance(item, StoryItem):
            if not item.is_documentation:
                stories.append(item)
        elif item.nodeid in graph.stories:
            if item.path not in files:
                files[item.path] = _definition_at(item.path)
            found[item.nodeid] = files[item.path]
    return found | _inputs_of(stories) if stories else found


def _inputs_of(items: Iterable[StoryItem]) -> dict[str, str]:
    # Imported where they are needed: nearly all stories have a command or a function.
    from .collect.doing import agent_of

    found: dict[str, str] = {}
    for item in items:
        agent = agent_of(item.action)
        if agent is None and not item.is_hooked:
            found[item.nodeid] = item.spec.inputs
            continue
        from .epics.inputs import inputs_of

        found[item.nodeid] = inputs_of(item.spec, item.epic.header, agent, whole=item.is_hooked)
    return found


def _definition_at(path: Path) -> str:
    try:
        return definition_of_file(path.read_bytes())
    except OSError as error:
        return f"file:{error.errno}"


def mask_reports(config: pytest.Config, secrets: Secrets) -> None:
    """Keep secrets out of all that is reported and logged from now on."""
    from .concurrent.live_logs import mask_logs
    from .reports.masked import MaskedReports

    config.pluginmanager.register(MaskedReports(secrets), "epics-masked-reports")
    mask_logs(config, secrets.of_all)
