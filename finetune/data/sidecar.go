package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/onnxrun/onnxrun/pipeline"
)

// A sidecar is a preprocessor_config.json of Hugging Face.
type sidecar struct {
	DoResize      *bool           `json:"do_resize"`
	Size          json.RawMessage `json:"size"`
	Resample      *int            `json:"resample"`
	DoCenterCrop  *bool           `json:"do_center_crop"`
	CropSize      json.RawMessage `json:"crop_size"`
	CropPct       float64         `json:"crop_pct"`
	DoRescale     *bool           `json:"do_rescale"`
	RescaleFactor *float64        `json:"rescale_factor"`
	DoNormalize   *bool           `json:"do_normalize"`
	ImageMean     []float64       `json:"image_mean"`
	ImageStd      []float64       `json:"image_std"`
	FlipChannels  bool            `json:"do_flip_channel_order"`
	SamplingRate  int             `json:"sampling_rate"`
}

const (
	sidecarName = "preprocessor_config.json"
	maxSidecar  = 1 << 20
)

// sidecar returns the file that is asked for, or one beside the model or the data, and its path; nil if there is none.
func (o *Options) sidecar(dir string) (*sidecar, string, error) {
	candidates := []string{o.Sidecar}
	if o.Sidecar == "" {
		candidates = []string{filepath.Join(o.ModelDir, sidecarName), filepath.Join(dir, sidecarName)}
		if o.ModelDir == "" {
			candidates = candidates[1:]
		}
	}
	for _, name := range candidates {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) && o.Sidecar == "" {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxSidecar))
		if err != nil {
			return nil, "", err
		}
		var s sidecar
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		return &s, name, nil
	}
	return nil, "", nil
}

// isPicture reports whether the file is about pictures.
func (c *sidecar) isPicture() bool { return c.Size != nil || c.CropSize != nil || c.ImageMean != nil }

func on(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// filterNames are Pillow's numbers of filters.
var filterNames = []string{"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"}

// picture turns the file into settings.
func (c *sidecar) picture() (s pipeline.PictureSettings, err error) {
	if c.Resample != nil {
		if *c.Resample < 0 || *c.Resample >= len(filterNames) {
			return s, fmt.Errorf("%s: resample %d, want 0 to %d", sidecarName, *c.Resample, len(filterNames)-1)
		}
		s.Filter = filterNames[*c.Resample]
	}
	crop := on(c.DoCenterCrop, c.CropSize != nil)
	if on(c.DoResize, c.Size != nil) && c.Size != nil {
		if err := c.resize(&s, crop); err != nil {
			return s, err
		}
	}
	if crop && c.CropSize != nil {
		size, err := parseSize(c.CropSize)
		if err != nil {
			return s, fmt.Errorf("%s: crop_size: %w", sidecarName, err)
		}
		if size.side > 0 {
			size.Width, size.Height = size.side, size.side
		}
		s.Width, s.Height = size.Width, size.Height
	}
	if on(c.DoRescale, true) {
		if s.Scale = 1.0 / 255; c.RescaleFactor != nil {
			s.Scale = *c.RescaleFactor
		}
	}
	if on(c.DoNormalize, c.ImageMean != nil) {
		s.Mean, s.Std = c.ImageMean, c.ImageStd
	}
	s.BGR = c.FlipChannels
	return s, nil
}

// resize reads how large pictures become. One number is the shorter side where the middle is cut out later, else both
// sides. With crop_pct, as ConvNeXT has it, the middle is that share of a shorter side below 384.
func (c *sidecar) resize(s *pipeline.PictureSettings, crop bool) error {
	size, err := parseSize(c.Size)
	if err != nil {
		return fmt.Errorf("%s: size: %w", sidecarName, err)
	}
	switch short := max(size.side, size.Shortest); {
	case size.Width > 0 && size.Height > 0:
		s.Resize, s.Width, s.Height = "stretch", size.Width, size.Height
	case short > 0 && c.CropPct > 0 && c.CropPct <= 1 && short < 384:
		s.Resize, s.Short, s.Width, s.Height = "shortest", int(float64(short)/c.CropPct), short, short
	case short > 0 && (size.Shortest > 0 && c.CropPct == 0 || crop):
		s.Resize, s.Short = "shortest", short
	case short > 0:
		s.Resize, s.Width, s.Height = "stretch", short, short
	default:
		return fmt.Errorf("%s: size %s: want a number, height and width, or shortest_edge", sidecarName, c.Size)
	}
	return nil
}

// A sideSize is a number, or an object.
type sideSize struct {
	side     int
	Height   int `json:"height"`
	Width    int `json:"width"`
	Shortest int `json:"shortest_edge"`
}

// maxSide bounds what a file may ask for.
const maxSide = 1 << 14

func parseSize(raw json.RawMessage) (s sideSize, err error) {
	if json.Unmarshal(raw, &s.side) != nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			return s, err
		}
	}
	for _, n := range []int{s.side, s.Height, s.Width, s.Shortest} {
		if n < 0 || n > maxSide {
			return s, fmt.Errorf("%d, want at most %d", n, maxSide)
		}
	}
	return s, nil
}
