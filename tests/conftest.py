"""Fixtures shared by all tests. Being here, it also puts ``tests/`` on the path, for its helper modules."""

from tiny_checkpoints import tiny_folder, tiny_thinker  # noqa: F401
