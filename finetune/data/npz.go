package data

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxrun/onnxrun/internal/mmap"
	"github.com/onnxrun/onnxrun/tensor"
)

// mapFrom is the size from which files of arrays are mapped and not read.
var mapFrom int64 = 64 << 20

// contents reads a file, or maps it if it is large.
func contents(f *os.File, size int64) (*mmap.File, error) {
	if size >= mapFrom {
		return mmap.Map(f)
	}
	return mmap.Read(f)
}

// readNPY reads an array whose first dimension counts the rows. One of rank 2 is a table without names.
func readNPY(f *os.File, size int64, o *Options, p *problems) (*table, error) {
	m, err := contents(f, size)
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	var x *tensor.Tensor
	err = mmap.Guard(func() (err error) {
		x, err = tensor.DecodeNPY(m.Bytes())
		return err
	})
	if err == nil && x.Rank() == 0 {
		err = fmt.Errorf("a scalar: want an array whose first dimension counts the samples")
	}
	if err != nil {
		m.Close()
		return nil, p.fail("", "%v", err)
	}
	t := &table{rows: x.Shape()[0], where: rowNumber, close: m.Close}
	if split := splitColumns(x, o); split != nil {
		t.columns = split
		return t, nil
	}
	name := "x"
	if in := o.input(); in != nil {
		name = in.Name
	}
	t.header, t.columns = true, []*column{{name: name, array: x, mapped: m.Mapped()}}
	return t, nil
}

func rowNumber(i int) string { return fmt.Sprintf("row %d", i) }

// splitColumns takes an array of numbers, [rows, columns], for a table unless it is what the model takes.
func splitColumns(x *tensor.Tensor, o *Options) []*column {
	const most = 1 << 16
	if x.Rank() != 2 || o.Task == Unlabelled || x.DType() == tensor.String || x.Shape()[1] > most || x.Shape()[1] < 2 {
		return nil
	}
	rows, width := x.Shape()[0], x.Shape()[1]
	all := tensor.Float64s(x, x.Len())
	columns := make([]*column, width)
	for k := range columns {
		c := &column{name: fmt.Sprint(k), numbers: make([]float64, rows)}
		for i := range rows {
			v := all[i*width+k]
			if c.numbers[i] = v; math.IsNaN(v) || math.IsInf(v, 0) {
				c.numbers[i] = 0
				c.faults.add(i, rowNumber(i), fmt.Sprintf("column %d: %v: want a finite number", k, v))
			}
		}
		columns[k] = c
	}
	return columns
}

// readNPZ reads the arrays of an archive.
func readNPZ(f *os.File, size int64, o *Options, p *problems) (*table, error) {
	m, err := contents(f, size)
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	found := map[string]*column{}
	err = mmap.Guard(func() error { return unzip(m, found, o, p) })
	if err != nil {
		m.Close()
		return nil, p.fail("", "%v", err)
	}
	return arrayTable(found, m.Close, o, p)
}

// unzip decodes the members of an archive named .npy. Those that are stored stay where they are.
func unzip(m *mmap.File, found map[string]*column, o *Options, p *problems) error {
	z, err := zip.NewReader(bytes.NewReader(m.Bytes()), int64(len(m.Bytes())))
	if err != nil {
		return err
	}
	left := o.memory()
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			continue
		}
		data, stored, err := member(f, m.Bytes(), left)
		if err == nil {
			if !stored {
				left -= int64(len(data))
			}
			var x *tensor.Tensor
			if x, err = tensor.DecodeNPY(data); err == nil {
				found[name] = &column{name: name, array: x, mapped: stored && m.Mapped()}
			}
		}
		if err != nil {
			p.add("array "+quoted(name), "%v", err)
		}
	}
	return nil
}

// member returns the bytes of a member of an archive, of which left more may be unpacked.
func member(f *zip.File, archive []byte, left int64) (data []byte, stored bool, err error) {
	const deflateRatio = 1032 // the most that deflate can pack
	packed, size := f.CompressedSize64, f.UncompressedSize64
	switch {
	case f.Method == zip.Store:
		at, err := f.DataOffset()
		if err != nil || at < 0 || uint64(at)+size > uint64(len(archive)) || size > uint64(len(archive)) {
			return nil, false, fmt.Errorf("%d bytes lie beyond the end of the file", size)
		}
		return archive[at : uint64(at)+size], true, nil
	case packed > uint64(len(archive)) || size/deflateRatio > packed+1:
		return nil, false, fmt.Errorf("%d bytes cannot be packed into %d", size, packed)
	case size > uint64(max(0, left)):
		return nil, false, fmt.Errorf("%d bytes unpacked, the memory limit leaves %d", size, max(0, left))
	}
	r, err := f.Open()
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	data = make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, false, err
	}
	_, err = io.ReadFull(r, make([]byte, 1)) // the checksum is looked at where the end is reached
	if err != io.EOF {
		return nil, false, fmt.Errorf("more than the %d bytes that are announced: %w", size, err)
	}
	return data, false, nil
}

// readSafetensors reads the tensors of a file.
func readSafetensors(f *os.File, size int64, o *Options, p *problems) (*table, error) {
	m, err := contents(f, size)
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	found := map[string]*column{}
	err = mmap.Guard(func() error {
		list, _, err := tensor.ReadSafetensors(m.Bytes())
		for name, x := range list {
			found[name] = &column{name: name, array: x, mapped: m.Mapped()}
		}
		return err
	})
	if err != nil {
		m.Close()
		return nil, p.fail("", "%v", err)
	}
	return arrayTable(found, m.Close, o, p)
}

// readArrayFolder reads the arrays NAME.npy of a folder.
func readArrayFolder(dir string, o *Options, p *problems) (*table, error) {
	files, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.npy"))
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	found := map[string]*column{}
	var open []io.Closer
	for _, name := range files {
		c, m, err := arrayFile(name)
		if err != nil {
			p.add(filepath.Base(name), "%v", err)
			continue
		}
		open = append(open, m)
		found[c.name] = c
	}
	return arrayTable(found, closeAll(open...), o, p)
}

// escapeGlob makes a pattern that only the path itself fits.
func escapeGlob(path string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(path)
}

func arrayFile(name string) (*column, *mmap.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	m, err := contents(f, info.Size())
	if err != nil {
		return nil, nil, err
	}
	c := &column{name: strings.TrimSuffix(filepath.Base(name), ".npy"), mapped: m.Mapped()}
	err = mmap.Guard(func() (err error) {
		c.array, err = tensor.DecodeNPY(m.Bytes())
		return err
	})
	if err != nil {
		m.Close()
		return nil, nil, err
	}
	return c, m, nil
}

// arrayTable makes a table of named arrays. The labels say how many rows there are: arrays of other lengths are left out.
func arrayTable(found map[string]*column, closing func() error, o *Options, p *problems) (*table, error) {
	t := &table{header: true, where: rowNumber, close: closing}
	rows := arrayRows(found, o)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		c := found[name]
		if c.array.Rank() == 0 || c.array.Shape()[0] != rows {
			continue
		}
		c.name = path.Base(strings.TrimSuffix(c.name, trainSuffix(c.name)))
		t.columns = append(t.columns, c)
	}
	t.rows = rows
	if len(t.columns) == 0 || p.Count > 0 && len(t.columns) < 2 {
		closing()
		return nil, p.fail("", "no arrays whose first dimension counts samples: there are %q", slices.Sorted(maps.Keys(found)))
	}
	*p = *newProblems(p.Path, o) // arrays that cannot be read do not matter if others suffice
	return t, nil
}

// trainSuffix returns the ending that tells arrays of training from those of testing.
func trainSuffix(name string) string {
	if strings.HasSuffix(name, "_train") {
		return "_train"
	}
	return ""
}

// arrayRows returns the first dimension of the labels, or of the first array by name.
func arrayRows(found map[string]*column, o *Options) int {
	names := labelNames
	if o.Label != "" {
		names = strings.Split(o.Label, ",")
	}
	for _, want := range names {
		for _, name := range slices.Sorted(maps.Keys(found)) {
			x := found[name].array
			if strings.EqualFold(strings.TrimSuffix(name, trainSuffix(name)), strings.TrimSpace(want)) && x.Rank() > 0 {
				return x.Shape()[0]
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if x := found[name].array; x.Rank() > 0 {
			return x.Shape()[0]
		}
	}
	return 0
}
