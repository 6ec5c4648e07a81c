package mmap

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestReadAt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	data := bytes.Repeat([]byte("0123456789"), 10000)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := MapOpen(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if !m.Mapped() {
		t.Skip("no mapping on " + runtime.GOOS)
	}
	if !m.Readable() {
		t.Fatal("the file did not stay open")
	}
	for _, at := range []int{0, 1, 4095, 50003, len(data) - 12} {
		got := make([]byte, 12)
		if err := m.ReadAt(got, at); err != nil || !bytes.Equal(got, data[at:at+12]) {
			t.Errorf("from byte %d: %q, %v", at, got, err)
		}
	}
	for _, at := range []int{-1, len(data) - 11, len(data) + 1} {
		if err := m.ReadAt(make([]byte, 12), at); !errors.Is(err, ErrFault) {
			t.Errorf("from byte %d: %v, want ErrFault", at, err)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _ = m.ReadAt(data[:12], 5) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if err := m.Close(); err != nil || m.Readable() {
		t.Errorf("closed: %v, readable %v", err, m.Readable())
	}
	if mapped, _ := mapTemp(t, 100); mapped.Readable() {
		t.Error("Map keeps the file open")
	}
}
