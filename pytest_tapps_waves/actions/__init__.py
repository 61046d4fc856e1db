"""What a story does. A new kind: a file here, a line in ``kinds.KINDS``; outside code uses ``pytest_epic_action``."""
