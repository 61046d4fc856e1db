"""What people read: one file a format. A new one of the plan or the status is a name here and a line in a table."""

from __future__ import annotations

PLAN_FORMATS = ("text", "json", "mermaid", "dot")
"""What ``--epic-plan`` prints: the names that users give, each with a line in ``plans.PLANS``."""
STATUS_FORMATS = ("text", "json")
"""The same of ``--epic-status``, and ``status.STATUSES``."""
FOR_PROGRAMS = frozenset({"json", "mermaid", "dot"})
"""The formats that no person reads: they stand alone on stdout."""
