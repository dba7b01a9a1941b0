"""Every attribution method can be had by its name."""

from __future__ import annotations

from core.attribution.registry import METHODS


def test_names_in_the_registry_are_those_of_the_methods():
    assert all(name == method.name for name, method in METHODS.items())
