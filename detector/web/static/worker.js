// Keeps one page for when there is no connection. Nothing live is ever kept.
const KEPT = "spasmwatch-1";
const OFFLINE = ["/static/offline.html", "/static/page.css"];

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
