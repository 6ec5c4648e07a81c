package jpeg

import (
	"errors"
	"fmt"
)

// maxScans bounds the passes over a progressive picture: a scan may cost ten bytes and a pass over all blocks.
const maxScans = 500

// A scan is a pass over the blocks of some components: T.81, B.2.3.
type scan struct {
	bitReader
	comps          []*component
	dc, ac         []*huffman
	from, to       int  // band of coefficients
	high, low      uint // bit position before and after the pass
	progressive    bool
	skip           int32 // blocks still to be left as they are: the run of end-of-band codes
	restart, until int   // MCUs between restart markers, MCUs left
	mark           byte  // next restart marker
}

// Decode reads the scans up to the end of the image. Memory is about two bytes a pixel, of progressive
// pictures up to nine.
func (f *Frame) Decode() error {
	for _, c := range f.comps {
		c.plane = make([]byte, c.blocks*c.lines*64)
		if f.progressive {
			c.coef = make([]int16, c.blocks*c.lines*64)
		}
	}
	for {
		m, body, err := f.segment()
		if err != nil && !f.progressive && f.complete() {
			break // only the end marker is missing
		}
		if err != nil {
			return err
		}
		if m == eoi {
			break
		}
		switch {
		case m == sos:
			err = f.scan(body)
		case isFrame(m) || m == soi:
			err = errors.New("jpeg: a second picture within the first")
		default:
			err = f.table(m, body)
		}
		if err != nil {
			return err
		}
	}
	if !f.complete() {
		return errors.New("jpeg: a component has no scan")
	}
	f.finish()
	return nil
}

func (f *Frame) complete() bool {
	for _, c := range f.comps {
		if !c.seen {
			return false
		}
	}
	return true
}

// finish transforms the blocks of a progressive picture and prepares the rows.
func (f *Frame) finish() {
	var b [64]int32
	for _, c := range f.comps {
		for i := 0; i < len(c.coef); i += 64 {
			for k, q := range c.quant {
				b[k] = int32(c.coef[i+k]) * q
			}
			c.put(&b, i/64%c.blocks, i/64/c.blocks)
		}
		c.coef = nil
	}
	f.ycc = f.hasChroma()
	for _, c := range f.comps {
		f.up = append(f.up, newUpsampler(c, f.hMax/c.h, f.vMax/c.v, f.Width))
	}
}

// scan reads a scan header and the entropy-coded segments behind it.
func (f *Frame) scan(b []byte) error {
	s := &scan{progressive: f.progressive, restart: f.restart, until: f.restart, mark: rst0}
	s.data, s.pos = f.data, f.pos
	if f.scans++; f.scans > maxScans {
		return fmt.Errorf("jpeg: more than %d scans", maxScans)
	}
	if err := f.scanHeader(s, b); err != nil {
		return err
	}
	for _, c := range s.comps {
		c.dc = 0
	}
	if err := f.mcus(s); err != nil {
		return err
	}
	f.pos = s.pos
	return nil
}

func (f *Frame) scanHeader(s *scan, b []byte) error {
	n := 0
	if len(b) > 0 {
		n = int(b[0])
	}
	if n < 1 || n > len(f.comps) || len(b) != 4+2*n {
		return errors.New("jpeg: malformed scan header")
	}
	s.from, s.to, s.high, s.low = int(b[1+2*n]), int(b[2+2*n]), uint(b[3+2*n]>>4), uint(b[3+2*n]&15)
	if !s.progressive {
		s.from, s.to, s.high, s.low = 0, 63, 0, 0
	}
	switch {
	case s.from > s.to || s.to > 63 || s.low > 13 || s.high != 0 && s.high != s.low+1:
		return errors.New("jpeg: scan of coefficients that do not exist")
	case s.progressive && (s.from == 0 && s.to != 0 || s.from > 0 && n > 1):
		return errors.New("jpeg: progressive scan that mixes what must be apart")
	}
	size := 0
	for i := range n {
		c := f.component(b[1+2*i])
		dc, ac := b[2+2*i]>>4, b[2+2*i]&15
		if c == nil || dc > 3 || ac > 3 {
			return errors.New("jpeg: scan of a component that does not exist")
		}
		for _, other := range s.comps {
			if other == c {
				return errors.New("jpeg: scan of one component twice")
			}
		}
		if err := f.enter(s, c, f.huff[0][dc], f.huff[1][ac]); err != nil {
			return err
		}
		size += c.h * c.v
	}
	if n > 1 && size > 10 {
		return errors.New("jpeg: more than ten blocks in an MCU")
	}
	return nil
}

// enter adds a component to the scan and checks that it has the tables it needs.
func (f *Frame) enter(s *scan, c *component, dc, ac *huffman) error {
	if needDC, needAC := s.from == 0 && s.high == 0, s.to > 0; needDC && dc == nil || needAC && ac == nil {
		return errors.New("jpeg: scan without its Huffman table")
	}
	if c.quant == nil { // a table may be replaced between scans: the first one counts
		if c.quant = f.quant[c.table]; c.quant == nil {
			return errors.New("jpeg: component without quantisation table")
		}
	}
	if !s.progressive && c.seen {
		return errors.New("jpeg: component in two scans")
	}
	c.seen = c.seen || s.from == 0
	s.comps, s.dc, s.ac = append(s.comps, c), append(s.dc, dc), append(s.ac, ac)
	return nil
}

// mcus walks over the MCUs of the scan: blocks side by side if it has several components, else single blocks of
// the picture's own size (T.81, A.2).
func (f *Frame) mcus(s *scan) error {
	if len(s.comps) == 1 {
		c := s.comps[0]
		across, down := ceil(c.width, 8), ceil(c.height, 8)
		for i := range across * down {
			if err := s.boundary(); err != nil {
				return err
			}
			if err := s.block(0, i%across, i/across); err != nil {
				return err
			}
		}
		return s.end()
	}
	across, down := ceil(f.Width, 8*f.hMax), ceil(f.Height, 8*f.vMax)
	for i := range across * down {
		if err := s.boundary(); err != nil {
			return err
		}
		for j, c := range s.comps {
			for k := range c.h * c.v {
				if err := s.block(j, i%across*c.h+k%c.h, i/across*c.v+k/c.h); err != nil {
					return err
				}
			}
		}
	}
	return s.end()
}

// boundary reads the restart marker before an MCU where one is due.
func (s *scan) boundary() error {
	if s.restart == 0 {
		return nil
	}
	if s.until > 0 {
		s.until--
		return nil
	}
	if err := s.end(); err != nil {
		return err
	}
	for s.pos+1 < len(s.data) && (s.data[s.pos] != 0xff || s.data[s.pos+1] == 0 || s.data[s.pos+1] == 0xff) {
		s.pos++
	}
	if s.pos+1 >= len(s.data) || s.data[s.pos+1] != s.mark {
		return errors.New("jpeg: restart marker missing")
	}
	s.pos += 2
	s.acc, s.n, s.fed, s.skip = 0, 0, 0, 0
	for _, c := range s.comps {
		c.dc = 0
	}
	s.mark = rst0 + (s.mark-rst0+1)%8
	s.until = s.restart - 1
	return nil
}

// end reports an entropy-coded segment that ended too early.
func (s *scan) end() error {
	if s.short() {
		return errors.New("jpeg: picture data ends early")
	}
	return nil
}
