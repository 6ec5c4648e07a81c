// Package cache keeps packed forms of weights in files, so that the next start of a model maps them instead of packing
// the weights again.
//
// A folder holds one file for each model, build of the program and set of processor features. A form in it is named by a
// hash of the content of the constant that it was made of, its element type and shape, and the format. The
// content is hashed in full, with XXH3 of 128 bits; what was hashed once is remembered in a stamp, which is valid as long
// as the system reports the same device, inode, size and times of the file (mmap.Identity). So a weight that has changed
// is never taken for the old one: its file has other times, hence no stamp, hence another hash.
//
// Files are read through mappings. A file is trusted as it is if there is a stamp for it; otherwise the checksum of each
// form is compared before it is used. New files are written beside the old one and renamed, so several processes may use
// a folder at once. Whatever goes wrong costs the cache, not the model: see Info.
//
// It imports internal/mem, internal/mmap, internal/cpu and internal/par.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/onnxrun/onnxrun/internal/mmap"
)

// Options say where forms are kept, and of what model.
type Options struct {
	Dir     string
	Limit   int64  // bytes that the files of the folder may take; 0: DefaultLimit
	Model   []byte // the encoded model, without external data
	Threads int    // upper bound for hashing when the cache is opened
}

// DefaultLimit bounds what a folder takes if nothing else is said.
const DefaultLimit = 10 << 30

// A Key names a packed form.
type Key [sha256.Size]byte

// Info says what a cache was good for.
type Info struct {
	File   string // its name; empty: there is none
	Loaded int    // forms that were mapped
	Packed int    // forms that were packed
	Bytes  int64  // size of the file that was mapped or written
	Err    error  // why the file was not used or not written; nil if all went well
}

// A Cache holds the packed forms of one model. It is safe for many goroutines.
type Cache struct {
	opts    Options
	name    string
	id      Key // of the file
	stamps  stamps
	threads int

	mu       sync.Mutex
	file     *mmap.File
	pack     *pack // of file; nil if there is none
	checked  bool  // the whole file is known to be as it was written
	verified map[Key]bool
	added    []form
	seen     map[Key]bool // added ones
	used     map[Key]bool
	sources  map[*mmap.File]*source
	info     Info

	saving sync.Mutex
}

// source is a mapped file that constants lie in.
type source struct {
	once sync.Once
	hash Hash
	err  error
	done bool // the fields above are set; guarded by Cache.mu
}

// form is a packed form to be written.
type form struct {
	key   Key
	parts [][]float32
}

// Open opens the cache of a model. It does not fail: without a usable file the cache is empty, and Info says why.
func Open(o Options) *Cache {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	c := &Cache{opts: o, stamps: stamps{filepath.Join(o.Dir, "stamps")}, threads: max(o.Threads, 1), verified: map[Key]bool{},
		seen: map[Key]bool{}, used: map[Key]bool{}, sources: map[*mmap.File]*source{}}
	c.fail(mmap.Guard(c.open))
	c.threads = 1 // from here on several constants are hashed at once
	return c
}

// open finds and maps the file.
func (c *Cache) open() error {
	program, err := build()
	if err != nil {
		return err
	}
	model, err := c.content(c.opts.Model)
	if err != nil {
		return err
	}
	c.id = keyOf("file", program, machine(), model)
	c.name = filepath.Join(c.opts.Dir, hex.EncodeToString(c.id[:16])+extension)
	c.file, c.pack, err = openPack(c.name, c.id)
	if err != nil || c.pack == nil {
		return err
	}
	c.info.Bytes = c.pack.size
	id, _ := c.file.Identity()
	if sum, ok := c.stamps.get(id); ok && sum == c.pack.sum {
		c.checked = true
	}
	return nil
}

// Form returns the key of a packed form of a constant, whose bytes must be readable. The description says what else the
// form depends on: element type, shape, format.
func (c *Cache) Form(constant []byte, description string) (Key, error) {
	content, err := c.content(constant)
	return keyOf("form", content, description), err
}

// keyOf returns a key that depends on all parts.
func keyOf(parts ...string) (k Key) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	h.Sum(k[:0])
	return k
}

// content names the content of b: by a hash of its own, or by that of the file that it lies in and its place there.
func (c *Cache) content(b []byte) (name string, err error) {
	f, at := mmap.Find(b)
	if f == nil {
		h := hashOf(b, c.threads, nil)
		return string(h[:]), nil
	}
	c.mu.Lock()
	s := c.sources[f]
	if s == nil {
		s = &source{}
		c.sources[f] = s
	}
	c.mu.Unlock()
	s.once.Do(func() {
		s.err = mmap.Guard(func() error { c.hash(f, s); return nil })
		c.mu.Lock()
		s.done = true
		c.mu.Unlock()
	})
	return fmt.Sprintf("%x at %d+%d", s.hash, at, len(b)), s.err
}

// hash finds the hash of a mapped file, by its stamp if there is one.
func (c *Cache) hash(f *mmap.File, s *source) {
	id, settled := f.Identity()
	if h, ok := c.stamps.get(id); ok {
		s.hash = h
		return
	}
	s.hash = hashOf(f.Bytes(), c.threads, mmap.Release)
	if settled {
		c.stamps.put(id, s.hash) // fails where nothing can be written; then it is hashed again next time
	}
}

// Get returns the elements of a form, read only and valid until Close, or nil if the cache does not have them.
func (c *Cache) Get(k Key) [][]float32 {
	c.mu.Lock()
	p, known := c.pack, c.checked || c.verified[k]
	c.mu.Unlock()
	e, ok := p.find(k)
	if !ok {
		return nil
	}
	if !known {
		if err := mmap.Guard(func() error { return p.verify(e) }); err != nil {
			c.fail(err)
			return nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verified[k], c.used[k] = true, true
	c.info.Loaded++
	return p.parts(e)
}

// Put hands over the elements of a form, which must not change any more, for Save.
func (c *Cache) Put(k Key, parts [][]float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(parts) == 0 || c.seen[k] {
		return
	}
	c.seen[k], c.used[k] = true, true
	c.added = append(c.added, form{k, parts})
	c.info.Packed++
}

// fail records the first thing that went wrong.
func (c *Cache) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.info.Err == nil {
		c.info.Err = fmt.Errorf("cache: %w", err)
	}
}

// Info returns what the cache was good for until now. It waits for a Save that is under way.
func (c *Cache) Info() Info {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.info
	if i.Bytes > 0 {
		i.File = c.name
	}
	return i
}

// Close unmaps the file: what Get returned must not be used any more.
func (c *Cache) Close() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.file
	c.file, c.pack, c.added = nil, nil, nil
	if f == nil {
		return nil
	}
	return f.Close()
}

var errChanged = errors.New("the model's files changed while they were read: nothing is written")
