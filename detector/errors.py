"""Errors by who can correct them. Every message names the cause and the remedy."""

from __future__ import annotations


class SpasmwatchError(Exception):
    """Root of every error the product raises on purpose."""


class ConfigError(SpasmwatchError):
    """The settings or options are wrong; the person who wrote them can correct them."""


class RecordingError(SpasmwatchError):
    """A file cannot be read as its format; the message names the place and the remedy."""


class RecordingNotFoundError(RecordingError):
    """There is no such file."""


class StorageError(SpasmwatchError):
    """The disk cannot be read or written: full, read-only, no permission, in use elsewhere."""


class ProtocolError(SpasmwatchError):
    """The sensor sent bytes that its specification does not allow. Count it, drop them, go on."""


class LinkError(SpasmwatchError):
    """No adapter, sensor or broker answered. Trying again may help."""


class ModelError(SpasmwatchError):
    """A model file is missing or was written for another version."""


class ServiceError(SpasmwatchError):
    """The service manager, or the service itself, does not do what it is asked."""
