package runtime_test

import (
	"context"
	"os"
	"testing"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// decoder opens a weight-stripped decoder with random weights.
func decoder(t testing.TB, name string) *runtime.Session {
	t.Helper()
	dir := "../../shared/stripped/" + name
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not here: its growing past is not tried", dir)
	}
	f, err := onnx.Open(dir+"/model.onnx", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := feed.FillFrom(f.Model, dir+"/fill.json"); err != nil {
		t.Fatal(err)
	}
	s, err := runtime.New(f, &runtime.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// step returns inputs for one new token after past tokens; caches are zero.
func step(s *runtime.Session, past int) map[string]*tensor.Tensor {
	in := map[string]*tensor.Tensor{}
	for _, v := range s.Inputs() {
		switch v.Name {
		case "input_ids", "position_ids":
			in[v.Name] = tensor.FromSlice([]int64{int64(past % 100)}, 1, 1)
		case "attention_mask":
			ones := make([]int64, past+1)
			for i := range ones {
				ones[i] = 1
			}
			in[v.Name] = tensor.FromSlice(ones, 1, past+1)
		default:
			in[v.Name] = tensor.New(tensor.Float32, 1, v.Dims[1].Value, past, v.Dims[3].Value)
		}
	}
	return in
}

// TestGrowingPast lets the past of a decoder grow by one token a step: nothing is compiled after the first step
// or packed after the second, and memory is laid out anew only now and then.
func TestGrowingPast(t *testing.T) {
	for _, name := range []string{"gpt2_tiny_past", "llama_tiny"} {
		t.Run(name, func(t *testing.T) {
			s := decoder(t, name)
			run := func(past int) {
				if _, err := s.Run(context.Background(), step(s, past)); err != nil {
					t.Fatalf("past %d: %v", past, err)
				}
			}
			const last = 120 // gpt2_tiny_past has 128 positions
			run(1)
			run(2)
			programs, packs, _, _, dynamic := s.Counts()
			for i := range 198 {
				past := 3 + i%last
				run(past)
			}
			p, k, binds, layouts, _ := s.Counts()
			if p != programs || k != packs {
				t.Errorf("%d programs and %d packed constants after the second step", p-programs, k-packs)
			}
			if binds != 200 || layouts > 40 {
				t.Errorf("%d bindings, want 200; %d layouts, want at most 40", binds, layouts)
			}
			t.Logf("%d layouts, %d steps with shapes found while running", layouts, dynamic)
		})
	}
}

// BenchmarkPast compares a step at growing lengths with one at their mean.
func BenchmarkPast(b *testing.B) {
	for _, name := range []string{"gpt2_tiny_past", "llama_tiny"} {
		for _, mode := range []string{"growing", "fixed"} {
			b.Run(name+"/"+mode, func(b *testing.B) {
				s := decoder(b, name)
				out := map[string]*tensor.Tensor{}
				steps := make([]map[string]*tensor.Tensor, 200)
				for i := range steps {
					past := i%120 + 1
					if mode == "fixed" {
						past = 60
					}
					steps[i] = step(s, past)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					if err := s.RunInto(context.Background(), steps[i%200], out); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
