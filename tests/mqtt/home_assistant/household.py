"""A real Home Assistant without a frontend, in a process that is driven by lines of JSON.

Run by the Python of `.venv-ha`, which has Home Assistant; the tests' own has not. Each line on
stdin asks for one thing and is answered by one line on stdout.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from homeassistant import bootstrap, core, loader
from homeassistant.config_entries import ConfigEntries
from homeassistant.const import __version__
from homeassistant.helpers import device_registry, entity_registry

ENTRY = "mqtt0000000000000000000000000000"
SPARE_BLUEPRINT = "spasmwatch/night_alerts.yaml"


class LogKeeper(logging.Handler):
    """Keeps what Home Assistant warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text += f" {record.exc_info[1]!r}"
        self.lines.append(f"{record.name}: {text}")


class Household:
    """One run of Home Assistant."""

    def __init__(self, hass: core.HomeAssistant) -> None:
        self.hass = hass
        self.fired: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        hass.bus.async_listen("state_changed", self._note)

    @core.callback
    def _note(self, changed: core.Event) -> None:
        old, new = changed.data["old_state"], changed.data["new_state"]
        if new is None or new.domain != "event" or new.state in ("unknown", "unavailable"):
            return
        if old is not None and old.state != "unavailable":  # there again, as it was
            self.fired.append({"entity": new.entity_id, **self._shown(new)})

    def _shown(self, state: core.State) -> dict[str, Any]:
        return {"state": state.state, "attributes": dict(state.attributes)}

    def entities(self) -> list[dict[str, Any]]:
        registry = entity_registry.async_get(self.hass)
        return [
            {"entity": e.entity_id, "unique_id": e.unique_id, "disabled": e.disabled_by is not None}
            for e in registry.entities.values()
            if e.platform == "mqtt"
        ]

    def states(self) -> dict[str, Any]:
        return {s.entity_id: self._shown(s) for s in self.hass.states.async_all()}

    def devices(self) -> list[str | None]:
        found = device_registry.async_get(self.hass).devices.values()
        return [each.name for each in found if "mqtt" in {key for key, _ in each.identifiers}]

    async def enable(self, entities: list[str]) -> None:
        registry = entity_registry.async_get(self.hass)
        for each in entities:
            registry.async_update_entity(each, disabled_by=None)
        await self.hass.config_entries.async_reload(ENTRY)
        await self.hass.async_block_till_done()

    async def press(self, entity: str) -> None:
        await self.hass.services.async_call("button", "press", {"entity_id": entity}, blocking=True)

    def phone(self, name: str, service: str) -> str:
        """Add a phone with Home Assistant's app; return the id of its device."""
        added = device_registry.async_get(self.hass).async_get_or_create(
            config_entry_id=ENTRY, identifiers={("mobile_app", name)}, name=name
        )
        self.hear("notify", service)
        return added.id

    def hear(self, domain: str, service: str) -> None:
        def note(call: core.ServiceCall) -> None:
            self.calls.append({"service": f"{domain}.{service}", "data": dict(call.data)})

        self.hass.services.async_register(domain, service, core.callback(note))

    def set(self, entity: str, state: str) -> None:
        self.hass.states.async_set(entity, state)

    def event(self, kind: str, data: dict[str, Any]) -> None:
        self.hass.bus.async_fire(kind, data)

    async def automate(self, inputs: dict[str, Any]) -> bool:
        """Make an automation of our blueprint, which lies in the folder of blueprints."""
        inputs = {name: value for name, value in inputs.items() if value is not None}
        used = {
            "use_blueprint": {"path": SPARE_BLUEPRINT, "input": inputs},
            "id": "a",
            "alias": "A",
        }
        path = Path(self.hass.config.config_dir) / "automations.yaml"
        path.write_text(json.dumps([used]))  # which is YAML, too
        await self.hass.services.async_call("automation", "reload", blocking=True)
        await self.hass.async_block_till_done()
        return "automation.a" in {s.entity_id for s in self.hass.states.async_all("automation")}


def write_entry(folder: Path, broker: dict[str, Any]) -> None:
    """Write what a person's dialogue with the MQTT integration would have stored."""
    storage = folder / ".storage"
    if (storage / "core.config_entries").exists():
        return  # of the run before
    storage.mkdir(parents=True)
    entry = {
        "entry_id": ENTRY,
        "version": 1,
        "domain": "mqtt",
        "title": "MQTT",
        "data": broker,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "unique_id": None,
        "disabled_by": None,
    }
    written = {"version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
    (storage / "core.config_entries").write_text(json.dumps(written))


async def start(folder: Path, settings: dict[str, Any]) -> core.HomeAssistant:
    """Start Home Assistant with MQTT and automations; nothing is fetched or installed."""
    write_entry(folder, settings["broker"])
    bootstrap.DEFAULT_INTEGRATIONS = set()  # the frontend is a package of its own, of 50 MB
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    loader.async_setup(hass)
    (folder / "configuration.yaml").write_text("automation: !include automations.yaml\n")
    if not (folder / "automations.yaml").exists():
        (folder / "automations.yaml").write_text("[]")
    config = {
        "homeassistant": {},
        "http": {"server_host": ["127.0.0.1"], "server_port": settings["http_port"]},
        "automation": [],
        "automation blueprint": json.loads((folder / "automations.yaml").read_text()),
    }
    made = await bootstrap.async_from_config_dict(config, hass)
    assert made is not None, "Home Assistant did not start"
    await hass.async_start()
    await hass.async_block_till_done()
    return hass


async def serve(folder: Path, settings: dict[str, Any]) -> None:
    keeper = LogKeeper()
    logging.getLogger().addHandler(keeper)
    hass = await start(folder, settings)
    household = Household(hass)
    answer({"version": __version__})
    lines = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        said = json.loads(line)
        name = said.pop("do")
        if name in ("fired", "calls"):
            answer(getattr(household, name))
        elif name == "log":
            answer(keeper.lines)
        else:
            result = getattr(household, name)(**said)
            answer(await result if asyncio.iscoroutine(result) else result)
    await hass.async_stop(force=True)


def answer(value: Any) -> None:
    print(json.dumps(value, default=str), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), json.loads(sys.argv[2])))
