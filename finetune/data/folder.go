package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Names of the parts that a folder may keep apart.
var (
	trainNames = []string{"train", "training"}
	valNames   = []string{"val", "valid", "validation", "dev", "test", "testing", "eval"}
)

// Parts returns the parts of training and of validation that a folder keeps apart: sub-folders or files named train,
// and val, valid, validation, dev, test or eval, in this order. ok is false if it has none for training; val is empty
// if it has none to measure on.
func Parts(dir string) (train, val string, ok bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", false
	}
	find := func(names []string) string {
		for _, name := range names {
			for _, e := range entries {
				stem := strings.TrimSuffix(strings.ToLower(e.Name()), ".gz")
				if !e.IsDir() {
					ext := filepath.Ext(stem)
					if readers[ext] == nil {
						continue
					}
					stem = strings.TrimSuffix(stem, ext)
				}
				if stem == name {
					return filepath.Join(dir, e.Name())
				}
			}
		}
		return ""
	}
	train = find(trainNames)
	return train, find(valNames), train != ""
}

// lists are files that name the pictures or sounds of their folder.
var lists = []string{"metadata.csv", "metadata.jsonl", "metadata.parquet", "labels.csv", "labels.tsv"}

// openFolder reads a folder: one with a sub-folder for each class, one with a list of files, or one of arrays.
func openFolder(dir string, o Options, p *problems) (*Set, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if train, val, ok := Parts(dir); ok {
		return nil, p.fail("", "it keeps parts apart: open %s, and %s to measure on", filepath.Base(train), orNone(val))
	}
	var classes []string
	arrays, flat := false, false
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case slices.Contains(lists, name):
			return Open(filepath.Join(dir, name), o)
		case isFolder(dir, e):
			classes = append(classes, name)
		case extension(name) == ".npy":
			arrays = true
		case mediumOf(name) != "":
			flat = true
		}
	}
	switch {
	case o.Task == Unlabelled && (flat || len(classes) > 0):
		return openClasses(dir, []string{"."}, o, p)
	case len(classes) > 0:
		return openClasses(dir, classes, o, p)
	case arrays:
		t, err := readArrayFolder(dir, &o, p)
		if err != nil {
			return nil, err
		}
		return t.assemble(dir, o, p)
	}
	if flat {
		return nil, p.fail("", "no labels: want a sub-folder for each class, or a list %s of files and labels", lists[0])
	}
	return nil, p.fail("", "no samples: want a sub-folder for each class, arrays NAME.npy, or a list %s of files", lists[0])
}

func orNone(path string) string {
	if path == "" {
		return "nothing"
	}
	return filepath.Base(path)
}

// isFolder follows a link.
func isFolder(dir string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

// openClasses reads pictures or sounds from a folder for each class.
func openClasses(dir string, folders []string, o Options, p *problems) (*Set, error) {
	names := classOrder(folders)
	if o.Task == Unlabelled {
		names = folders
	} else if o.Classes != nil {
		names = o.Classes
	} else if o.Outputs > 1 && len(names) > o.Outputs {
		return nil, p.fail("", "%d folders of classes, the model tells %d apart", len(names), o.Outputs)
	}
	c := &classFiles{dir: dir, kinds: map[medium]int{}, problems: p}
	for _, folder := range folders {
		class := slices.Index(names, folder)
		if class < 0 {
			p.add(folder, "the class is none of the %d known ones", len(names))
			continue
		}
		if err := c.gather(folder, class); err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
	}
	if len(c.kinds) > 1 {
		p.add("", "%d pictures and %d sounds: want one kind", c.kinds[picture], c.kinds[sound])
	}
	if len(c.files) == 0 && p.Count == 0 {
		p.add("", "no samples: no pictures and no sounds")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	s := &Set{origin: &origin{path: dir, constants: o.Constants, augment: o.Augment, settings: map[string]string{}}}
	s.where = func(row int) string { return c.files[row] }
	s.targets = &targets{}
	s.rows = upTo(len(c.files))
	if o.Task != Unlabelled {
		s.targets = &targets{names: names, class: c.class}
		s.notes = append(s.notes, "labels: the folders' names")
	}
	if c.skipped > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%d files of other kinds are left out", c.skipped))
	}
	load := func(row int) ([]byte, error) { return readMedium(filepath.Join(dir, c.files[row])) }
	for kind := range c.kinds {
		if err := s.useMedia(kind, dir, load, &o, p); err != nil {
			return nil, err
		}
	}
	return s, p.err()
}

// classOrder sorts the names of folders, by value if all are numbers.
func classOrder(folders []string) []string {
	names := slices.Clone(folders)
	slices.Sort(names)
	if !slices.ContainsFunc(names, func(s string) bool { _, err := strconv.Atoi(s); return err != nil }) {
		slices.SortStableFunc(names, func(a, b string) int {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return x - y
		})
	}
	return names
}

// classFiles gathers the files of all classes.
type classFiles struct {
	dir      string
	files    []string // below dir
	class    []int64
	kinds    map[medium]int
	skipped  int
	problems *problems
}

// gather adds the files of a folder and of those below it, in the order of their names.
func (c *classFiles) gather(folder string, class int) error {
	before := len(c.files)
	root := filepath.Join(c.dir, folder)
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") && name != root {
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if e.IsDir() || err != nil {
			return err
		}
		rel = filepath.Join(folder, rel)
		kind := mediumOf(name)
		if kind == "" {
			c.skipped++
			return nil
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			c.problems.add(rel, "%v", err)
		case info.Size() == 0:
			c.problems.add(rel, "the file is empty")
		default:
			c.files, c.class = append(c.files, rel), append(c.class, int64(class))
			c.kinds[kind]++
		}
		return nil
	})
	if len(c.files) == before && err == nil {
		c.problems.add(folder, "the class is empty: it has no pictures and no sounds")
	}
	return err
}
