"""What bumble's GATT server leaves out: saying no."""

from __future__ import annotations

from bumble import att, gatt


class Characteristic(gatt.Characteristic[bytes]):
    """A characteristic that refuses, by name, what its permissions do not allow.

    bumble 0.0.236 does not look at them: it stores whatever is written, or never answers.
    """

    async def read_value(self, bearer: att.Bearer) -> bytes:
        """Give the value to a peer that may read it."""
        if not self.permissions & self.READABLE:
            raise att.ATT_Error(att.ATT_READ_NOT_PERMITTED_ERROR, self.handle)
        return await super().read_value(bearer)

    async def write_value(self, bearer: att.Bearer, value: bytes) -> None:
        """Take a value from a peer that may write it."""
        if not self.permissions & self.WRITEABLE:
            raise att.ATT_Error(att.ATT_WRITE_NOT_PERMITTED_ERROR, self.handle)
        await super().write_value(bearer, value)
