"""Ask a process of its own for a night's report: one at a time, and never for long."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
from contextlib import suppress
from datetime import date

from detector.report.gather import NightPlace
from detector.web.history.asked import BusyError, LostError

log = logging.getLogger(__name__)

CHILD = "detector.service.presentation.report_child"
NOT_KNOWN = 66  # exit code: nothing is known of the night
LONGEST_S = 60.0  # ten hours take 5 s of a core; a small busy computer many times that
MOST_WAITING = 3  # people at once, the one who is served included


class ReportMaker:
    """Makes pages of nights of one place."""

    def __init__(self, place: NightPlace, *, longest_s: float = LONGEST_S) -> None:
        self._place, self._longest_s = place, longest_s
        self._one = asyncio.Lock()
        self._asking = 0

    async def html(self, evening: date) -> str | None:
        """Return the page of a night; None where nothing is known of it.

        Raises
        ------
        BusyError, LostError
            Others wait already; it cannot be made, a sentence says why.
        """
        if self._asking >= MOST_WAITING:
            raise BusyError
        self._asking += 1
        try:
            async with self._one:
                return await self._made(evening)
        finally:
            self._asking -= 1

    async def _made(self, evening: date) -> str | None:
        place, zone = self._place, self._place.zone
        asked = {
            "state": str(place.state),
            "recordings": str(place.recordings),
            "origin": place.origin.value,
            "zone": None if zone is None else str(zone),
            "label": place.label,
            "site": place.site,
            "model": place.model,
            "evening": evening.isoformat(),
        }
        with tempfile.TemporaryDirectory(prefix="spasmwatch-") as cache:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", CHILD,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | {"MPLCONFIGDIR": cache, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            try:
                async with asyncio.timeout(self._longest_s):
                    page, words = await child.communicate(json.dumps(asked).encode())
            except TimeoutError:
                raise LostError(
                    f"the report took longer than {self._longest_s:.0f} s: try again, or type "
                    f"spasmwatch report {evening}"
                ) from None
            finally:
                if child.returncode is None:
                    with suppress(ProcessLookupError):
                        child.kill()
                    await child.wait()
        if child.returncode == NOT_KNOWN:
            return None
        if child.returncode:
            last = words.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it ended"]
            log.warning("no report of %s: %s", evening, words.decode("utf-8", "replace").strip())
            raise LostError(f"the report cannot be made: {last[0][:300]}")
        return page.decode()
