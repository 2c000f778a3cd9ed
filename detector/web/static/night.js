// The picture of the night, and the same as a table.
const SVG = "http://www.w3.org/2000/svg";
const TOP = 6, BASE = 50, FOOT = 100; // of the picture's 104 units
const TIPS = { spasm: "▲", tonic: "▲", clonus: "◆" };
let shown = "";

export function drawNight(timeline) {
  const key = JSON.stringify(timeline);
  if (key === shown) return;
  shown = key;
  const wide = document.getElementById("night").clientWidth || 600;
  const unit = 1000 / wide; // the picture is stretched: what must keep its width is so many units
  document.getElementById("spans").replaceChildren(...timeline.spans.map((span) => bar(span.state, span.x, span.width, BASE)));
  document.getElementById("marks").replaceChildren(
    ...timeline.marks.map((mark) => bar(mark.kind, mark.x - 2 * unit, 4 * unit, mark.kind === "twitch" ? BASE - 20 : TOP)),
  );
  const tips = timeline.marks.filter((mark) => mark.kind in TIPS);
  document.getElementById("tips").replaceChildren(...tips.map((mark) => at(mark.x, TIPS[mark.kind], `tip ${mark.kind}`)));
  document.getElementById("hours").replaceChildren(...timeline.hours.map((hour) => at(hour.x, hour.words, "")));
  document.getElementById("rows").replaceChildren(
    ...timeline.rows.map((row) => line([`${row.begin}–${row.end}`, row.what, row.length, ""])),
    ...timeline.marks.map((mark) => line([mark.words.time, linked(mark.id, mark.words.what), mark.words.length, mark.words.where])),
  );
}

export function linked(id, words) {
  const link = document.createElement("a");
  link.href = `/events/${encodeURIComponent(id)}`;
  link.textContent = words;
  return link;
}

function at(x, words, name) {
  const place = document.createElement("span");
  place.className = name;
  place.textContent = words;
  place.style.left = `${x / 10}%`;
  return place;
}

function bar(kind, x, width, top) {
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ class: kind, x, width, y: top, height: FOOT - top })) rect.setAttribute(name, value);
  return rect;
}

function line(words) {
  const row = document.createElement("tr");
  row.append(
    ...words.map((each) => {
      const cell = document.createElement("td");
      cell.append(each);
      return cell;
    }),
  );
  return row;
}
