"""A power cut costs seconds of a recording, no committed event, and makes nothing wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from .crash_images import examine, logged_night
from .faulty_disk import AVAILABLE

pytestmark = pytest.mark.skipif(
    not AVAILABLE, reason="sqlite3 of this Python is no library of its own: its disk is not seen"
)


def test_whatever_a_power_cut_leaves_is_read_and_lacks_five_seconds_at_most(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    log = logged_night(tmp_path / "night", count=300, seed=2)
    found = examine(log, images=100, seed=2, scratch=tmp_path)
    assert found.images == 100
    assert found.holds, f"{found}: {found.complaints}"
    assert found.most_lost_s > 0.5, "some images are of before a commit"
