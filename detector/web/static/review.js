// Answers by one key, while a question or one of its buttons has the focus. Without it, buttons do.
const AGAIN = "review-goes-on";

const cards = [...document.querySelectorAll(".asked")];
document.getElementById("keys").hidden = !cards.length;

function go(card) {
  card.focus();
  card.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const at = cards.findIndex((card) => card.contains(document.activeElement));
  if (at < 0) return;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) {
    const next = cards[at + step];
    if (next) go(next);
    event.preventDefault();
    return;
  }
  const key = event.key.toLowerCase();
  if (!/^[a-z]$/.test(key)) return;
  const within = key === "z" ? document : cards[at];
  // `y` is what it was named: so is `s` of a spasm, and `c` of a clonus.
  const button =
    within.querySelector(`button[data-key="${key}"]`) ||
    (key === "s" || key === "c" ? within.querySelector('button[data-key="y"]') : null);
  if (!button) return;
  event.preventDefault();
  button.form.requestSubmit(button);
});

document.addEventListener("submit", (event) => {
  if (event.target.elements.back) sessionStorage.setItem(AGAIN, "yes");
});

if (sessionStorage.getItem(AGAIN) && cards.length) go(cards[0]);
sessionStorage.removeItem(AGAIN);
