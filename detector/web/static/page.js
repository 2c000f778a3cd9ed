// Keeps the page live: the newest view from the service, and by its own clock whether any comes.
import { drawNight, linked } from "./night.js";
import { watchMovement } from "./strip.js";
import { listenForAlarms } from "./alarm.js";
import { holdToCall } from "./hold.js";

const LOST_MS = 12000; // the service sends every 5 s; two may be late, three are not
const AGAIN_MS = 8000; // between attempts of our own, where the browser's stream hangs
const byId = (id) => document.getElementById(id);
const page = byId("page");
const token = page.dataset.token;

let view = null;
let heard = null; // moments of the newest view, by two clocks
let quickest = Infinity; // least time from the service's clock to ours: a message takes longer if it is late
let late = 0;
let stream = null;
let opened = 0;

const now = () => ({ mono: performance.now(), wall: Date.now() });

// The larger of two clocks: one stops while a phone sleeps, the other may be set back.
function sinceHeard() {
  if (!heard) return Infinity;
  const at = now();
  return Math.max(at.mono - heard.mono, at.wall - heard.wall, 0) + late;
}

function connect() {
  if (stream) stream.close();
  quickest = Infinity;
  opened = performance.now();
  stream = new EventSource("/stream");
  stream.addEventListener("view", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) whetherLetIn();
  });
}

async function whetherLetIn() {
  try {
    const answer = await fetch("/", { method: "GET", redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect") location.assign("/pair");
  } catch {
    // not reachable: the page says so by itself
  }
}

function take(next) {
  const at = now();
  const trip = at.mono - next.made_ms;
  quickest = Math.min(quickest, trip);
  late = trip - quickest;
  heard = at;
  view = next;
  show();
}

function text(id, words) {
  const place = byId(id);
  if (place && place.textContent !== words) place.textContent = words;
}

function show() {
  const lost = sinceHeard() > LOST_MS;
  const state = lost ? "no_signal" : view.state;
  byId("state").dataset.state = state;
  text("shape", lost ? "✕" : view.shape);
  text("word", lost ? view?.lost ?? "No signal – not watching" : view.words);
  text("detail", lost ? lostWords() : view.detail);
  text("state-news", lost ? `${view?.lost ?? "No signal"}. ${lostWords()}` : `${view.words}. ${view.why ?? ""}`);
  text("age", ageWords(lost));
  document.title = lost ? "No signal – spasmwatch" : `${view.words} – ${view.label}`;
  alarm.look({ lost: lost ? sinceHeard() : 0, alerts: view ? view.alerts : [] });
  if (!view) return;
  text("label", view.label);
  text("battery", view.battery_percent === null ? "" : `Battery ${view.battery_percent} %`);
  text("sensors", view.sensors.join(", "));
  text("counts", view.counts);
  text("watched", view.watched);
  text("remark", view.remark);
  byId("remark").hidden = !view.remark;
  showAlerts(view.alerts);
  text("alert-news", view.alerts.map((alert) => `${alert.title}. ${alert.where} ${alert.answer}`).join(" "));
  byId("more").hidden = !view.more_alerts;
  text("more-count", String(view.more_alerts));
  const paused = view.state === "paused";
  if (byId("pause-now")) {
    byId("pause-now").hidden = paused;
    byId("pause-end").hidden = !paused;
  }
  showHappened(view.happened);
  drawNight(view.timeline);
}

function lostWords() {
  const whose = view ? ` Look after ${view.label} yourself.` : "";
  return `This page hears nothing from spasmwatch: nobody may be watching.${whose}`;
}

function ageWords(lost) {
  if (!view) return "";
  const passed = sinceHeard() / 1000;
  if (lost) return `Last heard ${spoken(passed)} ago`;
  if (view.data_age_s === null) return "No data yet";
  return `Data ${spoken(Math.max(view.data_age_s + passed, 1))} old`;
}

function spoken(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function showAlerts(alerts) {
  const list = byId("alerts");
  const there = new Map([...list.querySelectorAll(".alert")].map((card) => [card.dataset.id, card]));
  let before = null;
  for (const alert of alerts) {
    let card = there.get(alert.id);
    there.delete(alert.id);
    if (!card) card = byId("alert-card").content.querySelector(".alert").cloneNode(true);
    fill(card, alert);
    // Moved only where it must be: what has the focus keeps it.
    const wanted = before ? before.nextElementSibling : list.firstElementChild;
    if (wanted !== card) list.insertBefore(card, wanted);
    before = card;
  }
  for (const gone of there.values()) gone.remove();
  if (!list.firstElementChild) list.replaceChildren();
}

function fill(card, alert) {
  const part = (name, words) => {
    const place = card.querySelector(`.${name}`);
    if (place && place.textContent !== words) place.textContent = words;
  };
  Object.assign(card.dataset, { id: alert.id, level: alert.level, state: alert.state, clinical: alert.clinical ? "yes" : "no" });
  part("shape", alert.shape);
  part("title", alert.count > 1 ? `${alert.title} (${alert.count} times)` : alert.title);
  part("where", alert.where);
  part("since", alert.since ? `since ${alert.since}, ${alert.ago}` : "");
  part("reason", alert.reason);
  part("answer", alert.answer);
  const set = (name, value) => {
    for (const field of card.querySelectorAll(`input[name="${name}"]`)) field.value = value ?? "";
  };
  set("alert", alert.id);
  set("event", alert.event);
  const why = card.querySelector(".why");
  why.hidden = !alert.event;
  why.querySelector("a").href = `/events/${encodeURIComponent(alert.event ?? "")}`;
  const onIt = card.querySelector(".on-it");
  if (onIt) onIt.closest("form").hidden = alert.answered;
  const notSpasm = card.querySelector(".not-spasm");
  if (notSpasm) notSpasm.closest("form").hidden = !alert.movement;
  const silence = card.querySelector(".silence");
  silence.hidden = !alarm.sounds(alert);
}

function showHappened(lines) {
  const list = byId("happened");
  byId("nothing").hidden = lines.length > 0;
  const key = lines.map((line) => line.n).join();
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  list.replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.dataset.kind = line.kind;
      const time = document.createElement("time");
      time.textContent = line.at;
      const words = document.createElement("span");
      if (line.event) words.append(linked(line.event, line.words));
      else words.textContent = line.words;
      item.append(time, " ", words);
      return item;
    }),
  );
}

async function say(name, fields) {
  const answer = await fetch(`/say/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ ...fields, token }),
    signal: AbortSignal.timeout(8000),
  });
  if (answer.ok) return;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error || "it was not accepted");
}

const DONE = { mark: "A spasm is marked at this moment.", pause: "Alerts are paused.", resume: "The pause is over.", ack: "Everybody sees that you are on it.", label: "Noted: not a spasm.", help: "Help is called." };
let toldAt = 0;

function tell(words, failed) {
  const told = byId("told");
  told.textContent = words;
  told.classList.toggle("failed", failed);
  toldAt = performance.now();
}

async function send(name, fields, button) {
  button.disabled = true;
  try {
    await say(name, fields);
    tell(DONE[name], false);
  } catch (error) {
    const why = error.name === "TimeoutError" || error instanceof TypeError ? "spasmwatch does not answer" : error.message;
    tell(`Not done: ${why}.`, true);
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.say) return;
  event.preventDefault();
  const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  if (fields.minutes) fields.minutes = Number(fields.minutes);
  send(form.dataset.say, fields, form.querySelector("button"));
});

document.addEventListener("click", (event) => {
  if (event.target.closest(".silence")) {
    alarm.silence();
    show();
  }
});

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "night" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "day" : "night";
  keep("theme", root.dataset.theme);
  nameTheme();
}

function nameTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "night" : matchMedia("(prefers-color-scheme: dark)").matches;
  text("theme", dark ? "Day view" : "Night view");
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // storage is off: it holds until the page is closed
  }
}

const alarm = listenForAlarms(byId("sound"), keep);
byId("theme").addEventListener("click", switchTheme);
nameTheme();
for (const name of ["switches", "theme", "movement-details"]) byId(name).hidden = false;
watchMovement(byId("movement-details"), byId("movement"), byId("movement-words"));
if (byId("help")) holdToCall(byId("help"), byId("help-sure"), byId("help-how"), (button) => send("help", {}, button));

connect();
setInterval(() => {
  if (sinceHeard() > LOST_MS && performance.now() - opened > AGAIN_MS) connect();
  if (toldAt && performance.now() - toldAt > 8000) {
    tell("", false);
    toldAt = 0;
  }
  if (view || performance.now() > LOST_MS) show();
}, 1000);
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js").catch(() => {});
