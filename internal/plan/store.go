package plan

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/onnxrun/onnxrun/internal/cache"
	"github.com/onnxrun/onnxrun/internal/graph"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Store is the weight store of a model: packed forms of constants, each made once.
type Store struct {
	cache   *cache.Cache // nil: none
	mu      sync.Mutex
	entries map[storeKey]*storeEntry
	derived map[*byte]*graph.Derived // by their storage
	packs   int
	keeps   atomic.Bool // programs are compiled to run more than once: see Options.Later
}

type storeKey struct {
	data *byte
	len  int
	form string // element type, shape and format
}

type storeEntry struct {
	once     sync.Once
	constant *tensor.Tensor // keeps the key's address from being used again
	packed   any
}

// NewStore returns an empty store. Forms that are in the cache, which may be nil, are taken from there, and others
// given to it.
func NewStore(c *cache.Cache) *Store {
	return &Store{cache: c, entries: map[storeKey]*storeEntry{}, derived: map[*byte]*graph.Derived{}}
}

// Packed implements ops.Weights.
func (s *Store) Packed(constant *tensor.Tensor, format string, pack func(*ops.Room) any) any {
	return s.PackedRows(constant, format, pack, nil)
}

// PackedRows implements ops.Weights.
func (s *Store) PackedRows(constant *tensor.Tensor, format string, pack func(*ops.Room) any, rows func(ops.Rows) any) any {
	start := constant.Start()
	if start == nil {
		return pack(nil)
	}
	key := storeKey{start, constant.DType().ByteLen(constant.Len()), fmt.Sprint(constant.DType(), constant.Shape(), format)}
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
		if d != nil && rows != nil && s.cache == nil && d.ReadRows(func(r func([]float32, int)) { e.packed = rows(r) }) {
			return
		}
		if d != nil {
			d.Read(func() { e.packed = s.pack(constant, key.form, pack) })
			return
		}
		e.packed = s.pack(constant, key.form, pack)
		mmap.Release(constant.Bytes()) // most readers of a packed constant read nothing else of it
	})
	return e.packed
}

// Read implements ops.Weights.
func (s *Store) Read(constant *tensor.Tensor, spare *ops.Spare, f func([]float32)) {
	s.mu.Lock()
	d := s.derived[constant.Start()]
	s.mu.Unlock()
	if d != nil {
		x := spare.Floats(constant.Len())
		d.Fill(x)
		f(x)
		return
	}
	f(tensor.Of[float32](constant))
	mmap.ReleaseSoon(constant.Bytes())
}

// ReadRows implements ops.Weights.
func (s *Store) ReadRows(constant *tensor.Tensor, f func(ops.Rows)) bool {
	s.mu.Lock()
	d := s.derived[constant.Start()]
	s.mu.Unlock()
	return d != nil && d.ReadRows(func(r func([]float32, int)) { f(r) })
}

// pack takes a form of the constant from the cache, or makes it.
func (s *Store) pack(constant *tensor.Tensor, form string, pack func(*ops.Room) any) any {
	if s.cache == nil {
		return pack(nil)
	}
	k, err := s.cache.Form(constant.Bytes(), form)
	if err != nil {
		return pack(nil)
	}
	if parts := s.cache.Get(k); parts != nil {
		room := mem.Filled(parts)
		if packed := pack(room); room.Fits() {
			return packed
		}
	}
	room := &mem.Room{}
	packed := pack(room)
	s.cache.Put(k, room.Parts())
	return packed
}

func (s *Store) addDerived(v *graph.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.derived[v.Const.Start()] = v.Derived
}

// Packs returns how many packed forms were made.
func (s *Store) Packs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.packs
}
