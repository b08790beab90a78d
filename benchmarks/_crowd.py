"""A crowd of visitors in one process: each moves a slider, thinks, and moves it again."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks._servers import Server
from benchmarks._visitors import Answer, Visitor

THINK_SECONDS = 4.0
#: Seconds between two arrivals: a class does not open a page in the same instant (`start` measures that).
_ARRIVAL_GAP = 0.1


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page with a select slider to move."""

    place: str
    slider: str


EXPLORER = Page(place="/tradeoff?data=ham10000&eps=8&counted=paper", slider="bar_slider")
PLAIN = Page(place="/", slider="eps")


def move_about(server: Server, page: Page, count: int, seconds: float) -> dict[str, float]:
    """Returns what `count` visitors found who move the slider every four seconds or so: ms, kB and CPU a move."""
    return asyncio.run(_move_about(server, page, count, seconds))


async def _move_about(server: Server, page: Page, count: int, seconds: float) -> dict[str, float]:
    arrived = await arrive(server.address, page.place, count)
    visitors = [visitor for visitor, _ in arrived]
    used, until = server.cpu_seconds(), time.monotonic() + seconds
    walks = await asyncio.gather(*(_walk(v, page.slider, seed, until) for seed, v in enumerate(visitors)))
    used = server.cpu_seconds() - used
    await asyncio.gather(*(visitor.leave() for visitor in visitors))
    moves = [answer for walk in walks for answer in walk]
    return {
        **summarise(moves),
        "first_page_median": statistics.median(answer.ms for _, answer in arrived),
        "cpu_ms": 1000 * used / len(moves),
        "cpu_share": used / seconds,
    }


async def arrive(address: str, place: str, count: int, gap: float = _ARRIVAL_GAP) -> list[tuple[Visitor, Answer]]:
    """Opens the page for all of them, one after the other; returns each with the answer to the full run."""

    async def later(number: int) -> tuple[Visitor, Answer]:
        await asyncio.sleep(number * gap)
        return await Visitor.arrive(address, place)

    return list(await asyncio.gather(*(later(number) for number in range(count))))


async def _walk(visitor: Visitor, key: str, seed: int, until: float) -> list[Answer]:
    """Moves up and down the slider, a few stops at a time."""
    chance = random.Random(seed)
    options = visitor.slider(key)[0].options
    place, answers = len(options) // 2, []
    await asyncio.sleep(chance.uniform(0, THINK_SECONDS))
    while time.monotonic() < until:
        step = chance.choice((-3, -2, -1, 1, 2, 3))
        place = min(max(place + step, 0), len(options) - 1)
        answers.append(await visitor.move(key, options[place]))
        await asyncio.sleep(chance.uniform(0.5, 1.5) * THINK_SECONDS)
    return answers


def summarise(answers: Sequence[Answer]) -> dict[str, float]:
    """Returns number, median and 95th percentile in ms, and the kB of an answer."""
    ms = [answer.ms for answer in answers]
    return {
        "count": len(ms),
        "median": statistics.median(ms),
        "p95": statistics.quantiles(ms, n=20)[-1],
        "kb": statistics.mean(answer.size for answer in answers) / 1e3,
    }
