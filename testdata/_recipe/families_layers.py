"""The families of the package layers, under their names there."""

from layers import FAMILIES  # noqa: F401
