package gemm

const (
	// kc is the block of K: an nr-wide panel of it stays in the first-level cache.
	kc = 256
	// mcMax bounds the rows of a chunk: an mcMax×kc block of A stays in the second level.
	mcMax = 240
	// mcPack is the same where B is packed on the fly, which costs more than reading A
	// from the third level.
	mcPack = 1024
	// chunkMACs is the work a chunk should hold: tens of microseconds.
	chunkMACs = 2 << 20
	// groupMACs is the work below which several products share a chunk.
	groupMACs = 1 << 18
	// bufMax bounds a tile packed on the fly: half of a small second-level cache.
	bufMax = 64 << 10
)

// task is one Run: chunks are blocks of mc rows and nc columns of one product.
type task struct {
	Args
	row              *row
	form             form
	inPlace          bool // B is read where it lies
	shared           bool // the products of a chunk share B, and go through its panels together
	mc, nc           int
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
	t.chunks = t.mBlocks * t.nBlocks * ceilDiv(max(1, len(t.Batch)), t.group)
}

// sharesB reports whether all products have one B, packed ahead or to be packed, and few
// rows each: then a chunk takes several.
func (t *task) sharesB() bool {
	if len(t.Batch) < 2 || t.Source != nil || t.M > mcMax/2 {
		return false
	}
	for _, it := range t.Batch {
		if it.B != t.Batch[0].B {
			return false
		}
	}
	return true
}

// planShared cuts a batch that shares B: as many products as have the rows of a chunk,
// if that leaves several chunks for each thread.
func (t *task) planShared() {
	r, items := t.row, len(t.Batch)
	want := 1
	if t.Threads > 1 {
		want = 4 * t.Threads
	}
	t.mc, t.mBlocks = t.M, 1
	t.group = max(1, min(max(mcMax/t.M, groupMACs/(t.M*t.N*max(t.K, 1))), items))
	nPanels := ceilDiv(t.N, r.nr)
	nBlocks := min(nPanels, ceilDiv(want, ceilDiv(items, t.group)))
	if t.Packed == nil || t.Packed.cols {
		nBlocks = max(nBlocks, ceilDiv(nPanels, max(1, bufMax/(r.nr*min(kc, max(t.K, 1))))))
	}
	t.nc = ceilDiv(nPanels, nBlocks) * r.nr
	t.nBlocks = ceilDiv(t.N, t.nc)
	if chunks := t.nBlocks * ceilDiv(items, t.group); chunks < want {
		t.group = max(1, t.group*chunks/want)
	}
	t.group = ceilDiv(items, ceilDiv(items, t.group))
}

// planTiles cuts C into blocks for the tile kernels.
func (t *task) planTiles() {
	r := t.row
	if t.Rows != nil {
		t.planRows()
		return
	}
	t.inPlace = t.Packed == nil && t.Source == nil && t.BCS == 1 && t.M <= 2*r.mr
	if t.shared = t.sharesB(); t.shared && !t.inPlace {
		t.planShared()
		return
	}
	if t.M*t.N*t.K <= groupMACs && t.N*min(t.K, kc) <= bufMax { // planning would take longer than computing
		t.mc, t.nc, t.mBlocks, t.nBlocks = t.M, t.N, 1, 1
		return
	}
	packs := !t.inPlace && (t.Packed == nil || t.Packed.cols)
	nPanels := ceilDiv(t.N, r.nr)
	k := max(t.K, 1)
	var panels int // in a chunk
	if packs {
		// As few blocks of rows as keep every thread busy: each packs B again.
		want := 1
		if t.Threads > 1 {
			want = ceilDiv(4*t.Threads, max(1, len(t.Batch)))
		}
		panels = max(1, min(bufMax/(r.nr*min(kc, k)), nPanels/want))
		want = ceilDiv(want, ceilDiv(nPanels, panels))
		t.mBlocks = max(min(want, ceilDiv(t.M, 4*r.mr)), ceilDiv(t.M, mcPack))
	} else {
		t.mBlocks = ceilDiv(t.M, mcMax)
		panels = max(1, min(chunkMACs/ceilDiv(t.M, t.mBlocks), streamB)/(k*r.nr))
	}
	t.mc = roundUp(ceilDiv(t.M, t.mBlocks), min(r.mr, t.M))
	t.mBlocks = ceilDiv(t.M, t.mc)
	panels = ceilDiv(nPanels, ceilDiv(nPanels, panels))
	if t.M <= len(r.wide) {
		panels = roundUp(panels, r.widePanels[t.M-1])
	}
	t.nc = panels * r.nr
	t.nBlocks = ceilDiv(t.N, t.nc)
}

// planRows cuts C into blocks where parts of A are made on the fly: whole rows of C, so that
// this happens once, unless there are too few of them for the threads.
func (t *task) planRows() {
	r := t.row
	t.ACS = 1
	want := 1 // blocks of a product
	if t.Threads > 1 {
		want = ceilDiv(4*t.Threads, max(1, len(t.Batch)))
	}
	t.mBlocks = max(ceilDiv(t.M, mcMax), min(want, ceilDiv(t.M, 4*r.mr)))
	t.mc = roundUp(ceilDiv(t.M, t.mBlocks), min(r.mr, t.M))
	t.mBlocks = ceilDiv(t.M, t.mc)
	nPanels := ceilDiv(t.N, r.nr)
	t.nBlocks = min(ceilDiv(want, t.mBlocks), ceilDiv(nPanels, 4))
	if t.Packed == nil || t.Packed.cols { // B is packed on the fly
		t.nBlocks = max(t.nBlocks, ceilDiv(nPanels, max(1, bufMax/(r.nr*kc))))
	}
	t.nc = ceilDiv(nPanels, t.nBlocks) * r.nr
	t.nBlocks = ceilDiv(t.N, t.nc)
}
