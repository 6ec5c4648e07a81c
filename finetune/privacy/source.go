package privacy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// A Source draws the noise and the batches of private training from AES-256 in counter mode. What it draws is a function of the
// key and of the number of a stream, so that any piece can be drawn alone and again. Whoever has the key can take the noise
// off again: it is as secret as the records. A Source may be used by many goroutines at once.
//
// Noise in floating point is not quite the normal distribution that the accountants are about: results that only one of two
// neighbours can reach give it away, as Mironov shows for the Laplace distribution in "On Significance of the Least
// Significant Bits for Differential Privacy", 2012. Against it, normals have 53 random bits, none of which also chooses
// something else, AddNormals scales and adds them in float64, and what it stores is the sum, rounded to the 24 bits of
// float32: so every result near a sum is reached by many draws. Sums of gradients in float32 remain subject to rounding, by which
// a clipped gradient can exceed its norm in the last bits.
type Source struct {
	key   []byte
	block cipher.Block
}

// NewSource returns the source of a key, which is copied; nil asks the operating system for one.
func NewSource(key []byte) (*Source, error) {
	if key == nil {
		key = make([]byte, KeySize)
		if _, err := rand.Read(key); err != nil {
			return nil, fmt.Errorf("privacy: key: %w", err)
		}
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("privacy: key of %d bytes, want %d", len(key), KeySize)
	}
	key = append([]byte(nil), key...)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("privacy: key: %w", err)
	}
	return &Source{key, block}, nil
}

// Key returns a copy of the key.
func (s *Source) Key() []byte { return append([]byte(nil), s.key...) }

// Normals fills dst with independent standard normals of a stream.
func (s *Source) Normals(dst []float64, stream uint64) {
	s.words(stream, purposeNormals).normals(dst)
}

// AddNormals adds independent normals of mean 0 and the given standard deviation to dst: Normals of the stream times the
// deviation.
func (s *Source) AddNormals(dst []float32, deviation float64, stream uint64) {
	w := s.words(stream, purposeNormals)
	var block [256]float64
	for len(dst) > 0 {
		z := block[:min(len(block), len(dst))]
		w.normals(z)
		piece := dst[:len(z)]
		for i, v := range piece {
			piece[i] = float32(float64(v) + deviation*z[i])
		}
		dst = dst[len(z):]
	}
}

// Sample returns the members of a Poisson sample of n records in ascending order: each is in it with probability rate, from 0 to
// 1, on its own.
func (s *Source) Sample(n int, rate float64, stream uint64) ([]int, error) {
	if n < 0 || !(rate >= 0 && rate <= 1) {
		return nil, fmt.Errorf("privacy: sample of %d records at rate %g, want a number of records and a rate from 0 to 1", n, rate)
	}
	w := s.words(stream, purposeSample)
	limit := rate * 0x1p53 // of 53 bits, so that a rate of 1 takes all
	members := make([]int, 0, int(float64(n)*rate*1.1)+16)
	for i := range n {
		if float64(w.next()>>11) < limit {
			members = append(members, i)
		}
	}
	return members, nil
}

// The purposes of streams, which never share a random word.
const (
	purposeNormals = iota
	purposeSample
)

// words are the random words of one stream.
type words struct {
	stream cipher.Stream
	buffer [4096]byte
	used   int
}

func (s *Source) words(stream uint64, purpose byte) *words {
	var iv [aes.BlockSize]byte // 8 bytes of stream, one of purpose, 7 that count blocks
	binary.BigEndian.PutUint64(iv[:], stream)
	iv[8] = purpose
	w := &words{stream: cipher.NewCTR(s.block, iv[:])}
	w.used = len(w.buffer)
	return w
}

// fill draws the next words into the buffer.
func (w *words) fill() {
	clear(w.buffer[:])
	w.stream.XORKeyStream(w.buffer[:], w.buffer[:])
	w.used = 0
}

func (w *words) next() uint64 {
	if w.used == len(w.buffer) {
		w.fill()
	}
	v := binary.LittleEndian.Uint64(w.buffer[w.used:])
	w.used += 8
	return v
}

// open is uniform in (0, 1).
func (w *words) open() float64 { return (float64(w.next()>>12) + 0.5) * 0x1p-52 }

// normals fills dst by the ziggurat: Marsaglia and Tsang, "The Ziggurat Method for Generating Random Variables", 2000, with a word
// for each try of which 8 bits choose the layer, one the sign and 53 others the place, as Doornik, "An Improved Ziggurat Method
// to Generate Normal Random Samples", 2005, asks for. Runs of words of which the first try serves are taken at once.
func (w *words) normals(dst []float64) {
	for len(dst) > 0 {
		if w.used == len(w.buffer) {
			w.fill()
		}
		n := firstTries(dst, w.buffer[w.used:])
		w.used += 8 * n
		if dst = dst[n:]; len(dst) > 0 && w.used < len(w.buffer) {
			dst[0] = w.normal()
			dst = dst[1:]
		}
	}
}

// firstTries fills dst from the start with the normals that the words of the buffer give, up to a word whose place is beyond the
// inner part of its layer. It returns their number.
func firstTries(dst []float64, buffer []byte) int {
	n := min(len(dst), len(buffer)/8)
	dst = dst[:n]
	for i := range dst {
		v := binary.LittleEndian.Uint64(buffer[8*i:])
		layer := &ziggurat[v&0xff]
		x := float64(int64(v>>11)) * layer.unit
		if x >= layer.inner {
			return i
		}
		dst[i] = signed(x, v)
	}
	return n
}

// signed is x, which is not negative, with the sign that a word chooses.
func signed(x float64, v uint64) float64 {
	return math.Float64frombits(math.Float64bits(x) | v&0x100<<55)
}

// normal draws one by as many tries as it takes.
func (w *words) normal() float64 {
	for {
		v := w.next()
		layer := &ziggurat[v&0xff]
		x := float64(v>>11) * layer.unit
		if x >= layer.inner {
			if v&0xff == 0 {
				x = w.tail()
			} else if layer.low+w.open()*(layer.high-layer.low) >= math.Exp(-x*x/2) {
				continue
			}
		}
		return signed(x, v)
	}
}

// tail draws a normal that is beyond the edge of the ziggurat.
func (w *words) tail() float64 {
	for {
		x := -math.Log(w.open()) / zigguratEdge
		if -2*math.Log(w.open()) > x*x {
			return zigguratEdge + x
		}
	}
}
