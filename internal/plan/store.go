package plan

import (
	"sync"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Store is the weight store of a model: packed forms of constants, each made once.
type Store struct {
	mu      sync.Mutex
	entries map[storeKey]*storeEntry
	derived map[*byte]*graph.Derived // by their storage
	packs   int
}

type storeKey struct {
	data   *byte
	len    int
	format string
}

type storeEntry struct {
	once     sync.Once
	constant *tensor.Tensor // keeps the key's address from being used again
	packed   any
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{entries: map[storeKey]*storeEntry{}, derived: map[*byte]*graph.Derived{}}
}

// Packed implements ops.Weights.
func (s *Store) Packed(constant *tensor.Tensor, format string, pack func() any) any {
	b := constant.Bytes()
	if len(b) == 0 {
		return pack()
	}
	key := storeKey{unsafe.SliceData(b), len(b), format}
	s.mu.Lock()
	e := s.entries[key]
	if e == nil {
		e = &storeEntry{constant: constant}
		s.entries[key] = e
		s.packs++
	}
	d := s.derived[key.data]
	s.mu.Unlock()
	e.once.Do(func() {
		if d != nil {
			d.Read(func() { e.packed = pack() })
			return
		}
		e.packed = pack()
		mmap.Release(b) // most readers of a packed constant read nothing else of it
	})
	return e.packed
}

func (s *Store) addDerived(v *graph.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.derived[unsafe.SliceData(v.Const.Bytes())] = v.Derived
}

// Packs returns how many packed forms were made.
func (s *Store) Packs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.packs
}
