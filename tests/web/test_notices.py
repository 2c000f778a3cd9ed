"""The page's own notifications, from the button on a phone to the answer by its notification.

Two links are of our own making, since no maker's push service can be reached here: a browser's
subscription, and the way from that service to the browser. What is sent is decrypted and handed to
chromium's worker as its own developer tools do; the worker, the page and the sender are real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from detector.alerts.commands import Acknowledge
from detector.people.people import Role
from detector.push.drills import read_drills
from detector.push.links import AnswerLinks, answer_key
from detector.web.access.guard import form_token

from ..push.browsers import Browser as PushBrowser
from ..push.browsers import PushHouse, bytes_of, push_house
from .screens import device, opened
from .stand import Bedroom, Stand, ask, standing

SUBSCRIBED = """
const said = %s;
let there = null;
PushManager.prototype.getSubscription = async () => there;
PushManager.prototype.subscribe = async (options) => {
  const text = atob(options.applicationServerKey.replaceAll("-", "+").replaceAll("_", "/"));
  const key = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  there = {
    options: { applicationServerKey: key.buffer },
    toJSON: () => ({ endpoint: said.endpoint, keys: { p256dh: said.p256dh, auth: said.auth } }),
    unsubscribe: async () => { there = null; return true; },
  };
  return there;
};
"""
SUBSCRIBED_BEFORE = """
PushManager.prototype.getSubscription = async () => ({
  options: { applicationServerKey: new ArrayBuffer(65) },
  unsubscribe: async () => true,
});
"""


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushHouse]:
    with push_house(tmp_path) as house:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(house.authority))
        yield house


@pytest.fixture
def stand(tmp_path: Path, maker: PushHouse) -> Iterator[Stand]:
    room = Bedroom(push_hosts=(f"localhost:{maker.port}",))
    with standing(tmp_path, room) as made:
        yield made


def subscribing(chromium: Browser, stand: Stand, phone: PushBrowser, name: str = "anna") -> Page:
    """Return the page on a device whose browser has a push service."""
    context = device(chromium, stand, stand.let_in(name))
    context.add_init_script(SUBSCRIBED % json.dumps(phone.subscription.to_dict()))
    return opened(context, stand)


NOTICES = """async () => {
    const worker = await navigator.serviceWorker.ready;
    return (await worker.getNotifications()).map((each) => ({
        title: each.title, body: each.body, tag: each.tag, silent: each.silent,
        actions: each.actions.map((action) => action.title), lasts: each.requireInteraction,
    }));
}"""


def shown(page: Page, title: str, tries: int = 500) -> dict[str, Any]:
    """Wait until a notification is shown, and return it."""
    for _ in range(tries):
        for notice in page.evaluate(NOTICES):
            if notice["title"] == title:
                found: dict[str, Any] = notice
                return found
        page.wait_for_timeout(20)
    raise AssertionError(f"{title} is not shown: {page.evaluate(NOTICES)}")


def delivered(page: Page, stand: Stand, said: object, title: str) -> dict[str, Any]:
    """Hand a message to the page's worker until its notification is shown; return that.

    As a browser does whom its maker has told. Developer tools lose a message now and then; one that
    comes twice takes its own place.
    """
    tools = page.context.new_cdp_session(page)
    found: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(each["registrationId"] for each in event["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    while not found:
        page.wait_for_timeout(20)
    for _ in range(10):
        tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": stand.address, "registrationId": found[0], "data": json.dumps(said)},
        )
        try:
            return shown(page, title, tries=100)
        except AssertionError:
            continue
    return shown(page, title)


def press(page: Page, title: str, action: str) -> None:
    """Press a button of a notification, which no tool can do: its event is made by hand."""
    [worker] = page.context.service_workers
    worker.evaluate(
        """async ([title, action]) => {
            const there = await registration.getNotifications();
            const notification = there.find((each) => each.title === title);
            const event = new NotificationEvent("notificationclick", { notification, action });
            const done = [];
            event.waitUntil = (work) => done.push(work);
            dispatchEvent(event);
            await Promise.all(done);
        }""",
        [title, action],
    )


def test_from_the_button_on_the_page_to_the_test_that_is_confirmed(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    phone = maker.browser("phone")
    page = subscribing(chromium, stand, phone)
    notices = page.locator("#notices")
    notices.get_by_role("button", name="Notify this device").click()
    expect(notices.locator(".words")).to_contain_text("is told of alerts for anna")
    [session] = [each for one in stand.people().now().people for each in one.sessions]
    assert session.push == phone.subscription

    notices.get_by_role("button", name="Send a test").click()
    expect(notices.locator(".words")).to_contain_text("A test is on its way", timeout=15_000)
    [said] = maker.told(phone)
    notice = delivered(page, stand, said, "Test of the alarm")
    assert notice["actions"] == ["I heard it"]
    assert notice["silent"] is False
    press(page, "Test of the alarm", "answer")
    assert shown(page, "You have answered")["silent"] is True
    assert read_drills(stand.folder)["anna"].confirmed is not None

    page.reload()
    expect(notices.locator(".words")).not_to_be_empty()
    notices.get_by_role("button", name="this device").click()
    page.reload()
    expect(notices.get_by_role("button", name="Notify this device")).to_be_visible()


def test_stopping_ends_it_at_once(chromium: Browser, stand: Stand, maker: PushHouse) -> None:
    page = subscribing(chromium, stand, maker.browser("phone"))
    notices = page.locator("#notices")
    notices.get_by_role("button", name="Notify this device").click()
    notices.get_by_role("button", name="Stop notifying this device").click()
    expect(notices.get_by_role("button", name="Notify this device")).to_be_visible()
    [session] = [each for one in stand.people().now().people for each in one.sessions]
    assert session.push is None


def test_an_alarm_is_answered_by_its_notification_and_replaced_by_what_became_of_it(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    page = subscribing(chromium, stand, maker.browser("phone"))
    alert = stand.call(stand.room.alarm)
    links = AnswerLinks("", answer_key(stand.folder))
    alarm = {
        "title": "Movement alert",
        "body": "<img src=x onerror=alert(1)>",
        "urgency": "alarm",
        "about": alert.id,
        "answer": links.answer(alert.id, "anna", stand.room.now()),
    }
    notice = delivered(page, stand, alarm, "Movement alert")
    assert notice["body"] == alarm["body"], "words, and nothing else"
    assert notice["actions"] == ["I'm on it"]
    assert notice["lasts"] is True
    news = {**alarm, "title": "All clear", "urgency": "news"}
    assert delivered(page, stand, news, "All clear")["tag"] == alert.id
    assert len(page.evaluate(NOTICES)) == 1

    delivered(page, stand, alarm, "Movement alert")
    press(page, "Movement alert", "answer")
    shown(page, "You have answered")
    assert stand.room.obeyed == [Acknowledge(by="anna", alert=alert.id)]
    expect(page.locator(".alert .answer")).to_have_text("anna is on it.")


def test_an_answer_that_is_not_taken_is_said_loudly(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    page = subscribing(chromium, stand, maker.browser("phone"))
    alarm = {
        "title": "Movement alert",
        "body": "x",
        "urgency": "alarm",
        "about": "a1",
        "answer": "/push/ack/forged.token",
    }
    delivered(page, stand, alarm, "Movement alert")
    press(page, "Movement alert", "answer")
    notice = shown(page, "Not answered")
    assert "no answer to an alert" in str(notice["body"])
    assert notice["silent"] is False
    assert notice["actions"] == ["I'm on it"], "the button can be pressed again"
    assert stand.room.obeyed == []


@pytest.mark.parametrize("said", ["no object", {"title": "x"}, {"about": "x"}, None])
def test_a_message_that_cannot_be_read_is_shown_all_the_same(
    chromium: Browser, stand: Stand, maker: PushHouse, said: object
) -> None:
    page = subscribing(chromium, stand, maker.browser("phone"))
    notice = delivered(page, stand, said, "spasmwatch")
    assert "Look at the page" in str(notice["body"])


def test_a_device_that_was_forgotten_says_so(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    """Its push service said that it is gone: whoever opens the page must read that."""
    page = subscribing(chromium, stand, maker.browser("phone"))
    notices = page.locator("#notices")
    notices.get_by_role("button", name="Notify this device").click()
    expect(notices.locator(".words")).to_contain_text("is told of alerts for anna")
    stand.people().change(
        lambda people: (people.unsubscribed(maker.browser("phone").endpoint), None)
    )
    notices.get_by_role("button", name="Send a test").click()
    expect(notices.locator(".words")).to_contain_text("press Notify this device")
    page.context.add_init_script(SUBSCRIBED_BEFORE)
    page.reload()
    expect(notices.locator(".words")).to_contain_text("is told no more: press the button")
    expect(notices.get_by_role("button", name="Notify this device")).to_be_visible()


def test_a_browser_has_another_address_after_the_service_has_forgotten_the_old_one(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    phone = maker.browser("phone")
    page = subscribing(chromium, stand, phone)
    page.wait_for_function("() => navigator.serviceWorker.ready.then(() => true)")
    [worker] = page.context.service_workers
    script = SUBSCRIBED % json.dumps(phone.subscription.to_dict())
    worker.evaluate(f"() => {{ {script} }}")
    worker.evaluate("() => moved()")
    [session] = [each for one in stand.people().now().people for each in one.sessions]
    assert session.push == phone.subscription


@pytest.mark.parametrize(
    ("agent", "platform", "fingers"),
    [("iPhone", "iPhone", 5), ("iPad", "iPad", 5), ("Macintosh", "MacIntel", 5)],
)
def test_an_apple_device_reads_that_the_page_belongs_on_its_home_screen(
    chromium: Browser, stand: Stand, agent: str, platform: str, fingers: int
) -> None:
    """An iPad says that it is a Mac; a Mac has no touch screen."""
    context = device(chromium, stand, stand.let_in())
    context.add_init_script(
        f"""delete window.PushManager;
        for (const [name, value] of Object.entries(
            {{ userAgent: "{agent}", platform: "{platform}", maxTouchPoints: {fingers} }}))
          Object.defineProperty(navigator, name, {{ get: () => value }});"""
    )
    page = opened(context, stand)
    expect(page.locator("#notices .words")).to_contain_text("Add to Home Screen")


def test_who_is_no_contact_reads_what_to_do(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    page = subscribing(chromium, stand, maker.browser("phone"), "ben")
    expect(page.locator("#notices .words")).to_contain_text("spasmwatch alerts add ben page")
    expect(page.locator("#notices button")).to_have_count(2)
    for button in page.locator("#notices button").all():
        expect(button).to_be_hidden()


def test_a_browser_without_a_push_service_says_so(chromium: Browser, stand: Stand) -> None:
    page = opened(device(chromium, stand, stand.let_in()), stand)
    page.get_by_role("button", name="Notify this device").click()
    expect(page.locator("#notices .words")).to_contain_text(
        "this browser reaches no push service of its maker", timeout=40_000
    )


def test_a_page_whose_notifications_are_blocked_says_where_to_allow_them(
    chromium: Browser, stand: Stand, maker: PushHouse
) -> None:
    page = subscribing(chromium, stand, maker.browser("phone"))
    page.add_init_script("Object.defineProperty(Notification, 'permission', { value: 'denied' })")
    page.reload()
    expect(page.locator("#notices .words")).to_contain_text("blocked")


def body_of(stand: Stand, token: str, **fields: object) -> bytes:
    return json.dumps({"token": form_token(token), **fields}).encode()


def post(
    stand: Stand, path: str, token: str | None, body: bytes, **headers: str
) -> tuple[int, str]:
    sent = {"Content-Type": "application/json", **headers}
    answer = ask(stand.port, path, method="POST", token=token, body=body, headers=sent)  # type: ignore[arg-type]
    return answer.status, answer.body


def test_only_a_device_that_is_let_in_asks_and_only_for_a_browser_makers_push_service(
    tmp_path: Path,
) -> None:
    with standing(tmp_path) as stand:
        token, other = stand.let_in(), stand.let_in("sam", Role.READ_ONLY)
        good = PushBrowser("https://fcm.googleapis.com/x").subscription.to_dict()
        for endpoint in (
            "https://127.0.0.1:8377/say/pause",
            "https://[::1]/x",
            "https://router.lan/reboot",
            "http://fcm.googleapis.com/x",
            "file:///etc/passwd",
            "https://127.0.0.1:8377\\.fcm.googleapis.com/x",
            "https://[x",
        ):
            body = body_of(stand, token, **{**good, "endpoint": endpoint})
            status, said = post(stand, "/device", token, body)
            assert status in {400, 409}, endpoint
            assert "push service" in said or "no subscription" in said
        assert post(stand, "/device", None, body_of(stand, token, **good))[0] == 401
        assert post(stand, "/device", other, body_of(stand, token, **good))[0] == 403
        foreign = {"Origin": "https://evil.example"}
        assert post(stand, "/device", token, body_of(stand, token, **good), **foreign)[0] == 403
        assert not any(one.push for each in stand.people().now().people for one in each.sessions)
        assert post(stand, "/device", token, body_of(stand, token, **good))[0] == 200
        [anna] = [each for each in stand.people().now().people if each.name == "anna"]
        assert anna.sessions[0].push is not None
        assert anna.sessions[0].push.to_dict() == good


@pytest.mark.parametrize("name", ["push.key", "drills.json"])
def test_a_test_that_cannot_be_remembered_is_not_said_to_be_on_its_way(
    stand: Stand, maker: PushHouse, name: str
) -> None:
    token = stand.let_in()
    subscription = maker.browser("phone").subscription.to_dict()
    assert post(stand, "/device", token, body_of(stand, token, **subscription))[0] == 200
    (stand.folder / name).unlink(missing_ok=True)
    (stand.folder / name).mkdir()
    status, said = post(stand, "/device/test", token, body_of(stand, token))
    assert status == 503
    assert name in said


def test_tests_are_bounded_in_number(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        token = stand.let_in()
        answers = [post(stand, "/device/test", token, body_of(stand, token)) for _ in range(4)]
        assert [status for status, _ in answers] == [503, 503, 503, 429]
        assert "press Notify this device" in answers[0][1]


def test_the_key_that_browsers_get_is_a_point_and_stays(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with standing(tmp_path) as stand:
            keys.append(json.loads(ask(stand.port, "/device", token=stand.let_in()).body)["key"])
            assert ask(stand.port, "/device").status == 401
    assert len(bytes_of(keys[0])) == 65
    assert keys[0] == keys[1]
