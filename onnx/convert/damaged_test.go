package convert_test

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/convert"
)

// TestDamaged converts damaged copies of official models: whatever they say, nothing panics.
func TestDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	suite, err := conform.Find(filepath.Join(archives, "node.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer suite.Close()
	converted := 0
	for range 20000 {
		c := suite.Cases[rng.IntN(len(suite.Cases))]
		msg, err := fs.ReadFile(c.Files, "model.onnx")
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + rng.IntN(3) {
			msg[rng.IntN(len(msg))] ^= byte(1 << rng.IntN(8))
		}
		m, err := onnx.Decode(msg)
		if err != nil {
			continue
		}
		target := 1 + rng.IntN(28)
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s to %d: panic: %v\n%s", c.Name, target, p, debug.Stack())
				}
			}()
			if _, err := convert.Model(m, map[string]int{"": target}); err == nil {
				converted++
			}
		}()
	}
	if converted < 1000 {
		t.Errorf("only %d damaged models were converted: the test does not reach far", converted)
	}
}
