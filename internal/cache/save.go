package cache

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

// Save writes a file with the forms that were put, and those of the present file, if there are new ones. It checks
// that the model's files are still what they were when their hashes were taken.
func (c *Cache) Save() {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	added, checked := c.added, c.checked
	c.added = nil
	c.mu.Unlock()
	switch {
	case c.name == "":
	case len(added) > 0:
		c.fail(mmap.Guard(func() error { return c.write(added) }))
	case !checked && c.pack != nil:
		c.fail(mmap.Guard(c.check))
	}
}

// check verifies the whole file, so that the next process need not.
func (c *Cache) check() error {
	for _, k := range c.pack.order {
		if err := c.pack.verify(c.pack.index[k]); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.checked = true
	c.mu.Unlock()
	if id, settled := c.file.Identity(); settled {
		_ = c.stamps.put(id, c.pack.sum) // without it the next process does the same
	}
	return nil
}

// unchanged compares the model's files with their hashes.
func (c *Cache) unchanged() error {
	c.mu.Lock()
	known := map[*mmap.File]*source{}
	for f, s := range c.sources {
		if s.done {
			known[f] = s
		}
	}
	c.mu.Unlock()
	for f, s := range known {
		if s.err != nil {
			return s.err
		}
		if hashOf(f.Bytes(), 1, mmap.Release) != s.hash {
			id, _ := f.Identity()
			_ = os.Remove(c.stamps.name(id))
			return errChanged
		}
	}
	return nil
}

// write writes the forms that were put, and kept ones.
func (c *Cache) write(added []form) error {
	if err := c.unchanged(); err != nil {
		return err
	}
	forms, size, done := c.merge(added)
	defer done()
	if size > c.opts.Limit {
		return fmt.Errorf("%d bytes of packed weights, limit %d", size, c.opts.Limit)
	}
	if err := os.MkdirAll(c.opts.Dir, 0o700); err != nil {
		return err
	}
	evict(c.opts.Dir, c.stamps, c.opts.Limit-size, c.name)
	w := &writer{id: c.id}
	id, err := replace(c.name, func(f *os.File) error { return w.write(f, forms) })
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.info.Bytes = w.size
	c.mu.Unlock()
	return c.stamps.put(id, w.sum)
}

// merge adds to new forms those of the file that is there now. Ones that this process has not used are kept as long as
// they take no more than the others. done is to be called when the forms have been written.
func (c *Cache) merge(added []form) (forms []form, size int64, done func()) {
	done = func() {}
	p := c.pack
	if f, latest, err := openPack(c.name, c.id); err == nil && latest != nil {
		p, done = latest, func() { f.Close() }
	}
	forms = added
	fresh := map[Key]bool{}
	for _, f := range added {
		fresh[f.key] = true
		size += f.size()
	}
	if p == nil {
		return forms, size, done
	}
	var others int64
	for _, wanted := range []bool{true, false} {
		for _, k := range p.order {
			f := form{k, p.parts(p.index[k])}
			c.mu.Lock()
			used := c.used[k]
			c.mu.Unlock()
			if fresh[k] || used != wanted || !used && others+f.size() > size || p.verify(p.index[k]) != nil {
				continue
			}
			if used {
				size += f.size()
			} else {
				others += f.size()
			}
			forms = append(forms, f)
		}
	}
	return forms, size + others, done
}

func (f *form) size() (n int64) {
	for _, p := range f.parts {
		n += int64(4*len(p)) + mem.Alignment
	}
	return n
}

// replace writes a file beside name and renames it. It returns the state of the file.
func replace(name string, write func(*os.File) error) (id mmap.Identity, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+temporary)
	if err != nil {
		return id, err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return id, err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return id, err
	}
	return mmap.IdentityOf(f), nil
}

// temporary is the pattern that follows the name of a file that is being written.
const temporary = ".tmp-*"

// A writer writes forms to a file.
type writer struct {
	id   Key
	size int64
	sum  Hash // of the index
}

// pageAligned is how many bytes of elements begin on a page, and page how large one is.
const pageAligned, page = 64 << 10, 4 << 10

// write lays out the forms, writes their elements, then the index, and last the header, on disk when it returns.
func (w *writer) write(f *os.File, forms []form) error {
	w.size = int64(headerSize)
	for _, x := range forms {
		w.size += int64(len(x.key) + 4 + partSize*len(x.parts))
	}
	var index []byte
	for _, x := range forms {
		parts := make([]part, len(x.parts))
		for i, elems := range x.parts {
			b := bytesOf(elems)
			w.align(len(b))
			parts[i] = part{w.size, int64(len(elems)), hashOf(b, 1, nil)}
			if _, err := f.WriteAt(b, w.size); err != nil {
				return err
			}
			w.size += int64(len(b))
		}
		index = appendForm(index, x.key, parts)
	}
	w.align(0)
	head := header(w.id, w.size, index)
	w.sum = Hash(head[len(head)-len(w.sum):])
	if err := f.Truncate(w.size); err != nil {
		return err
	}
	if _, err := f.WriteAt(append(head, index...), 0); err != nil {
		return err
	}
	return f.Sync()
}

// align moves to where n bytes may begin.
func (w *writer) align(n int) {
	to := int64(mem.Alignment)
	if n >= pageAligned {
		to = page
	}
	w.size = (w.size + to - 1) &^ (to - 1)
}
