"""The words that generated screens show, and words made up on the spot."""

from __future__ import annotations

import zlib

import numpy as np

THINGS = (
    "Apples Pears Plums Grapes Lemons Melons Cherries Peaches Mangos Figs Dates Olives Onions Carrots "
    "Beans Peas Corn Rice Wheat Oats Bread Butter Cheese Milk Cream Honey Sugar Salt Pepper Coffee Tea "
    "Cocoa Juice Soup Pasta Pizza Cake Cookies Candy Eggs Bacon Fish Shrimp Salmon Tuna Beef Lamb Nuts "
    "Seeds Herbs Books Pens Paper Chairs Tables Lamps Desks Shelves Beds Doors Windows Clocks Mirrors "
    "Carpets Curtains Pillows Blankets Towels Plates Cups Bowls Forks Spoons Knives Pots Pans Shirts "
    "Socks Shoes Hats Coats Gloves Scarves Belts Bags Boxes Bottles Cans Jars Toys Balls Kites Drums "
    "Guitars Pianos Cameras Phones Radios Cables Screws Nails Bolts Hammers Saws Ropes Tents Boats "
    "Bikes Cars Trucks Trains Planes Stamps Coins "
).split()

PLACES = (
    "Paris London Rome Madrid Berlin Vienna Oslo Prague Dublin Lisbon Athens Cairo Tokyo Delhi Lima "
    "Quito Boston Denver Dallas Miami Sydney Seoul Hanoi Geneva Zurich Milan Naples Venice Bern Riga "
).split()

NAMES = (
    "Anna Ben Clara David Emma Frank Grace Henry Iris Jack Karen Leo Maria Noah Olga Paul Rosa Simon "
    "Tina Victor Wendy Xavier Yara Zoe "
).split()

INTERFACE = (
    "Home Search Save Open Close Cancel Submit Send Delete Edit Copy Share Print Login Logout Register "
    "Settings Profile Help About Contact News Blog Shop Cart Order Checkout Next Back Start Stop Play "
    "Pause Upload Download Install Update Refresh Filter Sort Select Mail Music Photos Videos Maps "
    "Weather Calendar Notes Files Games Chat Store Camera Clock Health Wallet Travel Sports Garden "
    "Kitchen Office School Library Museum Market Bakery Studio Gallery Theater Hotel Forest River Ocean "
    "Mountain Island Desert Winter Spring Summer Autumn Morning Evening Fresh Daily Weekly Modern "
    "Simple Quick Smart Bright Happy Quiet Golden Silver Crystal "
).split()

FIELDS = (
    "Name City Date Code Price Total Amount Number Room Floor Seat Gate Flight Street Phone Email Age Size "
).split()

CONTENT = tuple(dict.fromkeys([*THINGS, *PLACES, *NAMES, *INTERFACE, *FIELDS]))

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (240, 130, 20),
    "yellow": (240, 205, 30),
    "green": (50, 155, 60),
    "blue": (40, 95, 215),
    "purple": (130, 60, 180),
    "pink": (240, 120, 175),
    "brown": (125, 80, 45),
}

SHAPES = ("circle", "square", "triangle", "star", "diamond", "cross")

_ONSETS = ("b c d f g h j k l m n p r s t v w z br cl dr fl gr pl st tr ").split()
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "oo"]
_CODAS = ["", "", "n", "r", "l", "s", "t", "m", "x", "nd", "st"]


def is_held_out(word: str) -> bool:
    """Whether a made-up word is kept for evaluation: one in four, chosen by a hash of its letters."""
    return zlib.crc32(word.lower().encode()) % 4 == 0


def made_up(rng: np.random.Generator, held_out: bool) -> str:
    """A pronounceable word of 3 to 6 letters that is not in the vocabulary."""
    while True:
        parts = [rng.choice(_ONSETS), rng.choice(_VOWELS), rng.choice(_CODAS)]
        if rng.random() < 0.5:
            parts += [rng.choice(_ONSETS), rng.choice(_VOWELS)]
        word = "".join(parts).capitalize()
        if 3 <= len(word) <= 6 and word not in CONTENT and is_held_out(word) == held_out:
            return word
