"""Laws of what is shared: no secret in it, the same mask for the same secret, sense left over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.doctor.masking import Mask

WORD = st.text("abcdefghijklmnopqrstuvwxyzAZ0123456789-_.", min_size=4, max_size=12)


def masked(text: str, **secrets: str) -> str:
    mask = Mask()
    for kind, secret in secrets.items():
        mask.hide(kind, [secret])
    return mask(text)


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("C0:5E:3F:2A:1C:29 streams", "<address-1> streams"),
        ("/org/bluez/hci0/dev_C0_5E_3F_2A_1C_29", "/org/bluez/hci0/dev_<address-1>"),
        ("c0-5e-3f-2a-1c-29", "<address-1>"),
        ("refused by ('192.168.1.20', 1883)", "refused by ('<ip-1>', 1883)"),
        ("[fe80::1:2:3]:1883", "[<ip-1>]:1883"),
        ("ours, 127.0.0.1:1883", "ours, 127.0.0.1:1883"),
        (
            "at 12:06:26, spasmwatch 0.1.0, bleak 3.1.0",
            "at 12:06:26, spasmwatch 0.1.0, bleak 3.1.0",
        ),
    ],
)
def test_addresses_are_known_by_their_form(text, shared):
    assert masked(text) == shared


def test_names_are_masked_as_words_and_in_any_case():
    shared = masked(
        'user "anna" on Anna-PC, banana, /home/anna/x, anna-pc.lan', user="anna", host="anna-pc"
    )

    assert shared == 'user "<user-1>" on <host-1>, banana, /home/<user-1>/x, <host-1>.lan'


def test_the_programs_own_name_stays_so_that_a_remedy_can_be_typed():
    assert masked("fix: spasmwatch setup", user="Spasmwatch") == "fix: spasmwatch setup"


def test_the_same_secret_has_the_same_mask_in_every_text():
    mask = Mask()
    first, second = mask("AA:BB:CC:DD:EE:01 AA:BB:CC:DD:EE:02"), mask("aa:bb:cc:dd:ee:02")

    assert first == "<address-1> <address-2>"
    assert second == "<address-2>"


def test_a_password_is_masked_inside_words_too():
    mask = Mask()
    mask.hide("password", ["hunter2"])

    assert mask("xxhunter2xx") == "xx<password-1>xx"


@given(st.lists(WORD, max_size=6), WORD, st.sampled_from(["user", "host", "sensor"]))
def test_no_secret_is_left_as_a_word(words, secret, kind):
    text = " ".join([*words, secret, *words])

    assert secret.casefold() not in masked(text, **{kind: secret}).casefold().split()


@given(st.text(max_size=40), WORD)
def test_no_password_is_left_anywhere(text, secret):
    shared = masked(f"{text}{secret}{text}", password=secret)

    assert secret.casefold() not in shared.replace("<password-1>", "\0").casefold()


@given(st.text(max_size=80), st.lists(st.text(max_size=8), max_size=4))
def test_nothing_that_is_masked_twice_changes_again(text, secrets):
    mask = Mask()
    mask.hide("sensor", [s for s in secrets if not set(s.casefold()) <= set("<sensor-0123456789>")])
    once = mask(text)

    assert mask(once) == once
