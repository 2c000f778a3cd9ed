// Says that work has begun, which takes seconds; and goes on to the page of the night once it is there.
const EVERY_MS = 1500;

document.addEventListener("submit", (event) => {
  const words = event.target.dataset.busy;
  if (words) document.getElementById("told").textContent = words;
  // After the form was sent: a button that is disabled sends none.
  setTimeout(() => event.target.querySelector("button").setAttribute("disabled", ""), 0);
});

async function look() {
  try {
    const answer = await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
    if (answer.ok || (await answer.json()).failure) location.replace("/");
  } catch {
    // not there yet
  }
}

if (document.getElementById("page").dataset.step === "starting") setInterval(look, EVERY_MS);
