package mem

// A Room is where a packed form takes its elements from: fresh storage that the packer fills, or elements that an
// earlier packer left (see Filled). It keeps a list of what it gave away. A nil Room gives fresh storage and keeps
// nothing. It serves one form and one goroutine.
type Room struct {
	parts  [][]float32
	filled bool
	given  int // parts, if filled
	wrong  bool
}

// Filled returns a Room of parts that an earlier Room with the same requests has listed, which are read only.
func Filled(parts [][]float32) *Room { return &Room{parts: parts, filled: true} }

// Floats returns n elements that start on a cache line: zeros, or what was packed before if the Room is Filled.
func (r *Room) Floats(n int) []float32 {
	if r == nil {
		return Weights(n)
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
