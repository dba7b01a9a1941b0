"""Draw the sample screenshots that come with the app: ``python -m models.bundled.screens.samples``.

Their seeds are held out: the bundled model never saw them. They are drawn at three device pixels a logical
pixel, so that they look sharp on the canvas.
"""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from models.bundled.screens import HELD_OUT, generate

FOLDER = Path(__file__).resolve().parents[3] / "resources" / "samples"
SAMPLES = {
    "add_two_numbers": ("math", 5001),
    "bar_chart": ("science", 5005),
    "desktop_icons": ("general", 5009),
    "invoice": ("document", 5013),
    "web_page": ("code", 5004),
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (kind, seed) in SAMPLES.items():
        sample = generate(kind, HELD_OUT + seed, ratio=3)
        Image.fromarray(sample.image).save(FOLDER / f"{name}.png", optimize=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(sample.truth(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
