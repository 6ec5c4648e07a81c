package jpeg

import "errors"

var errCode = errors.New("jpeg: malformed picture data")

// block decodes one block of component i of the scan.
func (s *scan) block(i, bx, by int) error {
	c := s.comps[i]
	if !s.progressive {
		var b [64]int32
		if err := s.sequential(c, s.dc[i], s.ac[i], &b); err != nil {
			return err
		}
		c.put(&b, bx, by)
		return nil
	}
	if s.short() {
		return s.end()
	}
	at := (by*c.blocks + bx) * 64
	b := (*[64]int16)(c.coef[at:])
	switch {
	case s.from == 0 && s.high == 0:
		return s.dcFirst(c, s.dc[i], b)
	case s.from == 0:
		b[0] |= int16(s.bit() << s.low)
		return nil
	case s.high == 0:
		return s.acFirst(s.ac[i], b)
	default:
		return s.acRefine(s.ac[i], b)
	}
}

// sequential decodes and dequantises a whole block: T.81, F.2.2.
func (s *scan) sequential(c *component, dc, ac *huffman, b *[64]int32) error {
	n, ok := s.symbol(dc)
	if !ok || n > 15 {
		return errCode
	}
	c.dc += s.extend(uint(n))
	b[0] = c.dc * c.quant[0]
	for k := 1; k < 64; k++ {
		code, ok := s.symbol(ac)
		if !ok {
			return errCode
		}
		run, n := int(code>>4), uint(code&15)
		if n == 0 {
			if run != 15 {
				break
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return errCode
		}
		at := zigzag[k]
		b[at] = s.extend(n) * c.quant[at]
	}
	if s.short() {
		return s.end()
	}
	return nil
}

// dcFirst decodes the first bits of a DC coefficient: T.81, G.1.2.1.
func (s *scan) dcFirst(c *component, dc *huffman, b *[64]int16) error {
	n, ok := s.symbol(dc)
	if !ok || n > 15 {
		return errCode
	}
	c.dc += s.extend(uint(n))
	b[0] = int16(c.dc << s.low)
	return nil
}

// acFirst decodes the first bits of a band of coefficients: T.81, G.1.2.2.
func (s *scan) acFirst(ac *huffman, b *[64]int16) error {
	if s.skip > 0 {
		s.skip--
		return nil
	}
	for k := s.from; k <= s.to; k++ {
		code, ok := s.symbol(ac)
		if !ok {
			return errCode
		}
		run, n := int(code>>4), uint(code&15)
		if n == 0 {
			if run != 15 {
				s.skip = 1<<run - 1 + s.bits(uint(run))
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > s.to {
			return errCode
		}
		b[zigzag[k]] = int16(s.extend(n) << s.low)
	}
	return nil
}

// acRefine adds one bit to the coefficients of a band: T.81, G.1.2.3.
func (s *scan) acRefine(ac *huffman, b *[64]int16) error {
	k := s.from
	if s.skip == 0 {
		for ; k <= s.to; k++ {
			code, ok := s.symbol(ac)
			if !ok || code&15 > 1 {
				return errCode
			}
			run, fresh := int(code>>4), int16(0)
			switch {
			case code&15 == 1:
				fresh = int16(2*s.bits(1)-1) << s.low
			case run != 15:
				s.skip = 1<<run + s.bits(uint(run))
			}
			if s.skip > 0 {
				break
			}
			k = s.pass(b, k, run)
			if fresh != 0 {
				if k > s.to {
					return errCode
				}
				b[zigzag[k]] = fresh
			}
		}
	}
	if s.skip > 0 {
		s.skip--
		s.pass(b, k, 64)
	}
	return nil
}

// pass reads a correction bit for every coefficient that is not zero, from k on until it has met the given
// number of zeros and stands at the next one. It returns the position.
func (s *scan) pass(b *[64]int16, k, zeros int) int {
	one := int16(1) << s.low
	for ; k <= s.to; k++ {
		v := &b[zigzag[k]]
		switch {
		case *v == 0 && zeros == 0:
			return k
		case *v == 0:
			zeros--
		case s.bit() == 0 || *v&one != 0 && *v > 0 || *v < 0 && -*v&one != 0:
		case *v > 0:
			*v += one
		default:
			*v -= one
		}
	}
	return k
}
