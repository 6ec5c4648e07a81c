// Package onnxrun loads ONNX models and runs them: pure Go and Go assembly, no cgo, no shared library.
//
//	s, err := onnxrun.Open("model.onnx", nil)
//	defer s.Close()
//	out, err := s.Run(ctx, map[string]*onnxrun.Tensor{"x": onnxrun.FromSlice(data, 1, 3, 224, 224)})
//	y := onnxrun.Of[float32](out["y"])
//
// It forwards to the packages runtime and tensor, which say more, and imports only these.
package onnxrun

import (
	"io/fs"

	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A Session is a model ready to run, safe for many goroutines.
type Session = runtime.Session

// Options are the settings of a Session; nil and the zero value are the default.
type Options = runtime.Options

// CacheInfo says what the folder Options.Cache was good for in a session.
type CacheInfo = runtime.CacheInfo

// A ValueInfo describes an input or output of a model.
type ValueInfo = runtime.ValueInfo

// A Tensor is a value that models take and return.
type Tensor = tensor.Tensor

// A DType is an element type of a Tensor.
type DType = tensor.DType

// Element is the set of Go types that stand for an element type.
type Element = tensor.Element

// Open opens the model at a path; the file stays mapped until the session is closed.
func Open(path string, opts *Options) (*Session, error) { return runtime.Open(path, opts) }

// OpenBytes opens a model in memory, which must not change while the session is in use.
func OpenBytes(model []byte, opts *Options) (*Session, error) { return runtime.OpenBytes(model, opts) }

// OpenFS opens the model at a path of a file system, with its external data beside it.
func OpenFS(fsys fs.FS, name string, opts *Options) (*Session, error) {
	return runtime.OpenFS(fsys, name, opts)
}

// FromSlice returns a tensor over the elements of s, which are not copied. Without a shape it has one
// dimension. It panics if the shape does not fit the number of elements.
func FromSlice[T Element](s []T, shape ...int) *Tensor { return tensor.FromSlice(s, shape...) }

// Of returns the elements of a dense tensor, sharing its storage, or nil if t is not dense or has another
// element type.
func Of[T Element](t *Tensor) []T { return tensor.Of[T](t) }
