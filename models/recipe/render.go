package main

import (
	"math"
	"math/rand/v2"
)

// side is the width and height of a cell, the input of the model.
const side = 28

// A cell is the grey values of one digit, side x side, from 0 to 1.
type cell [side * side]float32

// render draws a digit in a random font, size and stroke and distorts it at random: rotated, sheared, stretched, shifted,
// blurred, faded, inverted and with noise. The strength scales the distortions.
func (g *glyphs) render(digit int, r *rand.Rand, strength float64) *cell {
	ink := g.of(r.IntN(len(typefaces)), r.IntN(sizeCount), digit, r.IntN(strokes))
	if r.Float64() < 0.2 {
		ink = ink.eroded()
	}
	c := ink.distorted(r, strength)
	if r.Float64() < 0.4 {
		c = c.blurred(r.Float64() * strength)
	}
	c.expose(r, strength)
	return c
}

// distorted rotates, shears, stretches and shifts about the centre, and averages squares of 3 x 3 into pixels.
func (g glyph) distorted(r *rand.Rand, strength float64) *cell {
	angle := r.NormFloat64() * 9 * strength * math.Pi / 180
	shear := r.NormFloat64() * 0.12 * strength
	aspect := math.Exp(r.NormFloat64() * 0.12 * strength)
	shiftX, shiftY := r.NormFloat64()*4*strength, r.NormFloat64()*4*strength
	sin, cos := math.Sincos(angle)
	a, b := cos*aspect, (cos*shear-sin)/aspect
	c, d := sin*aspect, (sin*shear+cos)/aspect
	const middle = canvas / 2
	out := &cell{}
	for y := range canvas {
		for x := range canvas {
			u, v := float64(x)+0.5-middle-shiftX, float64(y)+0.5-middle-shiftY
			out[y/3*side+x/3] += g.between(float32(a*u+b*v+middle-0.5), float32(c*u+d*v+middle-0.5)) / 9
		}
	}
	return out
}

// between interpolates linearly between the four pixels around a point.
func (g glyph) between(x, y float32) float32 {
	if x <= -1 || y <= -1 || x >= canvas || y >= canvas {
		return 0
	}
	i, j := int(x+1)-1, int(y+1)-1
	fx, fy := x-float32(i), y-float32(j)
	p := g[index(i, j):]
	top := p[0] + fx*(p[1]-p[0])
	bottom := p[stride] + fx*(p[stride+1]-p[stride])
	return top + fy*(bottom-top)
}

// blurred smooths with a Gaussian of the given standard deviation in pixels, at most 1; edges are repeated.
func (c *cell) blurred(sigma float64) *cell {
	const radius = 3
	var weights [2*radius + 1]float32
	sum := float32(0)
	for i := range weights {
		d := float64(i-radius) / max(sigma, 0.05)
		weights[i] = float32(math.Exp(-d * d / 2))
		sum += weights[i]
	}
	rows, out := &cell{}, &cell{}
	for y := range side {
		for x := range side {
			for i, w := range weights {
				rows[y*side+x] += w / sum * c[y*side+min(max(x+i-radius, 0), side-1)]
			}
		}
	}
	for y := range side {
		for x := range side {
			for i, w := range weights {
				out[y*side+x] += w / sum * rows[min(max(y+i-radius, 0), side-1)*side+x]
			}
		}
	}
	return out
}

// expose fades the ink and the paper, inverts every other picture, and adds noise.
func (c *cell) expose(r *rand.Rand, strength float64) {
	low, high := float32(0.25*r.Float64()*strength), float32(1-0.3*r.Float64()*strength)
	invert, noise := r.Float64() < 0.5, 0.10*strength*r.Float64()
	for i, v := range c {
		v = low + (high-low)*v
		if invert {
			v = 1 - v
		}
		c[i] = min(max(v+float32(r.NormFloat64()*noise), 0), 1)
	}
}
