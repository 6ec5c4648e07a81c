"""Layer-like operator families: convolutions, pools, resampling, recurrent layers, normalisations, products, quantisation."""

from . import conv, norm, pattern, pool, product, quant, recurrent, resample, spectrum, wide  # noqa: F401  (they register families)
from .draw import FAMILIES  # noqa: F401
