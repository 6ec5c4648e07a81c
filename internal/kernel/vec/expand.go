package vec

// At returns where element i of the result finds its element of the first input, and the stride of that input along
// a row. The plan has at least one dimension.
func (p *Plan) At(i int) (offset, stride int) {
	dims := p.dims()
	for k := len(dims) - 1; k >= 0; k-- {
		offset += i % dims[k].n * dims[k].stride[0]
		i /= dims[k].n
	}
	return offset, dims[len(dims)-1].stride[0]
}

// Period returns the length of what the first input repeats again and again to fill the result, 0 if it does
// not do that.
func (p *Plan) Period() int {
	if d := p.dims(); len(d) == 2 && d[0].stride[0] == 0 && d[1].stride[0] == 1 {
		return d[1].n
	}
	return 0
}

// Expand sets dst to elements lo and following of the first input of a plan, broadcast. The plan has at least one
// dimension.
func Expand[T any](p *Plan, dst, x []T, lo int) {
	var c cursor
	c.start(p, lo, lo+len(dst))
	last := len(c.dims) - 1
	for more := true; more; more = c.next() {
		off, step, down := c.off[0], c.dims[last].stride[0], 0
		if last > 0 {
			down = c.dims[last-1].stride[0]
		}
		if out, rows := dst[c.at-lo:], c.rows*c.count; step == 0 {
			repeatRows(out, x[off:], rows, c.cols, down)
		} else {
			for i := range rows {
				copy(out[i*c.cols:][:c.cols], x[off+i*down:])
			}
		}
	}
}
