"""A tree of objects on a D-Bus, with its signals and method calls.

Implements `ObjectManager` and `Properties`, independent of Bluetooth. dbus-fast has a service layer
of its own, but that hides the sender, and BlueZ answers each of its clients differently.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

from firmware_sim.bluez.errors import BluezError, unknown

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
_LEFT_TO_DBUS_FAST = {"org.freedesktop.DBus.Peer", "org.freedesktop.DBus.Introspectable"}

Properties = dict[str, Variant]


@dataclass(frozen=True, slots=True)
class Reply:
    """A method's return value; the bus duplicates descriptors, the method closes its own."""

    signature: str = ""
    body: tuple[Any, ...] = ()
    descriptors: tuple[int, ...] = ()


NOTHING = Reply()


class Call:
    """A method call under way; only the first answer counts, from its method or elsewhere."""

    def __init__(self, bus: MessageBus, message: Message) -> None:
        self._bus = bus
        self._message = message
        self._open = not message.flags & MessageFlag.NO_REPLY_EXPECTED
        self.path = message.path or "/"
        self.interface = message.interface or ""
        self.member = message.member or ""
        self.sender = message.sender or ""
        self.body = message.body

    def answer(self, reply: Reply = NOTHING) -> asyncio.Future[None] | None:
        """Send the reply; the returned future is done once the bus has the message."""
        return self._send(
            Message.new_method_return(
                self._message, reply.signature, list(reply.body), list(reply.descriptors)
            )
        )

    def refuse(self, error: BluezError) -> None:
        """Send an error reply."""
        self._send(Message.new_error(self._message, error.name, error.text))

    def _send(self, message: Message) -> asyncio.Future[None] | None:
        if not self._open or not self._bus.connected:
            return None
        self._open = False
        return self._bus.send(message)


Method = Callable[[Call], Awaitable[Reply | None]]
"""Returns the reply; None where it is sent later, or never."""
Setter = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class Interface:
    """One interface of one object. Setters are awaited before their property changes."""

    name: str
    properties: Properties
    methods: Mapping[str, Method] = field(default_factory=dict)
    setters: Mapping[str, Setter] = field(default_factory=dict)


class ObjectTree:
    """The objects that one bus connection offers.

    Parameters
    ----------
    gate : awaited before each call's method; may raise, or never return
    """

    def __init__(self, bus: MessageBus, gate: Callable[[Call], Awaitable[None]]) -> None:
        self._bus = bus
        self._gate = gate
        self._objects: dict[str, dict[str, Interface]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bugs: list[BaseException] = []
        self._on_vanished: list[Callable[[str], None]] = []
        bus.add_message_handler(self._receive)

    async def listen(self) -> None:
        """Subscribe to the bus' signal that a client has left."""
        rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
        await self._bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )

    async def close(self) -> None:
        """Cancel the calls under way, unanswered; raise what a method did not handle."""
        self._bus.remove_message_handler(self._receive)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        for bug in self._bugs:
            raise bug

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine in a task of its own, as every call is, at most until `close`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._bugs.append(bug)

    def on_vanished(self, tell: Callable[[str], None]) -> None:
        """Register a callback for the unique name of each client that leaves the bus."""
        self._on_vanished.append(tell)

    # Objects

    def add(self, path: str, *interfaces: Interface) -> None:
        """Add interfaces to an object, and signal it."""
        self._objects.setdefault(path, {}).update((one.name, one) for one in interfaces)
        added = {one.name: one.properties for one in interfaces}
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", path, added)

    def remove(self, path: str, *names: str) -> None:
        """Remove interfaces from an object, all of them where none is named, and signal it."""
        there = self._objects.get(path, {})
        gone = [name for name in names or tuple(there) if there.pop(name, None) is not None]
        if not there:
            self._objects.pop(path, None)
        if gone:
            self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", path, gone)

    def below(self, path: str) -> list[str]:
        """Return the paths under an object, the deepest first."""
        return sorted((one for one in self._objects if one.startswith(f"{path}/")), reverse=True)

    def change(
        self, path: str, interface: str, changed: Properties, invalidated: Iterable[str] = ()
    ) -> None:
        """Set and drop properties of an object, if it exists, and signal it."""
        there = self._objects.get(path, {}).get(interface)
        if there is None:
            return
        there.properties.update(changed)
        dropped = [name for name in invalidated if there.properties.pop(name, None) is not None]
        if changed or dropped:
            self._signal(
                path, PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, changed, dropped
            )

    def _signal(self, path: str, interface: str, member: str, signature: str, *body: Any) -> None:
        if self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, list(body)))

    # Calls

    def _receive(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if name.startswith(":") and not owner:
                for tell in self._on_vanished:
                    tell(name)
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if message.interface in _LEFT_TO_DBUS_FAST:
            return False
        self.start(self._serve(Call(self._bus, message)))
        return True

    async def _serve(self, call: Call) -> None:
        try:
            await self._gate(call)
            reply = await self._method(call)(call)
        except BluezError as error:
            call.refuse(error)
        else:
            if reply is not None:
                call.answer(reply)

    def _method(self, call: Call) -> Method:
        if (call.interface, call.member) == (OBJECT_MANAGER, "GetManagedObjects"):
            return self._get_managed_objects
        if call.path not in self._objects:
            raise unknown("Object", f"object {call.path}")
        if call.interface == PROPERTIES:
            own = {"Get": self._get, "GetAll": self._get_all, "Set": self._set}
            if call.member in own:
                return own[call.member]
        interface = self._objects[call.path].get(call.interface)
        if interface is None or call.member not in interface.methods:
            raise unknown("Method", f"method {call.interface}.{call.member} at {call.path}")
        return interface.methods[call.member]

    async def _get_managed_objects(self, _call: Call) -> Reply:
        objects = {
            path: {one.name: one.properties for one in interfaces.values()}
            for path, interfaces in self._objects.items()
        }
        return Reply("a{oa{sa{sv}}}", (objects,))

    async def _get(self, call: Call) -> Reply:
        interface, name = self._interface(call), call.body[1]
        if name not in interface.properties:
            raise unknown("Property", f"property {interface.name}.{name} at {call.path}")
        return Reply("v", (interface.properties[name],))

    async def _get_all(self, call: Call) -> Reply:
        return Reply("a{sv}", (self._interface(call).properties,))

    async def _set(self, call: Call) -> Reply:
        interface = self._interface(call)
        _, name, value = call.body
        if name not in interface.setters:
            raise BluezError("org.freedesktop.DBus.Error.PropertyReadOnly", f"{name} cannot be set")
        await interface.setters[name](value.value)
        self.change(call.path, interface.name, {name: value})
        return NOTHING

    def _interface(self, call: Call) -> Interface:
        interface = self._objects[call.path].get(call.body[0])
        if interface is None:
            raise unknown("Interface", f"interface {call.body[0]} at {call.path}")
        return interface
