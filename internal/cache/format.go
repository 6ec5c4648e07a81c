package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/onnxrun/onnxrun/internal/mem"
	"github.com/onnxrun/onnxrun/internal/mmap"
)

// A file is a header, an index, and the elements of the forms. Numbers are little-endian, elements as they lie in memory.
//
//	magic [16] | key of the file [32] | size of the file 8 | size of the index 8 | checksum of index and the fields before [16]
//	index: for each form: key [32] | number of parts 4 | for each part: offset 8 | elements 8 | checksum [16]
const (
	magic      = "onnxrun packed 1"
	extension  = ".packed"
	headerSize = len(magic) + len(Key{}) + 8 + 8 + len(Hash{})
	partSize   = 8 + 8 + len(Hash{})
	maxIndex   = 64 << 20
)

// A part is where some elements of a form lie.
type part struct {
	offset, elems int64
	sum           Hash
}

// A pack is a mapped file whose index has been read. nil is one without forms.
type pack struct {
	data  []byte
	size  int64
	sum   Hash // of the index
	index map[Key][]part
	order []Key
}

// openPack maps the file of that name. It returns no pack if there is no file.
func openPack(name string, id Key) (*mmap.File, *pack, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	m, err := mmap.Map(f)
	if err != nil {
		return nil, nil, err
	}
	var p *pack
	err = mmap.Guard(func() (err error) {
		p, err = readPack(m.Bytes(), id)
		return err
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, err), m.Close())
	}
	return m, p, nil
}

// readPack checks everything but the elements.
func readPack(data []byte, id Key) (*pack, error) {
	if len(data) < headerSize {
		return nil, fmt.Errorf("%d bytes, want at least %d", len(data), headerSize)
	}
	at := len(magic) + len(id)
	size, index := binary.LittleEndian.Uint64(data[at:]), binary.LittleEndian.Uint64(data[at+8:])
	switch {
	case string(data[:len(magic)]) != magic:
		return nil, errors.New("not a file of packed weights")
	case !bytes.Equal(data[len(magic):at], id[:]):
		return nil, errors.New("packed weights of another model, build or processor")
	case size != uint64(len(data)):
		return nil, fmt.Errorf("%d bytes, want %d", len(data), size)
	case index > maxIndex || index > uint64(len(data)-headerSize):
		return nil, fmt.Errorf("an index of %d bytes", index)
	}
	p := &pack{data: data, size: int64(size), index: map[Key][]part{}}
	copy(p.sum[:], data[headerSize-len(p.sum):])
	body := data[headerSize : headerSize+int(index)]
	if indexSum(data[:headerSize-len(p.sum)], body) != p.sum {
		return nil, errors.New("the index has another checksum")
	}
	return p, p.readIndex(body)
}

func indexSum(header, index []byte) Hash {
	return sumOf(append(append(make([]byte, 0, len(header)+len(index)), header...), index...))
}

func (p *pack) readIndex(b []byte) error {
	for len(b) > 0 {
		if len(b) < len(Key{})+4 {
			return errors.New("the index ends early")
		}
		k := Key(b)
		n := int(binary.LittleEndian.Uint32(b[len(k):]))
		if b = b[len(k)+4:]; n == 0 || n > len(b)/partSize {
			return fmt.Errorf("a form of %d parts", n)
		}
		parts := make([]part, n)
		for i := range parts {
			x := part{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:])), Hash(b[16:])}
			if b = b[partSize:]; !p.holds(x) {
				return fmt.Errorf("%d elements at %d of a file of %d bytes", x.elems, x.offset, p.size)
			}
			parts[i] = x
		}
		if p.index[k] == nil {
			p.order = append(p.order, k)
		}
		p.index[k] = parts
	}
	return nil
}

func (p *pack) holds(x part) bool {
	return x.offset >= int64(headerSize) && x.offset%mem.Alignment == 0 && x.elems >= 0 && x.elems <= math.MaxInt64/8 &&
		x.offset <= p.size && 4*x.elems <= p.size-x.offset
}

func (p *pack) find(k Key) ([]part, bool) {
	if p == nil {
		return nil, false
	}
	e, ok := p.index[k]
	return e, ok
}

func (p *pack) bytes(x part) []byte {
	return p.data[x.offset : x.offset+4*x.elems : x.offset+4*x.elems]
}

func (p *pack) parts(e []part) [][]float32 {
	out := make([][]float32, len(e))
	for i, x := range e {
		out[i] = floatsOf(p.bytes(x))
	}
	return out
}

// verify compares the checksums of a form.
func (p *pack) verify(e []part) error {
	for _, x := range e {
		if hashOf(p.bytes(x), 1, nil) != x.sum {
			return fmt.Errorf("packed weights at %d have another checksum", x.offset)
		}
	}
	return nil
}

// appendForm appends a form to an index.
func appendForm(b []byte, k Key, parts []part) []byte {
	b = append(b, k[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(parts)))
	for _, x := range parts {
		b = binary.LittleEndian.AppendUint64(b, uint64(x.offset))
		b = binary.LittleEndian.AppendUint64(b, uint64(x.elems))
		b = append(b, x.sum[:]...)
	}
	return b
}

// header returns the header of a file with that index.
func header(id Key, size int64, index []byte) []byte {
	b := append([]byte(magic), id[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(index)))
	sum := indexSum(b, index)
	return append(b, sum[:]...)
}
