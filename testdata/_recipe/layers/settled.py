"""Which cases the archive keeps."""

SEED, TRIED, PER_FAMILY = 1, 12, 6

# Cases kept by name: on which runner's result they rest, and why. "" stands for results that agree.
KEPT = {}
