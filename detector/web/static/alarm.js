// Sound of this device alone: after a person has switched it on, for high alerts and a lost service.
const EVERY_MS = 5000; // between two sounds of an alert
const ENOUGH_MS = 60000; // then it is quiet until the alert changes
const LOST_MS = 120000; // as the rule "no-signal >= 2min"
const LOST_EVERY_MS = 60000;
const OPEN = new Set(["raised", "repeated", "escalated"]);

export function listenForAlarms(button, keep) {
  let context = null;
  let last = -Infinity;
  const begun = new Map(); // of each alert in each state, when it first sounded
  const silenced = new Set();

  const on = () => context !== null && context.state === "running";
  const name = (alert) => `${alert.id} ${alert.state} ${alert.count}`;

  function nameButton() {
    button.textContent = on() ? "Sound on" : "Sound off";
    button.setAttribute("aria-pressed", String(on()));
  }

  button.addEventListener("click", async () => {
    if (on()) {
      await context.close();
      context = null;
    } else {
      context = new AudioContext();
      await context.resume();
      tone(660, 0, 0.15, 0.1);
    }
    keep("sound", on() ? "on" : "off");
    nameButton();
  });

  function tone(pitch, after, lasts, loud) {
    const at = context.currentTime + after;
    const source = context.createOscillator();
    const volume = context.createGain();
    source.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(loud, at + 0.05);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + lasts);
    source.connect(volume).connect(context.destination);
    source.start(at);
    source.stop(at + lasts);
  }

  function sounds(alert) {
    return on() && alert.level === "high" && OPEN.has(alert.state) && !silenced.has(alert.id);
  }

  function look({ lost, alerts }) {
    const at = performance.now();
    if (lost > LOST_MS) {
      if (on() && at - last > LOST_EVERY_MS) {
        last = at;
        tone(880, 0, 0.18, 0.4);
        tone(880, 0.3, 0.18, 0.4);
      }
      return;
    }
    const open = new Set(alerts.map((alert) => alert.id));
    for (const id of silenced) if (!open.has(id)) silenced.delete(id);
    for (const key of begun.keys()) if (!open.has(key.split(" ")[0])) begun.delete(key);
    const loud = alerts.filter(sounds).map((alert) => {
      if (!begun.has(name(alert))) begun.set(name(alert), at);
      return at - begun.get(name(alert));
    });
    const youngest = Math.min(...loud, Infinity);
    if (youngest > ENOUGH_MS || at - last < EVERY_MS) return;
    last = at;
    const strength = Math.min(0.15 + youngest / 100000, 0.6); // gentle first
    [523, 659, 784].forEach((pitch, n) => tone(pitch, n * 0.22, 0.35, strength));
  }

  function silence() {
    for (const key of begun.keys()) silenced.add(key.split(" ")[0]);
  }

  nameButton();
  return { look, silence, sounds };
}
