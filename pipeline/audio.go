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
