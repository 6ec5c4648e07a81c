package finetune

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/onnx"
)

// LabelsKey is the entry of a model's metadata that holds the names of its classes as a JSON array of strings.
const LabelsKey = "onnxrun.labels"

// label writes the names of classes into the metadata: under LabelsKey, and under the keys of other tools that the model
// has already, in their forms.
func (e *editor) label(classes []string) {
	text, err := json.Marshal(classes)
	if err != nil {
		return
	}
	e.setMetadata(LabelsKey, string(text))
	for _, m := range e.origin.Metadata {
		if value := relabelled(m.Key, m.Value, classes); value != "" {
			e.setMetadata(m.Key, value)
		}
	}
}

// relabelled returns names of classes in the form of a tool's entry, "" if the key is none that names classes.
func relabelled(key, value string, classes []string) string {
	byNumber, byName := map[string]string{}, map[string]int{}
	for i, c := range classes {
		byNumber[strconv.Itoa(i)], byName[c] = c, i
	}
	var form any
	switch key {
	case "names": // Ultralytics: a dict of Python
		if strings.HasPrefix(value, "{") {
			return pythonDict(classes)
		}
		form = classes
	case "id2label": // transformers
		form = byNumber
	case "label2id":
		form = byName
	case "labels", "classes", "class_names", "class_labels", "label_names":
		if !strings.HasPrefix(value, "[") {
			return strings.Join(classes, ",")
		}
		form = classes
	case "num_classes", "num_labels", "nc":
		return strconv.Itoa(len(classes))
	default:
		return ""
	}
	text, err := json.Marshal(form)
	if err != nil {
		return ""
	}
	return string(text)
}

// pythonDict writes {0: 'a', 1: 'b'}.
func pythonDict(classes []string) string {
	parts := make([]string, len(classes))
	for i, c := range classes {
		parts[i] = fmt.Sprintf("%d: '%s'", i, strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(c))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// Labels returns the names of a model's classes from its metadata, nil if there are none.
func Labels(m *onnx.Model) []string {
	for _, e := range m.Metadata {
		var classes []string
		if e.Key == LabelsKey && json.Unmarshal([]byte(e.Value), &classes) == nil {
			return classes
		}
	}
	return nil
}
