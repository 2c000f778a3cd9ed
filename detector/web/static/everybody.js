// A card for each wearer, kept live; by its own clock no card says that somebody is watched when nothing comes.
import { listenForAlarms } from "./alarm.js";
import { live, spoken } from "./live.js";
import { sending } from "./say.js";
import { keep, switchTheme } from "./switches.js";

const byId = (id) => document.getElementById(id);
sending(byId("page").dataset.token, { ack: "Everybody sees that you are on it." });

function set(place, words) {
  if (place && place.textContent !== words) place.textContent = words;
}

function inside(list, template, key, items, fill) {
  const there = new Map([...list.children].map((item) => [item.dataset[key], item]));
  let before = null;
  for (const [id, value] of items) {
    let item = there.get(id);
    there.delete(id);
    if (!item) item = byId(template).content.firstElementChild.cloneNode(true);
    item.dataset[key] = id;
    fill(item, value);
    // Moved only where it must be: what has the focus keeps it.
    const wanted = before ? before.nextElementSibling : list.firstElementChild;
    if (wanted !== item) list.insertBefore(item, wanted);
    before = item;
  }
  for (const gone of there.values()) gone.remove();
}

function show() {
  const { view, lost } = nights;
  byId("state").hidden = !lost;
  const silent = "This page hears nothing from spasmwatch: nobody may be watching.";
  set(byId("lost-words"), silent);
  document.title = lost ? "No signal – spasmwatch" : `${view.summary} – spasmwatch`;
  const alerts = view ? view.cards.flatMap((card) => card.alerts) : [];
  alarm.look({ lost: lost ? nights.sinceHeard() : 0, alerts });
  set(byId("news"), lost ? silent : view.cards.map((card) => `${card.label}: ${card.words}.`).join(" "));
  if (!view) return;
  set(byId("alert-news"), lost ? "" : view.cards.flatMap((card) => card.alerts.map((alert) => `${card.label}: ${alert.title}. ${alert.answer}`)).join(" "));
  set(byId("at"), `As of ${view.at}.`);
  inside(byId("everybody"), "person", "wearer", view.cards.map((card) => [card.wearer, card]), (item, card) => fill(item, card, lost, view.lost));
}

function fill(item, card, lost, lostWord) {
  const part = (name, words) => set(item.querySelector(`.head .${name}`), words);
  item.dataset.state = lost ? "no_signal" : card.state;
  part("label", card.label);
  part("shape", lost ? "✕" : card.shape);
  part("words", lost ? lostWord : card.words);
  part("detail", lost ? "Not known: this page hears nothing." : card.detail);
  part("age", ageWords(card, lost));
  part("battery", card.battery_percent === null ? "" : `Battery ${card.battery_percent} %`);
  part("found", card.counts);
  item.querySelector(".more").hidden = !card.more;
  set(item.querySelector(".note"), card.note);
  inside(item.querySelector(".open"), "waits", "id", card.alerts.map((alert) => [alert.id, alert]), (row, alert) => fillAlert(row, alert, card));
}

function ageWords(card, lost) {
  const passed = nights.sinceHeard() / 1000;
  if (lost) return `Last heard ${spoken(passed)} ago`;
  return card.data_age_s === null ? "No data yet" : `Data ${spoken(Math.max(card.data_age_s + passed, 1))} old`;
}

function fillAlert(row, alert, card) {
  Object.assign(row.dataset, { level: alert.level, state: alert.state, clinical: alert.clinical ? "yes" : "no" });
  for (const name of ["shape", "where", "since", "answer"]) set(row.querySelector(`.${name}`), alert[name]);
  set(row.querySelector(".title"), alert.count > 1 ? `${alert.title} (${alert.count} times)` : alert.title);
  const form = row.querySelector("form");
  if (!form) return;
  form.setAttribute("action", `/everybody/${encodeURIComponent(card.wearer)}/ack`);
  form.querySelector('input[name="alert"]').value = alert.id;
  set(form.querySelector("button .aside"), ` for ${card.label}`);
  form.hidden = alert.answered || !card.answers;
}

const alarm = listenForAlarms(byId("sound"), keep);
const nights = live("/everybody/stream", show);
switchTheme(byId("theme"));
byId("switches").hidden = false;
