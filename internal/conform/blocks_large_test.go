package conform_test

// largePictures are few layers on maps so large that convolutions go by Winograd's transforms, in bands of rows and by kernels that slide, with
// edges that are no multiples of their tiles.
func (m *blockModel) largePictures() blockValue {
	m.work = 8e7
	x := m.input(m.one(1, 1, 1, 2), m.one(1, 3, 3, 8, 16, 24, 32, 48, 64, 96), 24+m.r.IntN(100), 24+m.r.IntN(100))
	for range 1 + m.r.IntN(3) {
		if x.rank() != 4 || x.shape.Len() > 1<<20 {
			break
		}
		c := x.channels()
		s := convSpec{out: m.one(8, 16, 24, 32, 48, 64, 65, 100, 128), group: 1, kernel: times(m.one(3, 3, 3, 3, 5, 7), 2), stride: m.one(1, 1, 1, 2), dil: m.one(1, 1, 1, 2)}
		switch m.r.IntN(10) {
		case 0, 1, 2: // a filter for each channel
			s.out, s.group = c, c
			if m.chance(20) {
				s.out = 2 * c
			}
		case 3:
			for _, width := range []int{16, 8, 4, 2} {
				if c%width == 0 && c > width {
					s.out, s.group = c, c/width
					break
				}
			}
		case 4:
			x = m.convTranspose(x)
			continue
		case 5:
			x = m.poolLayer(x)
			continue
		case 6: // pixels as rows of a product, and rows that are not as long as columns
			s.kernel = [][]int{{1, 1}, {1, 7}, {7, 1}, {1, 3}, {3, 1}}[m.r.IntN(5)]
		}
		for i := range 4 {
			s.pads = append(s.pads, s.dil*(s.kernel[i%2]-1)/2)
			if m.chance(10) {
				s.pads[i] = m.r.IntN(s.kernel[i%2])
			}
		}
		y := m.conv(x, s)
		if y.shape.Equal(x.shape) && m.chance(50) {
			y = m.binary("Add", m.after(y), x)
		}
		x = m.after(y)
	}
	return x
}
