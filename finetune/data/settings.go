package data

import (
	"encoding/json"
	"maps"
	"strings"
)

// Keys of Settings. A point and a name may follow, where a setting belongs to an input or a column.
const (
	settingPrefix     = "onnxrun.preprocess."
	settingKind       = settingPrefix + "kind"       // table, tokens, picture or sound
	settingLabel      = settingPrefix + "label"      // JSON list of columns
	settingColumns    = settingPrefix + "columns"    // .INPUT: JSON list of columns
	settingCategories = settingPrefix + "categories" // .COLUMN: JSON list of texts, each of which is an element
	settingMean       = settingPrefix + "mean"       // .INPUT: what is taken off each element
	settingStd        = settingPrefix + "std"        // .INPUT: what each element is divided by
	settingLength     = settingPrefix + "length"     // of lists, or of sounds in samples
	settingPad        = settingPrefix + "pad"
	settingRate       = settingPrefix + "rate" // of sounds, samples per second
)

// known is what another set, or a model's metadata, say of a table beforehand.
type known struct {
	vocabulary map[string][]string // categories by column
	scales     map[string]*scaling // by input
}

// like returns options under which a file is read as the set was.
func (o Options) like(s *Set) Options {
	if o.strict = true; o.Classes == nil {
		o.Classes = s.targets.names
	}
	o.Metadata = maps.Clone(o.Metadata)
	if o.Metadata == nil {
		o.Metadata = map[string]string{}
	}
	for k := range o.Metadata {
		if strings.HasPrefix(k, settingPrefix) {
			delete(o.Metadata, k)
		}
	}
	maps.Copy(o.Metadata, s.Settings())
	return o
}

// recall takes over what metadata say of tables; what the options ask for goes before it. Columns that the table does
// not have are forgotten, unless it shall be like another set: a model may be trained on quite other data than before.
func (t *table) recall(o Options) (Options, known) {
	k := known{vocabulary: map[string][]string{}, scales: map[string]*scaling{}}
	fits := func(columns []string) bool {
		_, err := t.findAll(columns)
		return err == nil || o.strict
	}
	if labels := listSetting(o.Metadata[settingLabel]); o.Label == "" && fits(labels) {
		o.labels = labels
	}
	features := map[string][]string{}
	for key, text := range o.Metadata {
		if column, ok := strings.CutPrefix(key, settingCategories+"."); ok {
			k.vocabulary[column] = listSetting(text)
		}
		if input, ok := strings.CutPrefix(key, settingColumns+"."); ok && fits(listSetting(text)) {
			features[input] = listSetting(text)
		}
		if input, ok := strings.CutPrefix(key, settingMean+"."); ok {
			mean, err := parseNumbers(text)
			std, err2 := parseNumbers(o.Metadata[settingStd+"."+input])
			if err == nil && err2 == nil && len(mean) == len(std) {
				k.scales[input] = &scaling{narrow(mean), narrow(std)}
			}
		}
	}
	for input := range features {
		if len(o.Inputs) > 0 && o.info(input) == nil {
			delete(features, input)
		}
	}
	if len(o.Features) == 0 && len(features) > 0 {
		o.Features = features
	}
	return o, k
}

func narrow(list []float64) []float32 {
	out := make([]float32, len(list))
	for i, v := range list {
		out[i] = float32(v)
	}
	return out
}

func listSetting(text string) []string {
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}

func listText(list []string) string {
	b, _ := json.Marshal(list) // texts always have a form
	return string(b)
}
