package ops

import "github.com/onnxrun/onnxrun/internal/mem"

// A Spare is working memory of programs whose kernels do not keep packed weights yet. The steps use it one after the other, so
// that what one has packed is in the caches when the next one writes there, and takes no new memory. It serves one run at a time.
type Spare struct {
	x    []float32
	used int
}

// Reserve makes room for n elements, which will be used. Their pages come by run.
func (s *Spare) Reserve(n int, run mem.Runner) {
	if n > len(s.x) {
		s.x = mem.OrdinaryFloats(n, run)
	}
}

// Floats returns n elements of any value that start on a cache line. They are the caller's until Reset.
func (s *Spare) Floats(n int) []float32 {
	if s == nil {
		return mem.Floats(n)
	}
	from := s.used
	s.used += (n + lineFloats - 1) &^ (lineFloats - 1)
	if s.used > len(s.x) { // what was handed out stays with its users
		s.x, from = mem.Reserve(2*s.used), 0
		s.used = (n + lineFloats - 1) &^ (lineFloats - 1)
	}
	return s.x[from:][:n:n]
}

// lineFloats is the number of elements of a cache line.
const lineFloats = mem.Alignment / 4

// Reset takes all elements back.
func (s *Spare) Reset() {
	if s != nil {
		s.used = 0
	}
}

// Free gives the memory back to the system.
func (s *Spare) Free() {
	if s.x != nil {
		mem.Discard(s.x)
		*s = Spare{}
	}
}
