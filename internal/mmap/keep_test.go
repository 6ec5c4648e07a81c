package mmap

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func mapBytes(t *testing.T, data []byte) *File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := Map(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestKeep keeps parts of a mapping, gives some back, and keeps others: the content is always that of the file.
func TestKeep(t *testing.T) {
	page := os.Getpagesize()
	data := make([]byte, 40*page+123)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	m := mapBytes(t, data)
	b := m.Bytes()
	check := func(what string) {
		t.Helper()
		if !bytes.Equal(b, data) {
			t.Fatalf("%s: the content has changed", what)
		}
	}
	check("mapped")
	for _, parts := range [][][]byte{
		nil,
		{b[5:6], b[9*page-1:][:2], b[len(b)-1:], b[:0]},
		{b[3*page:][:page], b[4*page:][:10], make([]byte, 100)},
		{b},
	} {
		m.Keep(parts)
		check("kept")
		Release(b[2*page : 12*page])
		check("given back")
	}
	Of(data).Keep([][]byte{data[:10]})
	check("kept in memory")
}

// TestKeepOwns finds the kept pages of a mapping, and no others, among the memory of the process.
func TestKeepOwns(t *testing.T) {
	if !Copies() {
		t.Skipf("this %s cannot copy pages (Linux can since 5.14)", runtime.GOOS)
	}
	page := os.Getpagesize()
	m := mapBytes(t, make([]byte, 1<<20))
	b := m.Bytes()
	if bytes.Count(b, []byte{0}) != len(b) {
		t.Fatal("other bytes than those of the file")
	}
	m.Keep([][]byte{b[10*page:][:1], b[20*page+1:][:2*page]})
	kB := func(key string) (sum int) {
		smaps, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			t.Skipf("no list of mappings: %v", err)
		}
		ours := false
		for line := range strings.Lines(string(smaps)) {
			f := strings.Fields(line)
			if from, to, ok := strings.Cut(f[0], "-"); ok {
				low, _ := strconv.ParseUint(from, 16, 64)
				high, _ := strconv.ParseUint(to, 16, 64)
				ours = uint64(m.start()) <= low && high <= uint64(m.start())+1<<20
			} else if ours && f[0] == key {
				n, _ := strconv.Atoi(f[1])
				sum += n
			}
		}
		return sum
	}
	if owned, want := kB("Anonymous:"), 4*page/1024; owned != want || kB("Rss:") != want {
		t.Errorf("%d kB are owned and %d in memory, want %d", owned, kB("Rss:"), want)
	}
}

// TestKeepBounded keeps more parts than may become mappings of their own: they are given back, and come back when they are read.
func TestKeepBounded(t *testing.T) {
	page := os.Getpagesize()
	m := mapBytes(t, make([]byte, 2*page*(mostRanges+1)))
	b := m.Bytes()
	var parts [][]byte
	for at := 0; at < len(b); at += 2 * page {
		parts = append(parts, b[at:][:1])
	}
	before, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skipf("no list of mappings: %v", err)
	}
	m.Keep(parts)
	after, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if more := bytes.Count(after, []byte("\n")) - bytes.Count(before, []byte("\n")); more > mostRanges/2 {
		t.Errorf("%d mappings more", more)
	}
	if bytes.Count(b, []byte{0}) != len(b) {
		t.Error("other bytes than those of the file")
	}
}
