package data

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// A jsonlReader parses a JSON object a line into columns; the first object says which there are.
type jsonlReader struct {
	out     *table
	lines   []int32
	left    int64
	problem *problems
}

// readJSONL reads a table with one JSON object a line.
func readJSONL(r io.Reader, o *Options, p *problems) (*table, error) {
	text, err := textReader(r, o)
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	j := &jsonlReader{out: &table{header: true}, left: o.memory(), problem: p}
	for n := 1; ; n++ {
		line, err := readLine(text)
		if err != nil && err != io.EOF {
			return nil, p.fail(fmt.Sprintf("line %d", n), "%v", err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := j.row(line, n); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			break
		}
	}
	j.out.rows = len(j.lines)
	j.out.where = func(i int) string { return fmt.Sprintf("line %d", j.lines[i]) }
	if j.out.rows == 0 {
		j.out.faults.report(p)
		if p.Count == 0 {
			p.add("", "no samples: the file is empty")
		}
		return nil, p.err()
	}
	return j.out, nil
}

// readLine returns the bytes up to the next line feed, which stay valid until the next read.
func readLine(text *bufio.Reader) ([]byte, error) {
	line, err := text.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) { // the reader below bounds the length
		line, err = text.ReadSlice('\n')
		long = append(long, line...)
	}
	return long, err
}

// row appends an object to the columns, or notes what is wrong with it.
func (j *jsonlReader) row(line []byte, n int) error {
	where := fmt.Sprintf("line %d", n)
	if j.left -= int64(4 * len(line)); j.left < 0 {
		return j.problem.fail(where, "%v", errTooMuch)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil || fields == nil {
		j.out.faults.add(n, where, "want a JSON object: "+jsonFault(err))
		return nil
	}
	if j.out.columns == nil {
		if err := j.begin(line, fields); err != nil {
			j.out.faults.add(n, where, err.Error())
			return nil
		}
	}
	for _, c := range j.out.columns {
		if wrong := c.appendJSON(fields[c.name]); wrong != "" {
			c.faults.add(n, where, fmt.Sprintf("field %s: %s", quoted(c.name), wrong))
		}
	}
	j.lines = append(j.lines, int32(n))
	return nil
}

func jsonFault(err error) string {
	if err == nil {
		return "null"
	}
	return err.Error()
}

// begin makes a column for each field of the first object, in their order there.
func (j *jsonlReader) begin(line []byte, fields map[string]json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.Token() // the opening brace
	for known := map[string]bool{}; dec.More(); {
		key, err := dec.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return fmt.Errorf("no name of a field: %v", err)
		}
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return err
		}
		if known[name] {
			continue
		}
		known[name] = true
		c := &column{name: name}
		switch fields[name][0] {
		case '"':
			c.texts = []string{}
		case '[':
			c.lists = [][]float64{}
		default:
			c.numbers = []float64{}
		}
		j.out.columns = append(j.out.columns, c)
	}
	if len(j.out.columns) == 0 {
		return errors.New("the object has no fields")
	}
	return nil
}

// appendJSON appends a value to a column, a zero one if it says what is wrong.
func (c *column) appendJSON(raw json.RawMessage) (wrong string) {
	missing := len(raw) == 0 || string(raw) == "null"
	if missing {
		wrong = "the value is missing"
	}
	switch {
	case c.texts != nil:
		var s string
		if !missing && json.Unmarshal(raw, &s) != nil {
			wrong = fmt.Sprintf("want a text, not %s", quoted(string(raw)))
		}
		c.texts = append(c.texts, s)
	case c.lists != nil:
		var list []float64
		if !missing && (bytes.Contains(raw, []byte("null")) || json.Unmarshal(raw, &list) != nil) {
			var err error
			if list, err = flatten(raw); err != nil {
				wrong = err.Error()
			}
		}
		c.lists = append(c.lists, list)
	default:
		v, bad := number(string(raw))
		if !missing && bad != "" {
			wrong = bad
		}
		c.numbers = append(c.numbers, v)
	}
	return wrong
}

// maxNesting bounds how deep lists lie in each other.
const maxNesting = 16

// flatten returns the numbers of nested lists in their order. The lists of each depth have one length.
func flatten(raw json.RawMessage) ([]float64, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	var flat []float64
	lengths := map[int]int{}
	var walk func(v any, depth int) error
	walk = func(v any, depth int) error {
		switch x := v.(type) {
		case float64:
			if n, ok := lengths[depth]; ok && n >= 0 {
				return errors.New("lists of different depths")
			}
			lengths[depth] = -1
			flat = append(flat, x)
			return nil
		case bool:
			var n float64
			if x {
				n = 1
			}
			return walk(n, depth)
		case []any:
			if n, ok := lengths[depth]; ok && n < 0 {
				return errors.New("lists of different depths")
			} else if ok && n != len(x) {
				return fmt.Errorf("lists of %d and %d elements at one depth", n, len(x))
			}
			if lengths[depth] = len(x); depth > maxNesting {
				return fmt.Errorf("lists nested more than %d deep", maxNesting)
			}
			for _, e := range x {
				if err := walk(e, depth+1); err != nil {
					return err
				}
			}
			return nil
		}
		return fmt.Errorf("want a list of numbers, not of %s", quoted(fmt.Sprint(v)))
	}
	if err := walk(v, 0); err != nil {
		return nil, err
	}
	for _, x := range flat {
		if math.IsInf(x, 0) {
			return nil, errors.New("want finite numbers")
		}
	}
	return flat, nil
}
