"""Formats figures as cells of tables, from the plain data of measurements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detector.evaluation.intervals import Rate, Share

NONE = "-"
OURS = "spasmwatch"
PEERS = ("OSD alarm", "OSD first block", "band power")

Figures = Mapping[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table, first column words."""
    lines = [row(header), "|---|" + "--:|" * (len(header) - 1)]
    return ["", *lines, *(row(cells) for cells in rows), ""]


def row(cells: Sequence[str]) -> str:
    """Return one row of a table; Markdown's separator is replaced in cells."""
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def share(found: Figures | None) -> str:
    """Return a share with its intervals: 97.2 % (95-99; 93-100)."""
    if found is None or not found["of"]:
        return NONE
    low, high = found["interval"]
    by = found.get("subjects")
    people = f"; {100 * by[0]:.0f}-{100 * by[1]:.0f}" if by and by[0] < by[1] else ""
    return f"{100 * found['value']:.1f} % ({100 * low:.0f}-{100 * high:.0f}{people})"


def counted(found: Figures | None) -> str:
    """Return hits and total."""
    return NONE if found is None else f"{found['hits']} of {found['of']}"


def rate(found: Figures | None) -> str:
    """Return events in 24 h with their intervals."""
    if found is None or found["per_24h"] is None:
        return NONE
    low, high = found["interval"]
    by = found.get("subjects")
    people = f"; {by[0]:.1f}-{by[1]:.1f}" if by and by[0] < by[1] else ""
    return f"{found['per_24h']:.1f} ({low:.1f}-{high:.1f}{people})"


def share_of(hits: int, of: int) -> Figures:
    """Return a share with its interval, as measurements hold it."""
    whole = Share(hits, of)
    return {"hits": hits, "of": of, "value": whole.value, "interval": whole.interval}


def rate_of(count: int, in_hours: float) -> Figures:
    """Return events in 24 h with their interval, as measurements hold them."""
    whole = Rate(count, in_hours)
    return {"count": count, "per_24h": whole.per_24h, "interval": whole.interval}


def woken_line(title: str, result: Figures) -> str:
    """Return a sentence: how many alerts the usual wake rules would have raised."""
    in_24h = rate(rate_of(result["alerts"], result["hours"]))
    return (
        f"By the usual wake rules somebody would have been called {result['alerts']} times in "
        f"{hours(result['hours'])}, in 24 h {in_24h} ({title})."
    )


def spread(found: Figures | None) -> str:
    """Return the median and the 90 % quantile."""
    if found is None or found["p50"] is None:
        return NONE
    return f"{found['p50']:.2f} / {found['p90']:.2f}"


def kind(result: Figures, who: str, name: str) -> Figures | None:
    """Return the figures of one kind of movement, None where there was none."""
    found: list[Figures] = [k for k in result["scores"][who]["kinds"] if k["kind"] == name]
    return found[0] if found else None


def context(result: Figures, who: str, label: str) -> Figures | None:
    """Return the figures under one label."""
    found: list[Figures] = [c for c in result["scores"][who]["contexts"] if c["label"] == label]
    return found[0] if found else None


def lone(result: Figures, name: str) -> int:
    """Return how many of our events of a kind overlap no labelled movement."""
    count: int = result["scores"][OURS]["confusion"].get("nothing", {}).get(name, 0)
    return count


def seen(names: Sequence[str]) -> tuple[str, ...]:
    """Return the column heads of the peers' findings."""
    return tuple(f"{name}: seen" for name in names)


def false_lines(found: Mapping[str, Figures]) -> list[str]:
    """Return false alarms by kind, ours and the peers', for each recording set by its title."""
    rows = []
    for title, result in found.items():
        for who in (OURS, *PEERS):
            score = result["scores"][who]
            rows.append(
                (
                    f"{title}: {who}",
                    hours(result["hours"]),
                    rate(score["false"]),
                    *(
                        str(score["false_by_kind"][k]["count"])
                        for k in ("clonus", "spasm", "tonic")
                    ),
                    rate(score["false_twitches"]) if who == OURS else NONE,
                )
            )
    head = ("", "monitored", "false in 24 h", "clonus", "spasm", "tonic", "twitches in 24 h, apart")
    return table(head, rows)


def contexts_lines(result: Figures, title: str) -> list[str]:
    """Return what happened under each label; peers: stretches with an alarm / false alarms."""
    rows = []
    for own in result["scores"][OURS]["contexts"]:
        others = [context(result, peer, own["label"]) for peer in PEERS]
        rows.append(
            (
                own["label"].replace("_", " "),
                hours(own["hours"]),
                counted(own["flagged"]),
                rate(own["false"]),
                *(f"{o['flagged']['hits']} / {o['false']['count']}" if o else NONE for o in others),
            )
        )
    head = (title, "of it", "with an alarm", "false in 24 h of it", *PEERS)
    return table(head, rows)


def hours(value: float) -> str:
    """Return hours as text, precise enough for a clip of a minute."""
    return f"{value:.1f} h" if value >= 10 else f"{value:.2f} h"


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """Return lines in a collapsed section."""
    return ["<details>", f"<summary>{title}</summary>", *lines, "</details>", ""]


def whole_tables(result: Figures) -> list[str]:
    """Return every table of a measurement, as `spasmwatch evaluate` prints them."""
    lines = []
    for title, header, rows in result["tables"]:
        lines += ["", f"**{title}**", *table(header, rows)]
    return lines
