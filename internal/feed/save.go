package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onnxrun/onnxrun/tensor"
)

// FileName makes a file name of a value's name: characters other than letters, digits, '.', '_' and '-'
// become '_'.
func FileName(name string) string {
	safe := func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '_'
	}
	return strings.Map(safe, name)
}

// fileNames gives each name its file name; of names that would share one, the later get _2, _3 and so on.
func fileNames(names []string) []string {
	used := map[string]bool{}
	list := make([]string, len(names))
	for i, name := range names {
		base := FileName(name)
		list[i] = base
		for n := 2; used[list[i]]; n++ {
			list[i] = base + "_" + strconv.Itoa(n)
		}
		used[list[i]] = true
	}
	return list
}

// Save writes values to files of a folder, which it makes if need be: <name>.npy where numpy has the element
// type, maps as <name>.json, everything else as a protobuf message in <name>.pb.
func Save(dir string, names []string, values map[string]*tensor.Tensor) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	for i, base := range fileNames(names) {
		ext, data, err := encode(names[i], values[names[i]])
		if err != nil {
			return fmt.Errorf("feed: output %q: %w", names[i], err)
		}
		if err := os.WriteFile(filepath.Join(dir, base+ext), data, 0o644); err != nil {
			return fmt.Errorf("feed: %w", err)
		}
	}
	return nil
}

func encode(name string, t *tensor.Tensor) (ext string, data []byte, err error) {
	switch {
	case t.Kind() == tensor.KindMap:
		data, err = json.Marshal(jsonMap(t))
		return ".json", data, err
	case t.Kind() == tensor.KindTensor && tensor.HasNPY(t.DType()):
		var b bytes.Buffer
		err = tensor.WriteNPY(&b, t)
		return ".npy", b.Bytes(), err
	}
	return ".pb", tensor.EncodeValue(name, t), nil
}

// jsonMap turns a map into one that JSON has: keys become text, scalars numbers, other tensors lists.
func jsonMap(t *tensor.Tensor) map[string]any {
	m := map[string]any{}
	for i, v := range t.Elems() {
		m[keyText(t.Keys(), i)] = jsonValue(v)
	}
	return m
}

func keyText(keys *tensor.Tensor, i int) string {
	if s := tensor.Of[string](keys); s != nil {
		return s[i]
	}
	if number := reader(keys); number != nil {
		return fmt.Sprint(number(i))
	}
	return strconv.Itoa(i)
}

func jsonValue(t *tensor.Tensor) any {
	switch {
	case t.Kind() == tensor.KindMap:
		return jsonMap(t)
	case t.Kind() != tensor.KindTensor:
		list := []any{}
		for _, e := range t.Elems() {
			list = append(list, jsonValue(e))
		}
		return list
	case t.DType() == tensor.String && t.Rank() == 0:
		return t.Strings()[0]
	case t.DType() == tensor.String:
		return t.Strings()
	case t.Rank() == 0 && t.Len() == 1:
		if head := Head(t, 1); len(head) == 1 {
			return head[0]
		}
	}
	return Head(t, t.Len())
}
