"""Other wearers at the same broker, whom the page shows beside its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from detector.config.secret_file import credential
from detector.config.section import Section
from detector.config.values import FilePath, Text

MOST_FOLLOWED = 12  # a corridor; each is a connection to the broker
_ID = re.compile(r"[a-z2-7]{10}")


def _wearer(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(
            "must be the ten characters of the wearer in the topics, such as k3vq7m2xta: `run` on "
            "their computer prints them"
        )
    return text


WearerId = Annotated[str, AfterValidator(_wearer)]


class FollowSettings(Section):
    """Another wearer whose state the page shows."""

    wearer: WearerId
    """The ten characters of the wearer in the topics."""
    label: Text | None = None
    """Shown instead of these characters."""
    signing_file: FilePath | None = None
    """Key that the other computer made for this one (setup tls --add): what is shown is then proven
    to be from there, and alerts can be answered from here."""

    @property
    def shown(self) -> str:
        """What people call the wearer."""
        return self.label or self.wearer

    @property
    def credential_name(self) -> str:
        """Name under which systemd hands a service of its own user the key."""
        return f"follow-{self.wearer}"

    @property
    def key_file(self) -> Path | None:
        """Where the key is to be read."""
        return (
            None
            if self.signing_file is None
            else credential(self.credential_name) or (self.signing_file)
        )


def check_followed(followed: Sequence[FollowSettings], broker: str) -> None:
    """Check that each is another one, and that there is a broker; ValueError where not."""
    twice = [wearer for wearer, n in Counter(each.wearer for each in followed).items() if n > 1]
    if twice:
        raise ValueError(f"must not follow {twice[0]} twice: delete one [[follow]]")
    if followed and broker == "none":
        raise ValueError("must have a broker in [mqtt] to follow others: broker = 'none' has none")
