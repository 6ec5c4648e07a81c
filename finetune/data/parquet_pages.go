package data

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// pageRatio is more than what any codec of Parquet packs: zstd stands for 128 KiB of one byte by four.
const (
	pageRatio = 1 << 15
	pageSlack = 1 << 16
)

// checkFooter compares the announced size of the footer with that of the file, before it is read.
func checkFooter(data []byte) error {
	const magic = 4
	if len(data) < 3*magic {
		return fmt.Errorf("%d bytes are no Parquet file", len(data))
	}
	if n := binary.LittleEndian.Uint32(data[len(data)-2*magic:]); int64(n) > int64(len(data)-3*magic) {
		return fmt.Errorf("a footer of %d bytes in a file of %d", n, len(data))
	}
	return nil
}

// checkPages walks over the headers of all pages and refuses sizes that the file cannot hold, so that reading them asks
// for no more memory than their content is worth. left bounds the values of a column.
func checkPages(data []byte, meta *format.FileMetaData, left int64) error {
	for _, group := range meta.RowGroups {
		for _, chunk := range group.Columns {
			m := &chunk.MetaData
			if m.NumValues < 0 || m.NumValues > left/16 {
				return fmt.Errorf("column %s: %d values do not fit into %d bytes", strings.Join(m.PathInSchema, "."), m.NumValues, left)
			}
			if err := checkChunk(data, m); err != nil {
				return fmt.Errorf("column %s: %w", strings.Join(m.PathInSchema, "."), err)
			}
		}
	}
	return nil
}

func checkChunk(data []byte, m *format.ColumnMetaData) error {
	at := m.DataPageOffset
	if d := m.DictionaryPageOffset; d != 0 {
		at = d
	}
	size := m.TotalCompressedSize
	if at < 0 || size < 0 || at > int64(len(data)) || size > int64(len(data))-at {
		return fmt.Errorf("%d bytes at %d of a file of %d", size, at, len(data))
	}
	rest := data[at : at+size]
	protocol := new(thrift.CompactProtocol)
	for values := int64(0); len(rest) > 0; {
		r := protocol.NewReaderFromBytes(rest)
		var h format.PageHeader
		if err := thrift.NewDecoder(r).Decode(&h); err != nil {
			return fmt.Errorf("header of a page: %w", err)
		}
		rest = rest[r.BytesRead():]
		packed, full := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
		if packed < 0 || packed > int64(len(rest)) || full < 0 || full > pageRatio*packed+pageSlack {
			return fmt.Errorf("a page of %d bytes, %d unpacked, with %d left in the file", packed, full, len(rest))
		}
		if err := checkPacked(m.Codec, packedPart(&h, rest[:packed]), full); err != nil {
			return err
		}
		rest = rest[packed:]
		switch h.Type {
		case format.DataPage:
			values += int64(h.DataPageHeader.V.NumValues)
		case format.DataPageV2:
			values += int64(h.DataPageHeaderV2.V.NumValues)
		case format.DictionaryPage:
			if n := int64(h.DictionaryPageHeader.V.NumValues); n < 0 || n > full*8 {
				return fmt.Errorf("a dictionary of %d values in %d bytes", n, full)
			}
		}
		if values < 0 || values > m.NumValues || h.DataPageHeader.V.NumValues < 0 || h.DataPageHeaderV2.V.NumValues < 0 {
			return fmt.Errorf("%d values, %d are announced", values, m.NumValues)
		}
	}
	return nil
}

// packedPart returns what the codec packed of a page: pages of version 2 begin with levels that are not, or are not
// packed at all.
func packedPart(h *format.PageHeader, page []byte) []byte {
	if h.Type != format.DataPageV2 {
		return page
	}
	v2 := &h.DataPageHeaderV2.V
	levels := int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength)
	if v2.IsCompressed.Valid && !v2.IsCompressed.V || levels < 0 || levels > int64(len(page)) {
		return nil
	}
	return page[levels:]
}

// checkPacked compares the unpacked size that the codec's own header announces, for which its decoder asks memory, with
// that of the page.
func checkPacked(codec format.CompressionCodec, packed []byte, full int64) error {
	size, known := uint64(0), false
	switch codec {
	case format.Snappy:
		n, used := binary.Uvarint(packed)
		size, known = n, used > 0
	case format.Zstd:
		size, known = zstdSize(packed)
	}
	if known && size > uint64(full) {
		return fmt.Errorf("a page of %d bytes that is packed as %d", full, size)
	}
	return nil
}

// zstdSize reads the content size of a frame (RFC 8878, section 3.1.1.1), if it has one.
func zstdSize(frame []byte) (size uint64, known bool) {
	const magic = "\x28\xb5\x2f\xfd"
	if len(frame) < 5 || string(frame[:4]) != magic {
		return 0, false
	}
	descriptor, at := frame[4], 5
	single := descriptor>>5&1 == 1
	if !single {
		at++ // the window
	}
	at += []int{0, 1, 2, 4}[descriptor&3] // the dictionary
	width := []int{0, 2, 4, 8}[descriptor>>6]
	if width == 0 && single {
		width = 1
	}
	if width == 0 || len(frame) < at+width {
		return 0, false
	}
	for i := range width {
		size |= uint64(frame[at+i]) << (8 * i)
	}
	if width == 2 {
		size += 256
	}
	return size, true
}
