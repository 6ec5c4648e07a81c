package resize

import "github.com/onnxrun/onnxrun/internal/par"

// RunGrad sets dx to the gradient of Run with respect to x, from dy, that of y: the passes are transposed and taken in
// the other order. What has the extrapolation value hands nothing back.
func (b *Box[T]) RunGrad(threads int, dy, dx []T) {
	switch {
	case len(b.passes) == 0:
		copy(dx, dy)
	case b.in > 0:
		t := &gradTask[T]{b: b, dy: dy, dx: dx}
		var chunks int
		chunks, t.size = par.Split(b.lead, grain/max(1, b.out)+1)
		par.Run(threads, chunks, t)
	}
}

type gradTask[T Float] struct {
	b      *Box[T]
	dy, dx []T
	size   int
}

// Chunk goes back through a range of boxes.
func (t *gradTask[T]) Chunk(i int) {
	b := t.b
	lo, hi := par.Range(i, t.size, b.lead)
	buf := make([]T, 2*b.scratch)
	for n := lo; n < hi; n++ {
		from := t.dy[n*b.out:][:b.out]
		for k := len(b.passes) - 1; k >= 0; k-- {
			p := b.passes[k]
			to := t.dx[n*b.in:][:b.in]
			if k > 0 {
				to = buf[k%2*b.scratch:][:p.outer*b.Tables[p.axis].In*p.inner]
			}
			b.passGrad(p, from, to)
			from = to
		}
	}
}

// passGrad adds the gradients of the outputs of one axis to the inputs that they were made of.
func (b *Box[T]) passGrad(p pass, dy, dx []T) {
	t := &b.Tables[p.axis]
	clear(dx)
	for o := range p.outer {
		y, x := dy[o*t.Out*p.inner:][:t.Out*p.inner], dx[o*t.In*p.inner:][:t.In*p.inner]
		for i := range t.Out {
			if t.Outside != nil && t.Outside[i] {
				continue
			}
			row := y[i*p.inner:][:p.inner]
			for k, at := range t.Index[i*t.Taps:][:t.Taps] {
				w := T(1)
				if t.Weight != nil {
					w = t.Weight[i*t.Taps+k]
				}
				to := x[at*p.inner:][:p.inner]
				for j, v := range row {
					to[j] += w * v
				}
			}
		}
	}
}
