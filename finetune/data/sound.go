package data

import (
	"fmt"
	"math"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// useSounds decides how sounds become values, and notes why.
func (s *Set) useSounds(e *encoded, in *runtime.ValueInfo, dir string, first []byte, o *Options) error {
	sound, err := pipeline.DecodeWAV(first)
	if err != nil {
		return err
	}
	set, why, err := o.soundSettings(in, dir, sound)
	if err != nil {
		return err
	}
	shape, err := sampleShape(inputOf(in).dims, set.Length)
	if err != nil {
		return fmt.Errorf("input %q: %w: sounds are handed over as samples", in.Name, err)
	}
	for k, v := range set.Settings() {
		s.settings[k] = v
	}
	s.notes = append(s.notes,
		fmt.Sprintf("sounds: one channel, %d samples at %d Hz, shorter ones padded, longer ones cut", set.Length, set.Rate),
		"preprocessing: "+why)
	dtype := in.DType
	e.decode = func(data []byte, v view) (*tensor.Tensor, error) {
		sound, err := pipeline.DecodeWAV(data)
		if err != nil {
			return nil, err
		}
		x, err := set.Samples(v.sound(sound, &set))
		if err != nil {
			return nil, err
		}
		return convert(tensor.FromSlice(x, append([]int{}, shape...)...), dtype)
	}
	_, err = e.decode(first, view{})
	return err
}

// soundSettings returns rate and length: as asked for, by the model's metadata, by a sidecar, by the model's input, or
// else those of the first sound.
func (o *Options) soundSettings(
	in *runtime.ValueInfo, dir string, first *pipeline.Sound,
) (s pipeline.SoundSettings, why string, err error) {
	s, ok, err := pipeline.SoundFromSettings(o.Metadata)
	if err != nil {
		return s, "", err
	}
	why = "as in the model's metadata"
	if !ok {
		side, file, err := o.sidecar(dir)
		if err != nil {
			return s, "", err
		}
		why = "the rate of the first sound"
		if side != nil && side.SamplingRate > 0 {
			s.Rate, s.Normalise, why = side.SamplingRate, on(side.DoNormalize, false), "by "+file
		}
	}
	if o.Sound.Rate > 0 {
		s.Rate, why = o.Sound.Rate, "the rate that is asked for"
	}
	if s.Rate < 1 {
		s.Rate = first.Rate
	}
	if o.Sound.Length > 0 {
		s.Length = o.Sound.Length
	}
	if n, ok := fixedWidth(inputOf(in).dims); ok && s.Length == 0 && n > 1 {
		s.Length = n
		why += "; the length that the model takes"
	}
	if s.Length == 0 {
		if first.Rate < 1 {
			return s, "", fmt.Errorf("a sound of %d samples per second", first.Rate)
		}
		s.Length = int(math.Ceil(float64(len(first.Samples)) * float64(s.Rate) / float64(first.Rate)))
		why += "; the length of the first sound"
	}
	if s.Length < 1 || s.Length > maxSamples {
		return s, "", fmt.Errorf("sounds of %d samples, want 1 to %d", s.Length, maxSamples)
	}
	return s, why, nil
}

// maxSamples bounds the length of a sound: an hour at 48 kHz and more.
const maxSamples = 1 << 28

// sound shifts a sound and makes it louder or softer, in views other than the plain one.
func (v view) sound(s *pipeline.Sound, set *pipeline.SoundSettings) *pipeline.Sound {
	if v.n == 0 || v.augment.Shift <= 0 && v.augment.Gain <= 0 {
		return s
	}
	draw := v.draw("sound")
	length := float64(set.Length) * float64(s.Rate) / float64(set.Rate)
	shift := int(draw.uniform(-v.augment.Shift, v.augment.Shift) * length)
	gain := float32(math.Pow(10, draw.uniform(-v.augment.Gain, v.augment.Gain)/20))
	out := make([]float32, len(s.Samples))
	for i := range out {
		if k := i - shift; k >= 0 && k < len(out) {
			out[i] = s.Samples[k] * gain
		}
	}
	return &pipeline.Sound{Rate: s.Rate, Samples: out}
}
