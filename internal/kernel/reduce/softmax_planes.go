package reduce

import (
	"math"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
)

// softmaxPlanes computes the softmax, or its logarithm, along the first axis of planes [n, inner] with inner at most half a
// tile: vectors run across as many rows as a tile holds, and what the lanes find is put together column by column.
func softmaxPlanes(j *job, lo, hi int) {
	s := scratches.Get()
	defer scratches.Put(s)
	size := j.n * j.inner
	for o := lo; o < hi; o++ {
		softmaxPlane(j, j.dst[o*size:][:size], j.src[o*size:][:size], s)
	}
}

func softmaxPlane(j *job, dst, src []float32, s *scratch) {
	width := j.inner * min(j.n, tile/j.inner)
	high, sum := s.a[:width], s.b[:width]
	vec.Fill(high, float32(math.Inf(-1)))
	clear(sum)
	for at := 0; at < len(src); at += width {
		x := src[at:min(at+width, len(src))]
		vec.Max(high[:len(x)], high[:len(x)], x)
	}
	joinRows(high, j.inner, vec.Max)
	for at := 0; at < len(src); at += width {
		x := src[at:min(at+width, len(src))]
		e := s.c[:len(x)]
		if !j.log {
			e = dst[at:][:len(x)]
		}
		vec.Sub(e, x, high[:len(x)])
		vec.ExpTerm(e, e)
		vec.Add(sum[:len(x)], sum[:len(x)], e)
	}
	joinRows(sum, j.inner, vec.Add)
	if j.log {
		vec.Log(sum, sum)
	} else {
		vec.Reciprocal(sum, sum)
	}
	for at := 0; at < len(src); at += width {
		x, y := src[at:min(at+width, len(src))], dst[at:min(at+width, len(src))]
		if j.log {
			vec.Sub(y, x, high[:len(x)])
			vec.Sub(y, y, sum[:len(x)])
		} else {
			vec.Mul(y, y, sum[:len(x)])
		}
	}
}

// joinRows sets each row of x, inner elements, to what join makes of all of them.
func joinRows(x []float32, inner int, join func(dst, a, b []float32)) {
	for rows := len(x) / inner; rows > 1; rows -= rows / 2 {
		n := rows / 2 * inner
		join(x[:n], x[:n], x[rows*inner-n:][:n])
	}
	for n := inner; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}
