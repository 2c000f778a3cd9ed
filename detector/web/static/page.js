// Keeps the page live: the newest view from the service, and by its own clock whether any comes.
import { drawNight, linked } from "./night.js";
import { watchMovement } from "./strip.js";
import { listenForAlarms } from "./alarm.js";
import { holdToCall } from "./hold.js";
import { live, spoken } from "./live.js";
import { noticesOn } from "./notices.js";
import { sending } from "./say.js";
import { keep, switchTheme } from "./switches.js";

const byId = (id) => document.getElementById(id);
const send = sending(byId("page").dataset.token, {
  mark: "A spasm is marked at this moment.",
  pause: "Alerts are paused.",
  resume: "The pause is over.",
  ack: "Everybody sees that you are on it.",
  label: "Noted: not a spasm.",
  help: "Help is called.",
});

function text(id, words) {
  const place = byId(id);
  if (place && place.textContent !== words) place.textContent = words;
}

function show() {
  const { view, lost } = night;
  const state = lost ? "no_signal" : view.state;
  byId("state").dataset.state = state;
  text("shape", lost ? "✕" : view.shape);
  text("word", lost ? view?.lost ?? "No signal – not watching" : view.words);
  text("detail", lost ? lostWords(view) : view.detail);
  text("state-news", lost ? `${view?.lost ?? "No signal"}. ${lostWords(view)}` : `${view.words}. ${view.why ?? ""}`);
  text("age", ageWords(view, lost));
  document.title = lost ? "No signal – spasmwatch" : `${view.words} – ${view.label}`;
  alarm.look({ lost: lost ? night.sinceHeard() : 0, alerts: view ? view.alerts : [] });
  if (!view) return;
  text("label", view.label);
  text("others", view.others ?? "");
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

function lostWords(view) {
  const whose = view ? ` Look after ${view.label} yourself.` : "";
  return `This page hears nothing from spasmwatch: nobody may be watching.${whose}`;
}

function ageWords(view, lost) {
  if (!view) return "";
  const passed = night.sinceHeard() / 1000;
  if (lost) return `Last heard ${spoken(passed)} ago`;
  if (view.data_age_s === null) return "No data yet";
  return `Data ${spoken(Math.max(view.data_age_s + passed, 1))} old`;
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

document.addEventListener("click", (event) => {
  if (event.target.closest(".silence")) {
    alarm.silence();
    show();
  }
});

const alarm = listenForAlarms(byId("sound"), keep);
const night = live("/stream", show);
switchTheme(byId("theme"));
for (const name of ["switches", "movement-details"]) byId(name).hidden = false;
watchMovement(byId("movement-details"), byId("movement"), byId("movement-words"));
if (byId("help")) {
  holdToCall(byId("help"), byId("help-sure"), byId("help-how"), (button) => send("help", "/say/help", {}, button));
}
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js").catch(() => {});
if (byId("notices")) noticesOn(byId("notices"));
