package attention

import "github.com/onnxrun/onnxrun/internal/kernel/move"

// near is where the keys and values of a step lie.
type near struct {
	k, v         []float32
	kStep, vStep int
	copies       []float32
}

// collisions divides the distance, in elements, of rows that share one set of the first-level cache, and few of the second: a tile
// of keys displaces itself, and keys and values of a step do not stay.
const collisions = 4096 / 4

// collide reports whether rows of size elements do, step elements apart.
func collide(size, step int) bool { return step%collisions == 0 && step > size }

// collides reports whether keys or values are copied together before use.
func (a *Args) collides() bool { return collide(a.Size, a.K.Step) || collide(a.ValueSize, a.V.Step) }

// bring sets near to keys [k0, k1).
func (w *worker) bring(k0, k1 int) {
	n, kv, keys := &w.near, w.kv(), k1-k0
	if w.collides() {
		n.copies = room(n.copies, keys*(w.Size+w.ValueSize))
	}
	n.k, n.kStep = w.together(n.copies, w.K.at(w.b, kv, k0), keys, w.Size, w.K.Step)
	n.v, n.vStep = w.together(n.copies[min(keys*w.Size, len(n.copies)):], w.V.at(w.b, kv, k0), keys, w.ValueSize, w.V.Step)
}

// together returns rows of size elements and their distance: copied to room if they collide where they are.
func (w *worker) together(room, rows []float32, n, size, step int) ([]float32, int) {
	if !collide(size, step) {
		return rows, step
	}
	w.dims, w.ds, w.ss = [2]int{n, size}, [2]int{size, 1}, [2]int{step, 1}
	move.Strided(bytes(room), bytes(rows), move.Copy{Dims: w.dims[:], DstStride: w.ds[:], SrcStride: w.ss[:], Width: 4}, 1)
	return room, size
}
