package ops

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

// mappedBytes returns n random bytes in a mapped file, some way behind its beginning.
func mappedBytes(t *testing.T, n int) (b []byte, name string) {
	t.Helper()
	const before = 12345
	data := make([]byte, before+n)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(data)
	name = filepath.Join(t.TempDir(), "table")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := mmap.MapOpen(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if !m.Mapped() {
		t.Skip("no file is mapped on " + runtime.GOOS)
	}
	if !m.Readable() {
		t.Fatal("the file did not stay open")
	}
	return m.Bytes()[before:], name
}

// TestGatherFew compares rows that are read from a file with those that move.Gather copies.
func TestGatherFew(t *testing.T) {
	const axis, row = 1024, 1536
	table, _ := mappedBytes(t, axis*row)
	for name, index := range map[string][]int32{
		"one": {5}, "none": {}, "negative": {-1, 3, -1024}, "stretches": {7, 8, 9, 1023, 0, 1, 2, 2, -3, -2, -1, 0}, "last": {1022, 1023, 0},
	} {
		got, want := make([]byte, len(index)*row), make([]byte, len(index)*row)
		done, err := gatherFew(got, table, index, axis, row)
		if err != nil || !done {
			t.Fatalf("%s: done %v, %v", name, done, err)
		}
		if err := move.Gather(want, table, index, 1, axis, row, 1); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: other rows than those of the table", name)
		}
	}
	for _, i := range []int64{axis, -axis - 1, 1 << 40} {
		if done, err := gatherFew(make([]byte, row), table, []int64{i}, axis, row); !done || err == nil {
			t.Errorf("index %d: done %v, no error", i, done)
		}
	}
}

// TestGatherFewDeclines asks for what is copied from the mapping, or from memory.
func TestGatherFewDeclines(t *testing.T) {
	const axis, row = 1024, 1536
	table, name := mappedBytes(t, axis*row)
	many := make([]int64, axis)
	for i := range many {
		many[i] = int64(i * 7 % axis)
	}
	for _, tc := range []struct {
		why       string
		src       []byte
		index     []int64
		axis, row int
	}{
		{"many rows", table, many, axis, row},
		{"short rows", table, many[:1], axis * 2, row / 2},
		{"a small table", table[:leastTable-row/2], many[:1], 1, leastTable - row/2},
		{"memory", slices.Clone(table), many[:1], axis, row},
	} {
		if done, err := gatherFew(make([]byte, len(tc.index)*tc.row), tc.src, tc.index, tc.axis, tc.row); done || err != nil {
			t.Errorf("%s: done %v, %v", tc.why, done, err)
		}
	}
	if err := os.Truncate(name, 4096); err != nil {
		t.Fatal(err)
	}
	if done, err := gatherFew(make([]byte, row), table, []int64{axis - 1}, axis, row); !done || !errors.Is(err, mmap.ErrFault) {
		t.Errorf("a row that the file has lost: done %v, %v", done, err)
	}
}
