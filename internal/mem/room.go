package mem

import "unsafe"

// A Room is where a packed form takes its elements from: fresh storage that the packer fills, or elements that an
// earlier packer left (see Filled), or working memory (see Within). It keeps a list of what it gave away. A nil Room gives
// fresh storage and keeps nothing. It serves one form and one goroutine.
type Room struct {
	parts  [][]float32
	filled bool
	within bool
	free   []float32 // of working memory
	given  int       // parts, if filled
	wrong  bool
}

// Filled returns a Room of parts that an earlier Room with the same requests has listed, which are read only.
func Filled(parts [][]float32) *Room { return &Room{parts: parts, filled: true} }

// Within makes r give elements of unknown content from x, of which up to a cache line is lost with each request. It keeps no
// list.
func (r *Room) Within(x []float32) { *r = Room{within: true, free: x} }

// part returns n elements of working memory that start on a cache line.
func (r *Room) part(n int) []float32 {
	if n == 0 {
		return nil
	}
	x := r.free[int(-uintptr(unsafe.Pointer(unsafe.SliceData(r.free)))%Alignment)/4:]
	r.free = x[n:]
	return x[:n:n]
}

// Floats returns n elements that start on a cache line: zeros, what was packed before if the Room is Filled, or anything if
// they are Within working memory.
func (r *Room) Floats(n int) []float32 {
	if r == nil {
		return Weights(n)
	}
	if r.within {
		return r.part(n)
	}
	if !r.filled {
		r.parts = append(r.parts, Weights(n))
		return r.parts[len(r.parts)-1]
	}
	if r.given == len(r.parts) || len(r.parts[r.given]) != n {
		r.wrong = true
		return Weights(n)
	}
	r.given++
	return r.parts[r.given-1]
}

// Filled reports whether the elements are there already. A packer must not write to them then, and makes only what
// surrounds them.
func (r *Room) Filled() bool { return r != nil && r.filled }

// Parts returns what fresh storage the Room gave, in the order of requests.
func (r *Room) Parts() [][]float32 { return r.parts }

// Fits reports whether the requests were those that filled the Room: otherwise what was made from it is of no use.
func (r *Room) Fits() bool { return !r.wrong && r.given == len(r.parts) }
