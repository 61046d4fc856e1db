"""``--epic-plan`` and ``--epic-status``: runs that only say what there is."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from .errors import JournalError
from .inert import one_line
from .preparation import Prepared
from .reports import PLANS, STATUSES
from .settings import Settings


def print_only(session: pytest.Session, settings: Settings, found: Prepared) -> None:
    """Print what is asked for, with a line of the terminal reporter for each line.

    :raises pytest.UsageError: if the status cannot be read.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    lines = _plan(session, settings, found) if settings.plan_format else _status(session, settings, found)
    for line in lines:
        reporter.write_line(one_line(found.mask(line)))


def _plan(session: pytest.Session, settings: Settings, found: Prepared) -> Iterable[str]:
    # Imported here, as below: any run imports this module.
    from .prediction import forecast_of
    from .reports.plans.view import PlanView

    config = session.config
    forecast, notes = forecast_of(config, found, session.items, settings.dependency_rules)
    mask = found.mask
    # Before anything is cut off or escaped, after which a secret would not be known again.
    view = PlanView(
        found.graph,
        found.waves,
        [conflict._replace(paths=tuple(map(mask, conflict.paths))) for conflict in found.conflicts],
        found.schedule,
        {key: mask(title) for key, title in found.titles.items()},
        found.epic_titles,
        forecast,
        notes,
        config.get_terminal_writer().fullwidth,
    )
    return PLANS[settings.plan_format or "text"](view)


def _status(session: pytest.Session, settings: Settings, found: Prepared) -> Iterable[str]:
    from .status import read_statuses

    try:
        statuses, notes = read_statuses(session.config, found.graph, found.waves, session.items)
    except JournalError as error:
        raise pytest.UsageError(f"--epic-status: {error}") from None
    return STATUSES[settings.status_format or "text"](statuses, found.epic_titles, time.time(), notes)
