package data

import (
	"fmt"
	"image"
	"math"

	"github.com/onnxrun/onnxrun/pipeline"
	"github.com/onnxrun/onnxrun/runtime"
	"github.com/onnxrun/onnxrun/tensor"
)

// Mean and deviation of the channels of ImageNet's pictures, by which nearly all models trained on them expect their
// input.
var (
	imageNetMean = []float64{0.485, 0.456, 0.406}
	imageNetStd  = []float64{0.229, 0.224, 0.225}
)

// usePictures decides how pictures become values, and notes why.
func (s *Set) usePictures(e *encoded, in *runtime.ValueInfo, dir string, first []byte, o *Options) error {
	layout, err := pictureLayout(in, o)
	if err != nil {
		return err
	}
	p, why, err := o.pictureSettings(layout, dir)
	if err != nil {
		return err
	}
	p.Layout = layout
	if err := o.Picture.override(&p); err != nil {
		return err
	}
	if err := settle(&p, first); err != nil {
		return err
	}
	for k, v := range p.Settings() {
		s.settings[k] = v
	}
	s.notes = append(s.notes, describePicture(&p, in.DType), "preprocessing: "+why)
	dtype := in.DType
	e.decode = func(data []byte, v view) (*tensor.Tensor, error) {
		m, err := pipeline.DecodeImage(data)
		if err != nil {
			return nil, err
		}
		fitted, err := v.picture(m, &p)
		if err != nil {
			return nil, err
		}
		if dtype == tensor.Uint8 {
			return p.Values(fitted, dtype)
		}
		x, err := p.Values(fitted, tensor.Float32)
		if err != nil {
			return nil, err
		}
		return convert(x, dtype)
	}
	_, err = e.decode(first, view{})
	return err
}

// pictureLayout returns where channels, rows and columns of an input are.
func pictureLayout(in *runtime.ValueInfo, o *Options) (pipeline.Layout, error) {
	if !in.Ranked {
		return pipeline.Layout{Rank: 4, Channel: 1, Row: 2, Column: 3, Channels: 3, Height: -1, Wide: -1}, nil
	}
	d := openBatch(in)
	l, err := pipeline.LayoutOf(d)
	if n := len(d); (n == 3 || n == 4) && o.Picture.Layout != "" {
		switch o.Picture.Layout {
		case "nchw":
			l.Channel, l.Row, l.Column = n-3, n-2, n-1
		case "nhwc":
			l.Row, l.Column, l.Channel = n-3, n-2, n-1
		default:
			return l, fmt.Errorf("picture layout %q, want nchw or nhwc", o.Picture.Layout)
		}
		l.Rank, l.Channels, l.Height, l.Wide, err = n, d[l.Channel], d[l.Row], d[l.Column], nil
	}
	if l.Channels < 0 {
		l.Channels = 3
	}
	return l, err
}

// pictureSettings returns what is known beforehand: from the model's metadata, else a sidecar, else a guess by the
// layout.
func (o *Options) pictureSettings(l pipeline.Layout, dir string) (s pipeline.PictureSettings, why string, err error) {
	if s, ok, err := pipeline.PictureFromSettings(o.Metadata); ok || err != nil {
		return s, "as in the model's metadata", err
	}
	side, file, err := o.sidecar(dir)
	if err != nil {
		return s, "", err
	}
	if side != nil && side.isPicture() {
		s, err := side.picture()
		return s, "by " + file, err
	}
	s, why = guessPicture(l)
	return s, why, nil
}

// guessPicture chooses preprocessing by what the model takes.
func guessPicture(l pipeline.Layout) (s pipeline.PictureSettings, why string) {
	const side, whole = 224, 256 // of torchvision's evaluation: the shorter side to 256, of which the middle 224 are kept
	s = pipeline.PictureSettings{Resize: "stretch", Width: l.Wide, Height: l.Height, Scale: 1.0 / 255}
	why = "a guess: values from 0 to 1"
	if s.Width < 1 {
		s.Width = side
		why += fmt.Sprintf(", width %d, which the model leaves open", side)
	}
	if s.Height < 1 {
		s.Height = side
		why += fmt.Sprintf(", height %d, which the model leaves open", side)
	}
	if l.Channels == 3 && l.Channel < l.Row && s.Width == s.Height && s.Width >= 160 {
		s.Resize, s.Short = "shortest", int(math.Round(float64(s.Width)*whole/side))
		s.Mean, s.Std = imageNetMean, imageNetStd
		why = fmt.Sprintf("a guess: 3 channels of %d x %d are what models trained on ImageNet take, with its mean and deviation",
			s.Width, s.Height)
	}
	return s, why
}

// override takes over what is asked for.
func (p *PictureOptions) override(s *pipeline.PictureSettings) error {
	if p.Width > 0 || p.Height > 0 {
		s.Width, s.Height = max(p.Width, 0), max(p.Height, 0)
		if s.Resize == "shortest" {
			s.Resize, s.Short = "stretch", 0
		}
	}
	switch p.Resize {
	case "":
	case "none", "stretch":
		s.Resize = p.Resize
	case "shortest":
		s.Resize, s.Short = p.Resize, min(s.Width, s.Height)
		if s.Short < 1 {
			return fmt.Errorf("picture resize %q wants a size", p.Resize)
		}
	default:
		return fmt.Errorf("picture resize %q, want none, stretch or shortest", p.Resize)
	}
	if p.Crop > 0 {
		if s.Resize != "none" {
			s.Resize, s.Short = "shortest", max(min(s.Width, s.Height), s.Short)
		}
		s.Width, s.Height = p.Crop, p.Crop
	}
	if p.Filter != "" {
		s.Filter = p.Filter
	}
	if p.Scale != 0 {
		s.Scale = p.Scale
	}
	if p.Mean != nil {
		s.Mean = p.Mean
	}
	if p.Std != nil {
		s.Std = p.Std
	}
	if p.Gray != nil {
		s.Gray = *p.Gray
	}
	return nil
}

// settle compares the size with what the model takes, and gives sizes that are left open to the settings.
func settle(s *pipeline.PictureSettings, first []byte) error {
	l := s.Layout
	if s.Width > 0 && l.Wide > 0 && s.Width != l.Wide || s.Height > 0 && l.Height > 0 && s.Height != l.Height {
		return fmt.Errorf("pictures of %d x %d for an input of %d x %d", s.Width, s.Height, l.Wide, l.Height)
	}
	width, height, err := pipeline.ImageSize(first)
	if err != nil {
		return err
	}
	if s.Width == 0 || s.Height == 0 { // nothing says it: all pictures get the size of the first
		s.Width, s.Height = s.Size(width, height)
	}
	return nil
}

func describePicture(s *pipeline.PictureSettings, dtype tensor.DType) string {
	order := "rgb"
	switch {
	case s.Gray || s.Layout.Channels == 1:
		order = "grey"
	case s.BGR:
		order = "bgr"
	}
	layout := "nchw"
	if s.Layout.Channel > s.Layout.Row {
		layout = "nhwc"
	}
	text := fmt.Sprintf("pictures: %d x %d, resized %s", s.Width, s.Height, orKept(s.Resize))
	if s.Resize == "shortest" {
		text += fmt.Sprintf(" side to %d, middle kept", s.Short)
	}
	text += fmt.Sprintf(", %s, %s", order, layout)
	if dtype == tensor.Uint8 {
		return text + ", bytes"
	}
	return text + fmt.Sprintf(", scale %.6g, mean [%s], deviation [%s]", s.Scale, numbersText(s.Mean), numbersText(s.Std))
}

func orKept(resize string) string {
	if resize == "" {
		return "none"
	}
	return resize
}

// picture fits a decoded picture, augmented in views other than the plain one.
func (v view) picture(m image.Image, s *pipeline.PictureSettings) (*image.NRGBA, error) {
	if v.n == 0 {
		return s.Fit(m)
	}
	return v.augmented(m, s)
}
