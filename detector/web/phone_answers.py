"""Answers by the button of a notification: a token proves who answers which alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from detector.alerts.commands import Acknowledge, Command
from detector.push.drills import is_test
from detector.push.links import ANSWER_PATH
from detector.push.tokens import PushAnswer, verify_token

ROUTE = ANSWER_PATH + "{token}"
FROM_ANYWHERE = {
    # ntfy in a browser asks from its own site. The token, not the site, proves who answers.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # The address is the proof: it goes to no other site.
    "Referrer-Policy": "no-referrer",
}


class PhoneAnswers:
    """Takes answers from notifications.

    Parameters
    ----------
    key : that the tokens were made with
    obey : takes what a contact says; raises CommandError with a sentence
    confirm : records the answer to a test, on the disk; returns whether there is such a test,
        raises StorageError
    """

    def __init__(
        self,
        key: bytes,
        *,
        obey: Callable[[Command], None],
        confirm: Callable[[PushAnswer], bool],
        now: Callable[[], datetime],
    ) -> None:
        self.confirm = confirm
        self._key, self._obey, self._now = key, obey, now

    def of(self, token: str) -> PushAnswer:
        """Return what a token says; TokenError with a sentence where it proves nothing."""
        return verify_token(self._key, token, self._now().timestamp())

    def acknowledge(self, answer: PushAnswer) -> None:
        """Pass on that a contact is on it.

        Raises
        ------
        CommandError
            The alert is not open, and why.
        """
        self._obey(Acknowledge(by=answer.contact, alert=answer.alert))


def asked_words(answer: PushAnswer) -> tuple[str, str]:
    """Return what a page asks before it takes an answer: the question, and its button."""
    if is_test(answer):
        return "Did you hear the test?", "I heard it"
    return "Are you on your way?", "I'm on it"
