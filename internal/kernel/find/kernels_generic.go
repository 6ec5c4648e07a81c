package find

func aboveGo(words []uint64, x []float32, bound float32) {
	for i := range words {
		var word uint64
		for j, v := range x[64*i:][:64] {
			if !(v < bound) {
				word |= 1 << j
			}
		}
		words[i] = word
	}
}

func belowGo(words []uint64, x []float32, bound float32) {
	for i := range words {
		var word uint64
		for j, v := range x[64*i:][:64] {
			if !(v > bound) {
				word |= 1 << j
			}
		}
		words[i] = word
	}
}

func notZeroGo[T float32 | uint8](words []uint64, x []T) {
	for i := range words {
		var word uint64
		for j, v := range x[64*i:][:64] {
			if v != 0 {
				word |= 1 << j
			}
		}
		words[i] = word
	}
}
