package conform_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/conform"
	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/models"
	"github.com/onnxrun/onnxrun/runtime"
)

// mutations is how many damaged models TestMutations opens and runs, over all models.
const mutations = 10000

// realModels are small models with trained weights beside the project; packedModels lie in the archives.
var (
	realModels = []string{
		"bikesharing_onehot", "cifar_qdq_s8", "godot_jumper", "hand_history_lstm", "hand_keypoint", "iris_pytorch",
		"mnist8_ort", "mnist8_qoperator", "tract_lgbm_classifier", "tract_qtdnn",
	}
	packedModels = []string{
		"simple/test_sequence_model4", "simple/test_expand_shape_model4", "pytorch-converted/test_Conv1d_groups",
		"pytorch-converted/test_BatchNorm2d_eval", "pytorch-operator/test_operator_repeat_dim_overflow",
	}
)

// TestMutations changes bytes of models and opens and runs what comes out: anything may be refused or fail,
// nothing may panic, hang, or take more memory than the limit.
func TestMutations(t *testing.T) {
	list := map[string][]byte{"digits": models.Digits}
	for name, data := range packed(t) {
		list[name] = data
	}
	for _, name := range realModels {
		data, err := os.ReadFile(filepath.Join("../../../shared/models", name, "model.onnx"))
		if err != nil {
			t.Logf("%s is left out: %v", name, err)
			continue
		}
		list[name] = data
	}
	n := mutations / len(list)
	if testing.Short() {
		n /= 20
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		data := list[name]
		t.Run(name, func(t *testing.T) {
			start, opened, ran := time.Now(), 0, 0
			rng := rand.New(rand.NewPCG(1, uint64(len(data))))
			for i := range n {
				o, r, err := survive(mutate(rng, data))
				if err != nil {
					t.Errorf("mutation %d: %v", i, err)
				}
				opened, ran = opened+o, ran+r
			}
			t.Logf("%d mutations: %d open, %d run, %.1f s", n, opened, ran, time.Since(start).Seconds())
		})
	}
}

func packed(t *testing.T) map[string][]byte {
	suite, err := conform.Find(filepath.Join(archives, "models.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer suite.Close()
	list := map[string][]byte{}
	for _, c := range suite.Cases {
		if !slices.Contains(packedModels, c.Name) {
			continue
		}
		if list[c.Name], err = fs.ReadFile(c.Files, "model.onnx"); err != nil {
			t.Fatal(err)
		}
	}
	if len(list) != len(packedModels) {
		t.Fatalf("the archive holds %d of the %d models", len(list), len(packedModels))
	}
	return list
}

// mutate changes one to four places: a bit, a byte, a run of bytes, or the length.
func mutate(rng *rand.Rand, data []byte) []byte {
	m := slices.Clone(data)
	for range 1 + rng.IntN(4) {
		// structure is at both ends of a file and weights in the middle: half of the places are near an end
		at := rng.IntN(len(m))
		if rng.IntN(2) == 0 {
			at = rng.IntN(min(len(m), 2048))
			if rng.IntN(2) == 0 {
				at = len(m) - 1 - at
			}
		}
		switch rng.IntN(8) {
		case 0, 6, 7:
			m[at] ^= 1 << rng.IntN(8)
		case 1:
			m[at] = byte(rng.Uint32())
		case 2:
			m[at] = []byte{0, 1, 0x7f, 0x80, 0xff}[rng.IntN(5)]
		case 3:
			from := rng.IntN(len(m))
			copy(m[at:], m[from:min(len(m), from+rng.IntN(16))])
		case 4:
			m = slices.Delete(m, at, min(len(m), at+1+rng.IntN(4)))
		case 5:
			m = slices.Insert(m, at, byte(rng.Uint32()))
		}
		if len(m) == 0 {
			return []byte{0}
		}
	}
	return m
}

// survive opens and runs one model. It returns an error for a panic, also one that a session turned into an
// error, and for a run that does not stop.
func survive(model []byte) (opened, ran int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var counts [2]int // read only where the run has ended
	err = guarded(func() (err error) {
		counts[0], counts[1], err = openAndRun(ctx, model)
		return err
	})
	switch {
	case errors.Is(err, errEndless):
		return 0, 0, err
	case err != nil && !strings.Contains(err.Error(), "internal error"):
		err = nil
	}
	return counts[0], counts[1], err
}

func openAndRun(ctx context.Context, model []byte) (opened, ran int, err error) {
	s, err := runtime.OpenBytes(model, &runtime.Options{MemoryLimit: 32 << 20, Threads: 1 + len(model)%2})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	for _, info := range s.Inputs() {
		n := 1
		for _, d := range info.Dims {
			if n *= max(d.Value, 1); n > 1<<20 || n < 0 {
				return 1, 0, nil // the test would have to make an input of that size
			}
		}
	}
	in, _, err := new(feed.Source).Inputs(s.Inputs())
	if err != nil {
		return 1, 0, nil
	}
	if _, err := s.Run(ctx, in); err != nil {
		return 1, 0, err
	}
	return 1, 1, nil
}
