"""Being written by the helper for core/ and epics/ tests."""
