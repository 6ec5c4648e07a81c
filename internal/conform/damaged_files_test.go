package conform_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/opt"
	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// damagedRuns is how many damaged models each of these tests opens, optimises and runs.
const damagedRuns = 300

// TestDamagedExternal changes where weights in a second file lie, and what that file holds: nothing may panic, read outside of the
// file or the folder, or take more memory than the limit, and an error about a weight names it or the file.
func TestDamagedExternal(t *testing.T) {
	refused := 0
	for seed := range uint64(shorter(damagedRuns)) {
		r, dir := rand.New(rand.NewPCG(seed, 31)), t.TempDir()
		m := newBlockModelOf(1+seed%40, tensor.Float32)
		name, data := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "weights.bin")
		if err := onnx.WriteFile(name, m.model(), &onnx.WriteOptions{External: "weights.bin", ExternalSize: 8}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "outside.bin"), make([]byte, 1<<16), 0o644); err != nil {
			t.Fatal(err)
		}
		did, damaged, err := damageExternal(r, name, data)
		if err != nil {
			t.Fatal(err)
		}
		if damaged == nil {
			continue // no weights
		}
		err = useFile(name, r.IntN(2) == 0)
		if err == nil {
			continue
		}
		refused++
		if text := err.Error(); strings.Contains(text, "internal error") || strings.Contains(text, "panic") {
			t.Errorf("seed %d: %s: %v", seed, did, err)
		} else if !strings.Contains(text, damaged.Name) && !strings.Contains(text, "weights.bin") && !strings.Contains(text, "node \"") { // other weights than were meant run, or fail at their node
			t.Errorf("seed %d: %s of %q: the error names neither weight, file nor node: %v", seed, did, damaged.Name, err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

func shorter(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// damageExternal changes an entry of a weight's external data in a model's file, or the length of the second file.
func damageExternal(r *rand.Rand, name, data string) (did string, p *tensor.Proto, err error) {
	msg, err := os.ReadFile(name)
	if err != nil {
		return "", nil, err
	}
	m, err := onnx.Decode(msg)
	if err != nil {
		return "", nil, err
	}
	var list []*tensor.Proto
	for _, p := range m.Graph.Initializers {
		if p.Location == tensor.LocationExternal {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return "", nil, nil
	}
	p = list[r.IntN(len(list))]
	switch r.IntN(8) {
	case 0:
		info, err := os.Stat(data)
		if err != nil {
			return "", nil, err
		}
		n := r.Int64N(info.Size())
		return fmt.Sprintf("file cut to %d", n), p, os.Truncate(data, n)
	case 1:
		return "no file", p, os.Remove(data)
	}
	key := []string{"offset", "length", "location"}[r.IntN(3)]
	values := []string{"-1", "1", "7", "0", "", "x", "1e3", "4096", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "99999999999999999999999", " 8", "+8", "0x10"}
	if key == "location" {
		values = []string{"", ".", "..", "../outside.bin", "/etc/hostname", "a/../../outside.bin", "weights.bin/", "./weights.bin", "model.onnx", "weights.bin\x00", "/dev/zero", "..\\outside.bin", strings.Repeat("a", 5000)}
	}
	value := values[r.IntN(len(values))]
	i := slices.IndexFunc(p.External, func(e tensor.ProtoEntry) bool { return e.Key == key })
	switch {
	case i < 0 || r.IntN(8) == 0:
		p.External = append(p.External, tensor.ProtoEntry{Key: key, Value: value})
	case r.IntN(8) == 0:
		p.External, value = slices.Delete(p.External, i, i+1), "absent"
	default:
		p.External[i].Value = value
	}
	if r.IntN(6) == 0 {
		p.Dims = append(p.Dims, []int64{0, -1, 2, 1 << 40}[r.IntN(4)])
	}
	return fmt.Sprintf("%s=%.40q dims %v", key, value, p.Dims), p, os.WriteFile(name, onnx.Encode(m), 0o644)
}

// useFile opens, optimises and runs a model of files, as check, optimize and run do.
func useFile(name string, noMap bool) error {
	return guarded(func() error {
		s, err := runtime.Open(name, &runtime.Options{MemoryLimit: 32 << 20, Threads: 2, NoMap: noMap})
		if err != nil {
			return err
		}
		defer s.Close()
		f, err := onnx.Open(name, &onnx.OpenOptions{NoMap: noMap})
		if err != nil {
			return err
		}
		defer f.Close()
		return use(s, f.Model, nil)
	})
}

// use optimises a model, and runs it in a session, with made up inputs if in is nil and they can be made.
func use(s *runtime.Session, m *onnx.Model, in values) error {
	if _, err := optimised(m); err != nil {
		return fmt.Errorf("optimize: %w", err)
	}
	if in == nil {
		var err error
		if in, _, err = new(feed.Source).Inputs(s.Inputs()); err != nil {
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := s.Run(ctx, in)
	return err
}

// optimised returns what the optimize command would write.
func optimised(m *onnx.Model) ([]byte, error) {
	g, err := graph.Build(m, ops.Default())
	if err != nil {
		return nil, err
	}
	if g, err = opt.Apply(g, opt.Options{Standard: true}); err != nil {
		return nil, err
	}
	if m, err = graph.Export(g, m); err != nil {
		return nil, err
	}
	return onnx.Encode(m), nil
}

var errEndless = errors.New("internal error: it does not end")

// guarded runs f, whose panic is an error, as is that it takes long.
func guarded(f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("internal error: panic: %v", p)
			}
		}()
		done <- f()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(60 * time.Second):
		return errEndless
	}
}
