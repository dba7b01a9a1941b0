"""What is known, present and usable on this machine: thinking models, segmenters, devices. --fetch gets
one more."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.cli import DONE, INTERRUPTED
from app.cli.console import answer, say
from core.errors import InputError

if TYPE_CHECKING:
    from models.hub import Hub


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline models``."""
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object")
    add(
        "--image",
        metavar="WxH",
        default="1920x1080",
        help="size of the screenshot (1920x1080)",
    )
    add("--fetch", metavar="ID", help="fetch a model from the Hugging Face hub, after asking")
    add("--yes", action="store_true", help="with --fetch: do not ask")
    add("--mirror", metavar="URL", default="", help="with --fetch: a mirror of the hub; it gets no login")


def run(args: Namespace) -> int:
    """Do ``sightline models``."""
    from models.hub import Hub

    hub = Hub(args.mirror)
    return _fetch(args.fetch, args.yes, hub) if args.fetch else _list(args, hub)


def _list(args: Namespace, hub: Hub) -> int:
    from app.environment import estimators_folder
    from app.wording import two_digits
    from models.choices import cached_models, choices
    from models.estimators import estimators_in
    from models.hardware import GIB, devices

    found = devices()
    listed = choices(
        found,
        _size(args.image),
        estimators=estimators_in([estimators_folder()]),
        hub=hub,
        more=cached_models(),
    )
    if args.json:
        models = [asdict(choice) for choice in listed]
        machine = [asdict(device) for device in found]
        print(json.dumps({"models": models, "devices": machine, "segmenters": _segmenters()}))
        return DONE
    rows = [("model", "where", "memory", "here", "tokens/s", "regions show")]
    for choice in listed:
        speed = "?" if choice.speed is None else f"≤ {two_digits(choice.speed)}"
        needed = f"{choice.needed / GIB:.1f} GiB"
        rows.append((choice.name, choice.where, needed, choice.verdict, speed, choice.shown))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        answer(line.rstrip())
    for device in found:
        print(
            f"\n{device.name}: {device.label}, {device.free / GIB:.1f} of {device.total / GIB:.1f} GiB free"
        )
    print(f"\nMemory and speed are estimates (docs/models.md) for a screenshot of {args.image}.")
    print("Segmenters: " + "; ".join(f"{name} ({text})" for name, text in _segmenters().items()))
    return DONE


def _fetch(name: str, agreed: bool, hub: Hub) -> int:
    """Ask the hub, ask the person, fetch; Ctrl+C stops it and keeps what came."""
    from models.hub import fetch, gigabytes, look_up

    offer = look_up(name, hub)
    licence = f", licence {offer.licence}" if offer.licence else ""
    say(
        f"{offer.name} at {offer.address}: {gigabytes(offer.missing)} to fetch of {gigabytes(offer.total)}"
        f"{licence}, into {hub.folder}."
    )
    if offer.missing and not agreed:
        if not sys.stdin.isatty():
            raise InputError(f"Fetching {name} needs your consent: add --yes.")
        say("Fetch it? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was fetched.")
            return DONE
    told = -1

    def advance(done: int, total: int) -> None:
        nonlocal told
        percent = 100 * done // max(total, 1)
        if percent >= told + 5 or (done == total != 0 and told < 100):
            told = percent
            say(f"{gigabytes(done)} of {gigabytes(total)} ({percent} %)")

    try:
        folder = fetch(offer, hub, advance)
    except KeyboardInterrupt:
        say("Interrupted; what came is kept, and the same command goes on from there.")
        return INTERRUPTED
    answer(folder)
    return DONE


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) == 2 and all(part.isdecimal() and 0 < int(part) <= 100_000 for part in parts):
        return int(parts[0]), int(parts[1])
    raise InputError(f'--image must look like 1920x1080, not "{text}".')


def _segmenters() -> dict[str, str]:
    from models.segmenters import SEGMENTERS, WITH_CHECKPOINT

    return {name: entry.description for name, entry in (SEGMENTERS | WITH_CHECKPOINT).items()}
