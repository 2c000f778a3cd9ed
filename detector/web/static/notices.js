// Switches the page's own notifications on this device on and off, or says in words why it cannot.
const PATIENCE_MS = 30000; // a test waits for a push service; a browser asks its maker for an address
const READY_MS = 10000; // for a worker to be taken: it never is where the certificate is not trusted
const NTFY = "Push messages by ntfy reach this device all the same: docs/push.md.";

class Refused extends Error {}

export async function noticesOn(place) {
  const words = place.querySelector(".words");
  const turn = place.querySelector(".turn");
  const test = place.querySelector(".test");
  let facts = null;
  let subscription = null;

  async function ask(path, fields) {
    const answer = await fetch(path, {
      method: fields ? "POST" : "GET",
      headers: { Accept: "application/json", ...(fields ? { "Content-Type": "application/json" } : {}) },
      body: fields && JSON.stringify({ ...fields, token: facts.token }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Refused(said.error);
    return said;
  }

  function tell(text, { on = false, usable = true } = {}) {
    words.textContent = text;
    turn.hidden = !usable;
    turn.textContent = on ? "Stop notifying this device" : "Notify this device";
    test.hidden = !(usable && on);
  }

  async function look() {
    facts = await ask("/device");
    const missing = lacking(facts);
    if (missing) return tell(missing, { usable: false });
    const worker = await ready();
    subscription = await worker.pushManager.getSubscription();
    const on = facts.on && subscription !== null && Notification.permission === "granted" && sameKey(subscription, facts.key);
    if (on) tell(`This device is told of alerts for ${facts.person}, also when this page is closed.`, { on });
    else if (facts.on || subscription) tell("This device was told of alerts, and is told no more: press the button.");
    else tell("This device can be told of alerts, also when this page is closed.");
  }

  async function begin() {
    if ((await Notification.requestPermission()) !== "granted") throw new Refused(BLOCKED);
    const worker = await ready();
    if (subscription) await subscription.unsubscribe(); // it may be for another key
    const asked = worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: facts.key });
    subscription = await within(asked, PATIENCE_MS, NO_SERVICE);
    const { endpoint, keys } = subscription.toJSON();
    await ask("/device", { endpoint, ...keys });
  }

  async function end() {
    await ask("/device/off", {});
    if (subscription) await subscription.unsubscribe();
  }

  async function doing(button, work, done) {
    button.disabled = true;
    words.textContent = "A moment …";
    try {
      await work();
      await look();
      if (done) words.textContent = done;
    } catch (error) {
      const on = !test.hidden;
      tell(`Not done: ${spoken(error)}`, { on });
    } finally {
      button.disabled = false;
    }
  }

  turn.addEventListener("click", () => doing(turn, test.hidden ? begin : end));
  test.addEventListener("click", () => doing(test, () => ask("/device/test", {}), "A test is on its way. Press its button, or say its code to whoever is at the computer."));
  place.hidden = false;
  await look().catch((error) => tell(`Not known: ${spoken(error)}`, { usable: false }));
}

const BLOCKED = "Notifications of this page are blocked: allow them for this site in the browser's settings, then load the page again.";
const NO_SERVICE = `this browser reaches no push service of its maker. ${NTFY}`;
const UNTRUSTED = "this browser does not run the page's worker: it may not trust the certificate, which spasmwatch setup tls --page made";

function lacking({ told, person }) {
  if (!window.isSecureContext) return `Notifications need https: spasmwatch setup tls --page --write. ${NTFY}`;
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    const tablet = navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1; // an iPad says that it is a Mac
    const apple = tablet || /iPhone|iPad/.test(navigator.userAgent);
    return apple ? "With iOS 16.4 or newer: add this page to the home screen (Share, Add to Home Screen), and open it there." : `This browser has no push messages. ${NTFY}`;
  }
  if (Notification.permission === "denied") return BLOCKED;
  return told ? "" : `To have this device told of alerts, on the computer: spasmwatch alerts add ${person} page, and start spasmwatch again.`;
}

function ready() {
  return within(navigator.serviceWorker.ready, READY_MS, UNTRUSTED);
}

function within(work, ms, why) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Refused(why)), ms));
  return Promise.race([work, late]);
}

function sameKey(subscription, key) {
  const bytes = new Uint8Array(subscription.options.applicationServerKey ?? []);
  const text = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return text === key;
}

function spoken(error) {
  if (error instanceof Refused) return `${error.message}.`.replace(/\.\.$/, ".");
  if (error.name === "NotAllowedError") return BLOCKED;
  if (error.name === "AbortError") return NO_SERVICE;
  return "spasmwatch does not answer.";
}
