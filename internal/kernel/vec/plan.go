package vec

// MaxInputs is the number of inputs that a Plan can broadcast together.
const MaxInputs = 3

const maxFixed = 8

// A Plan says how up to three inputs broadcast to one contiguous result: dimensions of 1 dropped,
// neighbours that all inputs walk alike merged. The last dimension is the row that kernels see; there
// every input has stride 1 or 0. The zero Plan has no elements.
type Plan struct {
	n     int // elements of the result
	rank  int
	fixed [maxFixed]planDim
	more  []planDim // all dimensions, if there are more than maxFixed
}

type planDim struct {
	n      int
	stride [MaxInputs]int // in elements of each input
}

// Len returns the number of elements of the result.
func (p *Plan) Len() int { return p.n }

// Row returns the length of the rows that kernels see.
func (p *Plan) Row() int {
	if p.rank == 0 {
		return p.n
	}
	return p.dims()[p.rank-1].n
}

func (p *Plan) dims() []planDim {
	if p.more != nil {
		return p.more
	}
	return p.fixed[:p.rank]
}

// Plan1 plans the broadcast of one input to the shape out.
func (p *Plan) Plan1(out, a []int) { p.build(out, a, a, a) }

// Plan2 plans the broadcast of two inputs to the shape out, which must be their broadcast shape.
func (p *Plan) Plan2(out, a, b []int) { p.build(out, a, b, b) }

// Plan3 plans the broadcast of three inputs to the shape out, which must be their broadcast shape.
func (p *Plan) Plan3(out, a, b, c []int) { p.build(out, a, b, c) }

func (p *Plan) build(out, a, b, c []int) {
	p.n, p.rank, p.more = 1, 0, nil
	for _, d := range out {
		p.n *= d
	}
	if p.n <= 1 {
		return
	}
	in := [MaxInputs][]int{a, b, c}
	step := [MaxInputs]int{1, 1, 1}
	// From the innermost dimension outwards; the dimensions are turned round at the end.
	for i := 1; i <= len(out); i++ {
		d := planDim{n: out[len(out)-i]}
		if d.n == 1 {
			continue
		}
		for k := range in {
			if j := len(in[k]) - i; j >= 0 && in[k][j] != 1 {
				d.stride[k] = step[k]
				step[k] *= d.n
			}
		}
		p.push(d)
	}
	dims := p.dims()
	for i, j := 0, len(dims)-1; i < j; i, j = i+1, j-1 {
		dims[i], dims[j] = dims[j], dims[i]
	}
}

// push adds the next outer dimension, or merges it with the one before if all inputs walk both as one.
func (p *Plan) push(d planDim) {
	if p.rank > 0 {
		last := &p.dims()[p.rank-1]
		if d.stride[0] == last.stride[0]*last.n && d.stride[1] == last.stride[1]*last.n && d.stride[2] == last.stride[2]*last.n {
			last.n *= d.n
			return
		}
	}
	switch {
	case p.more != nil:
		p.more = append(p.more, d)
	case p.rank == maxFixed:
		p.more = append(append(make([]planDim, 0, 2*maxFixed), p.fixed[:]...), d)
	default:
		p.fixed[p.rank] = d
	}
	p.rank++
}
