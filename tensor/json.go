package tensor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// maxRank bounds the nesting of lists that stand for a tensor.
const maxRank = 64

// ReadJSON reads a value from JSON: nested lists of numbers, strings or truth values are a dense tensor, an
// object is a map with string keys, and a list that holds objects is a sequence. Null is NaN. The element
// type is d; if that is Undefined, int64 for whole numbers and else float32.
func ReadJSON(r io.Reader, d DType) (*Tensor, error) {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("tensor: json: %w", err)
	}
	if dec.More() {
		return nil, errors.New("tensor: json: more than one value")
	}
	t, err := fromJSON(v, d)
	if err != nil {
		return nil, fmt.Errorf("tensor: json: %w", err)
	}
	return t, nil
}

func fromJSON(v any, d DType) (*Tensor, error) {
	switch v := v.(type) {
	case map[string]any:
		return mapFromJSON(v, d)
	case []any:
		isMap := func(e any) bool { _, ok := e.(map[string]any); return ok }
		if !slices.ContainsFunc(v, isMap) {
			break
		}
		t := NewSequence(d)
		for _, e := range v {
			elem, err := fromJSON(e, d)
			if err != nil {
				return nil, err
			}
			t.elems = append(t.elems, elem)
		}
		return t, nil
	}
	var l leaves
	shape, err := l.walk(v, nil, 0)
	if err != nil {
		return nil, err
	}
	return l.tensor(d, shape)
}

func mapFromJSON(v map[string]any, d DType) (*Tensor, error) {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	vals := make([]*Tensor, len(keys))
	for i, k := range keys {
		var err error
		if vals[i], err = fromJSON(v[k], d); err != nil {
			return nil, fmt.Errorf("%q: %w", k, err)
		}
	}
	return NewMap(FromSlice(keys), vals...)
}

// leaves gathers the elements of nested lists in row-major order.
type leaves struct {
	strs    []string
	numbers []json.Number // and truth values as 0 and 1, null as NaN
	bools   int
}

// walk returns the shape of v, which must be that of want below depth once want is known.
func (l *leaves) walk(v any, want Shape, depth int) (Shape, error) {
	list, ok := v.([]any)
	if !ok {
		if want != nil && depth != len(want) {
			return nil, errors.New("lists of different depth")
		}
		return Shape{}, l.add(v)
	}
	if depth >= maxRank {
		return nil, fmt.Errorf("lists nested more than %d deep", maxRank)
	}
	if want != nil && (depth >= len(want) || want[depth] != len(list)) {
		return nil, fmt.Errorf("lists of different lengths at depth %d", depth)
	}
	shape := Shape{len(list)}
	for i, e := range list {
		inner, err := l.walk(e, want, depth+1)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			shape = append(shape, inner...)
		}
		if want == nil && i == 0 {
			want = append(make(Shape, depth), shape...)
		}
	}
	return shape, nil
}

func (l *leaves) add(v any) error {
	switch v := v.(type) {
	case string:
		l.strs = append(l.strs, v)
	case json.Number:
		l.numbers = append(l.numbers, v)
	case bool:
		l.bools++
		l.numbers = append(l.numbers, json.Number(strconv.Itoa(map[bool]int{true: 1}[v])))
	case nil:
		l.numbers = append(l.numbers, "NaN")
	default:
		return fmt.Errorf("%T among the elements", v)
	}
	return nil
}

func (l *leaves) tensor(d DType, shape Shape) (*Tensor, error) {
	if len(l.strs) > 0 || d == String {
		if len(l.numbers) > 0 || d != String && d != Undefined {
			return nil, fmt.Errorf("strings where %v is wanted", d)
		}
		t := FromSlice(append([]string{}, l.strs...))
		return t.Reshaped(shape...)
	}
	if d == Undefined {
		d = l.guess()
	}
	if d == Int64 || d == Uint64 {
		return l.wide(d, shape)
	}
	vals := make([]float64, len(l.numbers))
	for i, n := range l.numbers {
		var err error
		if vals[i], err = strconv.ParseFloat(string(n), 64); err != nil && !math.IsInf(vals[i], 0) {
			return nil, err
		}
	}
	return FromFloat64s(d, shape, vals)
}

func (l *leaves) guess() DType {
	switch {
	case len(l.numbers) > 0 && l.bools == len(l.numbers):
		return Bool
	case slices.ContainsFunc(l.numbers, func(n json.Number) bool { _, err := n.Int64(); return err != nil }):
		return Float32
	case len(l.numbers) == 0:
		return Float32
	}
	return Int64
}

// wide makes a tensor of 64-bit integers, which float64 cannot carry.
func (l *leaves) wide(d DType, shape Shape) (*Tensor, error) {
	t := New(d, shape...)
	data := t.data[:0]
	for _, n := range l.numbers {
		v, err := strconv.ParseUint(string(n), 10, 64)
		if d == Int64 || err != nil {
			var x int64
			if x, err = strconv.ParseInt(string(n), 10, 64); err == nil && d == Uint64 {
				err = strconv.ErrRange
			}
			v = uint64(x)
		}
		if err != nil {
			f, ferr := n.Float64()
			if v, err = encodeWhole(d, f); err != nil || ferr != nil {
				return nil, fmt.Errorf("%s is no %v", n, d)
			}
		}
		data = appendNative(data, v, 8)
	}
	return t, nil
}

// WriteJSON writes t in the form that ReadJSON reads; integer keys of maps become strings, an empty optional
// null. Numbers that are not finite become null; of complex numbers only the real part is written.
func WriteJSON(w io.Writer, t *Tensor) error {
	out := bufio.NewWriter(w)
	if err := writeJSON(out, t); err != nil {
		return err
	}
	return out.Flush()
}

func writeJSON(w *bufio.Writer, t *Tensor) error {
	switch t.kind {
	case KindMap:
		return writeJSONMap(w, t)
	case KindSequence:
		return writeList(w, len(t.elems), func(i int) error { return writeJSON(w, t.elems[i]) })
	case KindOptional:
		if len(t.elems) == 0 {
			_, err := w.WriteString("null")
			return err
		}
		return writeJSON(w, t.elems[0])
	case KindSparse:
		return errors.New("tensor: json: no form for a sparse tensor")
	}
	if lists := t.emptyLists(); lists > maxEmpty {
		return fmt.Errorf("tensor: json: %d empty lists for shape %v", lists, []int(t.shape))
	}
	at := 0
	element := elementWriter(w, t)
	var level func(depth int) error
	level = func(depth int) error {
		if depth == len(t.shape) {
			at++
			return element(at - 1)
		}
		return writeList(w, t.shape[depth], func(int) error { return level(depth + 1) })
	}
	return level(0)
}

// maxEmpty bounds the lists written for a tensor without elements.
const maxEmpty = 1 << 20

// emptyLists returns how many empty lists a tensor without elements takes.
func (t *Tensor) emptyLists() int {
	n := 1
	for _, d := range t.shape {
		switch {
		case d == 0:
			return n
		case n > maxEmpty:
		default:
			n *= min(d, maxEmpty+1)
		}
	}
	return 0
}

func writeList(w *bufio.Writer, n int, element func(i int) error) error {
	w.WriteByte('[')
	for i := range n {
		if i > 0 {
			w.WriteString(", ")
		}
		if err := element(i); err != nil {
			return err
		}
	}
	return w.WriteByte(']')
}

// elementWriter returns a function that writes element i of a dense tensor.
func elementWriter(w *bufio.Writer, t *Tensor) func(i int) error {
	if t.dtype == String {
		return func(i int) error { return writeJSONString(w, t.strs[i]) }
	}
	var buf []byte
	if t.dtype == Bool {
		return func(i int) error { _, err := w.WriteString(strconv.FormatBool(t.Bytes()[i] != 0)); return err }
	}
	if t.dtype.IsInt() && t.dtype.Size() > 0 {
		return func(i int) error {
			buf = strconv.AppendInt(buf[:0], intAt(t, i), 10)
			if t.dtype == Uint64 {
				buf = strconv.AppendUint(buf[:0], Raw[uint64](t)[i], 10)
			}
			_, err := w.Write(buf)
			return err
		}
	}
	vals, bits := Float64s(t, t.Len()), 32
	if t.dtype == Float64 || t.dtype == Complex128 {
		bits = 64
	}
	return func(i int) error {
		buf = append(buf[:0], "null"...)
		if v := vals[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			buf = strconv.AppendFloat(buf[:0], v, 'g', -1, bits)
		}
		_, err := w.Write(buf)
		return err
	}
}

func writeJSONString(w *bufio.Writer, s string) error {
	b, err := json.Marshal(s)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

func writeJSONMap(w *bufio.Writer, t *Tensor) error {
	w.WriteByte('{')
	for i, v := range t.elems {
		if i > 0 {
			w.WriteString(", ")
		}
		key := ""
		if t.keys.dtype == String {
			key = t.keys.strs[i]
		} else {
			key = strconv.FormatInt(intAt(t.keys, i), 10)
		}
		if err := writeJSONString(w, key); err != nil {
			return err
		}
		w.WriteString(": ")
		if err := writeJSON(w, v); err != nil {
			return err
		}
	}
	return w.WriteByte('}')
}
