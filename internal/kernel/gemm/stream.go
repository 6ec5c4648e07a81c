package gemm

import (
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// A product with very few rows or columns reads the other matrix once; tiles would
// waste registers and packing would double the traffic. These forms stream the large
// matrix where it lies.
type form uint8

const (
	tiled     form = iota
	dotCols        // few rows: dot products of contiguous columns of B with the rows of A
	dotRows        // few columns: dot products of contiguous rows of A with the columns of B
	axpyRows       // one row: C is a sum of rows of B
	outerRows      // one column times one row: rows of C are multiples of a row of B
)

const (
	dotVecs = 3       // vectors a dot kernel takes
	dotMax  = 6       // vectors above which tiles win
	dotK    = 4096    // elements of K in one call: a few microseconds
	dotMinK = 32      // below, the sums across lanes cost more than the products
	axpyN   = 2048    // columns in one call
	streamB = 1 << 18 // elements of the large matrix in a chunk: a megabyte
	outerC  = 1 << 15 // elements of C in a chunk of an outer product
)

// streams chooses a form by shape and strides.
func (t *task) streams() form {
	if t.Source != nil || t.Rows != nil || len(t.Segs) > 0 {
		return tiled
	}
	if t.K == 1 && t.Packed == nil && t.BCS == 1 && t.N >= t.row.nr {
		return outerRows
	}
	if t.K < dotMinK {
		return tiled
	}
	if t.Packed != nil || t.AsPacked {
		if _, cols := packedSize(t.row, t.K, t.N); cols && t.ACS == 1 {
			return dotRows
		}
		return tiled
	}
	switch {
	case t.M <= dotMax && t.BRS == 1 && (t.M <= t.N || t.ACS != 1):
		return dotCols
	case t.M == 1 && t.BCS == 1:
		return axpyRows
	case t.N <= dotMax && 4*t.N < t.row.nr && t.ACS == 1:
		return dotRows
	}
	return tiled
}

// planStream cuts the large matrix into chunks.
func (t *task) planStream() {
	t.mc, t.nc = t.M, t.N
	switch per := max(4, streamB/t.K); t.form {
	case dotCols:
		t.nc = min(roundUp(per, 16), t.N)
	case dotRows:
		t.mc = min(roundUp(per, 4), t.M)
	case axpyRows:
		t.nc = min(roundUp(max(per, 512), 64), t.N)
	case outerRows:
		t.mc = min(max(1, outerC/t.N), t.M)
	}
	t.mBlocks, t.nBlocks = ceilDiv(t.M, t.mc), ceilDiv(t.N, t.nc)
}

// stream computes the block in the task's form, then its epilogue.
func (b *block) stream() {
	t := b.t
	switch t.form {
	case axpyRows:
		b.axpy()
	case outerRows:
		b.outer()
	case dotCols:
		vecs, vs := t.A[b.at.A:], t.ARS
		if t.ACS != 1 {
			vecs, vs = b.gather(vecs, t.ARS, t.ACS, t.M), t.K
		}
		b.dot(t.B[b.at.B+b.n0*t.BCS:], vecs, dotShape{t.BCS, vs, b.n1 - b.n0, t.M, 1, t.LDC})
	case dotRows:
		vecs, vs := t.columns(b.at.B)
		if vs == 0 {
			vecs, vs = b.gather(t.B[b.at.B:], t.BCS, t.BRS, t.N), t.K
		}
		b.dot(t.A[b.at.A+b.m0*t.ARS:], vecs, dotShape{t.ARS, vs, b.m1 - b.m0, t.N, t.LDC, 1})
	}
	b.finishRows()
}

// columns returns the contiguous columns of B and their distance, which is 0 when they
// are not contiguous.
func (t *task) columns(at int) ([]float32, int) {
	if p := t.Packed; p != nil {
		return p.data[at*p.size:], t.K
	}
	if t.BRS == 1 {
		return t.B[at:], t.BCS
	}
	return nil, 0
}

// gather copies n vectors of K elements, rs apart with step cs, to the buffer.
func (b *block) gather(src []float32, rs, cs, n int) []float32 {
	k := b.t.K
	buf := b.s.floats(n * k)
	for i := range n {
		at := i * rs
		for p := range k {
			buf[i*k+p] = src[at]
			at += cs
		}
	}
	return buf
}

// dotShape describes n rows, rs apart, and v vectors, vs apart, whose products go to
// elements cr apart for rows and cv apart for vectors.
type dotShape struct{ rs, vs, n, v, cr, cv int }

// dot computes all products of rows with vectors, scaled, into the block of C.
func (b *block) dot(rows, vecs []float32, d dotShape) {
	t, a := b.t, &b.s.dot
	c := t.C[b.at.C+b.m0*t.LDC+b.n0:]
	a.rs, a.vs = 4*d.rs, 4*d.vs
	for i := 0; i < d.n; i += 4 {
		a.nr = min(4, d.n-i)
		for v := 0; v < d.v; v += dotVecs {
			nv := min(dotVecs, d.v-v)
			load := t.Accumulate
			for k := 0; k < t.K; k += dotK {
				a.k = min(dotK, t.K-k)
				a.rows = unsafe.Pointer(&rows[i*d.rs+k])
				a.vecs = unsafe.Pointer(&vecs[v*d.vs+k])
				t.row.dot[nv-1](a)
				d.put(c[i*d.cr+v*d.cv:], a, nv, t.Alpha, load)
				load = true
			}
		}
	}
	*a = dotArgs{}
}

// put stores the products of up to four rows, or adds them to what is there.
func (d *dotShape) put(c []float32, a *dotArgs, nv int, alpha float32, load bool) {
	for i := range a.nr {
		for v := range nv {
			at := i*d.cr + v*d.cv
			x := alpha * a.out[4*i+v]
			if load {
				x += c[at]
			}
			c[at] = x
		}
	}
}

// oddColumn reports whether the last of n columns of a panel is alone in its vector (7×7
// planes have 49 columns) and cheaper as dot products with the rows of A.
func (b *block) oddColumn(n int) bool {
	half := b.t.row.nr / 2
	return n%half == 1 && half > 4 && b.s.tile.acs == 4 && b.s.tile.nSegs == 1 && b.s.tile.k >= 2*dotMinK && b.t.M >= 8
}

// column computes column n of the block, the j-th of the panel at base, over the current
// block of K, of which A has one segment.
func (b *block) column(base unsafe.Pointer, n, j int) {
	t, a, d := b.t, &b.s.tile, &b.s.dot
	col := b.s.column[:a.k]
	for i := range col {
		col[i] = *(*float32)(unsafe.Add(base, 4*j+i*a.bstep))
	}
	*d = dotArgs{vecs: unsafe.Pointer(&col[0]), rs: a.ars, k: a.k}
	a.n = 1
	off := a.segments()[0].off
	for m := b.r0; m < b.r1; m += 4 {
		b.point(m, n)
		d.rows, d.nr = unsafe.Add(a.a, off), min(4, b.r1-m)
		t.row.dot[0](d)
		for i := range d.nr {
			a.finish(i, (*[4]float32)(d.out[4*i:]))
		}
	}
	*d = dotArgs{}
}

// axpy computes one row of C as a sum of scaled rows of B.
func (b *block) axpy() {
	t, a := b.t, &b.s.axpy
	n := b.n1 - b.n0
	y := b.s.floats(n)
	clear(y)
	a.rs = 4 * t.BRS
	for j := 0; j < n; j += axpyN {
		a.n = min(axpyN, n-j)
		a.y = unsafe.Pointer(&y[j])
		for k := 0; k < t.K; {
			rows, f := 1, t.row.axpy1
			if k+8 <= t.K {
				rows, f = 8, t.row.axpy8
			}
			for i := range rows {
				a.x[i] = t.A[b.at.A+(k+i)*t.ACS]
			}
			a.rows = unsafe.Pointer(&t.B[b.at.B+k*t.BRS+b.n0+j])
			f(a)
			k += rows
		}
	}
	*a = axpyArgs{}
	c := t.C[b.at.C:][b.n0:b.n1]
	for j, v := range y {
		v *= t.Alpha
		if t.Accumulate {
			v += c[j]
		}
		c[j] = v
	}
}

// outer computes rows of a product of one column and one row.
func (b *block) outer() {
	t := b.t
	row := t.B[b.at.B:][b.n0:b.n1]
	for m := b.m0; m < b.m1; m++ {
		c, a := t.C[b.at.C+m*t.LDC:][b.n0:b.n1], t.Alpha*t.A[b.at.A+m*t.ARS]
		if t.Accumulate {
			vec.Axpy(c, a, row)
		} else {
			vec.ScaleShift(c, row, a, 0)
		}
	}
}

// finishRows applies the whole epilogue to the block, row by row.
func (b *block) finishRows() {
	t, e := b.t, &b.t.Epilogue
	for m := b.m0; m < b.m1; m++ {
		c := t.C[b.at.C+m*t.LDC:][b.n0:b.n1]
		if e.RowBias != nil {
			bias := e.RowBias[b.at.RowBias+m:]
			vec.Add(c, c, bias[:1])
		}
		if e.ColBias != nil {
			vec.Add(c, c, e.ColBias[b.at.ColBias:][b.n0:b.n1])
		}
		var residual []float32
		if e.Residual != nil {
			residual = e.Residual[b.at.Residual+m*e.LDR:][b.n0:b.n1]
		}
		if residual != nil && !e.AddLast {
			vec.Add(c, c, residual)
		}
		e.Act.Apply(c)
		if e.ColScale != nil {
			w := vec.Wide{X: c, N: len(c), Rows: 1, Step: len(c)}
			w.Scale(e.ColScale[b.at.ColBias:][b.n0:b.n1], e.ColShift[b.at.ColBias:][b.n0:b.n1])
		}
		if residual != nil && e.AddLast {
			vec.Add(c, c, residual)
		}
	}
}
