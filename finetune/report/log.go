package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	flushEvery = time.Second // how long step events may wait
	flushBytes = 1 << 16     // and how many bytes of them
	maxPending = 1 << 22     // bytes that a log keeps while the file takes none
	maxLine    = 1 << 20     // bytes of a line that is read
)

// A Log writes the events of a run to a file, one JSON object a line. Steps reach the file within a second, other events at
// once. Its methods are not for several goroutines.
//
// A run that checkpoints calls Sync before it: the log then holds all that the checkpoint has seen, and ResumeLog cuts what
// came later.
type Log struct {
	f       *os.File
	size    int64 // bytes of whole lines in the file
	pending []byte
	flushed time.Time
	history *History
}

// CreateLog starts an empty log and replaces a file that is there.
func CreateLog(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("report: log: %w", err)
	}
	return &Log{f: f, flushed: time.Now(), history: &History{}}, nil
}

// ResumeLog continues a log after the given step: what belongs to later steps is cut, with the end of an earlier run and
// whatever a crash has left of a line. A file that does not exist is created.
func ResumeLog(path string, step int) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("report: log: %w", err)
	}
	l := &Log{f: f, flushed: time.Now(), history: &History{}}
	l.size, err = scan(f, func(e Event) bool {
		if _, end := e.(End); end || e.step() > step {
			return false
		}
		l.history.Add(e)
		return true
	})
	if err == nil {
		err = f.Truncate(l.size)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("report: log %s: %w", path, err)
	}
	return l, nil
}

// ReadHistory reads a log up to the first line that is not a whole event.
func ReadHistory(r io.Reader) (*History, error) {
	h := &History{}
	_, err := scan(r, func(e Event) bool {
		h.Add(e)
		return true
	})
	return h, err
}

// scan visits events until visit returns false, a line is no whole event, or r ends. It returns the length of the lines whose
// events were accepted.
func scan(r io.Reader, visit func(Event) bool) (int64, error) {
	br := bufio.NewReaderSize(r, maxLine)
	size := int64(0)
	for {
		text, err := br.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return size, nil
		case err != nil:
			return size, err
		}
		e, err := parse(text)
		if err != nil || e != nil && !visit(e) {
			return size, nil
		}
		size += int64(len(text))
	}
}

// Write appends an event. When the file takes no bytes (a full disk), the error says so, the file keeps the whole lines it had,
// and the next write tries again.
func (l *Log) Write(e Event) error {
	text, err := encode(e)
	if err != nil {
		return err
	}
	l.history.Add(e)
	if len(l.pending)+len(text) > maxPending {
		l.pending = l.pending[:0]
		return fmt.Errorf("report: log: %d bytes that the file did not take are lost", maxPending)
	}
	l.pending = append(l.pending, text...)
	if _, step := e.(Step); step && len(l.pending) < flushBytes && time.Since(l.flushed) < flushEvery {
		return nil
	}
	return l.Flush()
}

// Flush hands to the file what waits. What it writes starts after the last whole line, so that a write that stopped halfway
// leaves no torn line behind once a later one succeeds.
func (l *Log) Flush() error {
	l.flushed = time.Now()
	if len(l.pending) == 0 {
		return nil
	}
	if _, err := l.f.WriteAt(l.pending, l.size); err != nil {
		return fmt.Errorf("report: log: %w", err)
	}
	l.size += int64(len(l.pending))
	l.pending = l.pending[:0]
	return nil
}

// Sync flushes and waits until the disk holds the file.
func (l *Log) Sync() error {
	if err := l.Flush(); err != nil {
		return err
	}
	if err := l.f.Sync(); err != nil {
		return fmt.Errorf("report: log: %w", err)
	}
	return nil
}

// Close syncs and closes the file.
func (l *Log) Close() error {
	err := l.Sync()
	return errors.Join(err, l.f.Close())
}

// History is what the log has seen, also before it was resumed.
func (l *Log) History() *History { return l.history }
