package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/onnxrun/onnxrun/internal/mmap"
)

// readParquet reads a table by columns: numbers, booleans, texts, lists of numbers, and bytes.
func readParquet(f *os.File, size int64, o *Options, p *problems) (*table, error) {
	m, err := contents(f, size)
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	defer m.Close()
	var t *table
	err = mmap.Guard(func() (err error) {
		t, err = parquetTable(m.Bytes(), o.memory())
		return err
	})
	if err != nil {
		return nil, p.fail("", "%v", err)
	}
	return t, nil
}

// parquetTable reads a file in memory, whose values may take left bytes.
func parquetTable(data []byte, left int64) (t *table, err error) {
	defer func() { // the reader gets files from strangers
		if r := recover(); r != nil {
			if err = mmap.Fault(r); err == nil {
				err = fmt.Errorf("malformed: %v", r)
			}
		}
	}()
	if err := checkFooter(data); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)),
		parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, err
	}
	if err := checkPages(data, file.Metadata(), left); err != nil {
		return nil, err
	}
	rows := file.NumRows()
	if rows > left/8 || rows < 0 {
		return nil, fmt.Errorf("%d rows do not fit into %d bytes", rows, left)
	}
	t = &table{header: true, rows: int(rows), where: rowNumber}
	for _, leaf := range leaves(file.Root()) {
		c := newParquetColumn(leaf)
		if c == nil {
			continue
		}
		if err := c.read(file, &left); err != nil {
			return nil, fmt.Errorf("column %s: %w", quoted(c.out.name), err)
		}
		if n := c.rows(); n != t.rows {
			return nil, fmt.Errorf("column %s: %d rows, the file announces %d", quoted(c.out.name), n, t.rows)
		}
		t.columns = append(t.columns, c.out)
	}
	nameClasses(t, file)
	if len(t.columns) == 0 {
		return nil, errors.New("no columns of numbers, texts, lists or bytes")
	}
	return t, nil
}

// nameClasses gives columns of classes the names that the library datasets of Hugging Face keeps in the file.
func nameClasses(t *table, file *parquet.File) {
	var meta struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	text, ok := file.Lookup("huggingface")
	if !ok || json.Unmarshal([]byte(text), &meta) != nil {
		return
	}
	for _, c := range t.columns {
		var feature struct {
			Names []string `json:"names"`
		}
		if raw := meta.Info.Features[c.name]; raw != nil && c.numbers != nil && json.Unmarshal(raw, &feature) == nil {
			c.classes = feature.Names
		}
	}
}

// leaves returns the columns that hold values, in their order.
func leaves(c *parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return []*parquet.Column{c}
	}
	var list []*parquet.Column
	for _, child := range c.Columns() {
		list = append(list, leaves(child)...)
	}
	return list
}

// A parquetColumn collects the values of a column.
type parquetColumn struct {
	leaf  *parquet.Column
	out   *column
	value func(parquet.Value)
	row   int // of the value that is read
}

// newParquetColumn prepares for a column, or returns nil if it holds nothing of use. A list is named by its field, the
// bytes and the path of a picture (a struct of "bytes" and "path") by theirs.
func newParquetColumn(leaf *parquet.Column) *parquetColumn {
	path := leaf.Path()
	c := &parquetColumn{leaf: leaf, row: -1}
	repeated := leaf.MaxRepetitionLevel()
	kind := leaf.Type().Kind()
	isBytes := kind == parquet.ByteArray || kind == parquet.FixedLenByteArray
	name := strings.Join(path, ".")
	if repeated > 0 {
		name = path[0]
	}
	c.out = &column{name: strings.TrimSuffix(name, ".bytes")}
	switch {
	case kind == parquet.Int96 || repeated > 0 && isBytes:
		return nil
	case repeated > 0:
		c.out.lists = [][]float64{}
		c.value = c.addList
	case isBytes && isText(leaf.Type()):
		c.out.texts = []string{}
		c.value = c.addText
	case isBytes:
		c.out.blobs = [][]byte{}
		c.value = c.addBytes
	default:
		c.out.numbers = []float64{}
		c.value = c.addNumber
	}
	return c
}

// isText reports whether bytes are UTF-8, by today's kind of type or the one of old files.
func isText(t parquet.Type) bool {
	if logical := t.LogicalType(); logical != nil {
		switch logical.Value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return true
		}
	}
	converted := t.ConvertedType()
	return converted != nil && (*converted == deprecated.UTF8 || *converted == deprecated.Enum || *converted == deprecated.Json)
}

func isUnsigned(t parquet.Type) bool {
	if logical := t.LogicalType(); logical != nil {
		if i, ok := logical.Value.(*format.IntType); ok {
			return !i.IsSigned
		}
	}
	converted := t.ConvertedType()
	return converted != nil && *converted >= deprecated.Uint8 && *converted <= deprecated.Uint64
}

func (c *parquetColumn) rows() int {
	return len(c.out.lists) + len(c.out.texts) + len(c.out.blobs) + len(c.out.numbers)
}

// read reads the column in all groups of rows.
func (c *parquetColumn) read(file *parquet.File, left *int64) error {
	buf := make([]parquet.Value, 1024)
	for _, group := range file.RowGroups() {
		pages := group.ColumnChunks()[c.leaf.Index()].Pages()
		err := c.readPages(pages, buf, left)
		if err := errors.Join(err, pages.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (c *parquetColumn) readPages(pages parquet.Pages, buf []parquet.Value, left *int64) error {
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = c.readPage(page.Values(), buf, left)
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

func (c *parquetColumn) readPage(values parquet.ValueReader, buf []parquet.Value, left *int64) error {
	for {
		n, err := values.ReadValues(buf)
		for _, v := range buf[:n] {
			*left -= 16
			if k := v.Kind(); k == parquet.ByteArray || k == parquet.FixedLenByteArray {
				*left -= int64(len(v.ByteArray()))
			}
			if *left < 0 {
				return errTooMuch
			}
			if v.RepetitionLevel() == 0 {
				c.row++
			}
			c.value(v)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *parquetColumn) fault(format string, args ...any) {
	c.out.faults.add(c.row, rowNumber(c.row), fmt.Sprintf("column %s: ", quoted(c.out.name))+fmt.Sprintf(format, args...))
}

func (c *parquetColumn) addText(v parquet.Value) {
	if v.IsNull() {
		c.fault("the value is missing")
		c.out.texts = append(c.out.texts, "")
		return
	}
	c.out.texts = append(c.out.texts, string(v.ByteArray()))
}

func (c *parquetColumn) addBytes(v parquet.Value) {
	if v.IsNull() {
		c.fault("the value is missing")
	}
	c.out.blobs = append(c.out.blobs, slices.Clone(v.ByteArray()))
}

func (c *parquetColumn) addNumber(v parquet.Value) {
	c.out.numbers = append(c.out.numbers, c.number(v))
}

// addList appends to the list of the row. A null below the level of the elements is an empty list.
func (c *parquetColumn) addList(v parquet.Value) {
	if v.RepetitionLevel() == 0 {
		c.out.lists = append(c.out.lists, []float64{})
	}
	if v.IsNull() && v.DefinitionLevel() < c.leaf.MaxDefinitionLevel()-1 {
		return
	}
	if len(c.out.lists) == 0 {
		return // a list that begins in the middle: the number of rows will not fit
	}
	last := len(c.out.lists) - 1
	c.out.lists[last] = append(c.out.lists[last], c.number(v))
}

// number returns a value as a number; 0, and a fault, if it is none.
func (c *parquetColumn) number(v parquet.Value) float64 {
	var x float64
	unsigned := isUnsigned(c.leaf.Type())
	switch {
	case v.IsNull():
		c.fault("the value is missing")
	case v.Kind() == parquet.Boolean && v.Boolean():
		x = 1
	case v.Kind() == parquet.Int32 && unsigned:
		x = float64(v.Uint32())
	case v.Kind() == parquet.Int32:
		x = float64(v.Int32())
	case v.Kind() == parquet.Int64 && unsigned:
		x = float64(v.Uint64())
	case v.Kind() == parquet.Int64:
		x = float64(v.Int64())
	case v.Kind() == parquet.Float:
		x = float64(v.Float())
	case v.Kind() == parquet.Double:
		x = v.Double()
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		c.fault("%v: want a finite number", x)
		return 0
	}
	return x
}
