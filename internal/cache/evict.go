package cache

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onnxrun/onnxrun/internal/mmap"
)

// abandoned is the age of a temporary file that nobody will rename any more.
const abandoned = time.Hour

// evict removes files of packed weights, the least recently used first, until those that are left take no more than room
// bytes. The file keep is about to be replaced: it does not count. Processes that have a file mapped keep it.
func evict(dir string, s stamps, room int64, keep string) {
	type candidate struct {
		name string
		size int64
		used time.Time
	}
	list, _ := os.ReadDir(dir)
	var files []candidate
	total := int64(0)
	for _, e := range list {
		name := filepath.Join(dir, e.Name())
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular() || name == keep:
		case strings.Contains(e.Name(), extension+strings.TrimSuffix(temporary, "*")):
			if time.Since(info.ModTime()) > abandoned {
				_ = os.Remove(name)
			}
		case filepath.Ext(name) == extension:
			used := info.ModTime()
			if at := s.used(mmap.IdentityOfInfo(info)); at.After(used) {
				used = at
			}
			files = append(files, candidate{name, info.Size(), used})
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b candidate) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.name, b.name)) })
	for _, f := range files {
		if total <= room {
			break
		}
		if os.Remove(f.name) == nil {
			total -= f.size
		}
	}
	s.sweep()
}
