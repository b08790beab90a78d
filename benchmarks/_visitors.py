"""Visitors without a browser: they speak Streamlit's websocket protocol as its page does, many in one process.

A visitor sends `BackMsg.rerun_script` with the value of the widget that moved and the fragment it lives in, names the
messages it still has (as the page's own cache does), and waits for `script_finished`. A page that looks again by itself
says so in `auto_rerun`; `Visitor.stay` does what the browser would.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from websockets.asyncio.client import ClientConnection, connect

#: Runs after which the page forgets a message it has not met again (Streamlit's `global.maxCachedMessageAge`).
_MESSAGE_AGE = 2
_PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back for one message: ms until the script had finished, and bytes."""

    ms: float
    size: int


@dataclass(kw_only=True)
class Visitor:
    """One open page of one browser."""

    socket: ClientConnection
    #: Where the page lies below the address, such as `tradeoff`.
    path: str
    query: str
    _page_hash: str = ""
    #: The slider whose widget id ends with the key last asked for, and the fragment it lives in.
    _sliders: dict[str, tuple[Slider, str]] = field(default_factory=dict)
    #: Seconds between two looks, by fragment.
    _looks: dict[str, float] = field(default_factory=dict)
    #: Messages kept, by hash: the fragment they belong to and the run that last brought them.
    _kept: dict[str, tuple[str, int]] = field(default_factory=dict)
    _runs: int = 0

    @classmethod
    async def arrive(cls, address: str, place: str, headers: dict[str, str] | None = None) -> tuple[Self, Answer]:
        """Opens a page such as `/tradeoff?eps=8` and returns the visitor with the answer to the first, full run."""
        parts = urlsplit(address + place)
        socket = await connect(
            f"ws://{parts.netloc}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=headers,
            compression=None,
            max_size=None,
            open_timeout=_PATIENCE,
        )
        visitor = cls(socket=socket, path=parts.path.strip("/"), query=parts.query)
        return visitor, await visitor.run()

    async def run(self, *, moved: dict[str, str] | None = None, fragment: str = "", again: bool = False) -> Answer:
        """Asks for a run of the page or of one fragment.

        `moved` holds sliders' new options by widget id; `again` marks a look that the page takes by itself.
        """
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = self.query, self._page_hash, fragment
        if not self._page_hash:
            state.page_name = self.path
        state.is_auto_rerun = again
        state.context_info.timezone, state.context_info.locale = "Europe/Berlin", "en"
        state.cached_message_hashes.extend(self._kept)
        for name, option in (moved or {}).items():
            state.widget_states.widgets.add(id=name).string_array_value.data.append(option)
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        size = await asyncio.wait_for(self._listen(), _PATIENCE)
        answer = Answer(ms=1000 * (time.perf_counter() - start), size=size)
        self._forget(fragment)
        return answer

    async def move(self, key: str, value: str) -> Answer:
        """Moves a select slider to one of its options."""
        slider, fragment = self.slider(key)
        return await self.run(moved={slider.id: value}, fragment=fragment)

    def slider(self, key: str) -> tuple[Slider, str]:
        """Returns the slider whose key that is, and its fragment; raises KeyError."""
        return next(found for name, found in self._sliders.items() if name.endswith(f"-{key}"))

    async def stay(self, until: float) -> list[Answer]:
        """Looks again as often as the page says, until a moment of `time.monotonic`; returns the answers."""
        answers = []
        while (now := time.monotonic()) < until:
            if not self._looks:
                await asyncio.sleep(min(0.5, until - now))
                continue
            fragment, every = next(iter(self._looks.items()))
            await asyncio.sleep(min(every, until - now))
            answers.append(await self.run(fragment=fragment, again=True))
        return answers

    async def leave(self) -> None:
        """Closes the page."""
        await self.socket.close()

    async def _listen(self) -> int:
        """Takes messages until the script has finished; returns their bytes."""
        size = 0
        while True:
            raw = await self.socket.recv()
            assert isinstance(raw, bytes)
            size += len(raw)
            message = ForwardMsg.FromString(raw)
            self._take(message)
            # One that ended early only makes way for the next.
            early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if message.WhichOneof("type") == "script_finished" and message.script_finished != early:
                return size

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        fragment = message.delta.fragment_id if kind == "delta" else ""
        if message.metadata.cacheable or kind == "ref_hash":
            name = message.ref_hash if kind == "ref_hash" else message.hash
            self._kept[name] = (self._kept.get(name, (fragment, 0))[0], self._runs)
        if kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "new_session" and not message.metadata.run.fragment_ids:
            self._looks.clear()
        elif kind == "auto_rerun":
            self._looks[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "slider":
            slider = message.delta.new_element.slider
            self._sliders[slider.id] = (slider, fragment)

    def _forget(self, fragment: str) -> None:
        self._runs += 1
        for name, (owner, run) in list(self._kept.items()):
            if (not fragment or owner == fragment) and self._runs - run > _MESSAGE_AGE:
                del self._kept[name]
