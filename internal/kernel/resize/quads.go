package resize

// QuadCount is how many samples Quads holds.
const QuadCount = 64

// Quads are samples of a plane between its elements: each is the sum of four elements of it, weighted.
type Quads struct {
	At     [QuadCount][4]int32   // where the elements are, from 0 for those whose weights do not count
	Weight [QuadCount][4]float32 // of the elements
	Seen   [QuadCount]uint8      // bit i: element i is in the plane
	N      int                   // how many samples there are
}

// allSeen is Seen of a sample whose four elements are all in the plane.
const allSeen = 15

// Sample sets y to the samples of the plane x. What is outside the plane counts as zero.
func (q *Quads) Sample(y, x []float32) {
	y = y[:q.N]
	for i := range y {
		at, w := &q.At[i], &q.Weight[i]
		if q.Seen[i] == allSeen {
			y[i] = (x[at[0]]*w[0] + x[at[1]]*w[1]) + (x[at[2]]*w[2] + x[at[3]]*w[3])
		} else {
			y[i] = q.partial(i, x)
		}
	}
}

// partial is sample i, some of whose elements are outside the plane.
func (q *Quads) partial(i int, x []float32) float32 {
	sum := float32(0)
	for j, at := range q.At[i] {
		if q.Seen[i]>>j&1 != 0 {
			sum += x[at] * q.Weight[i][j]
		}
	}
	return sum
}
