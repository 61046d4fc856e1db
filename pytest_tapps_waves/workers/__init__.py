"""Stories across the workers of pytest-xdist: the plan is made and kept in the controller, and workers do as told."""

from __future__ import annotations
