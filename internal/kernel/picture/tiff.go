package picture

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/image/tiff"
)

// Tags of TIFF 6.0 and their values.
const (
	tagCompression = 259 // 3 and 4 are the two fax codes
	tagPhotometric = 262 // 1: zero is black
)

func openTIFF(data []byte) (*Picture, error) {
	p, err := openStd(data, densePNG, tiff.DecodeConfig, tiff.Decode)
	if err != nil {
		return nil, err
	}
	// White runs of a fax are zeros, so a fax in which zero is black comes out negative. The library takes it
	// for positive.
	if c := tiffTag(data, tagCompression); (c == 3 || c == 4) && tiffTag(data, tagPhotometric) == 1 {
		load := p.load
		p.load = func() (rows, error) {
			row, err := load()
			return func(y int, rgb []byte) {
				row(y, rgb)
				for i := range rgb {
					rgb[i] = ^rgb[i]
				}
			}, err
		}
	}
	return p, nil
}

// tiffTag returns a tag of type SHORT in the first directory, 0 where there is none.
func tiffTag(data []byte, tag uint16) uint16 {
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(data, []byte("MM")) {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(data[4:])) // the library has read the directory already
	for i := range int64(order.Uint16(data[at:])) {
		if e := data[at+2+12*i:]; order.Uint16(e) == tag {
			return order.Uint16(e[8:])
		}
	}
	return 0
}
