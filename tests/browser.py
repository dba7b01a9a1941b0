"""A real browser for tests of the HTML export, driven by the Chrome DevTools Protocol."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from browser_pipes import Pipe

SECONDS = 100.0
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, " ": 32, "n": 78, "N": 78}


class Browser:
    """One page in a browser; a context manager.

    Attributes:
        events: what the browser told, in order: (method, parameters).
    """

    def __init__(self, pipe: Pipe, own_page: bool = True) -> None:
        """``own_page``: make a page first; else ``pipe`` leads to one."""
        self._pipe = pipe
        self._own_page = own_page
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._number = 0
        self._session: str | None = None

    def __enter__(self) -> Browser:
        if self._own_page:
            target = self.send("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._pipe.write(json.dumps(message))
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            if "method" in answer:
                self.events.append((answer["method"], answer["params"]))

    def open(self, page: Path, fragment: str = "") -> None:
        """Load a file and wait until it is there."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)  # lest it hover in the new page
        self.events.clear()
        self.send("Page.navigate", url=page.as_uri() + fragment)
        deadline = time.monotonic() + SECONDS
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            answer = self._receive(deadline)
            if "method" in answer:
                self.events.append((answer["method"], answer["params"]))

    def value(self, script: str) -> Any:
        """What an expression gives in the page."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def press(self, key: str, ctrl: bool = False) -> None:
        """Press and release a key."""
        about = {"key": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": 2 if ctrl else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about)
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def point(self, selector: str, click: bool = False) -> None:
        """Move the mouse to the middle of an element, and press it there."""
        box = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        at = {"x": box[0], "y": box[1]}
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **at)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def picture(self) -> bytes:
        """What the page looks like, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of a kind so far."""
        return [parameters for name, parameters in self.events if name == method]

    def _receive(self, deadline: float) -> dict[str, Any]:
        return dict(json.loads(self._pipe.read(deadline)))
