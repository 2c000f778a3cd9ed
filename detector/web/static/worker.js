// Keeps one page for when there is no connection, and shows notifications. Nothing live is ever kept.
const KEPT = "spasmwatch-1";
const OFFLINE = ["/static/offline.html", "/static/page.css"];
const BUTTONS = { alarm: "I'm on it", test: "I heard it" }; // by the urgency of a message
const LOUD_MS = [600, 200, 600, 200, 600]; // vibration and pause: 2 s, which wakes
const PATIENCE_MS = 8000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(OFFLINE)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/static/offline.html")));
  } else if (pathname === "/static/page.css") {
    event.respondWith(fetch(event.request).catch(() => caches.match(pathname)));
  }
});

// One of the same `about` takes the place of an earlier one; a loud one sounds again.
function show({ title, body, urgency, about, answer }) {
  const loud = urgency === "alarm" || urgency === "test";
  return self.registration.showNotification(title, {
    body,
    tag: about,
    renotify: loud,
    silent: !loud,
    requireInteraction: urgency === "alarm",
    icon: "/static/icon-192.png",
    badge: "/static/icon-192.png",
    data: { about, answer, urgency },
    actions: answer && BUTTONS[urgency] ? [{ action: "answer", title: BUTTONS[urgency] }] : [],
    ...(loud ? { vibrate: LOUD_MS } : {}),
  });
}

// A browser that gets a message and shows nothing loses the right to get any.
const UNREAD = { title: "spasmwatch", body: "Look at the page: a message could not be read.", urgency: "alarm", about: "unread" };

function said(data) {
  try {
    const message = data.json();
    return [message.title, message.about].every((text) => text && typeof text === "string") ? message : UNREAD;
  } catch {
    return UNREAD;
  }
}

self.addEventListener("push", (event) => event.waitUntil(show(said(event.data))));

// An answer that is not taken keeps its button: she may try again.
async function answered({ about, answer, urgency }) {
  let why = "spasmwatch does not answer";
  try {
    const told = await fetch(answer, { method: "POST", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (told.ok) return show({ title: "You have answered", body: "Everybody sees that.", urgency: "news", about });
    why = (await told.json()).error || why;
  } catch {
    // no connection: `why` says so
  }
  return show({ title: "Not answered", body: `${why}. Open the page.`, urgency, about, answer });
}

async function opened() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => new URL(one.url).pathname === "/");
  return page ? page.focus() : self.clients.openWindow("/");
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(event.action === "answer" ? answered(event.notification.data) : opened());
});

// The browser has another address for its messages: the old one is dead. The service may have found
// that out before, and has forgotten it; whoever has switched notifications off has no address.
async function moved() {
  const answer = await fetch("/device");
  if (!answer.ok) return;
  const { key, told, token } = await answer.json();
  if (!told) return;
  const subscription = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = subscription.toJSON();
  await fetch("/device", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ endpoint, ...keys, token }),
  });
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(moved()));
