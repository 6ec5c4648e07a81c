package gemm

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/cpu"
)

// CALIBRATION.md says which measurements these figures come from.
const (
	// kc bounds the blocks of K. It is the same on every machine, since sums depend on it.
	kc = 768
	// mrMax bounds the rows that go through the panels together.
	mrMax = 240
	// minRows is what a block of rows keeps when a product is cut for threads: fewer
	// rows read B too often.
	minRows = 48
	// chunkMACs is the least work worth another chunk: some 20 microseconds.
	chunkMACs = 1 << 20
	// streamRows is how many rows of products take as long as reading B from memory.
	streamRows = 8
	// groupMACs is the work below which several products share a chunk.
	groupMACs = 1 << 18
	// bufMax bounds a tile of B packed on the fly.
	bufMax = 64 << 10
	// leftMinN is how many columns of C pay for copying A where its rows displace each
	// other from the cache.
	leftMinN = 160
	// turnMinN is how many columns of C pay for turning contiguous columns of A to rows where they are at least turnFar elements apart.
	// With twice as many columns it pays for steps of half of that, and for blocks of K of turnMinK.
	turnMinN, turnFar, turnMinK = 64, 1024, 384
	// cacheLine is its size in bytes.
	cacheLine = 64
	// bufTurned is bufMax where A is turned, once for each tile of B.
	bufTurned = 128 << 10
	// turnCost and packCost are what it takes to turn an element of A, and to pack one of B, against each other.
	turnCost, packCost = 2, 1
	// prefetchMinK is how long a tile computes at least if asking for C first pays, and prefetchFarK where C comes
	// from beyond the second-level cache.
	prefetchMinK, prefetchFarK = 128, 16
)

// secondLevel is the size of the second-level cache, in bytes.
var secondLevel = func() int {
	_, l2, _ := cpu.Caches()
	if l2 == 0 {
		l2 = 1 << 18
	}
	return l2
}()

// mcMax is mrMax, or less where such a block of A takes more than half of the second-level
// cache.
var mcMax = max(minRows, min(mrMax, secondLevel/2/(4*kc)))

// task is one Run: chunks are blocks of mc rows and nc columns of one product, or of
// several.
type task struct {
	Args
	row              *row
	form             form
	inPlace          bool // B is read where it lies
	left             left
	shared           bool // the products of a chunk share B, and go through its panels together
	repeated         bool // they differ by addresses only: see repeats
	overResidual     bool // the residual is C itself, and read before that is written
	pairs            bool // panels go in pairs through the kernels
	mc, nc           int
	kb               int  // columns of a block of A
	rows             int  // of a block of A
	farC             bool // C comes from beyond the second-level cache
	fewRows          bool // A or C does, and B stays: few rows go through the panels together
	mBlocks, nBlocks int
	group            int // products in a chunk
	chunks           int
}

// plan chooses kernels, looking at sizes and strides only, and cuts the work. The cut
// may look at the number of threads, since no element's value depends on it.
func (t *task) plan() {
	if t.Alpha == 0 {
		t.Alpha = 1
	}
	t.row = selected()
	if t.Packed != nil {
		t.row = t.Packed.row
	}
	t.form, t.group = t.streams(), 0
	if t.form == tiled {
		t.planTiles()
	} else {
		t.planStream()
	}
	if t.group == 0 {
		t.group = 1
		if t.mBlocks*t.nBlocks == 1 {
			t.group = max(1, groupMACs/(t.M*t.N*max(t.K, 1)))
		}
	}
	t.repeated = t.repeats()
	t.chunks = t.mBlocks * t.nBlocks * ceilDiv(max(1, len(t.Batch)), t.group)
}

// planTiles cuts C into blocks for the tile kernels.
func (t *task) planTiles() {
	t.inPlace = t.Packed == nil && t.Source == nil && t.Rows == nil && t.BCS == 1 &&
		(t.M <= 2*t.row.mr || t.BRS == t.row.nr && t.N <= t.row.nr)
	t.rows, t.kb = mcMax, t.K
	if t.K > kc { // in equal blocks
		t.kb = roundUp(ceilDiv(t.K, ceilDiv(t.K, kc)), 8)
	}
	t.farC = 4*t.M*t.N > secondLevel/2
	if t.fewRows = (t.farC || 4*t.M*t.K > secondLevel/2) && t.staysB(); t.fewRows {
		t.rows = min(t.rows, max(t.row.farRows, t.row.farMACs/(t.N*max(t.K, 1))))
	}
	small := t.M*t.N*t.K <= groupMACs && t.N*t.kb <= bufMax
	t.shared = t.sharesB()
	// One tile of a panel takes less time than two of a pair, both of which read B. From memory come two panels sooner than one.
	t.pairs = t.row.pair != nil && (t.M <= len(t.row.pair) || t.M > t.row.mr || t.shared || t.far() && 4*t.K*t.N > 2*secondLevel)
	switch {
	case t.shared && !t.inPlace:
		t.left = t.chooseLeft()
		t.planShared()
	case small: // planning would take longer than computing
		if t.Rows != nil {
			t.left = leftSource
		}
		t.cut(1, 1)
	default:
		t.left = t.chooseLeft()
		t.planBlocks()
	}
}

// staysB reports whether a block of K of B stays in the second-level cache.
func (t *task) staysB() bool { return 4*t.kb*t.N <= secondLevel/2 }

// packsB reports whether B is packed on the fly.
func (t *task) packsB() bool { return !t.inPlace && (t.Packed == nil || t.Packed.cols) }

// far reports whether panels of B may lie in memory, and kernels gain by asking for them.
func (t *task) far() bool {
	return (t.Packed != nil && !t.Packed.cols || t.left == leftTurned && t.Packed == nil) && t.row.ahead
}

// panelsOf returns how many panels of the n columns that are left go through the kernels together: two if most of the second is
// there, or half of it, three if that is the last one.
func (t *task) panelsOf(n int) int {
	nr := t.row.nr
	switch half, quarter := nr/2, nr/4; {
	case !t.pairs || n <= nr+quarter:
		return 1
	case n > 2*nr+quarter && n <= 2*nr+half:
		return 3
	}
	return 2
}

// together returns the kernels of so many panels of which n columns are there.
func (r *row) together(panels, n int) []func(*tileArgs) {
	switch {
	case panels == 1:
		return r.tile
	case panels == 3:
		return r.five
	case n <= r.nr+r.nr/2:
		return r.three
	}
	return r.pair
}

// width is how many columns of C stay together when work is cut.
func (t *task) width() int { return t.row.nr * t.panelsOf(t.N) }

// tileBlocks is into how many blocks of columns B is cut at least if it is packed on the fly.
func (t *task) tileBlocks() int {
	w, most := t.width(), bufMax
	if t.left == leftTurned && !t.Sparing {
		most = bufTurned
	}
	return ceilDiv(ceilDiv(t.N, w), max(1, most/(w*max(t.kb, 1))))
}

// wantChunks is how many chunks keep all threads busy to the end.
func (t *task) wantChunks() int {
	if t.Threads < 2 {
		return 1
	}
	work := max(t.M, streamRows) * t.N * max(t.K, 1) * max(1, len(t.Batch))
	chunks := min(4*t.Threads, work/chunkMACs)
	if chunks == 1 { // half a chunk for another thread, which begins within a microsecond or two
		chunks = 2
	}
	return max(1, chunks)
}

// planBlocks cuts a product by itself.
func (t *task) planBlocks() {
	widths := ceilDiv(t.N, t.width())
	want := ceilDiv(t.wantChunks(), max(1, len(t.Batch)))
	if t.packsB() { // each block of rows packs B again
		nBlocks := max(t.tileBlocks(), min(want, widths))
		if t.left == leftTurned {
			nBlocks = t.turnedBlocks(want, widths)
		}
		t.cut(min(ceilDiv(want, nBlocks), ceilDiv(t.M, minRows)), nBlocks)
		return
	}
	mBlocks := ceilDiv(t.M, t.blockRows())
	if mBlocks < want {
		rows := want
		if !t.staysB() { // rather columns: fewer rows read B more often
			rows = ceilDiv(want, widths)
		}
		mBlocks = max(mBlocks, min(rows, t.M/minRows))
	}
	if want > 1 && mBlocks >= t.Threads {
		mBlocks = roundUp(mBlocks, t.Threads)
	}
	nBlocks := min(widths, ceilDiv(want, mBlocks))
	if nBlocks > 1 {
		nBlocks = evenBlocks(widths, min(2*nBlocks, widths), mBlocks, t.Threads)
	}
	t.cut(mBlocks, nBlocks)
	if t.row.evenRows {
		t.rows = ceilDiv(t.mc, ceilDiv(t.mc, t.rows))
	}
}

// blockRows is how many rows a block has at most: where few go through the panels together, a multiple of those near mcMax.
func (t *task) blockRows() int {
	if !t.fewRows || !t.row.evenRows {
		return mcMax
	}
	return max(1, (mcMax+t.rows/2)/t.rows) * t.rows
}

// turnedBlocks returns into how many blocks of columns a product is cut whose blocks of rows pack B, and whose blocks of columns turn A,
// each for itself: so many that both take least.
func (t *task) turnedBlocks(want, widths int) int {
	best, least := 0, math.MaxInt
	for n := t.tileBlocks(); n <= max(t.tileBlocks(), min(want, widths)); n++ {
		rows := min(ceilDiv(want, n), ceilDiv(t.M, minRows))
		if cost := n*t.M*turnCost + rows*t.N*packCost; cost < least {
			best, least = n, cost
		}
	}
	return best
}

// evenBlocks returns the number of blocks, at most the given one, into which so many widths of each block of rows are
// cut such that the thread with most of them has least; of equal ones the largest.
func evenBlocks(widths, blocks, mBlocks, threads int) int {
	best, least := blocks, math.MaxInt
	for ; blocks > 0 && blocks*mBlocks >= threads; blocks-- {
		size := ceilDiv(widths, blocks)
		if most := size * ceilDiv(ceilDiv(widths, size)*mBlocks, threads); most < least {
			best, least = blocks, most
		}
	}
	return best
}

// cut sets the blocks of a product.
func (t *task) cut(mBlocks, nBlocks int) {
	r := t.row
	t.mc = ceilDiv(t.M, mBlocks)
	t.mBlocks = ceilDiv(t.M, t.mc)
	panels := ceilDiv(ceilDiv(t.N, t.width()), nBlocks) * (t.width() / r.nr)
	if t.M <= len(r.wide) {
		panels = roundUp(panels, r.widePanels[t.M-1])
	}
	t.nc = panels * r.nr
	t.nBlocks = ceilDiv(t.N, t.nc)
}

// sharesB reports whether all products have one B and few rows each: then a chunk takes
// several.
func (t *task) sharesB() bool {
	if len(t.Batch) < 2 || t.Source != nil || t.Rows != nil || t.M > mcMax/2 {
		return false
	}
	for _, it := range t.Batch {
		if it.B != t.Batch[0].B {
			return false
		}
	}
	return true
}

// planShared cuts a batch that shares B: as many products as have the rows of a block, if
// that leaves enough chunks.
func (t *task) planShared() {
	items, widths := len(t.Batch), ceilDiv(t.N, t.width())
	want := t.wantChunks()
	t.group = max(1, min(max(mcMax/t.M, groupMACs/(t.M*t.N*max(t.K, 1))), items))
	nBlocks := min(widths, ceilDiv(want, ceilDiv(items, t.group)))
	if t.packsB() {
		nBlocks = max(nBlocks, t.tileBlocks())
	}
	t.cut(1, nBlocks)
	if chunks := t.nBlocks * ceilDiv(items, t.group); chunks < want {
		t.group = max(1, t.group*chunks/want)
	}
	t.group = ceilDiv(items, ceilDiv(items, t.group))
}
