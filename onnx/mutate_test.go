package onnx_test

import (
	"flag"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/onnx"
)

var mutations = flag.Int("mutations", 40, "mutations of each model in TestMutations")

// TestMutations changes a few bytes of real and official models: an error or a model, never a panic. What
// decodes can be checked, dumped, encoded, and its tensors asked for.
func TestMutations(t *testing.T) {
	var list [][]byte
	for _, c := range cases(t, "models.zip") {
		if b := c.read(t, "model.onnx"); len(b) < 1<<20 {
			list = append(list, b)
		}
	}
	for _, c := range cases(t, "node.zip")[:40] {
		list = append(list, c.read(t, "model.onnx"))
	}
	rng := rand.New(rand.NewPCG(3, 4))
	decoded := 0
	for _, original := range list {
		for range *mutations {
			b := slices.Clone(original)
			for range 1 + rng.IntN(4) {
				b[rng.IntN(len(b))] = byte(rng.Uint32())
			}
			m, err := onnx.Decode(b)
			if err != nil {
				continue
			}
			decoded++
			onnx.Check(m)
			if err := onnx.Dump(io.Discard, m); err != nil {
				t.Fatal(err)
			}
			onnx.Encode(m)
			if m.Graph != nil {
				for _, w := range m.Graph.Initializers {
					_, _ = w.Value()
				}
			}
		}
	}
	t.Logf("%d mutations, %d decode", len(list)**mutations, decoded)
}
