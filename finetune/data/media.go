package data

import (
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// A medium is a kind of encoded samples.
type medium string

const (
	picture medium = "picture"
	sound   medium = "sound"
)

// media has the kind for each ending of a file's name.
var media = map[string]medium{
	".png": picture, ".jpg": picture, ".jpeg": picture, ".jpe": picture, ".bmp": picture, ".gif": picture, ".webp": picture,
	".tif": picture, ".tiff": picture, ".pbm": picture, ".pgm": picture, ".ppm": picture, ".pnm": picture,
	".wav": sound, ".wave": sound,
}

func mediumOf(name string) medium { return media[strings.ToLower(filepath.Ext(name))] }

// encoded are samples that are decoded when they are asked for.
type encoded struct {
	input  string
	load   func(row int) ([]byte, error)
	decode func(data []byte, v view) (*tensor.Tensor, error)
}

func (e *encoded) sample(row int, v view) (map[string]*tensor.Tensor, error) {
	data, err := e.load(row)
	if err != nil {
		return nil, err
	}
	x, err := e.decode(data, v)
	if err != nil {
		return nil, err
	}
	return map[string]*tensor.Tensor{e.input: v.noisy(x, e.input)}, nil
}

func (e *encoded) digest(row int, h hash.Hash) error {
	data, err := e.load(row)
	if err != nil {
		return err
	}
	h.Write(data)
	return nil
}

// maxMedium bounds the size of an encoded picture or sound.
const maxMedium = 1 << 30

// readMedium reads a file, which may come from a list: devices and pipes are refused.
func readMedium(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", name)
	case info.Size() == 0:
		return nil, fmt.Errorf("the file is empty")
	case info.Size() > maxMedium:
		return nil, fmt.Errorf("%d bytes, want at most %d", info.Size(), maxMedium)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// useMedia makes a source of encoded samples. dir is where they lie, load reads one of them; the first says what the
// model's input leaves open.
func (s *Set) useMedia(kind medium, dir string, load func(row int) ([]byte, error), o *Options, p *problems) error {
	in, err := mediaInput(kind, o)
	if err != nil {
		return p.fail("", "%v", err)
	}
	var first []byte
	at := 0
	for row := range min(rowsToTry, len(s.rows)) { // the first that can be read
		if first, err = load(row); err == nil {
			at = row
			break
		}
		p.add(s.where(row), "%v", err)
	}
	if first == nil {
		return p.err()
	}
	e := &encoded{input: in.Name, load: load}
	if kind == picture {
		err = s.usePictures(e, in, dir, first, o)
	} else {
		err = s.useSounds(e, in, dir, first, o)
	}
	if err != nil {
		return p.fail(s.where(at), "%v", err)
	}
	s.source = e
	return nil
}

const rowsToTry = 16

// mediaInput returns the input that pictures or sounds go to.
func mediaInput(kind medium, o *Options) (*runtime.ValueInfo, error) {
	if len(o.Inputs) == 0 {
		return &runtime.ValueInfo{DType: tensor.Float32}, nil
	}
	if in := o.input(); in != nil {
		return in, nil
	}
	var names []string
	for i := range o.Inputs {
		in := &o.Inputs[i]
		_, err := pipeline.LayoutOf(openBatch(in))
		fits := kind == picture && err == nil && len(in.Dims) > 2 || kind == sound && in.DType == tensor.Float32
		if o.Constants[in.Name] == nil && fits {
			return in, nil
		}
		names = append(names, in.Name)
	}
	return nil, fmt.Errorf("none of the inputs %q takes a %s", names, kind)
}

// openBatch returns the dimensions of an input, the first one open where it counts samples.
func openBatch(in *runtime.ValueInfo) []int {
	d := dims(in)
	if len(d) == 4 {
		d[0] = -1
	}
	return d
}

// mediaColumn returns the column of encoded pictures or sounds, or of their files' names, and what they are.
func (t *table) mediaColumn(labels []int, dir string) (at int, kind medium) {
	for i, c := range t.columns {
		if slices.Contains(labels, i) {
			continue
		}
		switch {
		case len(c.blobs) > 0 && isWave(c.blobs[0]):
			return i, sound
		case len(c.blobs) > 0:
			return i, picture
		case len(c.words()) > 0:
			first := c.words()[0]
			if kind := mediumOf(first); kind != "" {
				if _, err := os.Stat(below(dir, first)); err == nil {
					return i, kind
				}
			}
		}
	}
	return -1, ""
}

func isWave(data []byte) bool {
	return len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WAVE"
}

// below returns the path of a file that a list in dir names.
func below(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}

// fromMedia makes encoded samples of a column of bytes or of files' names.
func (s *Set) fromMedia(t *table, at int, kind medium, dir string, labels []int, o *Options, p *problems) error {
	c := t.columns[at]
	used := []*faults{&c.faults}
	for _, i := range labels {
		used = append(used, &t.columns[i].faults)
	}
	t.faults.report(p, used...)
	s.rows = upTo(t.rows)
	s.notes = append(s.notes, fmt.Sprintf("%ss: %s", kind, t.columnName(at)))
	load := func(row int) ([]byte, error) { return c.blobs[row], nil }
	if words := c.words(); words != nil {
		where := t.where
		s.where = func(row int) string { return where(row) + ": " + words[row] }
		load = func(row int) ([]byte, error) { return readMedium(below(dir, words[row])) }
		for row, name := range words {
			if info, err := os.Stat(below(dir, name)); err != nil {
				p.add(where(row), "no file %s", quoted(name))
			} else if info.Size() == 0 {
				p.add(where(row), "%s is empty", quoted(name))
			}
		}
	}
	if p.Count > 0 {
		return p.err()
	}
	return s.useMedia(kind, dir, load, o, p)
}
