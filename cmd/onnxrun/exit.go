package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/onnxrun/onnxrun/onnx"
	"github.com/onnxrun/onnxrun/onnx/convert"
	"github.com/onnxrun/onnxrun/ops"
	"github.com/onnxrun/onnxrun/runtime"
)

// The exit codes of the command.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInvalid     = 3
	exitUnsupported = 4
	exitMismatch    = 5
	exitLimit       = 6
	exitInterrupt   = 130
)

// A codedError is an error that knows its exit code.
type codedError struct {
	code int
	err  error
}

// Error returns the message.
func (e *codedError) Error() string { return e.err.Error() }

// Unwrap returns the error inside.
func (e *codedError) Unwrap() error { return e.err }

func coded(code int, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

func usage(format string, args ...any) error { return coded(exitUsage, format, args...) }

// exitCode maps an error to the exit code of its kind. ctx ends without a deadline only by an interrupt.
func exitCode(ctx context.Context, err error) int {
	var own *codedError
	var format *onnx.FormatError
	var unsupported *ops.UnsupportedError
	var limit *runtime.LimitError
	var conversion *convert.Error
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		return exitInterrupt
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &format):
		return exitInvalid
	case errors.As(err, &unsupported), errors.As(err, &conversion):
		return exitUnsupported
	case errors.As(err, &limit), errors.Is(err, context.DeadlineExceeded):
		return exitLimit
	}
	return exitFailed
}
