package ops

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
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

// TestGatherKept reads rows of a table again and again, on several goroutines, more of them than are kept.
func TestGatherKept(t *testing.T) {
	const axis, row = 2048, 1536
	table, name := mappedBytes(t, axis*row)
	rows := cacheOf(t, table, axis, row)
	if rows == nil {
		t.Fatal("no cache of a large table in a file")
	}
	round := func(rng *rand.Rand) {
		index := make([]int64, rng.IntN(axis/fewRows))
		for i := range index {
			if index[i] = rng.Int64N(400) - 200; i > 0 && rng.IntN(4) == 0 {
				index[i] = index[i-1] + 1
			}
		}
		got, want := make([]byte, len(index)*row), make([]byte, len(index)*row)
		if done, err := gatherKept(rows, got, index); err != nil || !done {
			t.Errorf("%d rows: done %v, %v", len(index), done, err)
		}
		if err := move.Gather(want, table, index, 1, axis, row, 1); err != nil {
			t.Error(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("rows %v: others than those of the table", index)
		}
	}
	var wait sync.WaitGroup
	for g := range 3 {
		wait.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			for range 100 {
				round(rng)
			}
		})
	}
	wait.Wait()
	if n := len(rows.data); n == 0 || n > min(mostKept, len(table)/keptPart) {
		t.Errorf("%d bytes are kept of %d", n, len(table))
	}
	index, dst := []int32{7, 300, 7}, make([]byte, 3*row)
	if n := testing.AllocsPerRun(10, func() { _, _ = gatherKept(rows, dst, index) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, i := range []int64{axis, -axis - 1, 1 << 40} {
		if done, err := gatherKept(rows, dst, []int64{i}); !done || err == nil {
			t.Errorf("index %d: done %v, no error", i, done)
		}
	}
	if done, err := gatherKept(rows, make([]byte, axis*row), make([]int64, axis)); done || err != nil {
		t.Errorf("many rows: done %v, %v", done, err)
	}
	if err := os.Truncate(name, 4096); err != nil {
		t.Fatal(err)
	}
	if done, err := gatherKept(rows, dst, []int64{axis / 2}); !done || !errors.Is(err, mmap.ErrFault) {
		t.Errorf("a row that the file has lost: done %v, %v", done, err)
	}
}

// TestRowCacheDeclines asks for tables that are small, have short rows, lie in memory, or are gathered from along another axis.
func TestRowCacheDeclines(t *testing.T) {
	table, _ := mappedBytes(t, 1024*1536)
	for why, c := range map[string]*rowCache{
		"small":      cacheOf(t, table[:100*1536], 100, 1536),
		"short rows": cacheOf(t, table, 2048, 768),
		"few rows":   cacheOf(t, table, 32, 49152),
		"memory":     cacheOf(t, slices.Clone(table), 1024, 1536),
	} {
		if c != nil {
			t.Errorf("%s: rows are kept", why)
		}
	}
	x, err := tensor.FromBytes(tensor.Uint8, tensor.Shape{1024, 1536}, table)
	if err != nil {
		t.Fatal(err)
	}
	if newRowCache(&KernelCtx{In: []Value{{Const: x}}}, 1) != nil || newRowCache(&KernelCtx{In: []Value{{}}}, 0) != nil {
		t.Error("rows of columns, or of what is not constant, are kept")
	}
	if done, err := gatherKept(nil, nil, []int32{1}); done || err != nil {
		t.Errorf("no cache: done %v, %v", done, err)
	}
}

// cacheOf returns the cache for a constant table.
func cacheOf(t *testing.T, table []byte, axis, row int) *rowCache {
	t.Helper()
	x, err := tensor.FromBytes(tensor.Uint8, tensor.Shape{axis, row}, table[:axis*row])
	if err != nil {
		t.Fatal(err)
	}
	return newRowCache(&KernelCtx{In: []Value{{Const: x}}}, 0)
}
