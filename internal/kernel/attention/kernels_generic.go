package attention

import "unsafe"

const genericWidth = 16

// generic is the set in plain Go.
var generic = &set{name: "generic", panels: []panel{{
	width:  genericWidth,
	scores: []func(*scoresArgs){scoresGo},
	values: []func(*valuesArgs){valuesGo},
}}}

type genericRow = [genericWidth]float32

// floatsAt returns n elements from p on.
func floatsAt(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

// genericRows returns n rows of a panel.
func genericRows(p unsafe.Pointer, n int) []genericRow { return unsafe.Slice((*genericRow)(p), n) }

func scoresGo(a *scoresArgs) {
	q, top := genericRows(a.q, a.size), genericRows(a.top, 1)
	for i, s := range genericRows(a.s, a.tiles) {
		s = genericRow{}
		for p, x := range floatsAt(unsafe.Add(a.k, i*a.step), a.size) {
			for j, v := range &q[p] {
				s[j] += x * v
			}
		}
		for n, p := range a.add {
			if p != nil {
				for j, v := range &genericRows(unsafe.Add(p, i*a.between[n]), 1)[0] {
					s[j] += v
				}
			}
		}
		if a.bias != nil {
			x := floatsAt(a.bias, i+1)[i]
			for j := range s {
				s[j] += x
			}
		}
		for j, v := range &s {
			top[0][j] = max(top[0][j], v)
		}
		genericRows(a.s, a.tiles)[i] = s
	}
}

func valuesGo(a *valuesArgs) {
	p, out := genericRows(a.p, a.keys), genericRows(a.y, a.tiles)
	for i := range out {
		var y genericRow
		if a.factor != nil {
			for j, f := range &genericRows(a.factor, 1)[0] {
				y[j] = f * out[i][j]
			}
		}
		for k := range p {
			x := *(*float32)(unsafe.Add(a.v, k*a.step+4*i))
			for j, v := range &p[k] {
				y[j] += x * v
			}
		}
		out[i] = y
	}
}
