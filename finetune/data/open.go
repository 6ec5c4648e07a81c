package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Open reads the samples of a file or folder. The kind follows from the name:
//
//	DIR                        a sub-folder for each class, which holds pictures or sounds; or arrays, NAME.npy each
//	.csv .tsv .txt .data       a table of texts, fields between commas, tabulators, semicolons or bars
//	.jsonl .ndjson             a JSON object a line, whose fields are numbers, texts or lists
//	.parquet                   a table by columns
//	.npz .npy .safetensors     arrays whose first dimension counts the samples
//
// Tables of texts and JSON may be packed by gzip. An error is an *Error, which lists what is wrong and where, if the
// path can be read at all.
func Open(path string, o Options) (*Set, error) {
	if o.Like != nil {
		o = o.like(o.Like)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	p := newProblems(path, &o)
	if o.Constants, err = o.unbatched(); err != nil {
		return nil, p.fail("", "%v", err)
	}
	if info.IsDir() {
		return openFolder(path, o, p)
	}
	if !info.Mode().IsRegular() {
		return nil, p.fail("", "neither a file nor a folder")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	read := readers[extension(path)]
	if read == nil {
		return nil, p.fail("", "unknown format %q: want a folder, .csv, .tsv, .jsonl, .parquet, .npz, .npy or .safetensors",
			filepath.Ext(path))
	}
	t, err := read(f, info.Size(), &o, p)
	if err != nil {
		return nil, err
	}
	s, err := t.assemble(path, o, p)
	if err != nil && t.close != nil {
		return nil, errors.Join(err, t.close())
	}
	return s, err
}

// A reader makes a table of an open file.
type reader func(f *os.File, size int64, o *Options, p *problems) (*table, error)

// readers has the reader for each ending of a file's name.
var readers = map[string]reader{
	".csv": texts(readCSV), ".tsv": texts(readCSV), ".txt": texts(readCSV), ".data": texts(readCSV),
	".jsonl": texts(readJSONL), ".ndjson": texts(readJSONL), ".json": texts(readJSONL),
	".npz": readNPZ, ".npy": readNPY, ".safetensors": readSafetensors, ".parquet": readParquet,
}

// texts makes a reader of one that reads from the beginning to the end.
func texts(read func(io.Reader, *Options, *problems) (*table, error)) reader {
	return func(f *os.File, _ int64, o *Options, p *problems) (*table, error) { return read(f, o, p) }
}

// extension returns the ending of a file's name in lower case, without that of gzip.
func extension(path string) string {
	return filepath.Ext(strings.TrimSuffix(strings.ToLower(path), ".gz"))
}
