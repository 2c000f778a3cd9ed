"""What can go wrong, sorted by who can mend it. Every message names the culprit and the remedy."""

from __future__ import annotations


class SpasmwatchError(Exception):
    """Root of every error the product raises on purpose."""


class ConfigError(SpasmwatchError):
    """The person who wrote the settings can mend it."""


class RecordingError(SpasmwatchError):
    """A file cannot be read as what it claims to be; the message says where and what to do."""


class RecordingNotFoundError(RecordingError):
    """There is no such file."""


class StorageError(SpasmwatchError):
    """The disk refuses: full, read-only, no permission, or in use by another process."""


class ProtocolError(SpasmwatchError):
    """The sensor sent bytes that its specification does not allow. Count it, drop them, go on."""


class LinkError(SpasmwatchError):
    """No adapter, sensor or broker answered. Trying again may help."""


class ModelError(SpasmwatchError):
    """A model file is missing or was written for another version."""
