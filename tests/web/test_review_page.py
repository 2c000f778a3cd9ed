"""A review on the page: by forms alone, one answer one entry, and by nobody who may only look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from detector.alerts.commands import AddNote, LabelEvent, SaidKind, Withdraw
from detector.people.people import Role
from detector.review.minimums_file import NAME, read_minimums
from detector.web.access.guard import form_token
from detector.words.review import REAL_IS_REAL

from ..review.made import spasm
from .hostile import SCRIPTS, VIEWS, check
from .review_screens import COUNT, NIGHT, SCREENS, reviewed
from .screens import MIN, NOW, device, opened
from .stand import Answer, Stand, ask, standing

FORM = re.compile(r'<form method="post" action="([^"]+)">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
BUTTON = re.compile(r"<button[^>]*>([^<]+)</button>")


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    room = reviewed()
    with standing(tmp_path, room) as made:
        room.obeyed.clear()
        yield made


def forms(body: str) -> list[tuple[str, str, dict[str, str]]]:
    """Every form of a page: its button, address and fields."""
    return [
        (BUTTON.findall(inner)[0], address, dict(FIELD.findall(inner)))
        for address, inner in FORM.findall(body)
    ]


def look(stand: Stand, token: str, path: str = NIGHT) -> str:
    answer = ask(stand.port, path, token=token)
    assert answer.status == 200
    return answer.body


def send(stand: Stand, token: str, button: str, path: str = NIGHT) -> Answer:
    """Press the first button of these words, as a browser without scripts does."""
    found = [each for each in forms(look(stand, token, path)) if each[0] == button]
    _, address, fields = found[0]
    return ask(stand.port, address, method="POST", token=token, form=fields)


def counted(body: str) -> str:
    return re.findall(r'class="counts">([^<]+)<', body)[0]


def test_each_answer_is_one_entry_comes_back_and_is_taken_back_to_the_byte(stand: Stand) -> None:
    token = stand.let_in("anna")
    before = look(stand, token)
    assert (
        counted(before)
        == "10 to review, the longest and the least sure first. 2 others need no answer."
    )
    assert REAL_IS_REAL in before
    assert "Take back" not in before, "what was said of other nights is not asked about here"
    for button, names, verdict in (
        ("Yes, a spasm", ("e11",), SaidKind.SPASM),
        ("Not a spasm", ("e10",), SaidKind.NOT_A_SPASM),
        ("A spasm", ("e9",), SaidKind.SPASM),
        ("Not sure", ("e8",), SaidKind.NOT_SURE),
    ):
        answer = send(stand, token, button)
        assert (answer.status, answer.headers["location"]) == (303, NIGHT)
        assert stand.room.obeyed[-1] == LabelEvent(by="anna", events=names, verdict=verdict)
    assert counted(look(stand, token)).startswith("6 to review")
    for _ in range(4):
        answer = send(stand, token, "Take back my last answer")
        assert (answer.status, answer.headers["location"]) == (303, NIGHT)
        assert isinstance(stand.room.obeyed[-1], Withdraw)
    assert look(stand, token) == before


def test_the_rest_is_said_in_one_entry_after_a_question(stand: Stand) -> None:
    token = stand.let_in("anna")
    send(stand, token, "Yes, a spasm")
    assert all("none of the rest" not in each[0] for each in forms(look(stand, token)))
    question = look(stand, token, f"{NIGHT}?rest")
    assert "of 12 movements that nobody has labelled" in question
    assert len(stand.room.obeyed) == 1, "to look says nothing"
    send(stand, token, "Yes, none of the rest", f"{NIGHT}?rest")
    said = stand.room.obeyed[-1]
    assert isinstance(said, LabelEvent)
    assert set(said.named) == {f"e{n}" for n in range(COUNT + 1)} - {"e11"}
    assert counted(look(stand, token)) == f"All {COUNT} are reviewed."
    send(stand, token, "Take back my last answer")
    assert counted(look(stand, token)).startswith("9 to review")


def test_nobody_takes_back_what_another_said(stand: Stand) -> None:
    anna, sam = stand.let_in("anna"), stand.let_in("sam")
    send(stand, anna, "Yes, a spasm")
    assert "Take back" not in look(stand, sam)
    _, address, fields = next(
        each for each in forms(look(stand, anna)) if each[0].startswith("Take back")
    )
    stolen = fields | {"token": form_token(sam), "by": "anna"}
    ask(stand.port, address, method="POST", token=sam, form=stolen)
    assert stand.room.obeyed[-1].by == "sam"
    assert "a spasm (anna)" in look(stand, sam)


@pytest.mark.parametrize("path", SCREENS.values())
def test_who_may_only_look_sees_no_form_and_is_refused(stand: Stand, path: str) -> None:
    token, anna = stand.let_in("bo", Role.READ_ONLY), stand.let_in("anna")
    assert "<form" not in look(stand, token, path)
    each_once = {each[0]: each for each in forms(look(stand, anna, path))}
    for button, address, fields in each_once.values():
        tried = fields | {"token": form_token(token)}
        answer = ask(stand.port, address, method="POST", token=token, form=tried)
        assert answer.status == 403, button
    assert stand.room.obeyed == []
    assert not (stand.folder / NAME).exists()


@pytest.mark.parametrize("path", SCREENS.values())
def test_a_form_of_another_session_or_site_says_nothing(stand: Stand, path: str) -> None:
    token = stand.let_in("anna")
    assert ask(stand.port, path).headers["location"] == "/pair"
    for _, address, fields in forms(look(stand, token, path)):
        for tried, headers in (
            (fields | {"token": "x"}, {}),
            ({key: value for key, value in fields.items() if key != "token"}, {}),
            (fields, {"Origin": "http://elsewhere.example"}),
        ):
            answer = ask(
                stand.port, address, method="POST", token=token, form=tried, headers=headers
            )
            assert answer.status == 403
        assert ask(stand.port, address, method="POST", form=fields).status in {401, 403}
    assert stand.room.obeyed == []
    assert not (stand.folder / NAME).exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"events": "<b>", "verdict": "spasm"}, 409),
        ({"events": ",".join(["a"] * 900), "verdict": "spasm"}, 303),  # one event, many times
        ({"events": ",".join(f"{n}" for n in range(300)), "verdict": "spasm"}, 409),
        ({"events": "x" * 9000, "verdict": "spasm"}, 413),
        ({"events": "e1", "verdict": "seizure"}, 409),
        ({"events": "", "verdict": "spasm"}, 409),
        ({"verdict": "spasm"}, 409),
    ],
)
def test_what_is_no_label_is_refused(stand: Stand, fields: dict[str, str], status: int) -> None:
    token = stand.let_in("anna")
    form = {"token": form_token(token), **fields}
    answer = ask(stand.port, "/say/label", method="POST", token=token, form=form)
    assert answer.status == status
    assert len(stand.room.obeyed) == (status == 303)


def test_a_form_leads_to_no_other_place(stand: Stand) -> None:
    token = stand.let_in("anna")
    for night in ("2026-11-20/../../pair", "//elsewhere.example", "", "2026-11-20\r\nX: y"):
        form = {"token": form_token(token), "events": "e1", "verdict": "spasm"}
        answer = ask(
            stand.port, "/say/label", method="POST", token=token,
            form=form | {"back": "review", "night": night},
        )  # fmt: skip
        assert (answer.status, answer.headers["location"]) == (303, "/")


def test_a_night_that_is_none_is_not_found_and_an_empty_one_says_so(stand: Stand) -> None:
    token = stand.let_in("anna")
    assert ask(stand.port, "/nights/2026-13-40/review", token=token).status == 404
    body = look(stand, token, "/nights/2025-01-01/review")
    assert counted(body) == "No likely spasms were found: there is nothing to review."
    assert [each for each in forms(body) if each[1] == "/say/label"] == []


def test_minimums_hold_after_a_yes_to_what_was_shown_and_are_undone(stand: Stand) -> None:
    token = stand.let_in("anna")
    body = look(stand, token, "/tune")
    assert "For spasm ask for " in body
    assert "On the last 7 nights" in body
    assert "Go back" not in body
    assert not (stand.folder / NAME).exists(), "to look decides nothing"
    (_, address, fields) = forms(body)[0]
    for tried in ({"offer": "0" * 16}, {"do": "sing"}, {"do": ""}):
        answer = ask(stand.port, address, method="POST", token=token, form=fields | tried)
        assert answer.status == 409
    assert not (stand.folder / NAME).exists()

    assert send(stand, token, "Use it", "/tune").headers["location"] == "/tune"
    change = read_minimums(stand.folder).changes[-1]
    assert (change.by, change.personal.wearer) == ("anna", "k3vq7m2xta")
    assert change.personal.minimums
    note = stand.room.obeyed[-1]
    assert isinstance(note, AddNote)
    assert note.text.startswith("Your own minimums: spasm ")
    again = ask(stand.port, address, method="POST", token=token, form=fields)
    assert again.status == 409, "the same form again"
    assert "Use it" not in look(stand, token, "/tune")

    send(stand, token, "Go back to what held before", "/tune")
    assert read_minimums(stand.folder).personal.minimums == ()
    assert json.loads((stand.folder / NAME).read_text())["changes"][-1]["by"] == "anna"


def test_a_damaged_file_of_minimums_is_a_sentence(stand: Stand) -> None:
    token = stand.let_in("anna")
    (stand.folder / NAME).write_text("nonsense")
    answer = ask(stand.port, "/tune", token=token, headers={"Accept": "text/html"})
    assert answer.status == 503
    assert "personal.json cannot be used" in answer.body
    assert ask(stand.port, NIGHT, token=token).status == 200


def test_axe_finds_nothing_and_a_thumb_hits_every_target(chromium: Browser, stand: Stand) -> None:
    token = stand.let_in("anna")
    send(stand, token, "Yes, a spasm")
    for path in SCREENS.values():
        for dark, size in VIEWS:
            context = device(chromium, stand, token, dark=dark, size=size)
            page = opened(context, stand, path)
            check(page)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, size)
            small = page.evaluate(
                "[...document.querySelectorAll('main a, main button, nav a, summary')].filter("
                "e => Math.min(e.getBoundingClientRect().height, e.getBoundingClientRect().width)"
                " < 43.5).map(e => e.outerHTML)"
            )
            assert small == [], path
            context.close()


def question(page: Page) -> str:
    return page.locator("article.asked h2").first.inner_text()


def test_a_key_answers_the_question_that_has_the_focus_and_no_other(
    chromium: Browser, stand: Stand
) -> None:
    page = opened(device(chromium, stand, stand.let_in("anna")), stand, NIGHT)
    first = question(page)
    page.keyboard.press("y")
    page.wait_for_timeout(200)
    assert stand.room.obeyed == [], "a key says nothing while no question has the focus"
    page.locator("article.asked button").first.focus()
    with page.expect_navigation():
        page.keyboard.press("n")
    expect(page.locator("article.asked")).to_have_count(9)
    assert question(page) != first
    page.keyboard.press("ArrowRight")
    with page.expect_navigation():
        page.keyboard.press("u")
    with page.expect_navigation():
        page.keyboard.press("s")
    said = [(each.named, each.verdict) for each in stand.room.obeyed]  # type: ignore[union-attr]
    assert said == [
        (("e11",), SaidKind.NOT_A_SPASM), (("e9",), SaidKind.NOT_SURE), (("e10",), SaidKind.SPASM),
    ]  # fmt: skip
    with page.expect_navigation():
        page.keyboard.press("z")
    assert isinstance(stand.room.obeyed[-1], Withdraw)
    expect(page.locator("article.asked")).to_have_count(8)


def test_without_scripts_buttons_do_all_of_it(chromium: Browser, stand: Stand) -> None:
    token = stand.let_in("anna")
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(
        [{"name": "spasmwatch", "value": token, "url": stand.address, "sameSite": "Strict"}]
    )
    page = context.new_page()
    page.goto(f"{stand.address}{NIGHT}")
    page.get_by_role("button", name="Not a spasm").first.click()
    page.get_by_role("link", name="The rest are not spasms").click()
    page.get_by_role("button", name="Yes, none of the rest").click()
    page.get_by_role("button", name="Take back my last answer").click()
    expect(page.locator("article.asked")).to_have_count(9)
    page.get_by_role("link", name="Your own minimums").click()
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("button", name="Go back to what held before").click()
    assert [each.personal.version for each in read_minimums(stand.folder).changes] == [1, 2]


def test_text_of_a_sensor_never_runs(chromium: Browser, tmp_path: Path) -> None:
    room = reviewed(0)
    for n, text in enumerate(SCRIPTS):
        onset = NOW - timedelta(hours=8) + n * 3 * MIN
        room.keep(spasm(f"x{n}", onset=onset, duration_s=60.0 + n, reason=text, sensor=text))
    with standing(tmp_path, room) as stand:
        page = opened(device(chromium, stand, stand.let_in("anna")), stand, NIGHT)
        expect(page.locator("article.asked")).to_have_count(10)
        page.get_by_role("button", name="Not a spasm").first.click()
        expect(page.locator("article.asked")).to_have_count(9)
        assert page.evaluate("window.ran") is None
