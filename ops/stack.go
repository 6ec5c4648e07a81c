package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxrun/onnxrun/tensor"
)

// A stacker joins the results of the rounds of a Loop or Scan along a new axis of one output. Where that is
// the first axis the body writes straight to its place. The storage is the output's if its shape was
// inferred, else it grows as rounds come.
type stacker struct {
	index   int          // of the output
	said    Type         // what the body declares of a round: a hint where there is none
	lead    []int        // sizes of the axes that the rounds fill, in row-major order; nil: as many rounds as come
	axis    int          // of the output, where it is not the first; may count from the end
	known   bool         // dtype and elem are known
	dtype   tensor.DType // of a round
	elem    tensor.Shape // of a round
	size    int          // bytes of a round
	packed  bool         // elements are smaller than a byte, so that rounds need not end with one
	buf     []byte       // the rounds so far, where the output has no storage yet
	strings []string     // the same for strings
	row     tensor.Tensor
	rowBuf  []byte // storage of row where it cannot be written in place
}

// begin prepares for a run. lead is kept.
func (s *stacker) begin(c *Call, index, axis int, lead []int) error {
	s.index, s.axis, s.lead = index, axis, lead
	s.known, s.buf, s.strings, s.elem = false, nil, nil, s.elem[:0]
	out := c.Out[index]
	if out == nil || !bodyPlaced(out) {
		return nil
	}
	shape := out.Shape()
	n := max(len(lead), 1)
	at, err := s.at(len(shape))
	if err != nil {
		return err
	}
	for i := range lead {
		if at+i >= len(shape) || shape[at+i] != lead[i] {
			return fmt.Errorf("ops: output %d has the inferred shape %v, but there are %v rounds", index, []int(shape), lead)
		}
	}
	if at+n > len(shape) {
		return fmt.Errorf("ops: output %d has the inferred shape %v, want an axis for the rounds", index, []int(shape))
	}
	s.elem = append(append(s.elem, shape[:at]...), shape[at+n:]...)
	return s.learn(out.DType())
}

// at returns the axis of the rounds in an output of the given rank.
func (s *stacker) at(rank int) (int, error) {
	at := s.axis
	if at < 0 {
		at += rank
	}
	if at < 0 || at > 0 && at >= rank {
		return 0, fmt.Errorf("ops: axis %d of output %d, whose rank is %d", s.axis, s.index, rank)
	}
	return at, nil
}

func (s *stacker) learn(d tensor.DType) error {
	n, err := s.elem.Count()
	if err != nil {
		return err
	}
	s.dtype, s.size, s.known = d, d.ByteLen(n), true
	s.packed = d != tensor.String && d.Bits() < 8
	return nil
}

// slot returns the tensor that the body is to write round r to.
func (s *stacker) slot(c *Call, r int) *tensor.Tensor {
	if s.known && s.dtype != tensor.String {
		s.row.Reset(s.dtype, s.elem, s.place(c, r))
	}
	return &s.row
}

// place returns storage for round r: in the output or in front of it, else the buffer of one round.
func (s *stacker) place(c *Call, r int) []byte {
	store := s.buf
	if out := c.Out[s.index]; out != nil && bodyPlaced(out) {
		store = out.Bytes()
	}
	if s.axis == 0 && !s.packed && (r+1)*s.size <= len(store) {
		return store[r*s.size : (r+1)*s.size : (r+1)*s.size]
	}
	if len(s.rowBuf) < s.size {
		s.rowBuf = make([]byte, s.size)
	}
	return s.rowBuf[:s.size]
}

// take adds what the body returned for round r.
func (s *stacker) take(c *Call, r int) error {
	t := &s.row
	if t.Kind() != tensor.KindTensor {
		return fmt.Errorf("ops: the body returns a %v, want tensors to stack in output %d", t.Kind(), s.index)
	}
	if !s.known {
		s.elem = append(s.elem[:0], t.Shape()...)
		if err := s.learn(t.DType()); err != nil {
			return err
		}
		if err := s.reserve(c); err != nil {
			return err
		}
	}
	if t.DType() != s.dtype || !t.Shape().Equal(s.elem) {
		return fmt.Errorf("ops: round %d gives %v%v for output %d, want %v%v", r, t.DType(), []int(t.Shape()), s.index, s.dtype, []int(s.elem))
	}
	out := c.Out[s.index]
	if out == nil {
		return nil
	}
	if bodyPlaced(out) {
		return s.store(out, r)
	}
	if s.dtype == tensor.String {
		s.strings = append(s.strings[:r*s.elem.Len()], t.Strings()...)
		return nil
	}
	if (r+1)*s.size > len(s.buf) {
		if err := s.grow(c, r); err != nil {
			return err
		}
	}
	copy(s.buf[r*s.size:(r+1)*s.size], t.Bytes())
	return nil
}

// reserve makes the output when the number of rounds and the shape of one are known.
func (s *stacker) reserve(c *Call) error {
	if s.lead == nil || c.Out[s.index] == nil || bodyPlaced(c.Out[s.index]) {
		return nil
	}
	dims, err := s.shape(s.lead)
	if err != nil {
		return err
	}
	_, err = c.Alloc(s.index, s.dtype, dims...)
	return err
}

// shape returns the dimensions of the output.
func (s *stacker) shape(lead []int) ([]int, error) {
	at, err := s.at(len(s.elem) + len(lead))
	if err != nil {
		return nil, err
	}
	dims := append([]int(nil), s.elem[:at]...)
	return append(append(dims, lead...), s.elem[at:]...), nil
}

// grow makes room for round r, and as much again.
func (s *stacker) grow(c *Call, r int) error {
	n := max(2*len(s.buf), (r+1)*s.size, 64)
	b, err := c.Memory.Bytes(n)
	if err != nil {
		return err
	}
	copy(b, s.buf)
	s.buf = b
	return nil
}

// store copies the row to its place in out, unless it lies there.
func (s *stacker) store(out *tensor.Tensor, r int) error {
	at, err := s.at(out.Rank())
	if err != nil {
		return err
	}
	rounds := 1
	for _, d := range s.lead {
		rounds *= d
	}
	if s.lead == nil {
		rounds = out.Shape()[0]
	}
	if r >= rounds {
		return fmt.Errorf("ops: output %d has the inferred shape %v, but there are more rounds", s.index, []int(out.Shape()))
	}
	outer := tensor.Shape(s.elem[:at]).Len()
	if s.dtype == tensor.String {
		stackRows(out.Strings(), s.row.Strings(), outer, rounds, r)
	} else if s.packed {
		n := s.elem.Len() / max(outer, 1)
		for i := range outer {
			copyPacked(out.Bytes(), (i*rounds+r)*n, s.row.Bytes(), i*n, n, s.dtype.Bits())
		}
	} else if src := s.row.Bytes(); outer != 1 || !bodySame(src, out.Bytes()[r*s.size:]) {
		stackRows(out.Bytes(), src, outer, rounds, r)
	}
	return nil
}

// stackRows writes src, outer rows, as row r of each of the outer groups of rounds rows in dst.
func stackRows[T any](dst, src []T, outer, rounds, r int) {
	if outer == 0 || len(src) == 0 {
		return
	}
	n := len(src) / outer
	for i := range outer {
		copy(dst[(i*rounds+r)*n:][:n], src[i*n:(i+1)*n])
	}
}

// clear fills round r with zeros.
func (s *stacker) clear(c *Call, r int) error {
	if !s.known {
		return nil
	}
	out := c.Out[s.index]
	if out == nil || !bodyPlaced(out) {
		return nil
	}
	if s.dtype == tensor.String {
		n := s.elem.Len()
		clear(out.Strings()[r*n : (r+1)*n])
	} else {
		clear(out.Bytes()[r*s.size : (r+1)*s.size])
	}
	return nil
}

// finish makes the output from the given number of rounds. t is its inferred type, which tells the shape
// where there was no round.
func (s *stacker) finish(c *Call, rounds int, t Type) error {
	out := c.Out[s.index]
	defer s.drop()
	if out == nil {
		return nil
	}
	if bodyPlaced(out) {
		if s.lead == nil && out.Shape()[0] != rounds {
			return fmt.Errorf("ops: output %d has the inferred shape %v, but there are %d rounds", s.index, []int(out.Shape()), rounds)
		}
		return nil
	}
	lead := s.lead
	if lead == nil {
		lead = []int{rounds}
	}
	if !s.known {
		_, err := c.Alloc(s.index, t.DType, s.unseen(c, t, lead)...)
		return err
	}
	dims := append(append([]int(nil), lead...), s.elem...)
	if s.dtype == tensor.String {
		if _, err := c.Alloc(s.index, s.dtype, dims...); err != nil {
			return err
		}
		copy(out.Strings(), s.strings)
		return nil
	}
	if s.packed {
		if _, err := c.Alloc(s.index, s.dtype, dims...); err != nil {
			return err
		}
		for r, n := 0, s.elem.Len(); r < rounds; r++ {
			copyPacked(out.Bytes(), r*n, s.buf[r*s.size:], 0, n, s.dtype.Bits())
		}
		return nil
	}
	out.Reset(s.dtype, dims, s.buf[:rounds*s.size:rounds*s.size])
	return nil
}

// unseen returns the shape of an output without rounds: sizes that nothing tells are 0.
func (s *stacker) unseen(c *Call, t Type, lead []int) []int {
	at, err := s.at(len(t.Dims))
	if !t.Ranked || err != nil || at+len(lead) > len(t.Dims) {
		return lead
	}
	said := slices.Insert(slices.Clone(s.said.Dims), min(at, len(s.said.Dims)), make([]Dim, len(lead))...)
	dims := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		if n, ok := d.Const(); ok {
			dims[i] = int(n)
		} else if n, ok := stackSize(c, d); ok {
			dims[i] = n
		} else if n, ok := saidSize(said, i, len(dims)); ok {
			dims[i] = n
		}
	}
	copy(dims[at:], lead)
	return dims
}

// stackSize evaluates a dimension with the sizes of the run, where it has them.
func stackSize(c *Call, d Dim) (int, bool) {
	if c.Size == nil {
		return 0, false
	}
	return c.Size(d)
}

// saidSize returns size i of a declared shape of the given rank, if it is one and the size is a number.
func saidSize(said []Dim, i, rank int) (int, bool) {
	if len(said) != rank {
		return 0, false
	}
	n, ok := said[i].Const()
	return int(n), ok && n >= 0 && n <= math.MaxInt32
}

// drop lets go of the storage of a run.
func (s *stacker) drop() {
	s.buf, s.strings = nil, nil
	s.row.ResetTo(&bodyEmpty)
}
