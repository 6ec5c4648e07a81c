package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a file.
type Problem struct {
	Where string // the line, row, array or file below a folder
	What  string // what was expected and what came
}

// An Error lists what is wrong with a file or folder of samples.
type Error struct {
	Path     string
	Problems []Problem // the first ones
	Count    int       // of all
}

// Error names the path, and each of the listed problems on a line of its own if there are several.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "data: %s: ", e.Path)
	if e.Count == 1 {
		b.WriteString(e.Problems[0].String())
		return b.String()
	}
	fmt.Fprintf(&b, "%d problems", e.Count)
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	if more := e.Count - len(e.Problems); more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return b.String()
}

// String returns place and problem in one line.
func (p Problem) String() string {
	if p.Where == "" {
		return p.What
	}
	return p.Where + ": " + p.What
}

// problems gathers what is wrong with a path.
type problems struct {
	Error
	limit int
}

func newProblems(path string, o *Options) *problems {
	limit := o.MaxProblems
	if limit <= 0 {
		limit = defaultProblems
	}
	return &problems{Error: Error{Path: path}, limit: limit}
}

func (p *problems) add(where, format string, args ...any) {
	if p.Count++; len(p.Problems) < p.limit {
		p.Problems = append(p.Problems, Problem{where, fmt.Sprintf(format, args...)})
	}
}

// fail returns the error of a single problem that makes further reading pointless, after those found before it.
func (p *problems) fail(where, format string, args ...any) error {
	p.limit = max(p.limit, len(p.Problems)+1)
	p.add(where, format, args...)
	return &p.Error
}

// err returns nil if there were no problems.
func (p *problems) err() error {
	if p.Count == 0 {
		return nil
	}
	return &p.Error
}

// faults are problems that are found while reading and matter only if what they are about is used.
type faults struct {
	list  []fault
	count int
}

type fault struct {
	at int // where it stands among others: a line or row
	Problem
}

// maxFaults bounds what is kept of the faults of a column.
const maxFaults = 100

func (f *faults) add(at int, where, what string) {
	if f.count++; len(f.list) < maxFaults {
		f.list = append(f.list, fault{at, Problem{where, what}})
	}
}

// report passes the faults on as problems, in the order of their places.
func (f *faults) report(p *problems, more ...*faults) {
	list, count := slices.Clone(f.list), f.count
	for _, m := range more {
		list, count = append(list, m.list...), count+m.count
	}
	slices.SortStableFunc(list, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	for _, x := range list {
		p.add(x.Where, "%s", x.What)
	}
	p.Count += count - len(list)
}

// quoted shortens text from a file for a message.
func quoted(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
