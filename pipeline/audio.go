package pipeline

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A Sound is a piece of audio: samples in [-1, 1], the channels averaged.
type Sound struct {
	Rate    int // samples per second
	Samples []float32
}

// DecodeWAV reads a RIFF WAVE file of 8, 16, 24 or 32 bit integers or 32 bit floats.
func DecodeWAV(data []byte) (*Sound, error) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return nil, fmt.Errorf("pipeline: sound: no RIFF WAVE header")
	}
	var format []byte
	for rest := data[12:]; len(rest) >= 8; {
		id, n := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:min(8+n, len(rest))]
		switch id {
		case "fmt ":
			format = body
		case "data":
			return decodePCM(format, body)
		}
		rest = rest[min(8+n+n&1, len(rest)):]
	}
	return nil, fmt.Errorf("pipeline: sound: no data chunk")
}

func decodePCM(format, body []byte) (*Sound, error) {
	if len(format) < 16 {
		return nil, fmt.Errorf("pipeline: sound: no fmt chunk before the data")
	}
	le := binary.LittleEndian
	code, channels, rate, bits := le.Uint16(format), int(le.Uint16(format[2:])), int(le.Uint32(format[4:])), int(le.Uint16(format[14:]))
	if code == 0xFFFE && len(format) >= 26 {
		code = le.Uint16(format[24:]) // the extensible form keeps the code in its GUID
	}
	read := sampleReader(code, bits)
	if read == nil || channels == 0 {
		return nil, fmt.Errorf("pipeline: sound: format code %d with %d bits and %d channels", code, bits, channels)
	}
	width := bits / 8
	s := &Sound{Rate: rate, Samples: make([]float32, len(body)/(width*channels))}
	for i := range s.Samples {
		var sum float64
		for c := range channels {
			sum += read(body[(i*channels+c)*width:])
		}
		s.Samples[i] = float32(sum / float64(channels))
	}
	return s, nil
}

// sampleReader returns the function that reads one sample, or nil for formats not supported.
func sampleReader(code uint16, bits int) func([]byte) float64 {
	le := binary.LittleEndian
	switch {
	case code == 1 && bits == 8:
		return func(b []byte) float64 { return (float64(b[0]) - 128) / 128 }
	case code == 1 && bits == 16:
		return func(b []byte) float64 { return float64(int16(le.Uint16(b))) / 32768 }
	case code == 1 && bits == 24:
		return func(b []byte) float64 {
			return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
		}
	case code == 1 && bits == 32:
		return func(b []byte) float64 { return float64(int32(le.Uint32(b))) / (1 << 31) }
	case code == 3 && bits == 32:
		return func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }
	}
	return nil
}

// SoundSettings say how a sound becomes the values that a model takes: one channel at one rate, cut or padded with
// silence to one length. The zero value keeps rate and length.
type SoundSettings struct {
	Rate      int  // samples per second
	Length    int  // samples
	Normalise bool // mean 0 and deviation 1 before padding, as Wav2Vec2's feature extractor: the variance grows by 1e-7
}

// Samples brings a sound to the rate and length of the settings.
func (s *SoundSettings) Samples(sound *Sound) ([]float32, error) {
	x := sound.Samples
	if s.Rate > 0 && s.Rate != sound.Rate {
		var err error
		if x, err = ResampleSound(x, sound.Rate, s.Rate); err != nil {
			return nil, err
		}
	}
	if s.Length > 0 {
		x = x[:min(len(x), s.Length)]
	}
	if s.Normalise {
		x = normalised(x)
	}
	if s.Length <= len(x) {
		return x, nil
	}
	out := make([]float32, s.Length)
	copy(out, x)
	return out, nil
}

func normalised(x []float32) []float32 {
	var mean, square float64
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
	}
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32((float64(v) - mean) / math.Sqrt(square+1e-7))
	}
	return y
}

// ResampleSound changes the rate of a sound by the interpolation of band-limited signals: a sinc with 6 zero crossings
// on either side under a squared cosine, cut off at 0.99 of the lower rate's half, as torchaudio.functional.resample
// does by default.
func ResampleSound(x []float32, from, to int) ([]float32, error) {
	const crossings, rolloff = 6, 0.99
	if from < 1 || to < 1 {
		return nil, fmt.Errorf("pipeline: sound: rates %d and %d, want positive ones", from, to)
	}
	g := gcd(from, to)
	from, to = from/g, to/g
	if from > maxRatio || to > maxRatio {
		return nil, fmt.Errorf("pipeline: sound: rates that are as %d to %d, want a simpler ratio", from, to)
	}
	n := (len(x)*to + from - 1) / from
	cut := rolloff * float64(min(from, to))
	width := int(math.Ceil(crossings * float64(from) / cut))
	taps := 2*width + from
	kernels := make([]float32, to*taps)
	for p := range to {
		for k := range taps {
			t := (float64(k-width)/float64(from) - float64(p)/float64(to)) * cut
			t = max(-crossings, min(crossings, t))
			window := math.Cos(t * math.Pi / crossings / 2)
			kernels[p*taps+k] = float32(sinc(t) * window * window * cut / float64(from))
		}
	}
	out := make([]float32, n)
	for i := range out {
		kernel, first := kernels[i%to*taps:][:taps], i/to*from-width
		var sum float64
		for k := max(0, -first); k < min(taps, len(x)-first); k++ {
			sum += float64(kernel[k]) * float64(x[first+k])
		}
		out[i] = float32(sum)
	}
	return out, nil
}

// maxRatio bounds the table of kernels: each of the lower terms of a ratio has one.
const maxRatio = 1 << 11

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
