// Package nbits multiplies by matrices that are stored as codes of 2, 4 or 8 bits in blocks, each with a scale and a
// zero point. The codes stay as they are: a few rows of them at a time become float32 while they are used.
//
// It may import internal/par, internal/kernel/vec and internal/kernel/gemm.
package nbits

import "fmt"

// Matrix is the transpose of a K×N right-hand side: N rows of K codes, element (n, k) being
// (code - zero) * scale with scale and zero of block k/Block of row n. A row starts on a byte, and so does each
// of its blocks, the last of which is padded; codes fill bytes from the low bits up.
type Matrix struct {
	N, K, Bits, Block int

	Codes  []byte
	Scales []float32 // [N, Blocks]
	Zeros  []byte    // codes of zero points, rows padded to whole bytes; nil: 1 << (Bits-1)
	Points []float32 // [N, Blocks], zero points as numbers, in place of Zeros
	Group  []int32   // the block whose scale and zero element k of a row has; nil: k/Block
}

// Blocks returns the number of blocks in a row.
func (m *Matrix) Blocks() int { return (m.K + m.Block - 1) / m.Block }

// rowBytes returns the number of bytes of a row of codes.
func (m *Matrix) rowBytes() int { return m.Blocks() * (m.Block * m.Bits / 8) }

// zeroBytes returns the number of bytes of a row of zero points.
func (m *Matrix) zeroBytes() int { return (m.Blocks()*m.Bits + 7) / 8 }

// Check says what does not fit: sizes that are not allowed or slices of another length.
func (m *Matrix) Check() error {
	switch {
	case m.Bits != 2 && m.Bits != 4 && m.Bits != 8:
		return fmt.Errorf("nbits: codes of %d bits, want 2, 4 or 8", m.Bits)
	case m.Block < 16 || m.Block&(m.Block-1) != 0:
		return fmt.Errorf("nbits: blocks of %d, want a power of two of at least 16", m.Block)
	case m.N < 1 || m.K < 1 || m.K > maxSize || m.N > maxSize || m.Block > maxSize:
		return fmt.Errorf("nbits: matrix of %d rows of %d in blocks of %d, want sizes from 1 to %d", m.N, m.K, m.Block, maxSize)
	case len(m.Codes) != m.N*m.rowBytes():
		return fmt.Errorf("nbits: %d bytes of codes, want %d", len(m.Codes), m.N*m.rowBytes())
	case len(m.Scales) != m.N*m.Blocks():
		return fmt.Errorf("nbits: %d scales, want %d", len(m.Scales), m.N*m.Blocks())
	case m.Zeros != nil && len(m.Zeros) != m.N*m.zeroBytes():
		return fmt.Errorf("nbits: %d bytes of zero points, want %d", len(m.Zeros), m.N*m.zeroBytes())
	case m.Points != nil && len(m.Points) != len(m.Scales):
		return fmt.Errorf("nbits: %d zero points, want %d", len(m.Points), len(m.Scales))
	case m.Group != nil && len(m.Group) < m.K:
		return fmt.Errorf("nbits: groups of %d elements, want %d", len(m.Group), m.K)
	}
	if m.Group != nil {
		for k, g := range m.Group[:m.K] {
			if g < 0 || int(g) >= m.Blocks() {
				return fmt.Errorf("nbits: element %d is of group %d of %d", k, g, m.Blocks())
			}
		}
	}
	return nil
}

// maxSize bounds rows and columns so that no product of them overflows.
const maxSize = 1 << 28

// Row sets dst to elements [k0, k0+len(dst)) of row n. k0 is a multiple of 16.
func (m *Matrix) Row(dst []float32, n, k0 int) {
	s := buffers.Get().(*buffer)
	m.row(s, dst, n, k0)
	buffers.Put(s)
}

func (m *Matrix) row(s *buffer, dst []float32, n, k0 int) {
	codes := m.Codes[n*m.rowBytes()+k0*m.Bits/8:]
	blocks := m.Blocks()
	scales, zeros := m.Scales[n*blocks:(n+1)*blocks], m.points(s, n)
	if m.Group != nil {
		expand(dst, codes, m.Bits, 0, 1)
		for i, g := range m.Group[k0 : k0+len(dst)] {
			dst[i] = (dst[i] - zeros[g]) * scales[g]
		}
		return
	}
	b := k0 / m.Block
	if part := k0 % m.Block; part > 0 { // the rest of a block
		size := min(m.Block-part, len(dst))
		expandBlocks(dst[:size], codes, m.Bits, size, scales[b:], zeros[b:])
		dst, codes = dst[size:], codes[(size*m.Bits+7)/8:]
		b++
	}
	expandBlocks(dst, codes, m.Bits, m.Block, scales[b:], zeros[b:])
}

// points returns the zero points of row n as numbers.
func (m *Matrix) points(s *buffer, n int) []float32 {
	blocks := m.Blocks()
	if m.Points != nil {
		return m.Points[n*blocks : (n+1)*blocks]
	}
	if cap(s.zeros) < blocks {
		s.zeros = make([]float32, blocks)
	}
	zeros := s.zeros[:blocks]
	if m.Zeros != nil {
		expand(zeros, m.Zeros[n*m.zeroBytes():], m.Bits, 0, 1)
		return zeros
	}
	for i := range zeros {
		zeros[i] = float32(int(1) << (m.Bits - 1))
	}
	return zeros
}
