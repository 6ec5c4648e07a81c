package rnn

import "math"

// GradArgs are the gradients of one direction. Those of outputs may be nil. DX is added to, nil: not wanted; the others are set.
type GradArgs[T float32 | float64] struct {
	DY         ArgsOf[T] // Y, HOut and COut are the gradients of these outputs
	DState     ArgsOf[T] // HOut and COut are where the gradients of the initial states go
	DX         []T       // laid out like X
	DW, DR, DB []T       // of the shapes of PlainWeights
	DP         []T
	DMask      []T // of a Masked layer, laid out like Mask
}

// GradScratch returns the number of elements of scratch memory that Grad needs.
func (l *Layer) GradScratch(steps, batch int) int {
	g, h := l.Cell.Gates()*l.Hidden, l.Hidden
	return steps*batch*(2*l.Inputs+3*g+2*h+l.masked()) + 2*(steps+1)*batch*h + batch*(2*h+l.masked())
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
	g.in, g.din = g.h, g.dh
	if l.Masked {
		g.in, g.din = take(all*l.Hidden), take(a.Batch*l.Hidden)
	}
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
	in       []T // what is multiplied with R: h, or h times the mask
	late     []T // GRU: the product of the state for the last gate, or the reset state that is multiplied for it
	lateIn   []T // GRU: its gradient
	dgx, dgr []T // gradients of the products with inputs and with states
	dh, dc   []T
	din      []T // gradient of in, of one step: dh itself without a mask
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
	g.mask(step)
	h, z := g.in[step*g.rows*n:][:g.rows*n], g.z[step*g.rows*g.gates:][:g.rows*g.gates]
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

// mask sets what is multiplied with R in a step.
func (g *gradRun[T]) mask(step int) {
	if !g.Masked {
		return
	}
	n := g.Hidden
	for b := range g.rows {
		h, m := g.row(g.h, step, b, n), g.a.Mask[b*g.a.StateRow:][:n]
		for j := range m {
			g.row(g.in, step, b, n)[j] = h[j] * m[j]
		}
	}
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
