package pipeline

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// SettingPrefix begins the keys under which preprocessing stands in a model's metadata.
const SettingPrefix = "onnxrun.preprocess."

// Settings writes the settings as pairs of texts for a model's metadata. The layout is that of the model's input and
// not among them.
func (s *PictureSettings) Settings() map[string]string {
	out := map[string]string{
		SettingPrefix + "kind":   "picture",
		SettingPrefix + "resize": s.Resize,
		SettingPrefix + "filter": s.filter(),
		SettingPrefix + "size":   fmt.Sprintf("%dx%d", s.Width, s.Height),
		SettingPrefix + "scale":  strconv.FormatFloat(s.Scale, 'g', -1, 64),
		SettingPrefix + "mean":   numbers(s.Mean),
		SettingPrefix + "std":    numbers(s.Std),
		SettingPrefix + "order":  "rgb",
	}
	if s.BGR {
		out[SettingPrefix+"order"] = "bgr"
	}
	if s.Gray {
		out[SettingPrefix+"order"] = "gray"
	}
	if s.Resize == "shortest" {
		out[SettingPrefix+"short"] = strconv.Itoa(s.Short)
	}
	return out
}

// PictureFromSettings reads what Settings wrote. ok is false if the metadata say nothing of pictures.
func PictureFromSettings(metadata map[string]string) (s PictureSettings, ok bool, err error) {
	if metadata[SettingPrefix+"kind"] != "picture" {
		return s, false, nil
	}
	bad := func(key string) (PictureSettings, bool, error) {
		return s, false, fmt.Errorf("pipeline: metadata: %s%s is %q", SettingPrefix, key, metadata[SettingPrefix+key])
	}
	s.Resize, s.Filter = metadata[SettingPrefix+"resize"], metadata[SettingPrefix+"filter"]
	s.BGR, s.Gray = metadata[SettingPrefix+"order"] == "bgr", metadata[SettingPrefix+"order"] == "gray"
	if _, err := fmt.Sscanf(metadata[SettingPrefix+"size"], "%dx%d", &s.Width, &s.Height); err != nil || s.Width < 0 || s.Height < 0 {
		return bad("size")
	}
	if s.Scale, err = strconv.ParseFloat(metadata[SettingPrefix+"scale"], 64); err != nil || math.IsNaN(s.Scale) || math.IsInf(s.Scale, 0) {
		return bad("scale")
	}
	if s.Resize == "shortest" {
		if s.Short, err = strconv.Atoi(metadata[SettingPrefix+"short"]); err != nil || s.Short < 1 {
			return bad("short")
		}
	}
	for key, list := range map[string]*[]float64{"mean": &s.Mean, "std": &s.Std} {
		for f := range strings.FieldsSeq(metadata[SettingPrefix+key]) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return bad(key)
			}
			*list = append(*list, v)
		}
	}
	return s, true, nil
}

// numbers writes numbers with spaces between.
func numbers(list []float64) string {
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return b.String()
}

// Settings writes the settings as pairs of texts for a model's metadata.
func (s *SoundSettings) Settings() map[string]string {
	return map[string]string{
		SettingPrefix + "kind":      "sound",
		SettingPrefix + "rate":      strconv.Itoa(s.Rate),
		SettingPrefix + "length":    strconv.Itoa(s.Length),
		SettingPrefix + "normalise": strconv.FormatBool(s.Normalise),
	}
}

// SoundFromSettings reads what Settings wrote. ok is false if the metadata say nothing of sounds.
func SoundFromSettings(metadata map[string]string) (s SoundSettings, ok bool, err error) {
	if metadata[SettingPrefix+"kind"] != "sound" {
		return s, false, nil
	}
	for key, v := range map[string]*int{"rate": &s.Rate, "length": &s.Length} {
		if *v, err = strconv.Atoi(metadata[SettingPrefix+key]); err != nil || *v < 0 {
			return s, false, fmt.Errorf("pipeline: metadata: %s%s is %q", SettingPrefix, key, metadata[SettingPrefix+key])
		}
	}
	s.Normalise = metadata[SettingPrefix+"normalise"] == "true"
	return s, true, nil
}
