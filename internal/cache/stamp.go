package cache

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"github.com/onnxrun/onnxrun/internal/mmap"
)

// stamps is a folder of notes that a file in a certain state has a certain hash. Each is a small file named by the state.
type stamps struct{ dir string }

const (
	stampMagic = "onnxrun stamp 1\n"
	stampSize  = len(stampMagic) + 2*len(Hash{})
	// recent is how old the time of a stamp may be before use renews it; stampAge is when unused ones go.
	recent, stampAge = time.Hour, 90 * 24 * time.Hour
)

func (s stamps) name(id mmap.Identity) string {
	k := stateOf(id)
	return filepath.Join(s.dir, hex.EncodeToString(k[:16]))
}

func stateOf(id mmap.Identity) Key {
	var b []byte
	for _, x := range []uint64{id.Device, id.Inode, uint64(id.Size), uint64(id.Modified), uint64(id.Changed)} {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return keyOf("state", string(b))
}

// encode returns the content of the stamp that says h of id.
func encodeStamp(id mmap.Identity, h Hash) []byte {
	k := stateOf(id)
	sum := sumOf(append(k[:], h[:]...))
	return append(append([]byte(stampMagic), h[:]...), sum[:]...)
}

// get returns the hash of the file in state id, if a stamp says so.
func (s stamps) get(id mmap.Identity) (h Hash, ok bool) {
	if id == (mmap.Identity{}) {
		return h, false
	}
	name := s.name(id)
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(stampSize) {
		return h, false
	}
	b, err := os.ReadFile(name)
	if err != nil || len(b) != stampSize {
		return h, false
	}
	copy(h[:], b[len(stampMagic):])
	if string(b) != string(encodeStamp(id, h)) {
		return h, false
	}
	if at := time.Now(); at.Sub(info.ModTime()) > recent {
		_ = os.Chtimes(name, at, at) // says only that it is in use
	}
	return h, true
}

// put leaves a stamp that the file in state id has the hash h.
func (s stamps) put(id mmap.Identity, h Hash) error {
	if id == (mmap.Identity{}) {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	_, err := replace(s.name(id), func(f *os.File) error {
		_, err := f.Write(encodeStamp(id, h))
		return err
	})
	return err
}

// used returns when the file in state id was last used, zero if it has no stamp.
func (s stamps) used(id mmap.Identity) time.Time {
	if info, err := os.Lstat(s.name(id)); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// sweep removes stamps that nobody has used for long.
func (s stamps) sweep() {
	list, _ := os.ReadDir(s.dir)
	for _, e := range list {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > stampAge {
			_ = os.Remove(filepath.Join(s.dir, e.Name())) // another process may have
		}
	}
}
