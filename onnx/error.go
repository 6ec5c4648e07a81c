package onnx

import (
	"errors"
	"fmt"
	"strconv"
)

// A FormatError says that bytes are not a valid model: where, and why.
type FormatError struct {
	Path string // e.g. graph "main": node 3 "conv1": attribute 0 "pads"
	Err  error
}

// Error returns the path and the reason.
func (e *FormatError) Error() string {
	if e.Path == "" {
		return "onnx: " + e.Err.Error()
	}
	return "onnx: " + e.Path + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *FormatError) Unwrap() error { return e.Err }

// maxPath is the length from which the middle of a path is left out.
const maxPath = 300

// within puts a step before the path of err, which becomes a FormatError.
func within(err error, what string) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*FormatError](err); ok {
		if n := len(e.Path); n > maxPath {
			what += ": ... " + e.Path[n-maxPath/2:]
		} else if n > 0 {
			what += ": " + e.Path
		}
		return &FormatError{what, e.Err}
	}
	return &FormatError{what, err}
}

// at is within for the i-th part of a message. The name, if any, is read only when there is an error.
func at(err error, what string, i int, name *string) error {
	if err == nil {
		return nil
	}
	if name == nil {
		name = new(string)
	}
	return within(err, element(what, i, *name))
}

// element names the i-th part of a message for a path.
func element(what string, i int, name string) string {
	s := what + " " + strconv.Itoa(i)
	if name != "" {
		s += " " + strconv.Quote(name)
	}
	return s
}

// Malformed returns a FormatError for the part of a model that path names.
func Malformed(path, format string, args ...any) error {
	return &FormatError{Path: path, Err: fmt.Errorf(format, args...)}
}
