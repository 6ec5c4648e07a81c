package ops

// deformConvGrad writes DeformConv as samples of the input at the shifted positions of all taps, by GridSample, times
// the filter.
var deformConvGrad = composedGrad(func(g grads) (Ref, error) {
	a, err := windowAttrs(g.Attrs())
	if err != nil {
		return 0, err
	}
	at := func(list []int, i, def int) int64 {
		if i < len(list) {
			return int64(list[i])
		}
		return int64(def)
	}
	x, w, offset := g.In(0), g.In(1), g.In(2)
	groups, offsetGroups := int64(g.Attrs().IntOr("group", 1)), int64(g.Attrs().IntOr("offset_group", 1))
	join := func(parts ...Ref) Ref { return g.with("Concat", map[string]any{"axis": 0}, parts...) }
	taps := []Ref{g.extent(w, 2), g.extent(w, 3)}
	out := []Ref{g.extent(offset, 2), g.extent(offset, 3)}
	window := join(taps[0], taps[1], out[0], out[1]) // of each offset group: [height, width] of the filter and of the output

	shifts := g.op("Reshape", offset, join(g.ints(-1), taps[0], taps[1], g.ints(2), out[0], out[1]))
	parts := g.EmitAll(2, "", "Split", map[string]any{"axis": 3, "num_outputs": 2}, shifts)
	var grid [2]Ref
	for i, part := range parts {
		tap := g.op("Mul", g.upTo(taps[i]), g.whole(at(a.Dilations, i, 1)))
		place := g.sub(g.op("Mul", g.upTo(out[i]), g.whole(at(a.Strides, i, 1))), g.whole(at(a.Pads, i, 0)))
		// axis i of the filter and of the output, in the order of window
		sum := g.add(g.op("Unsqueeze", tap, g.ints([][]int64{{1, 2, 3}, {0, 2, 3}}[i]...)), g.op("Unsqueeze", place, g.ints([][]int64{{0, 1, 3}, {0, 1, 2}}[i]...)))
		p := g.add(g.op("Squeeze", part, g.ints(3)), g.op("CastLike", g.op("Expand", sum, window), x))
		size := g.op("CastLike", g.extent(x, 2+i), x)
		grid[i] = g.op("Unsqueeze", g.shift(g.div(g.shift(g.scale(p, 2), 1), size), -1), g.ints(-1)) // [0, size) as [-1, 1)
	}
	area := join(g.op("Mul", taps[0], taps[1]), g.op("Mul", out[0], out[1]))
	points := g.op("Reshape", g.with("Concat", map[string]any{"axis": -1}, grid[1], grid[0]), join(g.ints(-1), area, g.ints(2)))
	images := g.op("Reshape", x, join(g.ints(-1), g.op("Div", g.extent(x, 1), g.ints(offsetGroups)), g.extent(x, 2), g.extent(x, 3)))
	columns := g.with("GridSample", map[string]any{"mode": "linear", "padding_mode": "zeros"}, images, points)
	if mask := g.In(4); mask != 0 {
		columns = g.mul(columns, g.op("Reshape", mask, join(g.ints(-1, 1), area)))
	}
	rows := g.op("Mul", g.extent(w, 1), g.op("Mul", taps[0], taps[1]))
	columns = g.op("Reshape", columns, join(g.extent(x, 0), g.ints(groups), rows, g.ints(-1)))
	filter := g.op("Reshape", w, join(g.ints(groups, -1), rows))
	y := g.op("Reshape", g.op("MatMul", filter, columns), join(g.extent(x, 0), g.extent(w, 0), out[0], out[1]))
	if bias := g.In(3); bias != 0 {
		y = g.add(y, g.op("Unsqueeze", bias, g.ints(1, 2)))
	}
	return y, nil
})
