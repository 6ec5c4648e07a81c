package picture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var errPNM = errors.New("picture: malformed portable anymap")

// A pnm reads the portable bitmap, graymap and pixmap formats, plain (P1 to P3) and raw (P4 to P6).
type pnm struct {
	data     []byte
	pos      int
	kind     byte // '1' to '6'
	channels int
	scale    []byte // 8-bit values of the samples 0 to the greatest; nil for bitmaps
}

func openPNM(data []byte) (*Picture, error) {
	p := &pnm{data: data, pos: 2, kind: data[1], channels: 1}
	if !isSpace(data[2]) {
		return nil, errPNM
	}
	if p.kind == '3' || p.kind == '6' {
		p.channels = 3
	}
	w, h, top := p.number(), p.number(), 1
	if p.kind != '1' && p.kind != '4' {
		if top = p.number(); top < 1 || top > 65535 {
			return nil, errPNM
		}
	}
	if w < 1 || h < 1 || w > MaxPixels {
		return nil, errPNM
	}
	p.pos++ // one white space ends the header
	if left := len(data) - p.pos; left < 0 || h > math.MaxInt/8/w || left < p.bytes(w, h, top) {
		return nil, fmt.Errorf("%w: %d x %d pixels in %d bytes", errPNM, w, h, left)
	}
	p.levels(top)
	return &Picture{Width: w, Height: h, load: func() (rows, error) {
		if p.kind >= '4' {
			return p.raw(w), nil
		}
		return p.plain(w, h)
	}}, nil
}

// bytes returns how many bytes the pixels take at least.
func (p *pnm) bytes(w, h, top int) int {
	switch {
	case p.kind == '4':
		return (w + 7) / 8 * h
	case p.kind == '1':
		return w * h
	case p.kind < '4': // a digit each, white space between
		return 2*w*h*p.channels - 1
	case top > 255:
		return 2 * w * h * p.channels
	}
	return w * h * p.channels
}

// levels makes the table from samples to bytes: halves go to the even side.
func (p *pnm) levels(top int) {
	p.scale = make([]byte, top+1)
	for v := range p.scale {
		p.scale[v] = byte(math.RoundToEven(float64(v) / float64(top) * 255))
	}
	if p.kind == '1' || p.kind == '4' {
		p.scale[0], p.scale[1] = 255, 0 // one is black
	}
}

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// blank moves over white space and comments, which last to the end of their line.
func (p *pnm) blank() {
	for p.pos < len(p.data) && (isSpace(p.data[p.pos]) || p.data[p.pos] == '#') {
		if p.data[p.pos] == '#' {
			for p.pos < len(p.data) && p.data[p.pos] != '\n' && p.data[p.pos] != '\r' {
				p.pos++
			}
			continue
		}
		p.pos++
	}
}

// number reads a decimal number of at most nine digits, -1 where there is none.
func (p *pnm) number() int {
	p.blank()
	v, from := 0, p.pos
	for p.pos < len(p.data) && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
		if v = 10*v + int(p.data[p.pos]-'0'); v > 999999999 {
			return -1
		}
		p.pos++
	}
	if p.pos == from {
		return -1
	}
	return v
}

// raw reads binary samples; the length of the data is checked.
func (p *pnm) raw(w int) rows {
	pix, n := p.data[p.pos:], w*p.channels
	return func(y int, rgb []byte) {
		for i := range n {
			v := 0
			switch {
			case p.kind == '4':
				v = int(pix[(w+7)/8*y+i/8]>>(7-i%8)) & 1
			case len(p.scale) > 256:
				v = int(binary.BigEndian.Uint16(pix[2*(n*y+i):]))
			default:
				v = int(pix[n*y+i])
			}
			rgb[i] = p.scale[min(v, len(p.scale)-1)]
		}
		if p.channels == 1 {
			spread(rgb)
		}
	}
}

// plain reads samples written as text. Those of bitmaps need no space between them.
func (p *pnm) plain(w, h int) (rows, error) {
	n := w * p.channels
	pix := make([]byte, n*h)
	for i := range pix {
		v := -1
		if p.kind == '1' {
			if p.blank(); p.pos < len(p.data) {
				v = int(p.data[p.pos]) - '0'
				p.pos++
			}
		} else {
			v = p.number()
		}
		if v < 0 || v >= len(p.scale) {
			return nil, errPNM
		}
		pix[i] = p.scale[v]
	}
	return func(y int, rgb []byte) {
		copy(rgb, pix[y*n:(y+1)*n])
		if p.channels == 1 {
			spread(rgb)
		}
	}, nil
}
