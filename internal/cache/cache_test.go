package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/onnxrun/onnxrun/internal/cpu"
	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

var model = []byte("a model")

// weights are the constants of the tests, and formOf what is packed of them.
func weights(i int) []byte { return bytes.Repeat([]byte{byte(i), 1, 2, 3}, 1000+i) }

func formOf(i int) [][]float32 {
	a, b := mem.Weights(5000*(i+1)), mem.Weights(i)
	for j := range a {
		a[j] = float32(i*1000 + j)
	}
	return [][]float32{a, b}
}

// fill puts n forms into a cache, saves and closes it, and returns what it says.
func fill(t *testing.T, o Options, n int) Info {
	t.Helper()
	c := Open(o)
	for i := range n {
		if k := key(t, c, i); c.Get(k) == nil {
			c.Put(k, formOf(i))
		}
	}
	c.Save()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return c.Info()
}

func key(t *testing.T, c *Cache, i int) Key {
	t.Helper()
	k, err := c.Form(weights(i), "float32 panels")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// expect opens a cache and checks that it holds n right forms, and no others.
func expect(t *testing.T, o Options, n int) Info {
	t.Helper()
	c := Open(o)
	defer c.Close()
	for i := range n + 3 {
		got := c.Get(key(t, c, i))
		if i >= n {
			if got != nil {
				t.Errorf("form %d is there", i)
			}
			continue
		}
		if !slices.EqualFunc(got, formOf(i), slices.Equal) {
			t.Errorf("form %d differs", i)
		}
		for _, p := range got {
			if addr := address(p); addr%mem.Alignment != 0 || 4*len(p) >= pageAligned && addr%page != 0 {
				t.Errorf("%d elements at %#x", len(p), addr)
			}
		}
	}
	return c.Info()
}

func TestRoundTrip(t *testing.T) {
	o := Options{Dir: filepath.Join(t.TempDir(), "new", "folder"), Model: model}
	expect(t, o, 0)
	if i := fill(t, o, 20); i.Err != nil || i.Packed != 20 || i.Loaded != 0 || i.File == "" {
		t.Fatalf("%+v", i)
	}
	if i := expect(t, o, 20); i.Err != nil || i.Packed != 0 || i.Loaded != 20 {
		t.Errorf("%+v", i)
	}
	if i := fill(t, o, 25); i.Err != nil || i.Packed != 5 || i.Loaded != 20 {
		t.Errorf("%+v", i)
	}
	expect(t, o, 25)
	list, err := os.ReadDir(o.Dir)
	if err != nil || len(list) != 2 {
		t.Errorf("%v in the folder: %v", list, err)
	}
}

// TestNotMixedUp opens the folder for other models, processors, constants and formats.
func TestNotMixedUp(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	fill(t, o, 3)
	expect(t, Options{Dir: o.Dir, Model: []byte("another")}, 0)
	undo := cpu.Set(cpu.Features() ^ cpu.AVX2)
	expect(t, o, 0)
	fill(t, o, 2)
	expect(t, o, 2)
	undo()
	expect(t, o, 3)
	c := Open(o)
	defer c.Close()
	if k, _ := c.Form(weights(0), "other panels"); c.Get(k) != nil {
		t.Error("a form was taken for one of another format")
	}
	changed := weights(0)
	changed[len(changed)-1]++
	if k, _ := c.Form(changed, "float32 panels"); c.Get(k) != nil {
		t.Error("a form was taken for that of another constant")
	}
}

// TestDamage changes every byte of header and index and some of the elements, and cuts and lengthens the file: the
// forms that are found are always right, and the file is mended.
func TestDamage(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	name := fill(t, o, 3).File
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	index := headerSize + int(binary.LittleEndian.Uint64(good[len(magic)+len(Key{})+8:]))
	damaged := map[string][]byte{"empty": {}, "longer": append(slices.Clone(good), 0), "other": bytes.Repeat([]byte("x"), len(good))}
	for at := 0; at < len(good); at++ {
		if at > index {
			at += 997
		}
		if at < len(good) {
			b := slices.Clone(good)
			b[at] ^= 1 << (at % 8)
			damaged[fmt.Sprintf("byte %d", at)] = b
		}
	}
	for at := 1; at < len(good); at += 1 + at/3 {
		damaged[fmt.Sprintf("cut to %d", at)] = good[:at]
	}
	for what, b := range damaged {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		wait(t, name)
		c := Open(o)
		found := 0
		for i := range 3 {
			switch got := c.Get(key(t, c, i)); {
			case got == nil:
			case !slices.EqualFunc(got, formOf(i), slices.Equal):
				t.Fatalf("%s: form %d is wrong", what, i)
			default:
				found++
			}
		}
		if i := c.Info(); i.Err == nil && found < 3 {
			t.Errorf("%s: %d forms found, and no error", what, found)
		}
		c.Close()
	}
	fill(t, o, 3)
	if i := expect(t, o, 3); i.Err != nil {
		t.Errorf("the file is not mended: %v", i.Err)
	}
}

// wait returns when a write to the file would give it another time than it has.
func wait(t *testing.T, name string) {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	info, err := os.Stat(name)
	for err == nil {
		var now fs.FileInfo
		if err = os.WriteFile(probe, nil, 0o600); err == nil {
			if now, err = os.Stat(probe); err == nil && now.ModTime().After(info.ModTime()) {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal(err)
}

// TestHostileIndex has offsets and counts that lie outside the file, with right checksums.
func TestHostileIndex(t *testing.T) {
	const size = 1 << 12
	for _, x := range []part{{64, 1 << 40, Hash{}}, {1 << 62, 1, Hash{}}, {-64, 16, Hash{}}, {4096, 1, Hash{}}, {3968, 33, Hash{}},
		{192, -1, Hash{}}, {192, 1 << 61, Hash{}}, {192, 1<<62 + 1, Hash{}}, {193, 1, Hash{}}, {0, 1, Hash{}}} {
		index := appendForm(nil, Key{1}, []part{x})
		b := append(header(Key{}, size, index), index...)
		b = append(b, make([]byte, size-len(b))...)
		if p, err := readPack(b, Key{}); err == nil {
			t.Errorf("%+v was accepted: %v", x, p.index)
		}
	}
	index := binary.LittleEndian.AppendUint32(make([]byte, len(Key{})), 1<<31)
	b := append(header(Key{}, size, index), index...)
	if _, err := readPack(append(b, make([]byte, size-len(b))...), Key{}); err == nil {
		t.Error("2^31 parts were accepted")
	}
}

// TestCutWhileMapped cuts the file under a cache: reading it is an error that callers can catch.
func TestCutWhileMapped(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	name := fill(t, o, 3).File
	if err := os.Remove(stampOf(t, o, name)); err != nil {
		t.Fatal(err)
	}
	c := Open(o)
	defer c.Close()
	if !c.file.Mapped() {
		t.Skip("no mapping on " + runtime.GOOS)
	}
	if err := os.Truncate(name, page); err != nil {
		t.Fatal(err)
	}
	if c.Get(key(t, c, 2)) != nil || !errors.Is(c.Info().Err, mmap.ErrFault) {
		t.Errorf("a form of a file that was cut: %v", c.Info().Err)
	}
}

func stampOf(t *testing.T, o Options, name string) string {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return stamps{filepath.Join(o.Dir, "stamps")}.name(mmap.IdentityOfInfo(info))
}

// TestStampless reads a file that has no stamp, or a damaged one, and a folder in which nothing can be written.
func TestStampless(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	name := fill(t, o, 3).File
	stamp := stampOf(t, o, name)
	good, err := os.ReadFile(stamp)
	if err != nil {
		t.Skip("no stamps on " + runtime.GOOS)
	}
	for at := range good {
		b := slices.Clone(good)
		b[at] ^= 4
		if err := os.WriteFile(stamp, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if c := Open(o); c.checked {
			t.Errorf("a stamp with a wrong byte %d was believed", at)
		} else {
			c.Close()
		}
	}
	os.Remove(stamp)
	if i := expect(t, o, 3); i.Err != nil {
		t.Error(i.Err)
	}
}

func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if i := fill(t, Options{Dir: file, Model: model}, 2); i.Err == nil || i.File != "" {
		t.Errorf("a file in the place of the folder: %+v", i)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) == nil {
		t.Skip("this user may write to every folder")
	}
	if i := fill(t, Options{Dir: dir, Model: model}, 2); i.Err == nil {
		t.Error("no error for a folder that is read-only")
	}
}

func TestLimit(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	if i := fill(t, Options{Dir: o.Dir, Model: model, Limit: 1000}, 2); i.Err == nil || i.File != "" {
		t.Errorf("beyond the limit: %+v", i)
	}
	names := make([]string, 4)
	var size int64
	for i := range names {
		o.Model = []byte{byte(i)}
		info := fill(t, o, 3)
		names[i], size = info.File, info.Bytes
		old := time.Now().Add(time.Duration(i-10) * time.Minute)
		for _, f := range []string{names[i], stampOf(t, o, names[i])} {
			if err := os.Chtimes(f, old, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	o.Model, o.Limit = []byte("next"), 3*size+size/2
	fill(t, o, 3)
	for i, name := range names {
		if _, err := os.Stat(name); (err == nil) != (i >= 2) {
			t.Errorf("file %d of 4: %v", i, err)
		}
	}
}

// TestTogether fills and reads one folder from many goroutines, with caches of their own as processes have.
func TestTogether(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for round := range 5 {
				c := Open(o)
				for i := range 3 + (g+round)%4 {
					k, err := c.Form(weights(i), "float32 panels")
					if err != nil {
						t.Error(err)
					}
					if got := c.Get(k); got == nil {
						c.Put(k, formOf(i))
					} else if !slices.EqualFunc(got, formOf(i), slices.Equal) {
						t.Errorf("form %d is wrong", i)
					}
				}
				c.Save()
				if i := c.Info(); i.Err != nil {
					t.Error(i.Err)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	fill(t, o, 6)
	expect(t, o, 6)
}

// TestUnused bounds what a file keeps of forms that nobody asks for.
func TestUnused(t *testing.T) {
	o := Options{Dir: t.TempDir(), Model: model}
	first := fill(t, o, 8).Bytes
	for round := range 10 {
		c := Open(o)
		k, _ := c.Form(weights(100+round), "float32 panels")
		c.Put(k, formOf(2))
		c.Save()
		if i := c.Info(); i.Bytes > first {
			t.Errorf("round %d: %d bytes, %d at first", round, i.Bytes, first)
		}
		c.Close()
	}
}

func address(x []float32) uintptr {
	if len(x) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(&x[0]))
}
