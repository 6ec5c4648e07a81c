package onnx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/onnxrun/onnxrun/internal/mmap"
)

// external finds the bytes of tensors whose elements are in other files. Each file is opened once, when it
// is first asked for, and stays mapped until close.
type external struct {
	dirs  []string // folders that files may lie in; the first is where locations start from
	fsys  fs.FS    // instead of dirs
	fsDir string
	noMap bool

	mu     sync.Mutex
	files  map[string]*mmap.File
	closed bool
}

func newExternal(dirs []string, noMap bool) *external {
	return &external{dirs: dirs, noMap: noMap, files: map[string]*mmap.File{}}
}

func (e *external) close() (err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, f := range e.files {
		err = errors.Join(err, f.Close())
	}
	clear(e.files)
	return err
}

func (e *external) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.files {
		f.Release()
	}
}

// resolve returns the bytes of p, after checking them against the sizes of p and of the file.
func (e *external) resolve(p *TensorProto) ([]byte, error) {
	x, err := externalOf(p)
	if err != nil {
		return nil, err
	}
	file, err := e.file(x.location)
	if err != nil {
		return nil, err
	}
	data := file.Bytes()
	if x.offset > int64(len(data)) || x.need > int64(len(data))-x.offset {
		return nil, fmt.Errorf("external data %q: bytes %d to %d of a file of %d bytes", x.location, x.offset, x.offset+x.need, len(data))
	}
	return data[x.offset : x.offset+x.need : x.offset+x.need], nil
}

// extent is where the elements of a tensor lie.
type extent struct {
	location     string
	offset, need int64
}

// externalOf reads and checks the external_data entries of p. The file is not looked at.
func externalOf(p *TensorProto) (x extent, err error) {
	shape, err := p.Shape()
	if err != nil {
		return x, err
	}
	x.need = int64(p.DType().ByteLen(shape.Len()))
	if x.need < 0 || p.DType().Size() > 1 && x.need/int64(p.DType().Size()) != int64(shape.Len()) {
		return x, fmt.Errorf("external data: %v%v has more bytes than this machine addresses", p.DType(), p.Dims)
	}
	length := x.need
	seen := map[string]bool{}
	for _, entry := range p.External {
		if seen[entry.Key] {
			return x, fmt.Errorf("external data: key %q twice", entry.Key)
		}
		seen[entry.Key] = true
		switch entry.Key {
		case "location":
			x.location = entry.Value
		case "offset":
			x.offset, err = parseSize(entry)
		case "length":
			length, err = parseSize(entry)
		}
		if err != nil {
			return x, err
		}
	}
	if err := checkLocation(x.location); err != nil {
		return x, err
	}
	if length != x.need {
		return x, fmt.Errorf("external data %q: length %d for %v%v, want %d", x.location, length, p.DType(), p.Dims, x.need)
	}
	if x.offset+x.need < 0 {
		return x, fmt.Errorf("external data %q: offset %d overflows", x.location, x.offset)
	}
	return x, nil
}

func parseSize(e Entry) (int64, error) {
	n, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("external data: %s is %q, want a number of bytes", e.Key, e.Value)
	}
	return n, nil
}

// checkLocation refuses locations that are not relative paths inside the folder they start from, on any
// system.
func checkLocation(loc string) error {
	switch {
	case loc == "":
		return errors.New("external data: no location")
	case strings.ContainsAny(loc, "\\\x00"):
		return fmt.Errorf("external data: location %q has characters that no portable path has", loc)
	case path.IsAbs(loc) || !filepath.IsLocal(filepath.FromSlash(loc)):
		return fmt.Errorf("external data: location %q leaves the model's folder", loc)
	}
	return nil
}

func (e *external) file(loc string) (*mmap.File, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("external data: the model is closed")
	}
	if f := e.files[loc]; f != nil {
		return f, nil
	}
	f, err := e.open(loc)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	e.files[loc] = f
	return f, nil
}

func (e *external) open(loc string) (*mmap.File, error) {
	if e.fsys != nil {
		return openFSFile(e.fsys, path.Join(e.fsDir, loc), e.noMap)
	}
	if len(e.dirs) == 0 {
		return nil, fmt.Errorf("%q: the model was not opened from a folder: set ExternalRoot (--external-root DIR)", loc)
	}
	first, err := openIn(e.dirs[0], filepath.FromSlash(loc), e.noMap)
	if err == nil {
		return first, nil
	}
	for _, dir := range e.dirs[1:] {
		if f, err := e.openLinked(dir, loc); err == nil {
			return f, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) || !leaves(e.dirs[0], loc) {
		return nil, err
	}
	return nil, fmt.Errorf("%w; if it is meant to, name the folder with ExternalRoot (--external-root DIR)", err)
}

// openLinked opens the file that loc is a symbolic link to if it lies in dir, or else loc within dir.
func (e *external) openLinked(dir, loc string) (*mmap.File, error) {
	real, err := filepath.EvalSymlinks(filepath.Join(e.dirs[0], filepath.FromSlash(loc)))
	if err != nil {
		return openIn(dir, filepath.FromSlash(loc), e.noMap)
	}
	base, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	rel, err := relative(base, real)
	if err != nil {
		return nil, err
	}
	return openIn(base, rel, e.noMap)
}

// relative returns the path from the folder base to name, which must lie in it.
func relative(base, name string) (string, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return "", err
	}
	if name, err = filepath.Abs(name); err != nil {
		return "", err
	}
	rel, err := filepath.Rel(base, name)
	if err == nil && !filepath.IsLocal(rel) {
		err = fmt.Errorf("%s lies outside %s", name, base)
	}
	return rel, err
}

// leaves reports whether loc leads, by symbolic links, out of dir.
func leaves(dir, loc string) bool {
	base, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	real, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(loc)))
	if err != nil {
		return false
	}
	_, err = relative(base, real)
	return err != nil
}

// openIn opens a regular file without leaving dir, not even by symbolic links.
func openIn(dir, name string, noMap bool) (*mmap.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return load(f, noMap)
}
