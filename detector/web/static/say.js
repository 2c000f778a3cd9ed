// Sends what a person says, and tells what came of it.
const SHOWN_MS = 8000;

export function sending(token, done) {
  const told = document.getElementById("told");
  let toldAt = 0;

  async function say(address, fields, patience) {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ ...fields, token }),
      signal: AbortSignal.timeout(patience),
    });
    if (answer.ok) return;
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.error || "it was not accepted");
  }

  function tell(words, failed) {
    told.textContent = words;
    told.classList.toggle("failed", failed);
    toldAt = performance.now();
  }

  async function send(name, address, fields, button, patience = 8000) {
    button.disabled = true;
    try {
      await say(address, fields, patience);
      tell(done[name], false);
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
    send(form.dataset.say, form.getAttribute("action"), fields, form.querySelector("button"), Number(form.dataset.patience) || undefined);
  });

  setInterval(() => {
    if (toldAt && performance.now() - toldAt > SHOWN_MS) {
      tell("", false);
      toldAt = 0;
    }
  }, 1000);

  return send;
}
