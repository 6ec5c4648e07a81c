package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const (
	maxLine   = 16 << 20 // bytes of a line of text
	lookAhead = 256      // records that decide what the columns hold
)

var errLongLine = fmt.Errorf("a line of more than %d MiB", maxLine>>20)

// A bounded reader fails at lines that are too long and at texts that are.
type bounded struct {
	r    io.Reader
	line int   // bytes since the last line feed
	left int64 // bytes that may still come
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooMuch
	}
	first := bytes.IndexByte(p[:n], '\n')
	if first < 0 {
		b.line += n
	} else {
		if b.line+first > maxLine {
			return 0, errLongLine
		}
		b.line = n - 1 - bytes.LastIndexByte(p[:n], '\n')
	}
	if b.line > maxLine {
		return 0, errLongLine
	}
	return n, err
}

var errTooMuch = errors.New("more text than the memory limit allows")

// textReader opens a text: unpacks gzip, bounds lines and size, and drops a byte order mark.
func textReader(r io.Reader, o *Options) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		r = z
	} else {
		r = in
	}
	text := bufio.NewReaderSize(&bounded{r: r, left: o.memory()}, 1<<16)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		text.Discard(3)
	}
	return text, nil
}

// separator guesses what stands between the fields: what the first line has most of.
func separator(text *bufio.Reader) rune {
	line, _ := text.Peek(1 << 14)
	line, _, _ = bytes.Cut(line, []byte("\n"))
	best, count := ',', 0
	for _, sep := range "\t,;|" {
		if n := bytes.Count(line, []byte(string(sep))); n > count {
			best, count = sep, n
		}
	}
	return best
}

// A csvReader parses the records of a table of texts into columns.
type csvReader struct {
	in      *csv.Reader
	out     *table
	lines   []int32             // of the rows
	known   []map[string]string // texts of each column, to keep one copy of them
	left    int64               // bytes that the columns may still take
	last    int                 // line of the last record
	problem *problems
}

// readCSV reads a table with one record a line.
func readCSV(r io.Reader, o *Options, p *problems) (*table, error) {
	text, err := textReader(r, o)
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	c := &csvReader{in: csv.NewReader(text), out: &table{}, problem: p, left: o.memory()}
	c.in.Comma, c.in.ReuseRecord, c.in.FieldsPerRecord = separator(text), true, -1
	var first []record
	for len(first) < lookAhead {
		rec, err := c.next()
		if err != nil {
			return nil, err
		}
		if rec.fields == nil {
			break
		}
		rec.fields = append([]string{}, rec.fields...)
		first = append(first, rec)
	}
	if len(first) == 0 {
		c.out.faults.report(p)
		if p.Count == 0 {
			p.add("", "no samples: the file is empty")
		}
		return nil, p.err()
	}
	for _, rec := range c.begin(first, o) {
		if err := c.row(rec); err != nil {
			return nil, err
		}
	}
	return c.out, c.rest()
}

// rest reads all records that are left.
func (c *csvReader) rest() error {
	for {
		rec, err := c.next()
		if err != nil {
			return err
		}
		if rec.fields == nil {
			c.out.rows = len(c.lines)
			c.out.where = func(i int) string { return fmt.Sprintf("line %d", c.lines[i]) }
			return nil
		}
		if err := c.row(rec); err != nil {
			return err
		}
	}
}

// A record is the fields of a line; none at the end of the file.
type record struct {
	fields []string
	line   int
}

// next returns the next record that can be read; lines that cannot be are noted.
func (c *csvReader) next() (record, error) {
	for {
		fields, err := c.in.Read()
		var parse *csv.ParseError
		switch {
		case err == nil:
			c.last, _ = c.in.FieldPos(0)
			return record{fields, c.last}, nil
		case err == io.EOF:
			return record{}, nil
		case errors.As(err, &parse):
			c.out.faults.add(parse.Line, fmt.Sprintf("line %d", parse.Line), fmt.Sprintf("byte %d: %v", parse.Column, parse.Err))
		default:
			return record{}, c.problem.fail(fmt.Sprintf("after line %d", c.last), "%v", err)
		}
	}
}

// begin makes the columns from the first records and returns those that are no header.
func (c *csvReader) begin(first []record, o *Options) []record {
	body := first
	head := first[0].fields
	c.out.header = o.Header == WithHeader || o.Header == GuessHeader && isHeader(first, o)
	if c.out.header {
		body = first[1:]
	}
	for i := range head {
		col := &column{name: strconv.Itoa(i)}
		if c.out.header {
			col.name = strings.TrimSpace(head[i])
		}
		if mostlyNumbers(body, i) {
			col.numbers = []float64{}
		} else {
			col.texts = []string{}
		}
		c.out.columns = append(c.out.columns, col)
	}
	c.known = make([]map[string]string, len(head))
	return body
}

// row appends a record to the columns, or notes what is wrong with it.
func (c *csvReader) row(rec record) error {
	if len(rec.fields) != len(c.out.columns) {
		c.out.faults.add(rec.line, lineOf(rec), fmt.Sprintf("%d fields, want %d", len(rec.fields), len(c.out.columns)))
		return nil
	}
	for i, col := range c.out.columns {
		text := rec.fields[i]
		if col.texts != nil {
			col.texts = append(col.texts, c.intern(i, strings.TrimSpace(text)))
			continue
		}
		v, wrong := number(text)
		if wrong != "" {
			col.faults.add(rec.line, lineOf(rec), c.out.columnName(i)+": "+wrong)
		}
		col.numbers = append(col.numbers, v)
	}
	c.lines = append(c.lines, int32(rec.line))
	if c.left -= int64(16 * len(rec.fields)); c.left < 0 {
		return c.problem.fail(lineOf(rec), "%v", errTooMuch)
	}
	return nil
}

func lineOf(rec record) string { return fmt.Sprintf("line %d", rec.line) }

// intern keeps one copy of each text, since the fields of a record share its memory.
func (c *csvReader) intern(i int, text string) string {
	const most = 1 << 16
	if c.known[i] == nil {
		c.known[i] = map[string]string{}
	}
	if s, ok := c.known[i][text]; ok {
		return s
	}
	text = strings.Clone(text)
	c.left -= int64(len(text))
	if len(c.known[i]) < most {
		c.known[i][text] = text
	}
	return text
}

// number reads a finite number, or says what is wrong with the text.
func number(text string) (v float64, wrong string) {
	text = strings.TrimSpace(text)
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil && !math.IsNaN(v) && !math.IsInf(v, 0):
		return v, ""
	case isMissing(text):
		return 0, fmt.Sprintf("%s: the value is missing", quoted(text))
	case strings.EqualFold(text, "true"):
		return 1, ""
	case strings.EqualFold(text, "false"):
		return 0, ""
	case err == nil || errors.Is(err, strconv.ErrRange):
		return 0, fmt.Sprintf("%s: want a finite number", quoted(text))
	}
	return 0, fmt.Sprintf("%s is not a number", quoted(text))
}

// isMissing tells the words that stand for no value.
func isMissing(text string) bool {
	switch strings.ToLower(text) {
	case "", "na", "n/a", "nan", "null", "none", "?", "-":
		return true
	}
	return false
}

// mostlyNumbers decides what column i holds: numbers if more than half of what it has are numbers.
func mostlyNumbers(body []record, i int) bool {
	numbers, all := 0, 0
	for _, rec := range body {
		if i >= len(rec.fields) || isMissing(strings.TrimSpace(rec.fields[i])) {
			continue
		}
		all++
		if _, wrong := number(rec.fields[i]); wrong == "" {
			numbers++
		}
	}
	return 2*numbers > all || all == 0
}
