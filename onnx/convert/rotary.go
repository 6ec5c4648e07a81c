package convert

import (
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
)

// rotary writes a RotaryEmbedding out: pairs of numbers in each head turn by angles that depend on the position.
func rotary(s *site) error {
	rank, err := s.rank(0)
	if err != nil {
		return err
	}
	heads, err := s.int("num_heads", 0)
	if err != nil {
		return err
	}
	turned, err := s.int("rotary_embedding_dim", 0)
	if err != nil {
		return err
	}
	interleaved, err := s.int("interleaved", 0)
	if err != nil {
		return err
	}
	perm := onnx.NewInts("perm", 0, 2, 1, 3)
	x := s.in(0) // to become [batch, length, heads, size]
	switch {
	case rank == 4:
		x = s.emit("Transpose", []string{x}, perm)
	case heads > 0:
		x = s.reshape(x, 0, 0, heads, -1)
	default:
		return fmt.Errorf("rank %d and num_heads=%d", rank, heads)
	}
	var rest string
	if turned > 0 {
		rest = s.emit("Slice", []string{x, s.vector(turned), s.vector(1 << 31), s.vector(3)})
		x = s.emit("Slice", []string{x, s.vector(0), s.vector(turned), s.vector(3)})
	}
	x = s.turn(x, interleaved != 0)
	last := onnx.NewInt("axis", -1)
	if rest != "" {
		x = s.emit("Concat", []string{x, rest}, last)
	}
	if rank == 4 {
		return s.replaceBy("Transpose", []string{x}, perm)
	}
	return s.replaceBy("Reshape", []string{x, s.emit("Shape", []string{s.in(0)})})
}

// turn multiplies pairs of numbers, neighbours or of the two halves, by cosine and sine.
func (s *site) turn(x string, interleaved bool) string {
	last := onnx.NewInt("axis", -1)
	tables := [2]string{s.in(1), s.in(2)}
	for i := range tables {
		if s.in(3) != "" {
			tables[i] = s.emit("Gather", []string{tables[i], s.in(3)}, onnx.NewInt("axis", 0))
		}
		tables[i] = s.unsqueeze(tables[i], 2)
	}
	cos, sin := tables[0], tables[1]
	var a, b string
	if interleaved {
		far, axis, step := s.vector(1<<31), s.vector(3), s.vector(2)
		a = s.emit("Slice", []string{x, s.vector(0), far, axis, step})
		b = s.emit("Slice", []string{x, s.vector(1), far, axis, step})
	} else {
		a, b = s.fresh("half"), s.fresh("half")
		s.before = append(s.before, &onnx.Node{Name: s.fresh("halves"), OpType: "Split", Inputs: []string{x}, Outputs: []string{a, b},
			Attributes: []*onnx.Attribute{last, onnx.NewInt("num_outputs", 2)}})
	}
	first := s.emit("Sub", []string{s.emit("Mul", []string{cos, a}), s.emit("Mul", []string{sin, b})})
	second := s.emit("Add", []string{s.emit("Mul", []string{sin, a}), s.emit("Mul", []string{cos, b})})
	if !interleaved {
		return s.emit("Concat", []string{first, second}, last)
	}
	pairs := s.emit("Concat", []string{s.unsqueeze(first, 4), s.unsqueeze(second, 4)}, last)
	return s.emit("Reshape", []string{pairs, s.emit("Shape", []string{x})})
}
