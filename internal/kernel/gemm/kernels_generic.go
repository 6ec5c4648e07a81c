package gemm

import "unsafe"

// genericRow is the reference: plain Go, any machine.
var genericRow = &row{
	name: "generic", mr: 4, nr: 4, farRows: 48, farMACs: 128 << 10,
	tile:  []func(*tileArgs){tileGeneric1, tileGeneric2, tileGeneric3, tileGeneric4},
	dot:   []func(*dotArgs){dotGeneric1, dotGeneric2, dotGeneric3},
	axpy1: func(t *axpyArgs) { axpyGeneric(t, 1) },
	axpy8: func(t *axpyArgs) { axpyGeneric(t, 8) },
}

func tileGeneric1(t *tileArgs) { tileRows(t, 1*t.tiles) }
func tileGeneric2(t *tileArgs) { tileRows(t, 2*t.tiles) }
func tileGeneric3(t *tileArgs) { tileRows(t, 3*t.tiles) }

// tileRows computes rows of four columns, one row at a time.
func tileRows(t *tileArgs, r int) {
	for i := range r {
		var acc [4]float32
		row := 0
		for _, s := range t.segments() {
			for p := range s.k {
				v := *(*float32)(unsafe.Add(t.a, s.off+i*t.ars+p*t.acs))
				w := (*[4]float32)(unsafe.Add(t.b, row*t.bstep))
				acc[0] += v * w[0]
				acc[1] += v * w[1]
				acc[2] += v * w[2]
				acc[3] += v * w[3]
				row++
			}
		}
		t.finish(i, &acc)
	}
}

func tileGeneric4(t *tileArgs) {
	for i := range t.tiles {
		fourRows(t, 4*i)
	}
}

// fourRows computes four rows of four columns from row i on in registers.
func fourRows(t *tileArgs, i int) {
	var c0, c1, c2, c3 [4]float32
	row := 0
	for _, s := range t.segments() {
		for p := range s.k {
			w := (*[4]float32)(unsafe.Add(t.b, row*t.bstep))
			a0 := unsafe.Add(t.a, s.off+i*t.ars+p*t.acs)
			v0 := *(*float32)(a0)
			v1 := *(*float32)(unsafe.Add(a0, t.ars))
			v2 := *(*float32)(unsafe.Add(a0, 2*t.ars))
			v3 := *(*float32)(unsafe.Add(a0, 3*t.ars))
			c0[0], c0[1], c0[2], c0[3] = c0[0]+v0*w[0], c0[1]+v0*w[1], c0[2]+v0*w[2], c0[3]+v0*w[3]
			c1[0], c1[1], c1[2], c1[3] = c1[0]+v1*w[0], c1[1]+v1*w[1], c1[2]+v1*w[2], c1[3]+v1*w[3]
			c2[0], c2[1], c2[2], c2[3] = c2[0]+v2*w[0], c2[1]+v2*w[1], c2[2]+v2*w[2], c2[3]+v2*w[3]
			c3[0], c3[1], c3[2], c3[3] = c3[0]+v3*w[0], c3[1]+v3*w[1], c3[2]+v3*w[2], c3[3]+v3*w[3]
			row++
		}
	}
	t.finish(i, &c0)
	t.finish(i+1, &c1)
	t.finish(i+2, &c2)
	t.finish(i+3, &c3)
}

// finish scales the sums of row i, applies the flags and stores n columns.
func (t *tileArgs) finish(i int, acc *[4]float32) {
	c := unsafe.Slice((*float32)(unsafe.Add(t.c, i*t.ldc)), t.n)
	for j := range c {
		v := t.alpha * acc[j]
		if t.flags&flagLoad != 0 {
			v += c[j]
		}
		if t.flags&flagColBias != 0 {
			v += *(*float32)(unsafe.Add(t.colBias, 4*j))
		}
		if t.flags&flagRowBias != 0 {
			v += *(*float32)(unsafe.Add(t.rowBias, 4*i))
		}
		if t.flags&flagResidual != 0 {
			v += *(*float32)(unsafe.Add(t.res, i*t.ldr+4*j))
		}
		if t.flags&flagClip != 0 {
			v = clip(v, t.lo, t.hi)
		}
		c[j] = v
	}
}

func dotGeneric1(t *dotArgs) { dotGeneric(t, 1) }
func dotGeneric2(t *dotArgs) { dotGeneric(t, 2) }
func dotGeneric3(t *dotArgs) { dotGeneric(t, 3) }

// dotGeneric computes the products of the rows with nv vectors in four partial sums.
func dotGeneric(t *dotArgs, nv int) {
	for i := range t.nr {
		r := unsafe.Slice((*float32)(unsafe.Add(t.rows, i*t.rs)), t.k)
		for j := range nv {
			v := unsafe.Slice((*float32)(unsafe.Add(t.vecs, j*t.vs)), t.k)
			var s0, s1, s2, s3 float32
			p := 0
			for ; p+4 <= t.k; p += 4 {
				a, b := r[p:p+4], v[p:p+4]
				s0 += a[0] * b[0]
				s1 += a[1] * b[1]
				s2 += a[2] * b[2]
				s3 += a[3] * b[3]
			}
			for ; p < t.k; p++ {
				s0 += r[p] * v[p]
			}
			t.out[4*i+j] = (s0 + s1) + (s2 + s3)
		}
	}
}

func axpyGeneric(t *axpyArgs, np int) {
	y := unsafe.Slice((*float32)(t.y), t.n)
	for p := range np {
		x, r := t.x[p], unsafe.Slice((*float32)(unsafe.Add(t.rows, p*t.rs)), t.n)
		for j := range y {
			y[j] += x * r[j]
		}
	}
}
