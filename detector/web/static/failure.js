// Looks whether spasmwatch has begun, or something else is wrong now; then the page is loaded anew.
const EVERY_MS = 3000;
const shown = document.getElementById("page").dataset.failure;

async function look() {
  try {
    const answer = await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
    const said = await answer.json();
    if (said.failure !== shown) location.replace("/");
  } catch {
    // between two attempts nothing listens: what the page says still holds
  }
}

setInterval(look, EVERY_MS);
