//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris)

package mmap

import (
	"errors"
	"os"
)

func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func duplicate(*os.File) *os.File { return nil }

func unmapFile([]byte) error { return nil }

func advise([]byte, Advice) error { return nil }
