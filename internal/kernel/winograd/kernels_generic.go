package winograd

// edges is an axis of the transforms of one size of tile: in pixels become n elements, and these m outputs.
type edges struct {
	m, n, in     int
	enter, leave func(d [6]float32) [6]float32 // d multiplied by Bᵀ and by Aᵀ
}

var (
	four    = edges{4, 6, 6, enter4, leave4}
	two     = edges{2, 4, 4, enter2, leave2}
	pair    = edges{4, 5, 5, enterPair, leavePair}
	spread4 = edges{4, 6, 4, spreadFour, nil}
	spread  = edges{4, 5, 4, spreadPair, nil}
)

// enter4 returns d multiplied by Bᵀ of the 4×4 tile.
func enter4(d [6]float32) [6]float32 {
	s, t := d[3]-squareB*d[1], d[3]-squareA*d[1]
	u, v := d[4]-squareB*d[2], d[4]-squareA*d[2]
	d[0] = u - squareA*(d[2]-squareB*d[0])
	d[5] = d[5] - squareB*d[3] - squareA*s
	d[1], d[2] = u+pointA*s, u-pointA*s
	d[3], d[4] = v+pointB*t, v-pointB*t
	return d
}

// leave4 returns d multiplied by Aᵀ of the 4×4 tile.
func leave4(d [6]float32) [6]float32 {
	p, q := d[1]+d[2], pointA*(d[1]-d[2])
	r, s := d[3]+d[4], pointB*(d[3]-d[4])
	d[0] = d[0] + p + r
	d[1] = q + s
	d[2] = squareA*p + squareB*r
	d[3] = d[5] + squareA*q + squareB*s
	return d
}

// spreadFour returns d multiplied by A of the 4×4 tile.
func spreadFour(d [6]float32) [6]float32 {
	d[5] = d[3]
	evenA, oddA := d[0]+squareA*d[2], d[1]+squareA*d[3]
	evenB, oddB := d[0]+squareB*d[2], d[1]+squareB*d[3]
	d[1], d[2] = evenA+pointA*oddA, evenA-pointA*oddA
	d[3], d[4] = evenB+pointB*oddB, evenB-pointB*oddB
	return d
}

// enter2 returns d multiplied by Bᵀ of the 2×2 tile.
func enter2(d [6]float32) [6]float32 {
	d[0], d[1], d[2], d[3] = d[0]-d[2], d[2]+d[1], d[2]-d[1], d[3]-d[1]
	return d
}

// leave2 returns d multiplied by Aᵀ of the 2×2 tile.
func leave2(d [6]float32) [6]float32 {
	d[0], d[1] = d[0]+d[1]+d[2], d[3]+d[1]-d[2]
	return d
}

// enterPair returns d multiplied by Bᵀ of the tile of 2×2 windows.
func enterPair(d [6]float32) [6]float32 {
	e0, e1, e2, e3 := d[1]-pointD*d[0], d[2]-pointD*d[1], d[3]-pointD*d[2], d[4]-pointD*d[3]
	d[0], d[3], d[4] = e2-squareC*e0, d[3]-squareC*d[1], e3-squareC*e1
	d[1], d[2] = e2+pointC*e1, e2-pointC*e1
	return d
}

// leavePair returns d multiplied by Aᵀ of the tile of 2×2 windows.
func leavePair(d [6]float32) [6]float32 {
	s, t := d[1]+d[2], pointC*(d[1]-d[2])
	d[0] = d[0] + s + d[3]
	d[1], d[2] = t+pointD*d[3], squareC*s+squareD*d[3]
	d[3] = d[4] + squareC*t + pointD*squareD*d[3]
	return d
}

// spreadPair returns d multiplied by A of the tile of 2×2 windows.
func spreadPair(d [6]float32) [6]float32 {
	even, odd := d[0]+squareC*d[2], d[1]+squareC*d[3]
	d[4], d[3] = d[3], d[0]+pointD*d[1]+squareD*d[2]+pointD*squareD*d[3]
	d[1], d[2] = even+pointC*odd, even-pointC*odd
	return d
}

func inputPairGeneric(a *InputArgs)    { pair.input(a) }
func spreadPairGeneric(a *InputArgs)   { spread.input(a) }
func spread4Generic(a *InputArgs)      { spread4.input(a) }
func outputPairGeneric(a *OutputArgs)  { pair.output(a) }
func filterPairAGeneric(a *FilterArgs) { filterPairGeneric(a, 0, 3) }
func filterPairBGeneric(a *FilterArgs) { filterPairGeneric(a, 3, 5) }

func input4Generic(a *InputArgs)   { four.input(a) }
func input2Generic(a *InputArgs)   { two.input(a) }
func output4Generic(a *OutputArgs) { four.output(a) }
func output2Generic(a *OutputArgs) { two.output(a) }

func filter4AGeneric(a *FilterArgs) { filterGeneric(a, filterFour[:], 0, 3) }
func filter4BGeneric(a *FilterArgs) { filterGeneric(a, filterFour[:], 3, 6) }
func filter2Generic(a *FilterArgs)  { filterGeneric(a, filterTwo[:], 0, 4) }

// input transforms tiles channel by channel.
func (x edges) input(a *InputArgs) {
	for t := range a.Tiles {
		for c := range a.C {
			x.inputChannel(a, a.At+t*a.TileStep+c, a.V[t*a.TileRoom+c:])
		}
	}
}

func (x edges) inputChannel(a *InputArgs, at int, v []float32) {
	var d [6][6]float32
	for i := range x.in {
		if a.Rows>>i&1 == 0 {
			continue
		}
		for j := range x.in {
			if a.Cols>>j&1 != 0 {
				d[i][j] = a.X[at+i*a.RowStep+j*a.ColStep]
			}
		}
		d[i] = x.enter(d[i])
	}
	for j := range x.n {
		var col [6]float32
		for i := range x.in {
			col[i] = d[i][j]
		}
		col = x.enter(col)
		for i := range x.n {
			v[(x.n*i+j)*a.ElemStep] = col[i]
		}
	}
}

// output transforms tiles channel by channel.
func (x edges) output(a *OutputArgs) {
	for t := range a.Tiles {
		for c := range a.C {
			x.outputChannel(a, a.At+t*a.TileStep+c, a.M[t*a.C+c:], a.Bias[c])
		}
	}
}

func (x edges) outputChannel(a *OutputArgs, at int, m []float32, bias float32) {
	var d [6][6]float32
	for i := range x.n {
		for j := range x.n {
			d[i][j] = m[(x.n*i+j)*a.ElemStep]
		}
		d[i] = x.leave(d[i])
	}
	for j := range min(a.Cols, x.m) {
		var col [6]float32
		for i := range x.n {
			col[i] = d[i][j]
		}
		col = x.leave(col)
		for i := range min(a.Rows, x.m) {
			a.put(at+i*a.RowStep+j*a.ColStep, col[i]+bias)
		}
	}
}

// put finishes one element of the output.
func (a *OutputArgs) put(at int, y float32) {
	if a.Residual != nil {
		y += a.Residual[at]
	}
	if a.Clip != 0 {
		if y < a.Lo {
			y = a.Lo
		}
		if y > a.Hi {
			y = a.Hi
		}
	}
	a.Y[at] = y
}

// filterGeneric computes the rows [from, to) of the elements of each window.
func filterGeneric(a *FilterArgs, g [][3]float32, from, to int) {
	for x := range a.C * a.Width {
		w := a.W[8*(x/a.Width)*a.Width+x:] // c*9*Width + x%Width
		for i, h := range g[from:to] {
			var r [3]float32
			for j := range r {
				r[j] = h[0]*w[j*a.Width] + h[1]*w[(3+j)*a.Width] + h[2]*w[(6+j)*a.Width]
			}
			for j, h := range g {
				a.U[(i*len(g)+j)*a.Plane+x] = h[0]*r[0] + h[1]*r[1] + h[2]*r[2]
			}
		}
	}
}

// filterPairGeneric computes the rows [from, to) of the elements of each window of 2×2.
func filterPairGeneric(a *FilterArgs, from, to int) {
	for x := range a.C * a.Width {
		w := a.W[3*(x/a.Width)*a.Width+x:] // c*4*Width + x%Width
		for i, h := range filterPair[from:to] {
			r0, r1 := h[0]*w[0]+h[1]*w[2*a.Width], h[0]*w[a.Width]+h[1]*w[3*a.Width]
			for j, h := range filterPair {
				a.U[(i*len(filterPair)+j)*a.Plane+x] = h[0]*r0 + h[1]*r1
			}
		}
	}
}

func windowPairGeneric(a *WindowArgs) {
	windowGeneric(a, len(filterPair), 2, func(i, j int) float32 { return filterPair[i][j] })
}

func window4Generic(a *WindowArgs) {
	windowGeneric(a, len(filterFour), 3, func(i, j int) float32 { return filterFour[i][j] })
}

// windowGeneric transforms the gradients of elements to those of windows by the matrix g of n rows.
func windowGeneric(a *WindowArgs, n, taps int, g func(i, j int) float32) {
	for x := range a.C * a.Width {
		var w [3][3]float32
		for i := range n {
			var r [3]float32
			for j := range n {
				u := a.U[(i*n+j)*a.Plane+x]
				for k := range taps {
					r[k] += g(j, k) * u
				}
			}
			for k := range taps {
				for j := range taps {
					w[k][j] += g(i, k) * r[j]
				}
			}
		}
		for i := range a.Rows {
			for j := range a.Cols {
				to := &a.W[x/a.Width*a.Step+x%a.Width+i*a.RowStep+j*a.ColStep]
				if a.Add != 0 {
					w[i][j] += *to
				}
				*to = w[i][j]
			}
		}
	}
}
