package ops

import (
	"math"
	"math/bits"
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/kernel/move"
	"github.com/onnxrun/onnxrun/tensor"
)

// A rowCache reads few rows of a constant table in a mapped file from the file, see gatherFew, and keeps those that lie alone for the next
// runs: asking the system takes about a microsecond for each. It serves any number of goroutines: while one is at it, others read.
type rowCache struct {
	fileRows
	table *byte // where the rows are mapped

	mu   sync.Mutex
	keys []uint32 // 1 + the row that a place holds; in sets of ways places
	next []uint8  // which place of a set is given away next
	data []byte
}

const (
	// ways is how many places there are for a row.
	ways = 8
	// mostKept is the size in bytes that rows are kept in, and keptPart the part of a table, one row in so many.
	mostKept, keptPart = 2 << 20, 8
)

// newRowCache returns a cache of the rows of constant input 0; nil where these are not to be read from a file.
func newRowCache(k *KernelCtx, attr int) *rowCache {
	table := k.Const(0)
	if table == nil || table.Start() == nil {
		return nil
	}
	s := table.Shape()
	if axis, err := mvAxis(attr, len(s)); err != nil || axis != 0 {
		return nil
	}
	b, row := unsafe.Slice(table.Start(), table.DType().ByteLen(table.Len())), mvLen(s[1:])*table.DType().Size()
	if !largeRows(len(b), s[0], row) || s[0] < ways*keptPart || row > mostKept/ways || uint64(s[0]) >= math.MaxUint32 {
		return nil
	}
	rows, ok := findRows(b, s[0], row)
	if !ok {
		return nil
	}
	return &rowCache{fileRows: rows, table: table.Start()}
}

// of reports whether x is the table.
func (c *rowCache) of(x *tensor.Tensor) bool { return c != nil && c.table == x.Start() }

// grow makes places for twice as many rows, if they may be kept.
func (c *rowCache) grow(rows int) bool {
	most := min(mostKept/c.row, c.axis/keptPart)
	sets := 1 << bits.Len(uint(2*rows-1)/ways)
	if rows > most || sets <= len(c.next) {
		return rows <= most
	}
	for sets > 1 && sets*ways > most {
		sets /= 2
	}
	if sets > len(c.next) {
		c.keys, c.next, c.data = make([]uint32, sets*ways), make([]uint8, sets), make([]byte, sets*ways*c.row)
	}
	return true
}

// gatherKept is gatherFew for the table of a cache, which may be nil.
func gatherKept[I move.Index](c *rowCache, dst []byte, index []I) (bool, error) {
	if c == nil {
		return false, nil
	}
	rows := max(1, stretches(index))
	if rows*fewRows > c.axis {
		return false, nil
	}
	if err := move.CheckIndex(index, c.axis); err != nil {
		return true, err
	}
	if !c.mu.TryLock() {
		return true, readRows(c.fileRows, nil, dst, index)
	}
	defer c.mu.Unlock()
	kept := c
	if !c.grow(rows) {
		kept = nil
	}
	return true, readRows(c.fileRows, kept, dst, index)
}

// take copies row r, and keeps it.
func (c *rowCache) take(dst []byte, r int) error {
	set := int(uint32(r)*0x9e3779b1>>16) & (len(c.next) - 1)
	keys := c.keys[set*ways:][:ways]
	for w, k := range keys {
		if k == uint32(r)+1 {
			copy(dst, c.data[(set*ways+w)*c.row:])
			return nil
		}
	}
	if err := c.read(dst, r); err != nil {
		return err
	}
	w := int(c.next[set]) % ways
	c.next[set]++
	keys[w] = uint32(r) + 1
	copy(c.data[(set*ways+w)*c.row:], dst)
	return nil
}
