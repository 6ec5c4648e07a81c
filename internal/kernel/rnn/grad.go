package rnn

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/gemm"
)

// GradArgs are the gradients of one direction. Those of outputs may be nil. DX is added to; the others are set.
type GradArgs[T float32 | float64] struct {
	DY         ArgsOf[T] // Y, HOut and COut are the gradients of these outputs
	DState     ArgsOf[T] // HOut and COut are where the gradients of the initial states go
	DX         []T       // laid out like X
	DW, DR, DB []T       // of the shapes of PlainWeights
	DP         []T
}

// GradScratch returns the number of elements of scratch memory that Grad needs.
func (l *Layer) GradScratch(steps, batch int) int {
	g, h := l.Cell.Gates()*l.Hidden, l.Hidden
	return steps*batch*(2*l.Inputs+3*g+2*h) + 2*(steps+1)*batch*h + 2*batch*h
}

// Grad computes the gradients of a direction by going back through its steps, which are computed once more. The
// weights' gradients are one product each, over all steps.
func Grad[T float32 | float64](l *Layer, w PlainWeights[T], a *ArgsOf[T], d *GradArgs[T]) {
	g := &gradRun[T]{Layer: l, w: w, a: a, d: d, rows: a.Batch, gates: l.Cell.Gates() * l.Hidden}
	s := a.Scratch
	take := func(n int) []T {
		part := s[:n]
		s = s[n:]
		return part
	}
	all := a.Steps * a.Batch
	g.x, g.dx = take(all*l.Inputs), take(all*l.Inputs)
	g.z, g.dgx, g.dgr = take(all*g.gates), take(all*g.gates), take(all*g.gates)
	g.late, g.lateIn = take(all*l.Hidden), take(all*l.Hidden)
	g.h, g.c = take((a.Steps+1)*a.Batch*l.Hidden), take((a.Steps+1)*a.Batch*l.Hidden)
	g.dh, g.dc = take(a.Batch*l.Hidden), take(a.Batch*l.Hidden)
	g.forward()
	g.backward()
	g.weights()
}

// gradRun is the state of Grad. Steps are counted in the order in which they are taken; row step*Batch+b of a matrix
// belongs to step and batch element b.
type gradRun[T float32 | float64] struct {
	*Layer
	w        PlainWeights[T]
	a        *ArgsOf[T]
	d        *GradArgs[T]
	rows     int
	gates    int // length of a row of all gates
	x, dx    []T // inputs
	z        []T // what the activations get, before clipping
	h, c     []T // states before each step, and at last the final ones
	late     []T // GRU: the product of the state for the last gate, or the reset state that is multiplied for it
	lateIn   []T // GRU: its gradient
	dgx, dgr []T // gradients of the products with inputs and with states
	dh, dc   []T
}

func (g *gradRun[T]) time(step int) int {
	if g.Reverse {
		return g.a.Steps - 1 - step
	}
	return step
}

func (g *gradRun[T]) active(step, b int) bool {
	return g.a.Lens == nil || g.time(step) < int(g.a.Lens[b])
}

// row returns row b of step of a matrix with n columns.
func (g *gradRun[T]) row(m []T, step, b, n int) []T { return m[(step*g.rows+b)*n:][:n] }

// act returns the value and the slope of activation k at v, which is clipped first.
func (g *gradRun[T]) act(k int, v T) (y, slope T) {
	x := float64(v)
	if clip := float64(g.Clip); clip > 0 && math.Abs(x) > clip {
		return T(g.Acts[k].of(math.Copysign(clip, x))), 0
	}
	return T(g.Acts[k].of(x)), T(g.Acts[k].slope(x))
}

func (g *gradRun[T]) forward() {
	n := g.Hidden
	for b := range g.rows {
		h, c := g.row(g.h, 0, b, n), g.row(g.c, 0, b, n)
		clear(h)
		clear(c)
		if g.a.H0 != nil {
			copy(h, g.a.H0[b*g.a.StateRow:])
		}
		if g.a.C0 != nil {
			copy(c, g.a.C0[b*g.a.StateRow:])
		}
	}
	for step := range g.a.Steps {
		for b := range g.rows {
			copy(g.row(g.x, step, b, g.Inputs), g.a.X[g.time(step)*g.a.XStep+b*g.a.XRow:])
		}
	}
	g.bias(g.z)
	product(g.a.Steps*g.rows, g.gates, g.Inputs, g.x, g.Inputs, 1, g.w.W, 1, g.Inputs, g.z, g.gates)
	for step := range g.a.Steps {
		g.states(step)
		for b := range g.rows {
			h, c := g.row(g.h, step+1, b, n), g.row(g.c, step+1, b, n)
			copy(h, g.row(g.h, step, b, n))
			copy(c, g.row(g.c, step, b, n))
			if g.active(step, b) {
				g.cell(step, b, h, c)
			}
		}
	}
}

// bias sets rows of gates to the biases of the inputs' products, and of those of the states where they are added at
// once.
func (g *gradRun[T]) bias(m []T) {
	n := g.gates
	for r := 0; r < len(m); r += n {
		row := m[r : r+n]
		clear(row)
		if g.w.B == nil {
			continue
		}
		late := n
		if g.Cell == GRU && g.LinearFirst {
			late = 2 * g.Hidden
		}
		copy(row, g.w.B[:n])
		for i := range late {
			row[i] += g.w.B[n+i]
		}
	}
}

// states adds the products of the state before a step to its gates. That of the last gate of a GRU comes apart.
func (g *gradRun[T]) states(step int) {
	n := g.Hidden
	h, z := g.h[step*g.rows*n:][:g.rows*n], g.z[step*g.rows*g.gates:][:g.rows*g.gates]
	if g.Cell != GRU {
		product(g.rows, g.gates, n, h, n, 1, g.w.R, 1, n, z, g.gates)
		return
	}
	product(g.rows, 2*n, n, h, n, 1, g.w.R, 1, n, z, g.gates)
	late := g.late[step*g.rows*n:][:g.rows*n]
	if g.LinearFirst {
		clear(late)
		for b := range g.rows {
			if g.w.B != nil {
				copy(late[b*n:][:n], g.w.B[5*n:])
			}
		}
		product(g.rows, n, n, h, n, 1, g.w.R[2*n*n:], 1, n, late, n)
		return
	}
	for b := range g.rows {
		for j := range n {
			r, _ := g.act(0, z[b*g.gates+n+j])
			late[b*n+j] = r * h[b*n+j]
		}
	}
	product(g.rows, n, n, late, n, 1, g.w.R[2*n*n:], 1, n, z[2*n:], g.gates)
}

// cell updates the states h and c of one row, and completes what the activations get.
func (g *gradRun[T]) cell(step, b int, h, c []T) {
	n, z := g.Hidden, g.row(g.z, step, b, g.gates)
	for j := range h {
		switch g.Cell {
		case Plain:
			h[j], _ = g.act(0, z[j])
		case LSTM:
			z[j] += g.peep(0, j) * c[j]
			z[2*n+j] += g.peep(2, j) * c[j]
			i, _ := g.act(0, z[j])
			f, _ := g.act(0, z[2*n+j])
			if g.InputForget {
				f = 1 - i
			}
			s, _ := g.act(1, z[3*n+j])
			c[j] = f*c[j] + i*s
			z[n+j] += g.peep(1, j) * c[j]
			o, _ := g.act(0, z[n+j])
			h[j] = o * T(g.Acts[2].of(float64(c[j])))
		case GRU:
			u, _ := g.act(0, z[j])
			if g.LinearFirst {
				r, _ := g.act(0, z[n+j])
				z[2*n+j] += r * g.row(g.late, step, b, n)[j]
			}
			s, _ := g.act(1, z[2*n+j])
			h[j] = u*h[j] + (1-u)*s
		}
	}
}

func (g *gradRun[T]) peep(k, j int) T {
	if g.w.P == nil {
		return 0
	}
	return g.w.P[k*g.Hidden+j]
}

func (g *gradRun[T]) backward() {
	n := g.Hidden
	clear(g.dh)
	clear(g.dc)
	clear(g.dgx)
	clear(g.dgr)
	clear(g.lateIn)
	clear(g.d.DP)
	for b := range g.rows {
		if g.a.idle(b) {
			continue
		}
		if g.d.DY.HOut != nil {
			copy(g.dh[b*n:][:n], g.d.DY.HOut[b*g.d.DY.StateRow:])
		}
		if g.d.DY.COut != nil {
			copy(g.dc[b*n:][:n], g.d.DY.COut[b*g.d.DY.StateRow:])
		}
	}
	for step := g.a.Steps - 1; step >= 0; step-- {
		for b := range g.rows {
			if !g.active(step, b) {
				continue
			}
			dh := g.dh[b*n:][:n]
			if g.d.DY.Y != nil {
				for j, v := range g.d.DY.Y[g.time(step)*g.d.DY.YStep+b*g.d.DY.YRow:][:n] {
					dh[j] += v
				}
			}
			g.cellGrad(step, b, dh, g.dc[b*n:][:n])
		}
		g.statesGrad(step)
	}
	for b := range g.rows {
		if g.d.DState.HOut != nil {
			copy(g.d.DState.HOut[b*g.d.DState.StateRow:][:n], g.dh[b*n:])
		}
		if g.d.DState.COut != nil {
			copy(g.d.DState.COut[b*g.d.DState.StateRow:][:n], g.dc[b*n:])
		}
	}
}

// cellGrad sets the gradients of the gates of one row, and turns those of the states after the step into those of the
// states before it, as far as these do not go through products.
func (g *gradRun[T]) cellGrad(step, b int, dh, dc []T) {
	switch g.Cell {
	case Plain:
		z, d := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates)
		for j := range dh {
			_, slope := g.act(0, z[j])
			d[j], dh[j] = dh[j]*slope, 0
		}
		copy(g.row(g.dgr, step, b, g.gates), d)
	case LSTM:
		g.lstmGrad(step, b, dh, dc)
		copy(g.row(g.dgr, step, b, g.gates), g.row(g.dgx, step, b, g.gates))
	case GRU:
		g.gruGrad(step, b, dh)
	}
}

func (g *gradRun[T]) lstmGrad(step, b int, dh, dc []T) {
	n := g.Hidden
	z, d := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates)
	before, after := g.row(g.c, step, b, n), g.row(g.c, step+1, b, n)
	for j := range dh {
		i, iSlope := g.act(0, z[j])
		o, oSlope := g.act(0, z[n+j])
		f, fSlope := g.act(0, z[2*n+j])
		s, sSlope := g.act(1, z[3*n+j])
		x := float64(after[j])
		dzo := dh[j] * T(g.Acts[2].of(x)) * oSlope
		cell := dc[j] + dh[j]*o*T(g.Acts[2].slope(x)) + dzo*g.peep(1, j)
		di, df := cell*s, cell*before[j]
		if g.InputForget {
			f, di, df = 1-i, di-df, 0
		}
		dzi, dzf := di*iSlope, df*fSlope
		d[j], d[n+j], d[2*n+j], d[3*n+j] = dzi, dzo, dzf, cell*i*sSlope
		dc[j], dh[j] = cell*f+dzi*g.peep(0, j)+dzf*g.peep(2, j), 0
		if g.d.DP != nil {
			g.d.DP[j] += dzi * before[j]
			g.d.DP[n+j] += dzo * after[j]
			g.d.DP[2*n+j] += dzf * before[j]
		}
	}
}

func (g *gradRun[T]) gruGrad(step, b int, dh []T) {
	n := g.Hidden
	z, d, dr := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates), g.row(g.dgr, step, b, g.gates)
	before, late := g.row(g.h, step, b, n), g.row(g.late, step, b, n)
	for j := range dh {
		u, uSlope := g.act(0, z[j])
		s, sSlope := g.act(1, z[2*n+j])
		dzs := dh[j] * (1 - u) * sSlope
		d[j], d[2*n+j] = dh[j]*(before[j]-s)*uSlope, dzs
		dr[j], dr[2*n+j] = d[j], dzs
		if g.LinearFirst {
			r, rSlope := g.act(0, z[n+j])
			d[n+j] = dzs * late[j] * rSlope
			dr[n+j], dr[2*n+j] = d[n+j], dzs*r
		}
		dh[j] *= u
	}
}

// statesGrad adds what goes back to the states through the products of one step.
func (g *gradRun[T]) statesGrad(step int) {
	n, at := g.Hidden, step*g.rows*g.gates
	dr := g.dgr[at:][:g.rows*g.gates]
	if g.Cell == GRU && !g.LinearFirst {
		in := g.lateIn[step*g.rows*n:][:g.rows*n]
		product(g.rows, n, n, dr[2*n:], g.gates, 1, g.w.R[2*n*n:], n, 1, in, n)
		for b := range g.rows {
			if !g.active(step, b) {
				continue
			}
			z, d, h := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates), g.row(g.h, step, b, n)
			for j := range n {
				r, slope := g.act(0, z[n+j])
				g.dh[b*n+j] += in[b*n+j] * r
				d[n+j] = in[b*n+j] * h[j] * slope
				dr[b*g.gates+n+j] = d[n+j]
			}
		}
		product(g.rows, n, 2*n, dr, g.gates, 1, g.w.R, n, 1, g.dh, n)
		return
	}
	product(g.rows, n, g.gates, dr, g.gates, 1, g.w.R, n, 1, g.dh, n)
}

// weights computes the gradients of weights, biases and inputs from those of all gates.
func (g *gradRun[T]) weights() {
	n, all := g.Hidden, g.a.Steps*g.rows
	clear(g.d.DW)
	clear(g.d.DR)
	clear(g.d.DB)
	clear(g.dx)
	product(g.gates, g.Inputs, all, g.dgx, 1, g.gates, g.x, g.Inputs, 1, g.d.DW, g.Inputs)
	product(all, g.Inputs, g.gates, g.dgx, g.gates, 1, g.w.W, g.Inputs, 1, g.dx, g.Inputs)
	if g.Cell == GRU && !g.LinearFirst {
		product(2*n, n, all, g.dgr, 1, g.gates, g.h, n, 1, g.d.DR, n)
		product(n, n, all, g.dgr[min(2*n, len(g.dgr)):], 1, g.gates, g.late, n, 1, g.d.DR[2*n*n:], n)
	} else {
		product(g.gates, n, all, g.dgr, 1, g.gates, g.h, n, 1, g.d.DR, n)
	}
	for r := range all {
		for i := range g.gates {
			g.d.DB[i] += g.dgx[r*g.gates+i]
			g.d.DB[g.gates+i] += g.dgr[r*g.gates+i]
		}
	}
	for step := range g.a.Steps {
		for b := range g.rows {
			to := g.d.DX[g.time(step)*g.a.XStep+b*g.a.XRow:]
			for i, v := range g.row(g.dx, step, b, g.Inputs) {
				to[i] += v
			}
		}
	}
}

// product adds a [m, k] times b [k, n] to c [m, n]; strides are those of rows and columns.
func product[T float32 | float64](m, n, k int, a []T, ars, acs int, b []T, brs, bcs int, c []T, ldc int) {
	if m == 0 || n == 0 || k == 0 {
		return
	}
	switch a := any(a).(type) {
	case []float32:
		gemm.Run(&gemm.Args{M: m, N: n, K: k, A: a, ARS: ars, ACS: acs, B: any(b).([]float32), BRS: brs, BCS: bcs,
			C: any(c).([]float32), LDC: ldc, Accumulate: true})
	case []float64:
		gemm.RunOf(&gemm.ArgsOf[float64]{M: m, N: n, K: k, A: a, ARS: ars, ACS: acs, B: any(b).([]float64), BRS: brs, BCS: bcs,
			C: any(c).([]float64), LDC: ldc, Accumulate: true})
	}
}

// slope returns the derivative of the function at x.
func (a Activation) slope(x float64) float64 {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	step := func(on bool, yes, no float64) float64 {
		if on {
			return yes
		}
		return no
	}
	switch a.Kind {
	case Sigmoid:
		y := a.of(x)
		return y * (1 - y)
	case Tanh:
		y := math.Tanh(x)
		return (1 - y) * (1 + y)
	case Relu:
		return step(x > 0, 1, 0)
	case Affine:
		return alpha
	case LeakyRelu:
		return step(x > 0, 1, alpha)
	case ThresholdedRelu:
		return step(x > alpha, 1, 0)
	case ScaledTanh:
		y := math.Tanh(beta * x)
		return alpha * beta * (1 - y) * (1 + y)
	case HardSigmoid:
		y := alpha*x + beta
		return step(y > 0 && y < 1, alpha, 0)
	case Elu:
		return step(x > 0, 1, alpha*math.Exp(x))
	case Softsign:
		return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x)))
	}
	return 1 / (1 + math.Exp(-x)) // Softplus
}
