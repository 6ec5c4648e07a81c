package conform

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Suite is a list of cases with what must be closed after they have run.
type Suite struct {
	Cases  []*Case
	closer []io.Closer
}

// Close closes the archives that the cases came from.
func (s *Suite) Close() error {
	var first error
	for _, c := range s.closer {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Find collects the cases of a path: the folder of a case, a folder of such folders (others in it are left
// out), or a .zip that holds folders of cases at any depth or is a packed archive.
func Find(name string) (*Suite, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	if !info.IsDir() {
		return findZip(name)
	}
	s := &Suite{}
	if c, ok, err := dirCase(name); err != nil || ok {
		s.Cases = append(s.Cases, c)
		return s, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	for _, e := range entries {
		sub := filepath.Join(name, e.Name())
		if info, err := os.Stat(sub); err != nil || !info.IsDir() {
			continue
		}
		c, ok, err := dirCase(sub)
		if err != nil {
			return nil, err
		}
		if ok {
			s.Cases = append(s.Cases, c)
		}
	}
	if len(s.Cases) == 0 {
		return nil, fmt.Errorf("conform: %s holds no case: no %s in it or in a folder of it", name, modelFile)
	}
	return s, nil
}

// dirCase reads a folder on disk; its own files and those of its data sets count.
func dirCase(dir string) (*Case, bool, error) {
	if _, err := os.Stat(filepath.Join(dir, modelFile)); err != nil {
		return nil, false, nil
	}
	fsys := os.DirFS(dir)
	names, err := listFiles(fsys)
	if err != nil {
		return nil, false, fmt.Errorf("conform: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, false, err
	}
	c, ok := newCase(filepath.Base(abs), fsys, names)
	if ok {
		c.Dir = dir
	}
	return c, ok, nil
}

func listFiles(fsys fs.FS) ([]string, error) {
	var names []string
	for _, pattern := range []string{"*", "test_data_set_*/*"} {
		list, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		names = append(names, list...)
	}
	return names, nil
}

func findZip(name string) (*Suite, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("conform: %s is neither a folder nor a zip archive: %w", name, err)
	}
	s := &Suite{closer: []io.Closer{z}}
	if s.Cases, err = zipCases(&z.Reader, strings.TrimSuffix(filepath.Base(name), ".zip")); err != nil {
		z.Close()
		return nil, fmt.Errorf("conform: %s: %w", name, err)
	}
	return s, nil
}

func zipCases(z *zip.Reader, base string) ([]*Case, error) {
	folders := map[string][]string{}
	for _, f := range z.File {
		if f.Name == "manifest.json" && hasBlobs(z) {
			return packedCases(z, f)
		}
		if path.Base(f.Name) == modelFile {
			folders[path.Dir(f.Name)] = nil
		}
	}
	for _, f := range z.File {
		for dir := path.Dir(f.Name); ; dir = path.Dir(dir) {
			if _, ok := folders[dir]; ok {
				folders[dir] = append(folders[dir], strings.TrimPrefix(strings.TrimPrefix(f.Name, dir), "/"))
				break
			}
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	var list []*Case
	for dir, names := range folders {
		sub, err := fs.Sub(z, dir)
		if err != nil {
			return nil, err
		}
		name := dir
		if dir == "." {
			name = base
		}
		if c, ok := newCase(name, sub, names); ok {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("holds no %s", modelFile)
	}
	slices.SortFunc(list, func(a, b *Case) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func hasBlobs(z *zip.Reader) bool {
	return slices.ContainsFunc(z.File, func(f *zip.File) bool { return strings.HasPrefix(f.Name, "blobs/") })
}

// packedCases reads a packed archive: its manifest maps the files of each case to blobs, which cases share.
func packedCases(z *zip.Reader, manifest *zip.File) ([]*Case, error) {
	r, err := manifest.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var m struct {
		Cases []struct {
			Name    string
			RTol    float64
			ATol    float64
			Compare string
			Files   map[string]string
		}
	}
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	var list []*Case
	for _, row := range m.Cases {
		names := make([]string, 0, len(row.Files))
		for name := range row.Files {
			names = append(names, name)
		}
		slices.Sort(names)
		c, ok := newCase(row.Name, &packedFS{z, row.Files}, names)
		if !ok {
			return nil, fmt.Errorf("case %s has no %s", row.Name, modelFile)
		}
		c.Rule = &Rule{Rel: row.RTol, Abs: row.ATol, ShapeOnly: row.Compare == "dtype_shape_only"}
		list = append(list, c)
	}
	return list, nil
}

// packedFS shows the files of one packed case under their names. Folders cannot be listed.
type packedFS struct {
	zip   *zip.Reader
	blobs map[string]string
}

// Open opens a file of the case.
func (p *packedFS) Open(name string) (fs.File, error) {
	if blob, ok := p.blobs[name]; ok {
		return p.zip.Open("blobs/" + blob)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
