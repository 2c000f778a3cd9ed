// A strip of what the sensor feels: asked for while it is open and seen, for two minutes at a time.
const SVG = "http://www.w3.org/2000/svg";
const EVERY_MS = 3000; // a piece of the strip is so long
const LASTS_MS = 120000;
const PATIENCE_MS = 8000;
const STRONG_G = 0.5; // a leg that is being shaken
const PIECES = 40;

export function watchMovement(details, place, words) {
  let run = 0; // of looks that follow each other; an older one ends by itself
  let until = 0;

  async function look(mine) {
    if (performance.now() > until) {
      details.open = false;
      return;
    }
    let pieces = null;
    try {
      const answer = await fetch("/movement", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.ok) pieces = await answer.json();
    } catch {
      // said below
    }
    if (mine !== run) return;
    draw(pieces);
    setTimeout(() => mine === run && look(mine), EVERY_MS);
  }

  function draw(pieces) {
    if (!pieces) {
      place.replaceChildren();
      words.textContent = "spasmwatch does not answer.";
      return;
    }
    place.replaceChildren(...pieces.map((piece, n) => bar(piece, PIECES - pieces.length + n)));
    const left = Math.max(1, Math.ceil((until - performance.now()) / 60000));
    const most = pieces.length ? `The last two minutes; the strongest was ${Math.max(...pieces).toFixed(2)} g.` : "No samples yet.";
    words.textContent = `${most} Stops by itself in ${left} min.`;
  }

  function begin() {
    run += 1;
    if (!details.open || document.hidden) return;
    until = performance.now() + LASTS_MS;
    look(run);
  }

  details.addEventListener("toggle", begin);
  document.addEventListener("visibilitychange", begin);
}

function bar(piece, n) {
  const height = Math.max(1, Math.min(1, Math.sqrt(piece / STRONG_G)) * 60);
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ class: "movement", x: n * 25, width: 20, y: 60 - height, height })) rect.setAttribute(name, value);
  return rect;
}
