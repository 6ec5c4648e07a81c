package winograd

// edges is an axis of the transforms of one tile size: n inputs and elements, m outputs.
type edges struct{ m, n int }

var (
	four = edges{4, 6}
	two  = edges{2, 4}
)

// enter multiplies d by Bᵀ.
func (x edges) enter(d *[6]float32) {
	if x.m == 4 {
		enter4(d)
	} else {
		enter2(d)
	}
}

// leave multiplies d by Aᵀ.
func (x edges) leave(d *[6]float32) {
	if x.m == 4 {
		leave4(d)
	} else {
		leave2(d)
	}
}

// enter4 multiplies d by Bᵀ of the 4×4 tile.
func enter4(d *[6]float32) {
	s, t := d[3]-squareB*d[1], d[3]-squareA*d[1]
	u, v := d[4]-squareB*d[2], d[4]-squareA*d[2]
	d[0] = u - squareA*(d[2]-squareB*d[0])
	d[5] = d[5] - squareB*d[3] - squareA*s
	d[1], d[2] = u+pointA*s, u-pointA*s
	d[3], d[4] = v+pointB*t, v-pointB*t
}

// leave4 multiplies d by Aᵀ of the 4×4 tile.
func leave4(d *[6]float32) {
	p, q := d[1]+d[2], pointA*(d[1]-d[2])
	r, s := d[3]+d[4], pointB*(d[3]-d[4])
	d[0] = d[0] + p + r
	d[1] = q + s
	d[2] = squareA*p + squareB*r
	d[3] = d[5] + squareA*q + squareB*s
}

// enter2 multiplies d by Bᵀ of the 2×2 tile.
func enter2(d *[6]float32) {
	d[0], d[1], d[2], d[3] = d[0]-d[2], d[2]+d[1], d[2]-d[1], d[3]-d[1]
}

// leave2 multiplies d by Aᵀ of the 2×2 tile.
func leave2(d *[6]float32) {
	d[0], d[1] = d[0]+d[1]+d[2], d[3]+d[1]-d[2]
}

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
			x.inputChannel(a, a.At+t*a.TileStep+c, a.V[t*a.C+c:])
		}
	}
}

func (x edges) inputChannel(a *InputArgs, at int, v []float32) {
	var d [6][6]float32
	for i := range x.n {
		if a.Rows>>i&1 == 0 {
			continue
		}
		for j := range x.n {
			if a.Cols>>j&1 != 0 {
				d[i][j] = a.X[at+i*a.RowStep+j*a.ColStep]
			}
		}
		x.enter(&d[i])
	}
	for j := range x.n {
		var col [6]float32
		for i := range x.n {
			col[i] = d[i][j]
		}
		x.enter(&col)
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
		x.leave(&d[i])
	}
	for j := range min(a.Cols, x.m) {
		var col [6]float32
		for i := range x.n {
			col[i] = d[i][j]
		}
		x.leave(&col)
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
