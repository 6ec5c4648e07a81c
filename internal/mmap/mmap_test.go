package mmap

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func mapTemp(t *testing.T, size int64) (*File, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	m, err := Map(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, name
}

func TestMap(t *testing.T) {
	m, _ := mapTemp(t, 12345)
	if len(m.Bytes()) != 12345 || m.Bytes()[12344] != 0 {
		t.Fatalf("%d bytes, want 12345", len(m.Bytes()))
	}
	for _, a := range []Advice{Sequential, WillNeed, DontNeed, Normal} {
		if err := m.Advise(a); err != nil {
			t.Errorf("advice %d: %v", a, err)
		}
	}
	empty, _ := mapTemp(t, 0)
	if len(empty.Bytes()) != 0 || empty.Mapped() {
		t.Error("an empty file has bytes")
	}
}

// TestReleaseAll reads a mapping again after its memory was given back.
func TestReleaseAll(t *testing.T) {
	m, name := mapTemp(t, 3<<20)
	if err := os.WriteFile(name, bytes.Repeat([]byte{7}, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for i, x := range m.Bytes() {
			if x != 7 && m.Mapped() {
				t.Fatalf("byte %d is %d, want 7", i, x)
			}
		}
		m.Release()
	}
	(&File{}).Release()
}

func TestGuardTruncated(t *testing.T) {
	m, name := mapTemp(t, 1<<20)
	if !m.Mapped() {
		t.Skip("no mapping on " + runtime.GOOS)
	}
	if err := os.Truncate(name, 4096); err != nil {
		t.Fatal(err)
	}
	sum := 0
	err := Guard(func() error {
		for _, b := range m.Bytes() {
			sum += int(b)
		}
		return nil
	})
	if !errors.Is(err, ErrFault) {
		t.Errorf("reading a mapping whose file was cut: %v, want ErrFault", err)
	}
}

func TestGuardPassesOn(t *testing.T) {
	want := errors.New("mine")
	if err := Guard(func() error { return want }); err != want {
		t.Errorf("%v, want %v", err, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a panic that is no fault was swallowed")
		}
	}()
	_ = Guard(func() error { panic("other") })
}

func TestNotRegular(t *testing.T) {
	d, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := Map(d); err == nil {
		t.Error("a folder was mapped")
	}
}

func TestRelease(t *testing.T) {
	m, _ := mapTemp(t, 1<<20)
	b := m.Bytes()
	for _, part := range [][]byte{b, b[100:], b[5000:5001], b[:0], b[4096:12288], make([]byte, 1<<16)} {
		Release(part)
	}
	for i := range b {
		if b[i] != 0 {
			t.Fatalf("byte %d changed", i)
		}
	}
	own := make([]byte, 1<<16)
	own[1<<15] = 7
	if Release(own); own[1<<15] != 7 {
		t.Error("memory that is not mapped from a file was released")
	}
}

// TestReleaseSoon reads parts of a mapping one after the other: neighbours wait for each other until they are many, and others go back. The
// content stays that of the file.
func TestReleaseSoon(t *testing.T) {
	page := os.Getpagesize()
	data := make([]byte, 4*soon)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	m := mapBytes(t, data)
	b := m.Bytes()
	for _, c := range []struct{ from, to, waitFrom, waitTo int }{
		{10, 5000, 10, 5000},
		{5000, 5100, 10, 5100},
		{5100 + page, 5200 + page, 5100 + page, 5200 + page}, // not a neighbour
		{100, 200, 100, 200},                                 // before it
		{150, 199 + page, 150, 199 + page},                   // twice in part
		{199 + 2*page - 1, soon, 150, soon},
		{soon, soon + 151, 0, 0}, // enough
		{2 * soon, 3 * soon, 0, 0},
		{0, 0, 0, 0},
	} {
		ReleaseSoon(b[c.from:c.to])
		if want := (pageRange{c.waitFrom, c.waitTo}); m.read != want {
			t.Errorf("after bytes %d to %d: %+v wait, want %+v", c.from, c.to, m.read, want)
		}
		if !bytes.Equal(b, data) {
			t.Fatalf("after bytes %d to %d the content has changed", c.from, c.to)
		}
	}
	own := bytes.Repeat([]byte{7}, 2*soon)
	if ReleaseSoon(own); bytes.Count(own, []byte{7}) != len(own) {
		t.Error("memory that is not mapped from a file was released")
	}
}
