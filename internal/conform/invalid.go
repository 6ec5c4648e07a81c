package conform

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/onnxrun/onnxrun/internal/feed"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
)

// An invalidCase is a row of the index of an archive of invalid models.
type invalidCase struct {
	Name        string
	Description string
	Expect      string
	Symlinks    [][2]string // name below the case's folder, target; "HARD:" before the target makes a hard link
}

// Invalid unpacks an archive of invalid, hostile or odd models, makes the links that its index names, and
// judges each model by what the index expects: that it is refused, refused or fails to run, is accepted, or
// just that nothing panics or takes too long. A model that should be accepted and needs an operator that is
// missing is skipped.
func Invalid(ctx context.Context, archive string, opts Options) ([]Result, error) {
	dir, err := os.MkdirTemp("", "onnxrun-invalid-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := unpack(archive, dir); err != nil {
		return nil, fmt.Errorf("conform: %s: %w", archive, err)
	}
	cases, err := invalidCases(dir)
	if err != nil {
		return nil, err
	}
	var list []Result
	for _, c := range cases {
		if ctx.Err() != nil {
			return list, ctx.Err()
		}
		list = append(list, c.judge(ctx, dir, opts))
	}
	return list, nil
}

func invalidCases(dir string) ([]invalidCase, error) {
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	var cases []invalidCase
	if err := json.Unmarshal(data, &cases); err != nil {
		return nil, fmt.Errorf("conform: index.json: %w", err)
	}
	for _, c := range cases {
		for _, l := range c.Symlinks {
			name := filepath.Join(dir, c.Name, l[0])
			if target, hard := strings.CutPrefix(l[1], "HARD:"); hard {
				err = os.Link(filepath.Join(filepath.Dir(name), target), name)
			} else {
				err = os.Symlink(l[1], name)
			}
			if err != nil {
				return nil, fmt.Errorf("conform: case %s: %w", c.Name, err)
			}
		}
	}
	return cases, nil
}

// unpack writes the files of a zip below dir; names that lead out of it are refused.
func unpack(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if !fs.ValidPath(f.Name) {
			return fmt.Errorf("the name %q leads out of the archive", f.Name)
		}
		if err := unpackFile(f, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(f *zip.File, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// judge opens and runs one model and compares what happened with what was expected.
func (c *invalidCase) judge(ctx context.Context, dir string, opts Options) Result {
	outer := ctx
	if opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.Timeout)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- attempt(ctx, filepath.Join(dir, c.Name, modelFile), opts) }()
	r := Result{Name: c.Name, Status: Passed}
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-outer.Done():
			err = outer.Err()
		case <-afterGrace():
			r.Status, r.Reason = Failed, "neither open nor run ends"
			return r
		}
	}
	var crash *panicError
	var missing *ops.UnsupportedError
	switch {
	case errors.As(err, &crash):
		r.Status, r.Reason = Failed, crash.Error()
	case err == nil && (c.Expect == "reject" || c.Expect == "reject_or_run_error" && opts.Attempt == nil):
		r.Status, r.Reason = Failed, "accepted: "+c.Description
	case err != nil && c.Expect == "accept" && errors.As(err, &missing):
		r.Status, r.Reason = Skipped, err.Error()
	case err != nil && c.Expect == "accept":
		r.Status, r.Reason = Failed, "refused: "+err.Error()
	case err != nil:
		r.Reason = err.Error()
	}
	return r
}

// A panicError is a panic that reached the caller of the library.
type panicError struct{ value any }

// Error writes the value of the panic.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// attempt opens a model and runs it on synthetic inputs, or does what the options say.
func attempt(ctx context.Context, file string, opts Options) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p}
		}
	}()
	if opts.Attempt != nil {
		return opts.Attempt(file)
	}
	s, err := runtime.Open(file, &opts.Runtime)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var source feed.Source
	in, _, err := source.Inputs(s.Inputs())
	if err != nil {
		return err
	}
	_, err = s.Run(ctx, in)
	return err
}
