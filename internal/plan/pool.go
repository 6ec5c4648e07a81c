package plan

import (
	"math/bits"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/mem"
)

// pool hands out storage for values whose size only running can tell. It implements ops.Memory. Storage
// comes in powers of two and is kept for the next value; storage that leaves the frame is forgotten.
type pool struct {
	limit, used int
	free        [bits.UintSize][][]byte // by log2 of the capacity
	fresh       [][]byte                // handed out since the last adopt
}

// Bytes implements ops.Memory.
func (p *pool) Bytes(n int) ([]byte, error) {
	class := bits.Len(uint(max(n, alignment) - 1))
	if l := p.free[class]; n >= 0 && len(l) > 0 {
		b := l[len(l)-1]
		p.free[class] = l[:len(l)-1]
		p.fresh = append(p.fresh, b)
		return b[:n:n], nil
	}
	if err := p.Room(n); err != nil {
		return nil, err
	}
	size := 1 << class
	p.used += size
	b := mem.Partly(size, n)
	p.fresh = append(p.fresh, b)
	return b[:n:n], nil
}

// Room implements ops.Memory.
func (p *pool) Room(n int) error {
	if n < 0 || n >= 1<<(bits.UintSize-3) || p.limit > 0 && (n > p.limit || p.used > p.limit-n) {
		return &LimitError{Need: max(p.used+n, n), Limit: p.limit}
	}
	return nil
}

// adopt returns the whole of the fresh storage that b lies at the start of, nil if b is not fresh.
func (p *pool) adopt(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	for i, s := range p.fresh {
		if s != nil && unsafe.SliceData(s) == unsafe.SliceData(b) {
			p.fresh[i] = nil
			return s
		}
	}
	return nil
}

// settle forgets fresh storage that nobody adopted: it belongs to the elements of a sequence or the like.
func (p *pool) settle() {
	for i, b := range p.fresh {
		p.used -= len(b)
		p.fresh[i] = nil
	}
	p.fresh = p.fresh[:0]
}

// give takes storage back.
func (p *pool) give(b []byte) {
	class := bits.Len(uint(len(b) - 1))
	p.free[class] = append(p.free[class], b)
}

// forget lets storage go to whoever holds it.
func (p *pool) forget(b []byte) { p.used -= len(b) }
