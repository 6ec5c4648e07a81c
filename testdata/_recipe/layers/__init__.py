"""Random one-node models of the layer-like operator families, with expected values. See random_layers.py."""

from . import conv, norm, pool, product, quant, recurrent, resample, spectrum  # noqa: F401  (they register families)
from .draw import FAMILIES, Draw
from .runners import agree, by_ort, by_reference
