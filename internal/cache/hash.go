package cache

import (
	"encoding/binary"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/onnxrun/onnxrun/internal/par"
)

// A Hash names the content of a file or constant.
type Hash [16]byte

// hashChunk is how many bytes are hashed at a time: larger contents are named by the hash of their chunks' hashes.
const hashChunk = 4 << 20

// hashOf returns the hash of b, computed on several threads. done, if not nil, is called for each part that was read.
func hashOf(b []byte, threads int, done func([]byte)) Hash {
	h := &hasher{b: b, done: done}
	n := (len(b) + hashChunk - 1) / hashChunk
	h.sums = make([]byte, len(Hash{})*n, len(Hash{})*n+8)
	par.Run(threads, n, h)
	return sumOf(binary.LittleEndian.AppendUint64(h.sums, uint64(len(b))))
}

// hasher implements par.Task.
type hasher struct {
	b, sums []byte
	done    func([]byte)
}

// Chunk implements par.Task.
func (h *hasher) Chunk(i int) {
	part := h.b[i*hashChunk : min((i+1)*hashChunk, len(h.b))]
	s := sumOf(part)
	copy(h.sums[i*len(s):], s[:])
	if h.done != nil {
		h.done(part)
	}
}

func sumOf(b []byte) Hash { return Hash(xxh3.Hash128(b).Bytes()) }

// bytesOf returns the bytes of x as they lie in memory.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// floatsOf returns the elements that b, which is aligned, holds as they lie in memory.
func floatsOf(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
