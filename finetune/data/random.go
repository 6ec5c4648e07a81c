package data

import (
	"encoding/binary"

	"github.com/onnxrun/onnxrun/finetune"
)

// A draw hands out the random numbers of a stream one after the other.
type draw struct {
	stream finetune.Random
	next   uint64
}

// newDraw opens the stream of a purpose; of tells streams of one purpose apart.
func newDraw(seed uint64, purpose string, of uint64) *draw {
	name := binary.LittleEndian.AppendUint64([]byte("data "+purpose), of)
	return &draw{stream: finetune.Random{Seed: seed, Stream: finetune.NamedStream(string(name))}}
}

// uniform returns a number in [lo, hi).
func (d *draw) uniform(lo, hi float64) float64 {
	d.next++
	return lo + (hi-lo)*d.stream.Uniform(d.next-1)
}

// below returns an integer in [0, n).
func (d *draw) below(n int) int {
	d.next++
	return d.stream.Below(d.next-1, n)
}

// normal returns a number of the standard normal distribution.
func (d *draw) normal() float64 {
	d.next++
	return d.stream.Normal(d.next - 1)
}

// shuffle permutes list, by Fisher and Yates.
func (d *draw) shuffle(list []int) {
	for i := len(list) - 1; i > 0; i-- {
		j := d.below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
