//go:build unix

package onnx

import "syscall"

// nonBlock keeps the opening of a pipe that has just replaced a regular file from waiting for a writer.
const nonBlock = syscall.O_NONBLOCK
