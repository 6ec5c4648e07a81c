package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/onnxrun/onnxrun/internal/mmap"
)

// OpenOptions says how a model is opened. The zero value, and nil, are the default.
type OpenOptions struct {
	// ExternalRoot is a folder, other than the model's, that external data may lie in: symbolic links may
	// lead into it, and locations that the model's folder does not have are looked up there.
	ExternalRoot string
	// NoMap reads files into memory instead of mapping them.
	NoMap bool
	// StructBytes is what the decoded structure of the model, weights not counted, may take in memory. The
	// default is 128 MB more than the size of the model file.
	StructBytes int64
}

// A File is an opened model. Its tensors alias mapped files and must not be used after Close.
type File struct {
	*Model

	main *mmap.File // nil if opened from bytes
	msg  []byte     // the encoded model
	ext  *external
}

// Encoded returns the bytes that the model was decoded from, which stay valid until Close; nil for a model that a
// program has built. They must not be changed.
func (f *File) Encoded() []byte { return f.msg }

// Open opens the model at a path. The file is mapped, not read.
func Open(name string, opts *OpenOptions) (*File, error) {
	o := optionsOf(opts)
	main, err := openMain(name, o)
	if err != nil {
		return nil, err
	}
	return open(main, main.Bytes(), newExternal(folders(name, o.ExternalRoot), o.NoMap), o)
}

// NewFile makes a File of a model that a program has built, whose tensors hold their values.
func NewFile(m *Model) *File { return &File{Model: m, ext: newExternal(nil, true)} }

// OpenBytes opens a model in memory, which must not change while it is in use. External data are looked up
// in ExternalRoot.
func OpenBytes(msg []byte, opts *OpenOptions) (*File, error) {
	o := optionsOf(opts)
	var dirs []string
	if o.ExternalRoot != "" {
		dirs = []string{o.ExternalRoot}
	}
	return open(nil, msg, newExternal(dirs, o.NoMap), o)
}

// OpenFS opens the model at a path of fsys. External data are looked up in the same folder of fsys.
// ExternalRoot is not used.
func OpenFS(fsys fs.FS, name string, opts *OpenOptions) (*File, error) {
	o := optionsOf(opts)
	main, err := openFSFile(fsys, name, o.NoMap)
	if err != nil {
		return nil, err
	}
	e := newExternal(nil, o.NoMap)
	e.fsys, e.fsDir = fsys, path.Dir(name)
	return open(main, main.Bytes(), e, o)
}

// FileOf returns a model in memory as a File. Closing it closes nothing that the model's tensors lie in.
func FileOf(m *Model) *File { return &File{Model: m, ext: newExternal(nil, false)} }

func optionsOf(opts *OpenOptions) OpenOptions {
	if opts == nil {
		return OpenOptions{}
	}
	return *opts
}

func open(main *mmap.File, msg []byte, ext *external, o OpenOptions) (*File, error) {
	f := &File{main: main, msg: msg, ext: ext}
	budget := o.StructBytes
	if budget == 0 {
		budget = structBudget + int64(len(msg))
	}
	err := mmap.Guard(func() (err error) {
		f.Model, err = decodeModel(msg, ext.resolve, budget)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close unmaps the model's files. Values of its tensors must not be used any more; those not yet asked for
// fail when they are external data.
func (f *File) Close() error {
	err := f.ext.close()
	if f.main != nil {
		err = errors.Join(err, f.main.Close())
	}
	return err
}

// Release gives back the memory that the pages of mapped files take until they are read again.
func (f *File) Release() {
	f.ext.release()
	if f.main != nil {
		f.main.Release()
	}
}

func openMain(name string, o OpenOptions) (*mmap.File, error) {
	if info, err := os.Stat(name); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	} else if info.IsDir() {
		return nil, fmt.Errorf("onnx: %s is a folder, want the file of a model", name)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("onnx: %s is not a regular file", name)
	} else if info.Size() == 0 {
		return nil, Malformed(name, "the file is empty, want a model")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	defer f.Close()
	return load(f, o.NoMap)
}

// load maps or reads a regular file.
func load(f *os.File, noMap bool) (*mmap.File, error) {
	if noMap {
		return mmap.Read(f)
	}
	return mmap.MapOpen(f)
}

// openFSFile maps a file of fsys that is one of the system, and reads any other.
func openFSFile(fsys fs.FS, name string, noMap bool) (*mmap.File, error) {
	if info, err := fs.Stat(fsys, name); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("onnx: %s is not a regular file", name)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	defer f.Close()
	if file, ok := f.(*os.File); ok {
		return load(file, noMap)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return mmap.Of(data), nil
}

// folders returns where the external data of the model at name may lie: its folder, the folder of the file
// that it is a symbolic link to (as in the cache of Hugging Face), and root.
func folders(name, root string) []string {
	dirs := []string{filepath.Dir(name)}
	if real, err := filepath.EvalSymlinks(name); err == nil && filepath.Dir(real) != filepath.Dir(name) {
		dirs = append(dirs, filepath.Dir(real))
	}
	if root != "" {
		dirs = append(dirs, root)
	}
	return dirs
}
