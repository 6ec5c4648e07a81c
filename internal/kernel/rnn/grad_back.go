package rnn

import "github.com/onnxrun/onnxrun/internal/kernel/gemm"

// backward goes back through the steps, and leaves the gradients of all gates and of the first states.
func (g *gradRun[T]) backward() {
	n := g.Hidden
	clear(g.dh)
	clear(g.dc)
	clear(g.dgx)
	clear(g.dgr)
	clear(g.lateIn)
	clear(g.d.DP)
	for b := range g.rows {
		if g.d.DMask != nil {
			clear(g.d.DMask[b*g.a.StateRow:][:n])
		}
	}
	for b := range g.rows {
		if g.a.idle(b) {
			continue
		}
		if g.d.DY.HOut != nil {
			copy(g.dh[b*n:][:n], g.d.DY.HOut[b*g.d.DY.StateRow:])
		}
		if g.d.DY.COut != nil {
			copy(g.dc[b*n:][:n], g.d.DY.COut[b*g.d.DY.StateRow:])
		}
	}
	for step := g.a.Steps - 1; step >= 0; step-- {
		for b := range g.rows {
			if !g.active(step, b) {
				continue
			}
			dh := g.dh[b*n:][:n]
			if g.d.DY.Y != nil {
				for j, v := range g.d.DY.Y[g.time(step)*g.d.DY.YStep+b*g.d.DY.YRow:][:n] {
					dh[j] += v
				}
			}
			g.cellGrad(step, b, dh, g.dc[b*n:][:n])
		}
		g.statesGrad(step)
		g.maskGrad(step)
	}
	for b := range g.rows {
		if g.d.DState.HOut != nil {
			copy(g.d.DState.HOut[b*g.d.DState.StateRow:][:n], g.dh[b*n:])
		}
		if g.d.DState.COut != nil {
			copy(g.d.DState.COut[b*g.d.DState.StateRow:][:n], g.dc[b*n:])
		}
	}
}

// cellGrad sets the gradients of the gates of one row, and turns those of the states after the step into those of the
// states before it, as far as these do not go through products.
func (g *gradRun[T]) cellGrad(step, b int, dh, dc []T) {
	switch g.Cell {
	case Plain:
		z, d := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates)
		for j := range dh {
			_, slope := g.act(0, z[j])
			d[j], dh[j] = dh[j]*slope, 0
		}
		copy(g.row(g.dgr, step, b, g.gates), d)
	case LSTM:
		g.lstmGrad(step, b, dh, dc)
		copy(g.row(g.dgr, step, b, g.gates), g.row(g.dgx, step, b, g.gates))
	case GRU:
		g.gruGrad(step, b, dh)
	}
}

func (g *gradRun[T]) lstmGrad(step, b int, dh, dc []T) {
	n := g.Hidden
	z, d := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates)
	before, after := g.row(g.c, step, b, n), g.row(g.c, step+1, b, n)
	for j := range dh {
		i, iSlope := g.act(0, z[j])
		o, oSlope := g.act(0, z[n+j])
		f, fSlope := g.act(0, z[2*n+j])
		s, sSlope := g.act(1, z[3*n+j])
		x := float64(after[j])
		dzo := dh[j] * T(g.Acts[2].of(x)) * oSlope
		cell := dc[j] + dh[j]*o*T(g.Acts[2].slope(x)) + dzo*g.peep(1, j)
		di, df := cell*s, cell*before[j]
		if g.InputForget {
			f, di, df = 1-i, di-df, 0
		}
		dzi, dzf := di*iSlope, df*fSlope
		d[j], d[n+j], d[2*n+j], d[3*n+j] = dzi, dzo, dzf, cell*i*sSlope
		dc[j], dh[j] = cell*f+dzi*g.peep(0, j)+dzf*g.peep(2, j), 0
		if g.d.DP != nil {
			g.d.DP[j] += dzi * before[j]
			g.d.DP[n+j] += dzo * after[j]
			g.d.DP[2*n+j] += dzf * before[j]
		}
	}
}

func (g *gradRun[T]) gruGrad(step, b int, dh []T) {
	n := g.Hidden
	z, d, dr := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates), g.row(g.dgr, step, b, g.gates)
	before, late := g.row(g.h, step, b, n), g.row(g.late, step, b, n)
	for j := range dh {
		u, uSlope := g.act(0, z[j])
		s, sSlope := g.act(1, z[2*n+j])
		dzs := dh[j] * (1 - u) * sSlope
		d[j], d[2*n+j] = dh[j]*(before[j]-s)*uSlope, dzs
		dr[j], dr[2*n+j] = d[j], dzs
		if g.LinearFirst {
			r, rSlope := g.act(0, z[n+j])
			d[n+j] = dzs * late[j] * rSlope
			dr[n+j], dr[2*n+j] = d[n+j], dzs*r
		}
		dh[j] *= u
	}
}

// statesGrad adds to din what goes back through the products of one step.
func (g *gradRun[T]) statesGrad(step int) {
	n, at := g.Hidden, step*g.rows*g.gates
	if g.Masked {
		clear(g.din)
	}
	dr := g.dgr[at:][:g.rows*g.gates]
	if g.Cell == GRU && !g.LinearFirst {
		in := g.lateIn[step*g.rows*n:][:g.rows*n]
		product(g.rows, n, n, dr[2*n:], g.gates, 1, g.w.R[2*n*n:], n, 1, in, n)
		for b := range g.rows {
			if !g.active(step, b) {
				continue
			}
			z, d, h := g.row(g.z, step, b, g.gates), g.row(g.dgx, step, b, g.gates), g.row(g.in, step, b, n)
			for j := range n {
				r, slope := g.act(0, z[n+j])
				g.din[b*n+j] += in[b*n+j] * r
				d[n+j] = in[b*n+j] * h[j] * slope
				dr[b*g.gates+n+j] = d[n+j]
			}
		}
		product(g.rows, n, 2*n, dr, g.gates, 1, g.w.R, n, 1, g.din, n)
		return
	}
	product(g.rows, n, g.gates, dr, g.gates, 1, g.w.R, n, 1, g.din, n)
}

// maskGrad hands what went back through the products of one step on to the states and to the mask.
func (g *gradRun[T]) maskGrad(step int) {
	if !g.Masked {
		return
	}
	n := g.Hidden
	for b := range g.rows {
		h, din, dh := g.row(g.h, step, b, n), g.din[b*n:][:n], g.dh[b*n:][:n]
		for j, m := range g.a.Mask[b*g.a.StateRow:][:n] {
			dh[j] += din[j] * m
		}
		if g.d.DMask != nil {
			for j := range din {
				g.d.DMask[b*g.a.StateRow+j] += din[j] * h[j]
			}
		}
	}
}

// weights computes the gradients of weights, biases and inputs from those of all gates.
func (g *gradRun[T]) weights() {
	n, all := g.Hidden, g.a.Steps*g.rows
	clear(g.d.DW)
	clear(g.d.DR)
	clear(g.d.DB)
	clear(g.dx)
	product(g.gates, g.Inputs, all, g.dgx, 1, g.gates, g.x, g.Inputs, 1, g.d.DW, g.Inputs)
	if g.d.DX != nil {
		g.inputs()
	}
	if g.Cell == GRU && !g.LinearFirst {
		product(2*n, n, all, g.dgr, 1, g.gates, g.in, n, 1, g.d.DR, n)
		product(n, n, all, g.dgr[min(2*n, len(g.dgr)):], 1, g.gates, g.late, n, 1, g.d.DR[2*n*n:], n)
	} else {
		product(g.gates, n, all, g.dgr, 1, g.gates, g.in, n, 1, g.d.DR, n)
	}
	for r := range all {
		for i := range g.gates {
			g.d.DB[i] += g.dgx[r*g.gates+i]
			g.d.DB[g.gates+i] += g.dgr[r*g.gates+i]
		}
	}
}

// inputs adds the gradients of the inputs.
func (g *gradRun[T]) inputs() {
	product(g.a.Steps*g.rows, g.Inputs, g.gates, g.dgx, g.gates, 1, g.w.W, g.Inputs, 1, g.dx, g.Inputs)
	for step := range g.a.Steps {
		for b := range g.rows {
			to := g.d.DX[g.time(step)*g.a.XStep+b*g.a.XRow:]
			for i, v := range g.row(g.dx, step, b, g.Inputs) {
				to[i] += v
			}
		}
	}
}

// product adds a [m, k] times b [k, n] to c [m, n]; strides are those of rows and columns.
func product[T float32 | float64](m, n, k int, a []T, ars, acs int, b []T, brs, bcs int, c []T, ldc int) {
	if m == 0 || n == 0 || k == 0 {
		return
	}
	switch a := any(a).(type) {
	case []float32:
		gemm.Run(&gemm.Args{M: m, N: n, K: k, A: a, ARS: ars, ACS: acs, B: any(b).([]float32), BRS: brs, BCS: bcs,
			C: any(c).([]float32), LDC: ldc, Accumulate: true})
	case []float64:
		gemm.RunOf(&gemm.ArgsOf[float64]{M: m, N: n, K: k, A: a, ARS: ars, ACS: acs, B: any(b).([]float64), BRS: brs, BCS: bcs,
			C: any(c).([]float64), LDC: ldc, Accumulate: true})
	}
}
