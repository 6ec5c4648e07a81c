package direct

// genericLanes is the vector of the kernels in Go, genericCols the most outputs of a row that they compute.
const genericLanes, genericCols = 4, 8

// broadcastsGeneric returns the broadcasting kernels of some vectors.
func broadcastsGeneric(vectors int) []func(*Args) {
	return list(func(a *Args, cols int) { broadcastGeneric(a, cols, vectors*genericLanes) })
}

// shufflesGeneric returns the kernels for groups of width channels.
func shufflesGeneric(width int) []func(*Args) {
	return list(func(a *Args, cols int) { shuffleGeneric(a, cols, genericLanes, width) })
}

func list(f func(a *Args, cols int)) []func(*Args) {
	var l []func(*Args)
	for i := range genericCols {
		l = append(l, func(a *Args) { f(a, i+1) })
	}
	return l
}

// broadcastGeneric computes cols outputs of every row whose lanes all read the same channels.
func broadcastGeneric(a *Args, cols, lanes int) {
	each(a, cols, lanes, a.Channels, func(lane, channel int) int { return channel })
}

// shuffleGeneric computes cols outputs of every row whose lanes read the width channels of their group.
func shuffleGeneric(a *Args, cols, lanes, width int) {
	each(a, cols, lanes, width, func(lane, channel int) int { return lane/width*width + channel })
}

// each computes every output; from says where a lane finds a channel of its group.
func each(a *Args, cols, lanes, channels int, from func(lane, channel int) int) {
	for r := range a.Rows {
		for c := range cols {
			for lane := range lanes {
				sum := a.Bias[lane]
				for t, off := range a.Off {
					for i := range channels {
						sum += a.W[(t*channels+i)*lanes+lane] * a.X[r*a.XRow+c*a.XCol+off+from(lane, i)]
					}
				}
				if sum < a.Lo {
					sum = a.Lo
				}
				if sum > a.Hi {
					sum = a.Hi
				}
				a.Y[r*a.YRow+c*a.YCol+lane] = sum
			}
		}
	}
}
