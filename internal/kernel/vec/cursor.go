package vec

// A cursor walks a Plan over the result's elements lo to hi, panel by panel: a panel is some rows whose
// offsets are evenly spaced in every input, or a part of one row. It takes single whole rows several at a time.
type cursor struct {
	dims  []planDim
	index [maxFixed]int
	more  []int // all indices, if there are more than maxFixed
	off   [MaxInputs]int
	at    int // next element of the result
	hi    int
	rows  int // of the panel at hand
	cols  int
	count int // panels of one row that follow each other, evenly spaced, from the one at hand on
	short int // rows shorter than this are taken several at once
}

const (
	// Rows shorter than shortRow are taken several at once, in panels of up to panelLen elements: rows shorter than
	// repeatRow if no input must be laid out anew for every panel.
	shortRow  = 64
	repeatRow = 768
	panelLen  = 2048
)

// start puts the cursor on element lo of the result. The plan has at least one dimension.
func (c *cursor) start(p *Plan, lo, hi int) {
	c.dims, c.at, c.hi, c.short = p.dims(), lo, hi, shortRow
	if c.repeats() {
		c.short = repeatRow
	}
	if len(c.dims) > maxFixed {
		c.more = make([]int, len(c.dims))
	}
	if lo > 0 {
		index := c.idx()
		for i := len(c.dims) - 1; i >= 0; i-- {
			d := &c.dims[i]
			index[i] = lo % d.n
			lo /= d.n
			for k := range c.off {
				c.off[k] += index[i] * d.stride[k]
			}
		}
	}
	c.measure()
}

// repeats tells whether every input runs on over rows, or is the same in all rows of a panel.
func (c *cursor) repeats() bool {
	last := len(c.dims) - 1
	if last == 0 {
		return false
	}
	for k := range c.off {
		step, down := c.dims[last].stride[k], c.dims[last-1].stride[k]
		if down != 0 && (step == 0 || down != c.dims[last].n) {
			return false
		}
	}
	return true
}

func (c *cursor) idx() []int {
	if c.more != nil {
		return c.more
	}
	return c.index[:]
}

// measure sets the size of the panel at the cursor.
func (c *cursor) measure() {
	last := len(c.dims) - 1
	n, left := c.dims[last].n, c.hi-c.at
	at := c.idx()[last]
	c.rows, c.cols, c.count = 1, min(n-at, left), 1
	if last == 0 || at > 0 || left < n {
		return
	}
	whole := min(c.dims[last-1].n-c.idx()[last-1], left/n)
	if n < c.short {
		c.rows = min(whole, panelLen/n)
	} else {
		c.count = whole
	}
}

// resultOf returns the elements of dst at the panels at the cursor.
func resultOf[D any](c *cursor, dst []D) strip[D] {
	n := c.rows * c.cols
	return strip[D]{dst[c.at:], n, n}
}

// next moves on to the next panel. It reports whether there is one.
func (c *cursor) next() bool {
	by := c.rows * c.count
	c.at += by * c.cols
	if c.at >= c.hi {
		return false
	}
	index := c.idx()
	last := len(c.dims) - 1
	for k := range c.off {
		c.off[k] -= index[last] * c.dims[last].stride[k]
	}
	index[last] = 0
	for i := last - 1; i >= 0; i-- {
		d := &c.dims[i]
		for k := range c.off {
			c.off[k] += by * d.stride[k]
		}
		if index[i] += by; index[i] < d.n {
			break
		}
		index[i], by = 0, 1
		for k := range c.off {
			c.off[k] -= d.n * d.stride[k]
		}
	}
	c.measure()
	return true
}

// A spreadBuf holds the elements of one input for panels of several rows.
type spreadBuf[T any] struct {
	buf  *[panelLen]T
	off  int // what buf holds, if it holds rows that are all the same
	held int
}

// A strip is an input at the panels of a cursor: panel i is n elements, or one that stands for all of them, from i*step on.
type strip[T any] struct {
	x       []T
	n, step int
}

func (s *strip[T]) panel(i int) []T { return s.x[i*s.step:][:s.n] }

// stripOf returns input k at the panels at the cursor.
func stripOf[T any](c *cursor, k int, x []T, s *spreadBuf[T]) strip[T] {
	last := len(c.dims) - 1
	off, step, n, down := c.off[k], c.dims[last].stride[k], c.rows*c.cols, 0
	if last > 0 {
		down = c.dims[last-1].stride[k]
	}
	switch {
	case c.rows == 1 && step == 0, step == 0 && down == 0:
		return strip[T]{x[off:], 1, down}
	case c.rows == 1 || step == 1 && down == c.cols:
		return strip[T]{x[off:], n, down}
	default:
		return strip[T]{s.fill(x, off, step, down, c.rows, c.cols), n, 0}
	}
}

// fill lays out rows of cols elements that lie step apart, the rows down apart.
func (s *spreadBuf[T]) fill(x []T, off, step, down, rows, cols int) []T {
	if s.buf == nil {
		s.buf = poolOf[[panelLen]T]().Get().(*[panelLen]T)
		s.held = 0
	}
	n := rows * cols
	if down == 0 && s.off == off && s.held >= n {
		return s.buf[:n]
	}
	s.held = 0
	switch {
	case down == 0:
		for have := copy(s.buf[:n], x[off:off+cols]); have < n; have *= 2 {
			copy(s.buf[have:n], s.buf[:have])
		}
		s.off, s.held = off, n
	case step == 0:
		repeatRows(s.buf[:], x[off:], rows, cols, down)
	default:
		for i := range rows {
			copy(s.buf[i*cols:(i+1)*cols], x[off+i*down:])
		}
	}
	return s.buf[:n]
}

// free gives the buffer back.
func (s *spreadBuf[T]) free() {
	if s.buf != nil {
		poolOf[[panelLen]T]().Put(s.buf)
	}
}
