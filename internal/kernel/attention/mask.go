package attention

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/vec"
	"github.com/onnxrun/onnxrun/internal/par"
)

// Mask changes scores before the softmax: it adds Add, or replaces by Fill the scores where Keep is false. The element
// for query i and key j of head h of batch b is at b%Batches*Batch + h*Head + i*Row + j*Col; strides are 0 where the mask
// is repeated. The zero Mask changes nothing.
type Mask struct {
	Add                   []float32
	Keep                  []bool
	Fill                  float32
	Batches               int // 0 counts as 1
	Batch, Head, Row, Col int
}

func (m *Mask) empty() bool { return m.Add == nil && m.Keep == nil }

// adds reports whether the mask is a sum: replacing by -Inf is one.
func (m *Mask) adds() bool { return m.Add != nil || math.IsInf(float64(m.Fill), -1) }

func (m *Mask) check(a *Args) {
	if m.empty() {
		return
	}
	m.Batches = max(1, m.Batches)
	last := (m.Batches-1)*m.Batch + (a.H-1)*m.Head + (a.Queries-1)*m.Row + (a.Keys-1)*m.Col
	if min(m.Batch, m.Head, m.Row, m.Col) < 0 || a.Keys > 0 && last >= len(m.Add)+len(m.Keep) {
		panic(fmt.Sprintf("attention: mask of %d elements with strides %d, %d, %d and %d", len(m.Add)+len(m.Keep), m.Batch, m.Head, m.Row, m.Col))
	}
}

// apply changes the scores of query i.
func (m *Mask) apply(s []float32, b, h, i int) {
	if m.empty() {
		return
	}
	at := b%m.Batches*m.Batch + h*m.Head + i*m.Row
	switch {
	case m.Col == 1 && m.Add != nil:
		vec.Add(s, s, m.Add[at:at+len(s)])
	case m.Add != nil:
		for j := range s {
			s[j] += m.Add[at+j*m.Col]
		}
	default:
		for j := range s {
			if !m.Keep[at+j*m.Col] {
				s[j] = m.Fill
			}
		}
	}
}

// form says how a mask is applied to columns of scores.
type form uint8

const (
	none     form = iota
	perKey        // one number for all queries is added
	perScore      // a number per score is added
	keeps         // scores are kept or replaced
)

// packed is a mask as the blocks of columns want it: numbers per key as they lie in the mask, else for some queries at a
// time, see run.stripe, a matrix [keys, queries], transposed.
type packed struct {
	form        form
	add         []float32
	keep        []bool
	fill        [1]float32
	batches     int
	batch, head int // strides
}

// slices returns the numbers of batches and heads that differ.
func (m *Mask) slices(a *Args) (batches, heads int) {
	batches, heads = 1, 1
	if m.Batch != 0 {
		batches = max(1, m.Batches)
	}
	if m.Head != 0 {
		heads = a.H
	}
	return batches, heads
}

func padded(queries int) int { return (queries + queryPad - 1) &^ (queryPad - 1) }

// packedForm returns the form that m takes and the elements of a slice in scratch memory.
func (m *Mask) packedForm(a *Args) (f form, size int) {
	switch {
	case m.empty() || a.few() || a.Keys == 0:
		return none, 0
	case m.Row == 0 && m.Col == 1 && m.Add != nil:
		return perKey, 0
	case m.Row == 0 && m.adds():
		return perKey, a.Keys
	case m.adds():
		return perScore, a.Keys * padded(a.Queries)
	}
	return keeps, a.Keys * padded(a.Queries)
}

// packedLen returns the scratch memory of the packed form in float32; bools take a quarter.
func (m *Mask) packedLen(a *Args) int {
	f, size := m.packedForm(a)
	batches, heads := m.slices(a)
	if size *= batches * heads; f == keeps {
		size = (size + 3) / 4
	}
	return size
}

// packMasks makes the packed forms in the scratch memory.
func (r *run) packMasks() {
	rest := r.Scratch
	for i := range r.Masks {
		m, p := &r.Masks[i], &r.masks[i]
		f, size := m.packedForm(&r.Args)
		batches, heads := m.slices(&r.Args)
		*p = packed{form: f, fill: [1]float32{m.Fill}, batches: max(1, m.Batches), add: m.Add, batch: m.Batch, head: m.Head}
		if size == 0 {
			continue
		}
		p.head, p.batch, p.batches = size, size*heads, batches
		if heads == 1 {
			p.head = 0
		}
		n := m.packedLen(&r.Args)
		p.add, rest = rest[:n:n], rest[n:]
		if f == keeps {
			p.keep = unsafe.Slice((*bool)(unsafe.Pointer(unsafe.SliceData(p.add))), size*batches*heads)
		}
		r.packing = i + 1
		par.Run(r.Threads, batches*heads*r.blocks, r)
	}
}

// packChunk packs the part of one block of queries of one slice of a mask.
func (r *run) packChunk(i int) {
	m, p := &r.Masks[r.packing-1], &r.masks[r.packing-1]
	_, heads := m.slices(&r.Args)
	k, slice := i%r.blocks, i/r.blocks
	b, h := slice/heads, slice%heads
	src := b*m.Batch + h*m.Head
	if p.form == perKey {
		if k == 0 {
			m.write(p.add[b*p.batch+h*p.head:][:r.Keys], src, m.Col)
		}
		return
	}
	q0, q1 := k*r.chunk, r.Queries
	if k < r.blocks-1 {
		q1 = q0 + r.chunk
	}
	for ; q0 < q1; q0 += r.stripe {
		r.packStripe(m, p, b*p.batch+h*p.head+r.Keys*q0, src+q0*m.Row, min(q1-q0, r.stripe))
	}
}

// packStripe packs what a mask holds from src on for n queries, to dst.
func (r *run) packStripe(m *Mask, p *packed, dst, src, n int) {
	width := padded(n)
	switch {
	case p.form == keeps:
		m.packKeep(p.keep[dst:][:r.Keys*width], src, n, width)
	case m.Add != nil:
		w := workers.Get()
		w.transpose(p.add[dst:], m.Add[src:], [2]int{r.Keys, n}, [2]int{width, 1}, [2]int{m.Col, m.Row})
		workers.Put(w)
	default:
		for key := range r.Keys {
			m.write(p.add[dst+key*width:][:n], src+key*m.Col, m.Row)
		}
	}
}

// write sets dst to what elements of the mask from at on add, step elements apart.
func (m *Mask) write(dst []float32, at, step int) {
	for i := range dst {
		switch {
		case m.Add != nil:
			dst[i] = m.Add[at+i*step]
		case m.Keep[at+i*step]:
			dst[i] = 0
		default:
			dst[i] = m.Fill
		}
	}
}

func (m *Mask) packKeep(dst []bool, src, n, width int) {
	for i := range dst {
		q, k := i%width, i/width
		dst[i] = q < n && m.Keep[src+q*m.Row+k*m.Col]
	}
}

// keys returns the numbers per key for a head.
func (p *packed) keys(b, h int) []float32 { return p.add[b%p.batches*p.batch+h*p.head:] }

// scores returns what is added to the scores of a block's queries from one on, and the distance of its rows.
func (p *packed) scores(b *block, query int) (x []float32, ld int) {
	at, ld := p.at(b, query)
	return p.add[at:], ld
}

// kept says likewise which scores stay.
func (p *packed) kept(b *block, query int) (x []bool, ld int) {
	at, ld := p.at(b, query)
	return p.keep[at:], ld
}

func (p *packed) at(b *block, query int) (at, ld int) {
	first := query - query%b.stripe
	return b.b%p.batches*p.batch + b.h*p.head + b.Keys*(b.q0+first) + query - first, padded(min(b.stripe, b.q1-b.q0-first))
}

// bytes returns the storage of x.
func bytes(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
