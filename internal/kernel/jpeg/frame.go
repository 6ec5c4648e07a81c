package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUnsupported marks pictures that are valid JPEG of a kind that this package does not decode.
var ErrUnsupported = errors.New("jpeg: not supported")

// A Space says what the samples of a Frame's rows are.
type Space int

// The colour spaces of decoded rows.
const (
	Gray Space = iota // one sample a pixel
	RGB               // three
	CMYK              // four, as stored: Adobe's writers store them inverted
)

// A Frame is one picture: Open reads its header, Decode the scans, Row gives the pixels.
type Frame struct {
	Width, Height int
	Space         Space

	data        []byte
	pos         int
	progressive bool
	comps       []*component
	hMax, vMax  int
	quant       [4]*[64]int32
	huff        [2][4]*huffman // DC and AC tables
	restart     int            // MCUs between restart markers, 0 for none
	jfif, adobe bool
	transform   byte // of the Adobe segment
	ycc         bool // the first three components are luma and chroma

	scans int
	up    []*upsampler
}

// A component is one colour plane, stored in blocks of 8x8.
type component struct {
	id            byte
	h, v          int // sampling factors
	table         byte
	width, height int // in samples
	blocks, lines int // size in blocks, rounded up to whole MCUs
	plane         []byte
	coef          []int16 // of progressive pictures: 64 for each block
	quant         *[64]int32
	seen          bool
	dc            int32
}

// Markers with a meaning here: T.81, table B.1.
const (
	sof0, sof1, sof2 = 0xc0, 0xc1, 0xc2
	dht, dqt, dri    = 0xc4, 0xdb, 0xdd
	rst0, rst7       = 0xd0, 0xd7
	soi, eoi, sos    = 0xd8, 0xd9, 0xda
	dnl              = 0xdc
	app0, app14      = 0xe0, 0xee
)

// Open reads the markers up to the frame header. Nothing is allocated in proportion to the picture's size.
func Open(data []byte) (*Frame, error) {
	f := &Frame{data: data}
	if len(data) < 4 || data[0] != 0xff || data[1] != soi {
		return nil, errors.New("jpeg: no start of image")
	}
	f.pos = 2
	for {
		m, body, err := f.segment()
		if err != nil {
			return nil, err
		}
		switch {
		case m == sos || m == eoi:
			return nil, errors.New("jpeg: no frame header before the first scan")
		case isFrame(m):
			return f, f.header(m, body)
		}
		if err := f.table(m, body); err != nil {
			return nil, err
		}
	}
}

func isFrame(m byte) bool { return m >= 0xc0 && m <= 0xcf && m != dht && m != 0xc8 && m != 0xcc }

// marker moves behind the next marker and returns it.
func (f *Frame) marker() (byte, error) {
	for f.pos+1 < len(f.data) {
		m := f.data[f.pos+1]
		if f.data[f.pos] == 0xff && m != 0 && m != 0xff {
			f.pos += 2
			return m, nil
		}
		f.pos++
	}
	return 0, errors.New("jpeg: ends within the picture")
}

// segment returns the next marker and what stands in its segment.
func (f *Frame) segment() (byte, []byte, error) {
	m, err := f.marker()
	if err != nil || m == soi || m == eoi || m == 0x01 || m >= rst0 && m <= rst7 {
		return m, nil, err
	}
	if len(f.data)-f.pos < 2 {
		return 0, nil, errors.New("jpeg: ends within a segment")
	}
	n := int(binary.BigEndian.Uint16(f.data[f.pos:]))
	if n < 2 || n > len(f.data)-f.pos {
		return 0, nil, fmt.Errorf("jpeg: segment of marker %#x is %d bytes long, %d are left", m, n, len(f.data)-f.pos)
	}
	body := f.data[f.pos+2 : f.pos+n]
	f.pos += n
	return m, body, nil
}

// table takes in the segments that may stand before any scan.
func (f *Frame) table(m byte, b []byte) error {
	switch {
	case m == dqt:
		return f.quantisation(b)
	case m == dht:
		return f.codes(b)
	case m == dri:
		if len(b) != 2 {
			return errors.New("jpeg: restart interval of a wrong length")
		}
		f.restart = int(binary.BigEndian.Uint16(b))
	case m == app0 && len(b) >= 14 && string(b[:5]) == "JFIF\x00":
		f.jfif = true
	case m == app14 && len(b) >= 12 && string(b[:5]) == "Adobe":
		f.adobe, f.transform = true, b[11]
	case m == 0xcc || m == dnl:
		return fmt.Errorf("%w: marker %#x", ErrUnsupported, m)
	}
	return nil
}

func (f *Frame) quantisation(b []byte) error {
	for len(b) > 0 {
		wide, id := int(b[0]>>4), b[0]&15
		if id > 3 || wide > 1 || len(b) < 1+64<<wide {
			return errors.New("jpeg: malformed quantisation table")
		}
		q := new([64]int32)
		for i, at := range zigzag {
			if wide == 1 {
				q[at] = int32(binary.BigEndian.Uint16(b[1+2*i:]))
			} else {
				q[at] = int32(b[1+i])
			}
		}
		f.quant[id] = q
		b = b[1+64<<wide:]
	}
	return nil
}

func (f *Frame) codes(b []byte) error {
	for len(b) > 0 {
		class, id := b[0]>>4, b[0]&15
		if class > 1 || id > 3 || len(b) < 17 {
			return errors.New("jpeg: malformed Huffman table")
		}
		n := 0
		for _, c := range b[1:17] {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return errors.New("jpeg: malformed Huffman table")
		}
		h, ok := newHuffman(b[1:17], b[17:17+n])
		if !ok {
			return errors.New("jpeg: Huffman codes overlap")
		}
		f.huff[class][id] = h
		b = b[17+n:]
	}
	return nil
}

// header reads the frame header: T.81, B.2.2.
func (f *Frame) header(m byte, b []byte) error {
	if m > sof2 {
		return fmt.Errorf("%w: coding process of marker %#x", ErrUnsupported, m)
	}
	if len(b) < 6 || len(b) != 6+3*int(b[5]) {
		return errors.New("jpeg: frame header of a wrong length")
	}
	f.progressive = m == sof2
	f.Height, f.Width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	switch n := b[5]; {
	case f.Height == 0 || f.Width == 0:
		return fmt.Errorf("jpeg: picture of %d x %d", f.Width, f.Height)
	case b[0] != 8:
		return fmt.Errorf("%w: samples of %d bits", ErrUnsupported, b[0])
	case n != 1 && n != 3 && n != 4:
		return fmt.Errorf("%w: %d components", ErrUnsupported, n)
	}
	for b = b[6:]; len(b) > 0; b = b[3:] {
		c := &component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), table: b[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 || f.component(c.id) != nil {
			return errors.New("jpeg: malformed component")
		}
		f.comps = append(f.comps, c)
		f.hMax, f.vMax = max(f.hMax, c.h), max(f.vMax, c.v)
	}
	f.Space = [...]Space{1: Gray, 3: RGB, 4: CMYK}[len(f.comps)]
	return f.layout()
}

// layout computes the components' sizes.
func (f *Frame) layout() error {
	if len(f.comps) == 1 { // the factors of a single component say nothing: A.2.2
		f.comps[0].h, f.comps[0].v, f.hMax, f.vMax = 1, 1, 1, 1
	}
	mcus, rows := ceil(f.Width, 8*f.hMax), ceil(f.Height, 8*f.vMax)
	for _, c := range f.comps {
		if f.hMax%c.h != 0 || f.vMax%c.v != 0 {
			return fmt.Errorf("%w: sampling factor %dx%d of %dx%d", ErrUnsupported, c.h, c.v, f.hMax, f.vMax)
		}
		c.width, c.height = ceil(f.Width*c.h, f.hMax), ceil(f.Height*c.v, f.vMax)
		c.blocks, c.lines = mcus*c.h, rows*c.v
	}
	return nil
}

func (f *Frame) component(id byte) *component {
	for _, c := range f.comps {
		if c.id == id {
			return c
		}
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// zigzag maps the order of coefficients in the stream to rows and columns: T.81, figure A.6.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}
