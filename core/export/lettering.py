"""Text in pictures: fonts that are always there, any script, lines that fit.

The letters are DejaVu's, which come with matplotlib; what DejaVu lacks (Chinese, say) is taken from a font of
the system where there is one, and drawn as an empty box where there is none.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from PIL import ImageDraw, ImageFont

from core.strict_json import plain

ELLIPSIS: Final = "…"
NARROW: Final = 0.25
"""Hardly any character is narrower, in sizes of the letters."""

SYSTEM_FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/msgothic.ttc",
    "C:/Windows/Fonts/malgun.ttf",
    "C:/Windows/Fonts/seguisym.ttf",
)
"""Where systems keep fonts for scripts that DejaVu lacks."""

# Scripts without spaces break between any two characters.
_WORDS: Final = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
    r"|\s+|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+"
)


@dataclass(frozen=True, slots=True, eq=False)
class Lettering:
    """A size and weight of text.

    Attributes:
        size: in pixels; ``line`` is the distance of two lines.
        faces: fonts with the characters that each has, the preferred first.
        bold: whether it is.
    """

    size: int
    faces: tuple[tuple[ImageFont.FreeTypeFont, frozenset[int]], ...]
    bold: bool = False

    @property
    def line(self) -> int:
        return round(self.size * 1.4)

    def width(self, text: str) -> float:
        """Pixels that a line of text takes."""
        return sum(font.getlength(run) for font, run in self._runs(text))

    def draw(
        self, on: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: tuple[int, int, int]
    ) -> None:
        """Draw a line of text whose left end and middle height are at ``at``."""
        x, y = at
        for font, run in self._runs(text):
            on.text((x, y + self.size * 0.36), run, fill=colour, font=font, anchor="ls")
            x += font.getlength(run)

    def elide(self, text: str, width: float) -> str:
        """A single line, cut with an ellipsis where it is longer than ``width`` pixels."""
        text = " ".join(visible(text).split())
        if self.width(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + ELLIPSIS) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + ELLIPSIS

    def wrap(self, text: str, width: float, most: int) -> list[str]:
        """Lines of at most ``width`` pixels, at most ``most``; the last ends in an ellipsis if cut."""
        lines: list[str] = []
        # More text cannot be shown anyway.
        enough = int(most * (width / (self.size * NARROW) + 1)) + 1
        text = visible(text).strip("\n").rstrip()
        for paragraph in text[:enough].split("\n"):
            lines += self._wrap_paragraph(paragraph, width, most + 1 - len(lines))
            if len(lines) > most:
                break
        if len(lines) > most or len(text) > enough:
            lines = lines[:most]
            last = lines[-1]
            while last and self.width(last + " " + ELLIPSIS) > width:
                last = last[:-1]
            lines[-1] = f"{last} {ELLIPSIS}"
        return lines

    def _wrap_paragraph(self, paragraph: str, width: float, most: int) -> list[str]:
        lines: list[str] = []
        line = ""
        for word in words(paragraph):
            if self.width(line + word) <= width:
                line += word
                continue
            if line.strip():
                lines.append(line.rstrip())
                line = ""
            if word.isspace():
                continue
            while self.width(word) > width:
                fits = max(1, self.fitting(word, width))
                lines.append(word[:fits])
                word = word[fits:]
                if len(lines) >= most:
                    return lines
            line = word
            if len(lines) >= most:
                return lines
        return [*lines, line.rstrip()]

    def fitting(self, word: str, width: float) -> int:
        """How many characters of a word, from the first, are at most ``width`` pixels wide."""
        low, high = 0, len(word)
        enough = self.enough(word, width)
        while low < high:
            middle = (low + high + 1) // 2
            if middle <= enough and self.width(word[:middle]) <= width:
                low = middle
            else:
                high = middle - 1
        return low

    def enough(self, word: str, width: float) -> int:
        """How many characters of a word, from the first, tell whether it is wider than ``width`` pixels.

        A model that loops writes words of any length, which take long to measure.
        """
        enough = int(width / (self.size * NARROW)) + 1
        while enough < len(word) and self.width(word[:enough]) <= width:
            enough *= 2
        return min(enough, len(word))

    def _runs(self, text: str) -> list[tuple[ImageFont.FreeTypeFont, str]]:
        """The text cut where another font is needed."""
        runs: list[tuple[ImageFont.FreeTypeFont, list[str]]] = []
        for character in text:
            font = next((f for f, known in self.faces if ord(character) in known), self.faces[0][0])
            if runs and runs[-1][0] is font:
                runs[-1][1].append(character)
            else:
                runs.append((font, [character]))
        return [(font, "".join(characters)) for font, characters in runs]


def words(text: str) -> list[str]:
    """Text cut where a line may end: words, the white space between them, each letter of wide scripts."""
    return _WORDS.findall(text)


def visible(text: str) -> str:
    """Text as it can be drawn: control characters become symbols, direction marks vanish, newlines stay."""
    out = []
    for character in plain(text).replace("\r\n", "\n").expandtabs(4):
        kind = unicodedata.category(character)
        if character == "\n" or not kind.startswith("C") or kind in ("Co", "Cn"):
            out.append(character)
        elif ord(character) < 0x20:
            out.append(chr(0x2400 + ord(character)))
    return "".join(out)


@cache
def lettering(size: int, bold: bool = False) -> Lettering:
    """Sans-serif text of a size in pixels."""
    faces = []
    for path in _font_files(bold):
        faces.append((ImageFont.truetype(path, size), _characters(path)))
    return Lettering(size, tuple(faces), bold)


@cache
def _font_files(bold: bool) -> tuple[str, ...]:
    import matplotlib  # slow to import, and only its data folder is wanted

    own = Path(
        matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    )
    return (str(own), *(path for path in SYSTEM_FONTS if Path(path).is_file()))


@cache
def _characters(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(path).get_charmap())
