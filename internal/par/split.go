package par

// maxChunks bounds how finely Split cuts: enough to balance the load of any
// machine in sight, few enough that claiming them costs nothing.
const maxChunks = 128

// Split cuts n items into chunks of size items, the last one shorter. A chunk holds
// at least grain items (less only when n is smaller), and there are at most 128
// chunks. The cut depends on n and grain alone, never on the number of threads.
func Split(n, grain int) (chunks, size int) {
	if n <= 0 {
		return 0, 0
	}
	grain = max(grain, 1)
	size = max(grain, (n+maxChunks-1)/maxChunks)
	size = (size + grain - 1) / grain * grain
	return (n + size - 1) / size, size
}

// Range returns the items [lo, hi) of chunk i of a Split of n items.
func Range(i, size, n int) (lo, hi int) {
	lo = i * size
	return lo, min(lo+size, n)
}
