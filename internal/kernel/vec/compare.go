package vec

// Equal sets dst[i] = a[i] == b[i].
func Equal[T comparable](dst []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] = a[i&ma] == b[i&mb]
	}
}

// Less sets dst[i] = a[i] < b[i].
func Less[T Number](dst []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] = a[i&ma] < b[i&mb]
	}
}

// LessEqual sets dst[i] = a[i] <= b[i].
func LessEqual[T Number](dst []bool, a, b []T) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] = a[i&ma] <= b[i&mb]
	}
}

// Greater sets dst[i] = a[i] > b[i].
func Greater[T Number](dst []bool, a, b []T) { Less(dst, b, a) }

// GreaterEqual sets dst[i] = a[i] >= b[i].
func GreaterEqual[T Number](dst []bool, a, b []T) { LessEqual(dst, b, a) }

// And sets dst[i] = a[i] && b[i].
func And(dst, a, b []bool) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] = a[i&ma] && b[i&mb]
	}
}

// Or sets dst[i] = a[i] || b[i].
func Or(dst, a, b []bool) {
	ma, mb := spread(len(a), len(dst)), spread(len(b), len(dst))
	for i := range dst {
		dst[i] = a[i&ma] || b[i&mb]
	}
}

// Xor sets dst[i] = a[i] != b[i].
func Xor(dst, a, b []bool) { Equal(dst, a, b); Not(dst, dst) }

// Not sets dst[i] = !x[i].
func Not(dst, x []bool) {
	for i, v := range x[:len(dst)] {
		dst[i] = !v
	}
}

// IsNaN sets dst[i] to whether x[i] is not a number.
func IsNaN[T Float](dst []bool, x []T) {
	for i, v := range x[:len(dst)] {
		dst[i] = v != v
	}
}

// IsInf sets dst[i] to whether x[i] is an infinity of a wanted sign.
func IsInf[T Float](dst []bool, x []T, positive, negative bool) {
	for i, v := range x[:len(dst)] {
		inf := v-v != 0 && v == v
		dst[i] = inf && (v > 0 && positive || v < 0 && negative)
	}
}
